// Rendered forms that are no pictures: documents, reports, videos.
#include <gmock/gmock.h>

#include "tests/server/dicomweb/service_fixture.h"

namespace hilum::dicomweb {
namespace {

using ::testing::HasSubstr;
using testing::HttpAnswer;

class DocumentsTest : public testing::ServiceFixture {
 protected:
  static constexpr const char* kRendered = "/dicom-web/studies/1.2/series/1.2.1/instances/1.2.1.1/rendered";
  static constexpr const char* kUri = "/wado?requestType=WADO&studyUID=1.2&seriesUID=1.2.1&objectUID=1.2.1.1";

  static dicom::Part10Writer Begin(const std::string& sop_class, const std::string& syntax = "1.2.840.10008.1.2.1") {
    namespace t = dicom::tags;
    dicom::Part10Writer out(sop_class, "1.2.1.1", syntax);
    out.Add(t::kSopClassUid, "UI", sop_class);
    out.Add(t::kSopInstanceUid, "UI", "1.2.1.1");
    out.Add(t::kPatientId, "LO", "P1");
    out.Add(t::kStudyInstanceUid, "UI", "1.2");
    out.Add(t::kSeriesInstanceUid, "UI", "1.2.1");
    return out;
  }

  static constexpr const char* kInstance = "/dicom-web/studies/1.2/series/1.2.1/instances/1.2.1.1";
  static constexpr const char* kBulkData = "/dicom-web/studies/1.2/series/1.2.1/instances/1.2.1.1/bulkdata/00420011";

  void PutDocument(const std::string& sop_class, const std::string& document,
                   const std::string& stated_type = "text/html") {
    dicom::Part10Writer out = Begin(sop_class);
    out.Add({0x0042, 0x0011}, "OB", document);
    out.Add({0x0042, 0x0012}, "LO", stated_type);
    std::string length;
    AppendLe(&length, static_cast<uint32_t>(document.size()));
    out.Add({0x0042, 0x0015}, "UL", length);
    ASSERT_TRUE(Ingest(out.Take()).stored());
  }

  // The same page at every level and by every service, and one frame.
  void ExpectPages() {
    const std::string page = Get(kRendered, {"Accept: image/jpeg"}).body, study = "/dicom-web/studies/1.2";
    EXPECT_TRUE(page.starts_with("\xFF\xD8"));
    for (const std::string& path :
         {study, study + "/series/1.2.1", std::string(kInstance), kInstance + std::string("/frames/1")}) {
      const HttpAnswer rendered = Get(path + "/rendered"), thumbnail = Get(path + "/thumbnail?viewport=512,512");
      EXPECT_EQ(rendered.status, 200) << path;
      EXPECT_TRUE(rendered.body == page) << path;
      EXPECT_EQ(thumbnail.status, 200) << path;
      EXPECT_TRUE(thumbnail.body == page) << path;
    }
    EXPECT_TRUE(Get(std::string(kUri) + "&contentType=image/jpeg").body == page);
    EXPECT_TRUE(Get(std::string(kUri) + "&frameNumber=1").body == page);
    for (const char* const what : {"/frames/2/rendered", "/frames/1,2/rendered", "/frames/2/thumbnail"})
      EXPECT_EQ(Get(kInstance + std::string(what)).status, 404) << what;
    EXPECT_EQ(Get(std::string(kUri) + "&frameNumber=2").status, 400);
  }

  void PutVideo(const std::vector<std::string>& fragments) {
    dicom::Part10Writer out = Begin("1.2.840.10008.5.1.4.1.1.77.1.1.1", "1.2.840.10008.1.2.4.102");
    out.AddUint16(dicom::tags::kSamplesPerPixel, 3);
    out.Add(dicom::tags::kPhotometricInterpretation, "CS", "YBR_PARTIAL_420");
    out.Add(dicom::tags::kNumberOfFrames, "IS", "2");
    out.AddUint16(dicom::tags::kRows, 1080);
    out.AddUint16(dicom::tags::kColumns, 1920);
    out.AddUint16(dicom::tags::kBitsAllocated, 8);
    std::string file = out.Take();
    file.append("\xE0\x7F\x10\x00OB\0\0\xFF\xFF\xFF\xFF\xFE\xFF\x00\xE0\0\0\0\0", 20);
    for (const std::string& fragment : fragments) {
      file.append("\xFE\xFF\x00\xE0", 4);
      AppendLe(&file, static_cast<uint32_t>(fragment.size()));
      file += fragment;
    }
    file.append("\xFE\xFF\xDD\xE0\0\0\0\0", 8);
    ASSERT_TRUE(Ingest(file).stored());
  }
};

TEST_F(DocumentsTest, APdfComesWithoutItsPadding) {
  PutDocument("1.2.840.10008.5.1.4.1.1.104.1", "%PDF-1.7 odd");
  const HttpAnswer answer = Get(kRendered);
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.Header("Content-Type"), "application/pdf");
  EXPECT_EQ(answer.body, "%PDF-1.7 odd");
  EXPECT_EQ(Get(kRendered, {"Range: bytes=0-3"}).body, "%PDF");
  EXPECT_EQ(Get(kUri).Header("Content-Type"), "application/pdf") << "what it is best sent as";
  EXPECT_EQ(Get(std::string(kUri) + "&contentType=application/dicom").status, 200);
}

TEST_F(DocumentsTest, TheBulkDataOfADocumentHasItsType) {
  PutDocument("1.2.840.10008.5.1.4.1.1.104.1", "%PDF-1.7");  // of text/html, it says: not believed
  for (const HttpAnswer& answer :
       {Get(kBulkData, {"Accept: application/pdf"}),
        Get(kBulkData + std::string("?accept=application/pdf"), {"Accept: text/html, */*"})}) {
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.Header("Content-Type"), "application/pdf");
    EXPECT_EQ(answer.body, "%PDF-1.7");
  }
  const HttpAnswer parts = Get(kBulkData, {"Accept: multipart/related; type=\"application/pdf\""});
  EXPECT_THAT(parts.Header("Content-Type").value_or(""), HasSubstr("multipart/related; type=\"application/pdf\""));
  EXPECT_THAT(parts.body, HasSubstr("Content-Type: application/pdf\r\n"));
  EXPECT_EQ(Get(kBulkData, {"Accept: application/octet-stream"}).Header("Content-Type"), "application/octet-stream");
  for (const char* const other : {"text/html", "image/jpeg", "multipart/related; type=\"image/jpeg\""})
    EXPECT_EQ(Get(kBulkData, {std::string("Accept: ") + other}).status, 406) << other;
}

TEST_F(DocumentsTest, OfOtherClassesTheDocumentSaysItsTypeAndRunsNothing) {
  PutDocument("1.2.840.10008.5.1.4.1.1.104.99", "<svg/>", "image/svg+xml");
  const HttpAnswer answer = Get(kBulkData, {"Accept: image/svg+xml"});
  EXPECT_EQ(answer.Header("Content-Type"), "image/svg+xml");
  EXPECT_THAT(answer.Header("Content-Security-Policy").value_or(""), HasSubstr("sandbox"));
}

TEST_F(DocumentsTest, AnOddLengthIsKept) {
  PutDocument("1.2.840.10008.5.1.4.1.1.104.3", "solid");
  EXPECT_EQ(Get(kRendered).body, "solid");
  EXPECT_EQ(Get(kRendered).Header("Content-Type"), "model/stl");
}

TEST_F(DocumentsTest, WithoutAStatedLengthTextEndsBeforeItsPadding) {
  const auto rendered = [this](const char* sop_class, const std::string& value) {
    dicom::Part10Writer out = Begin(sop_class);
    out.Add({0x0042, 0x0011}, "OB", value);
    EXPECT_TRUE(Ingest(out.Take()).stored());
    const std::string body = Get(kRendered).body;
    EXPECT_EQ(testing::Fetch("DELETE", base_ + "/dicom-web/studies/1.2").status, 204);
    return body;
  };
  const std::string padded("odd\0", 4);
  for (const char* const text :
       {"1.2.840.10008.5.1.4.1.1.104.2", "1.2.840.10008.5.1.4.1.1.104.4", "1.2.840.10008.5.1.4.1.1.104.5"})
    EXPECT_EQ(rendered(text, padded), "odd") << text;
  EXPECT_EQ(rendered("1.2.840.10008.5.1.4.1.1.104.2", "even"), "even");
  EXPECT_EQ(rendered("1.2.840.10008.5.1.4.1.1.104.2", std::string("un\0\0", 4)), std::string("un\0", 3));
  EXPECT_EQ(rendered("1.2.840.10008.5.1.4.1.1.104.3", padded), padded) << "STL is binary";
}

TEST_F(DocumentsTest, ACdaDocumentRunsNothing) {
  PutDocument("1.2.840.10008.5.1.4.1.1.104.2", "<ClinicalDocument/>");
  const HttpAnswer answer = Get(kRendered, {"Accept: text/xml"});
  EXPECT_EQ(answer.Header("Content-Type"), "text/xml");
  EXPECT_THAT(answer.Header("Content-Security-Policy").value_or(""), HasSubstr("sandbox"));
}

TEST_F(DocumentsTest, ADocumentHasAPictureForWhoWantsOne) {
  PutDocument("1.2.840.10008.5.1.4.1.1.104.1", "%PDF-1.7");
  const HttpAnswer picture = Get(kRendered, {"Accept: image/jpeg"});
  EXPECT_EQ(picture.status, 200);
  EXPECT_EQ(picture.Header("Content-Type"), "image/jpeg");
  EXPECT_TRUE(picture.body.starts_with("\xFF\xD8"));
  EXPECT_EQ(Get(kRendered, {"Accept: image/png"}).Header("Content-Type"), "image/png");
  EXPECT_EQ(Get(kRendered, {"Accept: */*"}).Header("Content-Type"), "application/pdf");
  EXPECT_NE(Get(kRendered, {"Accept: */*"}).Header("ETag"), picture.Header("ETag"));
  const HttpAnswer refused = Get(kRendered, {"Accept: text/plain"});
  EXPECT_EQ(refused.status, 406);
  EXPECT_THAT(refused.body, HasSubstr("application/pdf, image/jpeg, image/png, image/gif or image/jp2"));
  EXPECT_TRUE(Get(std::string(kUri) + "&contentType=image/jpeg").body == picture.body);
  EXPECT_TRUE(Get(std::string(kUri) + "&rows=512").body == picture.body);
  const std::string frame = std::string(kInstance) + "/frames/1/rendered";
  EXPECT_TRUE(Get(frame).body == picture.body) << "one frame, that page";
  EXPECT_EQ(Get(frame, {"Accept: application/pdf"}).status, 406) << "which is all of it";
  EXPECT_EQ(Get(std::string(kInstance) + "/frames/2/rendered").status, 404);
}

TEST_F(DocumentsTest, OfADocumentWithoutItsBytesThereIsThePage) {
  ASSERT_TRUE(Ingest(Begin("1.2.840.10008.5.1.4.1.1.104.1").Take()).stored());
  ExpectPages();
  EXPECT_EQ(Get(kRendered, {"Accept: application/pdf"}).status, 406);
}

TEST_F(DocumentsTest, SoThereIsOfADocumentOfNoLength) {
  PutDocument("1.2.840.10008.5.1.4.1.1.104.3", "", "model/stl");
  ExpectPages();
}

TEST_F(DocumentsTest, AReportIsAPage) {
  ASSERT_TRUE(Ingest(Begin("1.2.840.10008.5.1.4.1.1.88.11").Take()).stored());
  const HttpAnswer answer = Get(kRendered, {"Accept: text/html,application/xhtml+xml,*/*;q=0.8"});
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.Header("Content-Type"), "text/html; charset=utf-8");
  EXPECT_THAT(answer.Header("Content-Security-Policy").value_or(""), HasSubstr("default-src 'none'"));
  EXPECT_THAT(answer.body, HasSubstr("<th>Patient ID</th><td>P1</td>"));
}

TEST_F(DocumentsTest, AReportIsPlainTextForWhoWantsThat) {
  ASSERT_TRUE(Ingest(Begin("1.2.840.10008.5.1.4.1.1.88.11").Take()).stored());
  const HttpAnswer text = Get(kRendered, {"Accept: text/plain, text/html;q=0.5"});
  EXPECT_EQ(text.status, 200);
  EXPECT_EQ(text.Header("Content-Type"), "text/plain; charset=utf-8");
  EXPECT_THAT(text.body, HasSubstr("Patient ID: P1\n"));
  const HttpAnswer page = Get(kRendered, {"Accept: text/*"});
  EXPECT_EQ(page.Header("Content-Type"), "text/html; charset=utf-8");
  EXPECT_NE(page.Header("ETag"), text.Header("ETag"));
  EXPECT_EQ(Get(kRendered, {"Accept: text/plain", "If-None-Match: " + *text.Header("ETag")}).status, 304);
  EXPECT_EQ(Get(std::string(kUri) + "&contentType=text/plain").body, text.body);
  EXPECT_THAT(Get(kRendered, {"Accept: application/pdf"}).body,
              HasSubstr("text/html, text/plain, image/jpeg, image/png, image/gif or image/jp2"));
  EXPECT_EQ(Get(std::string(kInstance) + "/frames/1/rendered", {"Accept: text/plain"}).status, 406);
}

TEST_F(DocumentsTest, AVideoIsTheStreamAndPlayersMayJumpInIt) {
  PutVideo({"stream of a video!"});
  const HttpAnswer answer = Get(kRendered, {"Accept: video/*"});
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.Header("Content-Type"), "video/mp4");
  EXPECT_EQ(answer.body, "stream of a video!");
  EXPECT_EQ(Get(kRendered, {"Range: bytes=7-8"}).body, "of");
  EXPECT_EQ(Get(kRendered, {"Accept: image/png"}).Header("Content-Type"), "image/png");
  EXPECT_EQ(Get(std::string(kUri) + "&frameNumber=2&contentType=image/jpeg").status, 400) << "it is one stream";
}

TEST_F(DocumentsTest, PlayersGetAVideoAsFrameAsPixelDataAndAsBulkData) {
  PutVideo({"stream of a video!"});
  for (const char* const resource : {"/frames/1", "/pixeldata", "/bulkdata/7FE00010"}) {
    const std::string path = std::string(kInstance) + resource;
    for (const char* const type : {"*/*", "video/mp4", "video/*", "application/octet-stream",
                                   "video/mp4; transfer-syntax=*", "image/png, video/mp4"}) {
      const HttpAnswer answer = Get(path, {std::string("Accept: ") + type});
      EXPECT_EQ(answer.status, 200) << path << type;
      EXPECT_EQ(answer.Header("Content-Type"), "video/mp4; transfer-syntax=1.2.840.10008.1.2.4.102") << type;
      EXPECT_EQ(answer.body, "stream of a video!") << path << type;
    }
    EXPECT_EQ(Get(path + "?accept=video/mp4", {"Accept: text/html", "Range: bytes=7-8"}).body, "of") << path;
    for (const char* const type : {"video/mp4", "application/octet-stream", "*/*"}) {
      const HttpAnswer parts = Get(path, {"Accept: multipart/related; type=\"" + std::string(type) + "\""});
      EXPECT_THAT(parts.Header("Content-Type").value_or(""), HasSubstr("multipart/related; type=\"video/mp4\""));
      EXPECT_THAT(parts.body, HasSubstr("Content-Type: video/mp4; transfer-syntax=1.2.840.10008.1.2.4.102\r\n"));
      EXPECT_THAT(parts.body, HasSubstr("\r\n\r\nstream of a video!\r\n"));
    }
    EXPECT_EQ(Get(path, {"Accept: image/jpeg, video/mpeg"}).status, 406) << path;
    EXPECT_EQ(Get(path, {"Accept: video/mp4; transfer-syntax=1.2.840.10008.1.2.4.104"}).status, 406) << path;
  }
  EXPECT_EQ(Get(std::string(kInstance) + "/frames/2", {"Accept: video/mp4"}).status, 404) << "it is one stream";
}

TEST_F(DocumentsTest, TheFragmentsOfAVideoAreJoined) {
  PutVideo({"one,", "two "});
  EXPECT_EQ(Get(kRendered).body, "one,two ");
  EXPECT_EQ(Get(std::string(kInstance) + "/frames/1", {"Accept: video/mp4"}).body, "one,two ");
}

TEST_F(DocumentsTest, WhatHasNoPixelsAndIsNoDocumentIsShownAsAPage) {
  ASSERT_TRUE(Ingest(Begin("1.2.840.10008.5.1.4.1.1.481.3").Take()).stored());
  for (const char* const type : {"*/*", "image/jpeg", "image/*"}) {
    const HttpAnswer answer = Get(kRendered, {std::string("Accept: ") + type});
    EXPECT_EQ(answer.status, 200) << type;
    EXPECT_EQ(answer.Header("Content-Type"), "image/jpeg") << type;
  }
  const HttpAnswer thumbnail = Get(std::string(kInstance) + "/thumbnail");
  EXPECT_TRUE(Get(std::string(kRendered) + "?viewport=128,128").body == thumbnail.body);
  EXPECT_EQ(Get(kRendered).Header("Warning"), std::nullopt);
  ExpectPages();
}

TEST_F(DocumentsTest, PixelsThatNoPictureCanBeMadeOfAreShownAsAPageWithAWarning) {
  struct Image {
    const char* photometric;
    uint16_t samples = 1, bits = 8;
  };
  for (const Image& image : {Image{"YBR_PARTIAL_422", 3}, Image{"MONOCHROME2", 1, 12}, Image{"MONOCHROME2", 1, 0},
                             Image{"MONOCHROME2", 2}, Image{"CMYK", 4}, Image{"NO_SUCH_THING", 2}}) {
    SCOPED_TRACE(std::string(image.photometric) + " " + std::to_string(image.samples) + " " +
                 std::to_string(image.bits));
    dicom::Part10Writer out = Begin("1.2.840.10008.5.1.4.1.1.7");
    out.AddUint16(dicom::tags::kSamplesPerPixel, image.samples);
    out.Add(dicom::tags::kPhotometricInterpretation, "CS", image.photometric);
    out.AddUint16(dicom::tags::kRows, 8);
    out.AddUint16(dicom::tags::kColumns, 8);
    out.AddUint16(dicom::tags::kBitsAllocated, image.bits);
    out.Add(dicom::tags::kPixelData, "OB", std::string(512, '\1'));
    ASSERT_TRUE(Ingest(out.Take()).stored());
    ExpectPages();
    EXPECT_THAT(Get(kRendered).Header("Warning").value_or(""), HasSubstr("a page stands for them"));
    ASSERT_EQ(testing::Fetch("DELETE", base_ + "/dicom-web/studies/1.2").status, 204);
  }
}

}  // namespace
}  // namespace hilum::dicomweb
