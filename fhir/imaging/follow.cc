// Records come and change after images, too: Patients and orders find the studies that wait for them.
#include <algorithm>

#include "fhir/imaging/demographics.h"
#include "fhir/imaging/linker.h"

namespace hilum::fhir::imaging {
namespace {

// Of whom the study is, or else its Patient ID.
std::string NameOf(const storage::StudyRow& study, const std::optional<Version>& patient) {
  if (patient) return "Patient/" + patient->id;
  const std::string id = CleanText(storage::FirstValue(study.attributes, dicom::tags::kPatientId));
  return id.empty() ? "unknown" : id;
}

}  // namespace

bool Linker::Follows(TypeId type) const {
  return options_.enabled && (type == patient_ || type == order_ || type == report_ || type == type_);
}

Status Linker::OnWritten(ResourceTxn& resources, const std::vector<WrittenResource>& written) const {
  HILUM_ASSIGN_OR_RETURN(auto studies, WatchersOf(resources, written));
  for (const WrittenResource& resource : written) {
    if (resource.type != report_) continue;
    HILUM_ASSIGN_OR_RETURN(const auto orders, FollowReport(resources, resource.id));
    for (const std::string& order : orders) {
      HILUM_ASSIGN_OR_RETURN(const auto found, FindWatchers(resources.txn(), order));
      studies.insert(found.begin(), found.end());
    }
  }
  return Relink(resources, std::move(studies));
}

Result<std::set<std::string>> Linker::WatchersOf(ResourceTxn& resources,
                                                 const std::vector<WrittenResource>& written) const {
  storage::Txn& txn = resources.txn();
  std::set<std::string> studies;
  const auto add = [&](const std::string& watch) -> Status {
    HILUM_ASSIGN_OR_RETURN(auto found, FindWatchers(txn, watch));
    for (std::string& uid : found) studies.insert(std::move(uid));
    return Status::Ok();
  };
  for (const WrittenResource& resource : written) {
    if (resource.type == type_) {
      // What its user chose or took away may depend on other records.
      HILUM_ASSIGN_OR_RETURN(const auto head, resources.FindHead(type_, resource.id));
      if (!head) continue;
      HILUM_ASSIGN_OR_RETURN(auto uid, txn.Get(storage::Family::kResource, StudyUidKey(head->doc)));
      if (uid) studies.insert(*std::move(uid));
      // Of studies that have another one it is a duplicate, or was.
      for (const storage::TokenValue& identifier : resource.identifiers) {
        if (identifier.system == kUidSystem) studies.emplace(StudyUidOf(identifier.code));
      }
      continue;
    }
    if (resource.type == patient_) HILUM_RETURN_IF_ERROR(add(WatchOf(resource.type, resource.id)));
    const TypeId waited_for = resource.type == report_ ? order_ : resource.type;
    for (const storage::TokenValue& identifier : resource.identifiers)
      HILUM_RETURN_IF_ERROR(add(WatchOf(waited_for, identifier)));
  }
  return studies;
}

Status Linker::WritePatients(ResourceTxn& resources, std::vector<Write> writes, std::set<std::string>* studies) const {
  const std::vector<WrittenResource> written = resources_.FollowedOf(writes);
  HILUM_ASSIGN_OR_RETURN(const Committed committed, resources.WriteAll(std::move(writes), {}));
  if (committed.outdated) return Internal("a Patient changed within the transaction that read it");
  HILUM_ASSIGN_OR_RETURN(auto concerned, WatchersOf(resources, written));
  studies->merge(concerned);
  return Status::Ok();
}

Status Linker::SettleMade(ResourceTxn& resources, std::set<std::string>* studies) const {
  std::vector<std::string> waiting(studies->begin(), studies->end());
  while (!waiting.empty()) {
    const std::string uid = std::move(waiting.back());
    waiting.pop_back();
    HILUM_ASSIGN_OR_RETURN(const auto study, FindStudy(resources.txn(), uid));
    if (!study) continue;
    HILUM_ASSIGN_OR_RETURN(std::vector<Write> writes, Settling(resources, study->row));
    if (writes.empty()) continue;
    std::set<std::string> concerned;
    HILUM_RETURN_IF_ERROR(WritePatients(resources, std::move(writes), &concerned));
    for (const std::string& other : concerned) {
      if (studies->insert(other).second) waiting.push_back(other);
    }
  }
  return Status::Ok();
}

Status Linker::Relink(ResourceTxn& resources, std::set<std::string> studies) const {
  HILUM_RETURN_IF_ERROR(SettleMade(resources, &studies));
  std::set<std::string> made_for;  // none: Patients are made for images that come
  for (const std::string& uid : studies) {
    HILUM_ASSIGN_OR_RETURN(const auto link, ReadLink(resources.txn(), uid));
    HILUM_ASSIGN_OR_RETURN(const auto study, FindStudy(resources.txn(), uid));
    if (!link || !link->live || !study || link->study != study->doc) continue;
    HILUM_RETURN_IF_ERROR(DescribeAlone(resources, *study, link, {}, Look::kAgain, &made_for));
  }
  return Status::Ok();
}

Result<storage::Bitmap> Linker::LettingGo(ResourceReader& reader, std::string_view field,
                                          const storage::Bitmap& referrers, TypeId type, const std::string& id) const {
  storage::Bitmap letting_go;
  if (!Follows(type)) return letting_go;
  for (const storage::Doc doc : referrers.ToVector()) {
    HILUM_ASSIGN_OR_RETURN(const auto uid,
                           reader.kv().Get(storage::Family::kResource, StudyUidKey(doc), &reader.snapshot()));
    if (!uid) continue;
    HILUM_ASSIGN_OR_RETURN(const auto link, ReadLink(reader.kv(), &reader.snapshot(), *uid));
    if (!link || !link->live || link->resource != doc) continue;
    const bool ours = field == "report" || (field == "basedon" && std::ranges::count(link->orders, id) > 0);
    if (ours) letting_go.Add(doc);
  }
  return letting_go;
}

Result<std::vector<Disagreement>> Linker::Disagreements(ResourceReader& reader, const Version& newest) const {
  std::vector<Disagreement> found;
  if (!newest.partial) return found;
  HILUM_ASSIGN_OR_RETURN(const std::string uid, StudyOf(reader, newest));
  HILUM_ASSIGN_OR_RETURN(const auto study, FindStudy(reader.kv(), &reader.snapshot(), uid));
  if (!study) return found;
  HILUM_ASSIGN_OR_RETURN(const json::Document document, json::Document::Parse(newest.bytes));
  Asked asked = AskedOf(study->row, json::Find(document.root(), "subject"));
  HILUM_ASSIGN_OR_RETURN(asked.orders, LoadOrderNumbers(reader.kv(), &reader.snapshot(), *study));
  HILUM_ASSIGN_OR_RETURN(const Resolution resolution, resolver_.Resolve(RecordsOf(reader), asked));
  if (resolution.patient) {
    HILUM_ASSIGN_OR_RETURN(const json::Document patient, json::Document::Parse(resolution.patient->bytes));
    found = CompareDemographics(study->row, patient.root());
    if (auto identifier = resolver_.CompareIdentifier(study->row, patient.root()))
      found.insert(found.begin(), *std::move(identifier));
    for (Disagreement& one : found) one.other = "Patient/" + resolution.patient->id;
  }
  for (const ForeignRecord& record : resolution.foreign)
    found.push_back({record.reference, "subject", NameOf(study->row, resolution.patient), record.patient});
  for (Disagreement& one : CompareImages(study->row)) found.push_back(std::move(one));
  return found;
}

}  // namespace hilum::fhir::imaging
