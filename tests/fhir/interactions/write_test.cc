#include <gmock/gmock.h>

#include <thread>

#include "tests/fhir/interactions/bundles.h"
#include "tests/fhir/support/interactions_fixture.h"

namespace hilum::fhir {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

using WriteTest = InteractionsFixture;

TEST_F(WriteTest, CreatesWithAnIdVersionAndTimeOfTheServerAndKeepsEveryByteOfTheRest) {
  const Answer created = Run("POST", "Observation",
                             R"({ "resourceType": "Observation", "id":"mine", "status":"final", "code":{"text":"x"},
               "valueQuantity":{"value":1.10,"unit":"mg"} })");
  ASSERT_EQ(created.status, 201) << created.body;
  EXPECT_NE(IdOf(created), "mine");
  EXPECT_EQ(created.version, 1u);
  EXPECT_EQ(created.location, "http://test/fhir/Observation/" + IdOf(created) + "/_history/1");
  EXPECT_THAT(created.body, HasSubstr(R"("valueQuantity":{"value":1.10,"unit":"mg"} })"));
  EXPECT_EQ(Run("GET", "Observation/" + IdOf(created)).body, created.body);
}

TEST_F(WriteTest, RefusesWhatIsNotValidAndSaysWhere) {
  const Answer answer = Run("POST", "Patient", R"({"resourceType":"Patient","gender":"m"})");
  EXPECT_EQ(answer.status, 400);
  EXPECT_THAT(answer.body, HasSubstr("Patient.gender"));
  EXPECT_EQ(Run("POST", "Patient", "{").status, 400);
  EXPECT_EQ(Run("POST", "Patient", R"({"resourceType":"Group","type":"person","actual":true})").status, 400);
  EXPECT_EQ(Total("Patient"), 0);
}

TEST_F(WriteTest, SaysFirstThatTheTypeIsAnother) {
  const Answer answer = Run("PUT", "Patient/x", R"({"resourceType":"Observation","id":"x"})");
  EXPECT_EQ(answer.status, 400);
  EXPECT_THAT(answer.body, HasSubstr("the body is of type Observation, but the URL says Patient"));
  EXPECT_THAT(answer.body, ::testing::Not(HasSubstr("required")));
}

TEST_F(WriteTest, UpdatesMakeVersionsAndTheSameContentMakesNone) {
  EXPECT_EQ(Run("PUT", "Patient/a", R"({"resourceType":"Patient","id":"a","active":true})").status, 201);
  const Answer second = Run("PUT", "Patient/a", R"({"resourceType":"Patient","id":"a","active":false})");
  EXPECT_EQ(second.status, 200);
  EXPECT_EQ(second.version, 2u);
  const Answer same = Run("PUT", "Patient/a", R"({"resourceType":"Patient","id":"a","active":false})");
  EXPECT_EQ(same.status, 200);
  EXPECT_EQ(same.version, 2u);
  EXPECT_EQ(At(Run("GET", "Patient/a/_history/1").body, "active"), "true");
  EXPECT_EQ(Total("Patient?active=false"), 1);
  EXPECT_EQ(Total("Patient?active=true"), 0);
}

TEST_F(WriteTest, WhiteSpaceMakesNoVersion) {
  const std::string text =
      "{\n \"resourceType\": \"Patient\",\n \"id\": \"a\",\n \"meta\": {\n  \"source\": \"urn:x\"\n },"
      "\n \"active\": true\n}";
  EXPECT_EQ(Run("PUT", "Patient/a", text).status, 201);
  EXPECT_EQ(Run("PUT", "Patient/a", text).version, 1u);
  EXPECT_EQ(Run("PUT", "Patient/a", Run("GET", "Patient/a").body).version, 1u);
}

TEST_F(WriteTest, AnUpdateMustNameTheIdOfTheUrl) {
  EXPECT_EQ(Run("PUT", "Patient/a", R"({"resourceType":"Patient","id":"b"})").status, 400);
  EXPECT_EQ(Run("PUT", "Patient/a", R"({"resourceType":"Patient"})").status, 400);
  EXPECT_EQ(Run("PUT", "Patient/a_b", R"({"resourceType":"Patient","id":"a_b"})").status, 400);
}

TEST_F(WriteTest, IfMatchKeepsLateWritersOut) {
  Run("PUT", "Patient/a", R"({"resourceType":"Patient","id":"a","active":true})");
  Interaction late = Request("PUT", "Patient/a", R"({"resourceType":"Patient","id":"a","active":false})");
  late.if_match = "W/\"7\"";
  EXPECT_EQ(interactions_->Run(late).status, 412);
  late.if_match = "W/\"1\"";
  EXPECT_EQ(interactions_->Run(late).status, 200);
  Interaction fresh = Request("PUT", "Patient/a", R"({"resourceType":"Patient","id":"a"})");
  fresh.if_none_match = "*";
  EXPECT_EQ(interactions_->Run(fresh).status, 412);
}

TEST_F(WriteTest, IfMatchMayListVersions) {
  Run("PUT", "Patient/a", R"({"resourceType":"Patient","id":"a"})");
  Interaction request = Request("PUT", "Patient/a", R"({"resourceType":"Patient","id":"a","active":true})");
  request.if_match = R"(W/"7", W/"8")";
  EXPECT_EQ(interactions_->Run(request).status, 412);
  request.if_match = R"(W/"7", W/"1")";
  EXPECT_EQ(interactions_->Run(request).status, 200);
}

TEST_F(WriteTest, APartDoesNotTakeThePlaceOfTheWhole) {
  Run("PUT", "Patient/a", R"({"resourceType":"Patient","id":"a","active":true,"name":[{"text":"x"}]})");
  const std::string part = Run("GET", "Patient/a?_elements=name").body;
  const Answer answer = Run("PUT", "Patient/a", part);
  EXPECT_EQ(answer.status, 422);
  EXPECT_THAT(answer.body, HasSubstr("SUBSETTED"));
  EXPECT_EQ(At(Run("GET", "Patient/a").body, "active"), "true");
  EXPECT_EQ(Run("POST", "Patient", part).status, 201) << "nothing is lost by it";
}

TEST_F(WriteTest, IfMatchComesBeforeThePatch) {
  Run("PUT", "Patient/a", R"({"resourceType":"Patient","id":"a","identifier":[{"system":"urn:x","value":"1"}]})");
  const std::string stale = R"([{"op":"test","path":"/id","value":"b"}])";
  const std::string invalid = R"([{"op":"add","path":"/gender","value":"m"}])";
  for (const std::string& patch : {stale, invalid}) {
    for (const char* url : {"Patient/a", "Patient?identifier=urn:x|1"}) {
      Interaction request = Request("PATCH", url, patch);
      EXPECT_EQ(interactions_->Run(request).status, 422) << url;
      request.if_match = "W/\"7\"";
      EXPECT_EQ(interactions_->Run(request).status, 412) << url;
      const std::string entry = PatchOf(url, patch, R"(,"ifMatch":"W/\"7\"")");
      EXPECT_EQ(Run("POST", "", Bundle("transaction", entry)).status, 412) << url;
      EXPECT_EQ(At(Run("POST", "", Bundle("batch", entry)).body, "entry.0.response.status"), "412 Precondition Failed");
    }
  }
  Interaction nobody = Request("PATCH", "Patient/b", stale);
  nobody.if_match = "W/\"1\"";
  EXPECT_EQ(interactions_->Run(nobody).status, 404);
}

TEST_F(WriteTest, ConditionsFindAStudyByItsUidInEitherWayOfWriting) {
  const auto study = [](const std::string& uid) {
    return R"({"resourceType":"ImagingStudy","status":"available","subject":{"display":"x"},
        "identifier":[{"system":"urn:dicom:uid","value":")" +
           uid + "\"}]}";
  };
  ASSERT_EQ(Run("POST", "ImagingStudy", study("urn:oid:1.2.3")).status, 201);
  Interaction create = Request("POST", "ImagingStudy", study("urn:oid:1.2.3"));
  for (const std::string uid : {"1.2.3", "urn:oid:1.2.3"}) {
    create.if_none_exist = "identifier=urn:dicom:uid|" + uid;
    EXPECT_EQ(interactions_->Run(create).status, 200) << uid;
    EXPECT_EQ(Run("PUT", "ImagingStudy?identifier=urn:dicom:uid|" + uid, study(uid)).status, 200) << uid;
  }
  EXPECT_EQ(Total("ImagingStudy"), 1);
}

TEST_F(WriteTest, RefusesAResourceWhoseCodesAndValuesMakeTooManyCombinations) {
  std::string codings, megabyte(1'000'000, 'v');
  for (int i = 0; i < 5000; ++i) {
    codings += (i == 0 ? "" : ",") + (R"({"system":"s","code":"c)" + std::to_string(i) + "\"}");
  }
  const std::string many = R"({"coding":[)" + codings + "]}";
  const auto observation = [](const std::string& rest) {
    return R"({"resourceType":"Observation","status":"final",)" + rest + "}";
  };
  const auto text = [&](const std::string& value) {
    return R"("code":)" + many + R"(,"valueString":")" + value + "\"";
  };
  const std::vector<std::pair<std::string, std::string>> refused = {
      {"Observation", observation(R"("code":{"text":"x"},"component":[{"code":)" + many +
                                  R"(,"valueCodeableConcept":)" + many + "}]")},
      {"Observation", observation(text(megabyte))},
      {"Basic", R"({"resourceType":"Basic","code":{"text":"x"},"identifier":[{"value":")" + megabyte + R"(","type":)" +
                    many + "}]}"}};
  for (const auto& [type, body] : refused) {
    const Answer answer = Run("POST", type, body);
    EXPECT_EQ(answer.status, 413) << body.substr(0, 100);
    EXPECT_THAT(answer.body.substr(0, 1000), HasSubstr("too many combinations"));
  }
  EXPECT_EQ(Run("POST", "Observation", observation(text("v"))).status, 201) << "many codes alone do no harm";
}

TEST_F(WriteTest, IfMatchHoldsForConditionalDeletesToo) {
  const auto put = [&](const std::string& id) {
    Run("PUT", "Patient/" + id,
        R"({"resourceType":"Patient","id":")" + id + R"(","identifier":[{"system":"urn:x","value":"1"}]})");
  };
  const auto status_of_deletion = [&](const std::string& etag) {
    Interaction request = Request("DELETE", "Patient?identifier=urn:x|1");
    request.if_match = etag;
    return interactions_->Run(request).status;
  };
  const auto status_in_transaction = [&](const std::string& version) {
    return Run("POST", "",
               R"({"resourceType":"Bundle","type":"transaction","entry":[{"request":{"method":"DELETE",
                   "url":"Patient?identifier=urn:x|1","ifMatch":"W/\")" +
                   version + R"(\""}}]})")
        .status;
  };
  EXPECT_EQ(status_of_deletion("W/\"1\""), 412) << "there is nothing that could have the version";
  EXPECT_EQ(status_in_transaction("1"), 412);
  EXPECT_EQ(status_of_deletion(""), 204);
  put("a");
  EXPECT_EQ(status_of_deletion("W/\"99\""), 412);
  EXPECT_EQ(status_in_transaction("99"), 412);
  put("b");
  EXPECT_EQ(status_of_deletion("W/\"99\""), 412);
  EXPECT_EQ(Total("Patient"), 2);
  EXPECT_EQ(status_of_deletion("W/\"1\""), 204);
  EXPECT_EQ(Total("Patient"), 0);
  put("a");
  EXPECT_EQ(status_in_transaction("3"), 200);
  EXPECT_EQ(Total("Patient"), 0);
}

TEST_F(WriteTest, ADeletedResourceIsGoneButItsHistoryIsNotAndItCanComeBack) {
  Run("PUT", "Patient/a", R"({"resourceType":"Patient","id":"a","active":true})");
  EXPECT_EQ(Run("DELETE", "Patient/a").status, 204);
  EXPECT_EQ(Run("DELETE", "Patient/a").status, 204);
  EXPECT_EQ(Run("GET", "Patient/a").status, 410);
  EXPECT_EQ(Total("Patient"), 0);
  const Answer again = Run("PUT", "Patient/a", R"({"resourceType":"Patient","id":"a","active":true})");
  EXPECT_EQ(again.status, 201);
  EXPECT_EQ(again.version, 3u);
  EXPECT_EQ(Total("Patient?active=true"), 1);
  EXPECT_EQ(At(Run("GET", "Patient/a/_history").body, "entry.1.request.method"), "DELETE");
}

TEST_F(WriteTest, PatchesByJsonPatch) {
  Run("PUT", "Patient/a", R"({"resourceType":"Patient","id":"a","active":true})");
  const Answer patched = Run("PATCH", "Patient/a", R"([{"op":"replace","path":"/active","value":false}])");
  ASSERT_EQ(patched.status, 200) << patched.body;
  EXPECT_EQ(patched.version, 2u);
  EXPECT_EQ(At(patched.body, "active"), "false");
  EXPECT_EQ(Run("PATCH", "Patient/a", R"([{"op":"add","path":"/gender","value":"no"}])").status, 422);
  EXPECT_EQ(Run("PATCH", "Patient/a", R"([{"op":"test","path":"/active","value":true}])").status, 422);
  EXPECT_EQ(Run("PATCH", "Patient/b", R"([])").status, 404);
}

TEST_F(WriteTest, ConditionalCreatesOfManyClientsMakeOneResource) {
  std::vector<std::thread> clients;
  std::atomic<int> created = 0, found = 0;
  for (int i = 0; i < 12; ++i) {
    clients.emplace_back([&] {
      Interaction request =
          Request("POST", "Patient", R"({"resourceType":"Patient","identifier":[{"system":"urn:x","value":"1"}]})");
      request.if_none_exist = "identifier=urn:x|1";
      const int status = interactions_->Run(request).status;
      ++(status == 201 ? created : found);
      EXPECT_TRUE(status == 200 || status == 201) << status;
    });
  }
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(created, 1);
  EXPECT_EQ(Total("Patient?identifier=urn:x|1"), 1);
}

TEST_F(WriteTest, ConditionalCreatesByAnySearchMakeOneResource) {
  std::vector<std::thread> clients;
  for (int i = 0; i < 8; ++i) {
    clients.emplace_back([&] {
      Interaction request = Request("POST", "Patient", R"({"resourceType":"Patient","name":[{"family":"Kim"}]})");
      request.if_none_exist = "family=Kim";
      EXPECT_LE(interactions_->Run(request).status, 201);
    });
  }
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(Total("Patient?family=kim"), 1);
}

TEST_F(WriteTest, ConditionsTakeReferencesByTheUrlThatTheClientKnows) {
  ASSERT_EQ(Run("PUT", "Organization/o", R"({"resourceType":"Organization","id":"o","name":"Clinic"})").status, 201);
  Interaction request =
      Request("POST", "Patient", R"({"resourceType":"Patient","managingOrganization":{"reference":"Organization/o"}})");
  request.if_none_exist = "organization=http://test/fhir/Organization/o";
  EXPECT_EQ(interactions_->Run(request).status, 201);
  EXPECT_EQ(interactions_->Run(request).status, 200);
}

TEST_F(WriteTest, ConditionalUpdatePatchAndDeleteTakeOneMatchAndRefuseMore) {
  const std::string body = R"({"resourceType":"Patient","identifier":[{"system":"urn:x","value":"1"}],"active":true})";
  EXPECT_EQ(Run("PUT", "Patient?identifier=urn:x|1", body).status, 201);
  EXPECT_EQ(Run("PUT", "Patient?identifier=urn:x|1", body).status, 200);
  EXPECT_EQ(Run("PATCH", "Patient?identifier=urn:x|1", R"([{"op":"remove","path":"/active"}])").status, 200);
  EXPECT_EQ(Run("PATCH", "Patient?identifier=urn:x|2", R"([{"op":"remove","path":"/active"}])").status, 404);
  Run("POST", "Patient", body);
  EXPECT_EQ(Run("PUT", "Patient?identifier=urn:x|1", body).status, 412);
  EXPECT_EQ(Run("PUT", "Patient?unknown=1", body).status, 400);
  EXPECT_EQ(Run("DELETE", "Patient?identifier=urn:x|1").status, 204);
  EXPECT_EQ(Total("Patient"), 0);
}

TEST_F(WriteTest, AConditionalUpdateWritesOverNothingThatItDoesNotMatch) {
  const auto body = [](const std::string& id, const std::string& value) {
    return R"({"resourceType":"Patient","id":")" + id + R"(","identifier":[{"system":"urn:x","value":")" + value +
           "\"}]}";
  };
  ASSERT_EQ(Run("PUT", "Patient?identifier=urn:x|1", body("a", "1")).status, 201) << "with the id it says";
  ASSERT_EQ(Run("PUT", "Patient?identifier=urn:x|2", body("b", "2")).status, 201);
  const struct {
    std::string url, resource;
    int status;
  } kCases[] = {
      {"Patient?identifier=urn:x|1", body("b", "1"), 400},
      {"Patient?identifier=urn:x|3", body("b", "3"), 409},
  };
  for (const auto& [url, resource, status] : kCases) {
    EXPECT_EQ(Run("PUT", url, resource).status, status);
    const Answer answer = Run("POST", "",
                              R"({"resourceType":"Bundle","type":"transaction","entry":[{"request":{"method":"PUT",
                                  "url":")" +
                                  url + R"("},"resource":)" + resource + "}]}");
    EXPECT_EQ(answer.status, status) << answer.body;
    EXPECT_EQ(Total("Patient?identifier=urn:x|2&_id=b"), 1);
  }
  ASSERT_EQ(Run("DELETE", "Patient/b").status, 204);
  EXPECT_EQ(Run("PUT", "Patient?identifier=urn:x|3", body("b", "3")).status, 201) << "nobody has it any more";
}

TEST_F(WriteTest, ConditionsThatSayNothingAboutResourcesAreRefused) {
  const std::string body = R"({"resourceType":"Basic","code":{"text":"x"}})";
  for (int i = 0; i < 3; ++i) ASSERT_EQ(Run("POST", "Basic", body).status, 201);
  for (const std::string condition :
       {"_count=1", "_total=none", "_sort=_id", "_elements=id", "_summary=true", "_include=*", "_revinclude=*",
        "_include:iterate=*", "_contained=false", "_format=json", "_pretty=true", "_count=1&created=gt1900", ""}) {
    for (const std::string method : {"DELETE", "PUT", "PATCH"}) {
      const Answer answer = Run(method, "Basic?" + condition, method == "DELETE" ? "" : body);
      EXPECT_EQ(answer.status, 400) << method << " " << condition;
      EXPECT_THAT(answer.body, HasSubstr("at least one search parameter")) << method << " " << condition;
    }
    const Answer batch = Run("POST", "",
                             R"({"resourceType":"Bundle","type":"batch","entry":[
                                 {"request":{"method":"DELETE","url":"Basic?)" +
                                 condition + R"("}}]})");
    EXPECT_THAT(At(batch.body, "entry.0.response.status"), StartsWith("400")) << condition;
    if (condition.empty()) continue;
    Interaction create = Request("POST", "Basic", body);
    create.if_none_exist = condition;
    EXPECT_EQ(interactions_->Run(create).status, 400) << condition;
  }
  EXPECT_EQ(Total("Basic"), 3);
}

TEST_F(WriteTest, ConditionsMayComeWithWhatShapesTheAnswer) {
  const std::string body = R"({"resourceType":"Patient","identifier":[{"system":"urn:x","value":"1"}],"active":true})";
  EXPECT_EQ(Run("PUT", "Patient?identifier=urn:x|1&_format=json&_pretty=true", body).status, 201);
  EXPECT_EQ(Run("PUT", "Patient?identifier=urn:x|1&_summary=true", body).status, 200);
}

TEST_F(WriteTest, EnforcedReferencesMustLeadSomewhereAndHoldTheirTarget) {
  resource_options_.references = ReferencePolicy::kEnforce;
  Reopen();
  const std::string observation =
      R"({"resourceType":"Observation","status":"final","code":{"text":"x"},"subject":{"reference":"Patient/p"}})";
  EXPECT_EQ(Run("POST", "Observation", observation).status, 409);
  EXPECT_EQ(Total("Observation"), 0);
  Run("PUT", "Patient/p", R"({"resourceType":"Patient","id":"p"})");
  EXPECT_EQ(Run("POST", "Observation", observation).status, 201);
  EXPECT_EQ(Run("DELETE", "Patient/p").status, 409);
}

TEST_F(WriteTest, EnforcedReferencesMustLeadToSomethingOfWhateverForm) {
  resource_options_.references = ReferencePolicy::kEnforce;
  resource_options_.base_url = "http://test/fhir";
  Reopen();
  Run("PUT", "Patient/a", R"({"resourceType":"Patient","id":"a","identifier":[{"value":"1"}]})");
  const auto basic = [](const std::string& reference) {
    return R"({"resourceType":"Basic","code":{"text":"x"},"subject":{"reference":")" + reference + "\"}}";
  };
  const auto in_transaction = [&](const std::string& reference) {
    return R"({"resourceType":"Bundle","type":"transaction","entry":[{"resource":)" + basic(reference) +
           R"(,"request":{"method":"POST","url":"Basic"}},
              {"resource":{"resourceType":"Patient","id":"a","active":true},
               "request":{"method":"PUT","url":"Patient/a"}}]})";
  };
  for (const std::string reference :
       {"urn:uuid:11111111-1111-4111-8111-111111111111", "urn:oid:1.2.3", "Patient/a/_history/7",
        "Patient/a/_history/x", "Patient/b/_history/1", "http://test/fhir/Patient/a/_history/7"}) {
    const Answer answer = Run("POST", "Basic", basic(reference));
    EXPECT_EQ(answer.status, 409) << reference << answer.body;
    EXPECT_EQ(Run("POST", "", in_transaction(reference)).status, 409) << reference;
  }
  const Answer conditional = Run("POST", "Basic", basic("Patient?identifier=1"));
  EXPECT_EQ(conditional.status, 409);
  EXPECT_THAT(conditional.body, HasSubstr("Patient?..."));
  EXPECT_EQ(Run("POST", "Basic", basic("Foo/1")).status, 400);
  EXPECT_EQ(Total("Basic"), 0);
  for (const std::string reference :
       {"Patient/a/_history/1", "http://test/fhir/Patient/a/_history/1", "http://other/Patient/a/_history/7", "#"}) {
    EXPECT_EQ(Run("POST", "Basic", basic(reference)).status, 201) << reference;
  }
  EXPECT_EQ(Run("POST", "", in_transaction("Patient/a/_history/2")).status, 200);
}

TEST_F(WriteTest, EnforcedReferencesMustLeadSomewhereWhereverTheyAre) {
  resource_options_.references = ReferencePolicy::kEnforce;
  Reopen();
  const auto patient = [](const std::string& rest) { return R"({"resourceType":"Patient","id":"p",)" + rest + "}"; };
  const std::vector<std::string> unindexed = {
      R"("contact":[{"organization":{"reference":"Organization/o"}}])",
      R"("extension":[{"url":"urn:x","valueReference":{"reference":"Organization/o"}}])",
      R"("contained":[{"resourceType":"PractitionerRole","id":"r","organization":{"reference":"Organization/o"}}],
         "generalPractitioner":[{"reference":"#r"}])"};
  for (const std::string& rest : unindexed) {
    const Answer answer = Run("PUT", "Patient/p", patient(rest));
    EXPECT_EQ(answer.status, 409) << rest;
    EXPECT_THAT(answer.body, HasSubstr("Organization/o"));
  }
  const std::string organization = R"({"resourceType":"Organization","id":"o"})";
  Run("PUT", "Organization/o", organization);
  for (const std::string& rest : unindexed) EXPECT_LT(Run("PUT", "Patient/p", patient(rest)).status, 300) << rest;
  ASSERT_EQ(Run("DELETE", "Organization/o").status, 204) << "deletions see what search parameters hold";
  EXPECT_EQ(Run("PUT", "Patient/p", patient(unindexed[0])).status, 409) << "a deleted one is not there";
  const std::string both = R"({"resource":)" + patient(unindexed[0]) +
                           R"(,"request":{"method":"PUT","url":"Patient/p"}},{"resource":)" + organization +
                           R"(,"request":{"method":"PUT","url":"Organization/o"}})";
  EXPECT_EQ(Run("POST", "", Bundle("transaction", both)).status, 200);
}

TEST_F(WriteTest, WarnsOfEachTargetThatIsNotThereOnce) {
  resource_options_.references = ReferencePolicy::kWarn;
  Reopen();
  const Answer answer = Run("POST", "Patient", R"({"resourceType":"Patient",
      "managingOrganization":{"reference":"Organization/o"},"contact":[{"organization":{"reference":"Organization/o"}},
      {"organization":{"reference":"Organization/p"}},{"organization":{"reference":"Organization/p"}}]})");
  EXPECT_EQ(answer.status, 201);
  EXPECT_EQ(answer.warnings.size(), 2u);
}

TEST_F(WriteTest, EnforcedReferencesToATypeNeedAnIdThatCanBe) {
  resource_options_.references = ReferencePolicy::kEnforce;
  Reopen();
  Run("PUT", "Patient/1", R"({"resourceType":"Patient","id":"1"})");
  const auto observation = [](const std::string& reference) {
    return R"({"resourceType":"Observation","status":"final","code":{"text":"x"},"subject":{"reference":")" +
           reference + "\"}}";
  };
  for (const std::string reference : {"Patient", "Patient/", "Patient/a_b", "Patient/a b", "Patient/1/2", "Patient/1|x",
                                      "Patient/1#x", "Patient|1"}) {
    const Answer answer = Run("POST", "Observation", observation(reference));
    EXPECT_EQ(answer.status, 409) << reference;
    EXPECT_THAT(answer.body, HasSubstr(reference));
  }
  for (const std::string reference : {"Patient/1", "http://elsewhere.test/Patient/a_b"})
    EXPECT_EQ(Run("POST", "Observation", observation(reference)).status, 201) << reference;
}

// Neither may win when both do: the reference would lead nowhere.
TEST_F(WriteTest, EnforcedReferencesHoldWhenTheTargetIsDeletedMeanwhile) {
  resource_options_.references = ReferencePolicy::kEnforce;
  Reopen();
  int deleted = 0, referred = 0;
  for (int round = 0; round < 60; ++round) {
    const std::string id = "p" + std::to_string(round);
    ASSERT_EQ(Run("PUT", "Patient/" + id, R"({"resourceType":"Patient","id":")" + id + "\"}").status, 201);
    int deletion = 0, creation = 0;
    std::thread deleter([&] { deletion = Run("DELETE", "Patient/" + id).status; });
    std::thread referrer([&] {
      creation =
          Run("POST", "Observation",
              R"({"resourceType":"Observation","status":"final","code":{"text":"x"},"subject":{"reference":"Patient/)" +
                  id + "\"}}")
              .status;
    });
    deleter.join();
    referrer.join();
    EXPECT_TRUE((deletion == 204 && creation == 409) || (deletion == 409 && creation == 201))
        << "DELETE " << deletion << ", POST " << creation;
    deleted += deletion == 204;
    referred += creation == 201;
  }
  EXPECT_EQ(deleted + referred, 60);
}

TEST_F(WriteTest, AReferenceBeforeItsTargetIsFoundOnceTheTargetIsThere) {
  Run("POST", "Observation",
      R"({"resourceType":"Observation","status":"final","code":{"text":"x"},"subject":{"reference":"Patient/p"}})");
  Run("PUT", "Patient/p", R"({"resourceType":"Patient","id":"p","gender":"female"})");
  EXPECT_EQ(Total("Observation?subject=Patient/p"), 1);
  EXPECT_EQ(Total("Observation?subject:Patient.gender=female"), 1);
}

TEST_F(WriteTest, LargeResourcesComeBackWhole) {
  const std::string text(300'000, 'x');
  const Answer created = Run("POST", "Basic", R"({"resourceType":"Basic","code":{"text":")" + text + R"("}})");
  ASSERT_EQ(created.status, 201);
  EXPECT_TRUE(Run("GET", "Basic/" + IdOf(created)).body == created.body);
}

TEST_F(WriteTest, EverythingIsThereAfterReopening) {
  Run("PUT", "Patient/a", R"({"resourceType":"Patient","id":"a","active":true})");
  Reopen();
  EXPECT_EQ(Run("GET", "Patient/a").version, 1u);
  EXPECT_EQ(Total("Patient?active=true"), 1);
}

}  // namespace
}  // namespace hilum::fhir
