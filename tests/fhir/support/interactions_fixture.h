// A store in a folder of its own, with FHIR interactions on it. For tests only.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "fhir/interactions/interactions.h"
#include "tests/support/seeded_random.h"
#include "tests/support/small_store.h"
#include "tests/support/temp_dir.h"

namespace hilum::fhir {

class InteractionsFixture : public ::testing::Test {
 protected:
  void SetUp() override { Open(); }

  void Open() {
    auto store =
        storage::Store::Open(hilum::testing::SmallStore(directory_.path() + "/data"), disk_, clock_, random_, Logger());
    ASSERT_TRUE(store.ok()) << store.status().ToString();
    store_ = *std::move(store);
    auto resources = ResourceStore::Open(*store_, resource_options_, clock_, random_);
    ASSERT_TRUE(resources.ok()) << resources.status().ToString();
    resources_ = *std::move(resources);
    interactions_ = std::make_unique<Interactions>(*resources_, InteractionOptions(), std::string(32, 'k'));
  }
  void Reopen() {
    interactions_.reset();
    resources_.reset();
    store_.reset();
    Open();
  }

  // "GET", "Patient?name=x", ...
  Interaction Request(std::string method, std::string_view url, std::string body = "") const {
    Interaction request{.method = std::move(method), .body = std::move(body), .base_url = "http://test/fhir"};
    const size_t question = url.find('?');
    std::string_view path = url.substr(0, question);
    while (!path.empty()) {
      const size_t slash = std::min(path.find('/'), path.size());
      request.path.emplace_back(path.substr(0, slash));
      path.remove_prefix(std::min(slash + 1, path.size()));
    }
    if (question != std::string_view::npos) request.query = SplitQuery(url.substr(question + 1), 1000).value();
    return request;
  }
  Answer Run(std::string method, std::string_view url, std::string body = "") {
    return interactions_->Run(Request(std::move(method), url, std::move(body)));
  }
  // Bundle.total of a search.
  long Total(std::string_view url) {
    const Answer answer = Run("GET", url);
    const auto document = json::Document::Parse(answer.body);
    if (!document.ok() || answer.status != 200) {
      ADD_FAILURE() << url << ": " << answer.status << " " << answer.body.substr(0, 500);
      return -1;
    }
    const json::MaybeValue total = json::Find(document->root(), "total");
    return total ? std::stol(std::string(total->text())) : -1;
  }
  // The text at a path of property names and places: "entry.0.response.status".
  static std::string At(const std::string& text, std::string_view path) {
    const auto document = json::Document::Parse(text);
    if (!document.ok()) return "(no JSON)";
    json::Value value = document->root();
    while (!path.empty()) {
      const size_t dot = std::min(path.find('.'), path.size());
      const std::string_view name = path.substr(0, dot);
      path.remove_prefix(std::min(dot + 1, path.size()));
      if (value.is_array()) {
        const size_t place = std::stoul(std::string(name));
        if (place >= value.size()) return "(nothing)";
        value = value.At(place);
        continue;
      }
      const json::MaybeValue found = json::Find(value, name);
      if (!found) return "(nothing)";
      value = *found;
    }
    return std::string(value.is_string() ? value.text() : value.raw());
  }
  static std::string IdOf(const Answer& answer) { return At(answer.body, "id"); }

  hilum::testing::TempDir directory_;
  PosixDisk disk_;
  FakeClock clock_;
  testing::SeededRandom random_{1};
  ResourceStoreOptions resource_options_;
  std::unique_ptr<storage::Store> store_;
  std::unique_ptr<ResourceStore> resources_;
  std::unique_ptr<Interactions> interactions_;
};

}  // namespace hilum::fhir
