#include "fhir/json/document.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <simdjson.h>

#include <random>
#include <string>
#include <vector>

namespace hilum::fhir::json {
namespace {

using testing::HasSubstr;

std::string Repeat(std::string_view text, size_t times) {
  std::string out;
  while (times-- > 0) out += text;
  return out;
}

Document Parsed(std::string text) {
  auto document = Document::Parse(std::move(text));
  if (!document.ok()) {
    ADD_FAILURE() << document.status().message();
    return Document::Parse("null").value();
  }
  return std::move(document).value();
}

TEST(Document, KnowsWhereEveryValueLies) {
  const std::string text = R"({ "a" : [1.10, "x\ny"], "b":{"c" :true} ,"d":null})";
  const Document document = Parsed(text);
  const Value root = document.root();

  EXPECT_EQ(root.raw(), text);
  EXPECT_EQ(root.size(), 3u);
  const MaybeValue a = Find(root, "a");
  ASSERT_TRUE(a);
  EXPECT_EQ(a->raw(), R"([1.10, "x\ny"])");
  EXPECT_EQ(a->key(), "a");
  EXPECT_EQ(text[a->key_begin()], '"');
  EXPECT_EQ(a->At(0).text(), "1.10");
  EXPECT_EQ(a->At(1).text(), "x\ny");
  EXPECT_EQ(a->At(1).raw(), R"("x\ny")");
  EXPECT_EQ(MaybeValue(root)["b"]["c"]->kind(), Kind::kTrue);
  EXPECT_FALSE(MaybeValue(root)["b"]["x"]["y"]);
  EXPECT_EQ(Find(root, "d")->kind(), Kind::kNull);
}

TEST(Document, DecodesEscapes) {
  EXPECT_EQ(Parsed(R"("\"\\\/\b\f\n\r\t")").root().text(), "\"\\/\b\f\n\r\t");
  EXPECT_EQ(Parsed(R"("\u00e9\u20AC\uD83D\uDE00!")").root().text(), "\u00e9\u20ac\U0001F600!");
  EXPECT_EQ(Parsed("\"\u00e9 long enough for several words\"").root().text(), "\u00e9 long enough for several words");
}

struct Refusal {
  std::string text;
  const char* where;
  const char* why;
  Code code = Code::kInvalid;
};

TEST(Document, RefusesWithPlaceAndReason) {
  const std::vector<Refusal> refusals = {
      {"", "line 1, column 1", "text ends"},
      {"{", "line 1, column 2", "property name"},
      {"[1,]", "line 1, column 4", "expected a value"},
      {"[1 2]", "line 1, column 4", "expected ','"},
      {"{\"a\":1,}", "line 1, column 8", "property name"},
      {"{\"a\" 1}", "line 1, column 6", "':'"},
      {"{a:1}", "line 1, column 2", "property name"},
      {"[1]x", "line 1, column 4", "after the end"},
      {"\n\n  truf", "line 3, column 3", "expected a value"},
      {"nul", "line 1, column 1", "expected a value"},
      {"01", "line 1, column 1", "begin with 0"},
      {"[-]", "line 1, column 2", "expected a value"},
      {"[1.]", "line 1, column 2", "decimal point"},
      {"[1e+]", "line 1, column 2", "exponent"},
      {"[+1]", "line 1, column 2", "expected a value"},
      {"[.5]", "line 1, column 2", "expected a value"},
      {"[NaN]", "line 1, column 2", "expected a value"},
      {"\"a", "line 1, column 1", "ends within"},
      {"\"a\tb\"", "line 1, column 3", "control character"},
      {"\"\\x\"", "line 1, column 2", "unknown escape"},
      {"\"\\u12G4\"", "line 1, column 6", "hexadecimal"},
      {"\"\\ud800\"", "line 1, column 2", "surrogate"},
      {"\"\\ud800\\u0041\"", "line 1, column 2", "surrogate"},
      {"\"\\udc00\"", "line 1, column 2", "surrogate"},
      {"\"\\u0000\"", "line 1, column 2", "U+0000"},
      {std::string("[1\0]", 4), "line 1, column 3", "expected ','"},
      {std::string("\"\0\"", 3), "line 1, column 2", "control character"},
      {"{\"\\u0061\":1}", "line 1, column 3", "escapes in property names"},
      {"{\"id\":1,\n\"id\":2}", "line 2, column 1", "'id' occurs twice"},
      {"{\"Jo Doe\":1,\"Jo Doe\":2}", "line 1, column 13", "a property occurs twice"},
      {"\xEF\xBB\xBF{}", "line 1, column 1", "byte order mark"},
      {"[\"\u00e9\xff\"]", "line 1, column 4", "UTF-8"},
      {"\"\xC0\x80\"", "line 1, column 2", "UTF-8"},
      {"\"\xED\xA0\x80\"", "line 1, column 2", "UTF-8"},
      {"\"\xF4\x90\x80\x80\"", "line 1, column 2", "UTF-8"},
      {"\"\xE2\x82", "line 1, column 2", "UTF-8"},
      {"[1," + Repeat("7", 1'000'000) + "]", "line 1, column 4", "more than 128 characters", Code::kLimit},
      {Repeat("[", 65) + Repeat("]", 65), "line 1, column 65", "deeper than 64", Code::kLimit},
      {Repeat("{\"a\":", 1'000'000), "line 1, column 321", "deeper than 64", Code::kLimit},
      {"{\"" + std::string(70'000, 'k') + "\":1}", "line 1, column 2", "longer than 65535", Code::kLimit},
  };
  for (const Refusal& refusal : refusals) {
    const auto document = Document::Parse(refusal.text);
    const std::string shown = refusal.text.substr(0, 40);
    if (document.ok()) {
      ADD_FAILURE() << "accepted " << shown;
      continue;
    }
    EXPECT_EQ(document.status().code(), refusal.code) << shown;
    EXPECT_THAT(document.status().message(), testing::StartsWith(std::string(refusal.where) + ":")) << shown;
    EXPECT_THAT(document.status().message(), HasSubstr(refusal.why)) << shown;
  }
}

TEST(Document, FindsRepeatedNamesAmongThousands) {
  std::string text = "{";
  for (int i = 0; i < 5000; ++i) text += "\"k" + std::to_string(i) + "\":0,";
  EXPECT_TRUE(Document::Parse(text + "\"last\":0}").ok());
  const auto twice = Document::Parse(text + "\"k77\":0}");
  ASSERT_FALSE(twice.ok());
  EXPECT_THAT(twice.status().message(), HasSubstr("'k77' occurs twice"));
}

TEST(Document, AcceptsWhatIsJustWithinTheLimits) {
  EXPECT_TRUE(Document::Parse(Repeat("[", 64) + Repeat("]", 64)).ok());
  EXPECT_TRUE(Document::Parse(Repeat("9", 128)).ok());
}

TEST(Document, HonoursSmallerLimits) {
  EXPECT_EQ(Document::Parse("[[1]]", {.depth = 1}).status().code(), Code::kLimit);
  EXPECT_EQ(Document::Parse("[1,2,3]", {.bytes = 6}).status().code(), Code::kLimit);
  EXPECT_EQ(Document::Parse("[1,2,3]", {.values = 3}).status().code(), Code::kLimit);
  EXPECT_EQ(Document::Parse("\"abcdef\"", {.string_bytes = 4}).status().code(), Code::kLimit);
}

TEST(Document, CountsLinesAndCharacters) {
  const Position position = PositionAt("a\nb\u00e9\u20acc", 8);
  EXPECT_EQ(position.line, 2u);
  EXPECT_EQ(position.column, 4u);
}

// Same tree in both: kinds, names, sizes, strings.
void ExpectSame(Value ours, simdjson::dom::element theirs) {
  using simdjson::dom::element_type;
  switch (theirs.type()) {
    case element_type::OBJECT: {
      ASSERT_EQ(ours.kind(), Kind::kObject);
      auto property = ours.children().begin();
      for (const auto field : theirs.get_object()) {
        ASSERT_EQ((*property).key(), field.key);
        ExpectSame(*property, field.value);
        ++property;
      }
      ASSERT_TRUE(property == ours.children().end());
      break;
    }
    case element_type::ARRAY: {
      ASSERT_EQ(ours.kind(), Kind::kArray);
      auto item = ours.children().begin();
      for (const auto element : theirs.get_array()) {
        ExpectSame(*item, element);
        ++item;
      }
      ASSERT_TRUE(item == ours.children().end());
      break;
    }
    case element_type::STRING:
      ASSERT_EQ(ours.kind(), Kind::kString);
      ASSERT_EQ(ours.text(), theirs.get_string().value());
      break;
    case element_type::BOOL:
      ASSERT_EQ(ours.kind(), theirs.get_bool().value() ? Kind::kTrue : Kind::kFalse);
      break;
    case element_type::NULL_VALUE:
      ASSERT_EQ(ours.kind(), Kind::kNull);
      break;
    default:
      ASSERT_EQ(ours.kind(), Kind::kNumber);
  }
}

// Reasons to refuse what another parser takes: ours are stricter.
bool IsStricter(const std::string& message) {
  for (const char* reason : {"occurs twice", "escapes in property names", "U+0000", "characters", "surrogate"}) {
    if (message.find(reason) != message.npos) return true;
  }
  return false;
}

TEST(Document, AgreesWithAnotherParserOnDamagedTexts) {
  const std::string seed =
      R"({"resourceType":"Patient","id":"p1","active":true,"name":[{"family":"M\u00fcller\n","given":["A","B"]}],)"
      R"("multipleBirthInteger":2,"extension":[{"url":"http://x/y","valueDecimal":-1.50e-3},{}],"_birthDate":null})";
  const std::string spice = "{}[]\",:\\u0d8tfn-+.eE19 \n\xC3\xA9";
  std::mt19937 random(7);
  simdjson::dom::parser oracle;
  int accepted = 0, refused = 0;
  for (int round = 0; round < 30'000; ++round) {
    std::string text = seed;
    for (int change = random() % 3 + 1; change > 0; --change) {
      const size_t at = random() % text.size();
      switch (random() % 4) {
        case 0:
          text[at] = spice[random() % spice.size()];
          break;
        case 1:
          text.erase(at, random() % 4 + 1);
          break;
        case 2:
          text.insert(at, 1, spice[random() % spice.size()]);
          break;
        default:
          text[at] = static_cast<char>(random());
      }
    }
    const auto ours = Document::Parse(text);
    simdjson::dom::element theirs;
    const auto error = oracle.parse(text).get(theirs);
    if (ours.ok()) {
      ++accepted;
      // Numbers that no double holds are text to us.
      if (error == simdjson::NUMBER_ERROR) continue;
      ASSERT_EQ(error, simdjson::SUCCESS) << text;
      ExpectSame(ours->root(), theirs);
    } else {
      ++refused;
      ASSERT_TRUE(error != simdjson::SUCCESS || IsStricter(ours.status().message())) << text << "\n"
                                                                                     << ours.status().message();
    }
  }
  EXPECT_GT(accepted, 1000);
  EXPECT_GT(refused, 1000);
}

}  // namespace
}  // namespace hilum::fhir::json
