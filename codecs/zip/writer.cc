#include "codecs/zip/writer.h"

#include <zlib.h>

#include <algorithm>

namespace hilum::zip {
namespace {

constexpr uint32_t kLocalHeader = 0x04034b50;
constexpr uint32_t kDataDescriptor = 0x08074b50;
constexpr uint32_t kDirectoryHeader = 0x02014b50;
constexpr uint32_t kZip64End = 0x06064b50;
constexpr uint32_t kZip64Locator = 0x07064b50;
constexpr uint32_t kDirectoryEnd = 0x06054b50;

constexpr uint16_t kZip64Field = 1;
constexpr uint16_t kPlainVersion = 20, kZip64Version = 45;
constexpr uint16_t kUtf8Names = 1 << 11, kHasDescriptor = 1 << 3;
constexpr uint16_t kFirstOfJanuary1980 = 1 << 5 | 1;
constexpr uint64_t kIn32 = 0xFFFFFFFF, kIn16 = 0xFFFF;

uint32_t Clamp32(uint64_t value) {
  return static_cast<uint32_t>(std::min(value, kIn32));
}

// The fields that local and directory headers share, from the version to the length of the name (APPNOTE 4.3.7).
void AppendShared(bool zip64, bool streamed, uint32_t crc, uint32_t size, size_t name, std::string* out) {
  AppendLe(out, zip64 ? kZip64Version : kPlainVersion);
  AppendLe<uint16_t>(out, kUtf8Names | (streamed ? kHasDescriptor : 0));
  AppendLe<uint16_t>(out, 0);  // stored
  AppendLe<uint16_t>(out, 0);  // midnight
  AppendLe(out, kFirstOfJanuary1980);
  AppendLe(out, crc);
  AppendLe(out, size);  // compressed
  AppendLe(out, size);
  AppendLe(out, static_cast<uint16_t>(name));
}

std::string LocalHeader(std::string_view name, uint64_t size, uint32_t crc, bool streamed) {
  // Whether the descriptor of a streamed entry has 64-bit sizes is told by this field (APPNOTE 4.3.9.2): always.
  const bool zip64 = streamed || size >= kIn32;
  std::string out;
  AppendLe(&out, kLocalHeader);
  AppendShared(zip64, streamed, crc, zip64 ? 0xFFFFFFFF : Clamp32(size), name.size(), &out);
  AppendLe<uint16_t>(&out, zip64 ? 20 : 0);
  out.append(name);
  if (!zip64) return out;
  AppendLe(&out, kZip64Field);
  AppendLe<uint16_t>(&out, 16);
  AppendLe(&out, size);
  AppendLe(&out, size);
  return out;
}

}  // namespace

uint32_t Crc32(Bytes bytes, uint32_t crc) {
  return static_cast<uint32_t>(crc32_z(crc, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

std::string Writer::BeginKnown(std::string_view name, uint64_t size, uint32_t crc) {
  std::string header = LocalHeader(name, size, crc, false);
  entries_.push_back({std::string(name), position_, size, crc, false});
  position_ += header.size() + size;
  return header;
}

std::string Writer::BeginStreamed(std::string_view name) {
  std::string header = LocalHeader(name, 0, 0, true);
  entries_.push_back({std::string(name), position_, 0, 0, true});
  position_ += header.size();
  return header;
}

std::string Writer::EndStreamed(uint64_t size, uint32_t crc) {
  entries_.back().size = size;
  entries_.back().crc = crc;
  std::string descriptor;
  AppendLe(&descriptor, kDataDescriptor);
  AppendLe(&descriptor, crc);
  AppendLe(&descriptor, size);
  AppendLe(&descriptor, size);
  position_ += size + descriptor.size();
  return descriptor;
}

std::string Writer::End() const {
  std::string out;
  for (const Entry& entry : entries_) {
    std::string large;
    if (entry.size >= kIn32) {
      AppendLe(&large, entry.size);
      AppendLe(&large, entry.size);
    }
    if (entry.offset >= kIn32) AppendLe(&large, entry.offset);
    const bool zip64 = !large.empty() || entry.streamed;
    AppendLe(&out, kDirectoryHeader);
    AppendLe(&out, kZip64Version);  // made by
    AppendShared(zip64, entry.streamed, entry.crc, Clamp32(entry.size), entry.name.size(), &out);
    AppendLe(&out, static_cast<uint16_t>(large.empty() ? 0 : large.size() + 4));
    out.append(10, '\0');  // no comment, first disk, no attributes
    AppendLe(&out, Clamp32(entry.offset));
    out.append(entry.name);
    if (large.empty()) continue;
    AppendLe(&out, kZip64Field);
    AppendLe(&out, static_cast<uint16_t>(large.size()));
    out.append(large);
  }
  const uint64_t length = out.size();
  const uint64_t count = entries_.size();
  if (count >= kIn16 || length >= kIn32 || position_ >= kIn32) {
    AppendLe(&out, kZip64End);
    AppendLe<uint64_t>(&out, 44);  // bytes of this record that follow
    AppendLe(&out, kZip64Version);
    AppendLe(&out, kZip64Version);
    out.append(8, '\0');  // this disk, disk of the directory
    for (const uint64_t value : {count, count, length, position_}) AppendLe(&out, value);
    AppendLe(&out, kZip64Locator);
    AppendLe<uint32_t>(&out, 0);
    AppendLe(&out, position_ + length);
    AppendLe<uint32_t>(&out, 1);  // disks
  }
  AppendLe(&out, kDirectoryEnd);
  out.append(4, '\0');
  AppendLe(&out, static_cast<uint16_t>(std::min(count, kIn16)));
  AppendLe(&out, static_cast<uint16_t>(std::min(count, kIn16)));
  AppendLe(&out, Clamp32(length));
  AppendLe(&out, Clamp32(position_));
  AppendLe<uint16_t>(&out, 0);  // no comment
  return out;
}

uint64_t Writer::ArchiveLength(std::span<const EntrySize> entries) {
  Writer dry_run;
  for (const EntrySize& entry : entries) dry_run.BeginKnown(entry.name, entry.bytes, 0);
  return dry_run.position_ + dry_run.End().size();
}

}  // namespace hilum::zip
