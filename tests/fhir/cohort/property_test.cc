// Random cohorts of random patients against the plainest evaluation there is, on the JSON of the resources.
#include <gtest/gtest.h>

#include <chrono>
#include <iostream>
#include <random>
#include <set>

#include "fhir/cohort/cohort.h"
#include "tests/fhir/interactions/store_fixture.h"

namespace hilum::fhir {
namespace {

constexpr int64_t kDay = 86'400'000'000;

struct Moments {
  int64_t first, last;
};

// "2020", "2020-03", "2020-03-05" or "2020-03-05T10:30:00Z": the moment, or all of its first day.
Moments MomentsOf(const std::string& text) {
  const auto number = [&](size_t at, size_t size) { return at < text.size() ? std::stoi(text.substr(at, size)) : 1; };
  const auto day = std::chrono::sys_days(std::chrono::year(number(0, 4)) / number(5, 2) / number(8, 2));
  const int64_t micros = day.time_since_epoch().count() * kDay;
  if (text.size() <= 10) return {micros, micros + kDay - 1};
  const int64_t second = (number(11, 2) * 60 + number(14, 2)) * 60 + number(17, 2);
  return {micros + second * 1'000'000, micros + second * 1'000'000};
}

// A search and what it means for a resource.
struct Search {
  std::string text;
  std::string type;
  std::string path;   // of a text; empty: any resource of the type
  std::string value;  // that it has there
};
const Search kSearches[] = {
    {"Patient?gender=female", "Patient", "gender", "female"},
    {"Patient", "Patient", "", ""},
    {"Condition?code=http://s|a", "Condition", "code.coding.0.code", "a"},
    {"Condition?code=b", "Condition", "code.coding.0.code", "b"},
    {"Condition", "Condition", "", ""},
    {"Observation?code=a&status=final", "Observation", "code.coding.0.code", "a"},
    {"Observation?subject:Patient.gender=female&code=b", "Observation", "code.coding.0.code", "b"},
    {"ImagingStudy?modality=CT", "ImagingStudy", "series.0.modality.code", "CT"},
    {"ImagingStudy?modality=MR", "ImagingStudy", "series.0.modality.code", "MR"},
};

class CohortPropertyTest : public InteractionsFixture {
 protected:
  CohortPropertyTest() : dice_(ChooseSeed()) {}

  uint64_t ChooseSeed() {
    const char* given = getenv("HILUM_SEED");
    const uint64_t seed = given != nullptr ? std::stoull(given) : std::random_device()();
    std::cout << "seed " << seed << " (set HILUM_SEED to repeat)\n";
    return seed;
  }
  size_t Below(size_t end) { return dice_() % end; }
  bool Chance(size_t percent) { return Below(100) < percent; }
  template <typename Items>
  const auto& OneOf(const Items& items) {
    return items[Below(std::size(items))];
  }

  std::string RandomDate() {
    char text[32];
    const auto part = [&](size_t end) { return static_cast<int>(Below(end)); };
    // Few days: so that events meet.
    std::snprintf(text, sizeof(text), "20%02d-%02d-%02dT%02d:30:00Z", 10 + part(2), 1 + part(4), 1 + part(28),
                  part(24));
    constexpr size_t kSizes[] = {4, 7, 10, 10, 20, 20, 20};
    return std::string(text).substr(0, OneOf(kSizes));
  }

  std::string RandomResource(const std::string& type, const std::string& id) {
    const std::string head = R"({"resourceType":")" + type + R"(","id":")" + id + "\"";
    const std::string birth = Chance(80) ? R"(,"birthDate":")" + RandomDate().substr(0, 10) + "\"" : "";
    if (type == "Patient") return head + R"(,"gender":")" + (Chance(50) ? "female" : "male") + "\"" + birth + "}";
    const std::string subject = R"(,"subject":{"reference":"Patient/p)" + std::to_string(Below(patients_ + 2)) + "\"}";
    const std::string code =
        R"(,"code":{"coding":[{"system":"http://s","code":")" + std::string(1, "abc"[Below(3)]) + "\"}]}";
    const std::string date = RandomDate();
    if (type == "Condition") {
      const std::string onset = Chance(20)   ? ""
                                : Chance(25) ? R"(,"onsetPeriod":{"start":")" + date + "\"}"
                                             : R"(,"onsetDateTime":")" + date + "\"";
      return head + subject + code + onset + "}";
    }
    if (type == "Observation") {
      return head + R"(,"status":"final")" + subject + code +
             (Chance(80) ? R"(,"effectiveDateTime":")" + date + "\"" : "") + "}";
    }
    return head + R"(,"status":"available","series":[{"uid":"1.2","modality":{"code":")" + (Chance(50) ? "CT" : "MR") +
           "\"}}]" + subject + (Chance(80) ? R"(,"started":")" + date + "\"" : "") + "}";
  }

  // In one transaction, then some of them deleted.
  void Populate() {
    patients_ = 5 + Below(40);
    std::string entries;
    const auto add = [&](const std::string& type, size_t count) {
      for (size_t i = 0; i < count; ++i) {
        const std::string id = (type == "Patient" ? "p" : "r") + std::to_string(i);
        const std::string text = RandomResource(type, id);
        resources_of_[type].push_back(text);
        entries += (entries.empty() ? "" : ",") + (R"({"resource":)" + text) + R"(,"request":{"method":"PUT","url":")" +
                   type + "/" + id + "\"}}";
      }
    };
    add("Patient", patients_);
    for (const char* type : {"Condition", "Observation", "ImagingStudy"}) add(type, Below(4 * patients_));
    const Answer answer =
        Run("POST", "", R"({"resourceType":"Bundle","type":"transaction","entry":[)" + entries + "]}");
    ASSERT_EQ(answer.status, 200) << answer.body.substr(0, 1000);
    for (auto& of_type : resources_of_) {
      const std::string& type = of_type.first;
      std::erase_if(of_type.second, [&](const std::string& text) {
        const bool gone = Chance(5);
        if (gone) {
          EXPECT_EQ(Run("DELETE", type + "/" + At(text, "id")).status, 204);
        }
        return gone;
      });
    }
  }

  CohortDefinition RandomDefinition() {
    CohortDefinition definition;
    std::vector<std::string> names;
    const size_t steps = 1 + Below(5);
    for (size_t i = 0; i < steps; ++i) {
      CohortStep step{.exclude = Chance(30), .name = "s" + std::to_string(i)};
      const size_t members = Chance(70) ? 1 : 2 + Below(2);
      std::vector<std::string> own;
      for (size_t j = 0; j < members; ++j) {
        CohortCriterion criterion{.search = OneOf(kSearches).text, .at_least = Chance(75) ? 1 : 2 + uint32_t(Below(2))};
        if (members > 1) own.emplace_back(criterion.name = step.name + "." + std::to_string(j));
        if (!names.empty() && Chance(60)) criterion.relation = RandomRelation(OneOf(names));
        step.any.push_back(std::move(criterion));
      }
      names.push_back(step.name);
      names.insert(names.end(), own.begin(), own.end());
      definition.steps.push_back(std::move(step));
    }
    // Relations lead to what was made before, wherever it stands.
    std::ranges::shuffle(definition.steps, dice_);
    return definition;
  }

  CohortRelation RandomRelation(const std::string& to) {
    using When = CohortRelation::When;
    constexpr When kWhens[] = {When::kBefore, When::kAfter, When::kEither};
    constexpr int64_t kDistances[] = {0, 1'000'000, kDay / 2, kDay, 10 * kDay, 100 * kDay, 400 * kDay};
    CohortRelation relation{.to = to, .when = OneOf(kWhens)};
    if (Chance(40)) relation.min_micros = OneOf(kDistances);
    if (Chance(80)) relation.max_micros = std::max(relation.min_micros, OneOf(kDistances));
    return relation;
  }

  // -- the plain evaluation -------------------------------------------------------------------------------------------

  static std::string PatientOf(const std::string& text) {
    return At(text, "resourceType") == "Patient" ? At(text, "id")
                                                 : At(text, "subject.reference").substr(std::string("Patient/").size());
  }
  static std::optional<Moments> When(const std::string& text) {
    for (const char* path : {"birthDate", "onsetDateTime", "onsetPeriod.start", "effectiveDateTime", "started"}) {
      const std::string date = At(text, path);
      if (date == "(nothing)") continue;
      const Moments moments = MomentsOf(date);
      const bool period = At(text, "onsetPeriod") != "(nothing)";
      return Moments{moments.first, period ? moments.first + kDay - 1 : moments.last};
    }
    return std::nullopt;
  }
  std::string GenderOf(const std::string& patient) {
    for (const std::string& text : resources_of_["Patient"]) {
      if (At(text, "id") == patient) return At(text, "gender");
    }
    return "";
  }
  std::vector<std::string> Found(const std::string& search_text) {
    const auto search = std::ranges::find(kSearches, search_text, &Search::text);
    std::vector<std::string> found;
    for (const std::string& text : resources_of_[search->type]) {
      const bool wants_female = search->text.find(".gender=female") != std::string::npos;
      if (wants_female && GenderOf(PatientOf(text)) != "female") continue;
      if (search->path.empty() || At(text, search->path) == search->value) found.push_back(text);
    }
    return found;
  }
  static bool Holds(const Moments& event, const Moments& anchor, const CohortRelation& relation) {
    const auto reaches = [&](int64_t least, int64_t most) {
      return most >= relation.min_micros && (!relation.max_micros || least <= *relation.max_micros);
    };
    const int64_t least = event.first - anchor.last, most = event.last - anchor.first;
    using enum CohortRelation::When;
    return (relation.when != kBefore && reaches(least, most)) || (relation.when != kAfter && reaches(-most, -least));
  }
  // Of one patient.
  std::vector<std::string> Meeting(const CohortDefinition& definition, const CohortCriterion& criterion,
                                   const std::string& patient) {
    std::vector<std::string> meeting = Found(criterion.search);
    std::erase_if(meeting, [&](const std::string& text) { return PatientOf(text) != patient; });
    if (!criterion.relation) return meeting;
    std::vector<Moments> anchors;
    for (const CohortStep& step : definition.steps) {
      for (const CohortCriterion& other : step.any) {
        if (step.name != criterion.relation->to && other.name != criterion.relation->to) continue;
        for (const std::string& text : Meeting(definition, other, patient)) {
          if (const auto when = When(text)) anchors.push_back(*when);
        }
      }
    }
    std::erase_if(meeting, [&](const std::string& text) {
      const auto when = When(text);
      return !when || std::ranges::none_of(
                          anchors, [&](const Moments& anchor) { return Holds(*when, anchor, *criterion.relation); });
    });
    return meeting;
  }

  struct Plain {
    std::set<std::string> patients, studies;
    std::vector<uint64_t> remaining;
  };
  Plain Evaluate(const CohortDefinition& definition) {
    Plain plain;
    for (const std::string& text : resources_of_["Patient"]) plain.patients.insert(At(text, "id"));
    std::map<std::string, std::set<std::string>> asked;
    bool asks = false;
    for (const CohortStep& step : definition.steps) {
      std::set<std::string> left;
      for (const std::string& patient : plain.patients) {
        bool met = false;
        for (const CohortCriterion& criterion : step.any) {
          const auto meeting = Meeting(definition, criterion, patient);
          met = met || meeting.size() >= criterion.at_least;
          if (step.exclude || !criterion.search.starts_with("ImagingStudy")) continue;
          asks = true;
          for (const std::string& text : meeting) asked[patient].insert(At(text, "id"));
        }
        if (met != step.exclude) left.insert(patient);
      }
      plain.patients = std::move(left);
      plain.remaining.push_back(plain.patients.size());
    }
    for (const std::string& text : resources_of_["ImagingStudy"]) {
      const std::string patient = PatientOf(text), id = At(text, "id");
      if (plain.patients.contains(patient) && (!asks || asked[patient].contains(id))) plain.studies.insert(id);
    }
    return plain;
  }

  std::set<std::string> Ids(std::string_view type, const storage::Bitmap& docs) {
    std::set<std::string> ids;
    const auto reader = resources_->Read();
    for (const storage::Doc doc : docs.ToVector()) ids.insert((*reader->Newest(*FindResourceType(type), doc))->id);
    return ids;
  }

  std::mt19937_64 dice_;
  size_t patients_ = 0;
  std::map<std::string, std::vector<std::string>> resources_of_;  // JSON by type
};

TEST_F(CohortPropertyTest, EqualsAPlainEvaluation) {
  Populate();
  size_t not_empty = 0;
  for (int round = 0; round < 150; ++round) {
    const CohortDefinition made = RandomDefinition();
    const std::string text = R"({"resourceType":"Parameters","parameter":[)" + CohortParameters(made) + "]}";
    const auto document = json::Document::Parse(text);
    ASSERT_TRUE(document.ok()) << text;
    const auto definition = ReadCohortDefinition(document->root());
    ASSERT_TRUE(definition.ok()) << definition.status().ToString() << text;

    const auto reader = resources_->Read();
    const SearchOptions options = resources_->search_options();
    const auto cohort = CohortRun(*definition, *reader, options).Run(std::nullopt);
    ASSERT_TRUE(cohort.ok()) << cohort.status().ToString() << text;
    const Plain plain = Evaluate(made);
    ASSERT_EQ(Ids("Patient", cohort->patients), plain.patients) << text;
    ASSERT_EQ(Ids("ImagingStudy", cohort->studies), plain.studies) << text;
    for (size_t i = 0; i < made.steps.size(); ++i) ASSERT_EQ(cohort->steps[i].remaining, plain.remaining[i]) << text;
    not_empty += !plain.patients.empty();
  }
  EXPECT_GT(not_empty, 10u);
}

}  // namespace
}  // namespace hilum::fhir
