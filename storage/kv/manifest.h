// Fingerprints of RocksDB's manifest, the list of the files that make up the store. RocksDB takes a manifest whose tail
// cannot be read for one that ends there, and then opens without the families and tables the tail names: the watermark
// keeps a fingerprint that notices. Pure functions over files.
#pragma once

#include <cstdint>
#include <string>

#include "base/disk.h"
#include "base/result.h"

namespace hilum::storage {

// Of the first `bytes` bytes of MANIFEST-<number>; the file only grows.
struct ManifestPrint {
  uint64_t number = 0;  // 0: none was taken
  uint64_t bytes = 0;
  uint64_t hash = 0;
};

// The number in "MANIFEST-000012", in front of which a path may stand; 0 when there is none.
uint64_t ManifestNumber(Bytes name);

// Of the whole manifest that CURRENT names.
Result<ManifestPrint> PrintCurrentManifest(Disk& disk, const std::string& db_path);

Result<ManifestPrint> PrintManifest(Disk& disk, const std::string& db_path, uint64_t number, uint64_t bytes);

// kCorruption when CURRENT names the manifest of the print, and it no longer begins with what was printed.
Status CheckManifest(Disk& disk, const std::string& db_path, const ManifestPrint& print);

}  // namespace hilum::storage
