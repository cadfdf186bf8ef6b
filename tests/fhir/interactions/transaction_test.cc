#include <gmock/gmock.h>

#include <thread>

#include "tests/fhir/interactions/bundles.h"
#include "tests/fhir/support/interactions_fixture.h"

namespace hilum::fhir {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

using TransactionTest = InteractionsFixture;

TEST_F(TransactionTest, WritesNothingWhenOneEntryFails) {
  const Answer answer = Run(
      "POST", "", Bundle("transaction", kPatientAndObservation + R"(,{"request":{"method":"DELETE","url":"Nope/1"}})"));
  EXPECT_EQ(answer.status, 400);
  EXPECT_THAT(answer.body, HasSubstr("Bundle.entry[2]"));
  EXPECT_EQ(Total("Patient"), 0);
  EXPECT_EQ(Total("Observation"), 0);
}

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

TEST_F(TransactionTest, RefusesAResourceThatIsInItTwice) {
  const std::string put =
      R"({"resource":{"resourceType":"Patient","id":"a"},"request":{"method":"PUT","url":"Patient/a"}})";
  EXPECT_EQ(Run("POST", "", Bundle("transaction", put + "," + put)).status, 400);
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

TEST_F(TransactionTest, EveryFullUrlIsOfOneEntry) {
  const auto entry = [](const std::string& version) {
    return R"({"fullUrl":"http://test/fhir/Patient/a","resource":{"resourceType":"Patient","meta":{"versionId":")" +
           version + R"("}},"request":{"method":"POST","url":"Patient"}})";
  };
  for (const std::string type : {"transaction", "batch"}) {
    const Answer answer = Run("POST", "", Bundle(type, entry("1") + "," + entry("2") + "," + entry("1")));
    EXPECT_EQ(answer.status, 400);
    EXPECT_THAT(answer.body, HasSubstr("Bundle.entry[2].fullUrl"));
    EXPECT_EQ(Total("Patient"), 0);
  }
  EXPECT_EQ(Run("POST", "", Bundle("transaction", entry("1") + "," + entry("2"))).status, 200);
}

TEST_F(TransactionTest, ADeletionInItIsOfOneResource) {
  const std::string body = R"({"resourceType":"Patient","active":true})";
  Run("POST", "Patient", body);
  Run("POST", "Patient", body);
  const std::string entry = R"({"request":{"method":"DELETE","url":"Patient?active=true"}})";
  const Answer answer = Run("POST", "", Bundle("transaction", entry));
  EXPECT_EQ(answer.status, 412);
  EXPECT_THAT(answer.body, HasSubstr("a request of its own"));
  EXPECT_EQ(Total("Patient"), 2);
  EXPECT_EQ(At(Run("POST", "", Bundle("batch", entry)).body, "entry.0.response.status"), "204 No Content");
  EXPECT_EQ(Total("Patient"), 0);
}

TEST_F(TransactionTest, AnUpdateMustNameTheIdOfItsUrl) {
  const std::string put =
      R"({"resource":{"resourceType":"Patient","id":"b"},"request":{"method":"PUT","url":"Patient/a"}})";
  EXPECT_EQ(Run("POST", "", Bundle("transaction", put)).status, 400);
  EXPECT_EQ(Total("Patient"), 0);
}

TEST_F(TransactionTest, ItsReadsSeeItsWrites) {
  const Answer answer = Run("POST", "",
                            Bundle("transaction",
                                   R"({"request":{"method":"GET","url":"Patient/a"}},
                {"resource":{"resourceType":"Patient","id":"a"},"request":{"method":"PUT","url":"Patient/a"}})"));
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(At(answer.body, "entry.0.resource.id"), "a");
  EXPECT_EQ(At(answer.body, "entry.1.response.etag"), "W/\"1\"");
}

TEST_F(TransactionTest, AReadThatFailsFailsAllOfIt) {
  Run("PUT", "Patient/old", R"({"resourceType":"Patient","id":"old"})");
  const std::string create =
      R"({"resource":{"resourceType":"Patient","id":"a"},"request":{"method":"PUT","url":"Patient/a"}})";
  const auto get = [](const std::string& url) { return R"({"request":{"method":"GET","url":")" + url + R"("}})"; };
  const struct {
    std::string entry;
    int status;
  } kCases[] = {
      {get("Patient?birthdate=zz"), 400},
      {get("Patient/zzz"), 404},
      {get("Nonsense/1"), 404},
      {get("Patient/a?_summary=zz"), 400},
      {get("Patient/a/_history/7"), 404},
      {get("Patient/old") + R"(,{"request":{"method":"DELETE","url":"Patient/old"}})", 410},
  };
  for (const auto& [entry, status] : kCases) {
    const Answer answer = Run("POST", "", Bundle("transaction", create + "," + entry));
    EXPECT_EQ(answer.status, status) << entry;
    EXPECT_THAT(answer.body, HasSubstr("Bundle.entry[1]"));
    EXPECT_EQ(Total("Patient"), 1) << entry;
  }
  // What it creates, and what is unchanged, can be read.
  const std::string fine = get("Patient/a") + "," + get("Patient/a/_history") + "," + get("Patient?_id=a") + "," +
                           R"({"request":{"method":"GET","url":"Patient/old","ifNoneMatch":"W/\"1\""}})";
  const Answer answer = Run("POST", "", Bundle("transaction", create + "," + fine));
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(At(answer.body, "entry.1.resource.id"), "a");
  EXPECT_EQ(At(answer.body, "entry.3.resource.total"), "1");
  EXPECT_EQ(At(answer.body, "entry.4.response.status"), "304 Not Modified");
}

TEST_F(TransactionTest, ReadsInItAreConditionalToo) {
  const Answer stored = Run("PUT", "Patient/a", R"({"resourceType":"Patient","id":"a"})");
  const std::string instant = At(stored.body, "meta.lastUpdated");
  const struct {
    std::string condition, status;
  } kCases[] = {
      {R"("ifModifiedSince":"2037-01-01T00:00:00Z")", "304 Not Modified"},
      {R"("ifModifiedSince":"2037-01-01T00:00:00+14:00")", "304 Not Modified"},
      {R"("ifModifiedSince":")" + instant + "\"", "304 Not Modified"},
      {R"("ifModifiedSince":"2001-01-01T00:00:00Z")", "200 OK"},
      {R"("ifNoneMatch":"W/\"1\"")", "304 Not Modified"},
      {R"("ifNoneMatch":"W/\"2\"","ifModifiedSince":"2037-01-01T00:00:00Z")", "200 OK"},
  };
  for (const std::string type : {"batch", "transaction"}) {
    for (const auto& [condition, status] : kCases) {
      const Answer answer =
          Run("POST", "", Bundle(type, R"({"request":{"method":"GET","url":"Patient/a",)" + condition + "}}"));
      EXPECT_EQ(At(answer.body, "entry.0.response.status"), status) << type << " " << condition;
    }
  }
}

TEST_F(TransactionTest, ReadsThatAnswerTooMuchAreRefused) {
  interactions_ =
      std::make_unique<Interactions>(*resources_, InteractionOptions{.max_bundle_answer = 1500}, std::string(32, 'k'));
  const std::string text(1000, 'x');
  Run("PUT", "Basic/long", R"({"resourceType":"Basic","id":"long","code":{"text":")" + text + "\"}}");
  const std::string read = R"({"request":{"method":"GET","url":"Basic/long"}})";
  const std::string write = R"({"resource":{"resourceType":"Basic","id":"b","code":{"text":"x"}},
      "request":{"method":"PUT","url":"Basic/b"}})";
  const std::string few = Bundle("transaction", read + "," + read), many = read + "," + read + "," + read + "," + write;
  EXPECT_EQ(Run("POST", "", few).status, 200);

  const Answer refused = Run("POST", "", Bundle("transaction", many));
  EXPECT_EQ(refused.status, 413);
  EXPECT_THAT(refused.body, HasSubstr("Bundle.entry[2]"));
  EXPECT_EQ(Run("GET", "Basic/b").status, 404) << "all of it or nothing";

  Interaction batch = Request("POST", "", Bundle("batch", many));
  batch.prefer_return = Return::kRepresentation;
  const Answer batched = interactions_->Run(batch);
  EXPECT_EQ(At(batched.body, "entry.1.response.status"), "200 OK");
  EXPECT_EQ(At(batched.body, "entry.2.response.status"), "413");
  EXPECT_EQ(At(batched.body, "entry.3.response.status"), "201 Created");
  EXPECT_EQ(At(batched.body, "entry.3.resource"), "(nothing)");
}

TEST_F(TransactionTest, ABatchAnswersEachEntryOnItsOwn) {
  const Answer answer = Run(
      "POST", "",
      Bundle("batch",
             R"({"resource":{"resourceType":"Patient","gender":"nonsense"},"request":{"method":"POST","url":"Group"}},
                {"resource":{"resourceType":"Patient","id":"a"},"request":{"method":"PUT","url":"Patient/a"}},
                {"request":{"method":"GET","url":"Patient/zzz"}},
                {"request":{"method":"GET","url":"Patient?_id=a"}})"));
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_THAT(At(answer.body, "entry.0.response.status"), StartsWith("400"));
  EXPECT_THAT(At(answer.body, "entry.1.response.status"), StartsWith("201"));
  EXPECT_THAT(At(answer.body, "entry.2.response.status"), StartsWith("404"));
  EXPECT_EQ(At(answer.body, "entry.3.resource.total"), "1");
}

TEST_F(TransactionTest, ErrorsOfABatchAreByLinesOfTheBundle) {
  const Answer answer = Run("POST", "",
                            "{\"resourceType\":\"Bundle\",\"type\":\"batch\",\"entry\":[\n"
                            "{\"request\":{\"method\":\"POST\",\"url\":\"Patient\"},\"resource\":\n"
                            " {\"resourceType\":\"Patient\", \"gender\":\"x\",\n"
                            "  \"active\":7}},\n"
                            "{\"resource\":{\"resourceType\":\"Patient\",\"active\":true},"
                            "\"request\":{\"method\":\"POST\",\"url\":\"Patient\"}},\n"
                            "{\"resource\":{\"resourceType\":\"Patient\",\"active\":7},"
                            "\"request\":{\"method\":\"POST\",\"url\":\"Patient\"}}]}");
  ASSERT_EQ(answer.status, 200) << answer.body;
  const std::string first = At(answer.body, "entry.0.response.outcome");
  EXPECT_THAT(At(first, "issue.0.diagnostics"), HasSubstr("(line 3, column 38)"));
  EXPECT_THAT(At(first, "issue.1.diagnostics"), HasSubstr("(line 4, column 12)"));
  EXPECT_EQ(At(answer.body, "entry.1.response.status"), "201 Created");
  EXPECT_THAT(At(answer.body, "entry.2.response.outcome.issue.0.diagnostics"), HasSubstr("(line 6, column 48)"));
}

TEST_F(TransactionTest, ErrorsOfWhatItMakesOfSeveralTextsNameNoLine) {
  Run("PUT", "Patient/a", R"({"resourceType":"Patient","id":"a"})");
  const Answer patched =
      Run("POST", "", Bundle("batch", PatchOf("Patient/a", R"([{"op":"add","path":"/active","value":7}])")));
  EXPECT_THAT(patched.body, AllOf(HasSubstr("Patient.active"), Not(HasSubstr("line"))));
  const Answer rewritten =
      Run("POST", "", Bundle("transaction", kPatientAndObservation + R"(,{"request":{"method":"POST","url":"Patient"},
          "resource":{"resourceType":"Patient",
          "managingOrganization":{"reference":"urn:uuid:11111111-1111-4111-8111-111111111111"}}})"));
  EXPECT_THAT(rewritten.body, AllOf(HasSubstr("must not refer to a Patient"), Not(HasSubstr("line"))));
}

TEST_F(TransactionTest, HeadsInItBringNoResource) {
  ASSERT_EQ(Run("PUT", "Patient/a", R"({"resourceType":"Patient","id":"a"})").status, 201);
  for (const std::string type : {"batch", "transaction"}) {
    const Answer answer = Run("POST", "", Bundle(type, R"({"request":{"method":"HEAD","url":"Patient/a"}},
                                              {"request":{"method":"GET","url":"Patient/a"}})"));
    EXPECT_EQ(At(answer.body, "entry.0.response.etag"), "W/\"1\"") << answer.body;
    EXPECT_EQ(At(answer.body, "entry.0.resource"), "(nothing)");
    EXPECT_EQ(At(answer.body, "entry.1.resource.id"), "a");
  }
}

TEST_F(TransactionTest, PatchesWithABinary) {
  Run("PUT", "Patient/a", R"({"resourceType":"Patient","id":"a","identifier":[{"system":"urn:x","value":"1"}]})");
  const std::string add = R"([{"op":"add","path":"/active","value":true}])";
  for (const std::string type : {"transaction", "batch"}) {
    const Answer answer = Run("POST", "", Bundle(type, PatchOf("Patient/a", add)));
    ASSERT_EQ(answer.status, 200) << answer.body;
    EXPECT_EQ(At(answer.body, "entry.0.response.status"), "200 OK");
    EXPECT_EQ(At(Run("GET", "Patient/a").body, "active"), "true");
    const std::string remove = R"([{"op":"remove","path":"/active"}])";
    const Answer by_condition = Run("POST", "", Bundle(type, PatchOf("Patient?identifier=urn:x|1", remove)));
    ASSERT_EQ(by_condition.status, 200) << by_condition.body;
    EXPECT_EQ(At(Run("GET", "Patient/a").body, "active"), "(nothing)");
  }
  EXPECT_EQ(Run("GET", "Patient/a").version, 5u);
}

TEST_F(TransactionTest, APatchThatCannotBeDoneFailsItsTransaction) {
  Run("PUT", "Patient/a", R"({"resourceType":"Patient","id":"a"})");
  const std::string add = R"([{"op":"add","path":"/active","value":true}])";
  const struct {
    std::string entry, reason;
    int status;
  } kCases[] = {
      {PatchOf("Patient/b", add), "no such resource", 404},
      {PatchOf("Patient?identifier=urn:x|9", add), "matches no resource", 404},
      {PatchOf("Patient/a", add, R"(,"ifMatch":"W/\"7\"")"), "version 1", 412},
      {PatchOf("Patient/a", R"([{"op":"test","path":"/id","value":"z"}])"), "", 422},
      {PatchOf("Patient/a", "no patch"), "", 400},
      {R"({"request":{"method":"PATCH","url":"Patient/a"}})", "needs a Binary", 400},
      {R"({"resource":{"resourceType":"Patient"},"request":{"method":"PATCH","url":"Patient/a"}})", "Binary", 400},
  };
  for (const auto& [entry, reason, status] : kCases) {
    const Answer answer = Run("POST", "", Bundle("transaction", kPatientAndObservation + "," + entry));
    EXPECT_EQ(answer.status, status) << answer.body;
    EXPECT_THAT(answer.body, HasSubstr(reason));
    EXPECT_THAT(answer.body, HasSubstr("Bundle.entry[2]"));
    EXPECT_EQ(Total("Patient"), 1);
  }
}

TEST_F(TransactionTest, AnswersWithWhatIsPreferred) {
  for (const std::string type : {"transaction", "batch"}) {
    Interaction request = Request("POST", "", Bundle(type, kPatientAndObservation));
    Answer answer = interactions_->Run(request);
    EXPECT_EQ(At(answer.body, "entry.0.resource"), "(nothing)") << "minimal is what clients get that prefer nothing";
    request.prefer_return = Return::kRepresentation;
    answer = interactions_->Run(request);
    EXPECT_EQ(At(answer.body, "entry.0.resource.gender"), "male");
    EXPECT_EQ(At(answer.body, "entry.0.resource.meta.versionId"), "1");
    EXPECT_EQ(At(answer.body, "entry.0.response.outcome"), "(nothing)");
    request.prefer_return = Return::kOutcome;
    answer = interactions_->Run(request);
    EXPECT_EQ(At(answer.body, "entry.0.resource"), "(nothing)");
    EXPECT_EQ(At(answer.body, "entry.1.response.outcome.issue.0.severity"), "information") << type;
  }
}

TEST_F(TransactionTest, OutcomesNameTheReferencesThatLeadNowhere) {
  resource_options_.references = ReferencePolicy::kWarn;
  Reopen();
  Interaction request = Request(
      "POST", "",
      Bundle("transaction", R"({"resource":{"resourceType":"Patient"},"request":{"method":"POST","url":"Patient"}},
          {"resource":{"resourceType":"Patient","managingOrganization":{"reference":"Organization/o"}},
           "request":{"method":"POST","url":"Patient"}})"));
  request.prefer_return = Return::kOutcome;
  const Answer answer = interactions_->Run(request);
  EXPECT_EQ(At(answer.body, "entry.0.response.outcome.issue.0.severity"), "information");
  EXPECT_EQ(At(answer.body, "entry.1.response.outcome.issue.0.severity"), "warning");
  EXPECT_THAT(At(answer.body, "entry.1.response.outcome.issue.0.diagnostics"), HasSubstr("Organization/o"));
  // Warnings come without being asked for.
  for (const auto prefer : {std::optional<Return>(), std::optional(Return::kRepresentation)}) {
    request.prefer_return = prefer;
    const Answer unasked = interactions_->Run(request);
    EXPECT_EQ(At(unasked.body, "entry.0.response.outcome"), "(nothing)");
    EXPECT_EQ(At(unasked.body, "entry.1.response.outcome.issue.0.severity"), "warning");
    EXPECT_EQ(At(unasked.body, "entry.1.resource") == "(nothing)", !prefer);
  }
  const Answer single =
      Run("POST", "Patient", R"({"resourceType":"Patient","managingOrganization":{"reference":"urn:uuid:9"}})");
  EXPECT_EQ(At(single.body, "resourceType"), "Patient");
  ASSERT_EQ(single.warnings.size(), 1u);
  EXPECT_THAT(single.warnings[0].diagnostics, HasSubstr("urn:uuid:9"));
}

TEST_F(TransactionTest, TransactionsOfManyClientsLoseNothing) {
  Run("PUT", "Patient/a", R"({"resourceType":"Patient","id":"a","active":true})");
  std::vector<std::thread> clients;
  for (int i = 0; i < 8; ++i) {
    clients.emplace_back([&, i] {
      for (int k = 0; k < 5; ++k) {
        const std::string body = R"({"resource":{"resourceType":"Patient","id":"a","multipleBirthInteger":)" +
                                 std::to_string(i * 100 + k + 1) + R"(},"request":{"method":"PUT","url":"Patient/a"}})";
        EXPECT_EQ(Run("POST", "", Bundle("transaction", body + "," + kPatientAndObservation)).status, 200);
      }
    });
  }
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(Run("GET", "Patient/a").version, 41u);
  EXPECT_EQ(Total("Observation"), 40);
}

TEST_F(TransactionTest, TakesMoreEntriesThan16BitsCount) {
  std::string entries;
  for (int i = 0; i < 70'000; ++i) {
    entries += entries.empty() ? "" : ",";
    entries += R"({"request":{"method":"DELETE","url":"Basic/)" + std::to_string(i) + "\"}}";
  }
  const Answer answer = Run("POST", "", Bundle("transaction", entries));
  EXPECT_EQ(answer.status, 200) << answer.body.substr(0, 300);
}

TEST_F(TransactionTest, TakesThousandsOfEntries) {
  std::string entries;
  for (int i = 0; i < 6000; ++i) {
    entries += entries.empty() ? "" : ",";
    entries += R"({"resource":{"resourceType":"Observation","status":"final","code":{"text":"code )" +
               std::to_string(i) + std::string(700, 'x') + R"("}},"request":{"method":"POST","url":"Observation"}})";
  }
  const Answer answer = Run("POST", "", Bundle("transaction", entries));
  ASSERT_EQ(answer.status, 200) << answer.body.substr(0, 300);
  EXPECT_EQ(Total("Observation"), 6000);
}

}  // namespace
}  // namespace hilum::fhir
