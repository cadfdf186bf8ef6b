#include "fhir/store/verify.h"

#include <algorithm>
#include <set>

#include "fhir/store/keys.h"
#include "fhir/store/rows.h"
#include "storage/index/audit.h"
#include "storage/log/change_log.h"

namespace hilum::fhir {
namespace {

using storage::Bitmap;
using storage::Doc;
using storage::Family;

constexpr storage::Tenant kTenant = storage::Tenant::kDefault;
constexpr std::string_view kRestore = "; restore a backup";
constexpr std::string_view kMendIndex = "; delete it and create it again, or restore a backup";
constexpr size_t kVersionsBetweenProgress = 256;

struct Checked {
  storage::Store& store;
  ResourceStore& resources;
  ResourceReader& reader;
  ResourceReport& report;
  const std::function<bool(const ResourceReport&)>& progress;
};

// All rows and index entries of one resource type.
class TypeCheck {
 public:
  TypeCheck(const Checked& checked, TypeId type, storage::IndexAudit audit)
      : checked_(checked),
        kv_(checked.store.kv()),
        reader_(checked.reader),
        type_(type),
        collection_(reader_.CollectionOf(type)),
        audit_(std::move(audit)) {}

  // False when the caller wants no more.
  Result<bool> Run() {
    HILUM_RETURN_IF_ERROR(reader_.ScanVersions(type_, [this](Result<Version> version) {
      if (stopped_) return false;
      outcome_ = version.ok() ? CheckVersion(*version) : FindingOrError(version.status());
      stopped_ = checked_.report.versions % kVersionsBetweenProgress == 0 && checked_.progress &&
                 !checked_.progress(checked_.report);
      return outcome_.ok() && !stopped_;
    }));
    HILUM_RETURN_IF_ERROR(outcome_);
    if (stopped_) return false;
    HILUM_RETURN_IF_ERROR(CheckHeads());
    HILUM_RETURN_IF_ERROR(CheckCount(HistoryPrefix(kTenant, collection_), versions_, "history entries"));
    HILUM_RETURN_IF_ERROR(CheckCount(IdentifiersPrefix(kTenant, collection_), identifiers_, "identifiers"));
    HILUM_RETURN_IF_ERROR(CheckIndex());
    HILUM_RETURN_IF_ERROR(CheckSequence());
    return true;
  }

  uint64_t last_sequence() const { return last_sequence_; }

 private:
  void Find(std::string text) { checked_.report.findings.Add(std::move(text)); }
  std::string TypeName() const { return std::string(TypeOf(type_).name); }
  std::string NameOf(const Version& version) const {
    return TypeName() + "/" + version.id + " version " + std::to_string(version.number);
  }
  // Damage is a finding; anything else ends the check.
  Status FindingOrError(const Status& status) {
    if (status.code() != Code::kCorruption) return status;
    Find(TypeName() + ": " + status.message() + std::string(kRestore));
    return Status::Ok();
  }
  Result<std::optional<std::string>> Get(Bytes key) { return kv_.Get(Family::kResource, key, &reader_.snapshot()); }

  // Versions come document by document, the newest first.
  Status CheckVersion(const Version& version) {
    ++versions_;
    ++checked_.report.versions;
    checked_.report.bytes += version.bytes.size();
    last_sequence_ = std::max(last_sequence_, version.sequence);
    const bool newest = documents_.empty() || version.doc != last_.doc;
    if (!newest && version.number + 1 != last_.version) {
      Find(NameOf(version) + " is followed by version " + std::to_string(last_.version) + std::string(kRestore));
    }
    documents_.Add(version.doc);
    last_ = {.doc = version.doc, .version = version.number};
    HILUM_RETURN_IF_ERROR(CheckHistory(version));
    HILUM_RETURN_IF_ERROR(CheckChange(version));
    if (!newest) return Status::Ok();
    HILUM_RETURN_IF_ERROR(CheckHead(version));
    return version.deleted() ? Status::Ok() : CheckContent(version);
  }

  Status CheckHistory(const Version& version) {
    HILUM_ASSIGN_OR_RETURN(const auto stored, Get(HistoryKey(kTenant, collection_, version.sequence)));
    const std::optional<HistoryRow> row = stored ? DecodeHistoryRow(*stored) : std::nullopt;
    if (!row || row->doc != version.doc || row->version != version.number) {
      Find(NameOf(version) + " is not in the history of its type" + std::string(kRestore));
    }
    return Status::Ok();
  }

  Status CheckChange(const Version& version) {
    HILUM_ASSIGN_OR_RETURN(const auto changes,
                           storage::ReadChanges(kv_, kTenant, version.sequence - 1, /*limit=*/1, &reader_.snapshot()));
    if (changes.empty() || changes[0].sequence != version.sequence ||
        changes[0].kind != storage::ChangeKind::kResource || changes[0].version != version.number ||
        changes[0].path != std::vector{TypeName(), version.id}) {
      Find(NameOf(version) + " is not in the change log" + std::string(kRestore));
    }
    return Status::Ok();
  }

  Status CheckHead(const Version& version) {
    const Result<std::optional<Head>> head = reader_.FindHead(type_, version.id);
    if (!head.ok()) return FindingOrError(head.status());
    if (!*head || (*head)->doc != version.doc || (*head)->version != version.number ||
        (*head)->deleted != version.deleted()) {
      Find(NameOf(version) + " is the newest, but its id leads elsewhere" + std::string(kRestore));
    }
    if (!version.edited) return Status::Ok();
    HILUM_ASSIGN_OR_RETURN(const auto row, Get(VersionKey(kTenant, collection_, version.doc, version.number, 0)));
    HILUM_ASSIGN_OR_RETURN(const auto head_row, Get(HeadKey(kTenant, collection_, version.id)));
    Bytes repeated;
    if (!row || !head_row || !DecodeHead(*head_row, &repeated) || repeated != *row) {
      Find(NameOf(version) + " is the newest, but the row of its id says otherwise" + std::string(kRestore));
    }
    return Status::Ok();
  }

  Status CheckContent(const Version& version) {
    ++checked_.report.resources;
    const Result<json::Document> document = json::Document::Parse(version.bytes);
    if (!document.ok()) {
      Find(NameOf(version) + " is no JSON any more" + std::string(kRestore));
      return Status::Ok();
    }
    const json::MaybeValue root(document->root());
    if (root["id"].TextOr("") != version.id || root["meta"]["versionId"].TextOr("") != std::to_string(version.number) ||
        root["meta"]["lastUpdated"].TextOr("") != Instant(version.updated_micros)) {
      Find(NameOf(version) + " says another id, version or time of itself" + std::string(kRestore));
    }
    Result<PreparedValues> prepared = checked_.resources.PrepareStored(version);
    if (!prepared.ok()) {
      Find(NameOf(version) + " cannot be indexed: " + prepared.status().message() + std::string(kRestore));
      return Status::Ok();
    }
    HILUM_ASSIGN_OR_RETURN(const bool bound, Bind(version, &*prepared));
    if (!bound) return Status::Ok();
    HILUM_RETURN_IF_ERROR(prepared->entries->Add(prepared->values));
    audit_.Expect(version.doc, &*prepared->entries);
    return CheckIdentifiers(version, prepared->identifiers);
  }

  // Puts documents in the place of provisional numbers.
  Result<bool> Bind(const Version& version, PreparedValues* prepared) {
    std::vector<Doc> docs;
    for (const auto& [type, id] : prepared->targets) {
      HILUM_ASSIGN_OR_RETURN(const std::optional<Doc> doc, reader_.FindDoc(type, id));
      if (!doc) {
        Find(NameOf(version) + " refers to " + std::string(TypeOf(type).name) + "/" + id + ", which has no row" +
             std::string(kMendIndex));
        return false;
      }
      docs.push_back(*doc);
    }
    HILUM_ASSIGN_OR_RETURN(prepared->images, ImagesOf(version.doc));
    BindTargets(reader_.schema(), docs, prepared);
    return true;
  }

  // Which images an ImagingStudy describes is known from the images, not from the resource.
  Result<std::optional<Doc>> ImagesOf(Doc doc) {
    if (TypeName() != "ImagingStudy") return std::optional<Doc>();
    HILUM_ASSIGN_OR_RETURN(const auto studies, reader_.index().References(collection_, reader_.schema().images(), doc));
    return studies.empty() || !studies[0].target ? std::optional<Doc>() : std::optional(studies[0].target->doc);
  }

  Status CheckIdentifiers(const Version& version, const std::vector<storage::TokenValue>& identifiers) {
    for (const std::string& key : IdentifierKeys(collection_, version.doc, identifiers)) {
      ++identifiers_;
      HILUM_ASSIGN_OR_RETURN(const auto row, Get(key));
      if (!row) Find(NameOf(version) + " is not found by one of its identifiers" + std::string(kMendIndex));
    }
    return Status::Ok();
  }

  // Ids that lead to documents without versions.
  Status CheckHeads() {
    const std::string prefix = HeadKey(kTenant, collection_, "");
    const auto rows = kv_.NewIterator(Family::kResource, prefix, storage::PrefixEnd(prefix), &reader_.snapshot());
    Bitmap led_to;
    for (rows->SeekToFirst(); rows->Valid(); rows->Next()) {
      const std::string name = TypeName() + "/" + std::string(rows->key().substr(prefix.size()));
      const std::optional<Head> head = DecodeHead(rows->value());
      if (!head) {
        Find("the row of " + name + " is damaged" + std::string(kRestore));
        continue;
      }
      if (led_to.Contains(head->doc)) Find(name + " shares its document with another" + std::string(kRestore));
      led_to.Add(head->doc);
      if ((head->version != 0) != documents_.Contains(head->doc)) {
        Find(name + (head->version != 0 ? " has no version" : " has versions that its row denies") +
             std::string(kRestore));
      }
    }
    return rows->status();
  }

  // Each row that must be there was looked up; here it is seen that there are no others.
  Status CheckCount(const std::string& prefix, uint64_t expected, std::string_view what) {
    uint64_t found = 0;
    const auto rows = kv_.NewIterator(Family::kResource, prefix, storage::PrefixEnd(prefix), &reader_.snapshot());
    for (rows->SeekToFirst(); rows->Valid(); rows->Next()) ++found;
    HILUM_RETURN_IF_ERROR(rows->status());
    if (found != expected) {
      Find(TypeName() + " has " + std::to_string(found) + " " + std::string(what) + ", but " +
           std::to_string(expected) + " belong to its resources" + std::string(kRestore));
    }
    return Status::Ok();
  }

  Status CheckIndex() {
    HILUM_ASSIGN_OR_RETURN(const auto differences, audit_.Compare());
    for (const std::string& damaged : differences.damaged) Find(TypeName() + ": " + damaged);
    std::string fields;
    for (const SearchField& field : FieldsOf(type_)) {
      if (std::ranges::find(differences.fields, reader_.FieldOf(type_, field.number)) == differences.fields.end()) {
        continue;
      }
      fields.append(fields.empty() ? ", in search parameters " : ", ").append(field.name);
    }
    if (!differences.documents.empty()) {
      Find("the index of " + TypeName() + " differs from " + std::to_string(differences.documents.Count()) +
           " resources" + fields);
    }
    Status outcome;
    differences.documents.ForEachFrom(0, /*descending=*/false, [&](Doc doc) {
      const Result<std::optional<Version>> version = reader_.Newest(type_, doc);
      if (version.ok()) {
        Find("the index differs from " + (*version ? NameOf(**version) : "a " + TypeName() + " that does not exist") +
             std::string(kMendIndex));
      } else {
        outcome = FindingOrError(version.status());
      }
      return outcome.ok();
    });
    return outcome;
  }

  Status CheckSequence() {
    HILUM_ASSIGN_OR_RETURN(const auto stored, Get(SequenceKey(kTenant, collection_)));
    if ((stored ? DecodeSequence(*stored) : 0) == last_sequence_) return Status::Ok();
    Find("the last change of " + TypeName() + " is not the one that is noted" + std::string(kRestore));
    return Status::Ok();
  }

  const Checked& checked_;
  const storage::Kv& kv_;
  ResourceReader& reader_;
  const TypeId type_;
  const storage::CollectionId collection_;
  storage::IndexAudit audit_;
  bool stopped_ = false;
  Status outcome_;
  Bitmap documents_;  // that have versions
  HistoryRow last_;   // the version seen before
  uint64_t versions_ = 0;
  uint64_t identifiers_ = 0;
  uint64_t last_sequence_ = 0;
};

}  // namespace

Result<ResourceReport> VerifyResources(storage::Store& store, ResourceStore& resources,
                                       const std::function<bool(const ResourceReport&)>& progress) {
  ResourceReport report;
  const auto reader = resources.Read();
  const Checked checked{store, resources, *reader, report, progress};
  uint64_t last_sequence = 0;
  for (const TypeId type : ResourceTypes()) {
    auto audit = storage::IndexAudit::Begin(store.kv(), store.schema(), kTenant, &reader->snapshot(),
                                            reader->CollectionOf(type));
    if (!audit.ok() && audit.status().code() == Code::kCorruption) {
      report.findings.Add(audit.status().message());
      continue;
    }
    HILUM_RETURN_IF_ERROR(audit.status());
    TypeCheck check(checked, type, *std::move(audit));
    HILUM_ASSIGN_OR_RETURN(const bool more, check.Run());
    if (!more) return report;
    last_sequence = std::max(last_sequence, check.last_sequence());
  }
  const Result<uint64_t> noted = reader->Sequence();
  if (!noted.ok() && noted.status().code() != Code::kCorruption) return noted.status();
  if (!noted.ok() || *noted != last_sequence) {
    report.findings.Add("the last change of all resources is not the one that is noted" + std::string(kRestore));
  }
  return report;
}

}  // namespace hilum::fhir
