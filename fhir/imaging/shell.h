// The elements of an ImagingStudy that come from the study row, and how they are put into a resource that users write
// in, too: what is not theirs is replaced in place, everything else keeps its bytes. Pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fhir/definitions/definitions.h"
#include "fhir/imaging/subject.h"
#include "fhir/json/document.h"
#include "fhir/json/edits.h"
#include "fhir/search/study_uid.h"
#include "fhir/validate/issue.h"
#include "storage/catalogue/rows.h"

namespace hilum::fhir::imaging {

inline constexpr std::string_view kImagingStudy = "ImagingStudy";
// Of the Endpoint that is our own DICOMweb service.
inline constexpr std::string_view kEndpointId = "hilum-dicomweb";

struct ShellOptions {
  int default_offset_minutes = 0;  // zone of studies that name none
  std::string accession_system;    // Identifier.system of accession numbers; empty: none
  std::string base_url;            // absolute references below it are local
};

struct DerivedIdentifier {
  std::string system;
  std::string value;
  std::string json;
};

// What records have to do with the images, whoever found it out.
struct Linked {
  std::string subject;                     // ImagingStudy.subject in JSON
  std::vector<std::string> review;         // codes of tags of kReviewSystem (resolver.h)
  std::vector<std::string> orders;         // ids of ServiceRequests for basedOn
  std::vector<std::string> former_orders;  // that were put there before
  std::vector<std::string> reports;        // ids of DiagnosticReports for extensions
};
// As `resource` has it; its orders are those that are not the users'.
Linked LinkedOf(json::Value resource, std::vector<std::string> orders);

// R4 ImagingStudy has no element for the reports about it.
inline constexpr std::string_view kReportExtension = "urn:hilum:report";

// The id of the local Patient whom `subject` refers to; nullopt when it refers to none. `base_url`: as Resolver's.
std::optional<std::string> ReferredPatient(json::MaybeValue subject, const std::string& base_url);
// The same of any Reference, to a resource of the type.
std::optional<std::string> ReferredId(json::MaybeValue reference, TypeId type, const std::string& base_url);

// Those of the orders that users have not put into basedOn themselves.
std::vector<std::string> OrdersToAdd(json::Value resource, std::vector<std::string> orders,
                                     const std::vector<std::string>& former_orders);

// What the images say. `elements` have one value, or are wholly ours; in the lists of identifiers and endpoints there
// is room for others.
struct DerivedElements {
  std::vector<std::pair<std::string_view, std::string>> elements;  // name, JSON; empty: must not be there
  std::vector<DerivedIdentifier> identifiers;
  std::string endpoint;  // Reference.reference
  Linked linked;
  std::vector<std::string> former;  // what the images added before (AddedBy): it goes when they no longer say it
};

// Whether `resource` says of which study it is.
bool NamesStudy(json::Value resource);
DerivedElements ElementsOf(const storage::StudyRow& study, Linked linked, const ShellOptions& options);

// The edits that make `resource` say what the images say, of its series only what users add (additions.h). True when
// one of them is to an element that has a search parameter.
bool MakeShell(json::Value resource, const DerivedElements& derived, json::Edits* edits);

// Some elements are the users' when the images do not say them. Those that the images add to `resource`, each in 16
// bytes with its value: it is not there, or it is of `derived.former`. Else users said the same before.
std::vector<std::string> AddedBy(json::MaybeValue resource, const DerivedElements& derived);
// DerivedElements::former of a `resource` that an earlier release derived, which did not note it: what the images say,
// and if they have an accession number, others that are written as the server writes them. Whose the rest is cannot be
// told: it stays.
std::vector<std::string> PresumedFormer(json::Value resource, const DerivedElements& derived,
                                        const ShellOptions& options);

// What a user says in `resource` against the images, but for its series; `whole`: the resource as it is.
std::vector<Issue> Contradictions(json::Value resource, const DerivedElements& derived, json::Value whole,
                                  const ShellOptions& options);

// Whether a subject that a user says means the one there is: Patient and identifier are the same, as far as it has
// them, and nobody else is chosen.
bool MeansTheSame(json::Value said, json::Value subject, const std::string& base_url);

// Whether `property` is no more than the id of an element that stands beside it, as "_x":{"id":"1"} of "x": it goes
// with that (R4 2.6.2.2, ele-1).
bool IsIdOfElement(json::Value property);

// Equal but for white space and the order of properties.
bool SaysTheSame(json::Value left, json::Value right);

}  // namespace hilum::fhir::imaging
