#include "storage/index/soundex.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace hilum::storage {
namespace {

TEST(SoundexTest, CodesTheExamplesOfTheNationalArchives) {
  const std::vector<std::pair<std::string, std::string>> table = {
      {"washington", "w252"}, {"lee", "l000"},       {"gutierrez", "g362"}, {"pfister", "p236"}, {"jackson", "j250"},
      {"tymczak", "t522"},    {"vandeusen", "v532"}, {"ashcraft", "a261"},  {"robert", "r163"},  {"rupert", "r163"},
  };
  for (const auto& [word, code] : table) EXPECT_EQ(Soundex(word), code) << word;
}

TEST(SoundexTest, FindsSpellingsOfOneName) {
  for (const char* word : {"meyer", "maier", "mayr", "meier"}) EXPECT_EQ(Soundex(word), "m600") << word;
  for (const char* word : {"smith", "smyth", "schmidt"}) EXPECT_EQ(Soundex(word), "s530") << word;
  EXPECT_EQ(Soundex("o'brien"), Soundex("obrien"));
  EXPECT_EQ(Soundex("søren"), Soundex("soren"));
  EXPECT_EQ(Soundex("łukasz"), Soundex("lukasz"));
}

TEST(SoundexTest, OtherScriptsHaveNoCode) {
  for (const char* word : {"", "山田", "иванов", "김", "r2d2", "-", "\xFF", "smith\xC3"})
    EXPECT_EQ(Soundex(word), "") << word;
}

TEST(SoundexTest, EveryWordBeginsAsItsCodeSays) {
  for (const std::string word : {"lukasz", "łukasz", "ørsted", "oersted", "þor"}) {
    const auto beginnings = SoundexBeginnings(Soundex(word));
    EXPECT_TRUE(std::any_of(beginnings.begin(), beginnings.end(), [&](const std::string& beginning) {
      return word.starts_with(beginning);
    })) << word;
  }
  EXPECT_TRUE(SoundexBeginnings("").empty());
}

}  // namespace
}  // namespace hilum::storage
