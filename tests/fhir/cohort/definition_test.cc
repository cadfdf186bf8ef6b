#include "fhir/cohort/definition.h"

#include <gmock/gmock.h>

#include "fhir/json/edits.h"

namespace hilum::fhir {
namespace {

using ::testing::HasSubstr;

constexpr int64_t kDay = 86'400'000'000;

Result<CohortDefinition> Read(const std::string& parameters) {
  const auto document = json::Document::Parse(R"({"resourceType":"Parameters","parameter":[)" + parameters + "]}");
  if (!document.ok()) return document.status();
  return ReadCohortDefinition(document->root());
}

// {"name":...,"part":[...]}
std::string Parts(const std::string& name, const std::string& parts) {
  return R"({"name":")" + name + R"(","part":[)" + parts + "]}";
}
std::string Text(const std::string& name, const std::string& value) {
  return R"({"name":")" + name + R"(","valueString":)" + json::Quoted(value) + "}";
}
std::string Duration(const std::string& name, const std::string& value, const std::string& code) {
  return R"({"name":")" + name + R"(","valueDuration":{"value":)" + value + R"(,"code":")" + code + "\"}}";
}
const std::string kSearch = Text("search", "Condition?code=1");

TEST(CohortDefinitionTest, ReadsCriteriaInOrder) {
  const auto definition =
      Read(Parts("include", Text("name", "diagnosis") + "," + Text("search", "Condition?code=a|b")) +
           R"(,{"name":"save","valueBoolean":true},)" + Parts("exclude", Text("search", "Patient?gender=male")));
  ASSERT_TRUE(definition.ok()) << definition.status().ToString();
  ASSERT_EQ(definition->steps.size(), 2u);
  EXPECT_EQ(definition->steps[0].name, "diagnosis");
  EXPECT_FALSE(definition->steps[0].exclude);
  EXPECT_EQ(definition->steps[0].any.at(0).search, "Condition?code=a|b");
  EXPECT_TRUE(definition->steps[1].exclude);
  EXPECT_EQ(definition->steps[1].place, "Parameters.parameter[2]");
}

TEST(CohortDefinitionTest, ReadsRelationsWithDistancesInUnitsOfTime) {
  const auto definition = Read(
      Parts("include", kSearch + R"(,{"name":"at-least","valuePositiveInt":2},)" + Text("date", "recorded-date") + "," +
                           Parts("relation", Text("to", "x") + R"(,{"name":"when","valueCode":"before"},)" +
                                                 Duration("min", "36", "h") + "," + Duration("max", "2", "wk"))));
  ASSERT_TRUE(definition.ok()) << definition.status().ToString();
  const CohortCriterion& criterion = definition->steps.at(0).any.at(0);
  EXPECT_EQ(criterion.at_least, 2u);
  EXPECT_EQ(criterion.date, "recorded-date");
  const CohortRelation expected{
      .to = "x", .when = CohortRelation::When::kBefore, .min_micros = kDay * 3 / 2, .max_micros = 14 * kDay};
  EXPECT_EQ(criterion.relation, expected);
}

TEST(CohortDefinitionTest, IsReadAgainFromWhatItWrites) {
  const std::string any =
      Parts("any", Text("name", "one") + "," + kSearch) + "," +
      Parts("any", Text("search", "Observation?code=\"x\"&status=final") + "," +
                       Parts("relation", Text("to", "one") + R"(,{"name":"when","valueCode":"either"},)" +
                                             Duration("min", "1.5", "s")));
  const auto definition = Read(Parts("include", Text("name", "either") + "," + any) + "," + Parts("exclude", kSearch));
  ASSERT_TRUE(definition.ok()) << definition.status().ToString();
  const std::string written = CohortParameters(*definition);
  const auto again = Read(written);
  ASSERT_TRUE(again.ok()) << again.status().ToString() << written;
  EXPECT_EQ(CohortParameters(*again), written);
  EXPECT_EQ(again->steps.at(0).any.at(1).search, "Observation?code=\"x\"&status=final");
  EXPECT_EQ(again->steps.at(0).any.at(1).relation, definition->steps.at(0).any.at(1).relation);
  EXPECT_EQ(again->steps.at(0).any.at(1).relation->min_micros, 1'500'000);
  EXPECT_EQ(LabelOf(again->steps.at(0)), "either");
  EXPECT_EQ(LabelOf(again->steps.at(1)), "Condition?code=1");
}

TEST(CohortDefinitionTest, HasAShortFormInAQuery) {
  const auto definition = ReadCohortDefinition(
      std::vector<Parameter>{{"include", "Patient?gender=female"}, {"save", "true"}, {"exclude", "Condition"}});
  ASSERT_TRUE(definition.ok()) << definition.status().ToString();
  ASSERT_EQ(definition->steps.size(), 2u);
  EXPECT_EQ(definition->steps[0].any.at(0).search, "Patient?gender=female");
  EXPECT_TRUE(definition->steps[1].exclude);
}

TEST(CohortDefinitionTest, RefusesWhatIsWrongAndSaysWhere) {
  const std::string relation = R"({"name":"relation","part":[)";
  struct Case {
    std::string parameters;
    const char* message;
  };
  const Case cases[] = {
      {Text("save", "x"), "at least one"},
      {R"({"name":"include","valueString":"Patient"})", "Parameters.parameter[0]: a criterion is made of parts"},
      {Parts("include", Text("name", "x")), "Parameters.parameter[0]: a criterion needs a search"},
      {Parts("include", kSearch + "," + Text("serach", "x")), "Parameters.parameter[0]: part[1]: 'serach' is no part"},
      {Parts("include", kSearch + R"(,{"name":"at-least","valueInteger":0})"), "part[1]: takes a valuePositiveInt"},
      {Parts("include", kSearch + R"(,{"name":"at-least","valueString":"2"})"), "part[1]: takes a valuePositiveInt"},
      {Parts("include", Parts("any", kSearch) + "," + kSearch), "not both"},
      {Parts("include", Parts("any", Parts("any", kSearch))), "part[0]: part[0]: 'any' is no part"},
      {Parts("include", kSearch + "," + relation + "]}"), "part[1]: a relation needs 'to'"},
      {Parts("include", kSearch + "," + relation + Text("to", "x") + "]}"), "needs 'when'"},
      {Parts("include", kSearch + "," + relation + Text("when", "later") + "]}"),
       "part[0]: takes before, after or either"},
      {Parts("include", kSearch + "," + relation + Duration("max", "1", "kg") + "]}"), "takes a valueDuration"},
      {Parts("include", kSearch + "," + relation + Duration("max", "-1", "d") + "]}"), "0 to 1000 years"},
      {Parts("include", kSearch + "," + relation + Duration("max", "1e300", "d") + "]}"), "0 to 1000 years"},
      {Parts("include", Text("name", "x") + "," + kSearch) + "," + Parts("exclude", Text("name", "x") + "," + kSearch),
       "Parameters.parameter[1]: another criterion has this name"},
  };
  for (const Case& each : cases) {
    const auto definition = Read(each.parameters);
    EXPECT_EQ(definition.status().code(), Code::kInvalid) << each.parameters;
    EXPECT_THAT(definition.status().message(), HasSubstr(each.message));
  }
}

TEST(CohortDefinitionTest, IsLimited) {
  std::string many;
  for (size_t i = 0; i <= kMaxCohortCriteria; ++i) many += (i == 0 ? "" : ",") + Parts("include", kSearch);
  EXPECT_EQ(Read(many).status().code(), Code::kLimit);
  const std::string long_search = "Patient?name=" + std::string(70'000, 'x');
  EXPECT_EQ(Read(Parts("include", Text("search", long_search))).status().code(), Code::kLimit);
  EXPECT_EQ(ReadCohortDefinition(std::vector<Parameter>{{"include", long_search}}).status().code(), Code::kLimit);
}

}  // namespace
}  // namespace hilum::fhir
