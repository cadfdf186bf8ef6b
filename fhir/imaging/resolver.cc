#include "fhir/imaging/resolver.h"

#include <algorithm>

#include "base/uid.h"
#include "fhir/imaging/demographics.h"
#include "fhir/imaging/images.h"
#include "fhir/imaging/rows.h"
#include "fhir/imaging/shell.h"
#include "fhir/json/edits.h"
#include "fhir/validate/reference.h"

namespace hilum::fhir::imaging {
namespace {

namespace t = dicom::tags;
using storage::TokenValue;

// R4 extension-data-absent-reason.
constexpr std::string_view kUnknown =
    R"({"extension":[{"url":"http://hl7.org/fhir/StructureDefinition/data-absent-reason","valueCode":"unknown"}]})";
constexpr int kMaxMerges = 16;
// Grows when ImagingStudies say something else of the same images and records: stored ones are then derived anew.
constexpr uint64_t kDerivation = 1;

bool ReadText(ByteReader* in, std::string* out) {
  Bytes text;
  if (!in->ReadSized(&text)) return false;
  out->assign(text);
  return true;
}

std::string TextOf(const storage::StudyRow& study, dicom::Tag tag) {
  return CleanText(storage::FirstValue(study.attributes, tag));
}

std::string IdentifierJson(const TokenValue& identifier, std::string_view type) {
  std::string out = "{" + std::string(type);
  if (!identifier.system.empty()) out += "\"system\":" + json::Quoted(identifier.system) + ",";
  return out + "\"value\":" + json::Quoted(identifier.code) + "}";
}

// The id of the Patient who took over (R4 Patient.link); empty when nobody did.
Result<std::string> ReplacedBy(const Version& patient, const std::string& base_url) {
  HILUM_ASSIGN_OR_RETURN(const json::Document document, json::Document::Parse(patient.bytes));
  const json::MaybeValue links = json::Find(document.root(), "link");
  if (!links) return std::string();
  for (const json::Value link : links->children()) {
    if (json::Find(link, "type").TextOr("") != "replaced-by") continue;
    const ReferenceText other = ParseReference(json::Find(link, "other")["reference"].TextOr(""));
    const bool local = other.form == ReferenceText::Form::kRelative ||
                       (other.form == ReferenceText::Form::kAbsolute && other.base == base_url);
    if (local && other.type == FindResourceType("Patient")) return std::string(other.id);
  }
  return std::string();
}

}  // namespace

std::string Encode(const ResolverOptions& options) {
  std::string out;
  AppendVarint(&out, kDerivation);
  out.push_back(static_cast<char>(options.policy));
  AppendSized(&out, options.accession_system);
  AppendVarint(&out, options.systems.size());
  for (const auto& [issuer, system] : options.systems) {
    AppendSized(&out, issuer);
    AppendSized(&out, system);
  }
  return out;
}

std::optional<ResolverOptions> DecodeResolverOptions(Bytes bytes) {
  ByteReader in(bytes);
  ResolverOptions options;
  uint64_t derivation = 0, systems = 0;
  if (!in.ReadVarint(&derivation) || derivation != kDerivation || !in.ReadLe(&options.policy) ||
      options.policy > PatientPolicy::kQuarantine || !ReadText(&in, &options.accession_system) ||
      !in.ReadVarint(&systems)) {
    return std::nullopt;
  }
  for (; systems > 0; --systems) {
    std::string issuer;
    if (!ReadText(&in, &issuer) || !ReadText(&in, &options.systems[issuer])) return std::nullopt;
  }
  if (!in.empty()) return std::nullopt;
  return options;
}

Resolver::Resolver(ResolverOptions options, std::string base_url)
    : options_(std::move(options)),
      base_url_(std::move(base_url)),
      patient_(FindResourceType("Patient").value_or(kNoType)),
      order_(FindResourceType("ServiceRequest").value_or(kNoType)) {}

std::string Resolver::SystemOf(const std::string& issuer) const {
  const auto known = options_.systems.find(issuer);
  if (known != options_.systems.end()) return known->second;
  if (IsValidUid(issuer) && issuer.find('.') != std::string::npos) return "urn:oid:" + issuer;
  const bool is_uri = issuer.find(':') != std::string::npos && issuer.find(' ') == std::string::npos;
  return is_uri ? issuer : std::string();
}

TokenValue Resolver::PatientIdentifier(const storage::StudyRow& study) const {
  return {SystemOf(TextOf(study, t::kIssuerOfPatientId)), TextOf(study, t::kPatientId)};
}

Result<Resolution> Resolver::Resolve(const Records& records, const storage::StudyRow& study) const {
  Resolution out;
  HILUM_RETURN_IF_ERROR(FindPatient(records, study, &out));
  HILUM_RETURN_IF_ERROR(FindOrders(records, study, &out));
  std::ranges::sort(out.watches);
  out.watches.erase(std::ranges::unique(out.watches).begin(), out.watches.end());
  return out;
}

Status Resolver::FindPatient(const Records& records, const storage::StudyRow& study, Resolution* out) const {
  const bool quarantine = options_.policy == PatientPolicy::kQuarantine;
  const TokenValue identifier = PatientIdentifier(study);
  if (identifier.code.empty()) {
    out->subject = kUnknown;
    if (quarantine) out->review.emplace_back(kPatientUnknown);
    return Status::Ok();
  }
  out->watches.push_back(WatchOf(patient_, identifier));
  HILUM_ASSIGN_OR_RETURN(const auto ids, records.with_identifier(patient_, identifier));
  out->nobody_has_identifier = ids.empty();
  bool sure = true;
  for (const std::string& id : ids) {
    HILUM_ASSIGN_OR_RETURN(auto survivor, Survivor(records, id, out));
    sure &= survivor && (!out->patient || out->patient->id == survivor->id);
    if (survivor) out->patient = std::move(survivor);
  }
  if (!sure) {
    out->patient.reset();
    out->review.emplace_back(kPatientAmbiguous);
  } else if (out->patient) {
    HILUM_ASSIGN_OR_RETURN(const json::Document patient, json::Document::Parse(out->patient->bytes));
    if (!CompareDemographics(study, patient.root()).empty()) out->review.emplace_back(kPatientMismatch);
  } else if (quarantine) {
    out->review.emplace_back(kPatientUnknown);
  }

  out->subject = "{";
  if (out->patient && (!quarantine || out->review.empty()))
    out->subject += "\"reference\":\"Patient/" + out->patient->id + "\",";
  out->subject += "\"type\":\"Patient\",\"identifier\":" + IdentifierJson(identifier, "") + "}";
  return Status::Ok();
}

Result<std::optional<Version>> Resolver::Survivor(const Records& records, std::string id, Resolution* out) const {
  for (int merges = 0; merges <= kMaxMerges; ++merges) {
    out->watches.push_back(WatchOf(patient_, id));
    HILUM_ASSIGN_OR_RETURN(auto patient, records.current(patient_, id));
    if (!patient) return patient;
    HILUM_ASSIGN_OR_RETURN(id, ReplacedBy(*patient, base_url_));
    if (id.empty()) return patient;
  }
  return std::optional<Version>();
}

Status Resolver::FindOrders(const Records& records, const storage::StudyRow& study, Resolution* out) const {
  std::vector<TokenValue> identifiers = {{std::string(kUidSystem), UidIdentifier(study.uid)}};
  const std::string accession = TextOf(study, t::kAccessionNumber);
  if (!accession.empty()) identifiers.emplace_back(options_.accession_system, accession);
  for (const TokenValue& identifier : identifiers) {
    out->watches.push_back(WatchOf(order_, identifier));
    HILUM_ASSIGN_OR_RETURN(const auto ids, records.with_identifier(order_, identifier));
    for (const std::string& id : ids) {
      if (std::ranges::find(out->orders, id) == out->orders.end()) out->orders.push_back(id);
    }
  }
  return Status::Ok();
}

std::string Resolver::MakePatient(const storage::StudyRow& study) const {
  constexpr std::string_view kMedicalRecord =
      R"("type":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v2-0203","code":"MR"}]},)";
  constexpr std::string_view kFromImages = R"({"tag":[{"system":"urn:hilum:origin","code":"images"}]})";
  return PatientOf(study, IdentifierJson(PatientIdentifier(study), kMedicalRecord), std::string(kFromImages));
}

}  // namespace hilum::fhir::imaging
