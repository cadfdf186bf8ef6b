// Bytes that are not what was written: found always, believed never.
#include <set>

#include "tests/storage/object/fixture.h"

namespace hilum::storage {
namespace {

class DamageTest : public ObjectStoreTest {
 protected:
  void SetUp() override {
    Open();
    std::mt19937_64 random(11);
    for (const size_t size :
         {size_t{0}, size_t{100}, size_t{4096}, size_t{300'000}, size_t{20'000}, size_t{600'001}, size_t{50}}) {
      all_.push_back(PutSynced("id." + std::to_string(size), RandomBytes(random, size)));
    }
    file_ = *disk_.Open(std::string(kDirectory) + "/000001.seg", OpenMode::kReadWrite);
  }

  void Flip(uint64_t offset, int bit) {
    std::string byte(1, '\0');
    ASSERT_TRUE(file_->ReadAt(offset, byte).ok());
    byte[0] = static_cast<char>(byte[0] ^ (1 << bit));
    ASSERT_TRUE(file_->WriteAt(offset, byte).ok());
  }

  // The record that holds this byte of the file.
  const Stored& Owner(uint64_t offset) const {
    for (const Stored& stored : all_) {
      if (offset < stored.ref.offset + ObjectStore::RecordBytes(stored.ref.length)) return stored;
    }
    return all_.back();
  }
  enum class Part { kHeader, kBody, kPadding, kTable, kFooter };
  static Part PartAt(const Stored& stored, uint64_t offset) {
    const uint64_t end = ObjectStore::RecordBytes(stored.ref.length);
    const uint64_t chunks = (stored.ref.length + 256 * 1024 - 1) / (256 * 1024);
    const uint64_t at = offset - stored.ref.offset;
    if (at < 128) return Part::kHeader;
    if (at < 128 + stored.ref.length) return Part::kBody;
    if (at < end - 128 - chunks * 8) return Part::kPadding;
    return at < end - 128 ? Part::kTable : Part::kFooter;
  }

  void CheckWithDamageAt(uint64_t offset) {
    const Stored& hit = Owner(offset);
    const Part part = PartAt(hit, offset);
    std::string out;
    for (const Stored& stored : all_) {
      const Status read = ReadBack(*store_, stored, &out);
      const Status verified = store_->VerifyObject(stored.id, stored.ref);
      if (&stored != &hit || part == Part::kPadding) {
        EXPECT_TRUE(read.ok() && out == stored.body && verified.ok());
        continue;
      }
      EXPECT_EQ(verified.code(), Code::kCorruption);
      if (part == Part::kHeader)
        EXPECT_TRUE(read.ok() && out == stored.body);  // the body and its checksums are whole
      else
        EXPECT_EQ(read.code(), Code::kCorruption);
    }
  }

  std::vector<Stored> all_;
  std::shared_ptr<File> file_;
};

TEST_F(DamageTest, EveryFlippedBitThatMattersIsNoticed) {
  std::mt19937_64 random(12);
  const uint64_t end = all_.back().ref.offset + ObjectStore::RecordBytes(all_.back().ref.length);
  std::set<Part> parts;
  for (int i = 0; i < 150 && !HasFailure(); ++i) {
    // Headers and footers are small among the bytes: aim at them every other time.
    const Stored& aim = all_[random() % all_.size()];
    const uint64_t record_end = aim.ref.offset + ObjectStore::RecordBytes(aim.ref.length);
    uint64_t offset = 4096 + random() % (end - 4096);
    if (i % 3 == 0) offset = aim.ref.offset + random() % 128;
    if (i % 3 == 1) offset = record_end - 1 - random() % 152;
    const int bit = static_cast<int>(random() % 8);
    SCOPED_TRACE("offset " + std::to_string(offset) + " bit " + std::to_string(bit));
    parts.insert(PartAt(Owner(offset), offset));
    Flip(offset, bit);
    CheckWithDamageAt(offset);
    Flip(offset, bit);
  }
  EXPECT_EQ(parts.size(), 5u);
}

TEST_F(DamageTest, ARangeIsReadAsLongAsItsOwnChunksAreWhole) {
  const Stored& large = all_[5];
  Flip(large.ref.offset + 128 + 10, 3);
  std::string out(1000, '\0');
  EXPECT_EQ(store_->Read(large.ref, 0, out).code(), Code::kCorruption);
  EXPECT_EQ(store_->Read(large.ref, 262'000, out).code(), Code::kCorruption);
  EXPECT_TRUE(store_->Read(large.ref, 262'144, out).ok());
  EXPECT_EQ(out, large.body.substr(262'144, 1000));
}

TEST_F(DamageTest, AMessageNamesThePlace) {
  Flip(all_[1].ref.offset + 128, 0);
  const std::string message = store_->VerifyObject(all_[1].id, all_[1].ref).message();
  EXPECT_NE(message.find("segment 1"), std::string::npos) << message;
  EXPECT_NE(message.find("offset " + std::to_string(all_[1].ref.offset)), std::string::npos) << message;
}

TEST_F(DamageTest, ALostPageHidesOnlyItsOwnRecord) {
  // Header and footer of a small record are in one page.
  ASSERT_TRUE(file_->WriteAt(all_[1].ref.offset, std::string(4096, '\xFF')).ok());
  for (const Stored& stored : all_) {
    if (&stored != &all_[1]) ExpectIntact(stored);
  }
}

TEST_F(DamageTest, ARecordAtAnotherPlaceIsNotBelieved) {
  std::string record(ObjectStore::RecordBytes(all_[2].ref.length), '\0');
  ASSERT_TRUE(file_->ReadAt(all_[2].ref.offset, record).ok());
  ASSERT_TRUE(file_->WriteAt(all_[3].ref.offset, record).ok());
  std::string out;
  EXPECT_EQ(ReadBack(*store_, all_[3], &out).code(), Code::kCorruption);
  EXPECT_EQ(store_->Read({1, all_[3].ref.offset, all_[2].ref.length}, 0, out).code(), Code::kCorruption);
}

TEST_F(DamageTest, ATruncatedFileLosesOnlyWhatIsCutOff) {
  store_.reset();
  const uint64_t full = *file_->Size();
  std::string content(full, '\0');
  ASSERT_TRUE(file_->ReadAt(0, content).ok());
  std::mt19937_64 random(13);
  for (int i = 0; i < 60 && !HasFailure(); ++i) {
    const uint64_t size = 4097 + random() % (full - 4097);
    SCOPED_TRACE("cut to " + std::to_string(size));
    ASSERT_TRUE(file_->Truncate(size).ok());
    Open();
    std::string out;
    for (const Stored& stored : all_) {
      const bool cut = stored.ref.offset + ObjectStore::RecordBytes(stored.ref.length) > size;
      const Status read = ReadBack(*store_, stored, &out);
      EXPECT_EQ(read.code(), cut ? Code::kCorruption : Code::kOk);
    }
    ExpectIntact(PutSynced("more", std::string(10'000, 'm')));
    store_.reset();
    ASSERT_TRUE(file_->Truncate(0).ok());
    ASSERT_TRUE(file_->WriteAt(0, content).ok());
  }
}

class SealTest : public ObjectStoreTest {
 protected:
  static constexpr size_t kPage = 4096, kSector = 512;
  void SetUp() override {
    segment_bytes_ = 64 << 10;
    Open();
    stored_ = PutSynced("a", std::string(100'000, 'a'));
    ASSERT_TRUE(Info(1).sealed);
    store_.reset();
    file_ = *disk_.Open(std::string(kDirectory) + "/000001.seg", OpenMode::kReadWrite);
    place_ = *file_->Size() - kPage;
    mark_.resize(kPage);
    ASSERT_TRUE(file_->ReadAt(place_, mark_).ok());
  }
  void Write(const std::string& page) { ASSERT_TRUE(file_->WriteAt(place_, page).ok()); }

  Stored stored_;
  std::shared_ptr<File> file_;
  uint64_t place_ = 0;
  std::string mark_;
};

TEST_F(SealTest, AFlippedBitOfASealMarkIsDamageWithAPlace) {
  std::mt19937_64 random(15);
  for (size_t i = 0; i < 100 && !HasFailure(); ++i) {
    const size_t at = i < 24 ? i : i < 32 ? kPage - 1 - (i - 24) : random() % kPage;
    std::string page = mark_;
    page[at] = static_cast<char>(page[at] ^ (1 << random() % 8));
    SCOPED_TRACE("byte " + std::to_string(at));
    Write(page);
    const Status opened = TryOpen().status();
    EXPECT_EQ(opened.code(), Code::kCorruption);
    EXPECT_NE(opened.message().find("000001.seg: the seal mark at offset " + std::to_string(place_)), std::string::npos)
        << opened.message();
    std::string now(kPage, '\0');
    ASSERT_TRUE(file_->ReadAt(place_, now).ok());
    EXPECT_EQ(now, page) << "untouched";
  }
  accept_loss_ = true;
  Open();
  ExpectIntact(stored_);
  EXPECT_TRUE(Info(1).sealed);
  store_.reset();
  accept_loss_ = false;
  // What the message tells one to do.
  ASSERT_TRUE(file_->Truncate(place_).ok());
  Open();
  ExpectIntact(stored_);
  EXPECT_TRUE(Info(1).sealed);
}

TEST_F(SealTest, AMarkThatACrashToreIsNone) {
  for (size_t kept = 0; kept < kPage / kSector; ++kept) {
    for (const bool first : {true, false}) {
      SCOPED_TRACE((first ? "first sectors " : "last sectors ") + std::to_string(kept));
      std::string page(kPage, '\0');
      const size_t from = first ? 0 : kPage - kept * kSector;
      page.replace(from, kept * kSector, mark_, from, kept * kSector);
      ASSERT_TRUE(file_->Truncate(place_ + kPage).ok());
      Write(page);
      Open();
      ExpectIntact(stored_);
      EXPECT_TRUE(Info(1).sealed) << "anew";
      store_.reset();
    }
  }
}

TEST_F(SealTest, APageThatHoldsSomethingElseIsNone) {
  std::mt19937_64 random(16);
  std::string few(kPage, '\0');
  few[7] = few[4000] = 'x';
  for (const std::string& page : {few, std::string(kPage, '\xFF'), RandomBytes(random, kPage)}) {
    ASSERT_TRUE(file_->Truncate(place_ + kPage).ok());
    Write(page);
    Open();
    ExpectIntact(stored_);
    ExpectIntact(PutSynced("more", "m"));
    store_.reset();
  }
}

TEST_F(DamageTest, NoiseIsAppendedTo) {
  std::mt19937_64 random(14);
  ASSERT_TRUE(file_->WriteAt(4096, RandomBytes(random, *file_->Size() - 4096)).ok());
  Open();
  ExpectIntact(PutSynced("a", "b"));
}

}  // namespace
}  // namespace hilum::storage
