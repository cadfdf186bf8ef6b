#include "codecs/pixel/render.h"

#include <gtest/gtest.h>
#include <spng.h>

#include <bit>
#include <cmath>
#include <limits>
#include <string>

#include "tests/codecs/pixel/generated.h"
#include "tests/codecs/pixel/instances.h"

namespace hilum::pixel {
namespace {

using dicom::Part10Writer;
using dicom::Vr;

FrameFormat Format(uint32_t rows, uint32_t columns, uint16_t bits, Photometric photometric = Photometric::kMonochrome2,
                   bool is_signed = false) {
  return {.rows = rows,
          .columns = columns,
          .bits_allocated = bits,
          .bits_stored = bits,
          .high_bit = static_cast<uint16_t>(bits - 1),
          .is_signed = is_signed,
          .photometric = photometric};
}

std::string Words(std::initializer_list<int> values) {
  std::string bytes;
  for (const int value : values) AppendLe<uint16_t>(&bytes, static_cast<uint16_t>(value));
  return bytes;
}

using Attributes = std::function<void(Part10Writer*)>;

// Samples of the picture of a single-frame image.
std::vector<int> Rendered(
    const FrameFormat& format, const std::string& pixels, const Attributes& attributes = [](Part10Writer*) {},
    const RenderOptions& options = {}) {
  const std::string file = testing::MakeInstance({.format = format, .pixels = pixels, .before_pixels = attributes});
  const Result<Instance> instance = Instance::Open(file);
  if (!instance.ok()) return {-1};
  LocalCodec codec;
  const Result<Picture> picture = RenderPicture(*instance, 0, options, codec);
  if (!picture.ok()) return {-2};
  std::vector<int> samples;
  for (size_t i = 0; i < picture->samples.size(); i += picture->bits / 8) {
    samples.push_back(picture->bits == 8 ? static_cast<uint8_t>(picture->samples[i])
                                         : LoadLe<uint16_t>(&picture->samples[i]));
  }
  return samples;
}

using V = std::vector<int>;

TEST(Render, LinearWindowIsThatOfTheStandard) {
  // PS3.3 C.11.2.1.2.1 with c=2048, w=4096: y = (x - 2047.5) / 4095 + 0.5.
  const RenderOptions options{.window = Window{2048, 4096, VoiFunction::kLinear}};
  EXPECT_EQ(Rendered(
                Format(1, 4, 16), Words({0, 1024, 4095, 5000}), [](Part10Writer*) {}, options),
            (V{0, 64, 255, 255}));
  // Width 1 is a threshold at c - 0.5.
  EXPECT_EQ(Rendered(Format(1, 3, 16), Words({99, 100, 101}), [](Part10Writer*) {},
                     {.window = Window{100, 1, VoiFunction::kLinear}}),
            (V{0, 255, 255}));
}

TEST(Render, ExactAndSigmoidWindows) {
  const auto with = [](VoiFunction f) { return RenderOptions{.window = Window{100, 100, f}}; };
  EXPECT_EQ(Rendered(
                Format(1, 3, 16), Words({50, 100, 150}), [](Part10Writer*) {}, with(VoiFunction::kLinearExact)),
            (V{0, 128, 255}));
  const double low = 255 / (1 + std::exp(2.0)), high = 255 / (1 + std::exp(-2.0));
  EXPECT_EQ(Rendered(
                Format(1, 3, 16), Words({50, 100, 150}), [](Part10Writer*) {}, with(VoiFunction::kSigmoid)),
            (V{int(low + 0.5), 128, int(high + 0.5)}));
}

TEST(Render, RescaleComesBeforeTheStoredWindow) {
  const auto attributes = [](Part10Writer* out) {
    out->Add({0x0028, 0x1050}, Vr("DS"), "40\\300 ");
    out->Add({0x0028, 0x1051}, Vr("DS"), "400\\1500");
    out->Add({0x0028, 0x1052}, Vr("DS"), "-1024");
    out->Add({0x0028, 0x1053}, Vr("DS"), "1");
  };
  // Window 40/400 in Hounsfield: -160.5 and below is black, 239.5 and above white.
  EXPECT_EQ(Rendered(Format(1, 3, 16), Words({1024 - 161, 1024 + 40, 1024 + 240}), attributes), (V{0, 128, 255}));
  EXPECT_EQ(Rendered(Format(1, 2, 16), Words({1024 - 161, 1024 + 300}), attributes, {.stored_window = 1}),
            (V{int(((-161 - 299.5) / 1499 + 0.5) * 255 + 0.5), 128}));
}

TEST(Render, WithoutAWindowTheValuesThatOccurCount) {
  EXPECT_EQ(Rendered(Format(1, 3, 16, Photometric::kMonochrome2, true), Words({-1000, 0, 1000})), (V{0, 128, 255}));
  EXPECT_EQ(Rendered(Format(1, 2, 16), Words({7, 7})).size(), 2u);
  EXPECT_EQ(Rendered(Format(1, 3, 8), "\x10\x80\xFF"), (V{16, 128, 255}));
}

TEST(Render, PaddingIsBlackAndCountsForNoWindow) {
  const FrameFormat format = Format(1, 4, 16, Photometric::kMonochrome2, true);
  const auto padded = [](const char* vr, int value, std::optional<int> limit = std::nullopt) {
    return [=](Part10Writer* out) {
      out->Add({0x0028, 0x0120}, Vr(vr[0], vr[1]), Words({value}));
      if (limit) out->Add({0x0028, 0x0121}, Vr(vr[0], vr[1]), Words({*limit}));
    };
  };
  const std::string pixels = Words({-32768, 0, 100, 200});
  EXPECT_EQ(Rendered(format, pixels), (V{0, 253, 254, 255}));
  EXPECT_EQ(Rendered(format, pixels, padded("SS", -32768)), (V{0, 0, 128, 255}));
  EXPECT_EQ(Rendered(format, pixels, padded("US", -32768)), (V{0, 0, 128, 255})) << "as some write it";
  EXPECT_EQ(Rendered(format, Words({-1000, -999, 0, 100}), padded("SS", -999, -1000)), (V{0, 0, 0, 255})) << "a range";
  EXPECT_EQ(Rendered(Format(1, 4, 16, Photometric::kMonochrome1), Words({65535, 0, 50, 100}), padded("US", 65535)),
            (V{0, 255, 128, 0}))
      << "also where low values are white";
  EXPECT_EQ(Rendered(format, Words({5, 5, 5, 5}), padded("SS", 5)), (V{0, 0, 0, 0}));
  // Twelve bits whose sign is not continued.
  FrameFormat twelve = Format(1, 4, 16, Photometric::kMonochrome2, true);
  twelve.bits_stored = 12;
  twelve.high_bit = 11;
  EXPECT_EQ(Rendered(twelve, Words({0x0800, 0, 50, 100}), padded("SS", 0x0800)), (V{0, 0, 128, 255}));
}

// Float Pixel Data, with one window if its width is above 0, and a value that is padding.
std::vector<int> RenderedFloats(const std::vector<float>& values, double center, double width) {
  const auto floats = [](const std::vector<float>& all) {
    std::string bytes;
    for (const float one : all) AppendLe(&bytes, std::bit_cast<uint32_t>(one));
    return bytes;
  };
  Part10Writer out("1.2.840.10008.5.1.4.1.1.30", "1.2.3.4");
  out.AddUint16({0x0028, 0x0002}, 1);
  out.Add({0x0028, 0x0004}, Vr("CS"), "MONOCHROME2");
  out.AddUint16({0x0028, 0x0010}, 1);
  out.AddUint16({0x0028, 0x0011}, static_cast<uint16_t>(values.size()));
  out.AddUint16({0x0028, 0x0100}, 32);
  out.Add({0x0028, 0x0122}, Vr("FL"), floats({-9}));
  if (width > 0) {
    out.Add({0x0028, 0x1050}, Vr("DS"), std::to_string(center));
    out.Add({0x0028, 0x1051}, Vr("DS"), std::to_string(width));
  }
  out.Add({0x7FE0, 0x0008}, Vr("OF"), floats(values));
  const std::string file = out.Take();
  const Result<Instance> instance = Instance::Open(file);
  if (!instance.ok()) return {-1};
  LocalCodec codec;
  const Result<Picture> picture = RenderPicture(*instance, 0, {}, codec);
  if (!picture.ok()) return {-2};
  std::vector<int> samples;
  for (const char sample : picture->samples) samples.push_back(static_cast<uint8_t>(sample));
  return samples;
}

TEST(Render, RealNumbersHaveWindowsOfFractions) {
  const std::vector<float> values = {-9, 0, 0.25, 0.5, 1, std::numeric_limits<float>::quiet_NaN()};
  EXPECT_EQ(RenderedFloats(values, 0, 0), (V{0, 0, 64, 128, 255, 0})) << "neither padding nor what is no number counts";
  EXPECT_EQ(RenderedFloats(values, 0.5, 1), (V{0, 0, 64, 128, 255, 0}));
  EXPECT_EQ(RenderedFloats(values, 0.25, 0.5), (V{0, 0, 128, 255, 255, 0}));
  EXPECT_EQ(RenderedFloats({0, std::numeric_limits<float>::infinity()}, 0.5, 1), (V{0, 255}));
}

TEST(Render, PicturesHaveTheShapeOfTheirPixels) {
  const std::string file = testing::MakeInstance({.format = Format(4, 6, 8), .pixels = std::string(24, '\x55')});
  const std::string depth("\x28\x00\x00\x01US", 6);
  const auto size = [&](const std::string& aspect, const RenderOptions& options) {
    std::string with = file, element;
    dicom::DataSetWriter(&element).Add({0x0028, 0x0034}, Vr("IS"), aspect);
    with.insert(with.find(depth), element);
    const Result<Instance> instance = Instance::Open(with);
    LocalCodec codec;
    const Result<Picture> picture = RenderPicture(*instance, 0, options, codec);
    return picture.ok() ? std::pair(picture->width, picture->height) : std::pair(0u, 0u);
  };
  using Size = std::pair<uint32_t, uint32_t>;
  EXPECT_EQ(size("1\\1 ", {}), Size(6, 4));
  EXPECT_EQ(size("2\\1 ", {}), Size(6, 8)) << "pixels twice as high as they are wide";
  EXPECT_EQ(size("1\\2 ", {}), Size(12, 4));
  EXPECT_EQ(size("2\\1 ", {.viewport = Viewport{.width = 30, .height = 30}}), Size(23, 30)) << "the same shape";
}

TEST(Render, InversionHappensOnce) {
  const auto inverse = [](Part10Writer* out) { out->Add({0x2050, 0x0020}, Vr("CS"), "INVERSE"); };
  const auto identity = [](Part10Writer* out) { out->Add({0x2050, 0x0020}, Vr("CS"), "IDENTITY"); };
  const std::string pixels("\0\xFF", 2);
  EXPECT_EQ(Rendered(Format(1, 2, 8, Photometric::kMonochrome2), pixels, identity), (V{0, 255}));
  EXPECT_EQ(Rendered(Format(1, 2, 8, Photometric::kMonochrome2), pixels, inverse), (V{255, 0}));
  EXPECT_EQ(Rendered(Format(1, 2, 8, Photometric::kMonochrome1), pixels), (V{255, 0}));
  EXPECT_EQ(Rendered(Format(1, 2, 8, Photometric::kMonochrome1), pixels, inverse), (V{255, 0}));
}

std::string LutItem(const std::string& descriptor, const std::string& data) {
  std::string body;
  const auto add = [&](uint16_t element, const char* vr, const std::string& value) {
    AppendLe<uint16_t>(&body, 0x0028);
    AppendLe<uint16_t>(&body, element);
    body += vr;
    if (std::string_view(vr) == "OW")
      AppendLe<uint16_t>(&body, 0), AppendLe<uint32_t>(&body, static_cast<uint32_t>(value.size()));
    else
      AppendLe<uint16_t>(&body, static_cast<uint16_t>(value.size()));
    body += value;
  };
  add(0x3002, "US", descriptor);
  add(0x3006, "OW", data);
  std::string item;
  AppendLe<uint32_t>(&item, 0xE000FFFE);
  AppendLe<uint32_t>(&item, static_cast<uint32_t>(body.size()));
  return item + body;
}

TEST(Render, LookUpTablesClampAtTheirEnds) {
  // Modality: 4 entries from 10; VOI: 3 entries of 12 bits from 100.
  const auto attributes = [](Part10Writer* out) {
    out->Add({0x0028, 0x3000}, Vr("SQ"), LutItem(Words({4, 10, 16}), Words({100, 101, 102, 103})));
    out->Add({0x0028, 0x3010}, Vr("SQ"), LutItem(Words({3, 100, 12}), Words({0, 4095, 2048})));
  };
  EXPECT_EQ(Rendered(Format(1, 5, 16), Words({0, 10, 11, 12, 60000}), attributes), (V{0, 0, 255, 128, 128}));
}

// As in implicit VR, where nothing says that the first value has a sign.
TEST(Render, LookUpTablesBeginBelowZeroWhereTheirInputsDo) {
  const auto lut = [](uint16_t element, int first) {
    return [=](Part10Writer* out) {
      if (element == 0x3010) out->Add({0x0028, 0x1052}, Vr("DS"), "-10 ");
      out->Add({0x0028, element}, Vr("SQ"), LutItem(Words({3, first, 16}), Words({0, 65535, 32768})));
    };
  };
  EXPECT_EQ(Rendered(Format(1, 4, 16), Words({4, 5, 6, 7}), lut(0x3010, -5)), (V{0, 0, 255, 128}));
  const FrameFormat with_sign = Format(1, 4, 16, Photometric::kMonochrome2, true);
  EXPECT_EQ(Rendered(with_sign, Words({-6, -5, -4, -3}), lut(0x3000, -5)), (V{0, 0, 255, 128}));
  const FrameFormat without = Format(1, 4, 16);
  EXPECT_EQ(Rendered(without, Words({4, 65531, 65532, 65533}), lut(0x3000, 65531)), (V{0, 0, 255, 128}));
}

TEST(Render, WithoutAWindowATableThatRisesAndFallsIsSeenWhole) {
  const auto attributes = [](Part10Writer* out) {
    out->Add({0x0028, 0x3000}, Vr("SQ"), LutItem(Words({4, 0, 16}), Words({100, 300, 200, 100})));
  };
  EXPECT_EQ(Rendered(Format(1, 4, 16), Words({0, 1, 2, 3}), attributes), (V{0, 255, 128, 0}));
}

TEST(Render, AngiographiesAreSeenAsTheyAreStored) {  // PS3.3 C.8.7.1.1.2
  const auto attributes = [](Part10Writer* out) {
    out->Add({0x0028, 0x1050}, Vr("DS"), "100 ");
    out->Add({0x0028, 0x1051}, Vr("DS"), "200 ");
    out->Add({0x0028, 0x1056}, Vr("CS"), "LINEAR_EXACT");
    out->Add({0x0028, 0x3000}, Vr("SQ"), LutItem(Words({3, 0, 16}), Words({0, 60000, 65535})));
  };
  const std::string file = testing::MakeInstance({.format = Format(1, 3, 16),
                                                  .pixels = Words({0, 100, 200}),
                                                  .before_pixels = attributes,
                                                  .sop_class = "1.2.840.10008.5.1.4.1.1.12.1"});
  const Result<Instance> instance = Instance::Open(file);
  ASSERT_TRUE(instance.ok());
  LocalCodec codec;
  const Result<Picture> picture = RenderPicture(*instance, 0, {}, codec);
  ASSERT_TRUE(picture.ok());
  EXPECT_EQ(picture->samples, std::string("\0\x80\xFF", 3));
}

TEST(Render, SixteenBitsKeepTheLevels) {
  const RenderOptions options{
      .type = PictureType::kPng, .sixteen_bits = true, .window = Window{32767.5, 65535, VoiFunction::kLinearExact}};
  EXPECT_EQ(Rendered(
                Format(1, 3, 16), Words({0, 12345, 65535}), [](Part10Writer*) {}, options),
            (V{0, 12345, 65535}));
}

Attributes Palette(int entries, int first, int bits, const std::string& red, const std::string& green,
                   const std::string& blue) {
  return [=](Part10Writer* out) {
    for (uint16_t i = 1; i <= 3; ++i)
      out->Add({0x0028, static_cast<uint16_t>(0x1100 + i)}, Vr("US"), Words({entries, first, bits}));
    out->Add({0x0028, 0x1201}, Vr("OW"), red);
    out->Add({0x0028, 0x1202}, Vr("OW"), green);
    out->Add({0x0028, 0x1203}, Vr("OW"), blue);
  };
}

TEST(Render, PalettesOf8And16Bits) {
  const FrameFormat format = Format(1, 3, 8, Photometric::kPaletteColor);
  // Index 0 is below the first entry, 9 beyond the last: both are clamped.
  EXPECT_EQ(Rendered(format, std::string("\0\5\11", 3),
                     Palette(2, 4, 16, Words({0x1200, 0x3400}), Words({0, 0xFF00}), Words({0x8000, 0}))),
            (V{0x12, 0, 0x80, 0x34, 0xFF, 0, 0x34, 0xFF, 0}));
  EXPECT_EQ(Rendered(format, std::string("\0\1\1", 3),
                     Palette(2, 0, 8, "\x12\x34", std::string("\0\xFF", 2), std::string("\x80\0", 2))),
            (V{0x12, 0, 0x80, 0x34, 0xFF, 0, 0x34, 0xFF, 0}));
  // 16 bits claimed, 8 meant.
  EXPECT_EQ(Rendered(format, std::string("\0\1\1", 3),
                     Palette(2, 0, 16, Words({0x12, 0x34}), Words({0, 0xFF}), Words({0x80, 0}))),
            (V{0x12, 0, 0x80, 0x34, 0xFF, 0, 0x34, 0xFF, 0}));
  // One colour alone does not tell: its small values are dark.
  EXPECT_EQ(Rendered(format, std::string("\0\1\1", 3),
                     Palette(2, 0, 16, Words({0x1200, 0x3400}), Words({0, 0}), Words({0xC8, 0xC8}))),
            (V{0x12, 0, 0, 0x34, 0, 0, 0x34, 0, 0}));
  EXPECT_EQ(Rendered(Format(1, 2, 16, Photometric::kPaletteColor), Words({300, 301}),
                     Palette(2, 300, 16, Words({0x100, 0x200}), Words({0x100, 0x200}), Words({0x100, 0x200}))),
            (V{1, 1, 1, 2, 2, 2}));
}

TEST(Render, SegmentedPalettesAreExpanded) {
  // Discrete 0x0100; linear in 3 steps to 0x0400; then both again, from byte 0... the linear one from the last entry.
  const std::string segments = Words({0, 1, 0x0100, 1, 3, 0x0400, 2, 2, 0, 0});
  const auto attributes = [&](Part10Writer* out) {
    for (uint16_t i = 1; i <= 3; ++i)
      out->Add({0x0028, static_cast<uint16_t>(0x1100 + i)}, Vr("US"), Words({8, 0, 16}));
    for (uint16_t i = 1; i <= 3; ++i) out->Add({0x0028, static_cast<uint16_t>(0x1220 + i)}, Vr("OW"), segments);
  };
  const V rgb = Rendered(Format(1, 8, 8, Photometric::kPaletteColor), std::string("\0\1\2\3\4\5\6\7", 8), attributes);
  V red;
  for (size_t i = 0; i < rgb.size(); i += 3) red.push_back(rgb[i]);
  EXPECT_EQ(red, (V{1, 2, 3, 4, 1, 2, 3, 4}));
}

TEST(Render, SegmentsThatLieGiveNoPalette) {
  for (const std::string& segments :
       {Words({0, 100, 1}), Words({1, 3, 5}), Words({2, 1, 0, 0}), Words({0, 1, 7, 2, 5, 60000, 60000}),
        Words({0, 1, 7, 2, 65535, 6, 0}), Words({0, 1, 7, 0, 0, 0, 0, 0, 1, 8})}) {
    const auto attributes = [&](Part10Writer* out) {
      for (uint16_t i = 1; i <= 3; ++i)
        out->Add({0x0028, static_cast<uint16_t>(0x1100 + i)}, Vr("US"), Words({0, 0, 16}));
      for (uint16_t i = 1; i <= 3; ++i) out->Add({0x0028, static_cast<uint16_t>(0x1220 + i)}, Vr("OW"), segments);
    };
    // Grey, as without a palette.
    EXPECT_EQ(Rendered(Format(1, 2, 8, Photometric::kPaletteColor), std::string("\0\xFF", 2), attributes), (V{0, 255}));
  }
}

TEST(Render, OverlaysAreDrawnWhereTheyLie) {
  const auto attributes = [](Part10Writer* out) {
    out->AddUint16({0x6000, 0x0010}, 2);
    out->AddUint16({0x6000, 0x0011}, 2);
    out->Add({0x6000, 0x0050}, Vr("SS"), Words({2, 0}));  // one row down, one column to the left
    out->AddUint16({0x6000, 0x0100}, 1);
    out->AddUint16({0x6000, 0x0102}, 0);
    out->Add({0x6000, 0x3000}, Vr("OW"), std::string("\x0E\0", 2));  // all but the first
  };
  const std::string black(9, '\0');
  EXPECT_EQ(Rendered(Format(3, 3, 8), black, attributes), (V{0, 0, 0, 255, 0, 0, 255, 0, 0}));
  EXPECT_EQ(Rendered(Format(3, 3, 8), black, attributes, {.overlays = false}), V(9, 0));
}

TEST(Render, OverlaysAreDrawnOnTheFramesTheyAreFor) {
  const auto drawn = [](const char* frames, int origin) {
    const auto attributes = [&](Part10Writer* out) {
      out->AddUint16({0x6000, 0x0010}, 1);
      out->AddUint16({0x6000, 0x0011}, 1);
      if (frames != nullptr) out->Add({0x6000, 0x0015}, Vr("IS"), frames);
      if (origin > 0) out->AddUint16({0x6000, 0x0051}, static_cast<uint16_t>(origin));
      out->Add({0x6000, 0x3000}, Vr("OW"), std::string("\3\0", 2));
    };
    const std::string file = testing::MakeInstance(
        {.format = Format(1, 1, 8), .frames = 4, .pixels = std::string(4, '\0'), .before_pixels = attributes});
    const Result<Instance> instance = Instance::Open(file);
    LocalCodec codec;
    std::string on;
    for (uint32_t frame = 0; frame < 4; ++frame)
      on += RenderPicture(*instance, frame, {}, codec)->samples == "\xFF" ? '1' : '0';
    return on;
  };
  EXPECT_EQ(drawn(nullptr, 0), "1111");
  EXPECT_EQ(drawn(nullptr, 3), "0011");
  EXPECT_EQ(drawn("1", 0), "1111") << "nothing says which";
  EXPECT_EQ(drawn("1", 2), "0100");
  EXPECT_EQ(drawn("2", 2), "0110");
  EXPECT_EQ(drawn("2", 0), "1100");
}

TEST(Render, OverlaysInUnusedBits) {
  FrameFormat format = Format(1, 3, 16);
  format.bits_stored = 12;
  format.high_bit = 11;
  const auto attributes = [](Part10Writer* out) {
    out->AddUint16({0x6000, 0x0010}, 1);
    out->AddUint16({0x6000, 0x0011}, 3);
    out->AddUint16({0x6000, 0x0100}, 16);
    out->AddUint16({0x6000, 0x0102}, 13);
  };
  const RenderOptions options{.window = Window{2048, 4096, VoiFunction::kLinear}};
  EXPECT_EQ(Rendered(format, Words({0, 0x2000, 0x1000}), attributes, options), (V{0, 255, 0}));
}

TEST(Render, ColourOfYbrAndPlanes) {
  FrameFormat format = Format(1, 2, 8, Photometric::kYbrFull);
  format.samples = 3;
  EXPECT_EQ(Rendered(format, "\x4C\x55\xFF\x80\x80\x80"), (V{254, 0, 0, 128, 128, 128}));
  format.photometric = Photometric::kRgb;
  format.planar = true;
  EXPECT_EQ(Rendered(format, "\1\2\3\4\5\6"), (V{1, 3, 5, 2, 4, 6}));
}

TEST(Render, ColoursThatAreNotKnownGiveNoPicture) {
  FrameFormat format = Format(1, 2, 8, Photometric::kRgb);
  format.samples = 3;
  const std::string file = testing::MakeInstance({.format = format, .pixels = "\1\2\3\4\5\6"});
  const auto code = [&](const std::string& name) {
    std::string renamed = file;
    renamed.replace(renamed.find("RGB "), 4, name);
    LocalCodec codec;
    return RenderPicture(*Instance::Open(renamed), 0, {}, codec).status().code();
  };
  EXPECT_EQ(code("HSV "), Code::kUnsupported);
  EXPECT_EQ(code("RGB "), Code::kOk);
  EXPECT_EQ(code("    "), Code::kOk) << "three samples without a name are RGB";
}

TEST(Render, ViewportsCropScaleAndMirror) {
  const std::string pixels("\0\1\2\3\20\21\22\23\40\41\42\43\60\61\62\63", 16);
  const auto view = [&](const Viewport& viewport) {
    return Rendered(Format(4, 4, 8), pixels, [](Part10Writer*) {}, {.viewport = viewport});
  };
  EXPECT_EQ(view({.width = 2, .height = 2, .x = 1, .y = 1, .w = 2, .h = 2}), (V{17, 18, 33, 34}));
  EXPECT_EQ(view({.width = 2, .height = 2, .x = 1, .y = 1, .w = -2, .h = 2}), (V{18, 17, 34, 33}));
  EXPECT_EQ(view({.width = 2, .height = 2, .x = 1, .y = 1, .w = 2, .h = -2}), (V{33, 34, 17, 18}));
  // The shape stays: 4x4 into 100x2 is 2x2.
  EXPECT_EQ(view({.width = 100, .height = 2}).size(), 4u);
  EXPECT_EQ(view({.width = 8, .height = 8}).size(), 64u);
  EXPECT_EQ(view({.width = 0, .height = 2}), V{-2});
  EXPECT_EQ(view({.width = 2, .height = 2, .x = 4}), V{-2});
  EXPECT_EQ(view({.width = 60000, .height = 60000}), V{-2});
}

TEST(Render, ShrinkingKeepsTheMeanAndFlatStaysFlat) {
  std::string checker(64 * 64, '\0');
  for (size_t i = 0; i < checker.size(); ++i) checker[i] = (i + i / 64) % 2 != 0 ? '\xFF' : '\0';
  for (const int level :
       Rendered(Format(64, 64, 8), checker, [](Part10Writer*) {}, {.viewport = Viewport{.width = 8, .height = 8}})) {
    EXPECT_NEAR(level, 128, 6);
  }
  EXPECT_EQ(Rendered(Format(64, 64, 8), std::string(64 * 64, 'Z'), [](Part10Writer*) {},
                     {.viewport = Viewport{.width = 13, .height = 13}}),
            V(169, 'Z'));
}

TEST(Render, JpegAndPngCanBeReadBack) {
  const Image image = testing::MakeImage({.rows = 40, .columns = 60, .noise = 0});
  const std::string file = testing::MakeInstance({.format = image.format, .pixels = image.pixels});
  const Result<Instance> instance = Instance::Open(file);
  ASSERT_TRUE(instance.ok());
  LocalCodec codec;
  RenderOptions options{.jpeg_quality = 95};
  const Result<Picture> picture = RenderPicture(*instance, 0, options, codec);
  ASSERT_TRUE(picture.ok());
  const Result<std::string> jpeg = Render(*instance, 0, options, codec);
  ASSERT_TRUE(jpeg.ok()) << jpeg.status().message();
  FrameFormat eight = Format(40, 60, 8);
  const Result<Image> back = Decode("1.2.840.10008.1.2.4.50", *jpeg, eight);
  ASSERT_TRUE(back.ok()) << back.status().message();
  EXPECT_LE(testing::GreatestDifference({.format = eight, .pixels = picture->samples}, *back), 6);

  for (const bool sixteen : {false, true}) {
    options = {.type = PictureType::kPng, .sixteen_bits = sixteen};
    const Result<Picture> exact = RenderPicture(*instance, 0, options, codec);
    const Result<std::string> png = Render(*instance, 0, options, codec);
    ASSERT_TRUE(exact.ok() && png.ok());
    spng_ctx* context = spng_ctx_new(0);
    spng_set_png_buffer(context, png->data(), png->size());
    std::string samples(exact->samples.size(), '\0');
    EXPECT_EQ(spng_decode_image(context, samples.data(), samples.size(), SPNG_FMT_PNG, 0), 0);
    spng_ctx_free(context);
    EXPECT_EQ(samples, exact->samples);
  }
}

TEST(Render, PicturesAreNoLongerThanTheirTypeAllows) {
  const auto size = [](uint32_t rows, const char* aspect, PictureType type) {
    std::string file = testing::MakeInstance({.format = Format(rows, 16, 8), .pixels = std::string(rows * 16, 'x')});
    std::string element;
    dicom::DataSetWriter(&element).Add({0x0028, 0x0034}, Vr("IS"), aspect);
    file.insert(file.find(std::string("\x28\x00\x00\x01US", 6)), element);
    const Result<Instance> instance = Instance::Open(file);
    LocalCodec codec;
    const auto picture = RenderPicture(*instance, 0, {.type = type}, codec);
    EXPECT_TRUE(EncodePicture(*picture, type, 90, codec).ok());
    return V{static_cast<int>(picture->width), static_cast<int>(picture->height)};
  };
  EXPECT_EQ(size(65535, "1\\1 ", PictureType::kJpeg), (V{16, 65500}));
  EXPECT_EQ(size(65535, "1\\1 ", PictureType::kGif), (V{16, 65535}));
  EXPECT_EQ(size(60000, "2\\1 ", PictureType::kJpeg), (V{9, 65500}));
  EXPECT_EQ(size(60000, "2\\1 ", PictureType::kJp2), (V{9, 65535}));
  EXPECT_EQ(size(60000, "2\\1 ", PictureType::kPng), (V{16, 120000}));
}

TEST(Render, ThumbnailsFitAndNeverGrow) {
  LocalCodec codec;
  const Image image = testing::MakeImage({.rows = 600, .columns = 300});
  const std::string native = testing::MakeInstance({.format = image.format, .pixels = image.pixels});
  const Result<std::string> htj2k = testing::TranscodeToString(native, "1.2.840.10008.1.2.4.201");
  ASSERT_TRUE(htj2k.ok());
  for (const std::string& file : {native, *htj2k}) {
    const Result<Instance> instance = Instance::Open(file);
    ASSERT_TRUE(instance.ok());
    const Result<std::string> jpeg = Render(*instance, 0, ThumbnailOptions(*instance, 100, PictureType::kJpeg), codec);
    ASSERT_TRUE(jpeg.ok()) << jpeg.status().message();
    EXPECT_TRUE(Decode("1.2.840.10008.1.2.4.50", *jpeg, Format(100, 50, 8)).ok());
  }
  const Image small = testing::MakeImage({.rows = 20, .columns = 30});
  const std::string tiny = testing::MakeInstance({.format = small.format, .pixels = small.pixels});
  const Result<Instance> instance = Instance::Open(tiny);
  ASSERT_TRUE(instance.ok());
  const Result<std::string> jpeg = Render(*instance, 0, ThumbnailOptions(*instance, 100, PictureType::kJpeg), codec);
  ASSERT_TRUE(jpeg.ok());
  EXPECT_TRUE(Decode("1.2.840.10008.1.2.4.50", *jpeg, Format(20, 30, 8)).ok());
}

TEST(Render, ThumbnailsOfCellsThatHaveNoMeanAreMadeOfAllOfThem) {
  constexpr uint32_t kSide = 512;
  std::string chessboard(kSide * kSide, '\0');
  for (size_t i = 0; i < chessboard.size(); ++i) chessboard[i] = (i + i / kSide) % 2 == 0 ? '\0' : '\2';
  const Attributes palette = Palette(3, 0, 8, std::string("\0\xFF\0\0", 4), std::string(4, '\0'), std::string(4, '\0'));
  const Attributes padding = [](Part10Writer* out) { out->Add({0x0028, 0x0120}, Vr("US"), Words({2})); };
  for (const bool coloured : {true, false}) {
    const std::string native = testing::MakeInstance(
        {.format = Format(kSide, kSide, 8, coloured ? Photometric::kPaletteColor : Photometric::kMonochrome2),
         .pixels = chessboard,
         .before_pixels = coloured ? palette : padding});
    const Result<std::string> htj2k = testing::TranscodeToString(native, "1.2.840.10008.1.2.4.201");
    ASSERT_TRUE(htj2k.ok()) << htj2k.status().message();
    std::vector<std::string> samples;
    for (const std::string& file : {native, *htj2k}) {
      const Result<Instance> instance = Instance::Open(file);
      ASSERT_TRUE(instance.ok());
      LocalCodec codec;
      const auto picture = RenderPicture(*instance, 0, ThumbnailOptions(*instance, 64, PictureType::kJpeg), codec);
      ASSERT_TRUE(picture.ok());
      samples.push_back(picture->samples);
    }
    EXPECT_TRUE(samples[0] == samples[1]) << coloured;
  }
}

TEST(Render, RefusesFramesAndWindowsThatAreNone) {
  const std::string file = testing::MakeInstance({.format = Format(1, 2, 8), .pixels = "ab"});
  const Result<Instance> instance = Instance::Open(file);
  ASSERT_TRUE(instance.ok());
  LocalCodec codec;
  EXPECT_EQ(RenderPicture(*instance, 1, {}, codec).status().code(), Code::kInvalid);
  EXPECT_EQ(RenderPicture(*instance, 0, {.window = Window{1, 0}}, codec).status().code(), Code::kInvalid);
}

// As little of a profile as is looked at here.
std::string SomeProfile(size_t size, std::string_view space = "RGB ") {
  std::string profile(size, 'p');
  for (int i = 0; i < 4; ++i) profile[i] = static_cast<char>(size >> (24 - 8 * i));
  return profile.replace(16, 4, space).replace(36, 4, "acsp");
}

std::string RenderedFile(const Attributes& attributes, const RenderOptions& options) {
  const FrameFormat format{.rows = 1,
                           .columns = 2,
                           .samples = 3,
                           .bits_allocated = 8,
                           .bits_stored = 8,
                           .high_bit = 7,
                           .photometric = Photometric::kRgb};
  const std::string file = testing::MakeInstance({.format = format, .pixels = "abcdef", .before_pixels = attributes});
  const Result<Instance> instance = Instance::Open(file);
  LocalCodec codec;
  const auto rendered = Render(*instance, 0, options, codec);
  return rendered.ok() ? *rendered : rendered.status().ToString();
}

// The profile in a picture, "" when there is none.
std::string ProfileIn(const std::string& file) {
  if (file.starts_with("\x89PNG")) {
    spng_ctx* const context = spng_ctx_new(0);
    spng_set_png_buffer(context, file.data(), file.size());
    spng_iccp chunk{};
    std::string profile;
    if (spng_get_iccp(context, &chunk) == 0) profile.assign(chunk.profile, chunk.profile_len);
    spng_ctx_free(context);
    return profile;
  }
  std::string profile;
  int pieces = 0;
  for (size_t at = 2; at + 4 < file.size() && file[at] == '\xFF' && file[at + 1] != '\xDA';) {
    const size_t length = LoadBe<uint16_t>(&file[at + 2]);
    if (file.substr(at + 1, 1) == "\xE2" && file.substr(at + 4, 11) == "ICC_PROFILE") {
      EXPECT_EQ(file[at + 16], static_cast<char>(++pieces));
      profile += file.substr(at + 18, length - 16);
    }
    at += 2 + length;
  }
  return profile;
}

TEST(Render, TheColourProfileOfTheImageIsKept) {
  for (const PictureType type : {PictureType::kJpeg, PictureType::kPng}) {
    for (const size_t size : {131u + 1, 1000u, 150'000u}) {
      const std::string profile = SomeProfile(size);
      const Attributes own = [&](Part10Writer* out) { out->Add({0x0028, 0x2000}, Vr("OB"), profile); };
      EXPECT_TRUE(ProfileIn(RenderedFile(own, {.type = type})) == profile) << size;
      EXPECT_EQ(ProfileIn(RenderedFile(own, {.type = type, .profile = Profile::kNone})), "");
      EXPECT_TRUE(ProfileIn(RenderedFile(own, {.type = type, .profile = Profile::kAny})) == profile);
    }
    const auto nothing = [](Part10Writer*) {};
    EXPECT_EQ(ProfileIn(RenderedFile(nothing, {.type = type})), "");
    EXPECT_TRUE(ProfileIn(RenderedFile(nothing, {.type = type, .profile = Profile::kAny})) ==
                ProfileOf(ColourSpace::kSrgb));
  }
}

TEST(Render, WhatIsNoProfileOfColoursIsLeftOut) {
  std::string too_long = SomeProfile(200);
  too_long[2] = 1;  // says that it is longer than it is
  for (const std::string& value : {std::string("acsp"), SomeProfile(200, "GRAY"), std::string(300, '\0'), too_long})
    EXPECT_EQ(ProfileIn(RenderedFile([&](Part10Writer* out) { out->Add({0x0028, 0x2000}, Vr("OB"), value); }, {})), "");
  const std::string odd = SomeProfile(201);
  const Attributes padded = [&](Part10Writer* out) { out->Add({0x0028, 0x2000}, Vr("OB"), odd + '\0'); };
  EXPECT_TRUE(ProfileIn(RenderedFile(padded, {})) == odd);
}

TEST(Render, OpticalPathsThatAgreeHaveOneProfile) {
  const auto paths = [](std::initializer_list<std::string> profiles) {
    std::string items;
    for (const std::string& profile : profiles) {
      std::string item;
      dicom::DataSetWriter(&item).Add({0x0028, 0x2000}, Vr("OB"), profile);
      items.append("\xFE\xFF\x00\xE0", 4);
      AppendLe<uint32_t>(&items, static_cast<uint32_t>(item.size()));
      items += item;
    }
    return RenderedFile([&](Part10Writer* out) { out->Add({0x0048, 0x0105}, Vr("SQ"), items); }, {});
  };
  const std::string one = SomeProfile(200), other = SomeProfile(300);
  EXPECT_TRUE(ProfileIn(paths({one})) == one);
  EXPECT_TRUE(ProfileIn(paths({one, one})) == one);
  EXPECT_EQ(ProfileIn(paths({one, other})), "");
}

}  // namespace
}  // namespace hilum::pixel
