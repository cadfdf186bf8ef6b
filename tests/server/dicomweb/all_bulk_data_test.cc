// Bulk data and pixel data of whole studies, series and instances (PS3.18 10.4.1.1.5, 10.4.1.1.6, 10.4.3.3.5,
// 10.4.3.3.6).
#include <gmock/gmock.h>

#include "tests/codecs/dicom/part10_builder.h"
#include "tests/server/dicomweb/service_fixture.h"

namespace hilum::dicomweb {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::HttpAnswer;
using ::testing::Not;
namespace t = dicom::tags;

constexpr char kStudy[] = "/dicom-web/studies/1.2.1";
constexpr char kOctetStream[] = "application/octet-stream";
constexpr char kNative[] = "application/octet-stream; transfer-syntax=1.2.840.10008.1.2.1";

struct Part {
  std::string type, location, warning, body;
};

class AllBulkDataTest : public testing::ServiceFixture {
 protected:
  static std::string Frames(const std::string& series, const std::string& sop, const std::string& letters,
                            const std::string& overlay = "") {
    auto out = testing::BeginImage({.sop = sop, .series = series, .frames = letters.size()});
    if (!overlay.empty()) out.Add({0x6000, 0x3000}, "OB", overlay);
    out.Add(t::kPixelData, "OB", testing::LetterFrames(letters));
    return out.Take();
  }
  static std::string Document(const std::string& sop, const std::string& document) {
    dicom::Part10Writer out("1.2.840.10008.5.1.4.1.1.104.1", sop);
    out.Add(t::kSopClassUid, "UI", "1.2.840.10008.5.1.4.1.1.104.1");
    out.Add(t::kSopInstanceUid, "UI", sop);
    out.Add(t::kStudyInstanceUid, "UI", "1.2.1");
    out.Add(t::kSeriesInstanceUid, "UI", "1.2.1.3");
    out.Add({0x0042, 0x0011}, "OB", document);
    return out.Take();
  }

  void SetUp() override {
    ServiceFixture::SetUp();
    ASSERT_TRUE(Ingest(Frames("1.2.1.1", "1.2.1.1.1", "a")).stored());
    ASSERT_TRUE(Ingest(Frames("1.2.1.2", "1.2.1.2.1", "bcd", overlay_)).stored());
    ASSERT_TRUE(Ingest(Document("1.2.1.3.1", document_)).stored());
  }

  static std::vector<Part> Parts(const HttpAnswer& answer) {
    std::vector<Part> parts;
    const std::string type = answer.Header("Content-Type").value_or("");
    const size_t at = type.find("boundary=");
    if (answer.status != 200 || at == std::string::npos) {
      ADD_FAILURE() << answer.status << " " << type;
      return parts;
    }
    const std::string line = "--" + type.substr(at + 9);
    const std::string body = "\r\n" + answer.body;
    for (size_t begin = body.find("\r\n" + line); begin != std::string::npos;) {
      const size_t end = body.find("\r\n" + line, begin + 1);
      if (end == std::string::npos) break;  // that was the end: "--boundary--"
      const size_t head = begin + 4 + line.size(), blank = body.find("\r\n\r\n", begin);
      const std::string lines = body.substr(head, blank + 2 - head);
      const auto field = [&](const std::string& name) -> std::string {
        const size_t found = lines.find(name + ": ");
        if (found == std::string::npos) return "";
        const size_t value = found + name.size() + 2;
        return lines.substr(value, lines.find("\r\n", value) - value);
      };
      parts.push_back({field("Content-Type"), field("Content-Location"), field("Warning"),
                       body.substr(blank + 4, end - blank - 4)});
      begin = end;
    }
    return parts;
  }
  std::string At(const std::string& rest) const { return base_ + kStudy + "/series/" + rest; }
  static std::vector<std::string> Locations(const std::vector<Part>& parts) {
    std::vector<std::string> all;
    for (const Part& part : parts) all.push_back(part.location);
    return all;
  }

  const std::string overlay_ = std::string(2000, 'o');
  const std::string document_ = "%PDF-1.7" + std::string(3000, ' ');
  const std::string first_ = "1.2.1.1/instances/1.2.1.1.1", second_ = "1.2.1.2/instances/1.2.1.2.1",
                    third_ = "1.2.1.3/instances/1.2.1.3.1";
};

TEST_F(AllBulkDataTest, PixelDataOfAStudyAreTheElementsThatTheMetadataReferTo) {
  for (const char* const accept : {"Accept: */*", "Accept: multipart/related; type=\"application/octet-stream\"",
                                   "Accept: application/octet-stream"}) {
    const HttpAnswer answer = Get(std::string(kStudy) + "/pixeldata", {accept});
    EXPECT_THAT(answer.Header("Content-Type").value_or(""), HasSubstr("type=\"application/octet-stream\""));
    const std::vector<Part> parts = Parts(answer);
    ASSERT_THAT(Locations(parts), ElementsAre(At(first_ + "/bulkdata/7FE00010"), At(second_ + "/bulkdata/7FE00010")));
    EXPECT_EQ(parts[0].type, kNative);
    EXPECT_EQ(parts[1].type, kNative);
    EXPECT_TRUE(parts[0].body == std::string(256, 'a'));
    EXPECT_TRUE(parts[1].body == std::string(256, 'b') + std::string(256, 'c') + std::string(256, 'd'));
    EXPECT_EQ(parts[0].warning + parts[1].warning, "");
  }
  const std::string metadata = Get(std::string(kStudy) + "/metadata").body;
  EXPECT_THAT(metadata, HasSubstr("\"BulkDataURI\":\"" + At(second_ + "/bulkdata/7FE00010") + "\""));
  EXPECT_THAT(Locations(Parts(Get(std::string(kStudy) + "/series/1.2.1.2/pixeldata"))),
              ElementsAre(At(second_ + "/bulkdata/7FE00010")));
}

TEST_F(AllBulkDataTest, CompressedPixelDataAreTheFramesWhereThereAreSeveral) {
  const std::vector<Part> parts =
      Parts(Get(std::string(kStudy) + "/pixeldata", {"Accept: multipart/related; type=\"image/jls\""}));
  ASSERT_THAT(Locations(parts), ElementsAre(At(first_ + "/bulkdata/7FE00010"), At(second_ + "/frames/1"),
                                            At(second_ + "/frames/2"), At(second_ + "/frames/3")));
  for (const Part& part : parts) {
    EXPECT_EQ(part.type, "image/jls; transfer-syntax=1.2.840.10008.1.2.4.80");
    EXPECT_TRUE(part.body.starts_with("\xFF\xD8\xFF\xF7"));
  }
  const HttpAnswer alone = Get(parts[2].location.substr(base_.size()), {"Accept: image/jls"});
  EXPECT_TRUE(alone.body == parts[2].body) << "the location is of what it says";
}

TEST_F(AllBulkDataTest, BulkDataAreAllValuesThatTheMetadataReferTo) {
  const std::vector<Part> parts = Parts(Get(std::string(kStudy) + "/bulkdata"));
  ASSERT_THAT(Locations(parts), ElementsAre(At(first_ + "/bulkdata/7FE00010"), At(second_ + "/bulkdata/60003000"),
                                            At(second_ + "/bulkdata/7FE00010"), At(third_ + "/bulkdata/00420011")));
  EXPECT_EQ(parts[1].type, kOctetStream);
  EXPECT_TRUE(parts[1].body == overlay_);
  EXPECT_EQ(parts[3].type, "application/pdf");
  EXPECT_TRUE(parts[3].body == document_);
  for (const Part& part : parts) {
    const HttpAnswer alone = Get(part.location.substr(base_.size()), {"Accept: application/octet-stream"});
    EXPECT_TRUE(alone.body == part.body) << part.location;
  }
  EXPECT_THAT(Locations(Parts(Get(std::string(kStudy) + "/series/1.2.1.3/bulkdata"))),
              ElementsAre(At(third_ + "/bulkdata/00420011")));
  EXPECT_THAT(Locations(Parts(Get("/dicom-web/studies/1.2.1/series/" + second_ + "/bulkdata"))),
              ElementsAre(At(second_ + "/bulkdata/60003000"), At(second_ + "/bulkdata/7FE00010")));
}

TEST_F(AllBulkDataTest, WhatAnImageTypeCannotHoldComesAsItIs) {
  const std::vector<Part> parts =
      Parts(Get(std::string(kStudy) + "/bulkdata", {"Accept: multipart/related; type=\"image/jp2\""}));
  ASSERT_EQ(parts.size(), 6u);
  EXPECT_EQ(parts[0].type, "image/jp2; transfer-syntax=1.2.840.10008.1.2.4.90");
  EXPECT_EQ(parts[1].type, kOctetStream) << "an overlay";
  EXPECT_EQ(parts[5].type, "application/pdf");
}

TEST_F(AllBulkDataTest, WhatIsNotThereIsNotFoundAndWhatCannotBeMadeNotAcceptable) {
  EXPECT_EQ(Get(std::string(kStudy) + "/series/1.2.1.3/pixeldata").status, 404);
  EXPECT_EQ(Get("/dicom-web/studies/1.2.9/bulkdata").status, 404);
  EXPECT_EQ(Get(std::string(kStudy) + "/pixeldata", {"Accept: video/mp4"}).status, 406);
  EXPECT_EQ(Get(std::string(kStudy) + "/bulkdata", {"Accept: text/html"}).status, 406);
  EXPECT_EQ(Get(std::string(kStudy) + "/series/1.2.1.3/pixeldata", {"Accept: video/mp4"}).status, 404);
  EXPECT_EQ(testing::Fetch("DELETE", base_ + kStudy + "/bulkdata").status, 405);
}

TEST_F(AllBulkDataTest, ARefusalSaysWhatCanBeHad) {
  const std::string pixels = Get(std::string(kStudy) + "/pixeldata", {"Accept: video/mp4"}).body;
  const std::string all = Get(std::string(kStudy) + "/bulkdata", {"Accept: video/mp4"}).body;
  for (const std::string& answer : {pixels, all}) {
    EXPECT_THAT(answer, HasSubstr("pixel data "));
    EXPECT_THAT(answer, HasSubstr("as stored, 1.2.840.10008.1.2.1, as multipart/related; type="));
    EXPECT_THAT(answer, HasSubstr("image/jls; transfer-syntax=1.2.840.10008.1.2.4.80"));
  }
  EXPECT_THAT(all, HasSubstr("documents as application/pdf"));
  const std::string document = Get(std::string(kStudy) + "/series/1.2.1.3/bulkdata", {"Accept: video/mp4"}).body;
  EXPECT_THAT(document, HasSubstr("bulk data can be had as multipart/related; type="));
  EXPECT_THAT(document, Not(HasSubstr("pixel data")));
  const std::string element =
      Get(std::string(kStudy) + "/series/" + first_ + "/bulkdata/7FE00010", {"Accept: video/mp4"}).body;
  EXPECT_THAT(element, HasSubstr("image/jls; transfer-syntax=1.2.840.10008.1.2.4.80"));
}

TEST_F(AllBulkDataTest, WhatIsKnownIsNotSentAgain) {
  for (const char* const resource : {"/pixeldata", "/bulkdata"}) {
    const std::string path = std::string(kStudy) + resource;
    const std::string tag = Get(path).Header("ETag").value_or("");
    EXPECT_EQ(tag.substr(0, 2), "W/");
    EXPECT_EQ(Get(path, {"If-None-Match: " + tag}).status, 304);
    EXPECT_NE(Get(path, {"Accept: multipart/related; type=\"image/jp2\""}).Header("ETag"), tag);
    const HttpAnswer head = testing::Fetch("HEAD", base_ + path);
    EXPECT_EQ(head.status, 200);
    EXPECT_EQ(head.body, "");
  }
}

TEST_F(AllBulkDataTest, DamagedPixelsComeAsTheyAreStoredAndSaySo) {
  const std::string broken("no codestream at all");
  auto out = testing::BeginImage({.sop = "1.2.1.1.2", .transfer_syntax = "1.2.840.10008.1.2.4.90"});
  const std::vector<Bytes> fragments = {broken};
  out.AddFragments(t::kPixelData, fragments);
  ASSERT_TRUE(Ingest(out.Take()).stored());

  const std::vector<Part> parts = Parts(Get(std::string(kStudy) + "/pixeldata"));
  ASSERT_EQ(parts.size(), 3u);
  EXPECT_EQ(parts[1].location, At("1.2.1.1/instances/1.2.1.1.2/bulkdata/7FE00010"));
  EXPECT_EQ(parts[1].type, "image/jp2; transfer-syntax=1.2.840.10008.1.2.4.90");
  EXPECT_THAT(parts[1].warning, HasSubstr("sent as it is stored"));
  EXPECT_TRUE(parts[1].body == broken);
  EXPECT_TRUE(parts[2].body.starts_with("bbb")) << "the others do not suffer";
  EXPECT_EQ(Get(std::string(kStudy) + "/series/1.2.1.1/instances/1.2.1.1.2/pixeldata").status, 400) << "alone";
}

TEST_F(AllBulkDataTest, BulkDataAreLittleEndianWhateverIsStored) {
  using dicom::testing::DataSet;
  const dicom::testing::Encoding big = dicom::testing::kExplicitBig;
  std::string words;
  for (int i = 0; i < 600; ++i) words += "\x01\x02";
  DataSet set(big);
  set.Text(t::kSopClassUid, "UI", "1.2.840.10008.5.1.4.1.1.7")
      .Text(t::kSopInstanceUid, "UI", "1.2.5.1.1")
      .Text(t::kStudyInstanceUid, "UI", "1.2.5")
      .Text(t::kSeriesInstanceUid, "UI", "1.2.5.1")
      .Numbers(t::kSamplesPerPixel, "US", {1})
      .Text(t::kPhotometricInterpretation, "CS", "MONOCHROME2")
      .Numbers(t::kRows, "US", {2})
      .Numbers(t::kColumns, "US", {2})
      .Numbers(t::kBitsAllocated, "US", {16})
      .Numbers({0x0028, 0x0101}, "US", {16})
      .Numbers({0x0028, 0x0102}, "US", {15})
      .Numbers({0x0028, 0x0103}, "US", {0})
      .Raw({0x0029, 0x1010}, "OW", words)
      .Raw(t::kPixelData, "OW", "ABCDEFGH");
  ASSERT_TRUE(Ingest(dicom::testing::Part10(set)).stored());
  const std::vector<Part> parts = Parts(Get("/dicom-web/studies/1.2.5/bulkdata"));
  ASSERT_EQ(parts.size(), 2u);
  EXPECT_EQ(parts[0].body.substr(0, 4), "\x02\x01\x02\x01");
  EXPECT_EQ(parts[1].body, "BADCFEHG");
  EXPECT_EQ(parts[1].type, kNative);
  for (const Part& part : parts) {
    const std::string path = part.location.substr(base_.size());
    EXPECT_TRUE(Get(path, {"Accept: application/octet-stream"}).body == part.body) << path;
    EXPECT_TRUE(Parts(Get(path)).at(0).body == part.body) << path;
  }
}

TEST_F(AllBulkDataTest, CellsOf32BitsAreTurnedAsAWhole) {
  using dicom::testing::DataSet;
  DataSet set(dicom::testing::kExplicitBig);
  set.Text(t::kSopClassUid, "UI", "1.2.840.10008.5.1.4.1.1.481.2")
      .Text(t::kSopInstanceUid, "UI", "1.2.6.1.1")
      .Text(t::kStudyInstanceUid, "UI", "1.2.6")
      .Text(t::kSeriesInstanceUid, "UI", "1.2.6.1")
      .Numbers(t::kSamplesPerPixel, "US", {1})
      .Text(t::kPhotometricInterpretation, "CS", "MONOCHROME2")
      .Numbers(t::kRows, "US", {1})
      .Numbers(t::kColumns, "US", {2})
      .Numbers(t::kBitsAllocated, "US", {32})
      .Numbers({0x0028, 0x0101}, "US", {32})
      .Numbers({0x0028, 0x0102}, "US", {31})
      .Numbers({0x0028, 0x0103}, "US", {0})
      .Raw(t::kPixelData, "OW", "ABCDEFGH");
  ASSERT_TRUE(Ingest(dicom::testing::Part10(set)).stored());
  const std::string instance = "/dicom-web/studies/1.2.6/series/1.2.6.1/instances/1.2.6.1.1";
  for (const char* const path : {"/bulkdata/7FE00010", "/frames/1", "/pixeldata"})
    EXPECT_EQ(Get(instance + path, {"Accept: application/octet-stream"}).body, "DCBAHGFE") << path;
  EXPECT_EQ(Parts(Get(instance + "/bulkdata")).at(0).body, "DCBAHGFE");
}

TEST_F(AllBulkDataTest, AnIconIsFoundWhereTheMetadataSaysIt) {
  using dicom::testing::DataSet;
  DataSet icon;
  icon.Header(t::kPixelData, "OB", dicom::testing::kUndefined)
      .Raw(std::string("\xFE\xFF\x00\xE0\0\0\0\0", 8))
      .Raw(std::string("\xFE\xFF\x00\xE0\x04\0\0\0ICON", 12))
      .Raw(std::string("\xFE\xFF\xDD\xE0\0\0\0\0", 8));
  DataSet set;
  set.Text(t::kSopClassUid, "UI", "1.2.840.10008.5.1.4.1.1.7")
      .Text(t::kSopInstanceUid, "UI", "1.2.6.1.1")
      .Text(t::kStudyInstanceUid, "UI", "1.2.6")
      .Text(t::kSeriesInstanceUid, "UI", "1.2.6.1")
      .Sequence({0x0088, 0x0200}, {icon});
  ASSERT_TRUE(Ingest(dicom::testing::Part10(dicom::testing::kJpegBaseline.uid, set.bytes())).stored());
  const std::string path = "/dicom-web/studies/1.2.6/series/1.2.6.1/instances/1.2.6.1.1/bulkdata/00880200/0/7FE00010";
  EXPECT_THAT(Get("/dicom-web/studies/1.2.6/metadata").body, HasSubstr(path));
  EXPECT_EQ(Get(path, {"Accept: application/octet-stream"}).body, "ICON");
  const std::vector<Part> parts = Parts(Get("/dicom-web/studies/1.2.6/bulkdata"));
  ASSERT_EQ(parts.size(), 1u);
  EXPECT_EQ(parts[0].location, base_ + path);
  EXPECT_EQ(parts[0].type, "image/jpeg; transfer-syntax=1.2.840.10008.1.2.4.50");
  EXPECT_EQ(parts[0].body, "ICON");
}

}  // namespace
}  // namespace hilum::dicomweb
