#include "fhir/imaging/patient_resolver.h"

#include "base/uid.h"
#include "fhir/imaging/images.h"
#include "fhir/json/edits.h"

namespace hilum::fhir::imaging {
namespace {

// R4 extension-data-absent-reason.
constexpr std::string_view kUnknown =
    R"({"extension":[{"url":"http://hl7.org/fhir/StructureDefinition/data-absent-reason","valueCode":"unknown"}]})";

}  // namespace

std::string PatientResolver::SystemOf(const std::string& issuer) const {
  const auto known = options_.systems.find(issuer);
  if (known != options_.systems.end()) return known->second;
  if (IsValidUid(issuer) && issuer.find('.') != std::string::npos) return "urn:oid:" + issuer;
  const bool is_uri = issuer.find(':') != std::string::npos && issuer.find(' ') == std::string::npos;
  return is_uri ? issuer : std::string();
}

Result<std::string> PatientResolver::Subject(ResourceTxn& resources, const std::string& patient_id,
                                             const std::string& issuer) const {
  const std::string value = CleanText(patient_id);
  if (value.empty()) return std::string(kUnknown);
  const std::string system = SystemOf(CleanText(issuer));
  std::string out = "{";
  if (const auto patient = FindResourceType("Patient")) {
    HILUM_ASSIGN_OR_RETURN(const auto docs, resources.FindIdentifier(*patient, {system, value}));
    if (docs.size() == 1) {
      HILUM_ASSIGN_OR_RETURN(const std::string id, resources.IdOf(*patient, docs.front()));
      out += "\"reference\":\"Patient/" + id + "\",";
    }
  }
  out += "\"type\":\"Patient\",\"identifier\":{";
  if (!system.empty()) out += "\"system\":" + json::Quoted(system) + ",";
  return out + "\"value\":" + json::Quoted(value) + "}}";
}

}  // namespace hilum::fhir::imaging
