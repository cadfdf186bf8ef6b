// What the search values of stored resources depend on besides the resources: kept with them, so that the index can
// follow when it changes. On disk: docs/on-disk-format.md. Internal to fhir/store; pure.
#pragma once

#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "storage/index/values.h"

namespace hilum::fhir {

struct IndexSettings {
  std::string base_url;
  int default_offset_minutes = 0;
  int index_rules = 0;  // 0 in rows of releases that knew no others
  bool operator==(const IndexSettings&) const = default;
};

// A change of them that is under way: resources before this place are indexed by the new settings already.
struct SettingsChange {
  IndexSettings to;
  std::string type;      // types go by name
  storage::Doc doc = 0;  // the first of the type that is not done
};

std::string EncodeSettings(const IndexSettings& settings);
std::string EncodeChange(const SettingsChange& change);
// kCorruption when they are damaged.
Result<IndexSettings> DecodeSettings(Bytes stored);
Result<SettingsChange> DecodeChange(Bytes stored);

}  // namespace hilum::fhir
