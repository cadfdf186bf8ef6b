// What is looked at before a store serves: whether the segments that its rows point into are there.
#include <filesystem>
#include <fstream>

#include "storage/store/store.h"
#include "tests/support/instances.h"

namespace hilum::testing {
namespace {

class Segments : public StoreFixture {
 protected:
  // Some of them fill a segment.
  void SetUp() override {
    StoreFixture::SetUp();
    for (int i = 0; i < 8; ++i)
      ASSERT_TRUE(Ingest(InstanceSpec{.sop = "1.2.3." + std::to_string(i), .pixel_bytes = 512 * 1024}).stored());
    ASSERT_GT(store_->objects().Segments().size(), 1u);
  }
  std::string FileOf(uint32_t segment) const {
    const std::string name = "00000" + std::to_string(segment) + ".seg";
    return directory_.path() + "/data/objects/" + name;
  }
  Status Check() { return storage::CheckSegments(*store_); }
};

TEST_F(Segments, AreFoundAfterARestart) {
  EXPECT_TRUE(Check().ok()) << Check().ToString();
  Reopen();
  EXPECT_TRUE(Check().ok()) << Check().ToString();
}

TEST_F(Segments, OneThatIsMissingIsNamed) {
  store_.reset();
  ASSERT_TRUE(std::filesystem::remove(FileOf(1)));
  Open();
  EXPECT_EQ(Check().code(), Code::kCorruption);
  EXPECT_NE(Check().message().find("segment 1 "), std::string::npos) << Check().message();
}

// Otherwise what is stored next would lie where rows say that other bytes are.
TEST_F(Segments, OneThatWasCutIsNamedAlsoWhenTheCutIsInItsLastObject) {
  ASSERT_TRUE(Ingest(InstanceSpec{.sop = "1.2.4", .pixel_bytes = 64 * 1024}).stored());
  const storage::SegmentInfo full = store_->objects().Segments().front();
  const storage::SegmentInfo open = store_->objects().Segments().back();
  ASSERT_TRUE(full.sealed && !open.sealed);
  store_.reset();
  const auto expect_short = [&](uint32_t segment, uint64_t bytes) {
    SCOPED_TRACE("segment " + std::to_string(segment) + " cut to " + std::to_string(bytes));
    std::filesystem::resize_file(FileOf(segment), bytes);
    Open();
    EXPECT_EQ(Check().code(), Code::kCorruption);
    const std::string expected = "segment " + std::to_string(segment) + " of the stored objects is too short";
    EXPECT_NE(Check().message().find(expected), std::string::npos) << Check().message();
    store_.reset();
  };
  for (const uint64_t bytes : {full.bytes - 2 * 4096, full.bytes - 256 * 1024, uint64_t{4096}})
    expect_short(full.segment, bytes);
  for (const uint64_t bytes : {open.bytes - 1, open.bytes - 4096, uint64_t{4096}}) expect_short(open.segment, bytes);
}

TEST_F(Segments, OneWhoseFirstPageIsDamagedIsGoneOnWithoutWhenTheLossIsAccepted) {
  store_.reset();
  {
    std::fstream file(FileOf(1), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(9).put('\xFF');
  }
  storage::StoreOptions options = SmallStore(directory_.path() + "/data");
  {
    const auto refused = storage::Store::Open(options, disk_, clock_, random_, Logger());
    ASSERT_EQ(refused.status().code(), Code::kCorruption);
    EXPECT_NE(refused.status().message().find("--store.accept_loss=true"), std::string::npos)
        << refused.status().message();
  }
  options.accept_loss = true;
  auto opened = storage::Store::Open(options, disk_, clock_, random_, Logger());
  ASSERT_TRUE(opened.ok()) << opened.status().ToString();
  store_ = std::move(*opened);
  EXPECT_NE(Check().message().find("segment 1 of the stored objects is missing"), std::string::npos);
  EXPECT_TRUE(std::filesystem::exists(FileOf(1))) << "it may be mended yet";
  EXPECT_TRUE(Ingest(InstanceSpec{.sop = "1.2.4", .pixel_bytes = 64}).stored());
}

TEST_F(Segments, NobodyPointsIntoMayBeMissing) {
  ASSERT_TRUE(store_->Delete("1.2.1", std::nullopt, std::nullopt).ok());
  store_.reset();
  std::filesystem::remove(FileOf(1));
  Open();
  EXPECT_TRUE(Check().ok()) << Check().ToString();
}

TEST_F(Segments, AreNotTakenForANewStoresWhenTheirRowsAreGone) {
  store_.reset();
  const std::string data = directory_.path() + "/data";
  std::filesystem::remove_all(data + "/kv");
  for (const bool accept_loss : {false, true}) {
    storage::StoreOptions options = SmallStore(data);
    options.accept_loss = accept_loss;
    const auto refused = storage::Store::Open(options, disk_, clock_, random_, Logger());
    ASSERT_EQ(refused.status().code(), Code::kCorruption);
    EXPECT_NE(refused.status().message().find("000001.seg"), std::string::npos) << refused.status().message();
    EXPECT_NE(refused.status().message().find("hilum restore"), std::string::npos);
    std::filesystem::create_directories(data + "/kv/db");  // as a tidy-up that spared folders leaves it
  }
}

TEST_F(Segments, WithoutObjectsAreOfAStartThatWasCutShort) {
  store_.reset();
  const std::string data = directory_.path() + "/data";
  std::filesystem::remove_all(data + "/kv");
  for (const auto& file : std::filesystem::directory_iterator(data + "/objects"))
    std::filesystem::resize_file(file.path(), 4096);  // its own header
  Open();
  EXPECT_TRUE(Check().ok()) << Check().ToString();
}

}  // namespace
}  // namespace hilum::testing
