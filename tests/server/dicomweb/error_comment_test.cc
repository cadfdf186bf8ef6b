#include "server/dicomweb/error_comment.h"

#include <gmock/gmock.h>

#include "base/utf8.h"

namespace hilum::dicomweb {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;

size_t Characters(std::string_view text) {
  size_t characters = 0;
  for (; !text.empty(); ++characters) text.remove_prefix(Utf8SequenceLength(text));
  return characters;
}

TEST(ErrorCommentTest, ASentenceThatFitsIsOneValue) {
  EXPECT_THAT(ErrorComments("SOP Class UID is missing"), ElementsAre("SOP Class UID is missing"));
  EXPECT_THAT(ErrorComments(std::string(64, 'a')), ElementsAre(std::string(64, 'a')));
  EXPECT_THAT(ErrorComments(""), ElementsAre(""));
}

TEST(ErrorCommentTest, ALongerOneIsBrokenBetweenWords) {
  EXPECT_THAT(
      ErrorComments("another instance is stored under this SOP Instance UID; delete it first, or allow it"),
      ElementsAre("another instance is stored under this SOP Instance UID; ...", "delete it first, or allow it"));
}

TEST(ErrorCommentTest, AWordThatFitsNowhereIsBroken) {
  EXPECT_THAT(ErrorComments(std::string(70, 'a')), ElementsAre(std::string(60, 'a') + " ...", std::string(10, 'a')));
}

TEST(ErrorCommentTest, CharactersAreCountedNotBytes) {
  std::string text;
  for (int i = 0; i < 64; ++i) text += "\xC3\xA9";
  EXPECT_THAT(ErrorComments(text), ElementsAre(text));
  for (const std::string& piece : ErrorComments(text + text)) {
    EXPECT_LE(Characters(piece), 64u);
    EXPECT_TRUE(IsUtf8(piece));
  }
}

TEST(ErrorCommentTest, WhatLongStringsHaveNoPlaceForIsReplaced) {
  EXPECT_THAT(ErrorComments("a\\b\nc\xFF\x7F"), ElementsAre("a?b?c??"));
}

TEST(ErrorCommentTest, AnEndlessSentenceIsCut) {
  const std::vector<std::string> pieces = ErrorComments(std::string(100'000, 'x'));
  EXPECT_THAT(pieces, SizeIs(8));
  for (const std::string& piece : pieces) EXPECT_EQ(piece.size(), 64u);
}

}  // namespace
}  // namespace hilum::dicomweb
