#include "fhir/imaging/resolver.h"

#include <algorithm>
#include <set>

#include "base/uid.h"
#include "fhir/imaging/demographics.h"
#include "fhir/imaging/images.h"
#include "fhir/imaging/made.h"
#include "fhir/imaging/rows.h"
#include "fhir/imaging/shell.h"
#include "fhir/json/edits.h"
#include "fhir/store/persons.h"
#include "fhir/validate/reference.h"
#include "storage/catalogue/request_tags.h"

namespace hilum::fhir::imaging {
namespace {

namespace t = dicom::tags;
using storage::TokenValue;

// Grows when ImagingStudies say something else of the same images and records: stored ones are then derived anew.
constexpr uint64_t kDerivation = 7;

// Beyond so many an ImagingStudy does not learn of records that change, so that they fit into its row (rows.h).
constexpr size_t kMaxWatches = 2048;

constexpr std::string ResolverOptions::*kOrderSystems[] = {
    &ResolverOptions::accession_system, &ResolverOptions::placer_system, &ResolverOptions::filler_system};
void AddNew(std::vector<std::string>* list, std::vector<std::string> more) {
  for (std::string& one : more) {
    if (std::ranges::find(*list, one) == list->end()) list->push_back(std::move(one));
  }
}

// Each once, in order; those that were found first.
std::vector<std::string> FirstOf(std::vector<std::string> watches) {
  std::set<std::string> first;
  for (std::string& watch : watches) {
    if (first.size() == kMaxWatches) break;
    first.insert(std::move(watch));
  }
  return {first.begin(), first.end()};
}

std::string TextOf(const storage::StudyRow& study, dicom::Tag tag) {
  return CleanText(storage::FirstValue(study.attributes, tag));
}

// Of the first item of Issuer of Patient ID Qualifiers Sequence.
std::string OfQualifiers(const storage::StudyRow& study, dicom::Tag tag) {
  const dicom::TagPath path = {storage::kIssuerOfPatientIdQualifiersSequence, tag};
  const auto found = std::ranges::find(study.attributes, path, &storage::KeptAttribute::path);
  return found == study.attributes.end() || found->values.empty() ? std::string() : CleanText(found->values.front());
}

// Identifier.system for a Universal Entity ID (0040,0032) of this type (PS3.3 table 10-17); empty for types that are no
// URIs, so that no system is made up.
std::string UniversalSystem(const std::string& entity, std::string_view type) {
  if (type == "ISO" && IsValidUid(entity)) return "urn:oid:" + entity;
  if (type == "UUID" && !entity.empty() && entity.find(' ') == std::string::npos) return "urn:uuid:" + entity;
  if (type == "URI" && entity.find(':') != std::string::npos && entity.find(' ') == std::string::npos) return entity;
  return "";
}

bool Yields(json::Value patient) {
  const json::MaybeValue links = json::Find(patient, "link");
  if (!links) return false;
  const auto list = links->children();
  return std::any_of(list.begin(), list.end(), IsYield);
}

}  // namespace

std::string Encode(const ResolverOptions& options, const ResourceStoreOptions& index) {
  std::string out;
  AppendVarint(&out, kDerivation);
  out.push_back(static_cast<char>(options.policy));
  for (const auto system : kOrderSystems) AppendSized(&out, options.*system);
  AppendVarint(&out, options.systems.size());
  for (const auto& [issuer, system] : options.systems) {
    AppendSized(&out, issuer);
    AppendSized(&out, system);
  }
  if (index.base_url.empty() && index.default_offset_minutes == 0) return out;
  AppendSized(&out, index.base_url);
  AppendLe<int32_t>(&out, index.default_offset_minutes);
  return out;
}

std::optional<ResolverOptions> DecodeResolverOptions(Bytes bytes) {
  ByteReader in(bytes);
  ResolverOptions options;
  uint64_t derivation = 0, systems = 0;
  if (!in.ReadVarint(&derivation) || derivation != kDerivation || !in.ReadLe(&options.policy) ||
      options.policy > PatientPolicy::kQuarantine) {
    return std::nullopt;
  }
  for (const auto system : kOrderSystems) {
    if (!in.ReadSized(&(options.*system))) return std::nullopt;
  }
  if (!in.ReadVarint(&systems)) return std::nullopt;
  for (; systems > 0; --systems) {
    std::string issuer;
    if (!in.ReadSized(&issuer) || !in.ReadSized(&options.systems[issuer])) return std::nullopt;
  }
  Bytes base_url;
  int32_t offset_minutes = 0;
  if (!in.empty() && (!in.ReadSized(&base_url) || !in.ReadLe(&offset_minutes) || !in.empty())) return std::nullopt;
  return options;
}

ShellOptions ShellOptionsOf(const ResolverOptions& options, const ResourceStoreOptions& index) {
  return {.default_offset_minutes = index.default_offset_minutes,
          .accession_system = options.accession_system,
          .base_url = index.base_url};
}

Resolver::Resolver(ResolverOptions options, std::string base_url)
    : options_(std::move(options)),
      base_url_(std::move(base_url)),
      patient_(FindResourceType("Patient").value_or(kNoType)),
      order_(FindResourceType("ServiceRequest").value_or(kNoType)),
      report_(FindResourceType("DiagnosticReport").value_or(kNoType)) {}

Asked AskedOf(const storage::StudyRow& study, json::MaybeValue subject) {
  return {.study = study, .orders = {}, .chosen = ChosenPatient(subject), .given = GivenPatient(subject)};
}

Result<std::vector<std::string>> ImagingStudiesOf(const Records& records, std::string_view study_uid) {
  const TypeId type = FindResourceType(kImagingStudy).value_or(kNoType);
  std::vector<std::string> ids;
  for (const std::string& uid : {UidIdentifier(study_uid), std::string(study_uid)}) {
    HILUM_ASSIGN_OR_RETURN(auto found, records.with_identifier(type, {std::string(kUidSystem), uid}, kMaxRecords));
    AddNew(&ids, std::move(found));
  }
  return ids;
}

Result<bool> IsDuplicated(const Records& records, std::string_view study_uid, const std::string& id) {
  HILUM_ASSIGN_OR_RETURN(const auto ids, ImagingStudiesOf(records, study_uid));
  return std::ranges::any_of(ids, [&](const std::string& other) { return other != id; });
}

Resolver::PatientIdentifier Resolver::IdentifierOf(const storage::StudyRow& study) const {
  PatientIdentifier identifier{.token = {"", TextOf(study, t::kPatientId)}};
  const std::string issuer = TextOf(study, t::kIssuerOfPatientId);
  const std::string entity = OfQualifiers(study, storage::kUniversalEntityId);
  const std::string universal = UniversalSystem(entity, OfQualifiers(study, storage::kUniversalEntityIdType));
  // Images that name an entity have an issuer, even when it has no local name.
  auto known = issuer.empty() && !universal.empty() ? options_.systems.end() : options_.systems.find(issuer);
  if (known == options_.systems.end() && !entity.empty()) known = options_.systems.find(entity);
  if (known != options_.systems.end()) {
    identifier.token.system = known->second;
  } else if (!universal.empty()) {
    identifier.token.system = universal;
  } else if (IsValidUid(issuer) && issuer.find('.') != std::string::npos) {
    identifier.token.system = "urn:oid:" + issuer;
  } else if (issuer.find(':') != std::string::npos && issuer.find(' ') == std::string::npos) {
    identifier.token.system = issuer;
  } else {
    identifier.assigner = issuer;
  }
  return identifier;
}

std::string Resolver::PatientIdentifier::Json(std::string_view type) const {
  std::string out = "{" + std::string(type);
  if (!token.system.empty()) out += "\"system\":" + json::Quoted(token.system) + ",";
  out += "\"value\":" + json::Quoted(token.code);
  if (!assigner.empty()) out += ",\"assigner\":{\"display\":" + json::Quoted(assigner) + "}";
  return out + "}";
}

bool Resolver::PatientIdentifier::IsIn(json::Value patient) const {
  const json::MaybeValue identifiers = json::Find(patient, "identifier");
  if (!identifiers) return false;
  const auto list = identifiers->children();
  return std::any_of(list.begin(), list.end(), [&](json::Value item) {
    // A system is unique; who assigns identifiers of it is said for people.
    return json::Find(item, "value").TextOr("") == token.code &&
           json::Find(item, "system").TextOr("") == token.system &&
           (!token.system.empty() || json::Find(item, "assigner")["display"].TextOr("") == assigner);
  });
}

Result<std::vector<std::string>> Resolver::WithIdentifier(const Records& records, const PatientIdentifier& identifier,
                                                          Resolution* out) const {
  HILUM_ASSIGN_OR_RETURN(const auto ids, records.with_identifier(patient_, identifier.token, kMaxPatients + 1));
  if (ids.size() > kMaxPatients) return ids;
  std::vector<std::string> theirs, made, yielding;
  for (const std::string& id : ids) {
    HILUM_ASSIGN_OR_RETURN(const auto patient, records.current(patient_, id));
    if (!patient) continue;
    HILUM_ASSIGN_OR_RETURN(const json::Document document, json::Document::Parse(patient->bytes));
    if (!identifier.IsIn(document.root())) continue;
    if (!IsMadeOfImages(document.root())) {
      theirs.push_back(id);
      continue;
    }
    made.push_back(id);
    if (Yields(document.root())) yielding.push_back(id);
    MadePatient& one = out->made.emplace_back(MadePatient{.id = id, .yields_to = {}});
    // As YieldsTo would find, at the cost of looking for all of them once more.
    if (ids.size() > kMaxNamesakes &&
        std::ranges::count(IdentifiersOf(document.root()), identifier.token, &PatientIdentifier::token) > 0) {
      continue;
    }
    HILUM_ASSIGN_OR_RETURN(one.yields_to, YieldsTo(records, id, out));
  }
  if (theirs.empty()) return made;
  theirs.insert(theirs.end(), yielding.begin(), yielding.end());
  return theirs;
}

Result<Resolution> Resolver::Resolve(const Records& records, const Asked& asked) const {
  Resolution out;
  for (const Named& name : NamesOf(asked)) out.watches.push_back(WatchOf(order_, name.identifier));
  HILUM_RETURN_IF_ERROR(TakeChosen(records, asked, &out));
  if (!out.is_chosen) {
    HILUM_RETURN_IF_ERROR(FindPatient(records, asked.study, &out));
    HILUM_RETURN_IF_ERROR(TakeGiven(records, asked, &out));
  }
  if (asked.duplicated) out.review.emplace_back(kStudyDuplicate);
  HILUM_RETURN_IF_ERROR(FindOrdersAndReports(records, asked, &out));
  out.watches = FirstOf(std::move(out.watches));
  return out;
}

Status Resolver::FindPatient(const Records& records, const storage::StudyRow& study, Resolution* out) const {
  const bool quarantine = options_.policy == PatientPolicy::kQuarantine;
  const PatientIdentifier identifier = IdentifierOf(study);
  if (!CompareImages(study).empty()) out->review.emplace_back(kImagesMismatch);
  if (identifier.token.code.empty()) {
    out->subject.is_unknown = true;
    if (quarantine) out->review.emplace_back(kPatientUnknown);
    return Status::Ok();
  }
  out->watches.push_back(WatchOf(patient_, identifier.token));
  HILUM_ASSIGN_OR_RETURN(const auto ids, WithIdentifier(records, identifier, out));
  out->nobody_has_identifier = ids.empty();
  bool sure = ids.size() <= kMaxPatients;
  std::vector<std::string> replaced;
  for (const std::string& id : ids) {
    if (!sure) break;
    HILUM_ASSIGN_OR_RETURN(auto survivor, Survivor(records, id, &replaced, out));
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

  out->subject.identifier = identifier.Json("");
  if (out->patient && (!quarantine || out->review.empty())) {
    out->subject.AddReplaced(replaced);
    out->subject.patient = out->patient->id;
  }
  return Status::Ok();
}

Status Resolver::TakeGiven(const Records& records, const Asked& asked, Resolution* out) const {
  if (!asked.given) return Status::Ok();
  Resolution given;
  std::vector<std::string> replaced;
  HILUM_ASSIGN_OR_RETURN(auto patient, Survivor(records, *asked.given, &replaced, &given));
  if (patient && out->patient && out->patient->id == patient->id) return Status::Ok();  // it needs no more saying
  AddNew(&out->watches, std::move(given.watches));
  if (!patient) {
    out->subject.extensions.insert(out->subject.extensions.begin(), {kGivenExtension, *asked.given});
    return Status::Ok();
  }
  std::erase_if(out->review, [](const std::string& code) { return code != kImagesMismatch; });
  HILUM_ASSIGN_OR_RETURN(const json::Document document, json::Document::Parse(patient->bytes));
  const PatientIdentifier identifier = IdentifierOf(asked.study);
  const bool named = identifier.token.code.empty() || identifier.IsIn(document.root());
  if (!named || !CompareDemographics(asked.study, document.root()).empty()) out->review.emplace_back(kPatientMismatch);
  out->nobody_has_identifier = false;
  out->subject = {.extensions = {{kGivenExtension, *asked.given}}, .patient = patient->id, .identifier = {}};
  out->subject.AddReplaced(replaced);
  if (!identifier.token.code.empty()) out->subject.identifier = identifier.Json("");
  out->patient = std::move(patient);
  return Status::Ok();
}

Status Resolver::TakeChosen(const Records& records, const Asked& asked, Resolution* out) const {
  if (!asked.chosen) return Status::Ok();
  HILUM_ASSIGN_OR_RETURN(const auto chosen, records.current(patient_, *asked.chosen));
  if (!chosen) return Status::Ok();  // the choice ends here
  out->is_chosen = true;
  std::vector<std::string> replaced;
  HILUM_ASSIGN_OR_RETURN(out->patient, Survivor(records, *asked.chosen, &replaced, out));
  if (!out->patient) {
    replaced.clear();
    out->review.emplace_back(kPatientAmbiguous);
  }
  out->subject.extensions = {{kChoiceExtension, *asked.chosen}};
  out->subject.AddReplaced(replaced);
  if (out->patient) out->subject.patient = out->patient->id;
  const PatientIdentifier identifier = IdentifierOf(asked.study);
  if (!identifier.token.code.empty()) out->subject.identifier = identifier.Json("");
  return Status::Ok();
}

Result<std::optional<Version>> Resolver::Survivor(const Records& records, std::string id,
                                                  std::vector<std::string>* replaced, Resolution* out,
                                                  Merges merges) const {
  for (int merged = 0; merged <= kMaxMerges; ++merged) {
    out->watches.push_back(WatchOf(patient_, id));
    HILUM_ASSIGN_OR_RETURN(auto patient, records.current(patient_, id));
    if (!patient) return patient;
    HILUM_ASSIGN_OR_RETURN(id, ReplacedBy(*patient, merges));
    if (id.empty()) return patient;
    AddNew(replaced, {patient->id});
  }
  return std::optional<Version>();
}

Result<std::string> Resolver::ReplacedBy(const Version& patient, Merges merges) const {
  HILUM_ASSIGN_OR_RETURN(const json::Document document, json::Document::Parse(patient.bytes));
  const json::MaybeValue links = json::Find(document.root(), "link");
  if (!links) return std::string();
  const bool may_yield = merges == Merges::kOfUsers && IsMadeOfImages(document.root());
  for (const json::Value link : links->children()) {
    if (json::Find(link, "type").TextOr("") != "replaced-by" || (may_yield && IsYield(link))) continue;
    const ReferenceText other = ParseReference(json::Find(link, "other")["reference"].TextOr(""));
    const bool local = other.form == ReferenceText::Form::kRelative ||
                       (other.form == ReferenceText::Form::kAbsolute && other.base == base_url_);
    if (local && other.type == FindResourceType("Patient")) return std::string(other.id);
  }
  return std::string();
}

std::optional<Disagreement> Resolver::CompareIdentifier(const storage::StudyRow& study, json::Value patient) const {
  const PatientIdentifier identifier = IdentifierOf(study);
  if (identifier.token.code.empty() || identifier.IsIn(patient)) return std::nullopt;
  Disagreement found{.element = "identifier", .derived = identifier.token.code};
  if (const json::MaybeValue recorded = json::Find(patient, "identifier")) {
    for (const json::Value item : recorded->children())
      found.recorded.append(found.recorded.empty() ? "" : ", ").append(json::Find(item, "value").TextOr(""));
  }
  return found;
}

}  // namespace hilum::fhir::imaging
