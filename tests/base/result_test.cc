#include "base/result.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

namespace hilum {
namespace {

Result<int> Half(int of) {
  if (of % 2 != 0) return Invalid("odd number");
  return of / 2;
}

Result<int> Quarter(int of) {
  HILUM_ASSIGN_OR_RETURN(const int half, Half(of));
  HILUM_ASSIGN_OR_RETURN(const int quarter, Half(half));
  return quarter;
}

TEST(Result, HoldsAValueOrAStatus) {
  const Result<int> good = Half(8);
  ASSERT_TRUE(good.ok());
  EXPECT_EQ(*good, 4);
  EXPECT_TRUE(good.status().ok());

  const Result<int> bad = Half(3);
  EXPECT_FALSE(bad.ok());
  EXPECT_EQ(bad.status().message(), "odd number");
}

TEST(Result, AssignOrReturnStopsAtTheFirstError) {
  EXPECT_EQ(*Quarter(8), 2);
  EXPECT_FALSE(Quarter(6).ok());
  EXPECT_FALSE(Quarter(3).ok());
}

TEST(Result, MovesValuesThatCannotBeCopied) {
  Result<std::unique_ptr<std::string>> result = std::make_unique<std::string>("owned");
  ASSERT_TRUE(result.ok());
  EXPECT_EQ((*result)->size(), 5u);
  const std::unique_ptr<std::string> taken = *std::move(result);
  EXPECT_EQ(*taken, "owned");
}

TEST(Result, ArrowReachesMembers) {
  Result<std::string> result = std::string("abc");
  ASSERT_TRUE(result.ok());
  result->push_back('d');
  EXPECT_EQ(result.value(), "abcd");
}

TEST(ResultDeathTest, TheValueOfAnErrorIsAProgrammersMistake) {
#ifndef NDEBUG
  EXPECT_DEATH(
      {
        Result<int> result = Half(3);
        std::string(static_cast<size_t>(result.value()), 'x');
      },
      "ok\\(\\)");
#endif
}

}  // namespace
}  // namespace hilum
