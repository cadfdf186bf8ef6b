#include "fhir/cohort/images.h"

#include <algorithm>

#include "fhir/json/edits.h"

namespace hilum::fhir {
namespace {

using storage::Bitmap;
using storage::Doc;
using storage::Level;

constexpr size_t kPieceBytes = size_t{64} << 10;

TypeId PatientType() {
  return FindResourceType("Patient").value_or(kNoType);
}
TypeId ImagingStudyType() {
  return FindResourceType("ImagingStudy").value_or(kNoType);
}

Result<Bitmap> StoredStudies(ResourceReader& reader, const Bitmap& imaging_studies) {
  return reader.index().Referees(reader.CollectionOf(ImagingStudyType()), reader.schema().images(),
                                 storage::CollectionOf(Level::kStudy), imaging_studies);
}

// What was deleted meanwhile is passed over.
template <typename Row>
Result<std::optional<Row>> IfThere(Result<Row> row) {
  if (row.ok()) return std::optional<Row>(*std::move(row));
  if (row.status().code() == Code::kNotFound) return std::optional<Row>();
  return row.status();
}

std::vector<Doc> Reversed(std::vector<Doc> docs) {
  std::ranges::reverse(docs);
  return docs;
}

Doc TakeLast(std::vector<Doc>* docs) {
  const Doc doc = docs->back();
  docs->pop_back();
  return doc;
}

}  // namespace

Result<ImageCounts> CountImages(ResourceReader& reader, const storage::CatalogueReader& catalogue,
                                const Bitmap& imaging_studies) {
  HILUM_ASSIGN_OR_RETURN(const Bitmap studies, StoredStudies(reader, imaging_studies));
  ImageCounts counts;
  for (const Doc doc : studies.ToVector()) {
    HILUM_ASSIGN_OR_RETURN(const auto row, IfThere(catalogue.Study(doc)));
    if (!row) continue;
    ++counts.studies;
    counts.series += row->series;
    counts.instances += row->instances;
  }
  return counts;
}

CohortList::CohortList(std::unique_ptr<ResourceReader> reader, storage::Store& store, ListOptions options,
                       const Bitmap& patients, const Bitmap& imaging_studies)
    : reader_(std::move(reader)), catalogue_(store.Read()), options_(std::move(options)) {
  if (options_.level == Level::kPatient) {
    waiting_.patients = Reversed(patients.ToVector());
  } else {
    waiting_.imaging_studies = Reversed(imaging_studies.ToVector());
  }
}

Result<std::string> CohortList::Next() {
  std::string piece;
  if (!begun_) AppendHead(&piece);
  begun_ = true;
  while (piece.size() < kPieceBytes) {
    if (!waiting_.instances.empty()) {
      HILUM_RETURN_IF_ERROR(StepInstance(&piece));
    } else if (!waiting_.series.empty()) {
      HILUM_RETURN_IF_ERROR(StepSeries(&piece));
    } else if (!waiting_.imaging_studies.empty()) {
      HILUM_RETURN_IF_ERROR(StepStudy(&piece));
    } else if (!waiting_.patients.empty()) {
      HILUM_RETURN_IF_ERROR(StepPatient(&piece));
    } else {
      break;
    }
  }
  return piece;
}

Status CohortList::StepPatient(std::string* out) {
  HILUM_ASSIGN_OR_RETURN(const auto version, reader_->Newest(PatientType(), TakeLast(&waiting_.patients)));
  if (!version || version->deleted()) return Status::Ok();
  patient_ = "Patient/" + version->id;
  AppendLine(options_.fhir_url + "/" + patient_, out);
  return Status::Ok();
}

Result<std::string> CohortList::PatientOf(Doc imaging_study) {
  if (!persons_) {
    HILUM_ASSIGN_OR_RETURN(persons_, Persons::Read(*reader_));
  }
  const auto field = PatientFieldOf(*reader_, ImagingStudyType());
  if (!field) return std::string();
  HILUM_ASSIGN_OR_RETURN(const auto references,
                         reader_->index().References(reader_->CollectionOf(ImagingStudyType()), *field, imaging_study));
  for (const storage::ReferenceValue& reference : references) {
    if (!reference.target || reference.target->collection != reader_->CollectionOf(PatientType())) continue;
    HILUM_ASSIGN_OR_RETURN(const auto version,
                           reader_->Newest(PatientType(), persons_->SurvivorOf(reference.target->doc)));
    if (version) return "Patient/" + version->id;
  }
  return std::string();
}

Status CohortList::StepStudy(std::string* out) {
  const Doc imaging_study = TakeLast(&waiting_.imaging_studies);
  HILUM_ASSIGN_OR_RETURN(const Bitmap stored, StoredStudies(*reader_, Bitmap({imaging_study})));
  for (const Doc doc : stored.ToVector()) {
    HILUM_ASSIGN_OR_RETURN(const auto row, IfThere(catalogue_.Study(doc)));
    if (!row) continue;
    HILUM_ASSIGN_OR_RETURN(patient_, PatientOf(imaging_study));
    study_ = row->uid;
    if (options_.level == Level::kStudy) {
      AppendLine(options_.images_url + "/studies/" + study_, out);
      continue;
    }
    HILUM_ASSIGN_OR_RETURN(std::vector<Doc> series, catalogue_.SeriesOfStudy(doc));
    waiting_.series = Reversed(std::move(series));
  }
  return Status::Ok();
}

Status CohortList::StepSeries(std::string* out) {
  const Doc doc = TakeLast(&waiting_.series);
  HILUM_ASSIGN_OR_RETURN(const auto row, IfThere(catalogue_.Series(doc)));
  if (!row) return Status::Ok();
  series_ = row->uid;
  if (options_.level == Level::kSeries) {
    AppendLine(options_.images_url + "/studies/" + study_ + "/series/" + series_, out);
    return Status::Ok();
  }
  HILUM_ASSIGN_OR_RETURN(std::vector<Doc> instances, catalogue_.InstancesOfSeries(doc));
  waiting_.instances = Reversed(std::move(instances));
  return Status::Ok();
}

Status CohortList::StepInstance(std::string* out) {
  HILUM_ASSIGN_OR_RETURN(const auto row, IfThere(catalogue_.Instance(TakeLast(&waiting_.instances))));
  if (!row) return Status::Ok();
  instance_ = row->uid;
  AppendLine(options_.images_url + "/studies/" + study_ + "/series/" + series_ + "/instances/" + instance_, out);
  return Status::Ok();
}

void CohortList::AppendHead(std::string* out) const {
  if (options_.format != ListFormat::kCsv) return;
  constexpr std::string_view kColumns[] = {"patient", "study", "series", "instance"};
  for (size_t i = 0; i < static_cast<size_t>(options_.level); ++i) out->append(kColumns[i]).append(",");
  out->append("url\r\n");
}

// Ids, UIDs and our URLs hold no character that CSV (RFC 4180) would have in quotes.
void CohortList::AppendLine(const std::string& url, std::string* out) const {
  const std::pair<std::string_view, const std::string&> columns[] = {
      {"patient", patient_}, {"study", study_}, {"series", series_}, {"instance", instance_}};
  const bool csv = options_.format == ListFormat::kCsv;
  if (!csv) out->push_back('{');
  for (size_t i = 0; i < static_cast<size_t>(options_.level); ++i) {
    const auto& [name, value] = columns[i];
    if (csv) {
      out->append(value).append(",");
    } else {
      out->append("\"").append(name).append("\":").append(json::Quoted(value)).append(",");
    }
  }
  if (csv) {
    out->append(url).append("\r\n");
  } else {
    out->append("\"url\":").append(json::Quoted(url)).append("}\n");
  }
}

}  // namespace hilum::fhir
