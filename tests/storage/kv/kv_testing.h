// What the tests of the key-value layer share.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/disk.h"
#include "storage/kv/kv.h"

namespace hilum::storage::testing {

// A directory that is removed with its content.
class TempDirectory {
 public:
  TempDirectory() {
    std::string name = ::testing::TempDir() + "hilum_kv_XXXXXX";
    path_ = ::mkdtemp(name.data());
  }
  ~TempDirectory() { std::filesystem::remove_all(path_); }
  const std::string& path() const { return path_; }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

// Values and operands are sets of letters, sorted: folding is union. '!' stands for damaged bytes.
class SetMerger : public Merger {
 public:
  const char* Name() const override { return "test.set.1"; }
  bool Fold(Bytes, std::optional<Bytes> base, std::span<const Bytes> operands, std::string* out) const override {
    std::set<char> letters;
    if (base) letters.insert(base->begin(), base->end());
    for (Bytes operand : operands) letters.insert(operand.begin(), operand.end());
    out->assign(letters.begin(), letters.end());
    return !letters.contains('!');
  }
  bool Combine(Bytes key, std::span<const Bytes> operands, std::string* out) const override {
    return Fold(key, std::nullopt, operands, out);
  }
  bool IsNothing(Bytes, Bytes value) const override { return value == "?"; }
};

// Family::kIndex merges sets; the others do not merge.
inline std::span<const Merger* const> TestMergers() {
  static const SetMerger kSet;
  static const std::array<const Merger*, kFamilyCount> kMergers = {nullptr, nullptr, nullptr, &kSet, nullptr, nullptr};
  return kMergers;
}

// Small enough for a test to reach flushes and compactions, and for a small disk.
inline KvOptions SmallOptions(const std::string& directory) {
  KvOptions options;
  options.directory = directory;
  options.block_cache_bytes = 4 << 20;
  options.write_buffer_bytes = 4 << 20;
  options.low_water_bytes = 16 << 20;
  return options;
}

inline Result<std::unique_ptr<Kv>> OpenKv(KvOptions options) {
  static PosixDisk disk;
  static SystemClock clock;
  return Kv::Open(std::move(options), TestMergers(), disk, clock, Logger());
}

// The store at `directory`; the test fails when it does not open.
inline std::unique_ptr<Kv> MustOpen(const std::string& directory) {
  auto kv = OpenKv(SmallOptions(directory));
  EXPECT_TRUE(kv.ok()) << kv.status().ToString();
  return kv.ok() ? std::move(*kv) : nullptr;
}

inline Batch OnePut(Family family, Bytes key, Bytes value) {
  Batch batch;
  batch.Put(family, key, value);
  return batch;
}

// The value, or "(absent)", or the error.
inline std::string Read(const Kv& kv, Family family, Bytes key, const Snapshot* snapshot = nullptr) {
  const auto value = kv.Get(family, key, snapshot);
  if (!value.ok()) return value.status().ToString();
  return value->value_or("(absent)");
}

// A value that can be checked from its key alone; sizes vary.
inline std::string ValueFor(const std::string& key) {
  std::mt19937_64 random(std::hash<std::string>()(key));
  std::string value(random() % 2000, '\0');
  for (char& byte : value) byte = static_cast<char>(random());
  return value;
}

inline uint64_t SeedFromClock() {
  const uint64_t seed = std::random_device()();
  ::testing::Test::RecordProperty("seed", std::to_string(seed));
  return seed;
}

#define HILUM_EXPECT_OK(expression)                     \
  do {                                                  \
    const auto& outcome_ = (expression);                \
    EXPECT_TRUE(outcome_.ok()) << StatusText(outcome_); \
  } while (false)
inline std::string StatusText(const Status& status) {
  return status.ToString();
}
template <typename T>
std::string StatusText(const Result<T>& result) {
  return result.status().ToString();
}

}  // namespace hilum::storage::testing
