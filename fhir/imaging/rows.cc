#include "fhir/imaging/rows.h"

#include <xxhash.h>

#include <algorithm>
#include <functional>
#include <set>
#include <utility>
#include <vector>

#include "fhir/imaging/delta.h"

namespace hilum::fhir::imaging {
namespace {

using storage::Doc;
using storage::Family;
using storage::Kv;
using storage::Level;
using storage::Snapshot;
using storage::Tenant;
using storage::Txn;

constexpr Tenant kTenant = Tenant::kDefault;
constexpr size_t kPieceBytes = 60 * 1024;
constexpr uint64_t kLiveFlag = 1;
// Rows read in one go.
constexpr size_t kRowsAtOnce = 512;

std::string KeyOf(std::string_view kind) {
  std::string key;
  storage::AppendTenant(&key, kTenant);
  return key.append(kind);
}

Status Damaged(std::string_view what) {
  return Corruption("a row of " + std::string(what) + " is damaged; run hilum verify");
}

std::string DeltaKey(storage::CollectionId collection, Doc resource, uint64_t version, uint16_t piece) {
  std::string key = KeyOf("d");
  AppendBe(&key, static_cast<uint16_t>(collection));
  AppendBe<uint32_t>(&key, resource);
  AppendBe<uint64_t>(&key, version);
  AppendBe<uint16_t>(&key, piece);
  return key;
}

// Where rows come from: a snapshot or a transaction.
struct Source {
  using Visit = std::function<Status(Bytes value)>;
  std::function<Status(const std::string& first_key, const Visit&)> each;
  std::function<Result<std::vector<std::optional<std::string>>>(const std::vector<std::string>& keys)> get;
};

template <typename Row, typename Decode>
Status EachChild(const Source& source, Level level, const std::string& first_key, Decode decode,
                 const std::function<Status(Doc, const Row&)>& visit) {
  std::vector<Doc> docs;
  HILUM_RETURN_IF_ERROR(source.each(first_key, [&](Bytes value) -> Status {
    const auto doc = storage::DecodeDoc(value);
    if (!doc) return Damaged("the catalogue");
    docs.push_back(*doc);
    return Status::Ok();
  }));
  for (size_t at = 0; at < docs.size(); at += kRowsAtOnce) {
    const size_t end = std::min(at + kRowsAtOnce, docs.size());
    std::vector<std::string> keys;
    for (size_t i = at; i < end; ++i) keys.push_back(storage::RowKey(kTenant, level, docs[i]));
    HILUM_ASSIGN_OR_RETURN(const auto rows, source.get(keys));
    for (size_t i = at; i < end; ++i) {
      const std::optional<Row> row = rows[i - at] ? decode(*rows[i - at]) : std::nullopt;
      if (!row) return Damaged("the catalogue");
      HILUM_RETURN_IF_ERROR(visit(docs[i], *row));
    }
  }
  return Status::Ok();
}

Result<StudyImages> Load(const Source& source, const CatalogueStudy& study) {
  StudyImages images{.zone = ZoneOf(study.row)};
  const auto add_series = [&](Doc doc, const storage::SeriesRow& row) -> Status {
    SeriesImages& series = images.series[row.uid];
    series = Describe(row);
    return EachChild<storage::InstanceRow>(source, Level::kInstance, storage::InstanceKey(kTenant, doc, ""),
                                           storage::DecodeInstance, [&](Doc, const storage::InstanceRow& instance) {
                                             series.instances[instance.uid] = Describe(instance);
                                             return Status::Ok();
                                           });
  };
  HILUM_RETURN_IF_ERROR(EachChild<storage::SeriesRow>(
      source, Level::kSeries, storage::SeriesKey(kTenant, study.doc, ""), storage::DecodeSeries, add_series));
  return images;
}

Result<std::vector<OrderNumber>> LoadNumbers(const Source& source, const CatalogueStudy& study) {
  std::set<OrderNumber> numbers;
  const auto add = [&](Doc, const storage::SeriesRow& row) -> Status {
    for (OrderNumber& number : OrderNumbersOf(row)) numbers.insert(std::move(number));
    return Status::Ok();
  };
  HILUM_RETURN_IF_ERROR(EachChild<storage::SeriesRow>(
      source, Level::kSeries, storage::SeriesKey(kTenant, study.doc, ""), storage::DecodeSeries, add));
  std::vector<OrderNumber> list(numbers.begin(), numbers.end());
  if (list.size() > kMaxOrderNumbers) list.erase(list.begin() + kMaxOrderNumbers, list.end());
  return list;
}

void AppendTexts(std::string* out, const std::vector<std::string>& texts) {
  AppendVarint(out, texts.size());
  for (const std::string& text : texts) AppendSized(out, text);
}

bool ReadTexts(ByteReader* in, std::vector<std::string>* texts) {
  uint64_t count = 0;
  if (!in->ReadVarint(&count)) return false;
  for (; count > 0; --count) {
    Bytes text;
    if (!in->ReadSized(&text)) return false;
    texts->emplace_back(text);
  }
  return true;
}

template <typename KeyOf>
void ReplaceRows(Txn& txn, const std::vector<std::string>& before, const std::vector<std::string>& after,
                 const KeyOf& key_of) {
  const std::set<std::string> had(before.begin(), before.end()), has(after.begin(), after.end());
  for (const std::string& watch : had) {
    if (!has.contains(watch)) txn.Delete(Family::kResource, key_of(watch));
  }
  for (const std::string& watch : has) {
    if (!had.contains(watch)) txn.Put(Family::kResource, key_of(watch), {});
  }
}

Result<std::optional<Link>> Decoded(const std::optional<std::string>& row) {
  if (!row) return std::optional<Link>();
  std::optional<Link> link = DecodeLink(*row);
  if (!link) return Damaged("the link between a study and its ImagingStudy");
  return link;
}

}  // namespace

std::string Hashed(std::string_view text) {
  const XXH128_hash_t hash = XXH3_128bits(text.data(), text.size());
  std::string out;
  AppendBe<uint64_t>(&out, hash.high64);
  AppendBe<uint64_t>(&out, hash.low64);
  return out;
}

std::string LinkKey(std::string_view study_uid) {
  return LinksPrefix().append(study_uid);
}

std::string LinksPrefix() {
  return KeyOf("mu");
}

std::string WatchesPrefix() {
  return KeyOf("mw");
}

std::string WatchKey(std::string_view watch, std::string_view study_uid) {
  return WatchesPrefix().append(watch).append(study_uid);
}

std::string StudyUidKey(Doc resource) {
  std::string key = KeyOf("md");
  AppendBe<uint32_t>(&key, resource);
  return key;
}

std::string SyncedKey() {
  return KeyOf("ms");
}

std::string Encode(const Link& link) {
  std::string out;
  AppendBe<uint32_t>(&out, link.resource);
  AppendVarint(&out, link.live ? kLiveFlag : 0);
  AppendBe<uint32_t>(&out, link.study);
  AppendLe<int64_t>(&out, link.seen_micros);
  AppendSized(&out, link.id);
  AppendTexts(&out, link.orders);
  AppendTexts(&out, link.watches);
  if (link.added) AppendTexts(&out, *link.added);
  return out;
}

std::optional<Link> DecodeLink(Bytes bytes) {
  ByteReader in(bytes);
  Link link;
  uint64_t flags = 0;
  Bytes id;
  if (!in.ReadBe(&link.resource) || !in.ReadVarint(&flags) || !in.ReadBe(&link.study) ||
      !in.ReadLe(&link.seen_micros) || !in.ReadSized(&id) || !ReadTexts(&in, &link.orders) ||
      !ReadTexts(&in, &link.watches)) {
    return std::nullopt;
  }
  if (!in.empty() && !ReadTexts(&in, &link.added.emplace())) return std::nullopt;
  link.live = (flags & kLiveFlag) != 0;
  link.id = id;
  return link;
}

std::string Encode(const SeenStudy& seen) {
  std::string note;
  AppendBe<uint32_t>(&note, seen.doc);
  AppendLe<int64_t>(&note, seen.micros);
  return note;
}

std::optional<SeenStudy> DecodeSeen(Bytes note) {
  ByteReader in(note);
  SeenStudy seen;
  if (!in.ReadBe(&seen.doc) || !in.ReadLe(&seen.micros)) return std::nullopt;
  return seen;
}

int64_t SeenMicros(const Link& link, const std::optional<Version>& newest) {
  const auto noted = newest ? DecodeSeen(newest->note) : std::nullopt;
  return noted && noted->doc == link.study ? std::max(link.seen_micros, noted->micros) : link.seen_micros;
}

std::string WatchOf(TypeId type, std::string_view id) {
  std::string text("r");
  AppendSized(&text, TypeOf(type).name);
  return Hashed(text.append(id));
}

std::string WatchOf(TypeId type, const storage::TokenValue& identifier) {
  std::string text("i");
  AppendSized(&text, TypeOf(type).name);
  AppendSized(&text, identifier.system);
  return Hashed(text.append(identifier.code));
}

void PutWatches(Txn& txn, std::string_view study_uid, const std::vector<std::string>& before,
                const std::vector<std::string>& after) {
  ReplaceRows(txn, before, after, [&](const std::string& watch) { return WatchKey(watch, study_uid); });
}

std::string OrdersPrefix() {
  return KeyOf("mr");
}

std::string OrdersKey(std::string_view report_id) {
  return OrdersPrefix().append(report_id);
}

std::string BasedOnPrefix() {
  return KeyOf("mb");
}

std::string BasedOnKey(std::string_view watch, std::string_view report_id) {
  return BasedOnPrefix().append(watch).append(report_id);
}

std::string EncodeOrders(const std::vector<std::string>& watches) {
  std::string row;
  for (const std::string& watch : watches) row += watch;
  return row;
}

Result<std::vector<std::string>> DecodeOrders(Bytes row) {
  if (row.size() % kWatchBytes != 0) return Damaged("the orders of a DiagnosticReport");
  std::vector<std::string> watches;
  for (; !row.empty(); row.remove_prefix(kWatchBytes)) watches.emplace_back(row.substr(0, kWatchBytes));
  return watches;
}

void PutOrders(Txn& txn, std::string_view report_id, const std::vector<std::string>& before,
               const std::vector<std::string>& after) {
  if (before == after) return;
  ReplaceRows(txn, before, after, [&](const std::string& watch) { return BasedOnKey(watch, report_id); });
  if (after.empty()) {
    txn.Delete(Family::kResource, OrdersKey(report_id));
  } else {
    txn.Put(Family::kResource, OrdersKey(report_id), EncodeOrders(after));
  }
}

Result<std::vector<std::string>> FindBasedOn(Txn& txn, const std::string& watch, size_t limit) {
  const std::string prefix = BasedOnKey(watch, "");
  HILUM_ASSIGN_OR_RETURN(const auto rows, txn.Scan(Family::kResource, prefix, storage::PrefixEnd(prefix), limit));
  std::vector<std::string> reports;
  for (const auto& [key, nothing] : rows) reports.push_back(key.substr(prefix.size()));
  return reports;
}

Result<std::vector<std::string>> FindBasedOn(const Kv& kv, const Snapshot* snapshot, const std::string& watch,
                                             size_t limit) {
  const std::string prefix = BasedOnKey(watch, "");
  std::vector<std::string> reports;
  const auto rows = kv.NewIterator(Family::kResource, prefix, storage::PrefixEnd(prefix), snapshot);
  for (rows->SeekToFirst(); rows->Valid() && reports.size() < limit; rows->Next())
    reports.emplace_back(rows->key().substr(prefix.size()));
  HILUM_RETURN_IF_ERROR(rows->status());
  return reports;
}

Result<std::vector<std::string>> FindWatchers(Txn& txn, const std::string& watch) {
  const std::string prefix = WatchKey(watch, "");
  HILUM_ASSIGN_OR_RETURN(const auto rows, txn.Scan(Family::kResource, prefix, storage::PrefixEnd(prefix)));
  std::vector<std::string> studies;
  for (const auto& [key, nothing] : rows) studies.push_back(key.substr(prefix.size()));
  return studies;
}

Result<std::optional<Link>> ReadLink(Txn& txn, std::string_view study_uid) {
  HILUM_ASSIGN_OR_RETURN(const auto row, txn.Get(Family::kResource, LinkKey(study_uid)));
  return Decoded(row);
}

Result<std::optional<Link>> ReadLink(const Kv& kv, const Snapshot* snapshot, std::string_view study_uid) {
  HILUM_ASSIGN_OR_RETURN(const auto row, kv.Get(Family::kResource, LinkKey(study_uid), snapshot));
  return Decoded(row);
}

void PutDelta(Txn& txn, storage::CollectionId collection, Doc resource, uint64_t version, Bytes encoded) {
  uint16_t piece = 0;
  for (size_t at = 0; at < encoded.size(); at += kPieceBytes, ++piece) {
    txn.Put(Family::kResource, DeltaKey(collection, resource, version, piece), encoded.substr(at, kPieceBytes));
  }
}

Result<StudyImages> Replay(const Kv& kv, const Snapshot* snapshot, storage::CollectionId collection, Doc resource,
                           uint64_t version) {
  constexpr size_t kPieceKeyBytes = sizeof(uint16_t);
  const auto rows = kv.NewIterator(Family::kResource, DeltaKey(collection, resource, 0, 0),
                                   DeltaKey(collection, resource, version + 1, 0), snapshot);
  StudyImages images;
  bool known = true;
  rows->SeekToFirst();
  while (rows->Valid()) {
    const std::string version_key(rows->key().substr(0, rows->key().size() - kPieceKeyBytes));
    std::string encoded;
    for (; rows->Valid() && rows->key().starts_with(version_key); rows->Next()) encoded += rows->value();
    const auto delta = DecodeDelta(encoded);
    if (delta) Apply(*delta, &images);
    known = delta && (known || delta->from_scratch);
  }
  HILUM_RETURN_IF_ERROR(rows->status());
  if (!known) return Damaged("the history of an ImagingStudy");
  return images;
}

namespace {

Result<std::optional<CatalogueStudy>> Find(
    std::string_view study_uid, const std::function<Result<std::optional<std::string>>(const std::string& key)>& get) {
  HILUM_ASSIGN_OR_RETURN(const auto name, get(storage::StudyKey(kTenant, study_uid)));
  if (!name) return std::optional<CatalogueStudy>();
  const auto doc = storage::DecodeDoc(*name);
  if (!doc) return Damaged("the catalogue");
  HILUM_ASSIGN_OR_RETURN(const auto bytes, get(storage::RowKey(kTenant, Level::kStudy, *doc)));
  auto row = bytes ? storage::DecodeStudy(*bytes) : std::nullopt;
  if (!row) return Damaged("the catalogue");
  return std::optional(CatalogueStudy{*doc, *std::move(row)});
}

}  // namespace

Result<std::optional<CatalogueStudy>> FindStudy(const Kv& kv, const Snapshot* snapshot, std::string_view study_uid) {
  return Find(study_uid, [&](const std::string& key) { return kv.Get(Family::kCatalogue, key, snapshot); });
}

Result<std::optional<CatalogueStudy>> FindStudy(Txn& txn, std::string_view study_uid) {
  return Find(study_uid, [&](const std::string& key) { return txn.Get(Family::kCatalogue, key); });
}

namespace {

Source SourceOf(const Kv& kv, const Snapshot* snapshot) {
  return {.each = [&kv, snapshot](const std::string& first_key, const Source::Visit& visit) -> Status {
            const auto rows = kv.NewIterator(Family::kCatalogue, first_key, storage::PrefixEnd(first_key), snapshot);
            for (rows->SeekToFirst(); rows->Valid(); rows->Next()) HILUM_RETURN_IF_ERROR(visit(rows->value()));
            return rows->status();
          },
          .get = [&kv, snapshot](
                     const std::vector<std::string>& keys) { return kv.MultiGet(Family::kCatalogue, keys, snapshot); }};
}

Source SourceOf(Txn& txn) {
  return {.each = [&txn](const std::string& first_key, const Source::Visit& visit) -> Status {
            HILUM_ASSIGN_OR_RETURN(const auto rows,
                                   txn.Scan(Family::kCatalogue, first_key, storage::PrefixEnd(first_key)));
            for (const auto& [key, value] : rows) HILUM_RETURN_IF_ERROR(visit(value));
            return Status::Ok();
          },
          .get = [&txn](const std::vector<std::string>& keys) -> Result<std::vector<std::optional<std::string>>> {
            std::vector<std::optional<std::string>> rows;
            for (const std::string& key : keys) {
              HILUM_ASSIGN_OR_RETURN(auto row, txn.Get(Family::kCatalogue, key));
              rows.push_back(std::move(row));
            }
            return rows;
          }};
}

}  // namespace

Result<StudyImages> LoadImages(const Kv& kv, const Snapshot* snapshot, const CatalogueStudy& study) {
  return Load(SourceOf(kv, snapshot), study);
}

Result<StudyImages> LoadImages(Txn& txn, const CatalogueStudy& study) {
  return Load(SourceOf(txn), study);
}

Result<std::vector<OrderNumber>> LoadOrderNumbers(const Kv& kv, const Snapshot* snapshot, const CatalogueStudy& study) {
  return LoadNumbers(SourceOf(kv, snapshot), study);
}

Result<std::vector<OrderNumber>> LoadOrderNumbers(Txn& txn, const CatalogueStudy& study) {
  return LoadNumbers(SourceOf(txn), study);
}

}  // namespace hilum::fhir::imaging
