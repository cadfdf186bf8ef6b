// What the tests of the index share: a store in a folder of its own.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "base/clock.h"
#include "base/disk.h"
#include "storage/index/index.h"
#include "tests/support/temp_dir.h"

namespace hilum::storage {

inline std::string TextOf(const Status& status) {
  return status.ToString();
}
template <typename T>
std::string TextOf(const Result<T>& result) {
  return result.status().ToString();
}
#define HILUM_ASSERT_OK(expression)                 \
  do {                                              \
    const auto& outcome_ = (expression);            \
    ASSERT_TRUE(outcome_.ok()) << TextOf(outcome_); \
  } while (false)

class IndexStore {
 public:
  explicit IndexStore(std::string directory) : directory_(std::move(directory)) { Reopen(); }

  void Reopen() {
    writer_.reset();
    kv_.reset();
    KvOptions options;
    options.directory = directory_;
    options.block_cache_bytes = 8 << 20;
    options.write_buffer_bytes = 8 << 20;
    options.low_water_bytes = 16 << 20;
    auto kv = Kv::Open(options, mergers_, disk_, clock_, Logger());
    if (!kv.ok()) throw std::runtime_error(kv.status().ToString());
    kv_ = *std::move(kv);
    writer_ = Writer::Start(*kv_, mergers_, {});
  }

  Status Run(Task task) { return writer_->Run(std::move(task)).status(); }
  Status Update(const Schema& schema, CollectionId collection, Doc doc, const DocumentValues* before,
                const DocumentValues* after) {
    return Run(
        [&](Txn& txn) { return IndexWriter(schema, Tenant::kDefault).Update(txn, collection, doc, before, after); });
  }
  IndexReader Reader(const Schema& schema) const { return IndexReader(*kv_, schema, Tenant::kDefault, nullptr); }

  Kv& kv() { return *kv_; }

 private:
  const std::string directory_;
  PosixDisk disk_;
  SystemClock clock_;
  std::array<const Merger*, kFamilyCount> mergers_{nullptr, nullptr, nullptr, &IndexMerger(), nullptr, nullptr};
  std::unique_ptr<Kv> kv_;
  std::unique_ptr<Writer> writer_;
};

}  // namespace hilum::storage
