// FHIR resources, their versions and their index, in the one store. Writing is in three steps: read a view, prepare
// everything that costs time on the thread that wants it (parse, validate, extract), commit. The commit runs on the
// writer thread, where nothing can change meanwhile; it checks that what the preparation saw still holds, numbers the
// versions and writes. If it no longer holds, nothing is written and the caller begins anew: Committed::outdated. What
// must change together with other rows of the store is written within their transaction: ResourceTxn.
//
// ResourceStore is safe for concurrent use. The store, schema, clock and random source outlive it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "fhir/json/edits.h"
#include "fhir/search/extract.h"
#include "fhir/store/derived.h"
#include "fhir/store/reader.h"
#include "fhir/store/recent_references.h"
#include "fhir/store/schema.h"
#include "fhir/store/settings.h"
#include "fhir/validate/issue.h"
#include "storage/index/entries.h"
#include "storage/store/store.h"

namespace hilum::fhir {

// Where references to resources that are not there lead.
enum class ReferencePolicy : uint8_t { kOff, kWarn, kEnforce };

struct ResourceStoreOptions {
  ReferencePolicy references = ReferencePolicy::kOff;
  // The index depends on them: opening a store with others brings it to these first, which takes its time.
  std::string base_url;            // absolute references below it are local; no slash at the end
  int default_offset_minutes = 0;  // zone of dates without one
  int index_rules = kIndexRules;
  // How many resources were looked at so far, while that goes on.
  std::function<void(uint64_t resources)> on_rebound;
  Logger log;  // names those that cannot be read then: they keep what the index has of them
};

// A reference that no document stands for: to one version of a resource, one that no search parameter has, or one that
// nothing here can resolve (urn:uuid:, a condition outside of a transaction, a type with what can be no id).
struct LooseReference {
  TypeId type = kNoType;
  std::string id;
  uint64_t version = 0;    // at least this one must be there; 0: nothing can be
  bool undeleted = false;  // and the newest be no deletion
  std::string shown;       // without the values of a condition
};

// The search values of a version. References to local resources have provisional numbers, which the commit replaces by
// documents: `targets[number]`.
struct PreparedValues {
  storage::DocumentValues values;                // what is not in `entries`
  std::optional<storage::IndexEntries> entries;  // worked out already: all that does not depend on documents
  std::vector<storage::TokenValue> identifiers;
  std::vector<std::pair<TypeId, std::string>> targets;
  std::vector<LooseReference> loose;   // none when the policy is kOff
  std::optional<storage::Doc> images;  // of an ImagingStudy: the study of the catalogue that it describes
};

// A version, ready to be written.
struct PreparedVersion {
  std::string bytes;  // with id and meta.versionId; the bytes of meta.lastUpdated are set by the commit
  size_t updated_at = 0;
  PreparedValues index;
  bool partial = false;                 // the rest is derived (derived.h)
  std::optional<EditedVersion> edited;  // stored so, in place of the bytes
  std::string note;                     // Version::note
};

struct Write {
  Method method = Method::kCreate;  // as the client asked for it; kCreate too for what was deleted and comes back
  TypeId type = kNoType;
  std::string id;
  uint64_t seen_version = 0;             // the newest there was when this was prepared; 0: none
  std::optional<PreparedVersion> after;  // nullopt: deletes
  std::optional<PreparedValues> before;  // of the version that was seen, unless it was none or a deletion
};

// A search that decided what is written. It must have the same result at the commit.
struct Condition {
  TypeId type = kNoType;
  std::optional<storage::TokenValue> identifier;  // it asked for just this one
  bool other_types = false;                       // it looked at more than resources of `type` (chains, _has)
  std::vector<storage::Doc> found;                // in ascending order
  uint64_t sequence = 0;                          // ResourceReader::Sequence() when it ran
};

struct Stamp {
  uint64_t version = 0;
  int64_t updated_micros = 0;
};

struct DanglingReference {
  size_t write = 0;    // which of the writes has it
  std::string target;  // "Type/id" or as in LooseReference, which does not exist
};

struct Committed {
  bool outdated = false;                    // nothing was written: read and prepare again
  std::vector<Stamp> stamps;                // of each write
  std::vector<DanglingReference> dangling;  // by write; none when the policy is kOff
};

// Other values of a document that stays as it is.
struct IndexChange {
  storage::Doc doc = 0;
  PreparedValues before, after;
};

class ResourceStore;

// Resources inside a running transaction: what is there, changes of the transaction included, and writing more of it in
// the same commit (an ImagingStudy with its images). At most one for a transaction; on the writer thread, while the
// task runs. Versions have one time: now_micros(). The store and the transaction outlive it.
class ResourceTxn {
 public:
  ResourceTxn(ResourceStore& store, storage::Txn& txn);
  ~ResourceTxn();

  Result<std::optional<Head>> FindHead(TypeId type, std::string_view id);
  // The newest version, which may be a deletion. nullopt when there is none.
  Result<std::optional<Version>> Newest(TypeId type, std::string_view id);
  // The same, but without bytes when it is stored as edits of another one.
  Result<std::optional<Version>> NewestRow(TypeId type, std::string_view id);
  // Who has this identifier, with just this system (empty: without one); ascending, the first `limit`.
  Result<std::vector<storage::Doc>> FindIdentifier(TypeId type, const storage::TokenValue& identifier, size_t limit);
  // The logical id of a document that has a version.
  Result<std::string> IdOf(TypeId type, storage::Doc doc);

  // All or nothing: nothing is written when it is outdated. At most one write for each resource. References that lead
  // nowhere are listed, never refused: what to make of them is for the caller.
  Result<Committed> WriteAll(std::vector<Write> writes, const std::vector<Condition>& conditions);

  // REQUIRES: `before` is what the index has of the document.
  Status ReplaceInIndex(TypeId type, IndexChange change);
  // Adds values to those that the index has of a document; none of their fields has any yet, or it has the same.
  Status AddToIndex(TypeId type, storage::Doc doc, PreparedValues values);

  storage::Txn& txn();
  int64_t now_micros() const;

 private:
  struct Pass;
  std::unique_ptr<Pass> pass_;
};

class ResourceStore {
 public:
  static Result<std::unique_ptr<ResourceStore>> Open(storage::Store& store, ResourceStoreOptions options,
                                                     const Clock& clock, Random& random);

  // With the settings that the index was built with in place of those in `options`. nullptr when the store was never
  // opened for resources.
  static Result<std::unique_ptr<ResourceStore>> OpenAsBound(storage::Store& store, ResourceStoreOptions options,
                                                            const Clock& clock, Random& random);

  std::unique_ptr<ResourceReader> Read();

  // A version out of a valid document: `resource` may lie in a larger one. `version` is the number it will have.
  // REQUIRES: `typing` is of a validation of it without errors, and the document lives until this returns.
  Result<PreparedVersion> Prepare(json::Value resource, const Typing& typing, std::string_view id,
                                  uint64_t version) const;
  // `resource` with `edits` as the version after `before`, with the same search values: only its time is indexed. Both
  // values are for one Write. REQUIRES: id and meta are not edited.
  std::pair<PreparedVersion, PreparedValues> PrepareUnindexed(json::Value resource, json::Edits edits,
                                                              const Version& before) const;
  // The same, stored as edits of `before`, which is stored whole; `resource` is it.
  std::pair<PreparedVersion, PreparedValues> PrepareEdited(json::Value resource, json::Edits edits,
                                                           const Version& before) const;
  // The version after one that is stored as edits, with other texts for the first of them; the bytes are not needed.
  std::pair<PreparedVersion, PreparedValues> PrepareEdited(const Version& before, std::vector<std::string> texts) const;
  // The values that a stored version was indexed with.
  Result<PreparedValues> PrepareStored(const Version& version) const;
  // The same by themselves, for what is not written: documents of references mean nothing.
  Result<storage::DocumentValues> ValuesOf(const Version& version) const;

  // All or nothing, durable when it returns OK. At most one write for each resource. kConflict when references are
  // enforced and one of them leads nowhere, or a deleted one is still in use. `on_placed` is called on the writer
  // thread once that is out of the question: whatever is committed from then on comes after it.
  Result<Committed> Commit(std::vector<Write> writes, std::vector<Condition> conditions,
                           const std::function<void()>& on_placed = {});

  // Who makes partial versions whole. REQUIRES: nothing else uses this yet; it outlives this.
  void Use(const DerivedResources* derived) { derived_ = derived; }
  // nullptr unless resources of `type` may be derived.
  const DerivedResources* DerivedOf(TypeId type) const {
    return derived_ != nullptr && derived_->type() == type ? derived_ : nullptr;
  }

  // nullptr unless users' writes of resources of `type` are judged.
  const DerivedResources* JudgeOf(TypeId type) const {
    return derived_ != nullptr && derived_->Judges(type) ? derived_ : nullptr;
  }

  // Those of the resources to be written that derived ones depend on.
  std::vector<WrittenResource> FollowedOf(const std::vector<Write>& writes) const;

  // Options for compiling searches, with the time of now.
  SearchOptions search_options() const;
  const ResourceSchema& schema() const { return schema_; }
  const ResourceStoreOptions& options() const { return options_; }
  storage::Store& store() const { return store_; }  // where the resources lie, with the images
  std::string NewId() const { return random_.Uuid(); }
  const Clock& clock() const { return clock_; }

 private:
  friend class ResourceTxn;
  ResourceStore(storage::Store& store, ResourceStoreOptions options, ResourceSchema schema, const Clock& clock,
                Random& random);
  PreparedValues UpdatedValueOf(const Version& version) const;
  void Identify(json::Value resource, json::Edits edits, std::string_view id, uint64_t version,
                PreparedVersion* prepared) const;
  Result<PreparedValues> ExtractValues(json::Value resource, const Typing& typing) const;
  Result<PreparedValues> ExtractStored(const Version& version) const;
  // Besides those to `targets`.
  std::vector<LooseReference> LooseReferencesIn(json::Value resource, const Typing& typing,
                                                const std::vector<std::pair<TypeId, std::string>>& targets) const;
  Status PrepareEntries(TypeId type, PreparedValues* prepared) const;
  Status BindSettings();
  // Brings the index to the settings of the change; goes on where that was interrupted.
  Status Rebind(const IndexSettings& from, SettingsChange change);
  // Values of stored resources for the fields that the schema has newly got; for those of one type.
  Status FillNewFields();
  Status Fill(TypeId type, const std::vector<storage::FieldId>& fields);
  // Of the newest version; none of a deletion.
  Result<PreparedValues> ValuesOfNewest(ResourceReader& reader, TypeId type, storage::Doc doc) const;
  // OK, and said in the log, when the failure is of the rows of this resource.
  Status LeaveAsItIs(TypeId type, storage::Doc doc, const Status& failure) const;
  // So that times grow with sequences over a restart too, whatever the clock does: histories rely on it.
  Status LoadLastTime();
  int64_t NextTime();
  // Nobody referred to it at this sequence of the change log.
  struct CheckedDeletion {
    TypeId type = kNoType;
    storage::Doc doc = 0;
    uint64_t sequence = 0;
  };
  Result<bool> AreInUse(const std::vector<CheckedDeletion>& deletions, storage::Txn& txn) const;
  // kConflict when one of those that are deleted is in use by what is not written with it.
  Result<std::vector<CheckedDeletion>> CheckDeletions(const std::vector<Write>& writes);

  storage::Store& store_;
  const ResourceStoreOptions options_;
  const ResourceSchema schema_;
  const Clock& clock_;
  Random& random_;
  const std::string placeholder_;  // stands for the time of a version until its commit; nobody can guess it
  const DerivedResources* derived_ = nullptr;
  int64_t last_micros_ = 0;             // of the newest version; touched by the writer thread only
  RecentReferences recent_references_;  // when references are enforced; the writer thread's too
};

// The value of _lastUpdated.
inline storage::DateValue UpdatedValue(int64_t micros) {
  return {.low = micros, .high = micros + 1000};
}

// "2026-11-21T12:00:00.000Z"
std::string Instant(int64_t micros);

}  // namespace hilum::fhir
