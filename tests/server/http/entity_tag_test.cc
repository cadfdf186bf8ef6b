#include "server/http/entity_tag.h"

#include <gtest/gtest.h>

namespace hilum::http {
namespace {

bool Names(std::string_view list, std::string_view tag) {
  return AnyTag(list, [&](std::string_view one) { return one == tag; });
}

TEST(EntityTagTest, ListsAreReadTagByTag) {
  EXPECT_TRUE(Names("\"a\"", "\"a\""));
  EXPECT_TRUE(Names(" \"x\" ,, W/\"a\"\t,\"b\"", "W/\"a\""));
  EXPECT_TRUE(Names("*", "\"a\""));
  EXPECT_TRUE(Names("\"x,y\", \"a\"", "\"a\"")) << "a comma may be part of a tag";
  EXPECT_FALSE(Names("\"ba\"", "\"a\""));
  EXPECT_FALSE(Names("\"x\", *", "\"a\""));
}

TEST(EntityTagTest, WhatIsNoListNamesNothingMore) {
  for (const char* const list : {"", "a", "\"a", "W/", "W/a", "\"b\" \"a\"", "w/\"a\"", ", a"})
    EXPECT_FALSE(Names(list, "\"a\"")) << list;
}

TEST(EntityTagTest, WeakTagsAreEqualOnlyWeakly) {
  EXPECT_TRUE(EqualStrongly("\"a\"", "\"a\""));
  EXPECT_FALSE(EqualStrongly("W/\"a\"", "W/\"a\""));
  EXPECT_FALSE(EqualStrongly("\"a\"", "W/\"a\""));
  EXPECT_TRUE(EqualWeakly("\"a\"", "W/\"a\""));
  EXPECT_TRUE(EqualWeakly("W/\"a\"", "W/\"a\""));
  EXPECT_FALSE(EqualWeakly("W/\"a\"", "W/\"b\""));
}

}  // namespace
}  // namespace hilum::http
