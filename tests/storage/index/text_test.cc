#include "storage/index/text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "storage/index/keys.h"

namespace hilum::storage {
namespace {

using ::testing::ElementsAre;

TEST(FoldTest, IgnoresCaseAccentsAndWidth) {
  const std::vector<std::pair<std::string, std::string>> table = {
      {"", ""},
      {"Smith^John", "smith^john"},
      {"MÜLLER", "muller"},
      {"Mu\u0308ller", "muller"},  // the mark as a character of its own
      {"Straße", "strasse"},
      {"ŁÓDŹ", "łodz"},         // a stroke is no mark
      {"ΣΊΣΥΦΟΣ", "σισυφοσ"},   // final sigma
      {"ﬁbrosis", "fibrosis"},  // ligature
      {"Ａｂｃ１", "abc1"},     // full width
      {"Yamada^Tarou=山田^太郎", "yamada^tarou=山田^太郎"},
      {"김희중", "김희중"},  // Hangul stays composed
      {"Việt Nam", "viet nam"},
      {"Иванов", "иванов"},
      {"ỌLÁ", "ola"},
      {"İstanbul", "istanbul"},
  };
  for (const auto& [text, folded] : table) {
    EXPECT_EQ(Fold(text), folded) << text;
    EXPECT_EQ(Fold(folded), folded) << text;
  }
}

TEST(FoldTest, TakesMalformedTextAsReplacementCharacters) {
  EXPECT_EQ(Fold("a\xFF"
                 "B"),
            "a\uFFFDb");
  EXPECT_EQ(Fold("\xC3"), "\uFFFD");
}

TEST(WordsTest, JoinedOnesHaveParts) {
  EXPECT_THAT(WordsAndParts("meyer-mueller^anna maria-m"),
              ElementsAre("meyer-mueller", "anna", "maria-m", "meyer", "mueller", "maria"));
  EXPECT_THAT(WordsAndParts("o'brien=d’arcy"), ElementsAre("o'brien", "d’arcy", "brien", "arcy"));
  EXPECT_THAT(WordsAndParts("dr.al‐hassan--x"), ElementsAre("dr.al‐hassan--x", "dr", "al", "hassan"));
  EXPECT_THAT(WordsAndParts("-lee- '"), ElementsAre("-lee-", "'", "lee"));
  const std::string longest = std::string(125, 'x') + "-yy";
  EXPECT_EQ(WordsAndParts(longest).size(), 3u);
  EXPECT_EQ(WordsAndParts(longest + "y").size(), 1u);
}

TEST(WordsTest, SplitsNames) {
  EXPECT_THAT(Words("smith^john,q  =x= "), ElementsAre("smith", "john", "q", "x"));
  EXPECT_TRUE(Words(" ^=").empty());
  EXPECT_TRUE(Words("").empty());
}

TEST(TrigramsTest, AreDistinct) {
  EXPECT_THAT(Trigrams("aaaab"), ElementsAre("aaa", "aab"));
  EXPECT_TRUE(Trigrams("ab").empty());
}

TEST(PatternTest, MatchesAsPs34Says) {
  struct Case {
    const char* pattern;
    const char* text;
    bool matches;
  };
  const Case table[] = {
      {"", "", true},
      {"", "a", false},
      {"*", "", true},
      {"?", "", false},
      {"?", "é", true},
      {"??", "é", false},
      {"a*c", "abc", true},
      {"a*c", "abcb", false},
      {"a*c", "ac", true},
      {"*b*", "abc", true},
      {"*bc*bd", "abcbcbd", true},
      {"a?c", "abc", true},
      {"a?c", "ac", false},
      {"a**?", "a", false},
      {"a*?", "ab", true},
      {"*a", "b", false},
      {"abc", "abcd", false},
      {"*ab", "aab", true},
      {"?*?", "a", false},
      {"?*?", "ab", true},
  };
  for (const auto& [pattern, text, matches] : table) {
    EXPECT_EQ(Pattern(pattern, false).Matches(text), matches) << pattern << " on " << text;
  }
  EXPECT_TRUE(Pattern("MÜ*", true).Matches("muller"));
  EXPECT_FALSE(Pattern("MÜ*", false).Matches("muller"));
  EXPECT_EQ(Pattern("ab*c", false).literal_prefix(), "ab");
  EXPECT_EQ(Pattern("?b", false).literal_prefix(), "");
  EXPECT_THAT(Pattern("ab*c?d", false).literals(), ElementsAre("ab", "c", "d"));
}

TEST(PatternTest, StaysQuickOnManyRuns) {
  std::string pattern;
  for (int i = 0; i < 200; ++i) pattern += "a*";
  EXPECT_FALSE(Pattern(pattern + "b", false).Matches(std::string(20'000, 'a')));
}

TEST(KeyTextTest, SortsLikeTextsAndReadsBack) {
  using namespace std::string_literals;
  const std::vector<std::string> ascending = {""s,
                                              "\0"s,
                                              "\0\0"s,
                                              "\0a"s,
                                              "\1"s,
                                              "\1\1"s,
                                              "\2"s,
                                              "a"s,
                                              "a\0"s,
                                              "a\1b"s,
                                              "aa"s,
                                              "b"s,
                                              std::string(199, 'b'),
                                              std::string(200, 'b'),
                                              "c"s};
  std::string before;
  for (const std::string& text : ascending) {
    std::string key;
    AppendText(&key, text);
    EXPECT_LT(before, key) << ::testing::PrintToString(text);
    before = key;

    key += "rest";
    Bytes rest = key;
    KeyText read;
    ASSERT_TRUE(ReadText(&rest, &read));
    EXPECT_EQ(read.text, text.substr(0, kMaxKeyTextBytes));
    EXPECT_EQ(read.cut, text.size() >= kMaxKeyTextBytes);
    EXPECT_EQ(read.hash, read.cut ? HashOf(text) : 0);
    EXPECT_EQ(rest, "rest");
  }
}

TEST(KeyTextTest, RefusesDamagedKeys) {
  using namespace std::string_literals;
  for (const std::string& damaged : {""s, "abc"s, "a\1"s, "a\1\0"s, std::string(200, 'a') + "\0short"s,
                                     std::string(201, 'a') + "\0"s + "12345678"s}) {
    Bytes rest = damaged;
    KeyText text;
    EXPECT_FALSE(ReadText(&rest, &text)) << damaged.size();
  }
}

TEST(KeyTextTest, TellsLongTextsApart) {
  std::string a, b;
  AppendText(&a, std::string(300, 'x') + "a");
  AppendText(&b, std::string(300, 'x') + "b");
  EXPECT_NE(a, b);
  EXPECT_EQ(a.size(), 209u);
}

}  // namespace
}  // namespace hilum::storage
