#include "fhir/imaging/linker.h"

#include <set>
#include <utility>

namespace hilum::fhir::imaging {
namespace {

namespace t = dicom::tags;
using storage::Doc;
using storage::Family;
using storage::FirstValue;
using storage::Kv;
using storage::Snapshot;
using storage::Txn;

// What is derived is valid by construction; what users wrote was valid when it came.
Result<Validation> Valid(const json::Document& document) {
  Validation validation = Validate(document.root(), {.check_targets = false, .check_narrative = false});
  if (validation.ok()) return validation;
  std::string places;
  for (const Issue& issue : validation.issues) places += " " + issue.expression;
  return Internal("the ImagingStudy that was made is not valid at" + places);
}

}  // namespace

Linker::Linker(storage::Store& store, ResourceStore& resources, LinkerOptions options)
    : store_(store),
      resources_(resources),
      options_(std::move(options)),
      shell_{.default_offset_minutes = resources.options().default_offset_minutes,
             .accession_system = options_.accession_system},
      patients_(options_.patients),
      type_(FindResourceType(kImagingStudy).value_or(kNoType)) {}

Linker::~Linker() {
  store_.Observe(nullptr);
  resources_.Use(nullptr);
}

Result<std::unique_ptr<Linker>> Linker::Start(storage::Store& store, ResourceStore& resources, LinkerOptions options) {
  std::unique_ptr<Linker> linker(new Linker(store, resources, std::move(options)));
  resources.Use(linker.get());
  HILUM_ASSIGN_OR_RETURN(const auto synced, store.kv().Get(Family::kResource, SyncedKey()));
  const bool enabled = linker->options_.enabled;
  if (enabled) {
    store.Observe(linker.get());
    if (!synced) HILUM_RETURN_IF_ERROR(linker->Sync().WithContext("make the ImagingStudy of stored studies"));
  }
  if (enabled == synced.has_value()) return linker;
  const auto note = [&](Txn& txn) {
    if (enabled) {
      txn.Put(Family::kResource, SyncedKey(), {});
    } else {
      txn.Delete(Family::kResource, SyncedKey());
    }
    return Status::Ok();
  };
  HILUM_RETURN_IF_ERROR(store.writer().Run(note).status());
  return linker;
}

Status Linker::Sync() {
  std::set<std::string> uids;
  const auto collect = [&](Family family, const std::string& prefix, auto uid_of) -> Status {
    const auto rows = store_.kv().NewIterator(family, prefix, storage::PrefixEnd(prefix));
    for (rows->SeekToFirst(); rows->Valid(); rows->Next()) uids.emplace(uid_of(rows->key().substr(prefix.size())));
    return rows->status();
  };
  const auto whole = [](Bytes rest) { return rest; };
  HILUM_RETURN_IF_ERROR(collect(Family::kCatalogue, storage::StudyKey(storage::Tenant::kDefault, ""), whole));
  HILUM_RETURN_IF_ERROR(collect(Family::kResource, LinksPrefix(), whole));
  for (const std::string& uid : uids) HILUM_RETURN_IF_ERROR(SyncStudy(uid));
  return Status::Ok();
}

Status Linker::SyncStudy(const std::string& study_uid) {
  const auto sync = [&](Txn& txn) -> Status {
    HILUM_ASSIGN_OR_RETURN(const auto link, ReadLink(txn, study_uid));
    HILUM_ASSIGN_OR_RETURN(const auto study, FindStudy(txn, study_uid));
    const bool live = link && link->live;
    if (live && study && link->study == study->doc && link->seen_micros == study->row.updated_micros)
      return Status::Ok();
    ResourceTxn resources(resources_, txn);
    if (live && !study) return Withdraw(resources, study_uid, *link, {});
    if (!study) return Status::Ok();
    HILUM_ASSIGN_OR_RETURN(const StudyImages images, LoadImages(txn, *study));
    return Describe(resources, *study, link, DeltaOf(images));
  };
  return store_.writer().Run(sync).status();
}

Status Linker::OnChanges(Txn& txn, const storage::CatalogueChanges& changes) {
  ResourceTxn resources(resources_, txn);
  for (const auto& [doc, change] : changes.studies()) HILUM_RETURN_IF_ERROR(Follow(resources, doc, change));
  return Status::Ok();
}

Status Linker::Follow(ResourceTxn& resources, Doc doc, const storage::StudyChange& change) {
  const auto& [before, after] = change.row;
  if (!before && !after) return Status::Ok();
  const std::string& uid = after ? after->uid : before->uid;
  HILUM_ASSIGN_OR_RETURN(const std::optional<Link> link, ReadLink(resources.txn(), uid));
  const bool live = link && link->live;
  if (!after) return live ? Withdraw(resources, uid, *link, DeltaOf(change)) : Status::Ok();

  StudyDelta delta = DeltaOf(change);
  const CatalogueStudy study{doc, *after};
  if (!before) {
    delta.from_scratch = true;
  } else if (!live || link->study != doc || link->seen_micros != before->updated_micros) {
    // Changed while nobody linked.
    HILUM_ASSIGN_OR_RETURN(const StudyImages images, LoadImages(resources.txn(), study));
    delta = DeltaOf(images);
  }
  return Describe(resources, study, link, delta);
}

Result<std::optional<std::string>> Linker::Adoptable(ResourceTxn& resources, const std::string& study_uid) const {
  HILUM_ASSIGN_OR_RETURN(const auto docs,
                         resources.FindIdentifier(type_, {std::string(kUidSystem), UidIdentifier(study_uid)}));
  if (docs.empty()) return std::optional<std::string>();
  HILUM_ASSIGN_OR_RETURN(std::string id, resources.IdOf(type_, docs.front()));
  return std::optional(std::move(id));
}

Status Linker::Describe(ResourceTxn& resources, const CatalogueStudy& study, const std::optional<Link>& link,
                        const StudyDelta& delta) {
  const std::string& uid = study.row.uid;
  Link next = link.value_or(Link{.id = uid});
  const bool live = next.live;
  if (!live) {
    HILUM_ASSIGN_OR_RETURN(const auto adoptable, Adoptable(resources, uid));
    if (adoptable) next.id = *adoptable;
  }
  next.live = true;
  next.study = study.doc;
  next.seen_micros = study.row.updated_micros;

  HILUM_ASSIGN_OR_RETURN(const std::optional<Version> newest, resources.Newest(type_, next.id));
  const bool exists = newest && !newest->deleted();
  const auto text = [&](dicom::Tag tag) { return std::string(FirstValue(study.row.attributes, tag)); };
  HILUM_ASSIGN_OR_RETURN(std::string subject,
                         patients_.Subject(resources, text(t::kPatientId), text(t::kIssuerOfPatientId)));
  const DerivedElements derived = ElementsOf(study.row, std::move(subject), shell_);
  HILUM_ASSIGN_OR_RETURN(const json::Document old,
                         json::Document::Parse(exists ? newest->bytes : R"({"resourceType":"ImagingStudy"})"));
  json::Edits edits;
  const bool indexed = MakeShell(old.root(), derived, &edits);
  if (live && exists && edits.empty() && delta.empty()) {
    resources.txn().Put(Family::kResource, LinkKey(uid), Encode(next));
    return Status::Ok();
  }

  Write write{.method = exists ? Method::kUpdate : Method::kCreate,
              .type = type_,
              .id = next.id,
              .seen_version = newest ? newest->number : 0};
  if (live && exists && link->study == study.doc && !indexed) {
    auto [after, before] = resources_.PrepareUnindexed(old.root(), std::move(edits), *newest);
    write.after = std::move(after);
    write.before = std::move(before);
  } else {
    HILUM_ASSIGN_OR_RETURN(const json::Document shell, json::Document::Parse(edits.Apply(old.root())));
    HILUM_ASSIGN_OR_RETURN(const Validation validation, Valid(shell));
    HILUM_ASSIGN_OR_RETURN(write.after,
                           resources_.Prepare(shell.root(), validation.typing, next.id, write.seen_version + 1));
    write.after->index.images = study.doc;
    if (exists) {
      HILUM_ASSIGN_OR_RETURN(write.before, resources_.PrepareStored(*newest));
      if (live) write.before->images = link->study;
    }
  }
  write.after->partial = true;
  return Commit(resources, std::move(write), std::move(next), uid, delta);
}

Status Linker::Withdraw(ResourceTxn& resources, const std::string& study_uid, Link link, const StudyDelta& delta) {
  HILUM_ASSIGN_OR_RETURN(const std::optional<Version> newest, resources.Newest(type_, link.id));
  const Doc study = link.study;
  link.live = false;
  if (!newest || newest->deleted()) {
    resources.txn().Put(Family::kResource, LinkKey(study_uid), Encode(link));
    return Status::Ok();
  }
  Write write{.method = Method::kDelete, .type = type_, .id = link.id, .seen_version = newest->number};
  HILUM_ASSIGN_OR_RETURN(write.before, resources_.PrepareStored(*newest));
  write.before->images = study;
  return Commit(resources, std::move(write), std::move(link), study_uid, delta);
}

Status Linker::Commit(ResourceTxn& resources, Write write, Link link, const std::string& study_uid,
                      const StudyDelta& delta) {
  std::vector<Write> writes;
  writes.push_back(std::move(write));
  HILUM_ASSIGN_OR_RETURN(const Committed committed, resources.WriteAll(std::move(writes), {}));
  if (committed.outdated) return Internal("an ImagingStudy changed within the transaction that read it");
  HILUM_ASSIGN_OR_RETURN(const auto head, resources.FindHead(type_, link.id));
  if (!head) return Internal("an ImagingStudy that was written is not there");
  link.resource = head->doc;
  Txn& txn = resources.txn();
  PutDelta(txn, resources_.schema().CollectionOf(type_), head->doc, head->version, Encode(delta));
  txn.Put(Family::kResource, StudyUidKey(head->doc), study_uid);
  txn.Put(Family::kResource, LinkKey(study_uid), Encode(link));
  return Status::Ok();
}

Result<std::string> Linker::Missing(const Kv& kv, const Snapshot* snapshot, const Version& stored, bool newest) const {
  StudyImages images;
  if (newest) {
    HILUM_ASSIGN_OR_RETURN(const auto uid, kv.Get(Family::kResource, StudyUidKey(stored.doc), snapshot));
    if (!uid) return Corruption("an ImagingStudy does not say which study it is of; run hilum verify");
    HILUM_ASSIGN_OR_RETURN(const auto study, FindStudy(kv, snapshot, *uid));
    if (!study) return std::string();  // deleted while nobody linked
    HILUM_ASSIGN_OR_RETURN(images, LoadImages(kv, snapshot, *study));
  } else {
    HILUM_ASSIGN_OR_RETURN(images,
                           Replay(kv, snapshot, resources_.schema().CollectionOf(type_), stored.doc, stored.number));
  }
  return SeriesProperty(images, shell_.default_offset_minutes);
}

}  // namespace hilum::fhir::imaging
