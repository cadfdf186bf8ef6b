#include "fhir/imaging/verify.h"

#include <algorithm>
#include <charconv>

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
      : reader_(resources.Read()), type_(FindResourceType(kImagingStudy).value_or(kNoType)) {}

  Result<LinkReport> Run() {
    HILUM_ASSIGN_OR_RETURN(const auto synced, reader_->kv().Get(Family::kResource, SyncedKey(), &reader_->snapshot()));
    if (!synced) return std::move(report_);
    const std::string studies = storage::StudyKey(storage::Tenant::kDefault, "");
    HILUM_RETURN_IF_ERROR(Each(Family::kCatalogue, studies, [&](const std::string& uid) { return Study(uid); }));
    HILUM_RETURN_IF_ERROR(Each(Family::kResource, LinksPrefix(), [&](const std::string& uid) { return Ended(uid); }));
    HILUM_RETURN_IF_ERROR(IndexHasNoOthers());
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
    if (link->seen_micros != study->row.updated_micros) Finding(uid, "its ImagingStudy does not know the last change");
    HILUM_ASSIGN_OR_RETURN(const auto head, reader_->FindHead(type_, link->id));
    if (!head || !head->exists() || head->doc != link->resource) {
      Finding(uid, "the ImagingStudy that it is linked to does not exist");
      return Status::Ok();
    }
    live_.Add(head->doc);
    HILUM_ASSIGN_OR_RETURN(const StudyImages images, LoadImages(reader_->kv(), &reader_->snapshot(), *study));
    HILUM_ASSIGN_OR_RETURN(const StudyImages replayed, Replay(reader_->kv(), &reader_->snapshot(),
                                                              reader_->CollectionOf(type_), head->doc, head->version));
    if (images != replayed) Finding(uid, "the changes of its ImagingStudy do not add up to its images");
    HILUM_RETURN_IF_ERROR(Resource(uid, *study, images, head->doc));
    return Index(uid, *study, *link);
  }

  Status Resource(const std::string& uid, const CatalogueStudy& study, const StudyImages& images, Doc doc) {
    HILUM_ASSIGN_OR_RETURN(const auto version, reader_->Newest(type_, doc));
    if (!version || !version->partial) {
      Finding(uid, "the newest version of its ImagingStudy is not derived");
      return Status::Ok();
    }
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
    size_t number = SIZE_MAX;
    if (value) std::from_chars(value->text().data(), value->text().data() + value->text().size(), number);
    return number;
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

  // A link whose study has gone.
  Status Ended(const std::string& uid) {
    HILUM_ASSIGN_OR_RETURN(const auto study, FindStudy(reader_->kv(), &reader_->snapshot(), uid));
    HILUM_ASSIGN_OR_RETURN(const auto link, ReadLink(reader_->kv(), &reader_->snapshot(), uid));
    if (study || !link) return Status::Ok();
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

  const std::unique_ptr<ResourceReader> reader_;
  const TypeId type_;
  Bitmap live_;
  LinkReport report_;
};

}  // namespace

Result<LinkReport> VerifyLinks(ResourceStore& resources) {
  return LinkVerifier(resources).Run();
}

}  // namespace hilum::fhir::imaging
