#include "fhir/imaging/linker.h"

#include <algorithm>
#include <set>
#include <utility>

#include "fhir/imaging/additions.h"
#include "fhir/imaging/demographics.h"

namespace hilum::fhir::imaging {
namespace {

using storage::Doc;
using storage::Family;
using storage::Kv;
using storage::Snapshot;
using storage::Txn;

// Brought up to date in one commit.
constexpr size_t kStudiesAtOnce = 64;

// Whether the orders that the series names are others than before.
bool NamesOthers(const storage::RowPair<storage::SeriesRow>& row) {
  const auto& [before, after] = row;
  if (before && after && before->attributes == after->attributes) return false;
  return (before ? OrderNumbersOf(*before) : std::vector<OrderNumber>()) !=
         (after ? OrderNumbersOf(*after) : std::vector<OrderNumber>());
}

constexpr std::string_view kNothingSaid = R"({"resourceType":"ImagingStudy"})";

// `required`: a shell may lack what is required of its series.
ValidateOptions Checks(bool required) {
  return {.check_targets = false, .check_narrative = false, .check_required = required};
}

// What is derived is valid by construction.
Result<Validation> Valid(const json::Document& document, bool required) {
  Validation validation = Validate(document.root(), Checks(required));
  if (validation.ok()) return validation;
  std::string places;
  for (const Issue& issue : validation.issues) places += " " + issue.expression;
  return Internal("what was made of images is not valid at" + places);
}

// An ImagingStudy without its elements that have issues.
std::string WithoutInvalid(json::Value resource, const std::vector<Issue>& issues) {
  if (issues.size() >= ValidateOptions().max_issues) return std::string(kNothingSaid);
  std::set<std::string_view> invalid;
  for (const Issue& issue : issues) {
    const std::string_view place = issue.expression;
    const size_t begin = kImagingStudy.size() + 1;
    if (place.size() <= begin) return std::string(kNothingSaid);  // it is of none
    invalid.insert(place.substr(begin, place.find_first_of(".[", begin) - begin));
  }
  std::vector<std::string_view> remove;
  for (const json::Value property : resource.children()) {
    const std::string_view key = property.key();
    if (invalid.contains(key.substr(key.starts_with('_') ? 1 : 0))) remove.push_back(key);
  }
  json::Edits edits;
  json::RemoveProperties(resource, remove, &edits);
  return edits.Apply(resource);
}

// Whether Patients and orders are looked up by what they were before. REQUIRES: the study was there and is.
bool AsksTheSame(const storage::StudyChange& change) {
  const auto& [before, after] = change.row;
  return before->attributes == after->attributes &&
         (before->patients == after->patients || CompareImages(*before).empty() == CompareImages(*after).empty()) &&
         std::ranges::none_of(change.series, [](const auto& series) { return NamesOthers(series.second.row); });
}

// Of what does the same: whether all elements of the ImagingStudy stay, but for numberOfInstances. What users added to
// an instance goes with it.
bool OnlyCounts(const storage::StudyChange& change) {
  const auto& [before, after] = change.row;
  const auto loses = [](const auto& series) {
    return std::ranges::any_of(series.second.instances, [](const auto& image) { return !image.second.after; });
  };
  return before->modalities == after->modalities && before->series == after->series &&
         std::ranges::none_of(change.series, loses);
}
bool OnlyCounts(json::Value shell, const json::Edits& edits) {
  const json::MaybeValue count = json::Find(shell, "numberOfInstances");
  return count && edits.list().size() == 1 && edits.list().front().begin == count->begin();
}

}  // namespace

Linker::Linker(storage::Store& store, ResourceStore& resources, LinkerOptions options, Logger log)
    : store_(store),
      resources_(resources),
      options_(std::move(options)),
      shell_(ShellOptionsOf(options_.resolver, resources.options())),
      resolver_(options_.resolver, resources.options().base_url),
      log_(std::move(log)),
      type_(FindResourceType(kImagingStudy).value_or(kNoType)),
      patient_(FindResourceType("Patient").value_or(kNoType)),
      order_(FindResourceType("ServiceRequest").value_or(kNoType)),
      report_(FindResourceType("DiagnosticReport").value_or(kNoType)),
      endpoint_(FindResourceType("Endpoint").value_or(kNoType)) {}

Linker::~Linker() {
  store_.Observe(nullptr);
  resources_.Use(nullptr);
}

Result<std::unique_ptr<Linker>> Linker::Start(storage::Store& store, ResourceStore& resources, LinkerOptions options,
                                              Logger log) {
  std::unique_ptr<Linker> linker(new Linker(store, resources, std::move(options), std::move(log)));
  resources.Use(linker.get());
  HILUM_ASSIGN_OR_RETURN(const auto synced, store.kv().Get(Family::kResource, SyncedKey()));
  std::optional<std::string> wanted;
  if (linker->options_.enabled) {
    wanted = Encode(linker->options_.resolver, resources.options());
    store.Observe(linker.get());
  }
  if (synced == wanted) return linker;
  // Whoever is interrupted begins again.
  if (synced) HILUM_RETURN_IF_ERROR(linker->NoteSynced(std::nullopt));
  if (wanted) {
    const bool anew = !synced || !DecodeResolverOptions(*synced);
    HILUM_RETURN_IF_ERROR(linker->Sync(anew).WithContext("make the ImagingStudy of stored studies"));
    HILUM_RETURN_IF_ERROR(linker->NoteSynced(wanted));
  }
  return linker;
}

Status Linker::NoteSynced(const std::optional<std::string>& options) {
  const auto note = [&](Txn& txn) {
    if (options) {
      txn.Put(Family::kResource, SyncedKey(), *options);
    } else {
      txn.Delete(Family::kResource, SyncedKey());
    }
    return Status::Ok();
  };
  return store_.writer().Run(note).status();
}

Status Linker::Sync(bool anew) {
  HILUM_RETURN_IF_ERROR(SyncReports());
  std::set<std::string> uids;
  const auto collect = [&](Family family, const std::string& prefix) -> Status {
    const auto rows = store_.kv().NewIterator(family, prefix, storage::PrefixEnd(prefix));
    for (rows->SeekToFirst(); rows->Valid(); rows->Next()) uids.emplace(rows->key().substr(prefix.size()));
    return rows->status();
  };
  HILUM_RETURN_IF_ERROR(collect(Family::kCatalogue, storage::StudyKey(storage::Tenant::kDefault, "")));
  HILUM_RETURN_IF_ERROR(collect(Family::kResource, LinksPrefix()));
  const std::vector<std::string> all(uids.begin(), uids.end());
  for (size_t begin = 0; begin < all.size(); begin += kStudiesAtOnce) {
    const auto some = std::span(all).subspan(begin, std::min(kStudiesAtOnce, all.size() - begin));
    const Status status = SyncStudies(some, anew);
    if (status.ok()) continue;
    if (!IsOfRows(status)) return status;
    // Each by itself: damage is that of its study alone. What users wrote into an ImagingStudy is in no other place, so
    // one that cannot be read is left for a backup to mend.
    for (size_t i = 0; i < some.size(); ++i) {
      const Status one = SyncStudies(some.subspan(i, 1), anew);
      if (one.ok()) continue;
      if (!IsOfRows(one)) return one;
      ++left_behind_;
      log_.Error("the ImagingStudy of a study is left as it was", {{"study", some[i]}, {"reason", one.message()}});
    }
  }
  return Status::Ok();
}

Status Linker::SyncStudies(std::span<const std::string> study_uids, bool anew) {
  const auto sync = [&](Txn& txn) -> Status {
    ResourceTxn resources(resources_, txn);
    for (const std::string& uid : study_uids) HILUM_RETURN_IF_ERROR(SyncStudy(resources, uid, anew));
    return Status::Ok();
  };
  return store_.writer().Run(sync).status();
}

Status Linker::SyncStudy(ResourceTxn& resources, const std::string& study_uid, bool anew) const {
  HILUM_ASSIGN_OR_RETURN(auto link, ReadLink(resources.txn(), study_uid));
  if (link && link->live) HILUM_RETURN_IF_ERROR(Part(resources, study_uid, &*link));
  if (link && link->live) HILUM_RETURN_IF_ERROR(LetGo(resources, study_uid, &*link));
  HILUM_ASSIGN_OR_RETURN(const auto study, FindStudy(resources.txn(), study_uid));
  const bool live = link && link->live;
  if (!study) return live ? Withdraw(resources, study_uid, *link, {}) : Status::Ok();
  StudyDelta delta;
  bool knows = false;
  if (live && link->study == study->doc) {
    HILUM_ASSIGN_OR_RETURN(const auto newest, resources.NewestRow(type_, link->id));
    knows = SeenMicros(*link, newest) == study->row.updated_micros;
    if (knows && anew && newest) {
      const auto said =
          Replay(store_.kv(), nullptr, resources_.schema().CollectionOf(type_), newest->doc, newest->number);
      if (!said.ok() && said.status().code() != Code::kCorruption) return said.status();
      HILUM_ASSIGN_OR_RETURN(const StudyImages images, LoadImages(resources.txn(), *study));
      knows = said.ok() && *said == images;
    }
  }
  if (!knows) {
    HILUM_ASSIGN_OR_RETURN(const StudyImages images, LoadImages(resources.txn(), *study));
    delta = DeltaOf(images);
  }
  return Describe(resources, *study, link, delta, Look::kAndMakePatient);
}

Status Linker::LetGo(ResourceTxn& resources, const std::string& study_uid, Link* link) const {
  HILUM_ASSIGN_OR_RETURN(const auto newest, resources.NewestRow(type_, link->id));
  if (!newest || newest->deleted() || newest->partial) return Status::Ok();
  PutWatches(resources.txn(), study_uid, std::exchange(link->watches, {}), {});
  link->live = false;
  link->added.reset();
  resources.txn().Put(Family::kResource, LinkKey(study_uid), Encode(*link));
  return Status::Ok();
}

Status Linker::Part(ResourceTxn& resources, const std::string& study_uid, Link* link) const {
  Txn& txn = resources.txn();
  HILUM_ASSIGN_OR_RETURN(const auto other_uid, txn.Get(Family::kResource, StudyUidKey(link->resource)));
  if (!other_uid || *other_uid == study_uid) return Status::Ok();
  HILUM_ASSIGN_OR_RETURN(auto other, ReadLink(txn, *other_uid));
  if (!other || !other->live || other->resource != link->resource) {
    txn.Put(Family::kResource, StudyUidKey(link->resource), study_uid);
    return Status::Ok();
  }
  PutWatches(txn, study_uid, std::exchange(link->watches, {}), {});
  link->live = false;
  txn.Put(Family::kResource, LinkKey(study_uid), Encode(*link));
  HILUM_ASSIGN_OR_RETURN(const auto others_study, FindStudy(txn, *other_uid));
  if (!others_study) return Status::Ok();
  other->study = link->study;  // what the index has to forget
  HILUM_ASSIGN_OR_RETURN(const StudyImages images, LoadImages(txn, *others_study));
  return Describe(resources, *others_study, other, DeltaOf(images), Look::kAgain);
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
  const bool asks_the_same = before && after && AsksTheSame(change);
  const bool only_counts = asks_the_same && OnlyCounts(change);
  if (only_counts) {  // under the id that nearly all have: without the link
    HILUM_ASSIGN_OR_RETURN(const bool done, CountAgain(resources, uid, doc, change));
    if (done) return Status::Ok();
  }
  HILUM_ASSIGN_OR_RETURN(const std::optional<Link> link, ReadLink(resources.txn(), uid));
  const bool live = link && link->live;
  if (!after) return live ? Withdraw(resources, uid, *link, DeltaOf(change)) : Status::Ok();

  if (live && only_counts && link->id != uid) {
    HILUM_ASSIGN_OR_RETURN(const bool done, CountAgain(resources, link->id, doc, change));
    if (done) return Status::Ok();
  }
  StudyDelta delta = DeltaOf(change);
  bool knows_before = false;  // what there was before the change
  if (live && before && link->study == doc) {
    HILUM_ASSIGN_OR_RETURN(const auto newest, resources.NewestRow(type_, link->id));
    knows_before = SeenMicros(*link, newest) == before->updated_micros;
  }
  const CatalogueStudy study{doc, *after};
  if (!before) {
    delta.from_scratch = true;
  } else if (!knows_before) {  // changed while nobody linked
    HILUM_ASSIGN_OR_RETURN(const StudyImages images, LoadImages(resources.txn(), study));
    delta = DeltaOf(images);
  }
  const bool known = live && asks_the_same && !delta.from_scratch;
  return Describe(resources, study, link, delta, known ? Look::kNot : Look::kAndMakePatient);
}

Result<Resolution> Linker::Resolve(ResourceTxn& resources, const CatalogueStudy& study, Asked asked, Look look,
                                   std::set<std::string>* studies) const {
  HILUM_ASSIGN_OR_RETURN(asked.orders, LoadOrderNumbers(resources.txn(), study));
  HILUM_ASSIGN_OR_RETURN(Resolution resolution, resolver_.Resolve(RecordsOf(resources), asked));
  const bool make = look == Look::kAndMakePatient && options_.resolver.policy == PatientPolicy::kCreate;
  if (!make || !resolution.nobody_has_identifier) return resolution;
  HILUM_RETURN_IF_ERROR(MakePatient(resources, study.row, studies));
  return resolver_.Resolve(RecordsOf(resources), asked);
}

Status Linker::MakePatient(ResourceTxn& resources, const storage::StudyRow& study,
                           std::set<std::string>* studies) const {
  HILUM_ASSIGN_OR_RETURN(const json::Document patient, json::Document::Parse(resolver_.MakePatient(study)));
  HILUM_ASSIGN_OR_RETURN(const Validation validation, Valid(patient, /*required=*/true));
  std::vector<Write> writes;
  Write& write = writes.emplace_back(
      Write{.method = Method::kCreate, .type = patient_, .id = resources_.NewId(), .seen_version = 0});
  HILUM_ASSIGN_OR_RETURN(write.after, resources_.Prepare(patient.root(), validation.typing, write.id, 1));
  return WritePatients(resources, std::move(writes), studies);
}

Result<std::vector<Write>> Linker::Settling(ResourceTxn& resources, const storage::StudyRow& study) const {
  std::vector<Write> writes;
  HILUM_ASSIGN_OR_RETURN(const auto patients, resolver_.MadeFor(RecordsOf(resources), study));
  for (const MadePatient& made : patients) {
    HILUM_ASSIGN_OR_RETURN(const std::optional<Version> newest, resources.Newest(patient_, made.id));
    if (!newest || newest->deleted()) continue;
    HILUM_ASSIGN_OR_RETURN(const json::Document before, json::Document::Parse(newest->bytes));
    json::Edits edits;
    Resolver::Yield(before.root(), made.yields_to, &edits);
    if (edits.empty()) continue;
    HILUM_ASSIGN_OR_RETURN(const json::Document after, json::Document::Parse(edits.Apply(before.root())));
    HILUM_ASSIGN_OR_RETURN(const Validation validation, Valid(after, /*required=*/true));
    Write& write = writes.emplace_back(
        Write{.method = Method::kUpdate, .type = patient_, .id = made.id, .seen_version = newest->number});
    HILUM_ASSIGN_OR_RETURN(write.after,
                           resources_.Prepare(after.root(), validation.typing, made.id, newest->number + 1));
    HILUM_ASSIGN_OR_RETURN(write.before, resources_.PrepareStored(*newest));
  }
  return writes;
}

Result<Linker::Place> Linker::PlaceFor(ResourceTxn& resources, const std::string& study_uid,
                                       const std::string& former_id) const {
  HILUM_ASSIGN_OR_RETURN(std::vector<std::string> wished, ImagingStudiesOf(RecordsOf(resources), study_uid));
  const size_t named = wished.size();
  wished.push_back(former_id);
  if (former_id != study_uid) wished.push_back(study_uid);
  for (size_t i = 0; i < wished.size(); ++i) {
    HILUM_ASSIGN_OR_RETURN(std::optional<Version> newest, resources.Newest(type_, wished[i]));
    const bool exists = newest && !newest->deleted();
    if (exists && newest->partial) continue;  // there are images of another study
    if (exists && i >= named) {
      HILUM_ASSIGN_OR_RETURN(const json::Document document, json::Document::Parse(newest->bytes));
      if (NamesStudy(document.root())) continue;
    }
    return Place{wished[i], std::move(newest), named > (i < named ? 1 : 0)};
  }
  return Place{resources_.NewId(), std::nullopt, named > 0};
}

Status Linker::Describe(ResourceTxn& resources, const CatalogueStudy& study, const std::optional<Link>& link,
                        const StudyDelta& delta, Look look) const {
  std::set<std::string> studies = {study.row.uid};
  if (look != Look::kNot) HILUM_RETURN_IF_ERROR(SettleMade(resources, &studies));
  HILUM_RETURN_IF_ERROR(DescribeAlone(resources, study, link, delta, look, &studies));
  studies.erase(study.row.uid);
  return Relink(resources, std::move(studies));
}

Status Linker::DescribeAlone(ResourceTxn& resources, const CatalogueStudy& study, const std::optional<Link>& link,
                             const StudyDelta& delta, Look look, std::set<std::string>* studies) const {
  const std::string& uid = study.row.uid;
  Link next = link.value_or(Link{.id = uid});
  const bool live = next.live;
  std::optional<Version> newest;
  bool duplicated = false;
  if (live) {
    HILUM_ASSIGN_OR_RETURN(newest, resources.Newest(type_, next.id));
  } else {
    HILUM_ASSIGN_OR_RETURN(Place place, PlaceFor(resources, uid, next.id));
    next.id = std::move(place.id);
    next.resource = kNoDoc;  // another study may have had it meanwhile
    next.orders.clear();
    newest = std::move(place.newest);
    duplicated = place.duplicated;
  }
  next.live = true;
  next.study = study.doc;
  next.seen_micros = study.row.updated_micros;
  const bool exists = newest && !newest->deleted();
  HILUM_ASSIGN_OR_RETURN(const json::Document old,
                         json::Document::Parse(exists ? newest->bytes : std::string(kNothingSaid)));
  Linked linked;
  const json::MaybeValue subject = json::Find(old.root(), "subject");
  // Nobody was there when it was looked for, or has been deleted since: the next images make one.
  const bool lacks_patient = options_.resolver.policy == PatientPolicy::kCreate && !subject["reference"];
  if (look == Look::kNot && lacks_patient) look = Look::kAndMakePatient;
  if (look == Look::kNot && live && exists) {
    linked = LinkedOf(old.root(), next.orders);
    linked.former_orders = next.orders;
  } else {
    const Version* const current = live && newest ? &*newest : nullptr;
    HILUM_ASSIGN_OR_RETURN(linked, Relate(resources, study, current, old.root(), duplicated, look, &next, studies));
  }
  DerivedElements derived = ElementsOf(study.row, std::move(linked), shell_);
  if (const json::MaybeValue additions = json::Find(old.root(), kDerivedElement))
    derived.elements.emplace_back(kDerivedElement, AdditionsAfter(*additions, delta));
  if (live && exists) derived.former = link->added ? *link->added : PresumedFormer(old.root(), derived, shell_);
  next.added = AddedBy(old.root(), derived);
  json::Edits edits;
  const bool indexed = MakeShell(old.root(), derived, &edits);
  if (live && exists && edits.empty() && delta.empty()) {
    resources.txn().Put(Family::kResource, LinkKey(uid), Encode(next));
    return Status::Ok();
  }

  const Link* const former = live && exists ? &*link : nullptr;
  HILUM_ASSIGN_OR_RETURN(Write write,
                         PrepareWrite(study, next.id, newest, old.root(), former, std::move(edits), indexed, derived));
  return Commit(resources, std::move(write), std::move(next), uid, delta);
}

Result<Linked> Linker::Relate(ResourceTxn& resources, const CatalogueStudy& study, const Version* current,
                              json::Value old, bool duplicated, Look look, Link* next,
                              std::set<std::string>* studies) const {
  const std::string& uid = study.row.uid;
  const json::MaybeValue subject = json::Find(old, "subject");
  Asked asked = AskedOf(study.row, subject);
  asked.duplicated = duplicated;
  if (current != nullptr) {
    HILUM_ASSIGN_OR_RETURN(asked.duplicated, IsDuplicated(RecordsOf(resources), uid, next->id));
  } else if (auto referred = ReferredPatient(subject, shell_.base_url); referred && !asked.chosen) {
    asked.given = std::move(referred);
  }
  HILUM_ASSIGN_OR_RETURN(Resolution resolution, Resolve(resources, study, std::move(asked), look, studies));
  Linked linked{.subject = resolution.subject.Json(),
                .review = std::move(resolution.review),
                .orders = OrdersToAdd(old, std::move(resolution.orders), next->orders),
                .reports = std::move(resolution.reports)};
  linked.former_orders = std::exchange(next->orders, linked.orders);
  PutWatches(resources.txn(), uid, next->watches, resolution.watches);
  next->watches = std::move(resolution.watches);
  return linked;
}

Result<Write> Linker::PrepareWrite(const CatalogueStudy& study, const std::string& id,
                                   const std::optional<Version>& newest, json::Value old, const Link* former,
                                   json::Edits edits, bool indexed, const DerivedElements& derived) const {
  const bool exists = newest && !newest->deleted();
  Write write{.method = exists ? Method::kUpdate : Method::kCreate,
              .type = type_,
              .id = id,
              .seen_version = newest ? newest->number : 0};
  if (former != nullptr && former->study == study.doc && !indexed) {
    const bool editable = !newest->edited && OnlyCounts(old, edits);
    auto [after, before] = editable ? resources_.PrepareEdited(old, std::move(edits), *newest)
                                    : resources_.PrepareUnindexed(old, std::move(edits), *newest);
    write.after = std::move(after);
    write.before = std::move(before);
  } else {
    HILUM_ASSIGN_OR_RETURN(const Shell shell, ValidShell(study.row.uid, edits.Apply(old), derived));
    HILUM_ASSIGN_OR_RETURN(write.after,
                           resources_.Prepare(shell.document.root(), shell.typing, id, write.seen_version + 1));
    write.after->index.images = study.doc;
    if (exists) {
      HILUM_ASSIGN_OR_RETURN(write.before, resources_.PrepareStored(*newest));
      if (former != nullptr) write.before->images = former->study;
    }
  }
  write.after->partial = true;
  if (write.after->edited) write.after->note = Encode(SeenStudy{study.doc, study.row.updated_micros});
  return write;
}

Result<Linker::Shell> Linker::ValidShell(const std::string& study_uid, std::string text,
                                         const DerivedElements& derived) const {
  HILUM_ASSIGN_OR_RETURN(json::Document shell, json::Document::Parse(std::move(text)));
  Validation validation = Validate(shell.root(), Checks(/*required=*/false));
  if (!validation.ok()) {
    log_.Warning("elements of an ImagingStudy that are not valid are left out of its newest version",
                 {{"study", study_uid}, {"first", validation.issues.front().expression}});
    HILUM_ASSIGN_OR_RETURN(const json::Document valid,
                           json::Document::Parse(WithoutInvalid(shell.root(), validation.issues)));
    json::Edits edits;  // what was left out may be the images', too
    MakeShell(valid.root(), derived, &edits);
    HILUM_ASSIGN_OR_RETURN(shell, json::Document::Parse(edits.Apply(valid.root())));
    HILUM_ASSIGN_OR_RETURN(validation, Valid(shell, /*required=*/false));
  }
  return Shell{std::move(shell), std::move(validation.typing)};
}

Result<bool> Linker::CountAgain(ResourceTxn& resources, const std::string& id, Doc doc,
                                const storage::StudyChange& change) const {
  HILUM_ASSIGN_OR_RETURN(const std::optional<Version> newest, resources.NewestRow(type_, id));
  if (!newest || !newest->edited || DecodeSeen(newest->note) != SeenStudy{doc, change.row.before->updated_micros})
    return false;
  const StudyDelta delta = DeltaOf(change);
  if (delta.empty()) return false;
  auto [after, before] = resources_.PrepareEdited(*newest, {std::to_string(change.row.after->instances)});
  after.partial = true;
  after.note = Encode(SeenStudy{doc, change.row.after->updated_micros});
  std::vector<Write> writes;
  writes.push_back({.method = Method::kUpdate,
                    .type = type_,
                    .id = id,
                    .seen_version = newest->number,
                    .after = std::move(after),
                    .before = std::move(before)});
  HILUM_ASSIGN_OR_RETURN(const Committed committed, resources.WriteAll(std::move(writes), {}));
  if (committed.outdated) return Internal("an ImagingStudy changed within the transaction that read it");
  PutDelta(resources.txn(), resources_.schema().CollectionOf(type_), newest->doc, newest->number + 1, Encode(delta));
  return true;
}

Status Linker::Withdraw(ResourceTxn& resources, const std::string& study_uid, Link link,
                        const StudyDelta& delta) const {
  HILUM_ASSIGN_OR_RETURN(const std::optional<Version> newest, resources.Newest(type_, link.id));
  const Doc study = link.study;
  link.live = false;
  PutWatches(resources.txn(), study_uid, link.watches, {});
  link.watches.clear();
  link.added.reset();
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
                      const StudyDelta& delta) const {
  std::vector<Write> writes;
  writes.push_back(std::move(write));
  HILUM_ASSIGN_OR_RETURN(const Committed committed, resources.WriteAll(std::move(writes), {}));
  if (committed.outdated) return Internal("an ImagingStudy changed within the transaction that read it");
  HILUM_ASSIGN_OR_RETURN(const auto head, resources.FindHead(type_, link.id));
  if (!head) return Internal("an ImagingStudy that was written is not there");
  Txn& txn = resources.txn();
  if (link.resource != head->doc) txn.Put(Family::kResource, StudyUidKey(head->doc), study_uid);
  link.resource = head->doc;
  PutDelta(txn, resources_.schema().CollectionOf(type_), head->doc, head->version, Encode(delta));
  txn.Put(Family::kResource, LinkKey(study_uid), Encode(link));
  return Status::Ok();
}

Result<std::optional<json::Edits::Edit>> Linker::Missing(const Kv& kv, const Snapshot* snapshot, const Version& stored,
                                                         bool newest) const {
  StudyImages images;  // none of a study that was deleted while nobody linked
  if (newest) {
    HILUM_ASSIGN_OR_RETURN(const auto uid, kv.Get(Family::kResource, StudyUidKey(stored.doc), snapshot));
    if (!uid) return Corruption("an ImagingStudy does not say which study it is of; run hilum verify");
    HILUM_ASSIGN_OR_RETURN(const auto study, FindStudy(kv, snapshot, *uid));
    if (study) {
      HILUM_ASSIGN_OR_RETURN(images, LoadImages(kv, snapshot, *study));
    }
  } else {
    HILUM_ASSIGN_OR_RETURN(images,
                           Replay(kv, snapshot, resources_.schema().CollectionOf(type_), stored.doc, stored.number));
  }
  return SeriesEdit(stored.bytes, images, shell_.default_offset_minutes);
}

}  // namespace hilum::fhir::imaging
