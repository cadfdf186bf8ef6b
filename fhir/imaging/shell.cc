#include "fhir/imaging/shell.h"

#include <algorithm>
#include <array>

#include "fhir/imaging/images.h"
#include "fhir/imaging/procedure.h"
#include "fhir/imaging/resolver.h"
#include "fhir/imaging/rows.h"
#include "fhir/store/derived.h"
#include "fhir/validate/primitives.h"
#include "fhir/validate/reference.h"

namespace hilum::fhir::imaging {
namespace {

namespace t = dicom::tags;
using storage::FirstValue;

// Of users, when the images do not say them; so are accession numbers.
constexpr std::array<std::string_view, 3> kOptional = {"started", "description", "procedureCode"};

// Those of the elements whose values are in the index; modality is searched by series, the rest has no parameter.
constexpr std::array<std::string_view, 4> kIndexed = {"status", "subject", "started", kDerivedElement};

std::string ModalitiesOf(const storage::StudyRow& study) {
  std::string list;
  for (const auto& [modality, series] : study.modalities) {
    const std::string code = CleanCode(modality);
    if (!code.empty()) list.append(list.empty() ? "[" : ",").append(Coding(kDicomCodes, code));
  }
  return list.empty() ? list : list + "]";
}

std::string IdentifierJson(std::string_view system, std::string_view value) {
  std::string out = "{";
  if (!system.empty()) out.append("\"system\":").append(json::Quoted(system)).push_back(',');
  return out.append("\"value\":").append(json::Quoted(value)) + "}";
}

std::string AccessionJson(const std::string& system, const std::string& value) {
  std::string out = R"({"type":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v2-0203","code":"ACSN"}]},)";
  return out + IdentifierJson(system, value).substr(1);
}

template <typename Predicate>
bool AnyOf(json::Value list, Predicate predicate) {
  return std::any_of(list.children().begin(), list.children().end(), predicate);
}

bool HasIdentifier(json::Value list, const DerivedIdentifier& identifier) {
  return AnyOf(list, [&](json::Value item) {
    return json::Find(item, "system").TextOr("") == identifier.system &&
           json::Find(item, "value").TextOr("") == identifier.value;
  });
}

// What stands for them in DerivedElements::former.
std::string NameOf(std::string_view element, std::string_view json) {
  std::string text("e");
  AppendSized(&text, element);
  return Hashed(text.append(json));
}
std::string NameOfIdentifier(std::string_view system, std::string_view value) {
  std::string text("i");
  AppendSized(&text, system);
  return Hashed(text.append(value));
}

bool IsFormer(const DerivedElements& derived, const std::string& name) {
  return std::ranges::find(derived.former, name) != derived.former.end();
}

bool HasReference(json::Value list, const std::string& reference) {
  return AnyOf(list, [&](json::Value item) { return json::Find(item, "reference").TextOr("") == reference; });
}

bool IsReview(json::Value tag) {
  return json::Find(tag, "system").TextOr("") == kReviewSystem;
}

// "7" of {"reference":"Type/7"}.
std::string IdIn(json::MaybeValue reference) {
  const std::string_view text = reference["reference"].TextOr("");
  return std::string(text.substr(text.rfind('/') + 1));
}

bool IsReport(json::Value extension) {
  return json::Find(extension, "url").TextOr("") == kReportExtension;
}

std::string OrderReference(const std::string& id) {
  return "ServiceRequest/" + id;
}

bool IsOrder(json::Value item, const std::string& id) {
  return json::Find(item, "reference").TextOr("") == OrderReference(id);
}

// As the server writes it: what says more is of users.
bool IsBareOrder(json::Value item, const std::string& id) {
  return item.is_object() && item.size() == 1 && IsOrder(item, id);
}

// A list without its items that `ours` names, and with `wanted` at its end: each an item in JSON. nullopt when it is
// that already; empty when nothing is left.
template <typename Predicate>
std::optional<std::string> ListWith(json::MaybeValue list, Predicate ours, const std::vector<std::string>& wanted) {
  std::vector<std::string> had;
  std::string text;
  const auto add = [&](std::string_view item) { text.append(text.empty() ? "[" : ",").append(item); };
  if (list) {
    for (const json::Value item : list->children()) {
      if (ours(item)) {
        had.emplace_back(item.raw());
      } else {
        add(item.raw());
      }
    }
  }
  if (had == wanted) return std::nullopt;
  for (const std::string& item : wanted) add(item);
  return text.empty() ? text : text + "]";
}

// True when the tags change.
bool SetReview(json::Value resource, const std::vector<std::string>& codes, std::vector<std::string_view>* remove,
               std::string* missing, json::Edits* edits) {
  std::vector<std::string> wanted;
  for (const std::string& code : codes) wanted.push_back(Coding(kReviewSystem, code));
  const json::MaybeValue meta = json::Find(resource, "meta");
  const json::MaybeValue tags = meta["tag"];
  const auto list = ListWith(tags, IsReview, wanted);
  if (!list) return false;
  constexpr std::string_view kTag[] = {"tag"};
  if (list->empty() && meta->size() == 1) {
    remove->emplace_back("meta");
  } else if (list->empty()) {
    json::RemoveProperties(*meta, kTag, edits);
  } else if (tags) {
    edits->Replace(tags->begin(), tags->end(), *list);
  } else if (meta) {
    edits->Insert(meta->end() - 1, (meta->empty() ? "\"tag\":" : ",\"tag\":") + *list);
  } else {
    missing->append(",\"meta\":{\"tag\":").append(*list).push_back('}');
  }
  return true;
}

// The items that `ours` names become `wanted`. True when the list changes.
template <typename Predicate>
bool SetItems(json::Value resource, std::string_view name, Predicate ours, const std::vector<std::string>& wanted,
              std::vector<std::string_view>* remove, std::string* missing, json::Edits* edits) {
  const json::MaybeValue present = json::Find(resource, name);
  const auto list = ListWith(present, ours, wanted);
  if (!list) return false;
  if (present && list->empty()) {
    remove->push_back(name);
  } else if (present) {
    edits->Replace(present->begin(), present->end(), *list);
  } else {
    missing->append(",\"").append(name).append("\":").append(*list);
  }
  return true;
}

// An identifier of a study, but of another one.
bool IsOfOtherStudy(json::Value identifier, const DerivedElements& derived) {
  if (json::Find(identifier, "system").TextOr("") != kUidSystem) return false;
  const std::string_view uid = json::Find(identifier, "value").TextOr("");
  const std::string& ours = derived.identifiers.front().value;
  return uid != ours && UidIdentifier(uid) != ours;
}

bool SetIdentifiers(json::Value resource, const DerivedElements& derived, std::vector<std::string_view>* remove,
                    std::string* missing, json::Edits* edits) {
  const json::MaybeValue listed = json::Find(resource, "identifier");
  std::vector<std::string> lacking;
  for (const DerivedIdentifier& identifier : derived.identifiers) {
    if (!listed || !HasIdentifier(*listed, identifier)) lacking.push_back(identifier.json);
  }
  const auto goes = [&](json::Value item) {
    if (IsOfOtherStudy(item, derived)) return true;
    const std::string_view system = json::Find(item, "system").TextOr(""), value = json::Find(item, "value").TextOr("");
    return IsFormer(derived, NameOfIdentifier(system, value)) &&
           std::ranges::none_of(derived.identifiers, [&](const DerivedIdentifier& said) {
             return said.system == system && said.value == value;
           });
  };
  return SetItems(resource, "identifier", goes, lacking, remove, missing, edits);
}

bool Says(const DerivedElements& derived, std::string_view element) {
  return std::ranges::any_of(derived.elements, [&](const auto& said) { return said.first == element; });
}

// With the elements that go their ids; and those that earlier releases left behind.
void RemoveIdsAlone(json::Value resource, const DerivedElements& derived, std::vector<std::string_view>* remove) {
  for (const json::Value property : resource.children()) {
    if (!IsIdOfElement(property)) continue;
    const std::string_view element = property.key().substr(1);
    const bool goes = std::ranges::find(*remove, element) != remove->end();
    if (goes || (!json::Find(resource, element) && !Says(derived, element))) remove->push_back(property.key());
  }
}

bool SetOrders(json::Value resource, const Linked& linked, std::vector<std::string_view>* remove, std::string* missing,
               json::Edits* edits) {
  const auto former = [&](json::Value item) {
    return std::ranges::any_of(linked.former_orders, [&](const std::string& id) { return IsBareOrder(item, id); });
  };
  std::vector<std::string> wanted;
  for (const std::string& id : linked.orders) wanted.push_back(ReferenceTo("ServiceRequest", id));
  return SetItems(resource, "basedOn", former, wanted, remove, missing, edits);
}

bool SetReports(json::Value resource, const Linked& linked, std::vector<std::string_view>* remove, std::string* missing,
                json::Edits* edits) {
  std::vector<std::string> wanted;
  for (const std::string& id : linked.reports)
    wanted.push_back(ReferenceExtension(kReportExtension, "DiagnosticReport", id));
  return SetItems(resource, "extension", IsReport, wanted, remove, missing, edits);
}

bool SameIdentifier(json::MaybeValue left, json::MaybeValue right) {
  return left["value"].TextOr("") == right["value"].TextOr("") &&
         left["system"].TextOr("") == right["system"].TextOr("") &&
         left["assigner"]["display"].TextOr("") == right["assigner"]["display"].TextOr("");
}

// `derived`, a subject in JSON, with the display that users gave the same one.
std::string WithDisplay(const std::string& derived, json::Value present) {
  const json::MaybeValue display = json::Find(present, "display");
  if (!display || present.raw() == derived) return derived;
  const auto document = json::Document::Parse(derived);
  if (!document.ok() || document->root().empty()) return derived;
  const json::Value subject = document->root();
  if (json::Find(subject, "display") || IdIn(subject) != IdIn(present)) return derived;
  if (IdIn(subject).empty() && !SameIdentifier(json::Find(subject, "identifier"), json::Find(present, "identifier")))
    return derived;
  std::string text = derived;
  return text.insert(text.size() - 1, ",\"display\":" + std::string(display->raw()));
}

Issue Contradiction(std::string_view element, std::string diagnostics) {
  return {.type = IssueType::kConflict,
          .diagnostics = std::move(diagnostics),
          .expression = std::string(kImagingStudy).append(".").append(element)};
}

// Whether `item` is an accession number that the images do not have, and that was not there before.
bool IsOtherAccession(json::Value item, const DerivedElements& derived, json::MaybeValue before,
                      const ShellOptions& options) {
  if (derived.identifiers.size() < 2 || json::Find(item, "value").TextOr("") == derived.identifiers[1].value)
    return false;
  if (json::Find(item, "system").TextOr("") != options.accession_system) return false;
  if (options.accession_system.empty()) {
    const json::MaybeValue codings = json::Find(item, "type")["coding"];
    const auto is_accession = [](json::Value coding) { return json::Find(coding, "code").TextOr("") == "ACSN"; };
    if (!codings || !AnyOf(*codings, is_accession)) return false;
  }
  return !before || !AnyOf(*before, [&](json::Value known) { return SaysTheSame(known, item); });
}

// Values that identify a patient are not repeated.
std::string SaidByImages(std::string_view element, const std::string& json) {
  std::string text = std::string(element) + " is what the images say; leave it out, or as it is";
  if (json.empty()) return text + ": they say nothing";
  if (element == "subject" || element == "description" || json.size() > 200) return text;
  return text + ": " + json;
}

}  // namespace

bool NamesStudy(json::Value resource) {
  const json::MaybeValue list = json::Find(resource, "identifier");
  return list && AnyOf(*list, [](json::Value item) { return json::Find(item, "system").TextOr("") == kUidSystem; });
}

std::optional<std::string> ReferredId(json::MaybeValue reference, TypeId type, const std::string& base_url) {
  const ReferenceText text = ParseReference(reference["reference"].TextOr(""));
  const bool local = text.form == ReferenceText::Form::kRelative ||
                     (text.form == ReferenceText::Form::kAbsolute && text.base == base_url);
  if (!local || text.type != type) return std::nullopt;
  return std::string(text.id);
}

std::optional<std::string> ReferredPatient(json::MaybeValue subject, const std::string& base_url) {
  return ReferredId(subject, FindResourceType("Patient").value_or(kNoType), base_url);
}

std::vector<std::string> OrdersToAdd(json::Value resource, std::vector<std::string> orders,
                                     const std::vector<std::string>& former_orders) {
  const json::MaybeValue present = json::Find(resource, "basedOn");
  if (!present) return orders;
  std::erase_if(orders, [&](const std::string& id) {
    const bool was_ours = std::ranges::find(former_orders, id) != former_orders.end();
    return AnyOf(*present, [&](json::Value item) { return IsOrder(item, id) && !(was_ours && IsBareOrder(item, id)); });
  });
  return orders;
}

Linked LinkedOf(json::Value resource, std::vector<std::string> orders) {
  Linked linked{.orders = std::move(orders)};
  if (const json::MaybeValue subject = json::Find(resource, "subject")) linked.subject = subject->raw();
  if (const json::MaybeValue tags = json::MaybeValue(resource)["meta"]["tag"]) {
    for (const json::Value tag : tags->children()) {
      if (IsReview(tag)) linked.review.emplace_back(json::Find(tag, "code").TextOr(""));
    }
  }
  if (const json::MaybeValue extensions = json::Find(resource, "extension")) {
    for (const json::Value extension : extensions->children()) {
      std::string id = IdIn(json::Find(extension, "valueReference"));
      if (IsReport(extension) && IsId(id)) linked.reports.push_back(std::move(id));
    }
  }
  return linked;
}

DerivedElements ElementsOf(const storage::StudyRow& study, Linked linked, const ShellOptions& options) {
  DerivedElements derived;
  const auto text = [&](dicom::Tag tag) { return FirstValue(study.attributes, tag); };
  const auto quoted = [](const std::string& value) { return value.empty() ? value : json::Quoted(value); };
  const std::string started = DateTimeOf(text(t::kStudyDate), text(t::kStudyTime), text(t::kTimezoneOffsetFromUtc),
                                         options.default_offset_minutes);
  const std::string description = CleanText(text(t::kStudyDescription));
  derived.elements = {{"status", "\"available\""},
                      {"modality", ModalitiesOf(study)},
                      {"subject", std::move(linked.subject)},
                      {"numberOfSeries", std::to_string(study.series)},
                      {"numberOfInstances", std::to_string(study.instances)}};
  if (!started.empty()) derived.elements.emplace_back("started", quoted(started));
  if (!description.empty()) derived.elements.emplace_back("description", quoted(description));
  if (std::string codes = ProcedureCodesOf(study); !codes.empty())
    derived.elements.emplace_back("procedureCode", std::move(codes));

  const std::string uid = UidIdentifier(study.uid);
  derived.identifiers.push_back({std::string(kUidSystem), uid, IdentifierJson(kUidSystem, uid)});
  if (const std::string accession = CleanText(text(t::kAccessionNumber)); !accession.empty()) {
    derived.identifiers.push_back(
        {options.accession_system, accession, AccessionJson(options.accession_system, accession)});
  }
  derived.endpoint = std::string("Endpoint/").append(kEndpointId);
  derived.linked = std::move(linked);
  return derived;
}

bool MakeShell(json::Value resource, const DerivedElements& derived, json::Edits* edits) {
  bool indexed = false;
  std::string missing;
  std::vector<std::string_view> remove;
  std::optional<std::string> subject;
  indexed |= SetIdentifiers(resource, derived, &remove, &missing, edits);
  for (const auto& [name, said] : derived.elements) {
    const json::MaybeValue present = json::Find(resource, name);
    const std::string& json = present && name == "subject" ? subject.emplace(WithDisplay(said, *present)) : said;
    if (present ? present->raw() == json : json.empty()) continue;
    indexed |= std::ranges::find(kIndexed, name) != kIndexed.end();
    if (json.empty()) {
      remove.push_back(name);
    } else if (present) {
      edits->Replace(present->begin(), present->end(), json);
    } else {
      missing.append(",\"").append(name).append("\":").append(json);
    }
  }
  for (const std::string_view name : kOptional) {
    const json::MaybeValue present = json::Find(resource, name);
    if (!present || Says(derived, name) || !IsFormer(derived, NameOf(name, present->raw()))) continue;
    indexed |= std::ranges::find(kIndexed, name) != kIndexed.end();
    remove.push_back(name);
  }
  const json::MaybeValue endpoints = json::Find(resource, "endpoint");
  if (!endpoints || !HasReference(*endpoints, derived.endpoint)) {
    const auto none = [](json::Value) { return false; };
    indexed |= SetItems(resource, "endpoint", none, {"{\"reference\":" + json::Quoted(derived.endpoint) + "}"}, &remove,
                        &missing, edits);
  }
  indexed |= SetReview(resource, derived.linked.review, &remove, &missing, edits);
  indexed |= SetOrders(resource, derived.linked, &remove, &missing, edits);
  indexed |= SetReports(resource, derived.linked, &remove, &missing, edits);
  RemoveIdsAlone(resource, derived, &remove);
  if (!remove.empty()) json::RemoveProperties(resource, remove, edits);
  if (!missing.empty()) edits->Insert(resource.end() - 1, std::move(missing));
  return indexed;
}

std::vector<std::string> AddedBy(json::MaybeValue resource, const DerivedElements& derived) {
  std::vector<std::string> added;
  const auto add = [&](std::string name, bool there) {
    if (!there || IsFormer(derived, name)) added.push_back(std::move(name));
  };
  for (const auto& [element, json] : derived.elements) {
    if (std::ranges::find(kOptional, element) == kOptional.end()) continue;
    const json::MaybeValue present = resource[element];
    add(NameOf(element, json), present && present->raw() == json);
  }
  const json::MaybeValue listed = resource["identifier"];
  for (size_t i = 1; i < derived.identifiers.size(); ++i) {
    const DerivedIdentifier& accession = derived.identifiers[i];
    add(NameOfIdentifier(accession.system, accession.value), listed && HasIdentifier(*listed, accession));
  }
  return added;
}

std::vector<std::string> PresumedFormer(json::Value resource, const DerivedElements& derived,
                                        const ShellOptions& options) {
  std::vector<std::string> former = AddedBy({}, derived);
  const json::MaybeValue listed = json::Find(resource, "identifier");
  if (!listed || derived.identifiers.size() < 2) return former;
  for (const json::Value item : listed->children()) {
    const std::string value(json::Find(item, "value").TextOr(""));
    if (item.raw() == AccessionJson(options.accession_system, value))
      former.push_back(NameOfIdentifier(options.accession_system, value));
  }
  return former;
}

std::vector<Issue> Contradictions(json::Value resource, const DerivedElements& derived, json::Value whole,
                                  const ShellOptions& options) {
  std::vector<Issue> issues;
  for (const auto& [name, json] : derived.elements) {
    const json::MaybeValue said = json::Find(resource, name);
    if (!said) continue;
    const auto images = json::Document::Parse(json.empty() ? "null" : json);
    if (images.ok() && SaysTheSame(*said, images->root())) continue;
    if (images.ok() && name == "subject" && MeansTheSame(*said, images->root(), options.base_url)) continue;
    issues.push_back(Contradiction(name, SaidByImages(name, json)));
  }
  if (const json::MaybeValue list = json::Find(resource, "identifier")) {
    for (const json::Value item : list->children()) {
      if (IsOtherAccession(item, derived, json::Find(whole, "identifier"), options)) {
        issues.push_back(Contradiction("identifier",
                                       "the images have another accession number; identifiers of the "
                                       "system of accession numbers are theirs"));
      }
      if (!IsOfOtherStudy(item, derived)) continue;
      issues.push_back(Contradiction("identifier", "the images are of the study " + derived.identifiers.front().value +
                                                       "; an ImagingStudy describes one study"));
    }
  }
  return issues;
}

bool MeansTheSame(json::Value said, json::Value subject, const std::string& base_url) {
  const auto chosen = ChosenPatient(said);
  if (chosen && chosen != ChosenPatient(subject)) return false;
  const json::MaybeValue reference = json::Find(said, "reference"), identifier = json::Find(said, "identifier");
  if (!reference && !identifier) return false;
  if (identifier && !SameIdentifier(identifier, json::Find(subject, "identifier"))) return false;
  if (!reference) return true;
  const auto patient = ReferredPatient(said, base_url);
  return patient && patient == ReferredPatient(subject, base_url);
}

bool IsIdOfElement(json::Value property) {
  return property.key().starts_with('_') && property.is_object() && !json::Find(property, "extension");
}

bool SaysTheSame(json::Value left, json::Value right) {
  if (left.kind() != right.kind()) return false;
  if (left.is_object()) {
    if (left.size() != right.size()) return false;
    return !AnyOf(left, [&](json::Value property) {
      const json::MaybeValue other = json::Find(right, property.key());
      return !other || !SaysTheSame(property, *other);
    });
  }
  if (left.is_array()) {
    const auto a = left.children(), b = right.children();
    auto at = b.begin();
    for (const json::Value item : a) {
      if (at == b.end() || !SaysTheSame(item, *at)) return false;
      ++at;
    }
    return at == b.end();
  }
  return left.text() == right.text();
}

}  // namespace hilum::fhir::imaging
