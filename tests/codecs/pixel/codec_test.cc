#include "codecs/pixel/codec.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "codecs/pixel/codestream.h"
#include "codecs/pixel/samples.h"
#include "tests/codecs/pixel/generated.h"

namespace hilum::pixel {
namespace {

using testing::GreatestDifference;
using testing::ImageSpec;
using testing::MakeImage;

constexpr std::string_view kExplicit = "1.2.840.10008.1.2.1", kBigEndian = "1.2.840.10008.1.2.2";
constexpr std::string_view kRle = "1.2.840.10008.1.2.5", kBaseline = "1.2.840.10008.1.2.4.50",
                           kExtended = "1.2.840.10008.1.2.4.51", kNearLossless = "1.2.840.10008.1.2.4.81",
                           kJpeg2000 = "1.2.840.10008.1.2.4.91", kHtj2k = "1.2.840.10008.1.2.4.203",
                           kRpcl = "1.2.840.10008.1.2.4.202";

std::vector<ImageSpec> Kinds() {
  std::vector<ImageSpec> kinds;
  struct Depth {
    uint16_t allocated, stored;
  };
  for (const Depth depth : {Depth{8, 8}, {8, 7}, {16, 10}, {16, 12}, {16, 15}, {16, 16}}) {
    for (const bool is_signed : {false, true}) {
      kinds.push_back({.bits_allocated = depth.allocated, .bits_stored = depth.stored, .is_signed = is_signed});
    }
  }
  kinds.push_back({.bits_allocated = 1, .bits_stored = 1});
  kinds.push_back({.bits_allocated = 8, .bits_stored = 8, .samples = 3, .photometric = Photometric::kRgb});
  kinds.push_back({.bits_allocated = 16, .bits_stored = 16, .samples = 3, .photometric = Photometric::kRgb});
  kinds.push_back({.bits_allocated = 8, .bits_stored = 8, .samples = 3, .photometric = Photometric::kYbrFull});
  kinds.push_back({.bits_allocated = 8, .bits_stored = 8, .photometric = Photometric::kPaletteColor});
  kinds.push_back({.bits_allocated = 16, .bits_stored = 16, .photometric = Photometric::kPaletteColor});
  kinds.push_back({.rows = 1, .columns = 1, .bits_allocated = 16, .bits_stored = 16});
  kinds.push_back({.rows = 1, .columns = 300, .bits_allocated = 8, .bits_stored = 8});
  kinds.push_back({.rows = 257, .columns = 3, .bits_allocated = 16, .bits_stored = 12, .is_signed = true});
  kinds.push_back({.rows = 200, .columns = 301, .bits_allocated = 16, .bits_stored = 16, .noise = 20000});
  return kinds;
}

std::string Describe(const ImageSpec& s) {
  return std::to_string(s.rows) + "x" + std::to_string(s.columns) + "x" + std::to_string(s.samples) + " " +
         std::to_string(s.bits_allocated) + "/" + std::to_string(s.bits_stored) + (s.is_signed ? " signed " : " ") +
         std::string(PhotometricName(s.photometric));
}

// The format in which a data set describes what Encode gave back.
Result<Image> RoundTrip(const Image& image, std::string_view syntax, const EncodeOptions& options = {}) {
  HILUM_ASSIGN_OR_RETURN(const EncodedFrame encoded, Encode(image, syntax, options));
  return Decode(syntax, encoded.bytes, encoded.format);
}

TEST(Codec, LosslessSyntaxesGiveEveryBitBack) {
  for (const TransferSyntax& syntax : TransferSyntaxes()) {
    if (!syntax.can_encode || syntax.lossy_only) continue;
    for (const ImageSpec& kind : Kinds()) {
      const Image image = MakeImage(kind);
      const Result<Image> back = RoundTrip(image, syntax.uid);
      const std::string what = std::string(syntax.name) + ", " + Describe(kind);
      if (!back.ok() && back.status().code() == Code::kUnsupported) {
        // JPEG has no single bits; what may be lossy has no palettes.
        const bool jpeg = syntax.coding == Coding::kJpegLossless || syntax.coding == Coding::kJpegLs;
        EXPECT_TRUE((kind.bits_allocated == 1 && jpeg) ||
                    (kind.photometric == Photometric::kPaletteColor && !syntax.lossless_only))
            << what << ": " << back.status().message();
        continue;
      }
      ASSERT_TRUE(back.ok()) << what << ": " << back.status().message();
      EXPECT_EQ(back->pixels, image.pixels) << what;
      EXPECT_EQ(back->format, image.format) << what;
    }
  }
}

TEST(Codec, PalettesAreWrittenInLosslessSyntaxesOnly) {
  const Image image = MakeImage({.bits_allocated = 8, .bits_stored = 8, .photometric = Photometric::kPaletteColor});
  for (const TransferSyntax& syntax : TransferSyntaxes()) {
    if (syntax.can_encode) {
      EXPECT_EQ(Encode(image, syntax.uid).ok(), syntax.lossless_only) << syntax.name;
    }
  }
}

TEST(Codec, BitsAboveTheStoredOnesSurvive) {
  // An overlay in the top bits, as old images have it, and a signed value that is not continued upwards.
  for (const bool is_signed : {false, true}) {
    Image image = MakeImage({.bits_allocated = 16, .bits_stored = 12, .is_signed = is_signed});
    for (size_t i = 1; i < image.pixels.size(); i += 6) image.pixels[i] = static_cast<char>(0xA3);
    for (const TransferSyntax& syntax : TransferSyntaxes()) {
      if (!syntax.can_encode || syntax.lossy_only) continue;
      const Result<Image> back = RoundTrip(image, syntax.uid);
      ASSERT_TRUE(back.ok()) << syntax.name << ": " << back.status().message();
      EXPECT_EQ(back->pixels, image.pixels) << syntax.name;
    }
  }
}

// Edges between the least and the greatest value, which lossy codecs overshoot; `bits` are in use.
Image EdgesOf(uint16_t bits, const FrameFormat& format) {
  const int64_t low = format.is_signed ? -(int64_t{1} << (bits - 1)) : 0, high = low + (int64_t{1} << bits) - 1;
  Image image{.format = format, .pixels = std::string(FrameBytes(format), '\0')};
  const size_t cell = format.bits_allocated / 8;
  std::mt19937 random(1);
  for (size_t i = 0; i < image.pixels.size() / cell; ++i) {
    const bool noisy = i % format.columns < format.columns / 2;
    const int64_t value = (noisy ? random() : i / format.columns / 5) % 2 == 0 ? low : high;
    std::memcpy(&image.pixels[i * cell], &value, cell);
  }
  return image;
}

TEST(Codec, WhatOvershootsTheStoredBitsIsBroughtBack) {
  struct Case {
    std::string_view syntax;
    uint16_t allocated, precision, stored;  // precision: of the codestream
    bool is_signed = false;
  };
  for (const Case& c : {Case{kBaseline, 8, 8, 7},
                        {kExtended, 16, 12, 10},
                        {kNearLossless, 16, 16, 10},
                        {kNearLossless, 8, 8, 7},
                        {kJpeg2000, 16, 16, 10},
                        {kJpeg2000, 16, 16, 10, true},
                        {kHtj2k, 16, 16, 10},
                        {kHtj2k, 16, 12, 10, true}}) {
    const std::string what = std::string(c.syntax) + (c.is_signed ? " signed" : "");
    const FrameFormat full = testing::FormatOf({.rows = 64,
                                                .columns = 64,
                                                .bits_allocated = c.allocated,
                                                .bits_stored = c.precision,
                                                .is_signed = c.is_signed});
    const Image image = EdgesOf(c.stored, full);
    const auto encoded = Encode(image, c.syntax, {.allow_lossy = true, .compression_ratio = 8});
    ASSERT_TRUE(encoded.ok()) << what << encoded.status().message();
    FrameFormat said = full;
    said.bits_stored = c.stored;
    said.high_bit = c.stored - 1;
    const auto raw = Decode(c.syntax, encoded->bytes, full), kept = Decode(c.syntax, encoded->bytes, said);
    ASSERT_TRUE(raw.ok() && kept.ok()) << what;
    const int64_t low = c.is_signed ? -(int64_t{1} << (c.stored - 1)) : 0, high = low + (int64_t{1} << c.stored) - 1;
    const SampleSource before(*raw), after(*kept);
    int overshoots = 0;
    for (size_t i = 0; i < size_t{64} * 64; ++i) {
      ASSERT_EQ(after.At(i), std::clamp(before.At(i), low, high)) << what;
      overshoots += before.At(i) > high || before.At(i) < low;
    }
    EXPECT_GT(overshoots, 0) << what;
    said.embeds_overlays = true;
    EXPECT_EQ(Decode(c.syntax, encoded->bytes, said)->pixels, raw->pixels) << what << ": their bits are overlays";
  }
}

TEST(Codec, CellsOf32BitsAreStoredNativeOrRunLength) {
  const Image image = MakeImage({.bits_allocated = 32, .bits_stored = 32, .noise = 1e6});
  for (const std::string_view syntax : {kExplicit, kRle}) {
    const Result<Image> back = RoundTrip(image, syntax);
    ASSERT_TRUE(back.ok()) << back.status().message();
    EXPECT_EQ(back->pixels, image.pixels);
  }
  EXPECT_EQ(Encode(image, kJpeg2000).status().code(), Code::kUnsupported);
}

TEST(Codec, JpegIsNotWrittenAtSidesItsLibrariesRefuse) {
  for (const TransferSyntax& syntax : TransferSyntaxes()) {
    if (!syntax.can_encode) continue;
    Image image = MakeImage({.rows = 65501, .columns = 1, .bits_allocated = 8, .bits_stored = 8});
    const bool jpeg = syntax.coding == Coding::kJpeg || syntax.coding == Coding::kJpegLossless;
    const Status status = Encode(image, syntax.uid).status();
    EXPECT_EQ(status.code(), jpeg ? Code::kUnsupported : Code::kOk) << syntax.name << status.message();
    image.format.rows = 65500;
    image.pixels.resize(65500);
    EXPECT_TRUE(RoundTrip(image, syntax.uid).ok()) << syntax.name;
  }
}

TEST(Codec, BaselineStaysWithinAFewLevels) {
  const Image grey = MakeImage({.bits_allocated = 8, .bits_stored = 8});
  Result<Image> back = RoundTrip(grey, kBaseline, {.jpeg_quality = 95});
  ASSERT_TRUE(back.ok()) << back.status().message();
  EXPECT_LE(GreatestDifference(grey, *back), 8);
  EXPECT_EQ(back->format, grey.format);

  const Image rgb =
      MakeImage({.bits_allocated = 8, .bits_stored = 8, .samples = 3, .photometric = Photometric::kRgb, .noise = 0});
  const Result<EncodedFrame> encoded = Encode(rgb, kBaseline, {.jpeg_quality = 95});
  ASSERT_TRUE(encoded.ok()) << encoded.status().message();
  EXPECT_EQ(encoded->format.photometric, Photometric::kYbrFull422);
  EXPECT_TRUE(encoded->lossy);
  back = Decode(kBaseline, encoded->bytes, encoded->format);
  ASSERT_TRUE(back.ok()) << back.status().message();
  EXPECT_EQ(back->format.photometric, Photometric::kRgb);
  EXPECT_LE(GreatestDifference(rgb, *back), 16);
}

TEST(Codec, ExtendedHoldsTwelveBits) {
  const Image image = MakeImage({.bits_allocated = 16, .bits_stored = 12});
  const Result<Image> back = RoundTrip(image, kExtended, {.jpeg_quality = 95});
  ASSERT_TRUE(back.ok()) << back.status().message();
  EXPECT_LE(GreatestDifference(image, *back), 40);
  EXPECT_EQ(Encode(MakeImage({.bits_stored = 12, .is_signed = true}), kExtended).status().code(), Code::kUnsupported);
  EXPECT_EQ(Encode(MakeImage({.bits_stored = 16}), kExtended).status().code(), Code::kUnsupported);
  EXPECT_EQ(Encode(image, kBaseline).status().code(), Code::kUnsupported);
}

TEST(Codec, NearLosslessKeepsItsPromise) {
  const Image image = MakeImage({.bits_allocated = 16, .bits_stored = 12});
  const Result<Image> back = RoundTrip(image, kNearLossless, {.allow_lossy = true, .near_lossless = 3});
  ASSERT_TRUE(back.ok()) << back.status().message();
  EXPECT_LE(GreatestDifference(image, *back), 3);
  EXPECT_GT(GreatestDifference(image, *back), 0);
}

TEST(Codec, NearLosslessOfSignedSamplesLosesNothing) {
  const Image image = MakeImage({.bits_allocated = 16, .bits_stored = 16, .is_signed = true, .noise = 9000});
  const Result<EncodedFrame> encoded = Encode(image, kNearLossless, {.allow_lossy = true, .near_lossless = 3});
  ASSERT_TRUE(encoded.ok()) << encoded.status().message();
  EXPECT_FALSE(encoded->lossy);
}

TEST(Codec, WaveletsReachTheRatioAskedFor) {
  for (const std::string_view syntax : {kJpeg2000, kHtj2k}) {
    for (const bool is_signed : {false, true}) {
      const Image image = MakeImage(
          {.rows = 256, .columns = 256, .bits_allocated = 16, .bits_stored = 12, .is_signed = is_signed, .noise = 40});
      const Result<EncodedFrame> encoded = Encode(image, syntax, {.allow_lossy = true, .compression_ratio = 8});
      ASSERT_TRUE(encoded.ok()) << encoded.status().message();
      EXPECT_TRUE(encoded->lossy);
      EXPECT_LE(encoded->bytes.size(), image.pixels.size() / 8 * 1.05) << syntax;
      const Result<Image> back = Decode(syntax, encoded->bytes, encoded->format);
      ASSERT_TRUE(back.ok()) << back.status().message();
      EXPECT_LE(GreatestDifference(image, *back), 120) << syntax << is_signed;
    }
  }
}

TEST(Codec, LossyColourIsCalledByItsTransform) {
  const Image rgb = MakeImage({.rows = 64,
                               .columns = 64,
                               .bits_allocated = 8,
                               .bits_stored = 8,
                               .samples = 3,
                               .photometric = Photometric::kRgb});
  for (const std::string_view syntax : {kJpeg2000, kHtj2k}) {
    Result<EncodedFrame> encoded = Encode(rgb, syntax);
    ASSERT_TRUE(encoded.ok());
    EXPECT_EQ(encoded->format.photometric, Photometric::kYbrRct);
    encoded = Encode(rgb, syntax, {.allow_lossy = true, .compression_ratio = 5});
    ASSERT_TRUE(encoded.ok());
    EXPECT_EQ(encoded->format.photometric, Photometric::kYbrIct);
    const Result<Image> back = Decode(syntax, encoded->bytes, encoded->format);
    ASSERT_TRUE(back.ok()) << back.status().message();
    EXPECT_EQ(back->format.photometric, Photometric::kRgb);
    EXPECT_LE(GreatestDifference(rgb, *back), 24) << syntax;
  }
}

TEST(Codec, RpclCodestreamsListTheirTileParts) {
  const Image image = MakeImage({.rows = 512, .columns = 300});
  const Result<EncodedFrame> encoded = Encode(image, kRpcl);
  ASSERT_TRUE(encoded.ok()) << encoded.status().message();
  const size_t tlm = encoded->bytes.find("\xFF\x55"), sot = encoded->bytes.find("\xFF\x90");
  ASSERT_NE(tlm, std::string::npos);
  ASSERT_LT(tlm, sot);
  // The tile-part ends where the end marker begins.
  const auto length = LoadBe<uint32_t>(encoded->bytes.data() + tlm + 6);
  EXPECT_EQ(sot + length + 2, encoded->bytes.size());
  EXPECT_TRUE(encoded->bytes.ends_with("\xFF\xD9"));
}

TEST(Codec, PreviewsAreHalvedAsOftenAsAsked) {
  const Image image = MakeImage({.rows = 301, .columns = 200, .noise = 0});
  for (const std::string_view syntax : {kJpeg2000, kHtj2k}) {
    const Result<EncodedFrame> encoded = Encode(image, syntax);
    ASSERT_TRUE(encoded.ok());
    const Result<Image> small = Decode(syntax, encoded->bytes, encoded->format, {.reduce = 2});
    ASSERT_TRUE(small.ok()) << small.status().message();
    EXPECT_EQ(small->format.rows, 76u);
    EXPECT_EQ(small->format.columns, 50u);
    EXPECT_EQ(small->pixels.size(), 76u * 50 * 2);
  }
}

TEST(Codec, BigEndianAndPlanarPixelsAreUndone) {
  const FrameFormat planar{.rows = 1,
                           .columns = 2,
                           .samples = 3,
                           .bits_allocated = 16,
                           .bits_stored = 16,
                           .high_bit = 15,
                           .planar = true,
                           .photometric = Photometric::kRgb};
  const Result<Image> image = Decode(kBigEndian, std::string("\1\2\3\4\5\6\7\10\11\12\13\14", 12), planar);
  ASSERT_TRUE(image.ok()) << image.status().message();
  EXPECT_EQ(image->pixels, std::string("\2\1\6\5\12\11\4\3\10\7\14\13", 12));
  EXPECT_FALSE(image->format.planar);
}

TEST(Codec, SharedColourIsGivenToBothPixels) {
  const FrameFormat shared{.rows = 1,
                           .columns = 4,
                           .samples = 3,
                           .bits_allocated = 8,
                           .bits_stored = 8,
                           .high_bit = 7,
                           .photometric = Photometric::kYbrFull422};
  const Result<Image> image = Decode(kExplicit, "abCRcdXY", shared);
  ASSERT_TRUE(image.ok()) << image.status().message();
  EXPECT_EQ(image->pixels, "aCRbCRcXYdXY");
  EXPECT_EQ(image->format.photometric, Photometric::kYbrFull);
}

TEST(Codec, RefusesWhatDisagreesWithTheDataSet) {
  const Image image = MakeImage({.bits_allocated = 8, .bits_stored = 8});
  for (const TransferSyntax& syntax : TransferSyntaxes()) {
    if (!syntax.can_encode || syntax.coding == Coding::kNative) continue;
    const Result<EncodedFrame> encoded = Encode(image, syntax.uid);
    ASSERT_TRUE(encoded.ok()) << syntax.name << encoded.status().message();
    FrameFormat wrong = encoded->format;
    wrong.rows += 1;
    const Result<Image> taller = Decode(syntax.uid, encoded->bytes, wrong);
    EXPECT_EQ(taller.status().code(), Code::kInvalid) << syntax.name;
    if (syntax.coding == Coding::kRle || syntax.coding == Coding::kDeflatedFrame) continue;
    EXPECT_NE(taller.status().message().find("rows"), std::string::npos) << taller.status().message();
  }
}

// libjpeg passes over FF 00 and reads what a reader of segments takes for its body.
TEST(Codec, RefusesAJpegThatHidesALargerOne) {
  for (const char* syntax : {"1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.70"}) {
    const ImageSpec spec{.bits_allocated = 8, .bits_stored = 8, .noise = 0};
    Image small = MakeImage(spec), large = MakeImage(spec);
    small.format.rows = small.format.columns = 16;
    small.pixels.assign(16 * 16, '\0');
    large.format.rows = large.format.columns = 400;
    large.pixels.assign(400 * 400, '\0');
    const auto shown = Encode(small, syntax), hidden = Encode(large, syntax);
    ASSERT_TRUE(shown.ok() && hidden.ok());
    const std::string inside = hidden->bytes.substr(2);
    ASSERT_LT(inside.size() + 2, 0xFFFFu);
    std::string stream("\xFF\xD8\xFF\x00", 4);
    AppendBe(&stream, static_cast<uint16_t>(inside.size() + 2));
    stream += inside + shown->bytes.substr(2);
    EXPECT_EQ(Decode(syntax, stream, small.format).status().code(), Code::kInvalid) << syntax;
    // The same behind a marker that both take for one.
    stream = std::string("\xFF\xD8\xFF\x01", 4) + inside + shown->bytes.substr(2);
    EXPECT_EQ(Decode(syntax, stream, small.format).status().code(), Code::kInvalid) << syntax;
  }
}

TEST(Codec, RefusesFormatsBeforeAllocatingForThem) {
  const auto code = [](FrameFormat format, uint64_t limit = 1 << 30) {
    return Decode(kRle, std::string(64, '\0'), format, {.max_frame_bytes = limit}).status().code();
  };
  const FrameFormat good = testing::FormatOf({});
  FrameFormat bad = good;
  bad.rows = 0;
  EXPECT_EQ(code(bad), Code::kInvalid);
  bad = good;
  bad.high_bit = 16;
  EXPECT_EQ(code(bad), Code::kInvalid);
  bad = good;
  bad.bits_stored = 17;
  EXPECT_EQ(code(bad), Code::kInvalid);
  bad = good;
  bad.bits_allocated = 12;
  EXPECT_EQ(code(bad), Code::kUnsupported);
  bad = good;
  bad.samples = 4;
  EXPECT_EQ(code(bad), Code::kUnsupported);
  bad = good;
  bad.rows = bad.columns = 65535;
  EXPECT_EQ(code(bad), Code::kLimit);
  EXPECT_EQ(code(good, 1000), Code::kLimit);
  EXPECT_EQ(Decode("1.2.840.10008.1.2.4.100", "", good).status().code(), Code::kUnsupported);
}

TEST(Codestream, DescribesWhatWasEncoded) {
  // Of every kind of image what Encode says of it is what its codestream says.
  const ImageSpec specs[] = {{.bits_allocated = 8, .bits_stored = 8},
                             {.bits_allocated = 16, .bits_stored = 12},
                             {.bits_allocated = 8, .bits_stored = 8, .samples = 3, .photometric = Photometric::kRgb}};
  for (const char* const process : {"50", "51", "57", "70", "90", "91", "201", "203"}) {
    const std::string syntax = "1.2.840.10008.1.2.4." + std::string(process);
    for (const ImageSpec& spec : specs) {
      for (const bool lossy : {false, true}) {
        const auto encoded = Encode(MakeImage(spec), syntax, {.allow_lossy = lossy});
        if (encoded.status().code() == Code::kUnsupported) continue;
        ASSERT_TRUE(encoded.ok()) << syntax << encoded.status().message();
        const auto described = DescribeCodestream(encoded->bytes);
        ASSERT_TRUE(described.ok()) << syntax << described.status().message();
        EXPECT_EQ(described->format, encoded->format) << syntax << " " << spec.samples << " " << spec.bits_stored;
        EXPECT_EQ(described->lossy, encoded->lossy) << syntax;
        EXPECT_EQ(WithoutBoxes(encoded->bytes), encoded->bytes);
      }
    }
  }
}

TEST(Codestream, TellsItsTransferSyntax) {
  const auto said = [](const char* syntax, bool lossy) {
    const auto encoded = Encode(MakeImage({.bits_allocated = 8, .bits_stored = 8}), syntax, {.allow_lossy = lossy});
    return encoded.ok() ? SyntaxOfCodestream(encoded->bytes) : "";
  };
  for (const char* const syntax :
       {"1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.70", "1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.201"})
    EXPECT_EQ(said(syntax, false), syntax);
  EXPECT_EQ(said("1.2.840.10008.1.2.4.91", true), "1.2.840.10008.1.2.4.91");
  EXPECT_EQ(said("1.2.840.10008.1.2.4.203", true), "1.2.840.10008.1.2.4.203");
  EXPECT_EQ(SyntaxOfCodestream("GIF89a"), "");
}

TEST(Codestream, RefusesColoursThatImagesDoNotHave) {
  const std::string_view cmyk("\xFF\xD8\xFF\xC0\0\x14\x08\0\x02\0\x02\x04\x01\x11\0\x02\x11\0\x03\x11\0\x04\x11\0", 24);
  EXPECT_EQ(DescribeCodestream(cmyk).status().code(), Code::kUnsupported);
  EXPECT_EQ(DescribeCodestream("GIF89a").status().code(), Code::kInvalid);
}

TEST(Codec, TableKnowsItsSyntaxes) {
  for (const std::string_view last : {".50", ".51", ".57", ".70", ".80", ".81", ".90", ".91", ".201", ".202", ".203"}) {
    const std::string uid = "1.2.840.10008.1.2.4" + std::string(last);
    EXPECT_TRUE(CanDecode(uid) && CanEncode(uid)) << uid;
  }
  for (const std::string_view last : {".110", ".111", ".112", ".53", ".55"}) {
    const std::string uid = "1.2.840.10008.1.2.4" + std::string(last);
    EXPECT_TRUE(CanDecode(uid) && !CanEncode(uid)) << uid;
  }
  EXPECT_TRUE(CanDecode(kBigEndian) && !CanEncode(kBigEndian));
  EXPECT_FALSE(CanDecode("1.2.840.10008.1.2.4.100"));
}

}  // namespace
}  // namespace hilum::pixel
