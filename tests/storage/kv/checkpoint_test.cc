// Copies of a store that goes on changing.
#include <dirent.h>
#include <dlfcn.h>

#include <functional>
#include <utility>

#include "tests/storage/kv/kv_testing.h"

namespace {

// Runs once, when somebody lists a database.
std::function<void()> on_list;

}  // namespace

// RocksDB lists the logs for a checkpoint after it has listed the tables.
extern "C" DIR* opendir(const char* path) {
  static const auto real = reinterpret_cast<DIR* (*)(const char*)>(::dlsym(RTLD_NEXT, "opendir"));
  if (std::string_view(path).ends_with("/db") && on_list) std::exchange(on_list, nullptr)();
  return real(path);
}

namespace hilum::storage {
namespace {

using namespace testing;

// Of several large values in order, so that it is written as tables.
Batch LargeBatch() {
  Batch batch;
  for (char key = 'a'; key < 'a' + 20; ++key) {
    for (char second = 'a'; second < 'a' + 20; ++second)
      batch.Put(Family::kResource, std::string{key, second}, std::string(30'000, key));
  }
  return batch;
}

TEST(CheckpointTest, HoldsALargeCommitThatCameMeanwhileWhenItHoldsALaterOne) {
  TempDirectory directory;
  const auto kv = MustOpen(directory / "kv");
  ASSERT_NE(kv, nullptr);
  HILUM_EXPECT_OK(kv->Commit(OnePut(Family::kCatalogue, "before", "v")));
  on_list = [&] {
    HILUM_EXPECT_OK(kv->Commit(LargeBatch()));
    HILUM_EXPECT_OK(kv->Commit(OnePut(Family::kCatalogue, "after", "v")));
  };
  HILUM_EXPECT_OK(kv->Checkpoint(directory / "copy"));
  ASSERT_FALSE(on_list) << "the commits came while it was copied";

  const auto copy = MustOpen(directory / "copy");
  ASSERT_NE(copy, nullptr);
  EXPECT_EQ(Read(*copy, Family::kCatalogue, "before"), "v");
  EXPECT_EQ(Read(*copy, Family::kCatalogue, "after"), "v");
  EXPECT_EQ(Read(*copy, Family::kResource, "tt"), std::string(30'000, 't'));
}

}  // namespace
}  // namespace hilum::storage
