#include "storage/catalogue/attributes.h"

#include <gtest/gtest.h>

#include "storage/catalogue/attribute_values.h"

namespace hilum::storage {
namespace {

constexpr int64_t kDay = 86'400'000'000;

TEST(ParseDate, ReadsDaysMonthsYearsAndTheOldForm) {
  EXPECT_EQ(ParseDate("19700102"), (DateValue{kDay, 2 * kDay}));
  EXPECT_EQ(ParseDate("1970.01.02"), (DateValue{kDay, 2 * kDay}));
  EXPECT_EQ(ParseDate("197002"), (DateValue{31 * kDay, 59 * kDay}));
  EXPECT_EQ(ParseDate("1970"), (DateValue{0, 365 * kDay}));
  EXPECT_EQ(ParseDate("19691231"), (DateValue{-kDay, 0}));
  EXPECT_EQ(ParseDate("20240229")->high - ParseDate("20240229")->low, kDay);
}

TEST(ParseDate, RefusesWhatIsNoDate) {
  for (const char* text : {"", "2023022", "20230229", "20231301", "20230132", "abcdefgh", "2023022x", "-1230101"})
    EXPECT_FALSE(ParseDate(text)) << text;
}

TEST(ParseTime, ReadsHoursDownToFractions) {
  EXPECT_DOUBLE_EQ(ParseTime("1015")->low, 10 * 3600 + 15 * 60);
  EXPECT_DOUBLE_EQ(ParseTime("10:15:07")->low, 10 * 3600 + 15 * 60 + 7);
  EXPECT_NEAR(ParseTime("101507.25")->low, 10 * 3600 + 15 * 60 + 7.25, 1e-9);
  EXPECT_NEAR(ParseTime("10")->high, 11 * 3600, 1e-3);
  for (const char* text : {"", "1", "24", "1060", "10151", "10x5"}) EXPECT_FALSE(ParseTime(text)) << text;
}

TEST(ParseDateTime, ReadsEveryPrecisionAndOffsets) {
  EXPECT_EQ(ParseDateTime("1970"), ParseDate("1970"));
  EXPECT_EQ(ParseDateTime("19700102"), (DateValue{kDay, 2 * kDay}));
  EXPECT_EQ(ParseDateTime("1970010203")->low, kDay + 3 * 3'600'000'000);
  EXPECT_EQ(ParseDateTime("19700102000000.5")->low, kDay + 500'000);
  EXPECT_EQ(ParseDateTime("19700102000000+0100")->low, kDay - 3'600'000'000);
  EXPECT_EQ(ParseDateTime("19700102-0130")->low, kDay + 5'400'000'000);
  for (const char* text : {"", "197001021", "19700102240000", "19700102000000+9900", "19700102+01", "now"})
    EXPECT_FALSE(ParseDateTime(text)) << text;
}

TEST(ParseNumber, ReadsDecimalStringsAndNothingElse) {
  EXPECT_EQ(ParseNumber(" +07.50 "), 7.5);
  EXPECT_EQ(ParseNumber("-1e-2"), -0.01);
  EXPECT_EQ(ParseNumber("18446744073709551615"), 18446744073709551615.0);
  for (const char* text : {"", " ", "NaN", "inf", "1e999", "1,5", "1.5mm", "0x10", "+-1"})
    EXPECT_FALSE(ParseNumber(text)) << text;
}

TEST(ParseAge, CountsInYears) {
  EXPECT_EQ(ParseAge("065Y"), 65);
  EXPECT_EQ(ParseAge("018M"), 1.5);
  EXPECT_NEAR(*ParseAge("010D"), 0.0274, 1e-4);
  for (const char* text : {"", "Y", "65", "65y", "1000Y"}) EXPECT_FALSE(ParseAge(text)) << text;
}

TEST(AttributeTable, FindsTheNearestSearchableLevelAbove) {
  const AttributeTable table({{.level = Level::kInstance,
                               .path = {dicom::Tag(0x0018, 0x0050)},
                               .matching = Matching::kNumber,
                               .field = ExtendedField(FieldKind::kNumber, 0),
                               .searchable = false}});
  const dicom::TagPath thickness = {dicom::Tag(0x0018, 0x0050)};
  EXPECT_EQ(table.FindSearchable(Level::kInstance, thickness)->level, Level::kSeries) << "the other is not ready";
  EXPECT_EQ(table.FindSearchable(Level::kStudy, thickness), nullptr);
  EXPECT_NE(table.Find(Level::kInstance, thickness), nullptr);
  EXPECT_EQ(table.FindSearchable(Level::kInstance, {dicom::tags::kPatientName})->level, Level::kStudy);
}

TEST(KeptAttributes, SurviveTheRowAndRefuseDamage) {
  const KeptAttributes kept = {{{dicom::tags::kPatientName}, dicom::Vr("PN"), {"Doe^Jane", ""}, ""},
                               {{dicom::tags::kRequestAttributesSequence}, dicom::Vr("SQ"), {}, R"({"vr":"SQ"})"}};
  std::string bytes;
  AppendAttributes(&bytes, kept);
  ByteReader whole(bytes);
  KeptAttributes read;
  ASSERT_TRUE(ReadAttributes(&whole, &read));
  EXPECT_EQ(read, kept);
  for (size_t length = 0; length < bytes.size(); ++length) {
    ByteReader cut(Bytes(bytes).substr(0, length));
    KeptAttributes ignored;
    EXPECT_FALSE(ReadAttributes(&cut, &ignored)) << length;
  }
}

dicom::Header HeaderOf(std::vector<std::pair<dicom::Tag, std::vector<std::string>>> attributes) {
  dicom::Header header;
  for (auto& [tag, values] : attributes) {
    header.attributes.push_back({.path = {tag}, .vr = dicom::Vr("LO"), .values = std::move(values), .json = ""});
  }
  return header;
}

TEST(FillGaps, KeepsWhatIsThereAndAddsWhatIsMissing) {
  namespace t = dicom::tags;
  const auto table = AttributeTable::BuiltIn();
  KeptAttributes kept =
      KeepAttributes(*table, Level::kStudy, HeaderOf({{t::kPatientId, {"P1"}}, {t::kStudyDescription, {}}}));
  EXPECT_TRUE(FillGaps(*table, Level::kStudy,
                       HeaderOf({{t::kPatientId, {"P2"}}, {t::kStudyDescription, {"Head"}}, {t::kStudyId, {"7"}}}),
                       &kept));
  EXPECT_EQ(FirstValue(kept, t::kPatientId), "P1");
  EXPECT_EQ(FirstValue(kept, t::kStudyDescription), "Head");
  EXPECT_EQ(FirstValue(kept, t::kStudyId), "7");
  EXPECT_EQ(kept.size(), 3u);
  EXPECT_FALSE(FillGaps(*table, Level::kStudy, HeaderOf({{t::kPatientId, {"P3"}}}), &kept));
}

TEST(FillGaps, TakesNothingOfOtherLevels) {
  KeptAttributes kept;
  EXPECT_FALSE(
      FillGaps(*AttributeTable::BuiltIn(), Level::kStudy, HeaderOf({{dicom::tags::kSeriesNumber, {"3"}}}), &kept));
  EXPECT_TRUE(kept.empty());
}

TEST(FillGaps, CutsWhatIsTooLongForARow) {
  namespace t = dicom::tags;
  KeptAttributes kept;
  const std::string longer = std::string(kMaxKeptValueBytes - 1, 'x') + "\u00e4";  // whose second byte does not fit
  EXPECT_TRUE(FillGaps(*AttributeTable::BuiltIn(), Level::kStudy,
                       HeaderOf({{t::kStudyDescription, {longer}}, {t::kStudyId, {200, "7"}}}), &kept));
  EXPECT_EQ(FirstValue(kept, t::kStudyDescription), std::string(kMaxKeptValueBytes - 1, 'x'));
  EXPECT_EQ(Find(kept, t::kStudyId)->values.size(), kMaxKeptValues);
}

TEST(KeepAttributes, TakesNoMoreRoomInARowThanThereIs) {
  const AttributeTable table;
  dicom::Header header;
  for (const CatalogueAttribute& attribute : table.all()) {
    if (attribute.level != Level::kStudy) continue;
    header.attributes.push_back({.path = attribute.path, .vr = "LO"});
    header.attributes.back().values.assign(kMaxKeptValues, std::string(kMaxKeptValueBytes / 4, 'x'));
  }
  const KeptAttributes kept = KeepAttributes(table, Level::kStudy, header);
  std::string row;
  AppendAttributes(&row, kept);
  EXPECT_LT(row.size(), kMaxKeptBytes + 1024);
  EXPECT_GT(row.size(), kMaxKeptBytes / 2);
  EXPECT_GT(kept.size(), 3u) << "the others are known to be there";
}

}  // namespace
}  // namespace hilum::storage
