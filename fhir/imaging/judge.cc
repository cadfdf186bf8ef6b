// What users may write of an ImagingStudy.
#include <algorithm>

#include "base/uid.h"
#include "fhir/imaging/additions.h"
#include "fhir/imaging/linker.h"

namespace hilum::fhir::imaging {
namespace {

// Of the studies that `resource` says it is of.
std::vector<std::string> StudyUidsIn(json::Value resource) {
  std::vector<std::string> uids;
  const json::MaybeValue list = json::Find(resource, "identifier");
  if (!list) return uids;
  for (const json::Value item : list->children()) {
    if (json::Find(item, "system").TextOr("") != kUidSystem) continue;
    const std::string_view uid = StudyUidOf(json::Find(item, "value").TextOr(""));
    if (IsValidUid(uid)) uids.emplace_back(uid);
  }
  return uids;
}

// Whom a reviewer wants the study to be of; nullopt in it: whoever the images say.
struct Choice {
  std::optional<std::string> patient;
};

// What `said` changes of the choice, where `subject` is the subject without it; nullopt when that is nothing, or nobody
// is to choose because there is no doubt. Of extension and reference that one counts that is another than before:
// clients send back what they read, which may have no reference.
std::optional<Choice> ChoiceIn(json::MaybeValue said, json::Value subject, const std::vector<std::string>& review,
                               const std::string& base_url) {
  const auto chosen = ChosenPatient(subject);
  if (!said || (review.empty() && !chosen)) return std::nullopt;
  if (auto patient = ChosenPatient(said); patient && patient != chosen) return Choice{std::move(patient)};
  if (auto patient = ReferredPatient(said, base_url); patient && patient != ReferredPatient(subject, base_url))
    return Choice{std::move(patient)};
  const bool as_read = ChosenPatient(said) && !json::Find(subject, "reference");
  return chosen && !said["reference"] && !as_read ? std::optional(Choice()) : std::nullopt;
}

Judgement Refused(int status, std::vector<Issue> issues) {
  return {.status = status, .issues = std::move(issues)};
}

}  // namespace

bool Linker::Judges(TypeId type) const {
  return type == type_ || (options_.enabled && type == endpoint_);
}

Judgement Linker::JudgeEndpoint(const std::string& id, const Version* newest, json::Value resource) const {
  if (id != kEndpointId || newest == nullptr) return {};
  const auto stored = json::Document::Parse(newest->bytes);
  if (!stored.ok()) return {};
  std::vector<Issue> issues;
  for (const std::string_view element : {"status", "connectionType", "payloadType", "payloadMimeType", "address"}) {
    const json::MaybeValue said = json::Find(resource, element), is = json::Find(stored->root(), element);
    if (said ? is && SaysTheSame(*said, *is) : !is) continue;
    issues.push_back({.type = IssueType::kConflict,
                      .diagnostics =
                          "this Endpoint is the server's own DICOMweb service, which every ImagingStudy refers "
                          "to; its address is set by http.public_url",
                      .expression = "Endpoint." + std::string(element)});
  }
  return issues.empty() ? Judgement() : Refused(422, std::move(issues));
}

Result<Judgement> Linker::JudgePut(ResourceReader& reader, const PlannedWrites* planned, const std::string& id,
                                   const Version* newest, json::Value resource) const {
  if (ResourceTypeOf(resource) == endpoint_) return JudgeEndpoint(id, newest, resource);
  if (newest == nullptr || !newest->partial) {
    Judgement allowed;
    for (const std::string& uid : StudyUidsIn(resource)) {
      HILUM_ASSIGN_OR_RETURN(const auto link, ReadLink(reader.kv(), &reader.snapshot(), uid));
      HILUM_ASSIGN_OR_RETURN(const auto study, FindStudy(reader.kv(), &reader.snapshot(), uid));
      if (study && link && link->live && link->id != id) {
        return Refused(409, {{.type = IssueType::kDuplicate,
                              .diagnostics = "the images of this study are described by ImagingStudy/" + link->id +
                                             "; change that one",
                              .expression = std::string(kImagingStudy) + ".identifier"}});
      }
      // In both ways of writing.
      allowed.sole_identifiers.push_back({std::string(kUidSystem), UidIdentifier(uid)});
      allowed.sole_identifiers.push_back({std::string(kUidSystem), uid});
    }
    return allowed;
  }
  return JudgeDerived(reader, planned, *newest, resource);
}

Result<Judgement> Linker::JudgeDerived(ResourceReader& reader, const PlannedWrites* planned, const Version& newest,
                                       json::Value resource) const {
  HILUM_ASSIGN_OR_RETURN(const std::string uid, StudyOf(reader, newest));
  HILUM_ASSIGN_OR_RETURN(const auto study, FindStudy(reader.kv(), &reader.snapshot(), uid));
  if (!study) return JudgeOrphan(reader, uid);
  HILUM_ASSIGN_OR_RETURN(const json::Document whole, json::Document::Parse(newest.bytes));
  HILUM_ASSIGN_OR_RETURN(const auto link, ReadLink(reader.kv(), &reader.snapshot(), uid));
  const std::vector<std::string> former_orders = link ? link->orders : std::vector<std::string>();

  // What holds once the commit is done counts, whatever else it writes.
  const Records records = RecordsAfter(reader, planned);
  Asked asked = AskedOf(study->row, json::Find(whole.root(), "subject"));
  HILUM_ASSIGN_OR_RETURN(asked.orders, LoadOrderNumbers(reader.kv(), &reader.snapshot(), *study));
  HILUM_ASSIGN_OR_RETURN(asked.duplicated, IsDuplicated(records, uid, newest.id));
  HILUM_ASSIGN_OR_RETURN(Resolution now, resolver_.Resolve(records, asked));
  const Linked stored = LinkedOf(whole.root(), former_orders);
  Linked without = stored;
  if (options_.enabled) {
    without.subject = now.subject.Json();
    without.review = now.review;
  }
  std::erase(without.review, kStudyDuplicate);  // no doubt whose it is
  std::erase(without.review, kRecordAmbiguous);
  HILUM_ASSIGN_OR_RETURN(const json::Document subject, json::Document::Parse(without.subject));
  const json::MaybeValue said_subject = json::Find(resource, "subject");
  const auto choice = ChoiceIn(said_subject, subject.root(), without.review, shell_.base_url);
  if (choice) without.subject = said_subject->raw();
  auto issues = Contradictions(resource, ElementsOf(study->row, std::move(without), shell_), whole.root(), shell_);
  std::string additions;
  if (const json::MaybeValue said = json::Find(resource, kDerivedElement)) {
    HILUM_ASSIGN_OR_RETURN(const StudyImages images, LoadImages(reader.kv(), &reader.snapshot(), *study));
    additions = AdditionsIn(*said, images, shell_.default_offset_minutes, &issues);
  }
  if (!issues.empty()) return Refused(422, std::move(issues));

  if (choice) {
    asked.chosen = choice->patient;
    asked.given.reset();
    HILUM_ASSIGN_OR_RETURN(now, resolver_.Resolve(records, asked));
    if (asked.chosen && !now.is_chosen) {
      return Refused(422, {{.type = IssueType::kNotFound,
                            .diagnostics = "Patient/" + *asked.chosen + " does not exist; store the Patient first",
                            .expression = std::string(kImagingStudy) + ".subject"}});
    }
  }
  Linked linked = stored;
  if (options_.enabled || choice) {
    linked.subject = now.subject.Json();
    linked.review = std::move(now.review);
  }
  if (options_.enabled) {
    linked.orders = std::move(now.orders);
    linked.reports = std::move(now.reports);
  }
  // Those that are not known to be ours yet become so in the commit, by a version of its own (Linker::OnWritten).
  linked.orders = OrdersToAdd(resource, std::move(linked.orders), former_orders);
  std::erase_if(linked.orders, [&](const std::string& id) { return !std::ranges::count(former_orders, id); });
  linked.former_orders = former_orders;
  DerivedElements derived = ElementsOf(study->row, linked, shell_);
  derived.elements.emplace_back(kDerivedElement, std::move(additions));
  if (link && link->added) derived.former = *link->added;
  json::Edits edits;
  MakeShell(resource, derived, &edits);
  return Judgement{.bytes = edits.Apply(resource)};
}

Result<std::string> Linker::StudyOf(ResourceReader& reader, const Version& newest) const {
  HILUM_ASSIGN_OR_RETURN(auto uid,
                         reader.kv().Get(storage::Family::kResource, StudyUidKey(newest.doc), &reader.snapshot()));
  if (!uid) return Corruption("an ImagingStudy does not say which study it is of; run hilum verify");
  return *std::move(uid);
}

Result<Judgement> Linker::JudgeOrphan(ResourceReader& reader, const std::string& study_uid) const {
  HILUM_ASSIGN_OR_RETURN(const auto link, ReadLink(reader.kv(), &reader.snapshot(), study_uid));
  Judgement allowed;
  if (link) allowed.former_images = link->study;
  return allowed;
}

Result<Judgement> Linker::JudgeDelete(ResourceReader& reader, const Version& newest) const {
  if (newest.type == endpoint_ && newest.id == kEndpointId) {
    return Refused(409, {{.type = IssueType::kConflict,
                          .diagnostics = "this Endpoint is the server's own DICOMweb service, which every ImagingStudy "
                                         "refers to; it stays as long as studies are linked (imaging.link)"}});
  }
  if (!newest.partial) return Judgement();
  HILUM_ASSIGN_OR_RETURN(const std::string uid, StudyOf(reader, newest));
  HILUM_ASSIGN_OR_RETURN(const auto study, FindStudy(reader.kv(), &reader.snapshot(), uid));
  if (!study) return JudgeOrphan(reader, uid);
  return Refused(409, {{.type = IssueType::kConflict,
                        .diagnostics = "there are images of this study; delete the study over DICOMweb, and the "
                                       "ImagingStudy goes with them"}});
}

}  // namespace hilum::fhir::imaging
