#include "fhir/validate/issue.h"

#include <gtest/gtest.h>

#include "fhir/validate/validate.h"

namespace hilum::fhir {
namespace {

TEST(Issue, OutcomeSaysWhatWhereAndHow) {
  const Issue issues[] = {{.type = IssueType::kValue,
                           .diagnostics = "must be \"x\"",
                           .expression = "Patient.id",
                           .position = {.line = 2, .column = 5}},
                          {.severity = Severity::kWarning, .type = IssueType::kNotSupported, .diagnostics = "ignored"}};
  EXPECT_EQ(
      OperationOutcome(issues),
      R"({"resourceType":"OperationOutcome","issue":[)"
      R"x({"severity":"error","code":"value","diagnostics":"must be \"x\" (line 2, column 5)","expression":["Patient.id"]},)x"
      R"({"severity":"warning","code":"not-supported","diagnostics":"ignored"}]})");
}

// A search may ask for 'a%00b'.
TEST(Issue, OutcomeHasNoCharactersThatStringsOfFhirCannotHold) {
  const Issue issue{.diagnostics = std::string("'a\0 b'\n", 7)};
  const std::string text = OperationOutcome({&issue, 1});
  const auto outcome = json::Document::Parse(text);
  ASSERT_TRUE(outcome.ok()) << outcome.status().message();
  EXPECT_TRUE(Validate(outcome->root()).ok()) << text;
  EXPECT_NE(text.find("'a\uFFFD b'\\n"), std::string::npos) << text;
}

TEST(Issue, EveryTypeHasACode) {
  EXPECT_EQ(IssueTypeCode(IssueType::kInvalid), "invalid");
  EXPECT_EQ(IssueTypeCode(IssueType::kCodeInvalid), "code-invalid");
  EXPECT_EQ(IssueTypeCode(IssueType::kMultipleMatches), "multiple-matches");
  EXPECT_EQ(IssueTypeCode(IssueType::kThrottled), "throttled");
  EXPECT_EQ(IssueTypeCode(IssueType::kNoStore), "no-store");
  EXPECT_EQ(IssueTypeCode(IssueType::kInformational), "informational");
  EXPECT_EQ(SeverityCode(Severity::kInformation), "information");
}

TEST(Issue, StatusBecomesAnIssue) {
  const Issue issue = IssueOf(LimitExceeded("too many"));
  EXPECT_EQ(issue.type, IssueType::kTooCostly);
  EXPECT_EQ(issue.severity, Severity::kError);
  EXPECT_EQ(issue.diagnostics, "too many");
  EXPECT_EQ(IssueOf(DiskFull("full")).type, IssueType::kNoStore);
  EXPECT_EQ(IssueOf(Unavailable("busy")).type, IssueType::kThrottled);
  EXPECT_EQ(IssueOf(Status::Ok()).severity, Severity::kInformation);
}

}  // namespace
}  // namespace hilum::fhir
