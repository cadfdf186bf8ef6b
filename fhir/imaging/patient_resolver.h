// Which Patient a study is of.
#pragma once

#include <map>
#include <string>

#include "fhir/store/store.h"

namespace hilum::fhir::imaging {

struct PatientResolverOptions {
  // Issuer of Patient ID (0010,0021) -> Identifier.system of Patient. "" is for studies that name no issuer. An issuer
  // that is not here and is an OID or URI stands for itself.
  std::map<std::string, std::string> systems;
};

// Immutable, safe for concurrent use.
class PatientResolver {
 public:
  explicit PatientResolver(PatientResolverOptions options) : options_(std::move(options)) {}

  // ImagingStudy.subject in JSON: the one Patient who has the identifier, and the identifier itself; the identifier
  // alone when there is no such Patient or more than one; that it is unknown when there is no Patient ID.
  Result<std::string> Subject(ResourceTxn& resources, const std::string& patient_id, const std::string& issuer) const;

  // Empty when the issuer stands for none: then Patients are looked for whose identifier has no system.
  std::string SystemOf(const std::string& issuer) const;

 private:
  const PatientResolverOptions options_;
};

}  // namespace hilum::fhir::imaging
