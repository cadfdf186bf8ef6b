#include "fhir/validate/validate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <random>
#include <string>

#include "fhir/validate/validator.h"

namespace hilum::fhir {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// "expression: diagnostics" of each issue.
std::vector<std::string> IssuesOf(const std::string& text, const ValidateOptions& options = {}) {
  const auto document = json::Document::Parse(text);
  if (!document.ok()) return {document.status().message()};
  std::vector<std::string> out;
  for (const Issue& issue : Validate(document->root(), options).issues)
    out.push_back(issue.expression + ": " + issue.diagnostics);
  return out;
}

std::string Patient(const std::string& members) {
  return R"({"resourceType":"Patient",)" + members + "}";
}

TEST(Validate, AcceptsAFullResource) {
  EXPECT_THAT(
      IssuesOf(R"({"resourceType":"Observation","id":"o1","meta":{"versionId":"1","lastUpdated":"2020-01-01T00:00:00Z"},
      "text":{"status":"generated","div":"<div>x</div>"},"contained":[{"resourceType":"Patient","id":"p"}],
      "status":"final","_status":{"extension":[{"url":"http://x","valueBoolean":true}]},
      "code":{"coding":[{"system":"http://loinc.org","code":"1-1"}]},"subject":{"reference":"#p"},
      "effectiveDateTime":"2020","valueQuantity":{"value":1.10,"unit":"kg"},
      "component":[{"code":{"text":"c"},"valueString":"x"}]})"),
      IsEmpty());
}

struct Case {
  std::string text, issue;
};

TEST(Validate, SaysWhatIsWrongAndWhere) {
  const std::vector<Case> cases = {
      {R"([])", ": a resource must be a JSON object"},
      {R"({"id":"a"})", ": resourceType is missing; it must name the type of the resource"},
      {R"({"resourceType":7})", ": resourceType is missing; it must name the type of the resource"},
      {R"({"resourceType":"Patients"})", ": resourceType is no resource type of R4"},
      {R"({"resourceType":"DomainResource"})", ": resourceType is no resource type of R4"},
      {Patient(R"("nam":[])"), "Patient: unknown element 'nam' in Patient"},
      {Patient(R"("J. Doe":1)"), "Patient: unknown element with this name in Patient"},
      {Patient(R"("fhir_comments":["x"])"), "Patient: unknown element 'fhir_comments' in Patient"},
      {Patient(R"("deceased":true)"), "Patient: unknown element 'deceased' in Patient"},
      {Patient(R"("name":{"family":"x"})"), "Patient.name: must be an array: it can repeat"},
      {Patient(R"("name":[])"), "Patient.name: an array must not be empty; leave it out"},
      {Patient(R"("name":[null])"), "Patient.name[0]: must be an object of type HumanName"},
      {Patient(R"("name":[{"family":"a"},{}])"), "Patient.name[1]: an object must not be empty; leave it out"},
      {Patient(R"("name":[{"given":["a",7]}])"), "Patient.name[0].given[1]: must be a JSON string"},
      {Patient(R"("active":"true")"), "Patient.active: must be true or false"},
      {Patient(R"("active":null)"), "Patient.active: must not be null; leave it out"},
      {Patient(R"("active":[true])"), "Patient.active: must not be an array: at most one is allowed"},
      {Patient(R"("id":"a b")"), "Patient.id: must be an id: 1 to 64 letters, digits, '-' and '.'"},
      {Patient(R"("birthDate":"1999-02-30")"), "Patient.birthDate: must be a date: YYYY, YYYY-MM or YYYY-MM-DD"},
      {Patient(R"("gender":"m")"), "Patient.gender: is no code of http://hl7.org/fhir/ValueSet/administrative-gender"},
      {Patient(R"("deceasedBoolean":true,"deceasedDateTime":"2020")"),
       "Patient: only one type of Patient.deceased[x] may be given"},
      {Patient(R"("managingOrganization":{"reference":"Patient/1"})"),
       "Patient.managingOrganization: must not refer to a Patient"},
      {Patient(R"("link":[{"other":{"reference":"Patient/1"}}])"), "Patient.link[0]: Patient.link.type is required"},
      {Patient(R"("_name":[{"id":"x"}])"), "Patient.name: '_' only goes before the names of primitive elements"},
      {Patient(R"("_gender":{})"), "Patient.gender: an object must not be empty; leave it out"},
      {Patient(R"("_gender":"x")"), "Patient.gender: must be an object with id or extension"},
      {Patient(R"("_gender":{"value":"x"})"), "Patient.gender: unknown element 'value' in Element"},
      {Patient(R"("name":[{"_given":{"id":"x"}}])"),
       "Patient.name[0].given: must be an array with an item for each value"},
      {Patient(R"("extension":[{"valueString":"x"}])"), "Patient.extension[0]: Extension.url is required"},
      {Patient(R"("extension":[{"url":"http://x"}])"),
       "Patient.extension[0]: ext-1: an extension must have either a value or extensions, not both"},
      {Patient(R"("extension":[{"url":"u","valueString":"x","extension":[{"url":"v","valueCode":"c"}]}])"),
       "Patient.extension[0]: ext-1: an extension must have either a value or extensions, not both"},
      {Patient(R"("text":{"status":"generated","div":"<p/>"})"),
       "Patient.text.div: the narrative must begin with <div"},
      {Patient(
           R"("contained":[{"resourceType":"Patient","id":"y","contained":[{"resourceType":"Patient","id":"x"}]}])"),
       "Patient.contained[0].contained[0]: a contained resource must not contain resources"},
      {R"({"resourceType":"Observation","status":"final"})", "Observation: Observation.code is required"},
      {R"({"resourceType":"Condition","subject":{"display":"x"},"clinicalStatus":{"coding":[{"system":"s","code":"active"}]}})",
       "Condition.clinicalStatus: has no code of http://hl7.org/fhir/ValueSet/condition-clinical"},
      {R"({"resourceType":"Bundle","type":"batch","entry":[{"resource":{"resourceType":"Patient","x":1}}]})",
       "Bundle.entry[0].resource: unknown element 'x' in Patient"},
  };
  for (const Case& c : cases) EXPECT_THAT(IssuesOf(c.text), ElementsAre(c.issue)) << c.text;
}

TEST(Validate, GivesLineAndColumn) {
  const auto document = json::Document::Parse("{\"resourceType\":\"Patient\",\n  \"gender\": \"x\"}");
  ASSERT_TRUE(document.ok());
  const Validation validation = Validate(document->root());
  ASSERT_EQ(validation.issues.size(), 1u);
  EXPECT_EQ(validation.issues[0].position.line, 2u);
  EXPECT_EQ(validation.issues[0].position.column, 13u);
  EXPECT_FALSE(validation.ok());
}

TEST(Validate, NullHoldsThePlaceOfAPrimitiveWithExtensionsOnly) {
  EXPECT_THAT(
      IssuesOf(Patient(
          R"("name":[{"given":["a",null],"_given":[null,{"extension":[{"url":"http://x","valueCode":"y"}]}]}])")),
      IsEmpty());
  EXPECT_THAT(IssuesOf(Patient(R"("_birthDate":{"extension":[{"url":"http://x","valueCode":"y"}]})")), IsEmpty());
}

TEST(Validate, EveryPrimitiveHasAValueOrExtensions) {
  const std::string extended = R"({"extension":[{"url":"http://x","valueCode":"y"}]})";
  const std::string kFine[] = {
      R"("given":["a","b"],"_given":[null,)" + extended + "]",
      R"("given":[null,"b"],"_given":[)" + extended + "]",
      R"("given":["a"],"_given":[{"id":"x"}])",
      R"("given":["a"],"_given":[null])",
      R"("_given":[)" + extended + "]",
      R"("family":"a","_family":{"id":"x"})",
      R"("_family":)" + extended,
  };
  for (const std::string& name : kFine) EXPECT_THAT(IssuesOf(Patient(R"("name":[{)" + name + "}]")), IsEmpty()) << name;
  const std::string kLacking[] = {
      R"("given":[null])",
      R"("given":["a",null])",
      R"("given":["a",null],"_given":[)" + extended + "]",
      R"("given":[null],"_given":[null])",
      R"("given":[null],"_given":[{"id":"x"}])",
      R"("_given":[null])",
      R"("_given":[null],"given":[null])",
      R"("_given":[{"id":"x"}])",
      R"("given":["a"],"_given":[null,null])",
      R"("_family":{"id":"x"})",
  };
  for (const std::string& name : kLacking) {
    const auto issues = IssuesOf(Patient(R"("name":[{)" + name + "}]"));
    ASSERT_FALSE(issues.empty()) << name;
    EXPECT_THAT(issues[0], testing::HasSubstr("ele-1")) << name;
  }
  // Nothing is no required element.
  EXPECT_FALSE(IssuesOf(R"({"resourceType":"Observation","code":{"text":"x"},"_status":{"id":"z"}})").empty());
}

TEST(Validate, AnyCodingOfTheSetMeetsARequiredBinding) {
  EXPECT_THAT(
      IssuesOf(
          R"({"resourceType":"Condition","subject":{"display":"x"},"clinicalStatus":{"coding":[{"system":"s","code":"a"},)"
          R"({"system":"http://terminology.hl7.org/CodeSystem/condition-clinical","code":"active"}]}})"),
      IsEmpty());
}

TEST(Validate, TextAloneDoesNotMeetARequiredBinding) {
  const auto condition = [](const std::string& status) {
    return R"({"resourceType":"Condition","subject":{"display":"x"},"code":{"text":"y"},"clinicalStatus":)" + status +
           "}";
  };
  EXPECT_THAT(IssuesOf(condition(R"({"text":"x"})")),
              ElementsAre("Condition.clinicalStatus: needs a coding: its code must be one of "
                          "http://hl7.org/fhir/ValueSet/condition-clinical"));
  EXPECT_THAT(IssuesOf(condition(R"({"extension":[{"url":"http://x","valueCode":"unknown"}]})")), IsEmpty());
}

TEST(Validate, RelativeReferencesNameATypeOfR4) {
  const auto is_valid = [](const std::string& reference) {
    const std::string text = R"({"resourceType":"Basic","code":{"text":"x"},"subject":{"reference":")" + reference +
                             R"("},"extension":[{"url":"urn:x","valueReference":{"reference":")" + reference +
                             R"("}}]})";
    const auto document = json::Document::Parse(text);
    return document.ok() && Validate(document->root()).ok();
  };
  for (const std::string reference : {"Patient/1", "Patient/1/_history/2", "Patient?identifier=1", "http://x/Foo/1",
                                      "urn:uuid:11111111-1111-4111-8111-111111111111", "1", "a/b/c", "#"}) {
    EXPECT_TRUE(is_valid(reference)) << reference;
  }
  for (const std::string reference : {"Foo/1", "patient/1", "Foo/1/_history/2", "Foo?name=x"}) {
    EXPECT_FALSE(is_valid(reference)) << reference;
  }
}

TEST(Validate, LocalAndLogicalReferencesHaveTheirTargetToo) {
  const auto patient = [](const std::string& contained, const std::string& organization) {
    return Patient((contained.empty() ? "" : R"("contained":[)" + contained + "],") + R"("managingOrganization":{)" +
                   organization + "}");
  };
  const std::string organization = R"({"resourceType":"Organization","id":"x","name":"y"})";
  const std::string practitioner = R"({"resourceType":"Practitioner","id":"x"})";
  EXPECT_THAT(IssuesOf(patient(organization, R"("reference":"#x")")), IsEmpty());
  EXPECT_THAT(IssuesOf(patient("", R"("type":"Organization","display":"y")")), IsEmpty());
  EXPECT_THAT(IssuesOf(patient("", R"("type":"http://example.org/x","display":"y")")), IsEmpty());
  EXPECT_THAT(IssuesOf(patient("", R"("reference":"#x")")),
              ElementsAre("Patient.managingOrganization: ref-1: refers to a contained resource that is not there"));
  EXPECT_THAT(IssuesOf(patient(practitioner, R"("reference":"#x")")),
              ElementsAre("Patient.managingOrganization: must not refer to a Practitioner"));
  for (const std::string type : {"Patient", "http://hl7.org/fhir/StructureDefinition/Patient"}) {
    EXPECT_THAT(IssuesOf(patient("", R"("type":")" + type + R"(","display":"y")")),
                ElementsAre("Patient.managingOrganization: must not refer to a Patient"));
  }
  // A contained resource refers to what is contained beside it, and by '#' to what contains it.
  const std::string coverage = R"({"resourceType":"Claim","id":"c","status":"active","use":"claim","created":"2020",
      "type":{"text":"x"},"provider":{"reference":"#x"},"priority":{"text":"x"},"insurance":[{"sequence":1,"focal":true,
      "coverage":{"display":"x"}}],"patient":{"reference":"#"}})";
  EXPECT_THAT(IssuesOf(patient(practitioner + "," + coverage, R"("display":"y")")), IsEmpty());
  const std::string entry = R"({"resourceType":"Bundle","type":"collection","entry":[{"resource":)" +
                            patient(organization, R"("display":"y")") + R"(},{"resource":)" +
                            patient("", R"("reference":"#x")") + "}]}";
  EXPECT_EQ(IssuesOf(entry).size(), 1u) << "each entry has its own";
}

TEST(Validate, ManyReferencesToManyContainedResourcesTakeNoLongerThanBothTogether) {
  std::string contained, entries;
  for (int i = 0; i < 50'000; ++i) {
    const std::string id = std::to_string(i), comma = i == 0 ? "" : ",";
    contained += comma + R"({"resourceType":"Basic","code":{"text":"x"},"id":"b)" + id + "\"}";
    entries += comma + R"({"item":{"reference":"#b)" + id + "\"}}";
  }
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_THAT(IssuesOf(R"({"resourceType":"List","status":"current","mode":"working","contained":[)" + contained +
                       R"(],"entry":[)" + entries + "]}"),
              IsEmpty());
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(20));
}

TEST(Validate, EachContainedResourceHasAnIdOfItsOwn) {
  const auto contained = [](const std::string& resources) { return Patient(R"("contained":[)" + resources + "]"); };
  const std::string a = R"({"resourceType":"Organization","id":"a"})", b = R"({"resourceType":"Location","id":"b"})";
  const std::string nameless = R"({"resourceType":"Location","name":"x"})";
  EXPECT_THAT(IssuesOf(contained(a + "," + b)), IsEmpty());
  EXPECT_THAT(IssuesOf(contained(a + "," + nameless)),
              ElementsAre("Patient.contained[1]: a contained resource needs an id: it is referred to by that"));
  EXPECT_THAT(IssuesOf(contained(a + "," + b + "," + a)),
              ElementsAre("Patient.contained[2]: another contained resource has this id"));
  const std::string entry = "{\"resource\":" + contained(a) + "}";
  EXPECT_THAT(IssuesOf(R"({"resourceType":"Bundle","type":"collection","entry":[)" + entry + "," + entry + "]}"),
              IsEmpty())
      << "ids are of the resource that contains";
  EXPECT_THAT(IssuesOf(contained(nameless), {.check_targets = false}), IsEmpty());
}

TEST(Validate, CanBeToldWhatNotToCheckAndWhenToStop) {
  EXPECT_THAT(IssuesOf(Patient(R"("managingOrganization":{"reference":"Patient/1"})"), {.check_targets = false}),
              IsEmpty());
  EXPECT_THAT(IssuesOf(Patient(R"("text":{"status":"generated","div":"<p/>"})"), {.check_narrative = false}),
              IsEmpty());
  EXPECT_EQ(IssuesOf(Patient(R"("a":1,"b":2,"c":3)"), {.max_issues = 2}).size(), 2u);
}

TEST(Validate, TypesEveryValue) {
  const auto document = json::Document::Parse(Patient(R"("name":[{"given":["a","b"]}],"deceasedBoolean":true)"));
  ASSERT_TRUE(document.ok());
  const Validation validation = Validate(document->root());
  const auto property = [&](json::Value value) { return validation.typing[value.index()]; };
  const json::Value name = *json::Find(document->root(), "name");
  const json::Value given = *json::Find(name.At(0), "given");
  EXPECT_EQ(PropertyOf(property(name)).name, "name");
  EXPECT_EQ(property(name.At(0)), property(name));
  EXPECT_EQ(ElementOf(PropertyOf(property(given.At(1))).element).path, "HumanName.given");
  EXPECT_EQ(PropertyOf(property(*json::Find(document->root(), "deceasedBoolean"))).name, "deceasedBoolean");
  EXPECT_EQ(property(*json::Find(document->root(), "resourceType")), kNoProperty);
}

TEST(Validate, NoTypeHasMoreElementsThanThePassHasRoomFor) {
  for (const Type& type : Types()) EXPECT_LE(type.elements.count, kMaxElements) << type.name;
}

TEST(Validate, SurvivesDamagedResources) {
  const std::string seed = Patient(
      R"("id":"p","name":[{"given":["a",null],"_given":[null,{"extension":[{"url":"u","valueCode":"c"}]}]}],)"
      R"("contained":[{"resourceType":"Organization","id":"o"}],"deceasedDateTime":"2020-01-01","text":{"status":"empty","div":"<div/>"})");
  std::mt19937 random(11);
  size_t valid = 0, invalid = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string text = seed;
    for (int change = random() % 3 + 1; change > 0; --change) {
      const size_t at = random() % text.size(), from = random() % seed.size();
      if (random() % 2 == 0) {
        text[at] = seed[from];
      } else {
        text.insert(at, seed.substr(from, random() % 12));
      }
    }
    const auto document = json::Document::Parse(text);
    if (!document.ok()) {
      document.status().IgnoreError();  // most changes break the JSON
      continue;
    }
    const Validation validation = Validate(document->root());
    ++(validation.ok() ? valid : invalid);
    if (validation.issues.empty()) continue;
    ASSERT_TRUE(json::Document::Parse(OperationOutcome(validation.issues)).ok());
  }
  EXPECT_GT(valid, 100u);
  EXPECT_GT(invalid, 100u);
}

}  // namespace
}  // namespace hilum::fhir
