#include "codecs/multipart/writer.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/support/seeded_random.h"

namespace hilum::multipart {
namespace {

TEST(MultipartWriter, WritesTheSpellingThatViewersSearchFor) {
  testing::SeededRandom random(1);
  Writer writer(random);
  const std::string& b = writer.boundary();
  EXPECT_EQ(writer.ContentType("application/dicom"), "multipart/related; type=\"application/dicom\"; boundary=" + b);
  EXPECT_EQ(writer.PartHead({{"Content-Type", WithTransferSyntax("application/dicom", "1.2.840.10008.1.2.1")},
                             {"Content-Location", "/x"}}),
            "--" + b +
                "\r\nContent-Type: application/dicom; transfer-syntax=1.2.840.10008.1.2.1\r\n"
                "Content-Location: /x\r\n\r\n");
  EXPECT_EQ(writer.PartHead({}), "\r\n--" + b + "\r\n\r\n");
  EXPECT_EQ(writer.End(), "\r\n--" + b + "--\r\n");
}

TEST(MultipartWriter, ABodyWithoutPartsIsOneDelimiter) {
  testing::SeededRandom random(1);
  const Writer writer(random);
  EXPECT_EQ(writer.End(), "--" + writer.boundary() + "--\r\n");
  EXPECT_EQ(writer.BodyLength(0, nullptr), writer.End().size());
}

TEST(MultipartWriter, BoundariesDiffer) {
  SystemRandom random;
  EXPECT_NE(Writer(random).boundary(), Writer(random).boundary());
  EXPECT_LE(Writer(random).boundary().size(), 70u);
}

TEST(MultipartWriter, ABoundaryOfAnEntityIsKnownToTheKeyAlone) {
  const std::string boundary = Writer("key", "entity").boundary();
  EXPECT_EQ(Writer("key", "entity").boundary(), boundary);
  EXPECT_NE(Writer("key", "another").boundary(), boundary);
  EXPECT_NE(Writer("other key", "entity").boundary(), boundary);
  EXPECT_LE(boundary.size(), 70u);
}

TEST(MultipartWriter, WhatItWritesHasThePromisedLengthAndReadsBack) {
  testing::SeededRandom random(2);
  Writer writer(random);
  const std::vector<std::string> bodies = {"", "one", std::string(1000, '\r'), "\r\n--"};
  std::vector<Writer::PartSize> sizes;
  for (const auto& body : bodies) sizes.push_back({{{"Content-Length", std::to_string(body.size())}}, body.size()});
  std::string text;
  for (size_t i = 0; i < bodies.size(); ++i) text += writer.PartHead(sizes[i].headers) + bodies[i];
  text += writer.End();
  EXPECT_EQ(writer.BodyLength(sizes.size(), [&](size_t i) { return sizes[i]; }), text.size());

  const auto content_type = ParseMediaType(writer.ContentType("a/b"));
  ASSERT_TRUE(content_type.ok());
  const auto boundary = BoundaryOf(*content_type);
  ASSERT_TRUE(boundary.ok());
  Parser parser(*boundary);
  std::copy(text.begin(), text.end(), parser.Space().begin());
  parser.Filled(text.size());
  std::vector<std::string> read;
  for (auto event = parser.Next(); event.ok() && *event != Parser::Event::kEnd; event = parser.Next()) {
    ASSERT_NE(*event, Parser::Event::kNeedInput);
    if (*event == Parser::Event::kPartBegin) read.emplace_back();
    if (*event == Parser::Event::kPartData) read.back().append(parser.data());
  }
  EXPECT_EQ(read, bodies);
}

}  // namespace
}  // namespace hilum::multipart
