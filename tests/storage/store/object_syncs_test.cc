// Objects are durable before the commit that names them.
#include "storage/store/object_syncs.h"

#include <cerrno>
#include <optional>

#include "tests/storage/object/fixture.h"

namespace hilum::storage {
namespace {

class ObjectSyncsTest : public ObjectStoreTest {
 protected:
  ObjectSyncsTest() { Open(); }

  Status Add(std::initializer_list<Stored> objects) {
    std::vector<ObjectRef> refs;
    for (const Stored& stored : objects) refs.push_back(stored.ref);
    return syncs().Add(refs);
  }
  ObjectSyncs& syncs() {
    if (!syncs_) syncs_.emplace(*store_);
    return *syncs_;
  }
  uint64_t Synced() const { return disk_.count(DiskOp::kSync); }
  void LosePower() {
    syncs_.reset();
    disk_.Crash(MemoryDisk::Loss::kUnsynced, 1);
    Open();
  }

  std::optional<ObjectSyncs> syncs_;
};

TEST_F(ObjectSyncsTest, SmallObjectsShareTheSyncOfTheCommit) {
  const Stored a = Put("a", "first"), b = Put("b", "second");
  const uint64_t before = Synced();
  ASSERT_TRUE(Add({a}).ok());
  ASSERT_TRUE(Add({b}).ok());
  EXPECT_EQ(Synced(), before);
  ASSERT_TRUE(syncs().Sync().ok());
  EXPECT_EQ(Synced(), before + 1);
  LosePower();
  ExpectIntact(a);
  ExpectIntact(b);
}

TEST_F(ObjectSyncsTest, ALargeObjectIsSyncedAtOnceAndNotAgain) {
  const Stored large = Put("a", std::string(1 << 20, 'x'));
  ASSERT_TRUE(Add({large}).ok());
  const uint64_t after = Synced();
  ASSERT_TRUE(syncs().Sync().ok());
  EXPECT_EQ(Synced(), after);
  LosePower();
  ExpectIntact(large);
}

TEST_F(ObjectSyncsTest, ManySmallObjectsOfOneUploadAreALargeOne) {
  std::vector<ObjectRef> refs;
  for (int i = 0; i < 50; ++i) refs.push_back(Put(std::to_string(i), std::string(4000, 'x')).ref);
  const uint64_t before = Synced();
  ASSERT_TRUE(syncs().Add(refs).ok());
  EXPECT_EQ(Synced(), before + 1);
}

TEST_F(ObjectSyncsTest, ASegmentThatIsGoneIsNoReasonToRefuseTheCommitOfOthers) {
  Stored gone = Put("a", "given up");
  gone.ref.segment += 1000;
  const Stored here = Put("b", "there");
  ASSERT_TRUE(Add({gone, here}).ok());
  EXPECT_TRUE(syncs().Sync().ok());
  LosePower();
  ExpectIntact(here);
}

TEST_F(ObjectSyncsTest, ASyncThatFailsFailsTheCommit) {
  const Stored stored = Put("a", "lost");
  ASSERT_TRUE(Add({stored}).ok());
  disk_.FailNth(DiskOp::kSync, 1, EIO);
  EXPECT_FALSE(syncs().Sync().ok());
  EXPECT_FALSE(syncs().Sync().ok()) << "nor may the next one name what was lost";
}

}  // namespace
}  // namespace hilum::storage
