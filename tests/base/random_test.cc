#include "base/random.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "tests/support/seeded_random.h"

namespace hilum {
namespace {

TEST(Random, TheSameSeedGivesTheSameSequence) {
  testing::SeededRandom first(42), second(42), other(43);
  EXPECT_EQ(first.Hex(33), second.Hex(33));
  EXPECT_EQ(first.Uuid(), second.Uuid());
  EXPECT_NE(first.Next64(), other.Next64());
}

TEST(Random, HexHasTwoDigitsAByte) {
  testing::SeededRandom random(1);
  EXPECT_THAT(random.Hex(7), ::testing::MatchesRegex("[0-9a-f]{14}"));
  EXPECT_EQ(random.Hex(0), "");
}

TEST(Random, UuidsAreOfVersionFour) {
  SystemRandom random;
  std::set<std::string> seen;
  for (int i = 0; i < 200; ++i) {
    const std::string uuid = random.Uuid();
    EXPECT_THAT(uuid, ::testing::MatchesRegex("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"));
    EXPECT_TRUE(seen.insert(uuid).second);
  }
}

TEST(Random, TheSystemFillsLongBuffersToTheEnd) {
  SystemRandom random;
  std::string buffer(1 << 20, '\0');
  random.Fill(buffer);
  EXPECT_NE(buffer.substr(buffer.size() - 64), std::string(64, '\0'));
}

}  // namespace
}  // namespace hilum
