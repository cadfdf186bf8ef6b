// Arbitrary bytes as a write-ahead log that was closed: nothing may crash or read what is not there, a log is whole or
// damaged at a place in it, and a whole one is not whole any more when its last byte is gone.
//
// Checksums would keep a fuzzer out: where the first byte of the input is odd, those of records are made right. The
// rest is the log.
#include "storage/kv/closed_logs.h"

#include <algorithm>
#include <cstdint>
#include <string>

#include "base/bytes.h"
#include "tests/fuzz/require.h"
#include "tests/support/memory_disk.h"

namespace hilum::storage {
namespace {

using hilum::fuzz::Require;

constexpr size_t kBlockBytes = 32 << 10;
constexpr size_t kHeaderBytes = 7;  // masked CRC-32C of what follows the length (4), length of the data (2), type

uint32_t MaskedCrc32c(Bytes data) {
  constexpr uint32_t kPolynomial = 0x82F63B78;
  uint32_t crc = ~uint32_t{0};
  for (const char byte : data) {
    crc ^= static_cast<unsigned char>(byte);
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? kPolynomial : 0);
  }
  crc = ~crc;
  return (crc >> 15 | crc << 17) + 0xA282EAD8;
}

void Repair(std::string* log) {
  for (size_t at = 0; at < log->size();) {
    const size_t left = std::min(kBlockBytes - at % kBlockBytes, log->size() - at);
    if (left < kHeaderBytes) {
      at += left;
      continue;
    }
    const size_t length = LoadLe<uint16_t>(log->data() + at + 4);
    if (length > left - kHeaderBytes) return;
    std::string checksum;
    AppendLe(&checksum, MaskedCrc32c(Bytes(*log).substr(at + 6, 1 + length)));
    log->replace(at, checksum.size(), checksum);
    at += kHeaderBytes + length;
  }
}

Status Judge(const std::string& log, uint64_t oldest_needed) {
  MemoryDisk disk;
  Require(disk.CreateDirectories("/db").ok());
  Require(WriteWholeFile(disk, "/db/000003.log", log).ok());
  Require(WriteWholeFile(disk, "/db/000004.log", "the newest").ok());
  return CheckClosedLogs(disk, "/db", oldest_needed);
}

void Run(Bytes input) {
  if (input.empty()) return;
  std::string log(input.substr(1));
  if ((input[0] & 1) != 0) Repair(&log);

  const Status judged = Judge(log, 0);
  if (judged.ok()) {
    if (!log.empty()) Require(Judge(log.substr(0, log.size() - 1), 0).code() == Code::kCorruption);
  } else {
    const std::string& text = judged.message();
    Require(judged.code() == Code::kCorruption);
    Require(std::stoull(text.substr(text.rfind(' '))) <= log.size());
  }
  Require(Judge(log, 4).ok());
}

}  // namespace
}  // namespace hilum::storage

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  hilum::storage::Run({reinterpret_cast<const char*>(data), size});
  return 0;
}
