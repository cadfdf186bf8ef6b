#include "storage/store/secret.h"

#include "tests/support/instances.h"

namespace hilum::testing {
namespace {

using StoredSecret = StoreFixture;

TEST_F(StoredSecret, StaysTheSameAcrossRestarts) {
  const auto first = storage::StoredSecret(*store_, random_, "cursor");
  ASSERT_TRUE(first.ok()) << first.status().ToString();
  EXPECT_EQ(first->size(), storage::kSecretBytes);
  Reopen();
  const auto again = storage::StoredSecret(*store_, random_, "cursor");
  ASSERT_TRUE(again.ok());
  EXPECT_TRUE(*first == *again);
}

TEST_F(StoredSecret, EachNameHasItsOwn) {
  const auto one = storage::StoredSecret(*store_, random_, "one");
  const auto other = storage::StoredSecret(*store_, random_, "other");
  ASSERT_TRUE(one.ok() && other.ok());
  EXPECT_FALSE(*one == *other);
}

TEST_F(StoredSecret, OneOfAnotherSizeIsCorruption) {
  const auto written = store_->writer().Run([](storage::Txn& txn) {
    txn.Put(storage::Family::kMeta, std::string("\0\0\0\0secret short", 16), "abc");
    return Status::Ok();
  });
  ASSERT_TRUE(written.ok());
  const auto read = storage::StoredSecret(*store_, random_, "short");
  ASSERT_FALSE(read.ok());
  EXPECT_EQ(read.status().code(), Code::kCorruption);
}

}  // namespace
}  // namespace hilum::testing
