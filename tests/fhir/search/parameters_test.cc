#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fhir/search/query.h"

namespace hilum::fhir {
namespace {

using testing::ElementsAre;

TEST(Parameters, AreDecodedInOrderWithRepeats) {
  const auto parameters = SplitQuery("name=a+b%20c&&code=http%3A%2F%2Fx%7C1&name=&flag", 100);
  ASSERT_TRUE(parameters.ok());
  EXPECT_THAT(*parameters, ElementsAre(Parameter{"name", "a b c"}, Parameter{"code", "http://x|1"},
                                       Parameter{"name", ""}, Parameter{"flag", ""}));
}

TEST(Parameters, SurviveARoundThroughTheSelfLink) {
  const std::vector<Parameter> parameters = {{"a:exact", "x&y=z +%\u00e9\n"}, {"code", "http://loinc.org|1-2,b\\,c$d"}};
  const auto again = SplitQuery(JoinQuery(parameters), 100);
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(*again, parameters);
}

TEST(Parameters, AreWrittenWithWhatMayStandInAUrlOnly) {
  std::string ascii;
  for (char c = 1; c < 0x7F; ++c) ascii.push_back(c);
  const std::string query = JoinQuery({{"a", ascii + "\u00e9"}});
  // RFC 3986 3.4: what is allowed in a query; '&', '=' and '+' mean something else in a form.
  EXPECT_EQ(query.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~!$'()*,;:@/?%="),
            query.npos)
      << query;
  EXPECT_EQ(JoinQuery({{"code", "http://loinc.org|1-2"}}), "code=http://loinc.org%7C1-2");
}

TEST(Parameters, RefuseWhatIsMalformedOrTooMuch) {
  for (const char* bad : {"a=%", "a=%4", "a=%4G", "a=%FF", "a=%00", "%C3=1"}) {
    EXPECT_EQ(SplitQuery(bad, 100).status().code(), Code::kInvalid) << bad;
  }
  EXPECT_EQ(SplitQuery("a=1&b=2&c=3", 2).status().code(), Code::kLimit);
  EXPECT_TRUE(SplitQuery("a=1&b=2", 2).ok());
  EXPECT_TRUE(SplitQuery("a=" + std::string(kMaxQueryBytes - 2, 'x'), 1).ok());
  EXPECT_EQ(SplitQuery("a=" + std::string(kMaxQueryBytes - 1, 'x'), 1).status().code(), Code::kLimit);
}

}  // namespace
}  // namespace hilum::fhir
