// ImagingStudy.subject: whom the images, users and reviewers say a study is of. Plain values and pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fhir/json/document.h"

namespace hilum::fhir::imaging {

// Of subject: the Patient whom a reviewer chose, who may have been merged since.
inline constexpr std::string_view kChoiceExtension = "urn:hilum:chosen-patient";
// Of subject: the Patient whom the ImagingStudy named before there were images, which do not lead there.
inline constexpr std::string_view kGivenExtension = "urn:hilum:given-patient";
// Of subject: a Patient who has the identifier of the images or was chosen for them, or took such a one over, but whom
// the Patient of the reference replaces. The search parameters patient and subject find it, too.
inline constexpr std::string_view kReplacedExtension = "urn:hilum:replaced-patient";

// A subject as the server writes it.
struct Subject {
  struct Extension {
    std::string_view url;
    std::string patient;  // id
  };
  std::vector<Extension> extensions;
  std::string patient;      // id of whom it refers to; empty: nobody
  std::string identifier;   // in JSON; empty: none
  bool is_unknown = false;  // nothing says who it is

  void AddReplaced(const std::vector<std::string>& patients);
  std::string Json() const;
};

// The id of the Patient whom `subject` names so; nullopt when it names none.
std::optional<std::string> ChosenPatient(json::MaybeValue subject);
std::optional<std::string> GivenPatient(json::MaybeValue subject);

// Of a resource of ours, whatever its id: a Reference, and an extension that is one.
std::string ReferenceTo(std::string_view type, std::string_view id);
std::string ReferenceExtension(std::string_view url, std::string_view type, std::string_view id);

}  // namespace hilum::fhir::imaging
