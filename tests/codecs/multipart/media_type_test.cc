#include "codecs/multipart/media_type.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace hilum::multipart {
namespace {

using Parameters = std::vector<std::pair<std::string, std::string>>;

struct Reading {
  std::string text;
  std::string essence;
  Parameters parameters;
};

TEST(MediaType, ReadsWhatClientsWrite) {
  const Reading table[] = {
      {"application/dicom", "application/dicom", {}},
      {" Application/DICOM+json ", "application/dicom+json", {}},
      {"multipart/related; type=\"application/dicom\"; boundary=abc",
       "multipart/related",
       {{"type", "application/dicom"}, {"boundary", "abc"}}},
      {"multipart/related;type=application/dicom;boundary=\"a b=c\"",
       "multipart/related",
       {{"type", "application/dicom"}, {"boundary", "a b=c"}}},
      {"multipart/related; Boundary=\"q\\\"uo\\\\te;,\"; TYPE=\"Image/JPEG\"",
       "multipart/related",
       {{"boundary", "q\"uo\\te;,"}, {"type", "Image/JPEG"}}},
      {"multipart/related; boundary=gc0p4Jq0M2Yt08j34c0p=:/?,",
       "multipart/related",
       {{"boundary", "gc0p4Jq0M2Yt08j34c0p=:/?,"}}},
      {"application/json; charset=UTF-8", "application/json", {{"charset", "UTF-8"}}},
      {"application/dicom ; transfer-syntax = * ;", "application/dicom", {{"transfer-syntax", "*"}}},
      {"text/plain;;;a=1; b;=c;a=2", "text/plain", {{"a", "1"}, {"a", "2"}}},
      {"text/plain; empty=\"\"; none=", "text/plain", {{"empty", ""}, {"none", ""}}},
      {"*/*", "*/*", {}},
      {"image/*", "image/*", {}},
  };
  for (const Reading& row : table) {
    const auto media_type = ParseMediaType(row.text);
    ASSERT_TRUE(media_type.ok()) << row.text << ": " << media_type.status().message();
    EXPECT_EQ(media_type->Essence(), row.essence) << row.text;
    EXPECT_EQ(media_type->parameters, row.parameters) << row.text;
  }
}

TEST(MediaType, RefusesWhatHasNoTypeOrDoesNotEnd) {
  for (const char* text : {"", " ", "application", "/dicom", "application/", "app lication/dicom", "a/b/c", ";a=b",
                           "multipart/related; boundary=\"abc"}) {
    EXPECT_EQ(ParseMediaType(text).status().code(), Code::kInvalid) << text;
  }
}

TEST(MediaType, PrintsSoThatItReadsBack) {
  const MediaType media_type{
      "multipart", "related", {{"type", "application/dicom"}, {"boundary", "x\"\\y"}, {"a", "b"}}};
  EXPECT_EQ(media_type.ToString(), R"(multipart/related; type="application/dicom"; boundary="x\"\\y"; a=b)");
  const auto back = ParseMediaType(media_type.ToString());
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(*back, media_type);
}

TEST(MediaType, TheFirstParameterOfANameCounts) {
  const auto media_type = ParseMediaType("a/b; x=1; X=2");
  ASSERT_TRUE(media_type.ok());
  EXPECT_EQ(media_type->Parameter("x"), "1");
  EXPECT_EQ(media_type->Parameter("y"), std::nullopt);
}

std::vector<std::pair<std::string, int>> Accepted(std::string_view text) {
  std::vector<std::pair<std::string, int>> entries;
  for (const AcceptEntry& entry : ParseAccept(text)) entries.emplace_back(entry.media_type.ToString(), entry.q);
  return entries;
}

using Entries = std::vector<std::pair<std::string, int>>;

TEST(Accept, OrdersByWeightAndKeepsTheOrderOfEquals) {
  EXPECT_EQ(Accepted("a/a;q=0.5, b/b, c/c;q=0.75, d/d;Q=1.0, e/e;q=0"),
            (Entries{{"b/b", 1000}, {"d/d", 1000}, {"c/c", 750}, {"a/a", 500}, {"e/e", 0}}));
}

TEST(Accept, KeepsParametersWithCommasAndSlashes) {
  EXPECT_EQ(Accepted("multipart/related; type=\"application/dicom\"; transfer-syntax=*, "
                     "multipart/related; type=image/jpeg;q=.9;transfer-syntax=1.2, x/y; z=\"a,b\""),
            (Entries{{"multipart/related; type=\"application/dicom\"; transfer-syntax=*", 1000},
                     {"x/y; z=\"a,b\"", 1000},
                     {"multipart/related; type=\"image/jpeg\"; transfer-syntax=1.2", 900}}));
}

TEST(Accept, SkipsJunkAndKeepsTheRest) {
  EXPECT_EQ(Accepted("junk, , a/b, ;q=1, /, c/d;x=\"open, e/f"), (Entries{{"a/b", 1000}, {"e/f", 1000}}));
  EXPECT_EQ(Accepted("text/html, image/gif, *; q=.2, */*; q=.2"),
            (Entries{{"text/html", 1000}, {"image/gif", 1000}, {"*/*", 200}, {"*/*", 200}}));
  EXPECT_EQ(Accepted(""), Entries{});
}

TEST(Accept, NothingIsReadBehindSixtyFourEntries) {
  std::string text = "a/b;q=0.5";
  for (int i = 0; i < 62; ++i) text += ", junk";
  EXPECT_EQ(Accepted(text + ", c/d, e/f"), (Entries{{"c/d", 1000}, {"a/b", 500}}));
}

TEST(Accept, AWeightThatIsNoneCountsAsOne) {
  for (const char* weight : {"", "x", "2", "-1", "1e1", "0.5x", ".5.5", "\"\""}) {
    EXPECT_EQ(Accepted(std::string("a/b;q=") + weight), (Entries{{"a/b", 1000}})) << weight;
  }
  EXPECT_EQ(Accepted("a/b;q=0.12345"), (Entries{{"a/b", 123}}));
  EXPECT_EQ(Accepted("a/b;q=1.9"), (Entries{{"a/b", 1000}}));
}

TEST(Refusals, TheClosestEntryOfATypeCounts) {
  const auto refuses = [](std::string_view accept) { return Refuses(ParseAccept(accept), "image/jpeg"); };
  EXPECT_TRUE(refuses("*/*, image/jpeg;q=0"));
  EXPECT_TRUE(refuses("*/*, image/*;q=0"));
  EXPECT_TRUE(refuses("image/*, IMAGE/JPEG; q=0.000"));
  EXPECT_FALSE(refuses("image/*;q=0, image/jpeg;q=0.1"));
  EXPECT_FALSE(refuses("image/png;q=0, */*"));
  EXPECT_FALSE(refuses("image/jpeg;q=0, image/jpeg"));
  EXPECT_FALSE(refuses("image/jpeg; transfer-syntax=1.2;q=0, */*"));
  EXPECT_FALSE(refuses("application/dicom, */*;q=0"));
}

TEST(Refusals, PartsAreRefusedByTheirOwnNameOrThatOfTheWhole) {
  const auto refuses = [](std::string_view accept) { return RefusesParts(ParseAccept(accept), "image/jpeg"); };
  EXPECT_TRUE(refuses("multipart/related;q=0, */*"));
  EXPECT_TRUE(refuses("multipart/*;q=0, image/jpeg"));
  EXPECT_TRUE(refuses("multipart/related; type=\"image/jpeg\";q=0, multipart/related"));
  EXPECT_TRUE(refuses("image/jpeg;q=0, */*"));
  EXPECT_FALSE(refuses("multipart/related; type=\"image/jp2\";q=0, */*"));
  EXPECT_FALSE(refuses("multipart/related;q=0, multipart/related; type=image/jpeg"));
  EXPECT_FALSE(refuses("image/jpeg;q=0, multipart/related; type=image/jpeg"));
  EXPECT_FALSE(refuses("image/jpeg;q=0, multipart/related"));
}

}  // namespace
}  // namespace hilum::multipart
