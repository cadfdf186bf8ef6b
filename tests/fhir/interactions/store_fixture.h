// For the tests of what reads: writes straight to the store, each a second after the one before, and takes Bundles
// apart.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tests/fhir/support/interactions_fixture.h"

namespace hilum::fhir {

class StoreFixture : public InteractionsFixture {
 protected:
  static constexpr std::string_view kBase = "http://hilum.test/fhir";

  void SetUp() override {
    resource_options_.base_url = std::string(kBase);
    Open();
  }

  void Configure(InteractionOptions options) {
    interactions_ = std::make_unique<Interactions>(*resources_, std::move(options), std::string(32, 'k'));
  }

  // A new version of the resource, a second after whatever was before.
  void Put(const std::string& text, Method method = Method::kUpdate) {
    clock_.Advance(std::chrono::seconds(1));
    const auto document = json::Document::Parse(text);
    ASSERT_TRUE(document.ok()) << document.status().ToString();
    const Validation validation = Validate(document->root());
    ASSERT_TRUE(validation.ok()) << OperationOutcome(validation.issues);
    const TypeId type = *ResourceTypeOf(document->root());
    const std::string id(json::Find(document->root(), "id").TextOr(""));
    Write write = WriteOf(method, type, id);
    auto prepared = resources_->Prepare(document->root(), validation.typing, id, write.seen_version + 1);
    ASSERT_TRUE(prepared.ok()) << prepared.status().ToString();
    write.after = *std::move(prepared);
    Commit(std::move(write));
  }

  void Delete(std::string_view type, const std::string& id) {
    clock_.Advance(std::chrono::seconds(1));
    Commit(WriteOf(Method::kDelete, *FindResourceType(type), id));
  }

  Answer Get(std::string_view path_and_query, Interaction request = {}) {
    request.method = "GET";
    return Run(path_and_query, std::move(request));
  }

  // `path_and_query` below the base, or a whole URL of it.
  Answer Run(std::string_view url, Interaction request) {
    if (url.starts_with(kBase)) url.remove_prefix(kBase.size());
    const std::string_view query = url.substr(std::min(url.find('?'), url.size()));
    std::string_view path = url.substr(0, url.size() - query.size());
    while (!path.empty()) {
      const std::string_view segment = path.substr(0, path.find('/'));
      path.remove_prefix(std::min(segment.size() + 1, path.size()));
      if (!segment.empty()) request.path.emplace_back(segment);
    }
    if (!query.empty()) {
      auto parameters = SplitQuery(query.substr(1), 1000);
      EXPECT_TRUE(parameters.ok());
      request.query.insert(request.query.begin(), parameters->begin(), parameters->end());
    }
    request.base_url = std::string(kBase);
    return interactions_->Run(request);
  }

 private:
  Write WriteOf(Method method, TypeId type, const std::string& id) {
    Write write{.method = method, .type = type, .id = id};
    const auto reader = resources_->Read();
    const auto head = reader->FindHead(type, id);
    EXPECT_TRUE(head.ok()) << head.status().ToString();
    if (!*head || (*head)->version == 0) return write;
    write.seen_version = (*head)->version;
    if ((*head)->deleted) return write;
    const auto version = reader->Newest(type, (*head)->doc);
    EXPECT_TRUE(version.ok() && version->has_value());
    auto before = resources_->PrepareStored(**version);
    EXPECT_TRUE(before.ok()) << before.status().ToString();
    write.before = *std::move(before);
    return write;
  }

  void Commit(Write write) {
    std::vector<Write> writes;
    writes.push_back(std::move(write));
    const auto committed = resources_->Commit(std::move(writes), {});
    ASSERT_TRUE(committed.ok()) << committed.status().ToString();
    ASSERT_FALSE(committed->outdated);
  }
};

// A Bundle, taken apart.
struct BundleView {
  explicit BundleView(const Answer& answer) {
    EXPECT_EQ(answer.status, 200) << answer.body;
    const auto document = json::Document::Parse(answer.body);
    EXPECT_TRUE(document.ok()) << document.status().ToString();
    if (!document.ok()) return;
    EXPECT_TRUE(Validate(document->root()).ok()) << OperationOutcome(Validate(document->root()).issues);
    if (const auto number = json::Find(document->root(), "total")) total = std::stol(std::string(number->text()));
    if (const auto list = json::Find(document->root(), "link")) {
      for (const json::Value link : list->children()) {
        links.push_back(
            {std::string(json::Find(link, "relation").TextOr("")), std::string(json::Find(link, "url").TextOr(""))});
      }
    }
    const auto list = json::Find(document->root(), "entry");
    if (!list) return;
    for (const json::Value entry : list->children()) AddEntry(entry);
  }

  // Empty when there is none.
  std::string Link(std::string_view relation) const {
    for (const Parameter& link : links) {
      if (link.name == relation) return link.value;
    }
    return "";
  }

  long total = -1;                       // -1: none
  std::vector<Parameter> links;          // relation, url
  std::vector<std::string> matches;      // "Patient/1" in order
  std::vector<std::string> included;     // likewise
  std::vector<std::string> outcomes;     // JSON
  std::vector<std::string> resources;    // JSON of each entry but outcomes; empty for deletions
  std::vector<std::string> transitions;  // of a history: "PUT Patient/1 200 W/"2""

 private:
  void AddEntry(json::Value entry) {
    const json::MaybeValue resource = json::Find(entry, "resource");
    const std::string raw(resource ? resource->raw() : Bytes());
    const std::string_view mode = json::Find(entry, "search")["mode"].TextOr("");
    if (mode == "outcome") {
      outcomes.push_back(raw);
      return;
    }
    resources.push_back(raw);
    if (const json::MaybeValue request = json::Find(entry, "request")) {
      const json::MaybeValue response = json::Find(entry, "response");
      transitions.push_back(std::string(request["method"].TextOr("")) + " " + std::string(request["url"].TextOr("")) +
                            " " + std::string(response["status"].TextOr("")) + " " +
                            std::string(response["etag"].TextOr("")));
      return;
    }
    const std::string name =
        std::string(resource["resourceType"].TextOr("")) + "/" + std::string(resource["id"].TextOr(""));
    EXPECT_EQ(json::Find(entry, "fullUrl").TextOr(""), "http://hilum.test/fhir/" + name);
    (mode == "include" ? included : matches).push_back(name);
  }
};

inline std::string Patient(const std::string& id, const std::string& family, const std::string& more = "") {
  return R"({"resourceType":"Patient","id":")" + id + R"(","name":[{"family":")" + family + "\"}]" + more + "}";
}

inline std::string Observation(const std::string& id, const std::string& patient, const std::string& code,
                               const std::string& more = "") {
  return R"({"resourceType":"Observation","id":")" + id +
         R"(","status":"final","code":{"coding":[{"system":"http://loinc.org","code":")" + code +
         R"("}]},"subject":{"reference":"Patient/)" + patient + "\"}" + more + "}";
}

}  // namespace hilum::fhir
