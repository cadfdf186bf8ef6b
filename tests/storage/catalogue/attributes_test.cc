#include "storage/catalogue/attributes.h"

#include <gtest/gtest.h>

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

TEST(FillGaps, KeepsWhatIsThereAndAddsWhatIsMissing) {
  const auto attribute = [](dicom::Tag tag, std::vector<std::string> values) {
    return KeptAttribute{{tag}, dicom::Vr("LO"), std::move(values), ""};
  };
  KeptAttributes kept = {attribute(dicom::tags::kPatientId, {"P1"}), attribute(dicom::tags::kStudyDescription, {})};
  EXPECT_TRUE(
      FillGaps(&kept, {attribute(dicom::tags::kPatientId, {"P2"}), attribute(dicom::tags::kStudyDescription, {"Head"}),
                       attribute(dicom::tags::kStudyId, {"7"})}));
  EXPECT_EQ(FirstValue(kept, dicom::tags::kPatientId), "P1");
  EXPECT_EQ(FirstValue(kept, dicom::tags::kStudyDescription), "Head");
  EXPECT_EQ(FirstValue(kept, dicom::tags::kStudyId), "7");
  EXPECT_FALSE(FillGaps(&kept, {attribute(dicom::tags::kPatientId, {"P3"})}));
}

}  // namespace
}  // namespace hilum::storage
