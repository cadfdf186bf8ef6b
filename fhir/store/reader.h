// A view of all resources at one moment: by id, by document, by version, by history, and the catalogue that searches
// need. Cheap to make; make one for each request. Not thread-safe. The store outlives it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "fhir/json/edits.h"
#include "fhir/search/catalog.h"
#include "fhir/store/schema.h"
#include "storage/store/store.h"

namespace hilum::fhir {

// Whether a failure is about what some rows say, rather than about the disk, or the writer, that all rely on.
inline bool IsOfRows(const Status& failure) {
  return failure.code() != Code::kDiskFull && failure.code() != Code::kIo && failure.code() != Code::kUnavailable;
}

// What made a version. Numbers are on disk.
enum class Method : uint8_t { kCreate = 1, kUpdate = 2, kDelete = 3, kPatch = 4 };

// Where a logical id leads.
struct Head {
  storage::Doc doc = 0;
  uint64_t version = 0;  // the newest; 0: only referred to so far
  bool deleted = false;
  bool exists() const { return version != 0 && !deleted; }
};

// How a version is stored that says what an earlier one says but for a few bytes: a study that is sent image by image
// has many of those.
struct EditedVersion {
  uint64_t base = 0;  // the number of the earlier one, which is stored whole
  json::Edits edits;  // of its bytes; the last two are meta.versionId and meta.lastUpdated
};

struct Version {
  TypeId type = kNoType;
  storage::Doc doc = 0;
  std::string id;
  uint64_t number = 0;  // meta.versionId
  Method method = Method::kCreate;
  int64_t updated_micros = 0;  // since 1970 UTC; a multiple of 1000
  uint64_t sequence = 0;       // of the change log
  std::string bytes;           // the resource in JSON; empty for a deletion
  bool partial = false;        // stored in part: the rest of it is derived (derived.h)
  size_t derived_at = 0;       // where the derived bytes lie in `bytes`, when they are in it
  size_t derived_size = 0;
  std::string replaced;                 // by those
  std::optional<EditedVersion> edited;  // unless it is stored whole
  std::string note;                     // kept for who derives the resource (derived.h)
  bool deleted() const { return method == Method::kDelete; }
  std::string StoredBytes() const { return std::string(bytes).replace(derived_at, derived_size, replaced); }
};

// How much of versions that are stored in part is read: making the rest costs time, and bytes.
enum class Form : uint8_t { kWhole, kStored };

// Which part of a history is wanted, by sequence of the change log; newest first unless `ascending`.
struct HistoryRange {
  std::optional<int64_t> since_micros;   // at or after
  std::optional<int64_t> before_micros;  // before
  // The last version of the page before.
  struct Place {
    uint64_t sequence = 0;
    uint64_t number = 0;
  };
  std::optional<Place> after;
  bool ascending = false;
  Form form = Form::kWhole;
};

class DerivedResources;

class ResourceReader : public SearchCatalog {
 public:
  // `derived` may be nullptr.
  ResourceReader(storage::Store& store, const ResourceSchema& schema, const DerivedResources* derived);
  ~ResourceReader() override;

  // Of the last change that this view sees to a resource of the type; kNoType: of any.
  Result<uint64_t> Sequence(TypeId type = kNoType) const;

  Result<std::optional<Head>> FindHead(TypeId type, std::string_view id);
  // The newest version, which may be a deletion. nullopt when there is none.
  Result<std::optional<Version>> Newest(TypeId type, storage::Doc doc, Form form = Form::kWhole);
  Result<std::optional<Version>> At(TypeId type, storage::Doc doc, uint64_t version, Form form = Form::kWhole);

  // The first `limit` of `docs`, which are live, in the order of the bytes of their ids behind `after`; empty: from
  // the begin (`descending`: the end).
  struct Named {
    std::string id;
    storage::Doc doc = 0;
  };
  Result<std::vector<Named>> InOrderOfIds(TypeId type, const storage::Bitmap& docs, const std::string& after,
                                          bool descending, size_t limit);

  // Makes a version that was read as stored whole.
  Status Complete(Version* version);

  // All versions of all resources of the type: by document, of each the newest first. What is damaged comes as
  // kCorruption, and the scan goes on behind it, until `visit` is false.
  Status ScanVersions(TypeId type, const std::function<bool(Result<Version>)>& visit);

  // At most `limit` versions. Ordered by the change log.
  Result<std::vector<Version>> HistoryOf(TypeId type, storage::Doc doc, const HistoryRange& range, size_t limit);
  Result<std::vector<Version>> HistoryOfType(TypeId type, const HistoryRange& range, size_t limit);
  Result<std::vector<Version>> HistoryOfAll(const HistoryRange& range, size_t limit);

  // What `docs` were when the change log was at `sequence`: of each that has changed since the version that it had
  // then, or when there was none the first one since. Those whose newest version that is are left out. nullopt when
  // that takes reading more than a few thousand versions.
  Result<std::optional<std::vector<Version>>> EarlierVersions(TypeId type, uint64_t sequence,
                                                              const storage::Bitmap& docs);

  // How many versions a history has: of one resource, of a type, or (kNoType) of all. nullopt when that takes counting
  // more than `at_most` one by one.
  Result<std::optional<uint64_t>> CountHistory(TypeId type, std::optional<storage::Doc> doc, uint64_t at_most);

  // Who has this identifier, with just this system (empty: without one); ascending, the first `limit`.
  Result<std::vector<storage::Doc>> FindIdentifier(TypeId type, const storage::TokenValue& identifier,
                                                   size_t limit = SIZE_MAX);

  storage::IndexReader& index() { return index_; }
  const storage::Kv& kv() const { return kv_; }
  const ResourceSchema& schema() const { return schema_; }
  const storage::Snapshot& snapshot() const { return *snapshot_; }

  storage::CollectionId CollectionOf(TypeId type) const override { return schema_.CollectionOf(type); }
  storage::FieldId FieldOf(TypeId type, uint16_t field) const override { return schema_.FieldOf(type, field); }
  std::optional<storage::FieldId> ImagesField() const override { return schema_.images(); }
  std::optional<CustomParam> FindCustom(TypeId type, std::string_view code) const override;
  std::vector<CustomParam> CustomParams(TypeId type) const override;
  Result<std::optional<storage::Doc>> FindDoc(TypeId type, std::string_view id) override;

 private:
  Result<std::vector<Named>> IdsOf(TypeId type, const storage::Bitmap& docs);
  // Over the versions of all resources; made when it is needed, which takes as long as reading a few of them.
  storage::Iterator& Versions();
  // A version without what `edited` and `partial` say is elsewhere.
  Result<std::optional<Version>> ReadRow(TypeId type, storage::Doc doc, uint64_t version);
  // Puts it together.
  Result<Version> Assemble(Version version, Form form);

  const storage::Kv& kv_;
  const ResourceSchema& schema_;
  const DerivedResources* const derived_;
  const std::shared_ptr<const storage::AttributeTable> attributes_;  // of the images
  std::unique_ptr<storage::Snapshot> snapshot_;
  storage::IndexReader index_;
  std::unique_ptr<storage::Iterator> versions_;
};

}  // namespace hilum::fhir
