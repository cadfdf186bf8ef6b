#include "storage/kv/manifest.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <vector>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace hilum::storage {
namespace {

constexpr Bytes kPrefix = "MANIFEST-";
constexpr size_t kChunkBytes = 64 << 10;

std::string PathOf(const std::string& db_path, uint64_t number) {
  char name[32];
  std::snprintf(name, sizeof(name), "MANIFEST-%06llu", static_cast<unsigned long long>(number));
  return db_path + "/" + name;
}

Result<uint64_t> CurrentNumber(Disk& disk, const std::string& db_path) {
  constexpr uint64_t kCurrentLimit = 256;
  HILUM_ASSIGN_OR_RETURN(const std::string current, ReadWholeFile(disk, db_path + "/CURRENT", kCurrentLimit));
  const uint64_t number = current.starts_with(kPrefix) ? ManifestNumber(current) : 0;
  if (number == 0) return Corruption(db_path + "/CURRENT names no manifest");
  return number;
}

}  // namespace

uint64_t ManifestNumber(Bytes name) {
  const size_t at = name.rfind(kPrefix);
  uint64_t number = 0;
  if (at != Bytes::npos) std::from_chars(name.data() + at + kPrefix.size(), name.data() + name.size(), number);
  return number;
}

Result<ManifestPrint> PrintManifest(Disk& disk, const std::string& db_path, uint64_t number, uint64_t bytes) {
  HILUM_ASSIGN_OR_RETURN(const auto file, disk.Open(PathOf(db_path, number), OpenMode::kRead));
  XXH3_state_t state;
  XXH3_64bits_reset(&state);
  std::vector<char> chunk(kChunkBytes);
  for (uint64_t offset = 0; offset < bytes; offset += chunk.size()) {
    chunk.resize(std::min<uint64_t>(kChunkBytes, bytes - offset));
    HILUM_RETURN_IF_ERROR(file->ReadAt(offset, chunk));
    XXH3_64bits_update(&state, chunk.data(), chunk.size());
  }
  return ManifestPrint{number, bytes, XXH3_64bits_digest(&state)};
}

Result<ManifestPrint> PrintCurrentManifest(Disk& disk, const std::string& db_path) {
  HILUM_ASSIGN_OR_RETURN(const uint64_t number, CurrentNumber(disk, db_path));
  HILUM_ASSIGN_OR_RETURN(const auto file, disk.Open(PathOf(db_path, number), OpenMode::kRead));
  HILUM_ASSIGN_OR_RETURN(const uint64_t bytes, file->Size());
  return PrintManifest(disk, db_path, number, bytes);
}

Status CheckManifest(Disk& disk, const std::string& db_path, const ManifestPrint& print) {
  if (print.number == 0) return Status::Ok();
  HILUM_ASSIGN_OR_RETURN(const uint64_t number, CurrentNumber(disk, db_path));
  if (number != print.number) return Status::Ok();
  HILUM_ASSIGN_OR_RETURN(const auto found, PrintManifest(disk, db_path, number, print.bytes));
  if (found.hash == print.hash) return Status::Ok();
  return Corruption(PathOf(db_path, number) + " is not what was written");
}

}  // namespace hilum::storage
