// Where references of a transaction lead (R4 3.1.0.11.2).
#include <gmock/gmock.h>

#include "fhir/interactions/transaction.h"
#include "tests/fhir/interactions/bundles.h"
#include "tests/fhir/support/interactions_fixture.h"

namespace hilum::fhir {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

using TransactionLinksTest = InteractionsFixture;

TEST_F(TransactionLinksTest, LinksItsEntriesByTheirFullUrls) {
  const Answer answer = Run("POST", "", Bundle("transaction", kPatientAndObservation));
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(At(answer.body, "type"), "transaction-response");
  EXPECT_EQ(At(answer.body, "entry.0.response.status"), "201 Created");
  EXPECT_THAT(At(answer.body, "entry.1.response.location"), StartsWith("http://test/fhir/Observation/"));
  EXPECT_EQ(Total("Observation?subject:Patient.gender=male"), 1);
}

TEST_F(TransactionLinksTest, RewritesLinksWhereverR4HasThem) {
  const std::string urn = "urn:uuid:11111111-1111-4111-8111-111111111111";
  const std::string linking = R"({"resource":{"resourceType":"Basic","code":{"text":"x"},
      "text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">\u00e9 <a href=\")" +
                              urn + R"(\">y</a><img src='urn:uuid:9' alt=\")" + urn + R"(\"/></div>"},
      "extension":[{"url":"urn:a","valueUri":")" +
                              urn + R"("},{"url":"urn:b","valueCanonical":")" + urn +
                              R"("},{"url":"urn:c","valueUuid":")" + urn +
                              R"("},{"url":"urn:d","valueReference":{"reference":")" + urn +
                              R"(#part"}},{"url":"urn:e","valueReference":{"reference":")" + urn +
                              R"(/_history/1"}},{"url":"urn:f","valueReference":{"reference":"urn:uuid:9#x"}}]},
      "request":{"method":"POST","url":"Basic"}})";
  const Answer answer = Run("POST", "", Bundle("transaction", kPatientAndObservation + "," + linking));
  ASSERT_EQ(answer.status, 200) << answer.body;
  const std::string patient = "Patient/" + At(Run("GET", "Patient").body, "entry.0.resource.id");
  const std::string basic = At(Run("GET", "Basic").body, "entry.0.resource");
  EXPECT_EQ(At(basic, "text.div"), R"(<div xmlns="http://www.w3.org/1999/xhtml">é <a href=")" + patient +
                                       R"(">y</a><img src='urn:uuid:9' alt=")" + urn + R"("/></div>)");
  EXPECT_EQ(At(basic, "extension.0.valueUri"), patient);
  EXPECT_EQ(At(basic, "extension.1.valueCanonical"), urn) << "canonicals are what they are (R4 3.1.0.11.2)";
  EXPECT_EQ(At(basic, "extension.2.valueUuid"), urn) << "a uuid cannot be anything else";
  EXPECT_EQ(At(basic, "extension.3.valueReference.reference"), patient + "#part");
  EXPECT_EQ(At(basic, "extension.4.valueReference.reference"), patient + "/_history/1");
  EXPECT_EQ(At(basic, "extension.5.valueReference.reference"), "urn:uuid:9#x");
}

// Entries with the fullUrls, where there are any.
std::string PatientAt(const std::string& full_url, const std::string& gender) {
  return R"({"fullUrl":")" + full_url + R"(","resource":{"resourceType":"Patient","gender":")" + gender +
         R"("},"request":{"method":"POST","url":"Patient"}})";
}
std::string ObservationAt(const std::string& full_url, const std::string& subject) {
  return "{" + (full_url.empty() ? "" : "\"fullUrl\":\"" + full_url + "\",") +
         R"("resource":{"resourceType":"Observation","status":"final","code":{"text":"x"},"subject":{"reference":")" +
         subject + R"("}},"request":{"method":"POST","url":"Observation"}})";
}

TEST_F(TransactionLinksTest, ARelativeReferenceIsBelowTheBaseOfItsOwnEntry) {
  const std::string entries = ObservationAt("http://a/fhir/Observation/5", "Patient/1") + "," +
                              PatientAt("http://a/fhir/Patient/1", "female") + "," +
                              PatientAt("http://b/fhir/Patient/1", "male") + "," +
                              ObservationAt("http://a/fhir/Observation/6", "Patient/1");
  const Answer answer = Run("POST", "", Bundle("transaction", entries));
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(Total("Observation?subject:Patient.gender=female"), 2);
  EXPECT_EQ(Total("Observation?subject:Patient.gender=male"), 0);
}

TEST_F(TransactionLinksTest, ARelativeReferenceWithoutABaseIsToThisServer) {
  Run("PUT", "Patient/1", R"({"resourceType":"Patient","id":"1","gender":"other"})");
  const std::string entries = PatientAt("http://x/Patient/1", "male") + "," +
                              ObservationAt("urn:uuid:11111111-1111-4111-8111-111111111111", "Patient/1") + "," +
                              ObservationAt("", "Patient/1");
  const Answer answer = Run("POST", "", Bundle("transaction", entries));
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(Total("Observation?subject=Patient/1"), 2);
  EXPECT_EQ(Total("Observation?subject:Patient.gender=male"), 0);
}

TEST_F(TransactionLinksTest, ConditionsFollowRelativeReferencesToTheSameEntries) {
  Run("PUT", "Patient/1", R"({"resourceType":"Patient","id":"1","gender":"other"})");
  const auto reported = [](const std::string& gender) {
    return R"({"resource":{"resourceType":"DiagnosticReport","status":"final","code":{"text":"x"},
        "result":[{"reference":"Observation?subject:Patient.gender=)" +
           gender + R"("}]},"request":{"method":"POST","url":"DiagnosticReport"}})";
  };
  const std::string entries =
      PatientAt("http://a/Patient/1", "female") + "," + ObservationAt("http://a/Observation/5", "Patient/1") + ",";
  const Answer answer = Run("POST", "", Bundle("transaction", entries + reported("female")));
  EXPECT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(Run("POST", "", Bundle("transaction", entries + reported("other"))).status, 400);
}

TEST_F(TransactionLinksTest, AConditionalReferenceMustFindTheSameAtTheCommit) {
  struct Meanwhile {
    const char* what;
    std::string method, url, body;
  };
  const std::string identified = R"("identifier":[{"system":"s","value":"1"}],"name":[{"family":"Roe"}])";
  const std::vector<Meanwhile> changes = {
      {"deleted", "DELETE", "Patient/p", ""},
      {"another identifier and name", "PUT", "Patient/p", R"({"resourceType":"Patient","id":"p"})"},
      {"a second match", "PUT", "Patient/q", R"({"resourceType":"Patient","id":"q",)" + identified + "}"},
  };
  for (const Meanwhile& change : changes) {
    for (const std::string condition : {"identifier=s|1", "name=roe", "organization.name=o"}) {
      Run("PUT", "Organization/o", R"({"resourceType":"Organization","id":"o","name":"o"})");
      Run("DELETE", "Patient/q");
      Run("PUT", "Patient/p",
          R"({"resourceType":"Patient","id":"p","managingOrganization":{"reference":"Organization/o"},)" + identified +
              "}");
      const auto bundle = json::Document::Parse(Bundle(
          "transaction", R"({"request":{"method":"GET","url":"Basic"}},)" + ObservationAt("", "Patient?" + condition)));
      ASSERT_TRUE(bundle.ok());
      const Validation validation = Validate(bundle->root());
      Transaction transaction(*resources_, validation.typing, EntriesOf(bundle->root(), Request("POST", "")).value(),
                              InteractionOptions().max_steps);
      const auto outcome = transaction.Attempt([&](const Interaction&) {
        EXPECT_LT(Run(change.method, change.url, change.body).status, 300);
        return Answer();
      });
      EXPECT_FALSE(outcome.failure) << outcome.failure->body;
      EXPECT_TRUE(outcome.outdated) << change.what << " with " << condition;
    }
  }
}

const std::string kOrganization =
    R"({"fullUrl":"urn:uuid:22222222-2222-4222-8222-222222222222","resource":{"resourceType":"Organization","name":"o"},
        "request":{"method":"POST","url":"Organization"}})";

TEST_F(TransactionLinksTest, WhatAPatchAddsLeadsToEntriesToo) {
  Run("PUT", "Patient/a", R"({"resourceType":"Patient","id":"a"})");
  const auto patch = [](const std::string& reference) {
    return PatchOf("Patient/a",
                   R"([{"op":"add","path":"/managingOrganization","value":{"reference":")" + reference + R"("}}])");
  };
  const std::string entry = patch("urn:uuid:22222222-2222-4222-8222-222222222222");
  const Answer by_full_url = Run("POST", "", Bundle("transaction", kOrganization + "," + entry));
  ASSERT_EQ(by_full_url.status, 200) << by_full_url.body;
  const std::string organization = "Organization/" + At(Run("GET", "Organization").body, "entry.0.resource.id");
  EXPECT_EQ(At(Run("GET", "Patient/a").body, "managingOrganization.reference"), organization);

  Run("PUT", "Patient/a", R"({"resourceType":"Patient","id":"a"})");
  const Answer by_search = Run("POST", "", Bundle("transaction", patch("Organization?name=o")));
  ASSERT_EQ(by_search.status, 200) << by_search.body;
  EXPECT_EQ(At(Run("GET", "Patient/a").body, "managingOrganization.reference"), organization);
  EXPECT_EQ(Total("Patient?organization.name=o"), 1);
}

TEST_F(TransactionLinksTest, WhatAPatchLeavesAloneStaysAsItIs) {
  Run("PUT", "Organization/o", R"({"resourceType":"Organization","id":"o","name":"o"})");
  // As from a source that writes them without a transaction: text.
  const std::string stored = R"({"resourceType":"Patient","id":"a","generalPractitioner":[
      {"reference":"Organization?name=o"},{"reference":"Organization?name=nobody"}]})";
  ASSERT_EQ(Run("PUT", "Patient/a", stored).status, 201);
  const std::string patch = R"([{"op":"add","path":"/active","value":true},
      {"op":"add","path":"/managingOrganization","value":{"reference":"Organization?name:exact=o"}}])";
  const Answer answer = Run("POST", "", Bundle("transaction", PatchOf("Patient/a", patch)));
  ASSERT_EQ(answer.status, 200) << answer.body;
  const std::string patched = Run("GET", "Patient/a").body;
  EXPECT_EQ(At(patched, "managingOrganization.reference"), "Organization/o");
  EXPECT_EQ(At(patched, "generalPractitioner.0.reference"), "Organization?name=o");
  EXPECT_EQ(At(patched, "generalPractitioner.1.reference"), "Organization?name=nobody");
}

TEST_F(TransactionLinksTest, RefusesAReferenceToTheFullUrlOfADeletion) {
  const std::string urn = "urn:uuid:33333333-3333-4333-8333-333333333333";
  const std::string linked = R"("subject":{"reference":")" + urn + R"("})";
  const std::string versioned = R"("subject":{"reference":")" + urn + R"(/_history/1"})";
  const std::string narrative =
      R"("text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\"><a href=\")" + urn +
      R"(\">x</a></div>"})";
  for (const std::string url : {"Patient/a", "Patient?gender=female", "Patient?gender=other"}) {
    const std::string deletion = R"({"fullUrl":")" + urn + R"(","request":{"method":"DELETE","url":")" + url + "\"}}";
    for (const std::string& reference : {linked, versioned, narrative}) {
      const std::string basic = R"({"request":{"method":"POST","url":"Basic"},
          "resource":{"resourceType":"Basic","code":{"text":"x"},)" +
                                reference + "}}";
      Run("PUT", "Patient/a", R"({"resourceType":"Patient","id":"a","gender":"female"})");
      for (const std::string& entries : {deletion + "," + basic, basic + "," + deletion}) {
        const Answer answer = Run("POST", "", Bundle("transaction", entries));
        EXPECT_EQ(answer.status, 400) << entries;
        EXPECT_THAT(answer.body, HasSubstr("fullUrl of an entry that is a deletion")) << entries;
        EXPECT_EQ(Run("GET", "Patient/a").status, 200) << "all of it or nothing";
      }
    }
  }
}

TEST_F(TransactionLinksTest, ConditionalReferencesMayComeWithTheBaseInFront) {
  Run("PUT", "Patient/a", R"({"resourceType":"Patient","id":"a","gender":"female"})");
  for (const std::string before : {"", "/", "http://test/fhir/"}) {
    const std::string entry = R"({"resource":{"resourceType":"Basic","code":{"text":"x"},"subject":{"reference":")" +
                              before + R"(Patient?gender=female"}},"request":{"method":"POST","url":"Basic"}})";
    const Answer answer = Run("POST", "", Bundle("transaction", entry));
    ASSERT_EQ(answer.status, 200) << answer.body;
  }
  EXPECT_EQ(Total("Basic?subject=Patient/a"), 3);
}

TEST_F(TransactionLinksTest, AConditionalReferenceThatMatchesSeveralDoesNotCountThem) {
  for (const std::string id : {"a", "b", "c", "d"})
    Run("PUT", "Patient/" + id, R"({"resourceType":"Patient","gender":"female","id":")" + id + "\"}");
  const Answer answer =
      Run("POST", "", Bundle("transaction", R"({"resource":{"resourceType":"Basic","code":{"text":"x"},
      "subject":{"reference":"Patient?gender=female"}},"request":{"method":"POST","url":"Basic"}})"));
  EXPECT_EQ(answer.status, 400);
  EXPECT_THAT(answer.body, HasSubstr("matches more than one resource"));
}

TEST_F(TransactionLinksTest, IfNoneExistMayNameItsTypeAsTheExampleOfR4Does) {
  for (const std::string before : {"", "?", "Patient?"}) {
    const std::string entry = R"({"resource":{"resourceType":"Patient","identifier":[{"system":"urn:x","value":"1"}]},
        "request":{"method":"POST","url":"Patient","ifNoneExist":")" +
                              before + R"(identifier=urn:x|1"}})";
    EXPECT_EQ(Run("POST", "", Bundle("transaction", entry)).status, 200) << before;
  }
  EXPECT_EQ(Total("Patient"), 1);
}

}  // namespace
}  // namespace hilum::fhir
