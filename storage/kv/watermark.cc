#include "storage/kv/watermark.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <tuple>
#include <utility>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace hilum::storage {
namespace {

constexpr Bytes kMagic = "HLMWMRK1";
constexpr uint64_t kSlotStride = 4096;
constexpr size_t kSlotBytes = 8 + 16 + 4 * 8 + 8;
constexpr auto kSyncInterval = std::chrono::milliseconds(100);

std::string EncodeSlot(const WatermarkValue& value) {
  std::string slot(kMagic);
  slot.append(value.store.data(), value.store.size());
  for (const uint64_t number : {value.sequence, value.manifest.number, value.manifest.bytes, value.manifest.hash}) {
    AppendLe<uint64_t>(&slot, number);
  }
  AppendLe<uint64_t>(&slot, XXH3_64bits(slot.data(), slot.size()));
  return slot;
}

std::optional<WatermarkValue> DecodeSlot(Bytes slot) {
  const uint64_t hash = XXH3_64bits(slot.data(), kSlotBytes - 8);
  ByteReader in(slot);
  Bytes magic, store;
  WatermarkValue value;
  uint64_t stored_hash = 0;
  if (!in.ReadBytes(kMagic.size(), &magic) || !in.ReadBytes(value.store.size(), &store) ||
      !in.ReadLe(&value.sequence) || !in.ReadLe(&value.manifest.number) || !in.ReadLe(&value.manifest.bytes) ||
      !in.ReadLe(&value.manifest.hash) || !in.ReadLe(&stored_hash)) {
    return std::nullopt;
  }
  if (magic != kMagic || stored_hash != hash) return std::nullopt;
  std::copy(store.begin(), store.end(), value.store.begin());
  return value;
}

auto Age(const WatermarkValue& value) {
  return std::tuple(value.sequence, value.manifest.number, value.manifest.bytes);
}

}  // namespace

Result<std::optional<WatermarkValue>> ReadWatermark(Disk& disk, const std::string& path) {
  HILUM_ASSIGN_OR_RETURN(const bool exists, disk.Exists(path));
  if (!exists) return std::optional<WatermarkValue>();
  HILUM_ASSIGN_OR_RETURN(const auto file, disk.Open(path, OpenMode::kRead));
  std::optional<WatermarkValue> newest;
  for (uint64_t offset : {uint64_t{0}, kSlotStride}) {
    char slot[kSlotBytes];
    // A slot that cannot be read is as good as a torn one: the other decides.
    if (!file->ReadAt(offset, slot).ok()) continue;
    const auto value = DecodeSlot(Bytes(slot, kSlotBytes));
    if (value && (!newest || Age(*value) > Age(*newest))) newest = value;
  }
  if (!newest) return Corruption("watermark " + path + ": neither slot is intact");
  return newest;
}

Result<std::unique_ptr<Watermark>> Watermark::Create(Disk& disk, const std::string& path, const WatermarkValue& value,
                                                     std::function<void(const Status&)> on_error) {
  const std::string slot = EncodeSlot(value);
  HILUM_ASSIGN_OR_RETURN(const bool exists, disk.Exists(path));
  if (!exists) {
    // Whole or not at all: a file without an intact slot would look like a damaged one at the next start.
    std::string slots = slot;
    slots.resize(kSlotStride);
    HILUM_RETURN_IF_ERROR(WriteWholeFile(disk, path, slots + slot));
    HILUM_ASSIGN_OR_RETURN(auto file, disk.Open(path, OpenMode::kReadWrite));
    return std::unique_ptr<Watermark>(new Watermark(std::move(file), value, std::move(on_error)));
  }
  HILUM_ASSIGN_OR_RETURN(auto file, disk.Open(path, OpenMode::kReadWrite));
  for (uint64_t offset : {uint64_t{0}, kSlotStride}) {
    HILUM_RETURN_IF_ERROR(file->WriteAt(offset, slot));
    HILUM_RETURN_IF_ERROR(file->Sync());
  }
  HILUM_RETURN_IF_ERROR(disk.SyncDirectory(std::filesystem::path(path).parent_path().string()));
  return std::unique_ptr<Watermark>(new Watermark(std::move(file), value, std::move(on_error)));
}

Watermark::Watermark(std::shared_ptr<File> file, const WatermarkValue& value,
                     std::function<void(const Status&)> on_error)
    : file_(std::move(file)), on_error_(std::move(on_error)), value_(value) {
  syncer_ = std::thread([this] { SyncRegularly(); });
}

Watermark::~Watermark() {
  {
    std::lock_guard lock(mu_);
    stopped_ = true;
  }
  wake_.notify_one();
  syncer_.join();
  std::lock_guard lock(mu_);
  // What the log holds is durable without it; a watermark that lags only notices less.
  SyncLocked().IgnoreError();
}

Status Watermark::Record(uint64_t sequence) {
  std::lock_guard lock(mu_);
  value_.sequence = sequence;
  return WriteLocked();
}

Status Watermark::RecordManifest(const ManifestPrint& manifest) {
  std::lock_guard lock(mu_);
  value_.manifest = manifest;
  return WriteLocked();
}

Status Watermark::WriteLocked() {
  if (failed_) return Unavailable("watermark: an earlier write or sync failed");
  Status written = file_->WriteAt(slot_ * kSlotStride, EncodeSlot(value_));
  if (!written.ok()) {
    failed_ = true;
    return written.WithContext("record commit in the watermark");
  }
  if (!unsynced_) {
    unsynced_ = true;
    wake_.notify_one();
  }
  return written;
}

Status Watermark::Sync() {
  std::lock_guard lock(mu_);
  return SyncLocked();
}

Status Watermark::SyncLocked() {
  if (failed_) return Unavailable("watermark: an earlier write or sync failed");
  if (!unsynced_) return Status::Ok();
  Status synced = file_->Sync();
  if (!synced.ok()) {
    failed_ = true;
    return synced.WithContext("sync the watermark");
  }
  unsynced_ = false;
  slot_ ^= 1;
  return synced;
}

void Watermark::SyncRegularly() {
  std::unique_lock lock(mu_);
  while (true) {
    wake_.wait(lock, [this] { return stopped_ || unsynced_; });
    wake_.wait_for(lock, kSyncInterval, [this] { return stopped_; });
    if (stopped_) return;
    const bool had_failed = failed_;
    Status synced = SyncLocked();
    if (synced.ok()) continue;
    lock.unlock();
    if (!had_failed) on_error_(synced);
    return;
  }
}

}  // namespace hilum::storage
