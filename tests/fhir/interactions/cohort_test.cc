#include <gmock/gmock.h>

#include "tests/fhir/interactions/store_fixture.h"

namespace hilum::fhir {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class CohortInteractionTest : public StoreFixture {
 protected:
  void SetUp() override {
    StoreFixture::SetUp();
    Put(Patient("anna", "A", R"(,"gender":"female")"));
    Put(Patient("bert", "B", R"(,"gender":"male")"));
    Put(Patient("carl", "C", R"(,"gender":"male")"));
    Put(Observation("o1", "anna", "1-1", R"(,"effectiveDateTime":"2020-01-01")"));
    Put(Observation("o2", "bert", "1-1", R"(,"effectiveDateTime":"2020-01-01")"));
    Put(Observation("o3", "bert", "2-2", R"(,"effectiveDateTime":"2020-01-11")"));
  }

  Answer Post(std::string_view url, const std::string& parameters) {
    return Run(url,
               {.method = "POST",
                .body = parameters.empty() ? "" : R"({"resourceType":"Parameters","parameter":[)" + parameters + "]}"});
  }
  // A cohort of those with an observation 1-1, saved.
  std::string Saved() {
    const Answer answer = Run("Group/$cohort?include=Observation%3Fcode%3D1-1&save=true&name=Ones", {.method = "POST"});
    EXPECT_EQ(answer.status, 201) << answer.body;
    return Reference(answer);
  }

  // Parameters as "name=value", parts as "name.part=value"; in order.
  static std::vector<std::string> Told(const Answer& answer, std::string_view name) {
    std::vector<std::string> told;
    const auto document = json::Document::Parse(answer.body);
    if (!document.ok()) return {answer.body};
    EXPECT_TRUE(Validate(document->root()).ok()) << OperationOutcome(Validate(document->root()).issues);
    const auto list = json::Find(document->root(), "parameter");
    if (!list) return {answer.body};
    for (const json::Value parameter : list->children()) {
      if (json::Find(parameter, "name").TextOr("") != name) continue;
      std::string text;
      if (const auto parts = json::Find(parameter, "part")) {
        for (const json::Value part : parts->children()) text += (text.empty() ? "" : " ") + ValueOf(part);
      } else {
        text = ValueOf(parameter);
      }
      told.push_back(text);
    }
    return told;
  }
  static std::string Reference(const Answer& answer) {
    const auto told = Told(answer, "group");
    return told.empty() ? "" : told.front();
  }
  std::vector<std::string> MembersOf(const std::string& group) {
    const Answer answer = Get(group);
    std::vector<std::string> members;
    for (size_t i = 0;; ++i) {
      std::string member = At(answer.body, "member." + std::to_string(i) + ".entity.reference");
      if (member == "(nothing)") return members;
      members.push_back(std::move(member));
    }
  }
  // All pieces.
  static std::string ListOf(const Answer& answer) {
    EXPECT_EQ(answer.status, 200) << answer.body;
    std::string all;
    if (!answer.more) return all;
    for (;;) {
      const auto piece = answer.more();
      EXPECT_TRUE(piece.ok()) << piece.status().ToString();
      if (!piece.ok() || piece->empty()) return all;
      all += *piece;
    }
  }

 private:
  static std::string ValueOf(json::Value parameter) {
    for (const json::Value property : parameter.children()) {
      if (!property.key().starts_with("value")) continue;
      const auto reference = json::Find(property, "reference");
      return std::string(reference ? reference->text() : property.text());
    }
    return "";
  }
};

TEST_F(CohortInteractionTest, AnswersCountsAndWhatEachStepRemoves) {
  const Answer answer = Post("Group/$cohort", R"(
      {"name":"include","part":[{"name":"name","valueString":"ones"},{"name":"search","valueString":"Observation?code=1-1"}]},
      {"name":"exclude","part":[{"name":"search","valueString":"Observation?code=2-2"},
        {"name":"relation","part":[{"name":"to","valueString":"ones"},{"name":"when","valueCode":"after"},
          {"name":"max","valueDuration":{"value":10,"code":"d"}}]}]})");
  EXPECT_EQ(answer.status, 200);
  EXPECT_THAT(Told(answer, "patients"), ElementsAre("1"));
  EXPECT_THAT(Told(answer, "instances"), ElementsAre("0"));
  EXPECT_THAT(Told(answer, "attrition"),
              ElementsAre("all patients 3", "ones include 2 1 2", "Observation?code=2-2 exclude 1 1 1"));
  EXPECT_THAT(Told(answer, "group"), IsEmpty());
}

TEST_F(CohortInteractionTest, TakesCriteriaFromTheUrl) {
  const Answer answer = Get("Group/$cohort?include=Patient%3Fgender%3Dmale&exclude=Observation&_format=json");
  EXPECT_THAT(Told(answer, "patients"), ElementsAre("1"));
  EXPECT_EQ(Get("Group/$cohort?include=Patient&save=true").status, 400);
}

TEST_F(CohortInteractionTest, SavesAGroupThatIsFoundAndKeepsItsDefinition) {
  const std::string group = Saved();
  EXPECT_THAT(MembersOf(group), ElementsAre("Patient/anna", "Patient/bert"));
  const Answer read = Get(group);
  EXPECT_EQ(At(read.body, "name"), "Ones");
  EXPECT_EQ(At(read.body, "quantity"), "2");
  EXPECT_EQ(At(read.body, "type") + At(read.body, "actual"), "persontrue");
  EXPECT_EQ(At(read.body, "contained.0.parameter.0.part.0.valueString"), "Observation?code=1-1");
  EXPECT_THAT(BundleView(Get("Patient?_has:Group:member:_id=" + group.substr(6))).matches,
              ElementsAre("Patient/anna", "Patient/bert"));
}

TEST_F(CohortInteractionTest, RefreshesAGroupAndTellsTheDifference) {
  const std::string group = Saved();
  Put(Observation("o4", "carl", "1-1"));
  Delete("Observation", "o1");

  const Answer dry = Get(group + "/$cohort");
  EXPECT_THAT(Told(dry, "added-patient"), ElementsAre("Patient/carl"));
  EXPECT_EQ(Get(group).version, 1u) << "looking changes nothing";

  const Answer refreshed = Post(group + "/$cohort", "");
  EXPECT_EQ(refreshed.status, 200) << refreshed.body;
  EXPECT_THAT(Told(refreshed, "patients"), ElementsAre("2"));
  EXPECT_THAT(Told(refreshed, "added"), ElementsAre("1"));
  EXPECT_THAT(Told(refreshed, "removed"), ElementsAre("1"));
  EXPECT_THAT(Told(refreshed, "removed-patient"), ElementsAre("Patient/anna"));
  EXPECT_THAT(MembersOf(group), ElementsAre("Patient/bert", "Patient/carl"));
  EXPECT_EQ(Get(group).version, 2u);
  EXPECT_EQ(At(Get(group).body, "name"), "Ones");
  EXPECT_THAT(MembersOf(group + "/_history/1"), ElementsAre("Patient/anna", "Patient/bert"));

  EXPECT_THAT(Told(Post(group + "/$cohort", ""), "added"), ElementsAre("0"));
  EXPECT_EQ(Get(group).version, 2u) << "nothing new makes no version";
}

TEST_F(CohortInteractionTest, CanBecomeEmptyAndFilledAgain) {
  const std::string group = Saved();
  Delete("Observation", "o1");
  Delete("Observation", "o2");
  EXPECT_EQ(Post(group + "/$cohort", "").status, 200);
  EXPECT_THAT(MembersOf(group), IsEmpty());
  Put(Observation("o9", "carl", "1-1"));
  EXPECT_EQ(Post(group + "/$cohort", "").status, 200);
  EXPECT_THAT(MembersOf(group), ElementsAre("Patient/carl"));
}

TEST_F(CohortInteractionTest, ListsPatientsInTwoFormats) {
  const std::string group = Saved();
  const Answer lines = Get(group + "/$cohort-list");
  EXPECT_EQ(lines.content_type, "application/x-ndjson");
  EXPECT_EQ(ListOf(lines),
            "{\"patient\":\"Patient/anna\",\"url\":\"http://hilum.test/fhir/Patient/anna\"}\n"
            "{\"patient\":\"Patient/bert\",\"url\":\"http://hilum.test/fhir/Patient/bert\"}\n");
  const Answer csv = Get(group + "/$cohort-list?_format=csv&level=patient");
  EXPECT_THAT(csv.content_type, HasSubstr("text/csv"));
  EXPECT_EQ(ListOf(csv),
            "patient,url\r\n"
            "Patient/anna,http://hilum.test/fhir/Patient/anna\r\n"
            "Patient/bert,http://hilum.test/fhir/Patient/bert\r\n");
  EXPECT_EQ(ListOf(Get(group + "/$cohort-list?_format=csv&level=study")), "patient,study,url\r\n");
  EXPECT_EQ(Get(group + "/$cohort-list?level=frame").status, 400);
  EXPECT_EQ(Get(group + "/$cohort-list?_format=xml").status, 400);
}

TEST_F(CohortInteractionTest, NamesTheParametersThatItIgnores) {
  const std::string group = Saved();
  for (const std::string operation : {"/$cohort", "/$cohort-list"}) {
    const std::string url = group + operation + "?levle=study";
    const Answer answer = Get(url);
    EXPECT_EQ(answer.status, 200) << url;
    ASSERT_EQ(answer.warnings.size(), 1u) << url;
    EXPECT_THAT(answer.warnings[0].diagnostics, HasSubstr("no parameter 'levle'"));
    EXPECT_EQ(Get(url, {.prefer_handling = Handling::kStrict}).status, 400) << url;
  }
}

TEST_F(CohortInteractionTest, ListsAnyGroupButRefreshesOnlyItsOwn) {
  Put(R"({"resourceType":"Group","id":"mine","type":"person","actual":true,"member":[{"entity":{"reference":"Patient/carl"}}]})");
  EXPECT_EQ(ListOf(Get("Group/mine/$cohort-list")),
            "{\"patient\":\"Patient/carl\",\"url\":\"http://hilum.test/fhir/Patient/carl\"}\n");
  EXPECT_EQ(Post("Group/mine/$cohort", "").status, 422);
}

// R4 Group.member: inactive is "no longer in group", period "the period that the member was in the group".
TEST_F(CohortInteractionTest, ListsOnlyThoseWhoAreInAGroupStill) {
  const auto member = [](const std::string& id, const std::string& more) {
    return R"({"entity":{"reference":"Patient/)" + id + "\"}" + more + "}";
  };
  const auto listed = [&](const std::string& members) {
    Put(R"({"resourceType":"Group","id":"mine","type":"person","actual":true,"member":[)" + members + "]}");
    std::string ids;
    const std::string lines = ListOf(Get("Group/mine/$cohort-list"));
    for (const char* id : {"anna", "bert", "carl"}) {
      if (lines.find("\"Patient/" + std::string(id) + "\"") != std::string::npos)
        ids.append(ids.empty() ? "" : " ").append(id);
    }
    return ids;
  };
  EXPECT_EQ(listed(member("anna", "") + "," + member("bert", R"(,"inactive":true)") + "," +
                   member("carl", R"(,"inactive":false)")),
            "anna carl");
  // It is 2023-11-14.
  EXPECT_EQ(listed(member("anna", R"(,"period":{"start":"2001","end":"2023"})") + "," +
                   member("bert", R"(,"period":{"end":"2023-11-13"})") + "," +
                   member("carl", R"(,"period":{"end":"2023-11-14T00:00:00Z"})")),
            "anna")
      << "an end includes all that it may mean";
  EXPECT_EQ(listed(member("bert", R"(,"inactive":true)") + "," + member("bert", "")), "bert") << "who came back";
}

TEST_F(CohortInteractionTest, ARefreshCountsWhomTheUserPutOutAsAdded) {
  const std::string group = Saved();
  std::string text = Get(group).body;
  const std::string bert = R"({"entity":{"reference":"Patient/bert"})";
  ASSERT_NE(text.find(bert), std::string::npos) << text;
  Put(text.insert(text.find(bert) + bert.size(), R"(,"inactive":true)"));
  EXPECT_THAT(ListOf(Get(group + "/$cohort-list")), ::testing::Not(HasSubstr("Patient/bert")));
  EXPECT_THAT(Told(Post(group + "/$cohort", ""), "added-patient"), ElementsAre("Patient/bert"));
  EXPECT_THAT(ListOf(Get(group + "/$cohort-list")), HasSubstr("Patient/bert"));
}

TEST_F(CohortInteractionTest, IsNoPartOfABundleWhenItIsAList) {
  const std::string group = Saved();
  const Answer answer = Run("", {.method = "POST", .body = R"({"resourceType":"Bundle","type":"batch","entry":[
      {"request":{"method":"GET","url":")" + group + R"(/$cohort-list"}},
      {"request":{"method":"GET","url":"Group/$cohort?include=Patient"}}]})"});
  EXPECT_EQ(At(answer.body, "entry.0.response.status").substr(0, 3), "400");
  EXPECT_EQ(At(answer.body, "entry.1.resource.parameter.0.valueUnsignedInt"), "3");
}

TEST_F(CohortInteractionTest, RefusesWhatItCannotDo) {
  const Answer wrong =
      Post("Group/$cohort", R"({"name":"include","part":[{"name":"search","valueString":"Patient?x=1"}]})");
  EXPECT_EQ(wrong.status, 400);
  EXPECT_THAT(wrong.body, HasSubstr("Parameters.parameter[0]: Patient has no search parameter 'x'"));
  EXPECT_EQ(Post("Group/$cohort", R"({"name":"incldue","valueString":"Patient"})").status, 400);
  EXPECT_EQ(Run("Group/$cohort", {.method = "POST", .body = R"({"resourceType":"Patient"})"}).status, 400);
  EXPECT_EQ(Get("Group/$cohort").status, 400);
  EXPECT_EQ(Get("Group/$cohort?include=Patient&_count=3").status, 400);
  EXPECT_EQ(Run("Group/$cohort", {.method = "DELETE"}).status, 405);
  EXPECT_EQ(Get("Group/nobody/$cohort").status, 404);
  EXPECT_EQ(Get("Patient/$cohort").status, 404);
}

TEST_F(CohortInteractionTest, IsGoneWithItsGroup) {
  const std::string group = Saved();
  Delete("Group", group.substr(6));
  EXPECT_EQ(Get(group + "/$cohort").status, 410);
  EXPECT_EQ(Get(group + "/$cohort-list").status, 410);
}

TEST_F(CohortInteractionTest, ItsSearchesTakeSoManyStepsTogether) {
  Configure({.max_steps = 12});
  const std::string criterion = "include=Patient%3Fgender%3Dmale,female,other",
                    three = criterion + "&" + criterion + "&" + criterion;
  const Answer found = Get("Group/$cohort?" + three);
  EXPECT_EQ(found.status, 200) << found.body;
  const Answer refused = Get("Group/$cohort?" + three + "&" + criterion);
  EXPECT_EQ(refused.status, 413);
  EXPECT_THAT(refused.body, HasSubstr("too many steps together"));
}

}  // namespace
}  // namespace hilum::fhir
