#include "codecs/dicom/tag.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hilum::dicom {
namespace {

TEST(TagTest, WritesAndReadsHex) {
  EXPECT_EQ(ToHex({0x0020, 0x000D}), "0020000D");
  EXPECT_EQ(ToString({0x7FE0, 0x0010}), "(7FE0,0010)");
  EXPECT_EQ(ParseHexTag("0020000d"), Tag(0x0020, 0x000D));
  for (const auto* text : {"", "0020000", "0020000DD", "0020000G", "+020000D", " 020000D"}) {
    EXPECT_FALSE(ParseHexTag(text).has_value()) << text;
  }
}

TEST(TagTest, KnowsTheValueRepresentations) {
  for (const auto* text :
       {"AE", "AS", "AT", "CS", "DA", "DS", "DT", "FD", "FL", "IS", "LO", "LT", "OB", "OD", "OF", "OL", "OV",
        "OW", "PN", "SH", "SL", "SQ", "SS", "ST", "SV", "TM", "UC", "UI", "UL", "UN", "UR", "US", "UT", "UV"}) {
    EXPECT_TRUE(Vr(text[0], text[1]).known()) << text;
  }
  for (const auto* text : {"AA", "ox", "\0\0", "??", "ZZ", "O\xFF"}) EXPECT_FALSE(Vr(text[0], text[1]).known()) << text;
  // PS3.5 7.1.2
  for (const auto* text : {"OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"}) {
    EXPECT_TRUE(Vr(text[0], text[1]).has_long_length()) << text;
  }
  EXPECT_FALSE(Vr("US").has_long_length());
  EXPECT_TRUE(Vr("UC").uses_charset());
  EXPECT_FALSE(Vr("CS").uses_charset());
  EXPECT_EQ(Vr("AT").number_size(), 4u);
  EXPECT_EQ(Vr("FD").number_size(), 8u);
  EXPECT_EQ(Vr("LO").number_size(), 0u);
}

TEST(DictionaryTest, FindsEveryEntryByTagAndByKeyword) {
  int found = 0;
  for (uint32_t group = 0; group < 0x8000; group += 2) {
    for (uint32_t element = 0; element < 0x10000; element += group < 0x0100 ? 1 : 0x11) {
      const DictionaryEntry* entry = FindTag(Tag(group, element));
      if (entry == nullptr) continue;
      ++found;
      EXPECT_TRUE(entry->vr.known()) << ToString(entry->tag);
      const DictionaryEntry* named = FindKeyword(entry->keyword);
      ASSERT_NE(named, nullptr) << entry->keyword;
      EXPECT_EQ(named->keyword, entry->keyword);
    }
  }
  EXPECT_GT(found, 3000);
}

TEST(DictionaryTest, KnowsVrAndKeyword) {
  const DictionaryEntry* study = FindKeyword("StudyInstanceUID");
  ASSERT_NE(study, nullptr);
  EXPECT_EQ(study->tag, tags::kStudyInstanceUid);
  EXPECT_EQ(study->vr, Vr("UI"));
  EXPECT_EQ(FindKeyword("PixelData")->choice, VrChoice::kObOrOw);
  EXPECT_EQ(FindKeyword("SmallestImagePixelValue")->choice, VrChoice::kUsOrSs);
  EXPECT_EQ(FindKeyword("CommandLengthToEnd")->tag, Tag(0x0000, 0x0001)) << "retired ones have their plain keyword";
  EXPECT_EQ(FindKeyword("StudyInstanceUI"), nullptr);
  EXPECT_EQ(FindKeyword(""), nullptr);
}

TEST(DictionaryTest, FindsRepeatingGroups) {
  EXPECT_EQ(FindTag({0x6002, 0x3000})->keyword, "OverlayData");
  EXPECT_EQ(FindTag({0x50FE, 0x0005})->keyword, "CurveDimensions");
  EXPECT_EQ(FindTag({0x0020, 0x3142})->keyword, "SourceImageIDs");
  EXPECT_EQ(FindTag(tags::kPixelData)->keyword, "PixelData");
}

TEST(DictionaryTest, KnowsNoPrivateAndNoUnknownTags) {
  EXPECT_EQ(FindTag({0x6001, 0x3000}), nullptr);
  EXPECT_EQ(FindTag({0x0009, 0x0010}), nullptr);
  EXPECT_EQ(FindTag({0x0008, 0xFFFF}), nullptr);
}

}  // namespace
}  // namespace hilum::dicom
