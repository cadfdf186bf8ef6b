#include "fhir/validate/primitives.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace hilum::fhir {
namespace {

// Texts are JSON.
struct Table {
  Primitive type;
  std::vector<std::string> good, bad;
};

std::vector<Table> Tables() {
  return {
      {Primitive::kBoolean, {"true", "false"}, {"\"true\"", "1", "null", "{}"}},
      {Primitive::kInteger,
       {"0", "-1", "2147483647", "-2147483648", "-0"},
       {"1.0", "1e3", "2147483648", "-2147483649", "\"1\"", "true"}},
      {Primitive::kUnsignedInt, {"0", "2147483647"}, {"-1", "1.5", "2147483648"}},
      {Primitive::kPositiveInt, {"1", "2147483647"}, {"0", "-1", "\"1\""}},
      {Primitive::kDecimal, {"0", "1.10", "-1E-3", "12345678901234567890.123456789"}, {"\"1.0\"", "true", "[]"}},
      {Primitive::kString,
       {"\"a\"", "\" \"", "\"a\\nb\\tc\\r\"", "\"\u00e9\""},
       {"\"\"", "1", "\"\\u0001\"", "\"\\u001b[0m\"", "\"" + std::string(1048577, 'x') + "\""}},
      {Primitive::kMarkdown, {"\"# a\\n\\nb\""}, {"\"\"", "\"\\b\""}},
      {Primitive::kCode, {"\"a\"", "\"a b\"", "\"a-b c\""}, {"\"\"", "\" a\"", "\"a \"", "\"a  b\"", "\" \"", "1"}},
      {Primitive::kId,
       {"\"a\"", "\"A-1.b\"", "\"" + std::string(64, 'x') + "\""},
       {"\"\"", "\"a_b\"", "\"a/b\"", "\".\"", "\"..\"", "\"" + std::string(65, 'x') + "\"", "\"\u00e9\""}},
      {Primitive::kUri, {"\"http://a/b?c#d\"", "\"urn:oid:1.2\"", "\"a\""}, {"\"\"", "\"a b\"", "\"a\\nb\"", "1"}},
      {Primitive::kUrl, {"\"http://a\"", "\"mailto:a@b\""}, {"\"a b\""}},
      {Primitive::kCanonical, {"\"http://a|1.0\"", "\"#a\""}, {"\"a b\""}},
      {Primitive::kOid,
       {"\"urn:oid:1.2.840\"", "\"urn:oid:0.0\""},
       {"\"1.2.840\"", "\"urn:oid:3.1\"", "\"urn:oid:1\"", "\"urn:oid:1.02\"", "\"urn:oid:1..2\"", "\"urn:oid:1.\"",
        "\"urn:oid:\""}},
      {Primitive::kUuid,
       {"\"urn:uuid:c757873d-ec9a-4326-a141-556f43239520\""},
       {"\"c757873d-ec9a-4326-a141-556f43239520\"", "\"urn:uuid:C757873D-ec9a-4326-a141-556f43239520\"",
        "\"urn:uuid:c757873d\"", "\"urn:uuid:c757873d-ec9a-4326-a141-556f432395200\""}},
      {Primitive::kDate,
       {"\"2020\"", "\"2020-02-29\""},
       {"\"2021-02-29\"", "\"2020-01-01T00:00:00Z\"", "2020", "\"20-01\""}},
      {Primitive::kDateTime,
       {"\"2020\"", "\"2020-01-01T00:00:00Z\""},
       {"\"2020-01-01T00:00\"", "\"2020-01-01T00:00:00\""}},
      {Primitive::kInstant, {"\"2020-01-01T00:00:00.000+01:00\""}, {"\"2020-01-01\"", "\"2020-01-01T00:00:00\""}},
      {Primitive::kTime, {"\"12:30:00\""}, {"\"12:30\"", "\"25:00:00\""}},
      {Primitive::kBase64Binary,
       {"\"AAAA\"", "\"AA==\"", "\"AAAA BBBB\\nCCCC\"", "\"a+/=\""},
       {"\"\"", "\"AAA\"", "\"AA AA\"", "\"AA-_\"", "1"}},
      {Primitive::kXhtml, {"\"<div/>\""}, {"\"\"", "1"}},
  };
}

TEST(Primitives, AcceptAndRefuseByTheirFormats) {
  for (const Table& table : Tables()) {
    for (const bool good : {true, false}) {
      for (const std::string& text : good ? table.good : table.bad) {
        const auto document = json::Document::Parse(text);
        ASSERT_TRUE(document.ok()) << text;
        const std::string_view reason = CheckPrimitive(table.type, document->root());
        EXPECT_EQ(reason.empty(), good) << "type " << static_cast<int>(table.type) << ": " << text.substr(0, 80) << " "
                                        << reason;
      }
    }
  }
}

TEST(Primitives, TheTableHasEveryType) {
  EXPECT_EQ(Tables().size(), static_cast<size_t>(Primitive::kXhtml));
}

}  // namespace
}  // namespace hilum::fhir
