#include "tests/bench/cohort/plain.h"

#include <chrono>
#include <functional>
#include <map>

#include "tests/bench/cohort/world.h"
#include "tests/bench/support/bare_file.h"

namespace hilum::bench {
namespace {

using fhir::json::Find;

void ForEach(fhir::ResourceReader& reader, std::string_view name, const std::function<void(fhir::json::Value)>& visit) {
  const fhir::TypeId type = *fhir::FindResourceType(name);
  const auto live = reader.index().Live(reader.CollectionOf(type));
  Require(live.status());
  for (const storage::Doc doc : live->ToVector()) {
    auto version = reader.Newest(type, doc);
    Require(version.status());
    const auto document = fhir::json::Document::Parse(std::move((*version)->bytes));
    Require(document.status());
    visit(document->root());
  }
}

// The day in World's days.
int DayOf(std::string_view date) {
  const std::string text(date);
  const auto day = std::chrono::sys_days(std::chrono::year(std::stoi(text.substr(0, 4))) /
                                         std::stoi(text.substr(5, 2)) / std::stoi(text.substr(8, 2)));
  return static_cast<int>((day - std::chrono::sys_days(std::chrono::year(2010) / 1 / 1)).count());
}

bool IsThinCt(uint64_t patient, double thickness) {
  if (!World::HasStudy(patient) || !World::IsCt(patient)) return false;
  for (uint64_t series = 0; series < World::kSeries; ++series) {
    if (World::SliceThickness(patient, series) < thickness) return true;
  }
  return false;
}

}  // namespace

std::set<std::string> PlainCohort(fhir::ResourceStore& store, int born_before, double thickness, int within_days) {
  const auto reader = store.Read();
  std::map<std::string, std::vector<int>> onsets;  // patient -> days
  ForEach(*reader, "Condition", [&](fhir::json::Value condition) {
    const auto codings = Find(condition, "code")["coding"];
    for (const fhir::json::Value coding : codings->children()) {
      if (Find(coding, "code").TextOr("") != "1000") continue;
      const std::string_view subject = Find(condition, "subject")["reference"].TextOr("");
      onsets[std::string(subject.substr(8))].push_back(DayOf(Find(condition, "onsetDateTime").TextOr("")));
    }
  });
  std::set<std::string> cohort;
  ForEach(*reader, "Patient", [&](fhir::json::Value patient) {
    const std::string id(Find(patient, "id").TextOr(""));
    const auto onset = onsets.find(id);
    if (onset == onsets.end()) return;
    if (std::stoi(std::string(Find(patient, "birthDate").TextOr("").substr(0, 4))) >= born_before) return;
    const uint64_t number = std::stoull(id.substr(1));
    if (!IsThinCt(number, thickness)) return;
    for (const int day : onset->second) {
      const int after = World::StudyDay(number) - day;
      if (within_days < 0 || (after >= 0 && after <= within_days)) cohort.insert(id);
    }
  });
  return cohort;
}

}  // namespace hilum::bench
