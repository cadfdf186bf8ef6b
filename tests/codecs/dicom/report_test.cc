#include "codecs/dicom/report.h"

#include <gmock/gmock.h>

#include <bit>
#include <filesystem>
#include <fstream>

#include "codecs/dicom/writer.h"

namespace hilum::dicom {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string Element(Tag tag, const char (&vr)[3], std::string value) {
  if (value.size() % 2 == 1) value.push_back(' ');
  std::string out;
  AppendLe(&out, tag.group);
  AppendLe(&out, tag.element);
  out.append(vr, 2);
  if (Vr(vr).has_long_length()) {
    out.append(2, '\0');
    AppendLe(&out, static_cast<uint32_t>(value.size()));
  } else {
    AppendLe(&out, static_cast<uint16_t>(value.size()));
  }
  return out + value;
}

std::string Item(const std::string& elements) {
  std::string out("\xFE\xFF\x00\xE0", 4);
  AppendLe(&out, static_cast<uint32_t>(elements.size()));
  return out + elements;
}

std::string CodeItem(const std::string& value, const std::string& meaning) {
  return Item(Element({0x0008, 0x0100}, "SH", value) + Element({0x0008, 0x0104}, "LO", meaning));
}

std::string Content(const std::string& type, const std::string& name, const std::string& rest) {
  return Item(Element({0x0040, 0xA040}, "CS", type) + Element({0x0040, 0xA043}, "SQ", CodeItem("1", name)) + rest);
}

std::string Children(const std::string& items) {
  return Element({0x0040, 0xA730}, "SQ", items);
}

std::string Report(const std::string& children) {
  Part10Writer out("1.2.840.10008.5.1.4.1.1.88.22", "1.2.3");
  out.Add(tags::kSpecificCharacterSet, "CS", "ISO_IR 192");
  out.Add(tags::kPatientName, "PN", "Müller^Jürgen");
  out.Add({0x0040, 0xA040}, "CS", "CONTAINER");
  out.Add({0x0040, 0xA043}, "SQ", CodeItem("11528-7", "Radiology Report"));
  return out.Take() + children;
}

std::string Html(const std::string& file) {
  const auto html = ReportHtml(file, {});
  return html.ok() ? *html : html.status().ToString();
}

std::string PlainText(const std::string& file) {
  const auto text = ReportText(file, {});
  return text.ok() ? *text : text.status().ToString();
}

TEST(ReportTest, TheTreeBecomesSectionsAndTables) {
  const std::string units = Element({0x0040, 0x08EA}, "SQ", CodeItem("mm", "millimetre"));
  const std::string measured = Element({0x0040, 0xA300}, "SQ", Item(units + Element({0x0040, 0xA30A}, "DS", "12.5")));
  const std::string page = Html(Report(Children(
      Content("CONTAINER", "Findings",
              Children(Content("TEXT", "Finding", Element({0x0040, 0xA160}, "UT", "Nodule in the left lung")) +
                       Content("NUM", "Diameter", measured) +
                       Content("CODE", "Laterality", Element({0x0040, 0xA168}, "SQ", CodeItem("L", "Left"))))))));
  EXPECT_THAT(page, HasSubstr("<h1>Radiology Report</h1>"));
  EXPECT_THAT(page, HasSubstr("<th>Patient</th><td>Müller Jürgen</td>"));
  EXPECT_THAT(page, HasSubstr("<h2>Findings</h2>"));
  EXPECT_THAT(page, HasSubstr("<th>Finding</th><td>Nodule in the left lung</td>"));
  EXPECT_THAT(page, HasSubstr("<th>Diameter</th><td>12.5 mm</td>"));
  EXPECT_THAT(page, HasSubstr("<th>Laterality</th><td>Left</td>"));
}

std::string Measured(const std::string& name, const std::string& number, const std::string& unit) {
  const std::string units = Element({0x0040, 0x08EA}, "SQ", unit);
  return Content("NUM", name, Element({0x0040, 0xA300}, "SQ", Item(units + Element({0x0040, 0xA30A}, "DS", number))));
}

TEST(ReportTest, ANumberIsFollowedByItsUnitHoweverThatIsCoded) {
  const std::string meaning = Element({0x0008, 0x0104}, "LO", "as it is called");
  const auto long_code = Item(meaning + Element({0x0008, 0x0119}, "UC", "mg/(kg.min.10*-3.h.mol)"));
  const auto urn = Item(meaning + Element({0x0008, 0x0120}, "UR", "urn:unit:mm"));
  const std::string page =
      Html(Report(Children(Measured("Long", "9", long_code) + Measured("URN", "8", urn) +
                           Measured("None", "7", Item(meaning)) + Measured("Product", "6", CodeItem("{a}/min", "b")))));
  EXPECT_THAT(page, HasSubstr("<th>Long</th><td>9 mg/(kg.min.10*-3.h.mol)</td>"));
  EXPECT_THAT(page, HasSubstr("<th>URN</th><td>8 urn:unit:mm</td>"));
  EXPECT_THAT(page, HasSubstr("<th>None</th><td>7 as it is called</td>"));
  EXPECT_THAT(page, HasSubstr("<th>Product</th><td>6 {a}/min</td>"));
}

TEST(ReportTest, WhatCountsOrRatesHasNoCodeBehindItsNumber) {
  const std::string page = Html(Report(Children(Measured("Lesions", "3", CodeItem("1", "no units")) +
                                                Measured("Likely", "5", CodeItem("{score}", "score")))));
  EXPECT_THAT(page, HasSubstr("<th>Lesions</th><td>3</td>"));
  EXPECT_THAT(page, HasSubstr("<th>Likely</th><td>5 score</td>"));
}

TEST(ReportTest, WhyANumberIsMissingOrDoubtfulIsSaid) {
  const auto qualifier = [](const std::string& meaning) {
    return Element({0x0040, 0xA301}, "SQ", CodeItem("114006", meaning));
  };
  const std::string units = Element({0x0040, 0x08EA}, "SQ", CodeItem("mm", "millimetre"));
  const std::string measured = Element({0x0040, 0xA300}, "SQ", Item(units + Element({0x0040, 0xA30A}, "DS", "99")));
  const std::string report = Report(
      Children(Content("NUM", "Width", Element({0x0040, 0xA300}, "SQ", "") + qualifier("Measurement <failure>")) +
               Content("NUM", "Length", measured + qualifier("Value out of range"))));
  EXPECT_THAT(Html(report), HasSubstr("<th>Width</th><td>[Measurement &lt;failure&gt;]</td>"));
  EXPECT_THAT(Html(report), HasSubstr("<th>Length</th><td>99 mm [Value out of range]</td>"));
}

TEST(ReportTest, AReferenceShowsWhatItIsTo) {
  std::string place;
  for (const uint32_t number : {1, 1, 2}) AppendLe(&place, number);
  const std::string nowhere = std::string("\x01\0\0\0\x09\0\0\0", 8);
  const auto reference = [](const std::string& to) {
    return Item(Element({0x0040, 0xA010}, "CS", "INFERRED FROM") + Element({0x0040, 0xDB73}, "UL", to));
  };
  const std::string page = Html(Report(
      Children(Content("CONTAINER", "Findings",
                       Children(Content("TEXT", "Finding", Element({0x0040, 0xA160}, "UT", "Nodule")) +
                                Content("TEXT", "Size", Element({0x0040, 0xA160}, "UT", "small")))) +
               Content("TEXT", "Conclusion",
                       Element({0x0040, 0xA160}, "UT", "benign") + Children(reference(place) + reference(nowhere))))));
  EXPECT_THAT(page, HasSubstr("<th>Size</th><td>see 1.1.2: small</td>"));
  EXPECT_THAT(page, HasSubstr("<td>see 1.9</td>")) << "to what is not there";
}

TEST(ReportTest, ALongTextIsRepeatedInPartByReferences) {
  std::string text;
  for (int i = 0; i < 1000; ++i) text += "ü";
  const std::string report =
      Report(Children(Content("TEXT", "Finding", Element({0x0040, 0xA160}, "UT", "a" + text)) +
                      Item(Element({0x0040, 0xDB73}, "UL", std::string("\x01\0\0\0\x01\0\0\0", 8)))));
  const std::string page = Html(report);
  EXPECT_THAT(page, HasSubstr("<td>a" + text + "</td>"));
  EXPECT_THAT(page, HasSubstr("<td>see 1.1: a" + text.substr(0, 198) + " ...</td>"));
}

TEST(ReportTest, CoordinatesInTimeSayWhatTheyAreAndWhen) {
  const std::string page = Html(Report(Children(
      Content("TCOORD", "Beat",
              Element({0x0040, 0xA130}, "CS", "SEGMENT") +
                  Element({0x0040, 0xA132}, "UL", std::string("\x05\0\0\0\x07\0\0\0", 8))) +
      Content("TCOORD", "Pause", Element({0x0040, 0xA130}, "CS", "POINT") + Element({0x0040, 0xA138}, "DS", "0.5")))));
  EXPECT_THAT(page, HasSubstr("<th>Beat</th><td>SEGMENT 5, 7</td>"));
  EXPECT_THAT(page, HasSubstr("<th>Pause</th><td>POINT 0.5</td>"));
}

std::string Floats(const std::vector<float>& numbers) {
  std::string bytes;
  for (const float number : numbers) AppendLe(&bytes, std::bit_cast<uint32_t>(number));
  return bytes;
}

TEST(ReportTest, CoordinatesInSpaceAreAShapeAndItsFirstPoints) {
  const auto graphic = [](const std::string& type, const std::string& shape, const std::vector<float>& numbers) {
    return Content(type, shape,
                   Element({0x0070, 0x0022}, "FL", Floats(numbers)) + Element({0x0070, 0x0023}, "CS", shape));
  };
  const std::string page = Html(Report(
      Children(graphic("SCOORD", "CIRCLE", {1, 2.5, 3, 4}) + graphic("SCOORD3D", "POINT", {-1, 2, 0.125}) +
               graphic("SCOORD", "POLYLINE", std::vector<float>(2 * 12, 7)) + graphic("SCOORD", "ELLIPSE", {1}))));
  EXPECT_THAT(page, HasSubstr("<td>CIRCLE (1, 2.5) (3, 4)</td>"));
  EXPECT_THAT(page, HasSubstr("<td>POINT (-1, 2, 0.125)</td>"));
  std::string ten;
  for (int i = 0; i < 10; ++i) ten += " (7, 7)";
  EXPECT_THAT(page, HasSubstr("<td>POLYLINE" + ten + " ... (12 points)</td>"));
  EXPECT_THAT(page, HasSubstr("<td>ELLIPSE</td>")) << "half a point is none";
}

TEST(ReportTest, AReferenceToAnObjectSaysToWhatOfIt) {
  const auto object = [](const std::string& type, const std::string& part) {
    return Content(type, "Seen in",
                   Element({0x0008, 0x1199}, "SQ", Item(Element({0x0008, 0x1155}, "UI", "1.2.30") + part)));
  };
  const std::string page = Html(Report(Children(
      object("IMAGE", Element({0x0008, 0x1160}, "IS", "3")) + object("IMAGE", Element({0x0008, 0x1160}, "IS", "4\\5")) +
      object("IMAGE", Element({0x0062, 0x000B}, "US", std::string("\2\0", 2))) +
      object("WAVEFORM", Element({0x0040, 0xA0B0}, "US", std::string("\1\0\2\0\1\0\3\0", 8))) +
      object("COMPOSITE", ""))));
  for (const char* const reference :
       {"1.2.30 (frame 3)", "1.2.30 (frames 4, 5)", "1.2.30 (segment 2)", "1.2.30 (channels 1/2, 1/3)", "1.2.30"})
    EXPECT_THAT(page, HasSubstr("<th>Seen in</th><td>" + std::string(reference) + "</td>"));
}

TEST(ReportTest, WhoVerifiedItForWhomAndWhenIsAboveIt) {
  const auto observer = [](const std::string& name, const std::string& organization, const std::string& moment) {
    return Item(Element({0x0040, 0xA027}, "LO", organization) + Element({0x0040, 0xA030}, "DT", moment) +
                Element({0x0040, 0xA075}, "PN", name));
  };
  const std::string observers =
      Element({0x0040, 0xA073}, "SQ",
              observer("Doc^Tor", "Org", "20200102030405") + observer("Nur<^Se", "Org", "") + observer("", "", "2021"));
  const std::string report = Report(observers + Element({0x0040, 0xA493}, "CS", "VERIFIED"));
  EXPECT_THAT(Html(report), HasSubstr("<th>Verified by</th><td>Doc Tor, Org, 2020-01-02 03:04:05</td>"));
  EXPECT_THAT(Html(report), HasSubstr("<th>Verified by</th><td>Nur&lt; Se, Org</td>"));
  EXPECT_THAT(Html(report), HasSubstr("<th>Verified by</th><td>2021</td>"));
  EXPECT_EQ(PlainText(report),
            "Radiology Report\n"
            "Patient: Müller Jürgen\n"
            "Verified by: Doc Tor, Org, 2020-01-02 03:04:05\n"
            "Verified by: Nur< Se, Org\n"
            "Verified by: 2021\n"
            "Verification: VERIFIED\n");
}

TEST(ReportTest, NamesDatesAndTimesAreAsPeopleWriteThem) {
  const std::string page = Html(Report(
      Children(Content("PNAME", "Observer", Element({0x0040, 0xA123}, "PN", "Doc^Tor^X^Dr\\Nur<^Se")) +
               Content("DATE", "Day", Element({0x0040, 0xA121}, "DA", "20200131")) +
               Content("TIME", "Hour", Element({0x0040, 0xA122}, "TM", "121314.5")) +
               Content("DATETIME", "Moment", Element({0x0040, 0xA120}, "DT", "20200131121314+0100")) +
               Content("TCOORD", "Beats",
                       Element({0x0040, 0xA130}, "CS", "MULTIPOINT") + Element({0x0040, 0xA138}, "DS", "0.5\\1.5")) +
               Content("TEXT", "Path", Element({0x0040, 0xA160}, "UT", "C:\\20200131")))));
  EXPECT_THAT(page, HasSubstr("<th>Observer</th><td>Doc Tor X Dr, Nur&lt; Se</td>"));
  EXPECT_THAT(page, HasSubstr("<th>Day</th><td>2020-01-31</td>"));
  EXPECT_THAT(page, HasSubstr("<th>Hour</th><td>12:13:14.5</td>"));
  EXPECT_THAT(page, HasSubstr("<th>Moment</th><td>2020-01-31 12:13:14 +01:00</td>"));
  EXPECT_THAT(page, HasSubstr("<th>Beats</th><td>MULTIPOINT 0.5, 1.5</td>"));
  EXPECT_THAT(page, HasSubstr("<th>Path</th><td>C:\\20200131</td>")) << "text is one value, as it was written";
}

TEST(ReportTest, NothingOfTheReportIsMarkup) {
  const std::string text = Element({0x0040, 0xA160}, "UT", "<script>alert(\"x\")</script> & more");
  const std::string page = Html(Report(Children(Content("TEXT", "<b>", text))));
  EXPECT_THAT(page, Not(HasSubstr("<script")));
  EXPECT_THAT(page, Not(HasSubstr("<b>")));
  EXPECT_THAT(page, HasSubstr("&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt; &amp; more"));
}

TEST(ReportTest, ItemsBelowAValueAreShownWithIt) {
  const std::string inner = Content("TEXT", "Method", Element({0x0040, 0xA160}, "UT", "by eye"));
  const std::string page =
      Html(Report(Children(Content("TEXT", "Finding", Element({0x0040, 0xA160}, "UT", "ok") + Children(inner)))));
  EXPECT_THAT(page, HasSubstr("<td>ok<table>\n<tr><th>Method</th><td>by eye</td></tr>"));
}

TEST(ReportTest, AsPlainTextItIsLinesIndentedByTheirDepth) {
  std::string place;
  for (const uint32_t number : {1, 1, 1}) AppendLe(&place, number);
  const std::string reference = Item(Element({0x0040, 0xDB73}, "UL", place));
  const std::string finding = Element({0x0040, 0xA160}, "UT", "Nodule\r\nin the <left> lung");
  const std::string inner = Content("TEXT", "Method", Element({0x0040, 0xA160}, "UT", "by eye"));
  EXPECT_EQ(PlainText(Report(Children(
                Content("CONTAINER", "Findings", Children(Content("TEXT", "Finding", finding + Children(inner)))) +
                Content("TEXT", "Conclusion", Element({0x0040, 0xA160}, "UT", "benign") + Children(reference))))),
            "Radiology Report\n"
            "Patient: Müller Jürgen\n"
            "\n"
            "Findings\n"
            "  Finding: Nodule\n"
            "    in the <left> lung\n"
            "    Method: by eye\n"
            "Conclusion: benign\n"
            "  Finding: see 1.1.1: Nodule\n"
            "    in the <left> lung\n");
}

TEST(ReportTest, PlainTextHasNoControlCharacters) {
  const std::string text = Element({0x0040, 0xA160}, "UT", "a\x1B[2Jb\x07\tc\rd");
  EXPECT_THAT(PlainText(Report(Children(Content("TEXT", "Finding", text)))), HasSubstr("Finding: a[2Jb\tc\n  d\n"));
}

TEST(ReportTest, TreesDeeperThanTheLimitAreRefused) {
  std::string children;
  for (int i = 0; i < 200; ++i) children = Children(Content("CONTAINER", "Deeper", children));
  EXPECT_EQ(ReportHtml(Report(children), {}).status().code(), hilum::Code::kLimit);
}

TEST(ReportTest, CutAnywhereItIsRefusedOrShorter) {
  const std::string whole = Report(Children(Content("TEXT", "Finding", Element({0x0040, 0xA160}, "UT", "ok"))));
  for (size_t length = 0; length < whole.size(); ++length) {
    const auto html = ReportHtml(Bytes(whole).substr(0, length), {});
    EXPECT_TRUE(!html.ok() || html->ends_with("</html>\n")) << length;
  }
}

TEST(ReportTest, ReportsOfTheTestDataHaveTheirTitles) {
  const std::filesystem::path folder = std::filesystem::path(HILUM_TEST_DATA) / "dicom";
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << "the external test data is not here";
  for (const char* name : {"pydicom/reportsi.dcm", "pydicom/test-SR.dcm", "highdicom/sr_document.dcm"}) {
    std::ifstream file(folder / name, std::ios::binary);
    const std::string page = Html(std::string((std::istreambuf_iterator<char>(file)), {}));
    EXPECT_THAT(page, HasSubstr("<th>Patient</th>")) << name;
    EXPECT_THAT(page, Not(HasSubstr("<h1>Report</h1>"))) << name << " has a title of its own";
  }
}

}  // namespace
}  // namespace hilum::dicom
