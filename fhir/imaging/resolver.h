// Which Patient a study is of, which orders it fulfils, and which reports are about it.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "fhir/imaging/images.h"
#include "fhir/imaging/records.h"
#include "fhir/imaging/shell.h"
#include "fhir/imaging/subject.h"
#include "fhir/json/edits.h"
#include "storage/catalogue/rows.h"

namespace hilum::fhir::imaging {

// What becomes of a study whose Patient ID no Patient has.
enum class PatientPolicy : uint8_t {
  kLink,        // subject has the identifier alone, until such a Patient comes
  kCreate,      // a Patient is made of what the images say, in the same commit
  kQuarantine,  // as kLink, and it is tagged for review; so is, without a
                // reference, who is called otherwise
};

struct ResolverOptions {
  // Issuer of Patient ID (0010,0021) -> Identifier.system of Patient. "" is for studies that name no issuer. An issuer
  // that is not here and is an OID or URI stands for itself; any other is Identifier.assigner.display, without a
  // system.
  std::map<std::string, std::string> systems;
  PatientPolicy policy = PatientPolicy::kLink;
  // Identifier.system of numbers of orders; empty: none.
  std::string accession_system, placer_system, filler_system;
  bool operator==(const ResolverOptions&) const = default;
};

// On disk: what stored ImagingStudies were derived with (rows.h). Of `index` what it depends on: which references lead
// here, and which time is meant where no zone is named.
std::string Encode(const ResolverOptions& options, const ResourceStoreOptions& index);
// nullopt for what an older or newer release wrote, too.
std::optional<ResolverOptions> DecodeResolverOptions(Bytes bytes);

// How shells are made by both: whoever writes ImagingStudies and whoever verifies them go by the same.
ShellOptions ShellOptionsOf(const ResolverOptions& options, const ResourceStoreOptions& index);

// Tags of an ImagingStudy that somebody should look at: `kReviewSystem|code`.
inline constexpr std::string_view kReviewSystem = "urn:hilum:review";
inline constexpr std::string_view kPatientUnknown = "patient-unknown";
inline constexpr std::string_view kPatientAmbiguous = "patient-ambiguous";
inline constexpr std::string_view kPatientMismatch = "patient-mismatch";
// Its images name different patients.
inline constexpr std::string_view kImagesMismatch = "images-mismatch";
// An order or a report has a number of the study, but is of another Patient, or of one of whom nothing else says so.
inline constexpr std::string_view kRecordMismatch = "record-mismatch";
// So many orders or reports have a number of the study that none of them is linked by it (records.h).
inline constexpr std::string_view kRecordAmbiguous = "record-ambiguous";
// Users made other ImagingStudies for it before there were images.
inline constexpr std::string_view kStudyDuplicate = "study-duplicate";
inline constexpr std::string_view kMismatchTags =
    "urn:hilum:review|patient-mismatch,urn:hilum:review|images-mismatch,urn:hilum:review|record-mismatch";

// What the images of a study say of records, and reviewers of its images.
struct Asked {
  const storage::StudyRow& study;
  std::vector<OrderNumber> orders;    // of its series
  std::optional<std::string> chosen;  // id of the Patient that a reviewer chose for it
  std::optional<std::string> given;   // id of the Patient whom users named before there were images
  bool duplicated = false;            // there are other ImagingStudies of it
};
// Ids of the ImagingStudies that say they are of the study, in the order in which they were made.
Result<std::vector<std::string>> ImagingStudiesOf(const Records& records, std::string_view study_uid);
// Whether there is another one than `id`.
Result<bool> IsDuplicated(const Records& records, std::string_view study_uid, const std::string& id);
// `subject`: of the ImagingStudy, which says who was chosen or given. Without orders and duplicates.
Asked AskedOf(const storage::StudyRow& study, json::MaybeValue subject);

// An order or a report that is not linked, for it is, or may be, of another Patient than the study.
struct ForeignRecord {
  std::string reference;  // "ServiceRequest/7"
  std::string patient;    // "Patient/7", after all merges; or the value of the identifier by which it says who it is
};

// A Patient who was made of images, and the one whom it is to name as the one who replaces it; nullopt: nobody. That
// depends on what users say of Patients alone, so it is the same by whichever study it is found.
struct MadePatient {
  std::string id;
  std::optional<std::string> yields_to;
};

struct Resolution {
  Subject subject;
  std::optional<Version> patient;    // who it leads to, or would without quarantine
  std::vector<std::string> review;   // codes of tags
  std::vector<std::string> orders;   // ids of ServiceRequests
  std::vector<std::string> reports;  // ids of DiagnosticReports
  std::vector<ForeignRecord> foreign;
  bool too_many_records = false;       // of one number: kRecordAmbiguous
  std::vector<std::string> watches;    // of all that this depends on (rows.h)
  bool nobody_has_identifier = false;  // there is a Patient ID
  std::vector<MadePatient> made;       // who have the identifier
  bool is_chosen = false;              // the Patient is the one of Asked::chosen, after all merges, or will be
};

// Immutable, safe for concurrent use.
class Resolver {
 public:
  // `base_url`: absolute references below it are local.
  Resolver(ResolverOptions options, std::string base_url);

  Result<Resolution> Resolve(const Records& records, const Asked& asked) const;
  // Resolution::made, whoever was chosen for the study.
  Result<std::vector<MadePatient>> MadeFor(const Records& records, const storage::StudyRow& study) const;
  // What images and Patient say of the identifier; nullopt when the Patient has it, or the images have none.
  std::optional<Disagreement> CompareIdentifier(const storage::StudyRow& study, json::Value patient) const;
  // Watches of the orders that a DiagnosticReport says it is based on, of the first of them; each once.
  std::vector<std::string> OrdersOf(json::Value report) const;
  // The edits by which a Patient who was made of images names who replaces it; nothing when it does so already.
  static void Yield(json::Value patient, const std::optional<std::string>& to, json::Edits* edits);
  // A Patient who has the study's Patient ID.
  std::string MakePatient(const storage::StudyRow& study) const;

  const ResolverOptions& options() const { return options_; }

 private:
  // What the images call their patient by: a Patient has the same identifier when all of it is the same.
  struct PatientIdentifier {
    storage::TokenValue token;
    std::string assigner;  // an issuer that stands for no system
    std::string Json(std::string_view type) const;
    bool IsIn(json::Value patient) const;
  };
  PatientIdentifier IdentifierOf(const storage::StudyRow& study) const;
  // Of a Patient who was made of images: those by which it is looked for whom it yields to.
  static std::vector<PatientIdentifier> IdentifiersOf(json::Value made);
  // Those who have the identifier; of more than kMaxPatients so many, as they are found. Patients who were made of
  // images yield to others: they are in `out` only, and those who did so are replaced by them.
  Result<std::vector<std::string>> WithIdentifier(const Records& records, const PatientIdentifier& identifier,
                                                  Resolution* out) const;
  // MadePatient::yields_to of `made`: whoever replaces it, unless that one comes to yield to it in turn.
  Result<std::optional<std::string>> YieldsTo(const Records& records, const std::string& made, Resolution* out) const;
  // Who has any of the identifiers of the Patient without having been made of images, after all merges by users.
  // nullopt: nobody, or several.
  Result<std::optional<Version>> SuccessorOf(const Records& records, const std::string& made, Resolution* out) const;
  Status FindPatient(const Records& records, const storage::StudyRow& study, Resolution* out) const;
  // Does nothing once the Patient who was chosen is deleted. Where its merges lead to nobody, one is waited for.
  Status TakeChosen(const Records& records, const Asked& asked, Resolution* out) const;
  // After FindPatient. Forgets the Patient who was given when that is the one who was found; remembers one who is not
  // there, which may come.
  Status TakeGiven(const Records& records, const Asked& asked, Resolution* out) const;
  // Of merges, those that users wrote are all but what Patients who were made of images say when they yield.
  enum class Merges : uint8_t { kAll, kOfUsers };
  // Who is there after these merges of Patient `id`. nullopt when that is nobody, or a circle. Those on the way are
  // added to `replaced`.
  Result<std::optional<Version>> Survivor(const Records& records, std::string id, std::vector<std::string>* replaced,
                                          Resolution* out, Merges merges = Merges::kAll) const;
  // The id of the Patient who took over (R4 Patient.link); empty when nobody did.
  Result<std::string> ReplacedBy(const Version& patient, Merges merges) const;
  // After the Patient.
  Status FindOrdersAndReports(const Records& records, const Asked& asked, Resolution* out) const;
  // An identifier of orders and reports, and the code of HL7 table 0203 for its type; empty: any.
  struct Named {
    storage::TokenValue identifier;
    std::string_view type;
  };
  std::vector<Named> NamesOf(const Asked& asked) const;
  // Of one that has the identifier: whether it is of the type.
  static bool IsNamed(json::Value record, const Named& name);
  // Whether `found` can be looked at beside those that are linked already; else that is noted in `out`.
  static bool AreFew(const std::vector<std::string>& found, const std::vector<std::string>& linked, Resolution* out);
  // Those that have the identifier, as one of this type: their ids, unless they are there already, and those of other
  // Patients.
  Status AddRecords(const Records& records, const storage::StudyRow& study, TypeId type, const Named& name,
                    std::vector<std::string>* ids, Resolution* out) const;
  // Watches of the order that a DiagnosticReport.basedOn names, by reference, by identifier, or both.
  std::vector<std::string> WatchesOf(json::MaybeValue order) const;
  // As AddRecords, reports that are based on the order that is watched; by an identifier of this type.
  Status AddReportsOn(const Records& records, const storage::StudyRow& study, const std::string& order,
                      std::string_view type, Resolution* out) const;
  // One of those, if it is what it was found as.
  Status AddRecord(const Records& records, const storage::StudyRow& study, TypeId type, const std::string& id,
                   bool by_uid, const std::function<bool(json::Value)>& is_it, std::vector<std::string>* ids,
                   Resolution* out) const;
  // Whom the record says it is of (ForeignRecord::patient), unless that is the study's Patient, may well be, or is not
  // known. `by_uid`: it names the study itself, not a number that others may have, too.
  Result<std::optional<std::string>> OtherPatient(const Records& records, const storage::StudyRow& study,
                                                  json::Value record, bool by_uid, Resolution* out) const;
  // Whether a study of no known Patient may well be of this one.
  bool IsLikely(const storage::StudyRow& study, json::Value patient) const;

  const ResolverOptions options_;
  const std::string base_url_;
  const TypeId patient_;
  const TypeId order_;
  const TypeId report_;
};

}  // namespace hilum::fhir::imaging
