// What the tests of the object store share.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <string>
#include <vector>

#include "storage/object/object_store.h"
#include "tests/support/memory_disk.h"

namespace hilum::storage {

inline std::string RandomBytes(std::mt19937_64& random, size_t size) {
  std::string out(size + 8, '\0');
  for (size_t i = 0; i < size; i += 8) {
    const uint64_t value = random();
    std::copy_n(reinterpret_cast<const char*>(&value), 8, out.data() + i);
  }
  out.resize(size);
  return out;
}

struct Stored {
  std::string id;
  std::string body;
  ObjectRef ref;
};

class ObjectStoreTest : public testing::Test {
 protected:
  static constexpr const char* kDirectory = "/data/objects";

  void Open() {
    store_.reset();
    auto opened = TryOpen();
    ASSERT_TRUE(opened.ok()) << opened.status().ToString();
    store_ = std::move(*opened);
  }
  // As if there had never been a store.
  void Wipe() {
    store_.reset();
    disk_.ClearFaults();
    disk_.ClearCalls();
    ASSERT_TRUE(disk_.CreateDirectories(kDirectory).ok());
    const auto names = disk_.List(kDirectory);
    ASSERT_TRUE(names.ok());
    for (const std::string& name : *names) ASSERT_TRUE(disk_.Remove(std::string(kDirectory) + "/" + name).ok());
    ASSERT_TRUE(disk_.SyncDirectory(kDirectory).ok());
  }
  Result<std::unique_ptr<ObjectStore>> TryOpen() {
    ObjectStoreOptions options;
    options.directory = kDirectory;
    options.segment_bytes = segment_bytes_;
    options.low_water_bytes = low_water_bytes_;
    options.reserve_bytes = reserve_bytes_;
    options.room_ahead_bytes = room_ahead_bytes_;
    options.accept_loss = accept_loss_;
    options.on_fatal = [this](const Status& cause) {
      ++fatal_calls_;
      fatal_ = cause.code();
    };
    return ObjectStore::Open(options, disk_, Logger());
  }

  Stored Put(const std::string& id, const std::string& body) {
    auto ref = store_->Put(id, body);
    EXPECT_TRUE(ref.ok()) << ref.status().ToString();
    return {id, body, ref.ok() ? *ref : ObjectRef()};
  }
  Stored PutSynced(const std::string& id, const std::string& body) {
    Stored stored = Put(id, body);
    EXPECT_TRUE(store_->Sync({&stored.ref, 1}).ok());
    return stored;
  }
  Stored Stream(const std::string& id, const std::string& body, size_t piece) {
    auto writer = store_->NewWriter(id);
    EXPECT_TRUE(writer.ok()) << writer.status().ToString();
    for (size_t i = 0; i < body.size(); i += piece) {
      EXPECT_TRUE((*writer)->Append(Bytes(body).substr(i, piece)).ok());
    }
    EXPECT_EQ((*writer)->length(), body.size());
    auto ref = (*writer)->Finish();
    EXPECT_TRUE(ref.ok()) << ref.status().ToString();
    return {id, body, ref.ok() ? *ref : ObjectRef()};
  }

  // Reads the whole object back in one call.
  static Status ReadBack(const ObjectStore& store, const Stored& stored, std::string* out) {
    out->assign(stored.ref.length, '\0');
    return store.Read(stored.ref, 0, *out);
  }
  void ExpectIntact(const Stored& stored) { ExpectIntact(*store_, stored); }
  static void ExpectIntact(const ObjectStore& store, const Stored& stored) {
    std::string out;
    const Status read = ReadBack(store, stored, &out);
    EXPECT_TRUE(read.ok()) << read.ToString();
    EXPECT_TRUE(out == stored.body) << "object " << stored.id << " differs";
    const Status verified = store.VerifyObject(stored.id, stored.ref);
    EXPECT_TRUE(verified.ok()) << verified.ToString();
  }

  SegmentInfo Info(uint32_t segment) {
    for (const SegmentInfo& info : store_->Segments()) {
      if (info.segment == segment) return info;
    }
    ADD_FAILURE() << "there is no segment " << segment;
    return {};
  }

  MemoryDisk disk_;
  uint64_t segment_bytes_ = 16 << 20;
  uint64_t low_water_bytes_ = 0;
  uint64_t reserve_bytes_ = 0;
  uint64_t room_ahead_bytes_ = 0;
  bool accept_loss_ = false;
  int fatal_calls_ = 0;
  Code fatal_ = Code::kOk;
  std::unique_ptr<ObjectStore> store_;
};

}  // namespace hilum::storage
