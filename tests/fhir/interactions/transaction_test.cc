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

TEST_F(TransactionTest, RefusesAResourceThatIsInItTwice) {
  const std::string put =
      R"({"resource":{"resourceType":"Patient","id":"a"},"request":{"method":"PUT","url":"Patient/a"}})";
  EXPECT_EQ(Run("POST", "", Bundle("transaction", put + "," + put)).status, 400);
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

TEST_F(TransactionTest, ItsSearchesTakeSoManyStepsTogether) {
  interactions_ =
      std::make_unique<Interactions>(*resources_, InteractionOptions{.max_steps = 12}, std::string(32, 'k'));
  const std::string search = R"({"request":{"method":"GET","url":"Patient?gender=male,female,other"}})";
  const std::string create = R"({"resource":{"resourceType":"Basic","code":{"text":"x"}},
      "request":{"method":"POST","url":"Basic","ifNoneExist":"code=urn:a|1,urn:a|2,urn:a|3"}})";
  const std::string three = search + "," + search + "," + search;
  const Answer batched = Run("POST", "", Bundle("batch", three + "," + search + "," + create));
  EXPECT_EQ(At(batched.body, "entry.2.response.status"), "200 OK");
  EXPECT_EQ(At(batched.body, "entry.3.response.status"), "413");
  EXPECT_EQ(At(batched.body, "entry.4.response.status"), "413") << "conditions are searches, too";
  EXPECT_THAT(batched.body, HasSubstr("too many steps together"));

  EXPECT_EQ(Run("POST", "", Bundle("transaction", three)).status, 200);
  EXPECT_EQ(Run("POST", "", Bundle("transaction", three + "," + search)).status, 413);
  EXPECT_EQ(Run("POST", "", Bundle("transaction", create + "," + create)).status, 413);
  EXPECT_EQ(Total("Basic"), 0);
  EXPECT_EQ(Total("Patient?gender=1,2,3,4,5,6,7,8,9,10,11,12"), 0) << "one that comes by itself has its own";
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
