// The FHIR part of a server without HTTP, in a folder of its own.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/disk.h"
#include "fhir/interactions/interactions.h"
#include "tests/bench/support/bare_file.h"

namespace hilum::bench {

class Server {
 public:
  static constexpr std::string_view kBase = "http://bench.example/fhir";

  // Settings are what the server has by default.
  explicit Server(const std::string& folder) {
    storage::StoreOptions options;
    options.directory = folder;
    auto store = storage::Store::Open(options, disk_, clock_, random_, Logger());
    Require(store.status());
    store_ = *std::move(store);
    auto resources = fhir::ResourceStore::Open(*store_, {.base_url = std::string(kBase)}, clock_, random_);
    Require(resources.status());
    resources_ = *std::move(resources);
    interactions_ = std::make_unique<fhir::Interactions>(*resources_, fhir::InteractionOptions{}, std::string(32, 'k'));
  }

  storage::Kv& kv() { return store_->kv(); }
  fhir::ResourceStore& resources() { return *resources_; }
  fhir::Interactions& interactions() { return *interactions_; }
  Disk& disk() { return disk_; }

  // Ends the program unless the answer is 200. `url` is below the base, or a whole one of it.
  std::string Get(std::string_view url) {
    if (url.starts_with(kBase)) url.remove_prefix(kBase.size() + 1);
    fhir::Interaction request{.method = "GET", .base_url = std::string(kBase)};
    const size_t question = std::min(url.find('?'), url.size());
    std::string_view path = url.substr(0, question);
    while (!path.empty()) {
      const std::string_view segment = path.substr(0, path.find('/'));
      path.remove_prefix(std::min(segment.size() + 1, path.size()));
      request.path.emplace_back(segment);
    }
    if (question < url.size()) {
      auto parameters = fhir::SplitQuery(url.substr(question + 1), 100);
      Require(parameters.status());
      request.query = *std::move(parameters);
    }
    request.prefer_handling = fhir::Handling::kStrict;
    return Body(interactions_->Run(request), url);
  }

  void Post(std::string bundle) {
    Body(interactions_->Run({.method = "POST", .body = std::move(bundle), .base_url = std::string(kBase)}), "a Bundle");
  }

 private:
  static std::string Body(fhir::Answer answer, std::string_view what) {
    if (answer.status == 200) return std::move(answer.body);
    std::fprintf(stderr, "%.*s: %d %.500s\n", static_cast<int>(what.size()), what.data(), answer.status,
                 answer.body.c_str());
    std::exit(1);
  }

  PosixDisk disk_;
  SystemClock clock_;
  SystemRandom random_;
  std::unique_ptr<storage::Store> store_;
  std::unique_ptr<fhir::ResourceStore> resources_;
  std::unique_ptr<fhir::Interactions> interactions_;
};

}  // namespace hilum::bench
