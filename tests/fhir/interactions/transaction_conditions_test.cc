// Conditions of transactions: conditional references, creates and updates, which see what the transaction writes.
#include <gmock/gmock.h>

#include "tests/fhir/interactions/bundles.h"
#include "tests/fhir/support/interactions_fixture.h"

namespace hilum::fhir {
namespace {

using ::testing::HasSubstr;

using TransactionTest = InteractionsFixture;

TEST_F(TransactionTest, ResolvesConditionalReferencesAndConditionalCreates) {
  Run("PUT", "Practitioner/d",
      R"({"resourceType":"Practitioner","id":"d","identifier":[{"system":"urn:x","value":"9"}]})");
  const std::string entries =
      R"({"fullUrl":"urn:uuid:22222222-2222-4222-8222-222222222222",
          "resource":{"resourceType":"Practitioner","identifier":[{"system":"urn:x","value":"9"}]},
          "request":{"method":"POST","url":"Practitioner","ifNoneExist":"identifier=urn:x|9"}},
         {"resource":{"resourceType":"Patient",
          "generalPractitioner":[{"reference":"urn:uuid:22222222-2222-4222-8222-222222222222"},
                                 {"reference":"Practitioner?identifier=urn:x|9"}]},
          "request":{"method":"POST","url":"Patient"}})";
  const Answer answer = Run("POST", "", Bundle("transaction", entries));
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(At(answer.body, "entry.0.response.status"), "200 OK");
  const std::string found = Run("GET", "Patient").body;
  EXPECT_EQ(At(found, "entry.0.resource.generalPractitioner.0.reference"), "Practitioner/d");
  EXPECT_EQ(At(found, "entry.0.resource.generalPractitioner.1.reference"), "Practitioner/d");
  EXPECT_EQ(Total("Practitioner"), 1);
}

TEST_F(TransactionTest, ConditionsTakeReferencesByTheUrlThatTheClientKnows) {
  ASSERT_EQ(Run("PUT", "Organization/o", R"({"resourceType":"Organization","id":"o","name":"Clinic"})").status, 201);
  const std::string create =
      R"({"resource":{"resourceType":"Patient","managingOrganization":{"reference":"Organization/o"}},"request":{
          "method":"POST","url":"Patient","ifNoneExist":"organization=http://test/fhir/Organization/o"}})";
  for (const char* status : {"201 Created", "200 OK"}) {
    const Answer answer = Run("POST", "", Bundle("transaction", create));
    ASSERT_EQ(answer.status, 200) << answer.body;
    EXPECT_EQ(At(answer.body, "entry.0.response.status"), status);
  }
}

TEST_F(TransactionTest, RefusesAConditionalReferenceWithoutATarget) {
  const Answer answer = Run(
      "POST", "",
      Bundle(
          "transaction",
          R"({"resource":{"resourceType":"Patient","generalPractitioner":[{"reference":"Practitioner?identifier=urn:x|9"}]},
                 "request":{"method":"POST","url":"Patient"}})"));
  EXPECT_EQ(answer.status, 400);
  EXPECT_THAT(answer.body, HasSubstr("matches no resource"));
}

TEST_F(TransactionTest, ConditionalReferencesFindWhatItWrites) {
  const auto observation = [](const std::string& condition) {
    return R"({"resource":{"resourceType":"Observation","status":"final","code":{"text":"x"},
               "subject":{"reference":"Patient?)" +
           condition + R"("}},"request":{"method":"POST","url":"Observation"}})";
  };
  const auto patient = [](const std::string& method, const std::string& url, const std::string& value) {
    return R"({"resource":{"resourceType":"Patient","id":"a","identifier":[{"system":"urn:tx","value":")" + value +
           R"("}],"gender":"male"},"request":{"method":")" + method + R"(","url":")" + url + "\"}}";
  };
  // Created with it, in any order.
  for (const std::string condition : {"identifier=urn:tx|1", "identifier=1&gender=male", "gender=female,male"}) {
    const Answer answer =
        Run("POST", "", Bundle("transaction", observation(condition) + "," + patient("POST", "Patient", "1")));
    ASSERT_EQ(answer.status, 200) << answer.body;
    EXPECT_EQ(Total("Observation?subject:Patient.identifier=urn:tx|1"), 1);
    EXPECT_EQ(Run("DELETE", "Observation?status=final").status, 204);
    EXPECT_EQ(Run("DELETE", "Patient?gender=male").status, 204);
  }
  // What was there counts as it will be.
  ASSERT_EQ(Run("PUT", "Patient/a", R"({"resourceType":"Patient","id":"a","gender":"male"})").status, 201);
  const struct {
    std::string entries, found;
  } kCases[] = {
      {observation("identifier=urn:tx|2") + "," + patient("PUT", "Patient/a", "2"), "Patient/a"},
      {observation("identifier=urn:tx|3") + "," + patient("PUT", "Patient?identifier=urn:tx|2", "3"), "Patient/a"},
      {observation("identifier=urn:tx|3") + "," + patient("PUT", "Patient/a", "4"), "matches no resource"},
      {observation("gender=male") + "," + patient("POST", "Patient", "5"), "matches more than one resource"},
      {observation("gender=male") + R"(,{"request":{"method":"DELETE","url":"Patient/a"}})", "matches no resource"},
      {observation("family=Kim") + "," + patient("POST", "Patient", "6"), "matches no resource"},
  };
  for (const auto& [entries, found] : kCases) {
    Interaction request = Request("POST", "", Bundle("transaction", entries));
    request.prefer_return = Return::kRepresentation;
    const Answer answer = interactions_->Run(request);
    EXPECT_THAT(answer.body, HasSubstr(found)) << entries;
    EXPECT_EQ(answer.status, found == "Patient/a" ? 200 : 400);
  }
}

// An entry with a Patient who has an identifier.
std::string PatientEntry(const std::string& method, const std::string& url, const std::string& more = "",
                         const std::string& full_url = "") {
  return "{" + (full_url.empty() ? "" : R"("fullUrl":")" + full_url + "\",") +
         R"("resource":{"resourceType":"Patient","identifier":[{"system":"urn:tx","value":"1"}],"active":true},
            "request":{"method":")" +
         method + R"(","url":")" + url + "\"" + more + "}}";
}

TEST_F(TransactionTest, ConditionalCreatesOfTheSameMakeOneResource) {
  const std::string if_none_exists = R"(,"ifNoneExist":"identifier=urn:tx|1")";
  const std::string other = "urn:uuid:44444444-4444-4444-8444-444444444444";
  const std::string observation = R"({"resource":{"resourceType":"Observation","status":"final","code":{"text":"x"},
                                      "subject":{"reference":")" +
                                  other + R"("}},
                                      "request":{"method":"POST","url":"Observation"}})";
  const std::string kCases[] = {
      PatientEntry("POST", "Patient", if_none_exists) + "," + PatientEntry("POST", "Patient", if_none_exists, other),
      PatientEntry("POST", "Patient", if_none_exists) + "," +
          PatientEntry("POST", "Patient", R"(,"ifNoneExist":"identifier=urn:tx|1&active=true")", other),
      PatientEntry("POST", "Patient") + "," + PatientEntry("POST", "Patient", if_none_exists, other),
      PatientEntry("POST", "Patient", R"(,"ifNoneExist":"family=Kim")") + "," +
          PatientEntry("POST", "Patient", R"(,"ifNoneExist":"family=Kim")", other),
  };
  for (const std::string& entries : kCases) {
    const Answer answer = Run("POST", "", Bundle("transaction", entries + "," + observation));
    ASSERT_EQ(answer.status, 200) << answer.body;
    EXPECT_EQ(At(answer.body, "entry.0.response.status"), "201 Created");
    EXPECT_EQ(At(answer.body, "entry.1.response.status"), "200 OK");
    EXPECT_EQ(At(answer.body, "entry.0.response.location"), At(answer.body, "entry.1.response.location"));
    EXPECT_EQ(Total("Patient"), 1) << entries;
    EXPECT_EQ(Total("Observation?subject:Patient.identifier=urn:tx|1"), 1);
    EXPECT_EQ(Run("DELETE", "Observation?status=final").status, 204);
    EXPECT_EQ(Run("DELETE", "Patient?identifier=urn:tx|1").status, 204);
  }
}

TEST_F(TransactionTest, ConditionalCreatesOfOthersStayApart) {
  const std::string entries = PatientEntry("POST", "Patient", R"(,"ifNoneExist":"identifier=urn:tx|1")") + R"(,
      {"resource":{"resourceType":"Patient","identifier":[{"system":"urn:tx","value":"2"}]},
       "request":{"method":"POST","url":"Patient","ifNoneExist":"identifier=urn:tx|2"}},
      {"resource":{"resourceType":"Patient","identifier":[{"system":"urn:other","value":"1"}]},
       "request":{"method":"PUT","url":"Patient?identifier=urn:other|1"}})";
  ASSERT_EQ(Run("POST", "", Bundle("transaction", entries)).status, 200);
  EXPECT_EQ(Total("Patient"), 3);
}

TEST_F(TransactionTest, RefusesIdentitiesThatOverlap) {
  const std::string condition = "Patient?identifier=urn:tx|1";
  const std::string if_none_exists = R"(,"ifNoneExist":"identifier=urn:tx|1")";
  const std::string kCases[] = {
      PatientEntry("PUT", condition) + "," + PatientEntry("PUT", condition),
      PatientEntry("PUT", "Patient?family=Kim") + "," + PatientEntry("PUT", "Patient?family=Kim"),
      PatientEntry("POST", "Patient") + "," + PatientEntry("PUT", condition),
      PatientEntry("PUT", condition) + "," + PatientEntry("POST", "Patient"),
      PatientEntry("PUT", condition) + "," + PatientEntry("POST", "Patient", if_none_exists),
      PatientEntry("POST", "Patient", if_none_exists) + "," + PatientEntry("PUT", condition),
      R"({"resource":{"resourceType":"Patient","id":"a","identifier":[{"system":"urn:tx","value":"1"}]},
          "request":{"method":"PUT","url":"Patient/a"}},)" +
          PatientEntry("PUT", condition),
  };
  for (const std::string& entries : kCases) {
    const Answer answer = Run("POST", "", Bundle("transaction", entries));
    EXPECT_EQ(answer.status, 400) << entries;
    EXPECT_THAT(answer.body, HasSubstr("only once"));
    EXPECT_EQ(Total("Patient"), 0);
  }
  const Answer two = Run("POST", "",
                         Bundle("transaction", PatientEntry("POST", "Patient") + "," + PatientEntry("POST", "Patient") +
                                                   "," + PatientEntry("POST", "Patient", if_none_exists)));
  EXPECT_EQ(two.status, 412) << two.body;
}

// What a transaction writes, of each kind of search parameter.
const std::string kWritten = R"(
    {"fullUrl":"urn:uuid:11111111-1111-4111-8111-111111111111","request":{"method":"PUT","url":"Organization/o"},
     "resource":{"resourceType":"Organization","id":"o","name":"Haus Über"}},
    {"request":{"method":"PUT","url":"Patient/p"},
     "resource":{"resourceType":"Patient","id":"p","name":[{"family":"Kim","given":["Éva"]}],"birthDate":"1970-05-05",
                 "gender":"female","managingOrganization":{"reference":"urn:uuid:11111111-1111-4111-8111-111111111111"}}},
    {"request":{"method":"PUT","url":"Patient/q"},
     "resource":{"resourceType":"Patient","id":"q","name":[{"family":"Lim"}],"birthDate":"1990","gender":"male"}},
    {"request":{"method":"PUT","url":"Observation/v"},
     "resource":{"resourceType":"Observation","id":"v","status":"final","code":{"text":"x"},
                 "subject":{"reference":"Patient/p"},
                 "valueQuantity":{"value":5.4,"unit":"mg","system":"http://unitsofmeasure.org","code":"mg"}}},
    {"request":{"method":"PUT","url":"RiskAssessment/r"},
     "resource":{"resourceType":"RiskAssessment","id":"r","status":"final","subject":{"reference":"Patient/q"},
                 "prediction":[{"probabilityDecimal":0.25}]}},
    {"request":{"method":"PUT","url":"ValueSet/s"},
     "resource":{"resourceType":"ValueSet","id":"s","status":"active","url":"http://vs.test/a/b"}},
    {"request":{"method":"PUT","url":"List/l"},
     "resource":{"resourceType":"List","id":"l","status":"current","mode":"working",
                 "entry":[{"item":{"reference":"Patient/q"}}]}})";
constexpr int kCountOfWritten = 7;

// A condition that finds just one of them.
struct FoundBy {
  std::string condition, id;
};
const std::vector<FoundBy> kFoundBy = {
    {"Patient?family=ki", "Patient/p"},
    {"Patient?given=eva", "Patient/p"},
    {"Patient?given:exact=Éva", "Patient/p"},
    {"Patient?family:contains=im&gender=male", "Patient/q"},
    {"Patient?birthdate=1970", "Patient/p"},
    {"Patient?birthdate=gt1980", "Patient/q"},
    {"Patient?gender:not=male", "Patient/p"},
    {"Patient?given:missing=true", "Patient/q"},
    {"Patient?organization=Organization/o", "Patient/p"},
    {"Patient?organization.name=haus", "Patient/p"},
    {"Observation?value-quantity=5400||ug", "Observation/v"},
    {"Observation?value-quantity=gt5&subject=Patient/p", "Observation/v"},
    {"Observation?patient.organization.name=haus", "Observation/v"},
    {"RiskAssessment?probability=lt0.5", "RiskAssessment/r"},
    {"RiskAssessment?patient.birthdate=1990", "RiskAssessment/r"},
    {"ValueSet?url:below=http://vs.test/a", "ValueSet/s"},
    {"Patient?_id=q", "Patient/q"},
    {"Patient?_id:not=p", "Patient/q"},
    {"Observation?subject:Patient._id=p", "Observation/v"},
    {"Patient?_list=l", "Patient/q"},
    {"Patient?_has:Observation:patient:value-quantity=5.4||mg", "Patient/p"},
    {"Patient?_has:RiskAssessment:patient:probability=lt0.5&birthdate=1990", "Patient/q"},
    {"Organization?_has:Patient:organization:_has:Observation:patient:status=final", "Organization/o"},
    {"Observation?patient:Patient._has:Observation:patient:status=final", "Observation/v"},
};

TEST_F(TransactionTest, ConditionalReferencesFindWhatItWritesByEveryKindOfParameter) {
  std::string entries = kWritten;
  for (const FoundBy& each : kFoundBy) {
    entries += R"(,{"request":{"method":"POST","url":"Basic"},"resource":{"resourceType":"Basic","code":{"text":")" +
               each.condition + R"("},"subject":{"reference":")" + each.condition + "\"}}}";
  }
  // Whether they are there already or not.
  for (int i = 0; i < 2; ++i) {
    Interaction request = Request("POST", "", Bundle("transaction", entries));
    request.prefer_return = Return::kRepresentation;
    const Answer answer = interactions_->Run(request);
    ASSERT_EQ(answer.status, 200) << answer.body;
    for (size_t n = 0; n < kFoundBy.size(); ++n) {
      EXPECT_EQ(At(answer.body, "entry." + std::to_string(kCountOfWritten + n) + ".resource.subject.reference"),
                kFoundBy[n].id)
          << kFoundBy[n].condition;
    }
  }
}

TEST_F(TransactionTest, AConditionalUpdateOfWhatItWritesIsRefusedByEveryKindOfParameter) {
  for (const FoundBy& each : kFoundBy) {
    if (!each.id.starts_with("Patient/")) continue;
    const std::string update = R"({"request":{"method":"PUT","url":")" + each.condition +
                               R"("},"resource":{"resourceType":"Patient","active":true}})";
    for (const std::string& entries : {update + "," + kWritten, kWritten + "," + update}) {
      const Answer answer = Run("POST", "", Bundle("transaction", entries));
      EXPECT_EQ(answer.status, 400) << each.condition;
      EXPECT_THAT(answer.body, HasSubstr("only once")) << each.condition;
      EXPECT_EQ(Total("Patient"), 0);
    }
  }
}

TEST_F(TransactionTest, ConditionalCreatesShareWhatItCreatesByEveryKindOfParameter) {
  const std::string written = R"({"request":{"method":"POST","url":"Patient"},"resource":{"resourceType":"Patient",
      "name":[{"family":"Kim"}],"birthDate":"1970-05-05","managingOrganization":{"reference":"Organization/o"}}})";
  ASSERT_EQ(Run("PUT", "Organization/o", R"({"resourceType":"Organization","id":"o","name":"Haus"})").status, 201);
  for (const std::string condition : {"family=kim&birthdate=1970-05-05", "birthdate=lt1980", "organization=o",
                                      "organization.name=haus", "family:contains=im"}) {
    const std::string create = R"({"request":{"method":"POST","url":"Patient","ifNoneExist":")" + condition +
                               R"("},"resource":{"resourceType":"Patient","active":true}})";
    for (const std::string& entries : {create + "," + written, written + "," + create + "," + create}) {
      ASSERT_EQ(Run("POST", "", Bundle("transaction", entries)).status, 200);
      EXPECT_EQ(Total("Patient"), 1) << condition;
      EXPECT_EQ(Total("Patient?family=kim"), 1) << condition;
      EXPECT_EQ(Run("DELETE", "Patient?family=kim").status, 204);
    }
  }
}

// An entry with a Basic that is about what the condition finds.
std::string About(const std::string& condition) {
  return R"({"request":{"method":"POST","url":"Basic"},"resource":{"resourceType":"Basic","code":{"text":"x"},
             "subject":{"reference":")" +
         condition + "\"}}}";
}

std::string PutEntry(const std::string& id, const std::string& resource) {
  return R"({"request":{"method":"PUT","url":")" + id + R"("},"resource":)" + resource + "}";
}

TEST_F(TransactionTest, ConditionalReferencesFollowLinksAsTheyWillBe) {
  const auto observation = [](const std::string& patient) {
    return R"({"resourceType":"Observation","id":"v","status":"final","code":{"text":"x"},
               "subject":{"reference":"Patient/)" +
           patient + "\"}}";
  };
  const auto patient = [](const std::string& id, const std::string& family) {
    return R"({"resourceType":"Patient","id":")" + id + R"(","name":[{"family":")" + family + "\"}]}";
  };
  const std::string deletion = R"({"request":{"method":"DELETE","url":"Observation/v"}})";
  const std::string moved = PutEntry("Observation/v", observation("b"));
  const std::string renamed = PutEntry("Patient/a", patient("a", "New"));
  const std::string of_observation = "Patient?_has:Observation:patient:status=final";
  const struct {
    std::string entries, condition, found;
  } kCases[] = {
      {PutEntry("Observation/w", R"({"resourceType":"Observation","id":"w","status":"amended","code":{"text":"x"},
           "subject":{"reference":"Patient/b"}})"),
       "Patient?_has:Observation:patient:status=amended", "Patient/b"},
      {moved, of_observation, "Patient/b"},
      {moved, of_observation + "&family=kim", ""},
      {deletion, of_observation, ""},
      {renamed, "Observation?subject:Patient.family=new", "Observation/v"},
      {renamed, "Observation?subject:Patient.family=kim", ""},
      {R"({"request":{"method":"DELETE","url":"Patient/a"}})", "Observation?subject:Patient.family=kim", ""},
      {PatchOf("Patient/a", R"([{"op":"replace","path":"/name/0/family","value":"New"}])"), "Patient?family=new",
       "Patient/a"},
      {PatchOf("Patient/a", R"([{"op":"replace","path":"/name/0/family","value":"New"}])"), "Patient?family=kim", ""},
      {PatchOf("Patient?family=kim", R"([{"op":"replace","path":"/name/0/family","value":"New"}])"),
       "Observation?subject:Patient.family=new", "Observation/v"},
      {PatchOf("Observation/v", R"([{"op":"replace","path":"/subject/reference","value":"Patient/b"}])"),
       of_observation, "Patient/b"},
  };
  for (const auto& [entries, condition, found] : kCases) {
    for (const std::string& all : {entries + "," + About(condition), About(condition) + "," + entries}) {
      ASSERT_LT(Run("PUT", "Patient/a", patient("a", "Kim")).status, 300);
      ASSERT_LT(Run("PUT", "Patient/b", patient("b", "Lim")).status, 300);
      ASSERT_LT(Run("PUT", "Observation/v", observation("a")).status, 300);
      Interaction request = Request("POST", "", Bundle("transaction", all));
      request.prefer_return = Return::kRepresentation;
      const Answer answer = interactions_->Run(request);
      EXPECT_EQ(answer.status, found.empty() ? 400 : 200) << all << answer.body;
      EXPECT_THAT(answer.body, HasSubstr(found.empty() ? "matches no resource" : R"("reference":")" + found + "\""))
          << all;
    }
  }
}

TEST_F(TransactionTest, AConditionalCreateOfWhatAPatchMakesIsRefused) {
  ASSERT_EQ(Run("PUT", "Patient/a", R"({"resourceType":"Patient","id":"a","gender":"male"})").status, 201);
  const std::string patch = PatchOf("Patient/a", R"([{"op":"replace","path":"/gender","value":"female"}])");
  const std::string create = R"({"request":{"method":"POST","url":"Patient","ifNoneExist":"gender=female"},
      "resource":{"resourceType":"Patient","gender":"female"}})";
  for (const std::string& entries : {patch + "," + create, create + "," + patch}) {
    const Answer answer = Run("POST", "", Bundle("transaction", entries));
    EXPECT_EQ(answer.status, 400);
    EXPECT_THAT(answer.body, HasSubstr("only once"));
  }
  EXPECT_EQ(Total("Patient?gender=male"), 1);
}

TEST_F(TransactionTest, AConditionalCreateComesAfterADeletion) {
  const std::string create = PatientEntry("POST", "Patient", R"(,"ifNoneExist":"identifier=urn:tx|1")");
  const std::string deletion = R"({"request":{"method":"DELETE","url":"Patient/a"}})";
  for (const std::string& entries : {create + "," + deletion, deletion + "," + create}) {
    ASSERT_LT(
        Run("PUT", "Patient/a", R"({"resourceType":"Patient","id":"a","identifier":[{"system":"urn:tx","value":"1"}]})")
            .status,
        300);
    const Answer answer = Run("POST", "", Bundle("transaction", entries));
    ASSERT_EQ(answer.status, 200) << answer.body;
    EXPECT_THAT(answer.body, HasSubstr("201 Created"));
    EXPECT_EQ(Run("GET", "Patient/a").status, 410);
    EXPECT_EQ(Total("Patient?identifier=urn:tx|1"), 1) << entries;
    EXPECT_EQ(Run("DELETE", "Patient?identifier=urn:tx|1").status, 204);
  }
}

TEST_F(TransactionTest, ConditionsThatLookAtTooMuchAreRefused) {
  std::string entries;
  for (int i = 0; i < 6000; ++i) {
    const std::string day = std::to_string(1000 + i);
    entries += std::string(i == 0 ? "" : ",") +
               R"({"request":{"method":"POST","url":"Patient","ifNoneExist":"birthdate=)" + day +
               R"("},"resource":{"resourceType":"Patient","birthDate":")" + day + R"("}})";
  }
  const Answer answer = Run("POST", "", Bundle("transaction", entries));
  EXPECT_EQ(answer.status, 413) << answer.body.substr(0, 500);
  EXPECT_THAT(answer.body, HasSubstr("let them name identifiers"));
}

TEST_F(TransactionTest, SoAreVeryManyWithTheSameCondition) {
  std::string entries;
  for (int i = 0; i < 6000; ++i) {
    entries += std::string(i == 0 ? "" : ",") +
               R"({"request":{"method":"POST","url":"Patient","ifNoneExist":"identifier=1"},)"
               R"("resource":{"resourceType":"Patient","identifier":[{"value":"1"}]}})";
  }
  EXPECT_EQ(Run("POST", "", Bundle("transaction", entries)).status, 413);
}

}  // namespace
}  // namespace hilum::fhir
