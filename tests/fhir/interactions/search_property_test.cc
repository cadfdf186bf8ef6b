// Thousands of random searches against every resource looked at one by one.
#include <cstdlib>
#include <iostream>

#include <gmock/gmock.h>

#include "fhir/store/verify.h"
#include "tests/fhir/interactions/random_searches.h"
#include "tests/fhir/interactions/store_fixture.h"

namespace hilum::fhir {
namespace {

const std::vector<std::string> kTypes = {"Patient", "Encounter", "Observation", "RiskAssessment", "ValueSet"};

uint64_t ChooseSeed() {
  const char* given = std::getenv("HILUM_SEED");
  return given != nullptr ? std::stoull(given) : std::random_device()();
}

class SearchPropertyTest : public StoreFixture {
 protected:
  void SetUp() override {
    std::cout << "seed " << seed_ << " (set HILUM_SEED to repeat)\n";
    StoreFixture::SetUp();
    // Versions upon versions: what the older ones said must be forgotten.
    for (int round = 0; round < 3; ++round) Write(round);
  }

  Model Random(const std::string& type, const std::string& id) {
    if (type == "Patient") return RandomPatient(dice_, id);
    if (type == "Encounter") return RandomEncounter(dice_, id);
    if (type == "Observation") return RandomObservation(dice_, id);
    return type == "ValueSet" ? RandomValueSet(dice_, id) : RandomRisk(dice_, id);
  }

  // A transaction that puts many resources and deletes a few.
  void Write(int round) {
    std::string entries;
    const auto add = [&](const std::string& entry) { entries += (entries.empty() ? "" : ",") + entry; };
    for (const std::string& type : kTypes) {
      for (int number = 0; number < kIdsOfAType; ++number) {
        if (round > 0 && !dice_.Chance(40)) continue;
        const std::string id = fhir::IdOf(type, number), url = type + "/" + id;
        const bool was_there = models_by_url_.erase(url) != 0;
        if (was_there && dice_.Chance(15)) {
          add(R"({"request":{"method":"DELETE","url":")" + url + "\"}}");
          continue;
        }
        Model model = Random(type, id);
        add(R"({"request":{"method":"PUT","url":")" + url + R"("},"resource":)" + model.json + "}");
        models_by_url_[url] = std::move(model);
      }
    }
    const Answer answer = InteractionsFixture::Run(
        "POST", "", R"({"resourceType":"Bundle","type":"transaction","entry":[)" + entries + "]}");
    ASSERT_EQ(answer.status, 200) << answer.body.substr(0, 1000);
    models_.clear();
    const auto reader = resources_->Read();
    for (auto& [url, model] : models_by_url_) {
      model.order = **reader->FindDoc(*FindResourceType(model.type), model.id);
      models_.push_back(model);
    }
  }

  static std::string Shown(const std::vector<Parameter>& parameters) {
    std::string text;
    for (const Parameter& each : parameters) text += "&" + each.name + "=" + each.value;
    return text;
  }

  const uint64_t seed_ = ChooseSeed();
  Dice dice_{seed_};
  std::map<std::string, Model> models_by_url_;
  Models models_;
};

TEST_F(SearchPropertyTest, FindsWhatIsMeant) {
  const int searches = std::getenv("HILUM_LONG_TESTS") != nullptr ? 50'000 : 2'500;
  SearchMaker maker(dice_, models_, clock_.Now().count());
  const auto reader = resources_->Read();
  const SearchOptions options = resources_->search_options();
  size_t found_something = 0;
  for (int i = 0; i < searches; ++i) {
    const std::string& type = dice_.Pick(kTypes);
    const TypeId type_id = *FindResourceType(type);
    std::vector<Asked> asked;
    for (int terms = dice_.Chance(30) ? 2 : 1; terms > 0; --terms) asked.push_back(maker.Make(type, 3));
    std::vector<Parameter> parameters;
    for (const Asked& each : asked) parameters.push_back(each.parameter);

    const auto search = CompileSearch({type_id}, parameters, Handling::kStrict, {}, *reader, options);
    ASSERT_TRUE(search.ok()) << type << "?" << Shown(parameters) << ": " << search.status().ToString();
    const auto found = reader->index().Evaluate(reader->CollectionOf(type_id), search->searches[0].query);
    ASSERT_TRUE(found.ok()) << type << "?" << Shown(parameters) << ": " << found.status().ToString();
    for (const Model& model : models_) {
      if (model.type != type) continue;
      const bool meant = std::ranges::all_of(asked, [&](const Asked& each) { return each.holds(model); });
      ASSERT_EQ(found->Contains(static_cast<storage::Doc>(model.order)), meant)
          << "seed " << seed_ << ", search " << i << ": " << type << "?" << Shown(parameters) << "\n"
          << model.json;
      found_something += meant;
    }
  }
  EXPECT_GT(found_something, static_cast<size_t>(searches)) << "searches that find nothing prove nothing";
}

TEST_F(SearchPropertyTest, TheIndexIsThatOfTheNewestVersions) {
  const auto report = VerifyResources(*store_, *resources_, nullptr);
  ASSERT_TRUE(report.ok()) << report.status().ToString();
  EXPECT_EQ(report->resources, models_.size());
  EXPECT_THAT(report->findings.texts, ::testing::IsEmpty()) << "seed " << seed_;
}

// Where a resource stands in the order of a parameter: the least of its values, or the greatest; nullopt without one.
std::optional<std::string> TextPosition(const Model& model, const std::string& param, bool descending) {
  std::vector<std::string> values;
  if (const auto found = model.strings.find(param); found != model.strings.end()) {
    for (const ModelText& text : found->second) values.push_back(text.folded);
  }
  if (const auto found = model.tokens.find(param); found != model.tokens.end()) {
    for (const ModelToken& token : found->second) values.push_back(token.code);
  }
  const auto number = [](int64_t value) {
    std::string key;
    AppendBe<uint64_t>(&key, static_cast<uint64_t>(value) ^ (uint64_t{1} << 63));
    return key;
  };
  if (const auto found = model.dates.find(param); found != model.dates.end()) {
    for (const ModelSpan& span : found->second) values.push_back(number(span.low));
  }
  if (const auto found = model.numbers.find(param); found != model.numbers.end()) {
    for (const Nano value : found->second) values.push_back(number(static_cast<int64_t>(value)));
  }
  if (values.empty()) return std::nullopt;
  return descending ? *std::ranges::max_element(values) : *std::ranges::min_element(values);
}

TEST_F(SearchPropertyTest, PagesAreInOrderAndWhole) {
  const std::vector<std::pair<std::string, std::vector<std::string>>> kSorts = {
      {"Patient", {"family", "birthdate", "gender", "name"}},
      {"Encounter", {"date", "status", "class"}},
      {"Observation", {"date", "status", "code"}},
      {"RiskAssessment", {"probability"}},
      {"ValueSet", {"title"}}};
  for (int i = 0; i < 300; ++i) {
    const auto& [type, params] = dice_.Pick(kSorts);
    struct Key {
      std::string param;
      bool descending;
    };
    std::vector<Key> keys;
    for (int n = dice_.Number(1, 2); n > 0; --n) keys.push_back({dice_.Pick(params), dice_.Chance(50)});
    std::string sort;
    for (const Key& key : keys) sort += (sort.empty() ? "" : ",") + std::string(key.descending ? "-" : "") + key.param;

    std::vector<const Model*> expected;
    for (const Model& model : models_) {
      if (model.type == type) expected.push_back(&model);
    }
    std::ranges::sort(expected, [&](const Model* a, const Model* b) {
      for (const auto& [param, descending] : keys) {
        const auto left = TextPosition(*a, param, descending), right = TextPosition(*b, param, descending);
        if (left.has_value() != right.has_value()) return left.has_value();
        if (left != right) return descending ? *left > *right : *left < *right;
      }
      return keys[0].descending ? a->order > b->order : a->order < b->order;
    });
    std::vector<std::string> names, got;
    for (const Model* model : expected) names.push_back(model->type + "/" + model->id);

    std::string url = type + "?_sort=" + sort + "&_count=" + std::to_string(dice_.Number(3, 60));
    const std::string first = url;
    while (!url.empty()) {
      const BundleView page(Get(url.starts_with("http") ? url : "/" + url));
      got.insert(got.end(), page.matches.begin(), page.matches.end());
      url = page.Link("next");
      ASSERT_LE(got.size(), names.size()) << first;
    }
    ASSERT_EQ(got, names) << "seed " << seed_ << ": " << first;
  }
}

}  // namespace
}  // namespace hilum::fhir
