#include "codecs/pixel/text_painter.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace hilum::pixel {
namespace {

constexpr const char* kDejaVu = "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf";
constexpr const char* kUnifont = "/usr/share/fonts/opentype/unifont/unifont.otf";

class TextPainterTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto painter = TextPainter::Open({kDejaVu, kUnifont});
    if (!painter.ok()) GTEST_SKIP() << "no fonts here (apt-get install fonts-dejavu-core fonts-unifont)";
    painter_ = *std::move(painter);
  }
  static Picture Canvas(uint8_t channels = 1, uint8_t bits = 8) {
    return {200, 40, channels, bits, std::string(size_t{200} * 40 * channels * (bits / 8), '\x40')};
  }
  std::string Drawn(std::string_view text) {
    Picture picture = Canvas();
    painter_->Draw(text, 20, 1, 4, 4, &picture);
    return picture.samples;
  }
  std::unique_ptr<TextPainter> painter_;
};

TEST_F(TextPainterTest, DrawsWhiteLettersWithABlackRim) {
  const std::string samples = Drawn("Hilum");
  EXPECT_GT(std::count(samples.begin(), samples.end(), '\xFF'), 100);
  EXPECT_GT(std::count(samples.begin(), samples.end(), '\0'), 40);
  EXPECT_GT(std::count(samples.begin(), samples.end(), '\x40'), 4000) << "the picture shows around them";
  EXPECT_TRUE(Drawn("") == Canvas().samples);
}

TEST_F(TextPainterTest, DrawsColoursAndSixteenBits) {
  for (const auto& [channels, bits] : {std::pair<uint8_t, uint8_t>{3, 8}, {1, 16}}) {
    Picture picture = Canvas(channels, bits);
    painter_->Draw("Hilum", 20, 1, 4, 4, &picture);
    EXPECT_EQ(picture.samples.size(), Canvas(channels, bits).samples.size());
    EXPECT_GT(std::count(picture.samples.begin(), picture.samples.end(), '\xFF'), 100);
  }
}

TEST_F(TextPainterTest, EveryScriptHasLettersOfItsOwn) {
  if (!TextPainter::Open({kUnifont}).ok()) GTEST_SKIP() << "GNU Unifont is not here";
  const std::string missing = Drawn("\U000F0000");  // private use: in no font
  for (const char* letter : {"A", "ü", "Ж", "Ω", "ש", "م", "山", "太", "た", "홍", "ก"})
    EXPECT_TRUE(Drawn(letter) != missing) << letter;
  EXPECT_TRUE(Drawn("山") != Drawn("太"));
}

TEST_F(TextPainterTest, ArabicIsJoinedAndGoesFromRightToLeft) {
  // Joined letters differ from each by itself; the first letter stands last.
  EXPECT_TRUE(Drawn("محمد") != Drawn("م\u200Cح\u200Cم\u200Cد"));
  EXPECT_TRUE(Drawn("שלום") == Drawn("\u202Dםולש\u202C")) << "Hebrew reversed, forced left to right";
}

TEST_F(TextPainterTest, IsClippedAtTheEdges) {
  Picture picture = Canvas();
  for (const auto& [x, y] : {std::pair<int64_t, int64_t>{-50, -10}, {190, 35}, {1'000'000, 5}, {5, -1'000'000}})
    painter_->Draw("clipped", 20, 1, x, y, &picture);
  EXPECT_EQ(picture.samples.size(), 8000u);
  EXPECT_GT(painter_->Width("wide", 20), painter_->Width("i", 20));
}

TEST_F(TextPainterTest, AnyBytesAreText) {
  for (const std::string& text :
       {std::string("\xFF\xFE\x00", 3), std::string(100'000, 'x'), std::string("a\nb\tc"), std::string("\u202E\u202E")})
    EXPECT_EQ(Drawn(text).size(), Drawn("").size()) << "the picture stays as it is but for its samples";
}

TEST(TextPainterOpenTest, NeedsOneFont) {
  EXPECT_EQ(TextPainter::Open({"/nowhere.ttf"}).status().code(), Code::kNotFound);
  EXPECT_EQ(TextPainter::Open({}).status().code(), Code::kNotFound);
}

}  // namespace
}  // namespace hilum::pixel
