#include "fhir/imaging/demographics.h"

#include <algorithm>

#include "base/json_text.h"
#include "base/text.h"
#include "fhir/imaging/images.h"
#include "fhir/json/edits.h"
#include "storage/index/text.h"

namespace hilum::fhir::imaging {
namespace {

namespace t = dicom::tags;
using storage::FirstValue;

// One component group of a PN (PS3.5 6.2.1.2).
struct PersonName {
  std::string family;
  std::string given;
  std::string middle;
  std::string prefix;
  std::string suffix;
  bool empty() const { return family.empty() && given.empty() && middle.empty(); }
};

std::vector<PersonName> NamesIn(std::string_view groups) {
  std::vector<PersonName> names;
  while (!groups.empty()) {
    std::string_view group = TakeUntil(&groups, '=');
    PersonName name;
    name.family = CleanText(TakeUntil(&group, '^'));
    name.given = CleanText(TakeUntil(&group, '^'));
    name.middle = CleanText(TakeUntil(&group, '^'));
    name.prefix = CleanText(TakeUntil(&group, '^'));
    name.suffix = CleanText(TakeUntil(&group, '^'));
    if (!name.empty()) names.push_back(std::move(name));
  }
  return names;
}

std::vector<PersonName> NamesOf(const storage::StudyRow& study) {
  return NamesIn(FirstValue(study.attributes, t::kPatientName));
}

// "1970-01-01"; empty when the images have no whole date.
std::string BirthDateIn(std::string_view date) {
  return DateTimeOf(date, "", "", 0);
}
std::string BirthDateOf(const storage::StudyRow& study) {
  return BirthDateIn(FirstValue(study.attributes, t::kPatientBirthDate));
}

std::string_view GenderIn(std::string_view sex) {
  if (sex == "F") return "female";
  if (sex == "M") return "male";
  return sex == "O" ? "other" : "";
}
std::string_view GenderOf(const storage::StudyRow& study) {
  return GenderIn(FirstValue(study.attributes, t::kPatientSex));
}

std::string FirstWord(std::string_view text) {
  return storage::Fold(TakeUntil(&text, ' '));
}

bool EachWordIn(std::string_view words, const std::string& folded_text) {
  while (!words.empty()) {
    const std::string word = FirstWord(TakeUntil(&words, ' '));
    if (!word.empty() && folded_text.find(word) == std::string::npos) return false;
  }
  return true;
}

// `recorded`: a HumanName.
bool Agree(const PersonName& name, json::Value recorded) {
  const std::string_view family = json::Find(recorded, "family").TextOr("");
  const json::MaybeValue given = json::Find(recorded, "given");
  if (family.empty() && !given) {
    const std::string text = storage::Fold(json::Find(recorded, "text").TextOr(""));
    return text.empty() || (EachWordIn(name.family, text) && EachWordIn(FirstWord(name.given), text));
  }
  if (!family.empty() && !name.family.empty() && storage::Fold(family) != storage::Fold(name.family)) return false;
  if (!given || given->empty() || name.given.empty()) return true;
  return FirstWord((*given->children().begin()).text()) == FirstWord(name.given);
}

std::string TextOf(json::Value recorded) {
  std::string text(json::Find(recorded, "text").TextOr(""));
  if (!text.empty()) return text;
  text = json::Find(recorded, "family").TextOr("");
  if (const json::MaybeValue given = json::Find(recorded, "given")) {
    for (const json::Value word : given->children()) text.append(text.empty() ? "" : " ").append(word.text());
  }
  return text;
}

std::string TextOf(const PersonName& name) {
  return name.family + (name.family.empty() || name.given.empty() ? "" : " ") + name.given;
}

bool Agree(const PersonName& left, const PersonName& right) {
  const auto same = [](const std::string& a, const std::string& b) { return a.empty() || b.empty() || a == b; };
  return same(storage::Fold(left.family), storage::Fold(right.family)) &&
         same(FirstWord(left.given), FirstWord(right.given));
}

// The value among those of kPatientTags.
std::string_view ValueOf(const storage::PatientValues& values, dicom::Tag tag) {
  return values[static_cast<size_t>(std::ranges::find(storage::kPatientTags, tag) - storage::kPatientTags)];
}

// "P1", or "P1 (Mercy)" when its issuer is named.
std::string IdentifierIn(std::string_view id, std::string_view issuer) {
  std::string text = CleanText(id);
  if (const std::string named = CleanText(issuer); !text.empty() && !named.empty()) text += " (" + named + ")";
  return text;
}

void CompareNames(const storage::StudyRow& study, json::Value patient, std::vector<Disagreement>* out) {
  const std::vector<PersonName> names = NamesOf(study);
  const json::MaybeValue recorded = json::Find(patient, "name");
  if (names.empty() || !recorded || recorded->empty()) return;
  for (const json::Value other : recorded->children()) {
    if (std::ranges::any_of(names, [&](const PersonName& name) { return Agree(name, other); })) return;
  }
  out->push_back(
      {.element = "name", .derived = TextOf(names.front()), .recorded = TextOf(*recorded->children().begin())});
}

void AppendPart(std::string* out, std::string_view name, const std::string& json) {
  if (json.empty()) return;
  out->append(out->empty() ? "{\"" : ",\"").append(name).append("\":").append(json);
}

std::string ListOf(const std::vector<std::string>& texts) {
  std::string list;
  for (const std::string& text : texts) {
    if (text.empty()) continue;
    list.push_back(list.empty() ? '[' : ',');
    AppendJsonString(text, &list);
  }
  return list.empty() ? list : list + "]";
}

}  // namespace

std::vector<Disagreement> CompareDemographics(const storage::StudyRow& study, json::Value patient) {
  std::vector<Disagreement> found;
  CompareNames(study, patient, &found);
  const std::string birth_date = BirthDateOf(study);
  const std::string recorded_date(json::Find(patient, "birthDate").TextOr(""));
  if (!birth_date.empty() && !birth_date.starts_with(recorded_date)) {
    found.push_back({.element = "birthDate", .derived = birth_date, .recorded = recorded_date});
  }
  const std::string_view gender = GenderOf(study);
  const std::string_view recorded_gender = json::Find(patient, "gender").TextOr("unknown");
  if (!gender.empty() && recorded_gender != "unknown" && recorded_gender != gender) {
    found.push_back({.element = "gender", .derived = std::string(gender), .recorded = std::string(recorded_gender)});
  }
  return found;
}

std::vector<Disagreement> CompareImages(const storage::StudyRow& study) {
  std::vector<Disagreement> found;
  const auto said = [&](dicom::Tag tag) { return FirstValue(study.attributes, tag); };
  for (const storage::NamedPatient& named : study.patients) {
    if (named.instances == 0) continue;
    const auto compare = [&](std::string_view element, std::string ours, std::string theirs) {
      if (ours.empty() || theirs.empty() || ours == theirs) return;
      const auto known = std::ranges::find_if(
          found, [&](const Disagreement& one) { return one.element == element && one.recorded == theirs; });
      if (known != found.end()) {
        known->images += named.instances;
      } else {
        found.push_back({.element = std::string(element),
                         .derived = std::move(ours),
                         .recorded = std::move(theirs),
                         .images = named.instances});
      }
    };
    const auto value = [&](dicom::Tag tag) { return ValueOf(named.values, tag); };
    const bool issuers = !said(t::kIssuerOfPatientId).empty() && !value(t::kIssuerOfPatientId).empty();
    compare("identifier", IdentifierIn(said(t::kPatientId), issuers ? said(t::kIssuerOfPatientId) : ""),
            IdentifierIn(value(t::kPatientId), issuers ? value(t::kIssuerOfPatientId) : ""));
    const auto ours = NamesOf(study), theirs = NamesIn(value(t::kPatientName));
    const bool agree = std::ranges::any_of(ours, [&](const PersonName& name) {
      return std::ranges::any_of(theirs, [&](const PersonName& other) { return Agree(name, other); });
    });
    if (!agree && !ours.empty() && !theirs.empty()) compare("name", TextOf(ours.front()), TextOf(theirs.front()));
    compare("birthDate", BirthDateOf(study), BirthDateIn(value(t::kPatientBirthDate)));
    compare("gender", std::string(GenderOf(study)), std::string(GenderIn(value(t::kPatientSex))));
  }
  return found;
}

std::string PatientOf(const storage::StudyRow& study, const std::string& identifier, const std::string& meta) {
  std::string out = R"({"resourceType":"Patient","meta":)" + meta + R"(,"identifier":[)" + identifier + "]";
  std::string names;
  for (const PersonName& name : NamesOf(study)) {
    std::string parts;
    AppendPart(&parts, "family", name.family.empty() ? "" : json::Quoted(name.family));
    AppendPart(&parts, "given", ListOf({name.given, name.middle}));
    AppendPart(&parts, "prefix", ListOf({name.prefix}));
    AppendPart(&parts, "suffix", ListOf({name.suffix}));
    names.append(names.empty() ? "" : ",").append(parts).push_back('}');
  }
  if (!names.empty()) out.append(",\"name\":[").append(names).push_back(']');
  if (const std::string_view gender = GenderOf(study); !gender.empty())
    out.append(",\"gender\":\"").append(gender).push_back('"');
  if (const std::string date = BirthDateOf(study); !date.empty())
    out.append(",\"birthDate\":\"").append(date).push_back('"');
  return out + "}";
}

}  // namespace hilum::fhir::imaging
