#include "server/fhir_rest/path.h"

#include <gtest/gtest.h>

namespace hilum::fhir_rest {
namespace {

using Path = std::vector<std::string>;

TEST(FhirPath, SegmentsAreDecodedAndASlashAtTheEndDoesNotCount) {
  EXPECT_EQ(*ParsePath(""), Path{});
  EXPECT_EQ(*ParsePath("/"), Path{});
  EXPECT_EQ(*ParsePath("/Patient/1/_history/2"), (Path{"Patient", "1", "_history", "2"}));
  EXPECT_EQ(*ParsePath("/Patient/"), Path{"Patient"});
  EXPECT_EQ(*ParsePath("/Patient/%24everything"), (Path{"Patient", "$everything"}));
}

TEST(FhirPath, WhatCanBeNoneOfOursIsRefused) {
  for (const std::string path : {"//Patient", "/Patient//1", "/Patient/a%2Fb", "/Patient/%C3%BC", "/Patient/%00",
                                 "/Patient/%4", "/Patient/a b", "/1/2/3/4/5/6/7/8/9"}) {
    const auto parsed = ParsePath(path);
    ASSERT_FALSE(parsed.ok()) << path;
    EXPECT_EQ(parsed.status().code(), Code::kInvalid);
  }
  EXPECT_FALSE(ParsePath("/Patient/" + std::string(5000, 'a')).ok());
}

TEST(FhirPath, AllowedMethodsFollowTheShape) {
  EXPECT_EQ(AllowedMethods({"Patient", "1"}), "GET, HEAD, PUT, PATCH, DELETE, OPTIONS");
  EXPECT_EQ(AllowedMethods({"Patient"}), "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
  EXPECT_EQ(AllowedMethods({"metadata"}), "GET, HEAD, OPTIONS");
  EXPECT_EQ(AllowedMethods({"Patient", "1", "_history", "1"}), "GET, HEAD, OPTIONS");
  EXPECT_EQ(AllowedMethods({"Patient", "1", "$meta"}), "GET, HEAD, POST, OPTIONS");
}

TEST(FhirPath, InteractionsHaveOneOfAFewNames) {
  EXPECT_EQ(InteractionName("POST", {}), "bundle");
  EXPECT_EQ(InteractionName("GET", {"metadata"}), "capabilities");
  EXPECT_EQ(InteractionName("GET", {"Patient"}), "search-type");
  EXPECT_EQ(InteractionName("POST", {"Patient", "_search"}), "search-type");
  EXPECT_EQ(InteractionName("GET", {"Patient", "1"}), "read");
  EXPECT_EQ(InteractionName("GET", {"Patient", "1", "_history"}), "history-instance");
  EXPECT_EQ(InteractionName("GET", {"Patient", "1", "_history", "1"}), "vread");
  EXPECT_EQ(InteractionName("GET", {"Patient", "_history"}), "history-type");
  EXPECT_EQ(InteractionName("GET", {"_history"}), "history-system");
  EXPECT_EQ(InteractionName("GET", {"Patient", "1", "Observation"}), "search-compartment");
  EXPECT_EQ(InteractionName("GET", {"Patient", "1", "$everything"}), "operation");
  EXPECT_EQ(InteractionName("POST", {"Patient"}), "create");
  EXPECT_EQ(InteractionName("PUT", {"Patient"}), "update");
  EXPECT_EQ(InteractionName("PATCH", {"Patient", "1"}), "patch");
  EXPECT_EQ(InteractionName("DELETE", {"Patient", "1"}), "delete");
  EXPECT_EQ(InteractionName("BREW", {"Patient", "1"}), "other");
}

}  // namespace
}  // namespace hilum::fhir_rest
