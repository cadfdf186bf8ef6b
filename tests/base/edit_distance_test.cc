#include "base/edit_distance.h"

#include <gtest/gtest.h>

namespace hilum {
namespace {

TEST(EditDistanceTest, CountsWhatIsPutInTakenOutAndReplaced) {
  EXPECT_EQ(EditDistance("", ""), 0u);
  EXPECT_EQ(EditDistance("port", "port"), 0u);
  EXPECT_EQ(EditDistance("port", ""), 4u);
  EXPECT_EQ(EditDistance("", "port"), 4u);
  EXPECT_EQ(EditDistance("port", "ports"), 1u);
  EXPECT_EQ(EditDistance("port", "prt"), 1u);
  EXPECT_EQ(EditDistance("port", "part"), 1u);
  EXPECT_EQ(EditDistance("kitten", "sitting"), 3u);
  EXPECT_EQ(EditDistance("birthdate", "birthdaet"), 2u);
}

}  // namespace
}  // namespace hilum
