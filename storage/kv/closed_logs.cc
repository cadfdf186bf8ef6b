#include "storage/kv/closed_logs.h"

#include <isa-l/crc.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <memory>
#include <optional>

#include "base/bytes.h"

namespace hilum::storage {
namespace {

// Blocks of records: masked CRC-32C of type and data (4), length of the data (2), type (1), data. A commit is a record,
// or as many as it takes. What cannot hold a record at the end of a block is padding.
constexpr size_t kBlockBytes = 32 << 10;
constexpr size_t kTypeAt = 6;
constexpr size_t kHeaderBytes = 7;
enum RecordType : uint8_t { kWhole = 1, kFirst = 2, kMiddle = 3, kLast = 4 };

uint32_t MaskedCrc32c(Bytes data) {
  // It writes nothing.
  auto* const bytes = reinterpret_cast<unsigned char*>(const_cast<char*>(data.data()));
  const uint32_t crc = ~::crc32_iscsi(bytes, static_cast<int>(data.size()), ~uint32_t{0});
  return (crc >> 15 | crc << 17) + 0xA282EAD8;
}

// Reads the records of a block; how many bytes were intact. `open`: a commit has begun that has not ended.
size_t IntactBytes(Bytes block, bool* open) {
  size_t at = 0;
  while (block.size() - at >= kHeaderBytes) {
    const Bytes record = block.substr(at);
    const size_t length = LoadLe<uint16_t>(record.data() + 4);
    const auto type = static_cast<uint8_t>(record[kTypeAt]);
    if (length > record.size() - kHeaderBytes || type < kWhole || type > kLast) return at;
    if (*open == (type == kWhole || type == kFirst)) return at;
    if (LoadLe<uint32_t>(record.data()) != MaskedCrc32c(record.substr(kTypeAt, 1 + length))) return at;
    *open = type == kFirst || type == kMiddle;
    at += kHeaderBytes + length;
  }
  return block.size() == kBlockBytes ? kBlockBytes : at;
}

// Where the log ceases to be whole commits.
Result<std::optional<uint64_t>> FindFault(const File& file, uint64_t size) {
  std::string block;
  bool open = false;
  for (uint64_t at = 0; at < size; at += kBlockBytes) {
    block.resize(std::min<uint64_t>(kBlockBytes, size - at));
    HILUM_RETURN_IF_ERROR(file.ReadAt(at, block));
    const size_t intact = IntactBytes(block, &open);
    if (intact < block.size()) return std::optional(at + intact);
  }
  return open ? std::optional(size) : std::nullopt;
}

// Of "000012.log"; 0 of any other file.
uint64_t LogNumber(Bytes name) {
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  return error == std::errc() && Bytes(end, name.data() + name.size() - end) == ".log" ? number : 0;
}

}  // namespace

Status CheckClosedLogs(Disk& disk, const std::string& db_path, uint64_t oldest_needed) {
  struct Log {
    std::string path;
    std::shared_ptr<File> file;
    uint64_t size;
  };
  std::map<uint64_t, Log> logs;
  HILUM_ASSIGN_OR_RETURN(const auto names, disk.List(db_path));
  for (const auto& name : names) {
    const uint64_t number = LogNumber(name);
    if (number == 0 || number < oldest_needed) continue;
    const std::string path = db_path + "/" + name;
    HILUM_ASSIGN_OR_RETURN(auto file, disk.Open(path, OpenMode::kRead));
    HILUM_ASSIGN_OR_RETURN(const uint64_t size, file->Size());
    // A start that was cut short leaves an empty one behind the newest.
    if (size > 0) logs.emplace(number, Log{path, std::move(file), size});
  }
  if (!logs.empty()) logs.erase(std::prev(logs.end()));
  for (const auto& [number, log] : logs) {
    HILUM_ASSIGN_OR_RETURN(const auto fault, FindFault(*log.file, log.size));
    if (fault) return Corruption(log.path + " is damaged at offset " + std::to_string(*fault));
  }
  return Status::Ok();
}

}  // namespace hilum::storage
