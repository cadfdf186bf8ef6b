// JPEG XL is only read here, so the tests write it.
#include <gtest/gtest.h>
#include <jxl/encode.h>

#include <memory>
#include <string>

#include "codecs/pixel/codec.h"
#include "tests/codecs/pixel/generated.h"

namespace hilum::pixel {
namespace {

using testing::MakeImage;

constexpr std::string_view kLossless = "1.2.840.10008.1.2.4.110", kRecompressed = "1.2.840.10008.1.2.4.111";

struct Destroy {
  void operator()(JxlEncoder* encoder) const { JxlEncoderDestroy(encoder); }
};

std::string Finish(JxlEncoder* encoder) {
  JxlEncoderCloseInput(encoder);
  std::string out(1 << 20, '\0');
  auto* next = reinterpret_cast<uint8_t*>(out.data());
  size_t left = out.size();
  if (JxlEncoderProcessOutput(encoder, &next, &left) != JXL_ENC_SUCCESS) return {};
  out.resize(out.size() - left);
  return out;
}

// Samples of 12 bits are handed over scaled to 16, as the library wants them.
std::string EncodeLossless(const Image& image) {
  const std::unique_ptr<JxlEncoder, Destroy> encoder(JxlEncoderCreate(nullptr));
  const FrameFormat& f = image.format;
  JxlBasicInfo info;
  JxlEncoderInitBasicInfo(&info);
  info.xsize = f.columns;
  info.ysize = f.rows;
  info.bits_per_sample = f.bits_stored;
  info.num_color_channels = f.samples;
  info.uses_original_profile = JXL_TRUE;
  JxlColorEncoding colour;
  JxlColorEncodingSetToSRGB(&colour, f.samples == 1);
  JxlEncoderSetBasicInfo(encoder.get(), &info);
  JxlEncoderSetColorEncoding(encoder.get(), &colour);
  JxlEncoderFrameSettings* settings = JxlEncoderFrameSettingsCreate(encoder.get(), nullptr);
  JxlEncoderSetFrameLossless(settings, JXL_TRUE);
  JxlEncoderFrameSettingsSetOption(settings, JXL_ENC_FRAME_SETTING_EFFORT, 1);
  std::string cells = image.pixels;
  if (f.bits_stored > 8 && f.bits_stored < 16) {
    auto* samples = reinterpret_cast<uint16_t*>(cells.data());
    const uint32_t range = (1u << f.bits_stored) - 1;
    for (size_t i = 0; i < cells.size() / 2; ++i)
      samples[i] = static_cast<uint16_t>((samples[i] * 65535u + range / 2) / range);
  }
  const JxlPixelFormat layout{f.samples, f.bits_allocated == 8 ? JXL_TYPE_UINT8 : JXL_TYPE_UINT16, JXL_LITTLE_ENDIAN,
                              0};
  if (JxlEncoderAddImageFrame(settings, &layout, cells.data(), cells.size()) != JXL_ENC_SUCCESS) return {};
  return Finish(encoder.get());
}

TEST(JpegXl, LosslessIsBitExact) {
  for (const testing::ImageSpec& spec :
       {testing::ImageSpec{.bits_allocated = 8, .bits_stored = 8},
        {.bits_allocated = 16, .bits_stored = 12},
        {.bits_allocated = 16, .bits_stored = 16},
        {.bits_allocated = 8, .bits_stored = 8, .samples = 3, .photometric = Photometric::kRgb}}) {
    const Image image = MakeImage(spec);
    const std::string codestream = EncodeLossless(image);
    ASSERT_FALSE(codestream.empty());
    const Result<Image> back = Decode(kLossless, codestream, image.format);
    ASSERT_TRUE(back.ok()) << back.status().message();
    EXPECT_TRUE(back->pixels == image.pixels) << spec.bits_stored;
    EXPECT_EQ(back->format, image.format);
  }
}

TEST(JpegXl, RecompressedJpegLooksLikeTheJpeg) {
  const Image image = MakeImage({.rows = 64, .columns = 80, .bits_allocated = 8, .bits_stored = 8, .noise = 0});
  const Result<EncodedFrame> jpeg = Encode(image, "1.2.840.10008.1.2.4.50", {});
  ASSERT_TRUE(jpeg.ok());
  const std::unique_ptr<JxlEncoder, Destroy> encoder(JxlEncoderCreate(nullptr));
  JxlEncoderStoreJPEGMetadata(encoder.get(), JXL_TRUE);
  JxlEncoderFrameSettings* settings = JxlEncoderFrameSettingsCreate(encoder.get(), nullptr);
  ASSERT_EQ(JxlEncoderAddJPEGFrame(settings, reinterpret_cast<const uint8_t*>(jpeg->bytes.data()), jpeg->bytes.size()),
            JXL_ENC_SUCCESS);
  const std::string codestream = Finish(encoder.get());
  const Result<Image> back = Decode(kRecompressed, codestream, image.format);
  ASSERT_TRUE(back.ok()) << back.status().message();
  const Result<Image> direct = Decode("1.2.840.10008.1.2.4.50", jpeg->bytes, image.format);
  ASSERT_TRUE(direct.ok());
  EXPECT_LE(testing::GreatestDifference(*back, *direct), 3);
}

TEST(JpegXl, RefusesDamage) {
  const Image image = MakeImage({.bits_allocated = 8, .bits_stored = 8});
  const std::string codestream = EncodeLossless(image);
  EXPECT_EQ(Decode(kLossless, codestream.substr(0, codestream.size() / 2), image.format).status().code(),
            Code::kInvalid);
  EXPECT_EQ(Decode(kLossless, "", image.format).status().code(), Code::kInvalid);
  FrameFormat wide = image.format;
  wide.columns += 1;
  EXPECT_EQ(Decode(kLossless, codestream, wide).status().code(), Code::kInvalid);
}

}  // namespace
}  // namespace hilum::pixel
