#include "server/fhir_rest/negotiate.h"

#include <gtest/gtest.h>

namespace hilum::fhir_rest {
namespace {

http::Request With(http::Headers headers) {
  http::Request request;
  request.headers = std::move(headers);
  return request;
}

bool TakesAccept(const std::string& accept) {
  return CheckWantsJson(With({{"Accept", accept}}), {}).ok();
}

bool TakesFormat(const std::string& format) {
  return CheckWantsJson(With({{"Accept", "application/fhir+xml"}}), {{"_format", format}}).ok();
}

TEST(FhirNegotiation, JsonInAnyOfItsNamesIsAccepted) {
  for (const std::string accept :
       {"", "*/*", "application/fhir+json", "application/json", "text/json", "application/*", "Application/FHIR+JSON",
        "application/fhir+json;fhirVersion=4.0", "application/fhir+json; fhirVersion=4.0.1; charset=utf-8",
        "application/fhir+xml, application/fhir+json;q=0.1",
        "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "nonsense"})
    EXPECT_TRUE(TakesAccept(accept)) << accept;
}

TEST(FhirNegotiation, WhatIsNotJsonOrNotR4IsRefused) {
  for (const std::string accept :
       {"application/fhir+xml", "text/html", "application/fhir+json;fhirVersion=5.0", "application/fhir+json;q=0",
        "image/png, text/turtle", "application/fhir+json;q=0, */*", "application/*;q=0, */*"})
    EXPECT_FALSE(TakesAccept(accept)) << accept;
}

TEST(FhirNegotiation, FormatWinsOverAccept) {
  EXPECT_TRUE(TakesFormat("json"));
  EXPECT_TRUE(TakesFormat("application/json"));
  EXPECT_TRUE(TakesFormat("application/fhir+json"));
  EXPECT_TRUE(TakesFormat("application/fhir json")) << "a '+' that was not escaped";
  EXPECT_FALSE(TakesFormat("xml"));
  EXPECT_FALSE(TakesFormat("application/fhir+xml"));
  EXPECT_FALSE(CheckWantsJson(With({{"Accept", "*/*"}}), {{"_format", "ttl"}}).ok());
}

TEST(FhirNegotiation, BodiesMustBeWhatIsExpected) {
  const auto takes = [](const std::string& content_type, BodyKind kind) {
    const Status status = CheckContentType(With({{"Content-Type", content_type}}), kind);
    EXPECT_TRUE(status.ok() || status.code() == Code::kUnsupported) << status.message();
    return status.ok();
  };
  EXPECT_TRUE(takes("application/fhir+json; charset=UTF-8", BodyKind::kResource));
  EXPECT_TRUE(takes("application/json", BodyKind::kResource));
  EXPECT_FALSE(takes("application/fhir+xml", BodyKind::kResource));
  EXPECT_FALSE(takes("application/x-www-form-urlencoded", BodyKind::kResource));
  EXPECT_FALSE(takes("application/fhir+json; charset=latin1", BodyKind::kResource));
  EXPECT_FALSE(takes("application/fhir+json; fhirVersion=3.0", BodyKind::kResource));
  EXPECT_TRUE(takes("application/json-patch+json", BodyKind::kJsonPatch));
  EXPECT_FALSE(takes("application/fhir+json", BodyKind::kJsonPatch));
  EXPECT_TRUE(takes("application/x-www-form-urlencoded", BodyKind::kForm));
  EXPECT_FALSE(takes("application/json", BodyKind::kForm));
  EXPECT_TRUE(CheckContentType(With({}), BodyKind::kResource).ok());
  EXPECT_FALSE(CheckContentType(With({{"Content-Encoding", "gzip"}}), BodyKind::kResource).ok());
}

TEST(FhirNegotiation, PreferencesComeInAnyNumberAndForm) {
  fhir::Interaction interaction;
  EXPECT_TRUE(ReadPreferences(With({{"Prefer", "respond-async, return=minimal"}, {"Prefer", "handling=\"strict\""}}),
                              &interaction));
  EXPECT_EQ(interaction.prefer_return, fhir::Return::kMinimal);
  EXPECT_EQ(interaction.prefer_handling, fhir::Handling::kStrict);
  EXPECT_FALSE(ReadPreferences(With({{"Prefer", "Handling = lenient; return=OperationOutcome"}}), &interaction));
  EXPECT_EQ(interaction.prefer_return, fhir::Return::kOutcome);
  EXPECT_EQ(interaction.prefer_handling, fhir::Handling::kLenient);
  EXPECT_FALSE(ReadPreferences(With({{"Prefer", "return=everything, handling, ="}}), &interaction));
  EXPECT_EQ(interaction.prefer_return, fhir::Return::kOutcome);
}

}  // namespace
}  // namespace hilum::fhir_rest
