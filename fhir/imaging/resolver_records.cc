// Which orders a study fulfils, and which reports are about it.
#include <algorithm>
#include <set>

#include "fhir/imaging/demographics.h"
#include "fhir/imaging/made.h"
#include "fhir/imaging/resolver.h"
#include "fhir/imaging/rows.h"
#include "fhir/imaging/shell.h"

namespace hilum::fhir::imaging {
namespace {

namespace t = dicom::tags;
using storage::TokenValue;

constexpr std::string_view kIdentifierTypes = "http://terminology.hl7.org/CodeSystem/v2-0203";

// Status of orders and reports that should never have existed (R4 request-status, diagnostic-report-status).
constexpr std::string_view kVoid = "entered-in-error";

// Their watches, two of each, are one row (rows.h).
constexpr size_t kMaxOrdersOfReport = 1024;

// Whether `identifier` says of itself to be something else.
bool IsOfAnotherType(json::Value identifier, std::string_view type) {
  const json::MaybeValue codings = json::Find(identifier, "type")["coding"];
  if (!codings || type.empty()) return false;
  bool other = false;
  for (const json::Value coding : codings->children()) {
    if (json::Find(coding, "system").TextOr("") != kIdentifierTypes) continue;
    if (json::Find(coding, "code").TextOr("") == type) return false;
    other = true;
  }
  return other;
}

}  // namespace

bool Resolver::IsNamed(json::Value record, const Named& name) {
  if (name.type.empty()) return true;
  const json::MaybeValue identifiers = json::Find(record, "identifier");
  if (!identifiers) return false;
  const auto list = identifiers->children();
  return std::any_of(list.begin(), list.end(), [&](json::Value identifier) {
    return json::Find(identifier, "system").TextOr("") == name.identifier.system &&
           json::Find(identifier, "value").TextOr("") == name.identifier.code &&
           !IsOfAnotherType(identifier, name.type);
  });
}

std::vector<Resolver::Named> Resolver::NamesOf(const Asked& asked) const {
  using Kind = OrderNumber::Kind;
  std::vector<Named> names = {{{std::string(kUidSystem), UidIdentifier(asked.study.uid)}, ""}};
  const auto add = [&](const std::string& system, const std::string& value, std::string_view type) {
    Named name{{system, value}, type};
    const auto same = [&](const Named& other) { return other.identifier == name.identifier && other.type == type; };
    if (!value.empty() && std::ranges::none_of(names, same)) names.push_back(std::move(name));
  };
  add(options_.accession_system, CleanText(storage::FirstValue(asked.study.attributes, t::kAccessionNumber)), "ACSN");
  for (const OrderNumber& number : asked.orders) {
    switch (number.kind) {
      case Kind::kAccession:
        add(options_.accession_system, number.value, "ACSN");
        break;
      case Kind::kPlacer:
        add(options_.placer_system, number.value, "PLAC");
        break;
      case Kind::kFiller:
        add(options_.filler_system, number.value, "FILL");
        break;
    }
  }
  return names;
}

bool Resolver::AreFew(const std::vector<std::string>& found, const std::vector<std::string>& linked, Resolution* out) {
  const bool few = found.size() <= kMaxOfOneNumber && found.size() + linked.size() + out->foreign.size() <= kMaxRecords;
  out->too_many_records |= !few;
  return few;
}

Status Resolver::AddRecords(const Records& records, const storage::StudyRow& study, TypeId type, const Named& name,
                            std::vector<std::string>* ids, Resolution* out) const {
  HILUM_ASSIGN_OR_RETURN(const std::vector<std::string> found,
                         records.with_identifier(type, name.identifier, kMaxOfOneNumber + 1));
  if (!AreFew(found, *ids, out)) return Status::Ok();
  const bool by_uid = name.identifier.system == kUidSystem;
  for (const std::string& id : found) {
    HILUM_RETURN_IF_ERROR(AddRecord(
        records, study, type, id, by_uid, [&](json::Value record) { return IsNamed(record, name); }, ids, out));
  }
  return Status::Ok();
}

Status Resolver::AddReportsOn(const Records& records, const storage::StudyRow& study, const std::string& order,
                              std::string_view type, Resolution* out) const {
  HILUM_ASSIGN_OR_RETURN(const std::vector<std::string> found, records.based_on(order, kMaxOfOneNumber + 1));
  if (!AreFew(found, out->reports, out)) return Status::Ok();
  const auto is_it = [&](json::Value reference) {
    const std::vector<std::string> watches = WatchesOf(reference);
    const json::MaybeValue identifier = json::Find(reference, "identifier");
    return std::ranges::find(watches, order) != watches.end() && !(identifier && IsOfAnotherType(*identifier, type));
  };
  const auto names_it = [&](json::Value report) {
    const json::MaybeValue list = json::Find(report, "basedOn");
    if (!list) return false;
    const auto references = list->children();
    return std::any_of(references.begin(), references.end(), is_it);
  };
  for (const std::string& id : found)
    HILUM_RETURN_IF_ERROR(AddRecord(records, study, report_, id, false, names_it, &out->reports, out));
  return Status::Ok();
}

Status Resolver::AddRecord(const Records& records, const storage::StudyRow& study, TypeId type, const std::string& id,
                           bool by_uid, const std::function<bool(json::Value)>& is_it, std::vector<std::string>* ids,
                           Resolution* out) const {
  if (std::ranges::count(*ids, id) > 0) return Status::Ok();
  HILUM_ASSIGN_OR_RETURN(const auto record, records.current(type, id));
  if (!record) return Status::Ok();
  HILUM_ASSIGN_OR_RETURN(const json::Document document, json::Document::Parse(record->bytes));
  if (json::Find(document.root(), "status").TextOr("") == kVoid || !is_it(document.root())) return Status::Ok();
  HILUM_ASSIGN_OR_RETURN(auto other, OtherPatient(records, study, document.root(), by_uid, out));
  if (!other) {
    ids->push_back(id);
    return Status::Ok();
  }
  std::string reference = std::string(TypeOf(type).name).append("/").append(id);
  if (std::ranges::count(out->foreign, reference, &ForeignRecord::reference) == 0)
    out->foreign.push_back({std::move(reference), *std::move(other)});
  return Status::Ok();
}

std::vector<std::string> Resolver::WatchesOf(json::MaybeValue order) const {
  std::vector<std::string> watches;
  if (const auto id = ReferredId(order, order_, base_url_)) watches.push_back(WatchOf(order_, *id));
  const TokenValue identifier{std::string(order["identifier"]["system"].TextOr("")),
                              std::string(order["identifier"]["value"].TextOr(""))};
  if (!identifier.code.empty()) watches.push_back(WatchOf(order_, identifier));
  return watches;
}

std::vector<std::string> Resolver::OrdersOf(json::Value report) const {
  std::vector<std::string> watches;
  const json::MaybeValue list = json::Find(report, "basedOn");
  if (!list) return watches;
  std::set<std::string> known;
  size_t orders = 0;
  for (const json::Value order : list->children()) {
    if (++orders > kMaxOrdersOfReport) break;
    for (std::string& watch : WatchesOf(order)) {
      if (known.insert(watch).second) watches.push_back(std::move(watch));
    }
  }
  return watches;
}

bool Resolver::IsLikely(const storage::StudyRow& study, json::Value patient) const {
  const PatientIdentifier identifier = IdentifierOf(study);
  const json::MaybeValue identifiers = json::Find(patient, "identifier");
  if (identifier.token.code.empty() || !identifiers) return false;
  const auto list = identifiers->children();
  const bool names_no_issuer = identifier.token.system.empty() && identifier.assigner.empty();
  const bool named =
      names_no_issuer
          ? std::any_of(list.begin(), list.end(),
                        [&](json::Value item) { return json::Find(item, "value").TextOr("") == identifier.token.code; })
          : identifier.IsIn(patient);
  return named && CompareDemographics(study, patient).empty();
}

Result<std::optional<std::string>> Resolver::OtherPatient(const Records& records, const storage::StudyRow& study,
                                                          json::Value record, bool by_uid, Resolution* out) const {
  const json::MaybeValue subject = json::Find(record, "subject");
  const TokenValue said{std::string(subject["identifier"]["system"].TextOr("")),
                        std::string(subject["identifier"]["value"].TextOr(""))};
  std::vector<std::string> ids;
  if (auto id = ReferredPatient(subject, base_url_)) {
    ids.push_back(*std::move(id));
  } else if (!subject["reference"] && !said.code.empty()) {
    out->watches.push_back(WatchOf(patient_, said));
    HILUM_ASSIGN_OR_RETURN(ids, records.with_identifier(patient_, said, kMaxNamesakes + 1));
    if (ids.size() > kMaxNamesakes) ids.clear();  // whoever of them it is
  } else {
    return std::optional<std::string>();
  }
  std::optional<std::string> other;
  for (const std::string& id : ids) {
    std::vector<std::string> replaced;
    HILUM_ASSIGN_OR_RETURN(const auto survivor, Survivor(records, id, &replaced, out));
    if (!survivor) continue;
    if (out->patient && out->patient->id == survivor->id) return std::optional<std::string>();
    if (!out->patient) {
      HILUM_ASSIGN_OR_RETURN(const json::Document patient, json::Document::Parse(survivor->bytes));
      if (by_uid || IsLikely(study, patient.root())) return std::optional<std::string>();
    }
    other = "Patient/" + survivor->id;
  }
  if (other || said.code.empty()) return other;
  // It is of somebody who is not here.
  const PatientIdentifier mine = IdentifierOf(study);
  const bool differs = !mine.token.code.empty() && mine.assigner.empty() && mine.token.system == said.system &&
                       mine.token.code != said.code;
  return differs ? std::optional(said.code) : std::nullopt;
}

Status Resolver::FindOrdersAndReports(const Records& records, const Asked& asked, Resolution* out) const {
  for (const Named& name : NamesOf(asked)) {
    HILUM_RETURN_IF_ERROR(AddRecords(records, asked.study, order_, name, &out->orders, out));
    HILUM_RETURN_IF_ERROR(AddRecords(records, asked.study, report_, name, &out->reports, out));
    HILUM_RETURN_IF_ERROR(AddReportsOn(records, asked.study, WatchOf(order_, name.identifier), name.type, out));
  }
  for (const std::string& id : out->orders) {
    out->watches.push_back(WatchOf(order_, id));
    HILUM_RETURN_IF_ERROR(AddReportsOn(records, asked.study, WatchOf(order_, id), "", out));
  }
  if (!out->foreign.empty() && !out->is_chosen) out->review.emplace_back(kRecordMismatch);
  if (out->too_many_records) out->review.emplace_back(kRecordAmbiguous);
  return Status::Ok();
}

}  // namespace hilum::fhir::imaging
