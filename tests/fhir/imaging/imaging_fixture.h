// A store with images, resources and what links them; instances come the way of STOW-RS.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "fhir/imaging/linker.h"
#include "fhir/imaging/verify.h"
#include "fhir/store/verify.h"
#include "tests/fhir/support/interactions_fixture.h"
#include "tests/support/instances.h"

namespace hilum::fhir::imaging {

using hilum::testing::InstanceSpec;
using hilum::testing::MakeInstance;
using hilum::testing::OneItem;

class ImagingFixture : public InteractionsFixture {
 protected:
  void SetUp() override {
    options_.resolver.systems = {{"", "http://hospital.test/mrn"}};
    InteractionsFixture::SetUp();
    Link();
  }
  void TearDown() override { linker_.reset(); }

  void Link() {
    linker_.reset();
    auto linker = Linker::Start(*store_, *resources_, options_, Logger());
    ASSERT_TRUE(linker.ok()) << linker.status().ToString();
    linker_ = *std::move(linker);
  }
  void Reopen() {
    linker_.reset();
    InteractionsFixture::Reopen();
    Link();
  }

  // In one request.
  void Stow(const std::vector<InstanceSpec>& specs, DuplicatePolicy duplicates = DuplicatePolicy::kReject) {
    clock_.Advance(std::chrono::seconds(1));
    IngestBatch batch(*store_, {.duplicates = duplicates}, std::nullopt, Logger());
    for (const InstanceSpec& spec : specs) {
      batch.BeginInstance();
      batch.Append(MakeInstance(spec));
      batch.EndInstance();
    }
    for (const InstanceOutcome& outcome : batch.Finish()) EXPECT_TRUE(outcome.stored()) << outcome.explanation;
  }
  void Delete(const std::string& study, std::optional<std::string> series = std::nullopt,
              std::optional<std::string> sop = std::nullopt) {
    clock_.Advance(std::chrono::seconds(1));
    const Status status = store_->Delete(study, series, sop);
    EXPECT_TRUE(status.ok()) << status.ToString();
  }
  // What `hilum verify --deep` looks at.
  void ExpectAllAgrees() {
    const auto links = VerifyLinks(*resources_, LinkDepth::kDeep);
    ASSERT_TRUE(links.ok()) << links.status().ToString();
    for (const std::string& finding : links->findings.texts) ADD_FAILURE() << finding;
    const auto resources = VerifyResources(*store_, *resources_, {});
    ASSERT_TRUE(resources.ok()) << resources.status().ToString();
    for (const std::string& finding : resources->findings.texts) ADD_FAILURE() << finding;
    const auto images = storage::Verify(*store_, {});
    ASSERT_TRUE(images.ok()) << images.status().ToString();
    for (const std::string& finding : images->findings.texts) ADD_FAILURE() << finding;
  }
  // The resource, whole and valid; "410 ..." and the like when there is none.
  std::string Read(const std::string& url) {
    const Answer answer = Run("GET", url);
    if (answer.status != 200) return std::to_string(answer.status);
    const auto document = json::Document::Parse(answer.body);
    EXPECT_TRUE(document.ok() && Validate(document->root()).ok()) << answer.body;
    return answer.body;
  }
  // "1.2.1.1:1.2.1.1.1,1.2.1.1.2 ..." in the order of the resource.
  static std::string Images(const std::string& resource) {
    const auto document = json::Document::Parse(resource);
    std::string out;
    const json::MaybeValue list = document.ok() ? json::Find(document->root(), "series") : json::MaybeValue();
    if (!list) return out;
    for (const json::Value series : list->children()) {
      out.append(out.empty() ? "" : " ").append(json::Find(series, "uid").TextOr("")).append(":");
      const json::MaybeValue instances = json::Find(series, "instance");
      if (!instances) continue;
      std::string_view separator;
      for (const json::Value instance : instances->children()) {
        out.append(separator).append(json::Find(instance, "uid").TextOr(""));
        separator = ",";
      }
    }
    return out;
  }

  LinkerOptions options_;
  std::unique_ptr<Linker> linker_;
};

}  // namespace hilum::fhir::imaging
