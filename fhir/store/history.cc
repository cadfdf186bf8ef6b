// Histories: of a resource from its versions, of a type from its list, of everything from the change log.
#include <algorithm>
#include <map>

#include "fhir/store/keys.h"
#include "fhir/store/reader.h"
#include "fhir/store/rows.h"
#include "storage/log/change_log.h"

namespace hilum::fhir {
namespace {

using storage::Doc;
using storage::Family;
using storage::Tenant;

// Of a page that is kept in order while resources change: a few milliseconds of looking for them, and tens of reading.
constexpr size_t kMostChanges = 20'000;
constexpr size_t kMostEarlierVersions = 2'000;

bool Within(const Version& version, const HistoryRange& range) {
  if (range.since_micros && version.updated_micros < *range.since_micros) return false;
  if (range.before_micros && version.updated_micros >= *range.before_micros) return false;
  return true;
}

// Times grow with sequences: nothing behind this one can be in the range.
bool IsBehind(const Version& version, const HistoryRange& range) {
  return range.ascending ? range.before_micros && version.updated_micros >= *range.before_micros
                         : range.since_micros && version.updated_micros < *range.since_micros;
}

}  // namespace

Result<std::vector<Version>> ResourceReader::HistoryOf(TypeId type, Doc doc, const HistoryRange& range, size_t limit) {
  std::vector<Version> versions;
  HILUM_ASSIGN_OR_RETURN(const std::optional<Version> newest, Newest(type, doc, Form::kStored));
  if (!newest) return versions;
  const uint64_t first = range.ascending ? 1 : newest->number;
  uint64_t number = !range.after ? first : range.ascending ? range.after->number + 1 : range.after->number - 1;
  for (; number >= 1 && number <= newest->number && versions.size() < limit; range.ascending ? ++number : --number) {
    HILUM_ASSIGN_OR_RETURN(std::optional<Version> version, At(type, doc, number, range.form));
    if (!version) continue;
    if (IsBehind(*version, range)) break;
    if (Within(*version, range)) versions.push_back(*std::move(version));
  }
  return versions;
}

Result<std::vector<Version>> ResourceReader::HistoryOfType(TypeId type, const HistoryRange& range, size_t limit) {
  const std::string prefix = HistoryPrefix(Tenant::kDefault, CollectionOf(type));
  std::string lower = prefix;
  std::string upper = storage::PrefixEnd(prefix);
  if (range.after) {
    std::string& bound = range.ascending ? lower : upper;
    bound = HistoryKey(Tenant::kDefault, CollectionOf(type), range.after->sequence + (range.ascending ? 1 : 0));
  }
  std::vector<Version> versions;
  const auto rows = kv_.NewIterator(Family::kResource, lower, upper, snapshot_.get());
  for (range.ascending ? rows->SeekToFirst() : rows->SeekToLast(); rows->Valid() && versions.size() < limit;
       range.ascending ? rows->Next() : rows->Prev()) {
    const std::optional<HistoryRow> row = DecodeHistoryRow(rows->value());
    if (!row) return Corruption("a row of a FHIR history is damaged; run hilum verify");
    HILUM_ASSIGN_OR_RETURN(std::optional<Version> version, At(type, row->doc, row->version, range.form));
    if (!version) continue;
    if (IsBehind(*version, range)) break;
    if (Within(*version, range)) versions.push_back(*std::move(version));
  }
  HILUM_RETURN_IF_ERROR(rows->status());
  return versions;
}

Result<std::vector<Version>> ResourceReader::HistoryOfAll(const HistoryRange& range, size_t limit) {
  constexpr size_t kChangesAtOnce = 256;
  std::vector<Version> versions;
  uint64_t at = range.after ? range.after->sequence : range.ascending ? 0 : UINT64_MAX;
  while (versions.size() < limit) {
    HILUM_ASSIGN_OR_RETURN(
        const std::vector<storage::Change> changes,
        range.ascending ? storage::ReadChanges(kv_, Tenant::kDefault, at, kChangesAtOnce, snapshot_.get())
                        : storage::ReadChangesBefore(kv_, Tenant::kDefault, at, kChangesAtOnce, snapshot_.get()));
    if (changes.empty()) return versions;
    at = changes.back().sequence;
    for (const storage::Change& change : changes) {
      if (versions.size() == limit) return versions;
      if (change.kind != storage::ChangeKind::kResource || change.path.size() != 2) continue;
      const std::optional<TypeId> type = FindResourceType(change.path[0]);
      if (!type) continue;
      HILUM_ASSIGN_OR_RETURN(const std::optional<Doc> doc, FindDoc(*type, change.path[1]));
      if (!doc) continue;
      HILUM_ASSIGN_OR_RETURN(std::optional<Version> version, At(*type, *doc, change.version, range.form));
      if (!version) continue;
      if (IsBehind(*version, range)) return versions;
      if (Within(*version, range)) versions.push_back(*std::move(version));
    }
  }
  return versions;
}

Result<std::optional<std::vector<Version>>> ResourceReader::EarlierVersions(TypeId type, uint64_t sequence,
                                                                            const storage::Bitmap& docs) {
  std::vector<Version> versions;
  HILUM_ASSIGN_OR_RETURN(const uint64_t last_change, Sequence(type));
  if (last_change <= sequence) return std::optional(std::move(versions));
  struct Numbers {
    uint64_t first, last;  // of the versions behind `sequence`
  };
  std::map<Doc, Numbers> changed;
  const std::string prefix = HistoryPrefix(Tenant::kDefault, CollectionOf(type));
  const auto rows = kv_.NewIterator(Family::kResource, HistoryKey(Tenant::kDefault, CollectionOf(type), sequence + 1),
                                    storage::PrefixEnd(prefix), snapshot_.get());
  size_t changes = 0;
  for (rows->SeekToFirst(); rows->Valid(); rows->Next()) {
    if (++changes > kMostChanges) return std::optional<std::vector<Version>>();
    const std::optional<HistoryRow> row = DecodeHistoryRow(rows->value());
    if (!row) return Corruption("a row of a FHIR history is damaged; run hilum verify");
    if (!docs.Contains(row->doc)) continue;
    changed.try_emplace(row->doc, Numbers{row->version, row->version}).first->second.last = row->version;
  }
  HILUM_RETURN_IF_ERROR(rows->status());

  size_t reads = 0;
  for (const auto& [doc, numbers] : changed) {
    for (uint64_t number = std::max<uint64_t>(numbers.first - 1, 1); number < numbers.last; ++number) {
      if (++reads > kMostEarlierVersions) return std::optional<std::vector<Version>>();
      HILUM_ASSIGN_OR_RETURN(std::optional<Version> version, At(type, doc, number, Form::kStored));
      if (!version || version->deleted()) continue;
      versions.push_back(*std::move(version));
      break;
    }
  }
  return std::optional(std::move(versions));
}

Result<std::optional<uint64_t>> ResourceReader::CountHistory(TypeId type, std::optional<Doc> doc, uint64_t at_most) {
  if (doc) {
    HILUM_ASSIGN_OR_RETURN(const std::optional<Version> newest, Newest(type, *doc, Form::kStored));
    return std::optional(newest ? newest->number : 0);
  }
  if (type == kNoType) {
    HILUM_ASSIGN_OR_RETURN(const uint64_t changes, storage::LatestChange(kv_, Tenant::kDefault, snapshot_.get()));
    HILUM_ASSIGN_OR_RETURN(const uint64_t of_instances,
                           storage::LatestInstanceChange(kv_, Tenant::kDefault, snapshot_.get()));
    return std::optional(changes - std::min(changes, of_instances));
  }
  const std::string prefix = HistoryPrefix(Tenant::kDefault, CollectionOf(type));
  const auto rows = kv_.NewIterator(Family::kResource, prefix, storage::PrefixEnd(prefix), snapshot_.get());
  uint64_t count = 0;
  for (rows->SeekToFirst(); rows->Valid() && count <= at_most; rows->Next()) ++count;
  HILUM_RETURN_IF_ERROR(rows->status());
  return count > at_most ? std::nullopt : std::optional(count);
}

}  // namespace hilum::fhir
