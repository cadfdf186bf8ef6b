#include "base/uid.h"

#include <gtest/gtest.h>

namespace hilum {
namespace {

TEST(Uid, ValidOnesFollowTheStandard) {
  for (const char* uid : {"1", "0", "1.2.840.10008.1.2.1", "2.25.0", "1.0.3",
                          "1.2345678901234567890123456789012345678901234567890123456789012"}) {
    EXPECT_TRUE(IsValidUid(uid)) << uid;
    EXPECT_TRUE(IsStorableUid(uid)) << uid;
  }
}

TEST(Uid, SloppyOnesAreStorableButNotValid) {
  for (const char* uid : {"1.02.3", "1..2", ".1", "1.", "00", "1.2.00"}) {
    EXPECT_FALSE(IsValidUid(uid)) << uid;
    EXPECT_TRUE(IsStorableUid(uid)) << uid;
  }
}

TEST(Uid, DangerousOnesAreNeither) {
  const std::string_view with_nul("1.2\0", 4);
  for (const std::string_view uid :
       {std::string_view(""), std::string_view("../1"), std::string_view("1.2/3"), std::string_view("1.2 "), with_nul,
        std::string_view("1.2.x"), std::string_view("."), std::string_view(".."), std::string_view("..."),
        std::string_view("12345678901234567890123456789012345678901234567890123456789012345")}) {
    EXPECT_FALSE(IsValidUid(uid)) << uid;
    EXPECT_FALSE(IsStorableUid(uid)) << uid;
  }
}

}  // namespace
}  // namespace hilum
