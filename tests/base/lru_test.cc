#include "base/lru.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace hilum {
namespace {

using Words = Lru<std::string, std::string>;

// What the cache holds for a key, without telling a missing value from an empty one.
std::string In(Words& words, const std::string& key) {
  const std::string* found = words.Find(key);
  return found ? *found : "";
}

TEST(LruTest, FindsWhatWasPut) {
  Words words(10);
  EXPECT_EQ(*words.Put("a", "alpha"), "alpha");
  EXPECT_EQ(In(words, "a"), "alpha");
  EXPECT_EQ(words.Find("b"), nullptr);
}

TEST(LruTest, TheLongestUnusedMakesRoom) {
  Words words(2);
  words.Put("a", "alpha");
  words.Put("b", "beta");
  EXPECT_EQ(In(words, "a"), "alpha");  // used after b
  words.Put("c", "gamma");
  EXPECT_EQ(words.Find("b"), nullptr);
  EXPECT_EQ(In(words, "a"), "alpha");
  EXPECT_EQ(In(words, "c"), "gamma");
}

TEST(LruTest, OneCostlyValueMakesManyCheapOnesGo) {
  Words words(10);
  for (const char* key : {"a", "b", "c", "d", "e"}) words.Put(key, key, 2);
  words.Put("f", "f", 5);
  EXPECT_EQ(words.Find("a"), nullptr);
  EXPECT_EQ(words.Find("c"), nullptr);
  EXPECT_EQ(In(words, "d"), "d");
  EXPECT_EQ(In(words, "e"), "e");
  EXPECT_EQ(In(words, "f"), "f");
}

TEST(LruTest, AValueOfTheWholeLimitIsKept) {
  Words words(10);
  words.Put("a", "alpha");
  EXPECT_NE(words.Put("b", "beta", 10), nullptr);
  EXPECT_EQ(words.Find("a"), nullptr);
  EXPECT_EQ(In(words, "b"), "beta");
}

TEST(LruTest, WhatCostsMoreThanTheLimitPushesOutNothing) {
  Words words(10);
  words.Put("a", "alpha", 10);
  EXPECT_EQ(words.Put("b", "beta", 11), nullptr);
  EXPECT_EQ(words.Find("b"), nullptr);
  EXPECT_EQ(In(words, "a"), "alpha");
}

TEST(LruTest, AnotherValueTakesThePlaceOfTheFirstAndOfItsCost) {
  Words words(10);
  words.Put("a", "alpha", 9);
  words.Put("a", "aleph", 3);
  EXPECT_EQ(In(words, "a"), "aleph");
  words.Put("b", "beta", 7);
  EXPECT_EQ(In(words, "a"), "aleph");
  EXPECT_EQ(In(words, "b"), "beta");
}

TEST(LruTest, AnotherValueThatIsTooCostlyLeavesNone) {
  Words words(10);
  words.Put("a", "alpha");
  EXPECT_EQ(words.Put("a", "aleph", 11), nullptr);
  EXPECT_EQ(words.Find("a"), nullptr);
}

TEST(LruTest, WhatIsDroppedMakesRoomAndIsDestroyed) {
  Lru<int, std::shared_ptr<int>> shared(2);
  const auto value = std::make_shared<int>(7);
  shared.Put(1, value);
  shared.Put(2, nullptr);
  shared.Drop(1);
  shared.Drop(1);
  EXPECT_EQ(shared.Find(1), nullptr);
  EXPECT_EQ(value.use_count(), 1);
  shared.Put(3, nullptr);
  EXPECT_NE(shared.Find(2), nullptr);
}

TEST(LruTest, ALimitOfNothingKeepsNothing) {
  Words words(0);
  EXPECT_EQ(words.Put("a", "alpha"), nullptr);
  EXPECT_EQ(words.Find("a"), nullptr);
}

}  // namespace
}  // namespace hilum
