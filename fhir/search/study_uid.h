// The Study Instance UID as an identifier of an ImagingStudy (R4 imagingstudy). It is written as urn:oid:1.2.3
// or 1.2.3; searches for the one find the other, too. Pure functions, thread-safe.
#pragma once

#include <string>
#include <string_view>

namespace hilum::fhir {

inline constexpr std::string_view kUidSystem = "urn:dicom:uid";
inline constexpr std::string_view kOidPrefix = "urn:oid:";

// As it is written: urn:oid:...
inline std::string UidIdentifier(std::string_view study_uid) {
  return std::string(kOidPrefix).append(study_uid);
}

// The UID in either form.
inline std::string_view StudyUidOf(std::string_view identifier) {
  return identifier.starts_with(kOidPrefix) ? identifier.substr(kOidPrefix.size()) : identifier;
}

}  // namespace hilum::fhir
