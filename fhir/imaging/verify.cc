#include "fhir/imaging/verify.h"

#include <algorithm>
#include <set>

#include "base/text.h"
#include "fhir/imaging/additions.h"
#include "storage/log/change_log.h"

namespace hilum::fhir::imaging {
namespace {

using storage::Bitmap;
using storage::Doc;
using storage::Family;
using storage::Level;

class LinkVerifier {
 public:
  explicit LinkVerifier(ResourceStore& resources)
      : resources_(resources), reader_(resources.Read()), type_(FindResourceType(kImagingStudy).value_or(kNoType)) {}

  Result<LinkReport> Run(LinkDepth depth) {
    HILUM_ASSIGN_OR_RETURN(const auto synced, reader_->kv().Get(Family::kResource, SyncedKey(), &reader_->snapshot()));
    if (!synced) return std::move(report_);
    const auto options = DecodeResolverOptions(*synced);
    current_ = options.has_value();
    if (depth == LinkDepth::kDeep) {
      if (options) {
        deriver_.emplace(resources_.options(), *options);
      } else {
        report_.findings.Add("ImagingStudies come from another release; start the server once, then look again");
      }
    }
    const std::string studies = storage::StudyKey(storage::Tenant::kDefault, "");
    HILUM_RETURN_IF_ERROR(
        Each(Family::kCatalogue, studies, [&](const std::string& uid) { return FindingOrError(uid, Study(uid)); }));
    HILUM_RETURN_IF_ERROR(Each(Family::kResource, LinksPrefix(),
                               [&](const std::string& uid) { return FindingOrError(uid, Ended(uid)); }));
    HILUM_RETURN_IF_ERROR(IndexHasNoOthers());
    if (!deriver_) return std::move(report_);
    HILUM_RETURN_IF_ERROR(
        Each(Family::kResource, WatchesPrefix(), [&](const std::string& row) { return Waiting(row); }));
    HILUM_RETURN_IF_ERROR(Reports());
    return std::move(report_);
  }

 private:
  template <typename Visit>
  Status Each(Family family, const std::string& prefix, Visit visit) {
    const auto rows = reader_->kv().NewIterator(family, prefix, storage::PrefixEnd(prefix), &reader_->snapshot());
    for (rows->SeekToFirst(); rows->Valid(); rows->Next()) {
      HILUM_RETURN_IF_ERROR(visit(std::string(rows->key().substr(prefix.size()))));
    }
    return rows->status();
  }

  void Finding(const std::string& study_uid, std::string_view what) {
    report_.findings.Add("study " + study_uid + ": " + std::string(what));
  }

  // Rows that cannot be read, or say no JSON, are findings; anything else ends the check.
  Status FindingOrError(const std::string& study_uid, const Status& status) {
    if (status.code() != Code::kCorruption && status.code() != Code::kInvalid) return status;
    Finding(study_uid, status.message());
    return Status::Ok();
  }

  Status Study(const std::string& uid) {
    ++report_.studies;
    HILUM_ASSIGN_OR_RETURN(const auto study, FindStudy(reader_->kv(), &reader_->snapshot(), uid));
    HILUM_ASSIGN_OR_RETURN(const auto link, ReadLink(reader_->kv(), &reader_->snapshot(), uid));
    if (!study) return Status::Ok();  // VerifyReport says so
    if (!link || !link->live) {
      Finding(uid, "it has no ImagingStudy");
      return Status::Ok();
    }
    if (link->study != study->doc) Finding(uid, "its ImagingStudy is linked to another study");
    HILUM_ASSIGN_OR_RETURN(const auto head, reader_->FindHead(type_, link->id));
    if (!head || !head->exists() || head->doc != link->resource) {
      Finding(uid, "the ImagingStudy that it is linked to does not exist");
      return Status::Ok();
    }
    if (live_.Contains(head->doc)) Finding(uid, "it shares its ImagingStudy with another study");
    live_.Add(head->doc);
    HILUM_ASSIGN_OR_RETURN(const auto described,
                           reader_->kv().Get(Family::kResource, StudyUidKey(head->doc), &reader_->snapshot()));
    if (described != uid) Finding(uid, "its ImagingStudy is noted as that of another study");
    HILUM_ASSIGN_OR_RETURN(const StudyImages images, LoadImages(reader_->kv(), &reader_->snapshot(), *study));
    HILUM_ASSIGN_OR_RETURN(const StudyImages replayed, Replay(reader_->kv(), &reader_->snapshot(),
                                                              reader_->CollectionOf(type_), head->doc, head->version));
    if (current_ && images != replayed) Finding(uid, "the changes of its ImagingStudy do not add up to its images");
    HILUM_RETURN_IF_ERROR(Resource(uid, *study, images, *link));
    if (deriver_) HILUM_RETURN_IF_ERROR(DerivedAnew(uid, *study, images, *link));
    return Index(uid, *study, *link);
  }

  Status Resource(const std::string& uid, const CatalogueStudy& study, const StudyImages& images, const Link& link) {
    HILUM_ASSIGN_OR_RETURN(auto version, reader_->Newest(type_, link.resource, Form::kStored));
    if (!version || !version->partial) {
      Finding(uid, "the newest version of its ImagingStudy is not derived");
      return Status::Ok();
    }
    if (SeenMicros(link, version) != study.row.updated_micros)
      Finding(uid, "its ImagingStudy does not know the last change");
    HILUM_ASSIGN_OR_RETURN(const auto edit,
                           SeriesEdit(version->bytes, images, resources_.options().default_offset_minutes));
    if (edit) version->bytes.replace(edit->begin, edit->end - edit->begin, edit->with);
    HILUM_ASSIGN_OR_RETURN(const json::Document document, json::Document::Parse(version->bytes));
    if (!Validate(document.root()).ok()) Finding(uid, "its ImagingStudy is not valid");
    size_t instances = 0;
    for (const auto& [series_uid, series] : images.series) instances += series.instances.size();
    if (Number(document, "numberOfSeries") != images.series.size() || study.row.series != images.series.size())
      Finding(uid, "its ImagingStudy counts other series than there are");
    if (Number(document, "numberOfInstances") != instances || study.row.instances != instances)
      Finding(uid, "its ImagingStudy counts other instances than there are");
    HILUM_ASSIGN_OR_RETURN(const auto changes, storage::ReadChanges(reader_->kv(), storage::Tenant::kDefault,
                                                                    version->sequence - 1, 1, &reader_->snapshot()));
    const std::vector<std::string> path = {std::string(kImagingStudy), version->id};
    if (changes.empty() || changes[0].path != path || changes[0].version != version->number)
      Finding(uid, "the change log does not have the newest version of its ImagingStudy");
    return Status::Ok();
  }

  static size_t Number(const json::Document& document, std::string_view element) {
    const json::MaybeValue value = json::Find(document.root(), element);
    return value ? ParseDecimal<size_t>(value->text()).value_or(SIZE_MAX) : SIZE_MAX;
  }

  Status Index(const std::string& uid, const CatalogueStudy& study, const Link& link) {
    Bitmap target;
    target.Add(study.doc);
    HILUM_ASSIGN_OR_RETURN(const Bitmap referrers,
                           reader_->index().Referrers(reader_->CollectionOf(type_), reader_->schema().images(),
                                                      storage::CollectionOf(Level::kStudy), target));
    if (referrers.ToVector() != std::vector<Doc>{link.resource})
      Finding(uid, "the index leads from other resources to it than its ImagingStudy");
    HILUM_ASSIGN_OR_RETURN(const auto docs,
                           reader_->FindIdentifier(type_, {std::string(kUidSystem), UidIdentifier(uid)}));
    if (std::ranges::find(docs, link.resource) == docs.end())
      Finding(uid, "its ImagingStudy is not found by its identifier");
    return Status::Ok();
  }

  // What the images and the records say now is what the ImagingStudy says.
  Status DerivedAnew(const std::string& uid, const CatalogueStudy& study, const StudyImages& images, const Link& link) {
    HILUM_ASSIGN_OR_RETURN(const auto stored, reader_->Newest(type_, link.resource, Form::kStored));
    if (!stored) return Status::Ok();
    HILUM_ASSIGN_OR_RETURN(const json::Document document, json::Document::Parse(stored->bytes));
    Asked asked = AskedOf(study.row, json::Find(document.root(), "subject"));
    HILUM_ASSIGN_OR_RETURN(asked.orders, LoadOrderNumbers(reader_->kv(), &reader_->snapshot(), study));
    HILUM_ASSIGN_OR_RETURN(asked.duplicated, IsDuplicated(RecordsOf(*reader_), uid, link.id));
    HILUM_ASSIGN_OR_RETURN(Resolution fresh, deriver_->resolver.Resolve(RecordsOf(*reader_), asked));
    HILUM_RETURN_IF_ERROR(Watches(uid, fresh.watches, link));
    HILUM_RETURN_IF_ERROR(Made(uid, fresh.made));
    Linked linked{.subject = fresh.subject.Json(), .review = std::move(fresh.review)};
    linked.orders = OrdersToAdd(document.root(), std::move(fresh.orders), link.orders);
    linked.former_orders = link.orders;
    linked.reports = std::move(fresh.reports);
    if (linked.orders != link.orders) Finding(uid, "other orders belong to it than are in basedOn");
    DerivedElements derived = ElementsOf(study.row, std::move(linked), deriver_->shell);
    if (const json::MaybeValue additions = json::Find(document.root(), kDerivedElement))
      derived.elements.emplace_back(kDerivedElement, AdditionsAfter(*additions, DeltaOf(images)));
    derived.former = link.added ? *link.added : PresumedFormer(document.root(), derived, deriver_->shell);
    if (link.added && AddedBy(document.root(), derived) != link.added)
      Finding(uid, "other elements of its ImagingStudy are noted as the images' than are");
    json::Edits edits;
    MakeShell(document.root(), derived, &edits);
    if (!edits.empty()) Finding(uid, "its ImagingStudy says something else than images and records");
    return Status::Ok();
  }

  Status Watches(const std::string& uid, const std::vector<std::string>& needed, const Link& link) {
    if (needed != link.watches) Finding(uid, "its ImagingStudy depends on other records than it waits for");
    for (const std::string& watch : link.watches) {
      HILUM_ASSIGN_OR_RETURN(const auto row,
                             reader_->kv().Get(Family::kResource, WatchKey(watch, uid), &reader_->snapshot()));
      if (!row) Finding(uid, "its ImagingStudy would not learn of a record that it depends on");
    }
    return Status::Ok();
  }

  Status Made(const std::string& uid, const std::vector<MadePatient>& patients) {
    for (const MadePatient& made : patients) {
      HILUM_ASSIGN_OR_RETURN(const auto patient, RecordsOf(*reader_).current(patient_, made.id));
      if (!patient) continue;
      HILUM_ASSIGN_OR_RETURN(const json::Document document, json::Document::Parse(patient->bytes));
      json::Edits edits;
      Resolver::Yield(document.root(), made.yields_to, &edits);
      if (!edits.empty()) Finding(uid, "a Patient who was made of images yields to another than it says");
    }
    return Status::Ok();
  }

  // A row by which a study waits for a record.
  Status Waiting(Bytes watch_and_uid) {
    const Bytes watch = watch_and_uid.substr(0, kWatchBytes);
    const std::string uid(watch_and_uid.substr(watch.size()));
    const auto read = ReadLink(reader_->kv(), &reader_->snapshot(), uid);
    if (read.status().code() == Code::kCorruption) return Status::Ok();  // Study() says so
    HILUM_ASSIGN_OR_RETURN(const auto link, read);
    if (!link || std::ranges::find(link->watches, watch) == link->watches.end())
      Finding(uid, "it waits for a record that it does not depend on");
    return Status::Ok();
  }

  // The rows by which studies find reports by their orders.
  Status Reports() {
    const TypeId type = FindResourceType("DiagnosticReport").value_or(kNoType);
    HILUM_ASSIGN_OR_RETURN(const Bitmap live, reader_->index().Live(reader_->CollectionOf(type)));
    std::set<std::string> with_orders;
    for (const Doc doc : live.ToVector()) {
      HILUM_ASSIGN_OR_RETURN(const auto report, reader_->Newest(type, doc, Form::kStored));
      if (!report || report->bytes.find("basedOn") == std::string::npos) continue;
      HILUM_ASSIGN_OR_RETURN(const json::Document document, json::Document::Parse(report->bytes));
      const std::vector<std::string> orders = deriver_->resolver.OrdersOf(document.root());
      HILUM_ASSIGN_OR_RETURN(const std::vector<std::string> noted, OrdersNoted(report->id));
      if (orders != noted) report_.findings.Add("DiagnosticReport/" + report->id + ": its orders are not noted");
      if (!orders.empty()) with_orders.insert(report->id);
    }
    HILUM_RETURN_IF_ERROR(Each(Family::kResource, OrdersPrefix(), [&](const std::string& id) -> Status {
      if (!with_orders.contains(id))
        report_.findings.Add("DiagnosticReport/" + id + ": has no orders, but some are noted");
      HILUM_ASSIGN_OR_RETURN(const std::vector<std::string> noted, OrdersNoted(id));
      for (const std::string& order : noted) {
        HILUM_ASSIGN_OR_RETURN(const auto row,
                               reader_->kv().Get(Family::kResource, BasedOnKey(order, id), &reader_->snapshot()));
        if (!row) report_.findings.Add("DiagnosticReport/" + id + ": studies of its order would not find it");
      }
      return Status::Ok();
    }));
    return Each(Family::kResource, BasedOnPrefix(), [&](const std::string& row) -> Status {
      const std::string id = row.substr(kWatchBytes);
      HILUM_ASSIGN_OR_RETURN(const std::vector<std::string> noted, OrdersNoted(id));
      if (std::ranges::find(noted, row.substr(0, kWatchBytes)) == noted.end())
        report_.findings.Add("DiagnosticReport/" + id + ": is found by an order that it is not based on");
      return Status::Ok();
    });
  }

  Result<std::vector<std::string>> OrdersNoted(const std::string& report_id) {
    HILUM_ASSIGN_OR_RETURN(const auto row,
                           reader_->kv().Get(Family::kResource, OrdersKey(report_id), &reader_->snapshot()));
    return row ? DecodeOrders(*row) : std::vector<std::string>();
  }

  // A link whose study has gone.
  Status Ended(const std::string& uid) {
    HILUM_ASSIGN_OR_RETURN(const auto study, FindStudy(reader_->kv(), &reader_->snapshot(), uid));
    if (study) return Status::Ok();
    HILUM_ASSIGN_OR_RETURN(const auto link, ReadLink(reader_->kv(), &reader_->snapshot(), uid));
    if (!link) return Status::Ok();
    if (link->live) Finding(uid, "it is gone, but its ImagingStudy is not");
    HILUM_ASSIGN_OR_RETURN(const auto version, reader_->Newest(type_, link->resource, Form::kStored));
    if (!link->live && version && version->partial) Finding(uid, "it is gone, but its ImagingStudy says images");
    return Status::Ok();
  }

  Status IndexHasNoOthers() {
    HILUM_ASSIGN_OR_RETURN(const Bitmap linked,
                           reader_->index().Evaluate(reader_->CollectionOf(type_),
                                                     {.node = storage::Present{reader_->schema().images()}}));
    if (!(linked == live_)) Finding("(any)", "the index has other derived ImagingStudies than there are");
    return Status::Ok();
  }

  // How stored ImagingStudies were derived.
  struct Deriver {
    Deriver(const ResourceStoreOptions& bound, const ResolverOptions& options)
        : shell(ShellOptionsOf(options, bound)), resolver(options, bound.base_url) {}
    const ShellOptions shell;
    const Resolver resolver;
  };

  const ResourceStore& resources_;
  const std::unique_ptr<ResourceReader> reader_;
  const TypeId type_;
  const TypeId patient_ = FindResourceType("Patient").value_or(kNoType);
  std::optional<Deriver> deriver_;
  bool current_ = false;  // derived by this release
  Bitmap live_;
  LinkReport report_;
};

}  // namespace

Result<LinkReport> VerifyLinks(ResourceStore& resources, LinkDepth depth) {
  return LinkVerifier(resources).Run(depth);
}

}  // namespace hilum::fhir::imaging
