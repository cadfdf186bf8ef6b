// Images as presentation states want them to be seen (PS3.4 N.2).
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <limits>

#include "codecs/pixel/presentation_state.h"
#include "codecs/pixel/render.h"
#include "codecs/pixel/text_painter.h"
#include "tests/codecs/pixel/instances.h"

namespace hilum::pixel {
namespace {

using dicom::Tag;
using dicom::Vr;
using V = std::vector<int>;

std::string Element(Tag tag, const char (&vr)[3], Bytes value) {
  std::string out;
  dicom::DataSetWriter(&out).Add(tag, Vr(vr), value);
  return out;
}
std::string Item(const std::string& content) {
  std::string out("\xFE\xFF\x00\xE0", 4);
  AppendLe(&out, static_cast<uint32_t>(content.size()));
  return out + content;
}
std::string Sequence(Tag tag, const std::string& items) {
  return Element(tag, "SQ", items);
}
template <typename T>
std::string Packed(const std::vector<T>& values) {
  std::string out;
  for (const T value : values) out.append(reinterpret_cast<const char*>(&value), sizeof(value));
  return out;
}

// Elements after (0008,0018) in ascending order; the state is about instance 1.2.3.4 of series 1.2.3.
std::string State(const std::string& elements) {
  const std::string image =
      Item(Element({0x0008, 0x1150}, "UI", "1.2.840.10008.5.1.4.1.1.7") + Element({0x0008, 0x1155}, "UI", "1.2.3.4"));
  std::string file = dicom::Part10Writer("1.2.840.10008.5.1.4.1.1.11.1", "1.2.9").Take();
  file += Element({0x0008, 0x0005}, "CS", "ISO_IR 192") +
          Element({0x0008, 0x0016}, "UI", "1.2.840.10008.5.1.4.1.1.11.1") + Element({0x0008, 0x0018}, "UI", "1.2.9");
  return file +
         Sequence({0x0008, 0x1115},
                  Item(Sequence({0x0008, 0x1140}, image) + Element({0x0020, 0x000E}, "UI", "1.2.3"))) +
         elements;
}

// Three rows of four pixels: 0 10 20 30 / 40 50 60 70 / 80 90 100 110.
std::string ImageFile() {
  std::string pixels;
  for (int i = 0; i < 12; ++i) pixels.push_back(static_cast<char>(i * 10));
  return testing::MakeInstance(
      {.format = {.rows = 3, .columns = 4, .bits_allocated = 8, .bits_stored = 8, .high_bit = 7}, .pixels = pixels});
}

Picture Shown(const std::string& state_file, RenderOptions options = {}, const std::string& file = ImageFile()) {
  const auto state = PresentationState::Read(state_file);
  if (!state.ok()) return {};
  const auto presentation = state->For("1.2.3.4", 0);
  const auto instance = Instance::Open(file);
  if (!instance.ok() || !presentation) return {};
  options.presentation = &*presentation;
  LocalCodec codec;
  auto picture = RenderPicture(*instance, 0, options, codec);
  return picture.ok() ? *std::move(picture) : Picture();
}

V Samples(const Picture& picture) {
  V samples;
  for (const char c : picture.samples) samples.push_back(static_cast<uint8_t>(c));
  return samples;
}

TEST(PresentationStateTest, SaysWhichImagesItIsAbout) {
  const auto state = PresentationState::Read(State(""));
  ASSERT_TRUE(state.ok()) << state.status().message();
  ASSERT_EQ(state->images().size(), 1u);
  EXPECT_EQ(state->images()[0].series_uid, "1.2.3");
  EXPECT_EQ(state->images()[0].sop_uid, "1.2.3.4");
  EXPECT_TRUE(state->For("1.2.3.4", 7));
  EXPECT_FALSE(state->For("1.2.3.5", 0));
  EXPECT_EQ(PresentationState::Read(ImageFile()).status().code(), Code::kInvalid);
}

TEST(PresentationStateTest, ItsGrayscaleGoesBeforeThatOfTheImage) {
  EXPECT_EQ(Samples(Shown(State(""))), (V{0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 110})) << "nothing is said";
  // Given a window of 20 to 60 over twice the stored values
  const std::string modality = Element({0x0028, 0x1052}, "DS", "0") + Element({0x0028, 0x1053}, "DS", "2");
  const std::string voi =
      Sequence({0x0028, 0x3110}, Item(Element({0x0028, 0x1050}, "DS", "40") + Element({0x0028, 0x1051}, "DS", "40") +
                                      Element({0x0028, 0x1056}, "CS", "LINEAR_EXACT")));
  EXPECT_EQ(Samples(Shown(State(modality + voi))), (V{0, 0, 128, 255, 255, 255, 255, 255, 255, 255, 255, 255}));
  EXPECT_EQ(Samples(Shown(State(modality + voi + Element({0x2050, 0x0020}, "CS", "INVERSE")))),
            (V{255, 255, 128, 0, 0, 0, 0, 0, 0, 0, 0, 0}));
}

TEST(PresentationStateTest, APresentationLutComesLast) {
  const std::string lut =
      Sequence({0x2050, 0x0010}, Item(Element({0x0028, 0x3002}, "US", Packed<uint16_t>({2, 0, 16})) +
                                      Element({0x0028, 0x3006}, "OW", Packed<uint16_t>({65535, 0}))));
  EXPECT_EQ(Samples(Shown(State(lut)))[0], 255);
  EXPECT_EQ(Samples(Shown(State(lut)))[11], 255) << "110 of 255 is nearer to the first entry";
}

std::string Turned(int degrees, const char* flip) {
  return Element({0x0070, 0x0041}, "CS", flip) +
         Element({0x0070, 0x0042}, "US", Packed<uint16_t>({static_cast<uint16_t>(degrees)}));
}

TEST(PresentationStateTest, TurnsClockwiseThenFlips) {
  EXPECT_EQ(Samples(Shown(State(Turned(0, "Y")))), (V{30, 20, 10, 0, 70, 60, 50, 40, 110, 100, 90, 80}));
  const Picture right = Shown(State(Turned(90, "N")));
  EXPECT_EQ(right.width, 3u);
  EXPECT_EQ(right.height, 4u);
  EXPECT_EQ(Samples(right), (V{80, 40, 0, 90, 50, 10, 100, 60, 20, 110, 70, 30}));
  EXPECT_EQ(Samples(Shown(State(Turned(180, "N")))), (V{110, 100, 90, 80, 70, 60, 50, 40, 30, 20, 10, 0}));
  EXPECT_EQ(Samples(Shown(State(Turned(270, "N")))), (V{30, 70, 110, 20, 60, 100, 10, 50, 90, 0, 40, 80}));
  EXPECT_EQ(Samples(Shown(State(Turned(90, "Y")))), (V{0, 40, 80, 10, 50, 90, 20, 60, 100, 30, 70, 110}));
}

std::string Area(int left, int top, int right, int bottom) {
  return Sequence({0x0070, 0x005A}, Item(Element({0x0070, 0x0052}, "SL", Packed<int32_t>({left, top})) +
                                         Element({0x0070, 0x0053}, "SL", Packed<int32_t>({right, bottom})) +
                                         Element({0x0070, 0x0100}, "CS", "SCALE TO FIT")));
}

TEST(PresentationStateTest, ShowsTheDisplayedArea) {
  EXPECT_EQ(Samples(Shown(State(Area(2, 1, 3, 2)))), (V{10, 20, 50, 60}));
  const Picture beyond = Shown(State(Area(0, 0, 2, 1)));
  EXPECT_EQ(beyond.width, 3u);
  EXPECT_EQ(Samples(beyond), (V{0, 0, 0, 0, 0, 10})) << "black where there is no image";
  EXPECT_EQ(Samples(Shown(State(Area(100, 100, 101, 101)))), (V{0, 0, 0, 0}));
  const Picture large = Shown(State(Area(1, 1, 4, 3)), {.viewport = Viewport{.width = 80, .height = 80}});
  EXPECT_EQ(large.width, 80u);
  EXPECT_EQ(large.height, 60u);
  EXPECT_EQ(Shown(State(Area(1, 1, 2'000'000'000, 2))).width, 0u) << "no picture can be made of it";
}

TEST(PresentationStateTest, AViewportTakesAPartOfWhatItShows) {
  const auto part = [](double x, double y, double w, double h, const std::string& state) {
    const Picture picture =
        Shown(state, {.viewport = Viewport{static_cast<uint32_t>(std::abs(w)), static_cast<uint32_t>(h), x, y, w, h}});
    return Samples(picture);
  };
  EXPECT_EQ(part(2, 1, 2, 1, State("")), (V{60, 70}));
  EXPECT_EQ(part(2, 1, -2, 1, State("")), (V{70, 60}));
  const std::string turned = State(Element({0x0070, 0x0042}, "US", Packed<uint16_t>({90})));
  EXPECT_EQ(part(1, 0, 2, 1, turned), (V{40, 0}));
  EXPECT_EQ(part(2, 3, 1, 1, turned), (V{30}));
  EXPECT_EQ(part(3, 0, 1, 1, turned), V()) << "beyond its right side";
}

TEST(PresentationStateTest, ShuttersHideWhatIsOutside) {
  const std::string shutter = Element({0x0018, 0x1600}, "CS", "RECTANGULAR") + Element({0x0018, 0x1602}, "IS", "2") +
                              Element({0x0018, 0x1604}, "IS", "3") + Element({0x0018, 0x1606}, "IS", "1") +
                              Element({0x0018, 0x1608}, "IS", "2") +
                              Element({0x0018, 0x1622}, "US", Packed<uint16_t>({65535}));
  EXPECT_EQ(Samples(Shown(State(shutter))), (V{255, 10, 20, 255, 255, 50, 60, 255, 255, 255, 255, 255}));
}

std::string PolygonalShutter(const std::string& vertices) {
  return Element({0x0018, 0x1600}, "CS", "POLYGONAL") + Element({0x0018, 0x1620}, "IS", vertices) +
         Element({0x0018, 0x1622}, "US", Packed<uint16_t>({65535}));
}

TEST(PresentationStateTest, APolygonHidesWhatIsOutsideOfIt) {
  // Rows before columns.
  EXPECT_EQ(Samples(Shown(State(PolygonalShutter("0\\0\\0\\5\\4\\0")))),
            (V{0, 10, 20, 255, 40, 50, 255, 255, 80, 255, 255, 255}));
}

TEST(PresentationStateTest, APolygonOfManyEdgesTakesNoTime) {
  constexpr uint32_t kSide = 2000;
  const std::string image = testing::MakeInstance(
      {.format = {.rows = kSide, .columns = kSide, .bits_allocated = 8, .bits_stored = 8, .high_bit = 7},
       .pixels = std::string(size_t{kSide} * kSide, '\x10')});
  std::string vertices = "2000\\0";  // teeth that point upwards
  for (int i = 1; i < 997; ++i) vertices += (i % 2 != 0 ? "\\1500\\" : "\\500\\") + std::to_string(2 * i);
  const auto start = std::chrono::steady_clock::now();
  const Picture picture = Shown(State(PolygonalShutter(vertices + "\\2000\\1994")), {}, image);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(2));
  ASSERT_EQ(picture.samples.size(), size_t{kSide} * kSide);
  EXPECT_EQ(picture.samples[1249 * kSide + 799], '\x10') << "in a tooth";
  EXPECT_EQ(picture.samples[1249 * kSide + 801], '\xFF') << "between two";
}

std::string Graphics(const std::string& units, const std::string& shape, const std::vector<float>& data,
                     const char* filled = "N") {
  return Sequence(
      {0x0070, 0x0001},
      Item(Element({0x0070, 0x0002}, "CS", "LAYER") +
           Sequence(
               {0x0070, 0x0009},
               Item(Element({0x0070, 0x0005}, "CS", units) + Element({0x0070, 0x0020}, "US", Packed<uint16_t>({2})) +
                    Element({0x0070, 0x0021}, "US", Packed<uint16_t>({static_cast<uint16_t>(data.size() / 2)})) +
                    Element({0x0070, 0x0022}, "FL", Packed(data)) + Element({0x0070, 0x0023}, "CS", shape) +
                    Element({0x0070, 0x0024}, "CS", filled)))));
}

TEST(PresentationStateTest, DrawsGraphicsOverTheImage) {
  // A line along the second row, in pixels of the image, which is turned to the right: it is the second column.
  EXPECT_EQ(Samples(Shown(State(Graphics("PIXEL", "POLYLINE", {0, 1.5, 3.9F, 1.5})))),
            (V{0, 10, 20, 30, 255, 255, 255, 255, 80, 90, 100, 110}));
  EXPECT_EQ(Samples(Shown(State(Graphics("PIXEL", "POLYLINE", {0, 1.5, 3.9F, 1.5}) + Turned(90, "N")))),
            (V{80, 255, 0, 90, 255, 10, 100, 255, 20, 110, 255, 30}));
  EXPECT_EQ(Samples(Shown(State(Graphics("DISPLAY", "POLYLINE", {0, 0.5, 0.99F, 0.5})))),
            (V{0, 10, 20, 30, 255, 255, 255, 255, 80, 90, 100, 110}));
  EXPECT_EQ(Samples(Shown(State(Graphics("PIXEL", "POLYLINE", {1, 0, 3, 0, 3, 2, 1, 2, 1, 0}, "Y"))))[5], 255);
}

TEST(PresentationStateTest, DrawsLayersInTheirOrder) {
  // The same line in a layer of each name; what is drawn last is seen.
  const auto line_of = [](const std::string& layer) {
    return Item(Element({0x0070, 0x0002}, "CS", layer) +
                Sequence({0x0070, 0x0009}, Item(Element({0x0070, 0x0005}, "CS", "PIXEL") +
                                                Element({0x0070, 0x0022}, "FL", Packed<float>({0, 1.5F, 3.9F, 1.5F})) +
                                                Element({0x0070, 0x0023}, "CS", "POLYLINE"))));
  };
  const auto layer = [](const std::string& name, const std::string& order, uint16_t grey) {
    return Item(Element({0x0070, 0x0002}, "CS", name) + Element({0x0070, 0x0062}, "IS", order) +
                Element({0x0070, 0x0066}, "US", Packed<uint16_t>({grey})));
  };
  const std::string lines = Sequence({0x0070, 0x0001}, line_of("WHITE") + line_of("BLACK"));
  const auto seen = [&](const std::string& order_of_white, const std::string& order_of_black) {
    const std::string layers =
        Sequence({0x0070, 0x0060}, layer("WHITE", order_of_white, 65535) + layer("BLACK", order_of_black, 0));
    return Samples(Shown(State(lines + layers)))[5];
  };
  EXPECT_EQ(seen("1", "2"), 0);
  EXPECT_EQ(seen("2", "1"), 255);
  EXPECT_EQ(seen("9", "10"), 0) << "by number, not by digits";
  EXPECT_EQ(seen("1", "1"), 0) << "else as they come";
}

TEST(PresentationStateTest, ABitmapHidesWhatIsSetInIt) {
  // Three rows of four pixels, of which the first and the last are hidden.
  const std::string shutter = Element({0x0018, 0x1600}, "CS", "BITMAP") +
                              Element({0x0018, 0x1622}, "US", Packed<uint16_t>({65535})) +
                              Element({0x0018, 0x1623}, "US", Packed<uint16_t>({0x6000}));
  const std::string plane = Element({0x6000, 0x0010}, "US", Packed<uint16_t>({3})) +
                            Element({0x6000, 0x0011}, "US", Packed<uint16_t>({4})) +
                            Element({0x6000, 0x0050}, "SS", Packed<int16_t>({1, 1}));
  const std::string bits = Element({0x6000, 0x3000}, "OB", std::string("\x01\x08", 2));
  EXPECT_EQ(Samples(Shown(State(shutter + plane + bits))), (V{255, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 255}));
  EXPECT_EQ(Samples(Shown(State(shutter + plane))), Samples(Shown(State("")))) << "without bits there is no shutter";
}

TEST(PresentationStateTest, LayersHaveTheirRecommendedColours) {
  const auto shown = [](const std::string& colour) {
    const std::string graphic = Element({0x0070, 0x0005}, "CS", "PIXEL") +
                                Element({0x0070, 0x0022}, "FL", Packed<float>({0, 0, 4, 0, 4, 3, 0, 3, 0, 0})) +
                                Element({0x0070, 0x0023}, "CS", "POLYLINE") + Element({0x0070, 0x0024}, "CS", "Y");
    return Shown(State(Sequence({0x0070, 0x0001}, Item(Element({0x0070, 0x0002}, "CS", "MARKS") +
                                                       Sequence({0x0070, 0x0009}, Item(graphic)))) +
                       Sequence({0x0070, 0x0060}, Item(Element({0x0070, 0x0002}, "CS", "MARKS") +
                                                       Element({0x0070, 0x0062}, "IS", "1") + colour))));
  };
  const auto first = [](const Picture& picture) {
    const V samples = Samples(picture);
    return V(samples.begin(), samples.begin() + std::min<ptrdiff_t>(picture.channels, std::ssize(samples)));
  };
  EXPECT_EQ(first(shown(Element({0x0070, 0x0066}, "US", Packed<uint16_t>({32768})))), V{128}) << "grey stays grey";
  EXPECT_EQ(first(shown(Element({0x0070, 0x0067}, "US", Packed<uint16_t>({65535, 0, 32768})))), (V{255, 0, 128}));
  // L 54.29, a 80.82, b 69.9: the red of sRGB under D50.
  const V red = first(shown(Element({0x0070, 0x0401}, "US", Packed<uint16_t>({35579, 53667, 50861}))));
  ASSERT_EQ(red.size(), 3u);
  EXPECT_GE(red[0], 253);
  EXPECT_LE(red[1], 12);
  EXPECT_LE(red[2], 12);
}

// A line along the second row, with more attributes.
std::string Styled(const std::string& style) {
  const std::string graphic = Element({0x0070, 0x0005}, "CS", "PIXEL") +
                              Element({0x0070, 0x0022}, "FL", Packed<float>({0, 1.5F, 3.9F, 1.5F})) +
                              Element({0x0070, 0x0023}, "CS", "POLYLINE");
  return State(Sequence({0x0070, 0x0001}, Item(Sequence({0x0070, 0x0009}, Item(graphic + style)))));
}
std::string Opacity(Tag tag, float opacity) {
  return Element(tag, "FL", Packed<float>({opacity}));
}
// Encoded CIELab values of black and white.
const std::string kBlack = Packed<uint16_t>({0, 0x8080, 0x8080}), kWhite = Packed<uint16_t>({65535, 0x8080, 0x8080});

TEST(PresentationStateTest, LinesHaveTheirOwnStyle) {
  const auto row = [](const std::string& elements) {
    Picture picture = Shown(Styled(Sequence({0x0070, 0x0232}, Item(elements))));
    V second;
    for (uint32_t x = 0; x < picture.width; ++x)
      second.push_back(static_cast<uint8_t>(picture.samples[(picture.width + x) * picture.channels]));
    return second;
  };
  const std::string solid = Element({0x0070, 0x0251}, "US", kWhite) +
                            Element({0x0070, 0x0253}, "FL", Packed<float>({1})) +
                            Element({0x0070, 0x0254}, "CS", "SOLID");
  EXPECT_EQ(row(solid + Opacity({0x0070, 0x0284}, 1)), (V{255, 255, 255, 255}));
  EXPECT_EQ(row(Element({0x0070, 0x0251}, "US", kBlack)), (V{0, 0, 0, 0}));
  EXPECT_EQ(row(solid + Opacity({0x0070, 0x0284}, 0)), (V{40, 50, 60, 70}));
  const V half = row(solid + Opacity({0x0070, 0x0284}, 0.5F));
  for (size_t i = 0; i < 4; ++i) EXPECT_NEAR(half[i], (255 + 40 + 10 * static_cast<int>(i)) / 2, 1);
  const auto dashed = [&](float off_opacity) {
    return row(Element({0x0070, 0x0251}, "US", kWhite) + Element({0x0070, 0x0252}, "US", kBlack) +
               Element({0x0070, 0x0253}, "FL", Packed<float>({1})) + Element({0x0070, 0x0254}, "CS", "DASHED") +
               Element({0x0070, 0x0255}, "UL", Packed<uint32_t>({0xAAAAAAAA})) + Opacity({0x0070, 0x0284}, 1) +
               Opacity({0x0070, 0x0285}, off_opacity));
  };
  EXPECT_EQ(dashed(0), (V{255, 50, 255, 70})) << "between the dashes is the image";
  EXPECT_EQ(dashed(1), (V{255, 0, 255, 0}));
}

TEST(PresentationStateTest, LinesAreAsThickAsTheySay) {
  const auto white = [](float thickness) {
    const std::string style = Sequence(
        {0x0070, 0x0232},
        Item(Element({0x0070, 0x0251}, "US", kWhite) + Element({0x0070, 0x0253}, "FL", Packed<float>({thickness}))));
    const V samples = Samples(Shown(Styled(style), {.viewport = Viewport{.width = 400, .height = 300}}));
    return std::ranges::count_if(samples, [](int level) { return level > 250; });
  };
  // A pixel of the image is 100 of the picture, and nothing is thicker than 64.
  EXPECT_NEAR(static_cast<double>(white(0.1F)) / static_cast<double>(white(0.01F)), 10, 1);
  EXPECT_EQ(white(100), white(1));
}

TEST(PresentationStateTest, AreasHaveTheirOwnStyle) {
  const auto filled = [](const std::string& elements) {
    const std::string graphic = Element({0x0070, 0x0005}, "CS", "PIXEL") +
                                Element({0x0070, 0x0022}, "FL", Packed<float>({0, 0, 4, 0, 4, 3, 0, 3, 0, 0})) +
                                Element({0x0070, 0x0023}, "CS", "POLYLINE") + Element({0x0070, 0x0024}, "CS", "Y") +
                                Sequence({0x0070, 0x0232}, Item(Opacity({0x0070, 0x0284}, 0))) +
                                Sequence({0x0070, 0x0233}, Item(elements));
    Picture picture = Shown(State(Sequence({0x0070, 0x0001}, Item(Sequence({0x0070, 0x0009}, Item(graphic))))));
    V samples;
    for (size_t i = 0; i < 12; ++i) samples.push_back(static_cast<uint8_t>(picture.samples.at(i * picture.channels)));
    return samples;
  };
  EXPECT_EQ(filled(Element({0x0070, 0x0251}, "US", kWhite)), V(12, 255));
  const V half = filled(Element({0x0070, 0x0251}, "US", kWhite) + Opacity({0x0070, 0x0284}, 0.5F));
  for (size_t i = 0; i < 12; ++i) EXPECT_NEAR(half[i], (255 + 10 * static_cast<int>(i)) / 2, 1);
  std::string pattern;
  for (int row = 0; row < 32; ++row) pattern += std::string(4, row % 2 == 0 ? '\x80' : '\x40');
  EXPECT_EQ(filled(Element({0x0070, 0x0251}, "US", kWhite) + Element({0x0070, 0x0256}, "OB", pattern) +
                   Element({0x0070, 0x0257}, "CS", "STIPPELED")),
            (V{255, 10, 20, 30, 40, 255, 60, 70, 255, 90, 100, 110}));
}

TEST(PresentationStateTest, ShowsTheOverlaysItActivates) {
  const std::string layer = Sequence(
      {0x0070, 0x0060},
      Item(Element({0x0070, 0x0002}, "CS", "MARKS") + Element({0x0070, 0x0066}, "US", Packed<uint16_t>({0x8080}))));
  // Two rows of two pixels from the second row and third column on: the first and the last one.
  const auto overlay = [](const std::string& activation) {
    return Element({0x6000, 0x0010}, "US", Packed<uint16_t>({2})) +
           Element({0x6000, 0x0011}, "US", Packed<uint16_t>({2})) +
           Element({0x6000, 0x0050}, "SS", Packed<int16_t>({2, 3})) + activation +
           Element({0x6000, 0x3000}, "OW", Packed<uint16_t>({0b1001}));
  };
  const std::string active = Element({0x6000, 0x1001}, "CS", "MARKS");
  const V plain = {0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 110};
  EXPECT_EQ(Samples(Shown(State(layer + overlay(active)))), (V{0, 10, 20, 30, 40, 50, 128, 70, 80, 90, 100, 128}));
  EXPECT_EQ(Samples(Shown(State(layer + overlay("")))), plain) << "not activated";
  EXPECT_EQ(Samples(Shown(State(layer + active))), plain) << "the image has none";
  const std::string cut = Element({0x6000, 0x0010}, "US", Packed<uint16_t>({9000})) +
                          Element({0x6000, 0x0011}, "US", Packed<uint16_t>({9000})) + active +
                          Element({0x6000, 0x3000}, "OW", Packed<uint16_t>({0xFFFF}));
  EXPECT_EQ(Samples(Shown(State(layer + cut))), plain) << "too few bits";
}

TEST(PresentationStateTest, EveryShapeLeavesATrace) {
  const RenderOptions large{.viewport = Viewport{.width = 400, .height = 300}};
  const V plain = Samples(Shown(State(""), large));
  for (const auto& [shape, data] :
       std::vector<std::pair<std::string, std::vector<float>>>{{"POINT", {2, 1}},
                                                               {"CIRCLE", {2, 1.5, 3, 1.5}},
                                                               {"ELLIPSE", {1, 1.5, 3, 1.5, 2, 1, 2, 2}},
                                                               {"INTERPOLATED", {0, 0, 2, 1, 3, 3}}}) {
    const V drawn = Samples(Shown(State(Graphics("PIXEL", shape, data)), large));
    EXPECT_GT(std::count(drawn.begin(), drawn.end(), 255), 10) << shape;
    EXPECT_LT(std::count(drawn.begin(), drawn.end(), 255), 4000) << shape;
  }
}

TEST(PresentationStateTest, WritesTexts) {
  auto painter = TextPainter::Open({"/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf"});
  if (!painter.ok()) GTEST_SKIP() << "no font here (apt-get install fonts-dejavu-core)";
  const std::string text =
      Sequence({0x0070, 0x0001},
               Item(Sequence({0x0070, 0x0008}, Item(Element({0x0070, 0x0003}, "CS", "DISPLAY") +
                                                    Element({0x0070, 0x0006}, "ST", "left\r\nknee") +
                                                    Element({0x0070, 0x0010}, "FL", Packed<float>({0.1F, 0.1F})) +
                                                    Element({0x0070, 0x0011}, "FL", Packed<float>({0.9F, 0.9F}))))));
  RenderOptions options{.viewport = Viewport{.width = 400, .height = 300}};
  EXPECT_TRUE(Shown(State(text), options).samples == Shown(State(""), options).samples) << "nobody to write them";
  options.painter = painter->get();
  EXPECT_TRUE(Shown(State(text), options).samples != Shown(State(""), options).samples);
}

TEST(PresentationStateTest, NonsenseIsNotDrawnAndTakesNoTime) {
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN(), kFar = 3e38F;
  for (const auto& data :
       std::vector<std::vector<float>>{{kNan, 0, 1, 1}, {0, 0, kFar, kFar}, {}, {1}, {-kFar, 0, kFar, 0}})
    for (const char* shape : {"POLYLINE", "CIRCLE", "ELLIPSE", "INTERPOLATED", "POINT", "SPIRAL"})
      EXPECT_EQ(Shown(State(Graphics("PIXEL", shape, data, "Y"))).samples.size(), 12u) << shape;
  // Lines across a large picture, more of them than anybody would wait for.
  std::vector<float> zigzag;
  for (int i = 0; i < 8000; ++i) zigzag.push_back(i % 4 == 0 ? -1e5F : i % 4 == 2 ? 1e5F : static_cast<float>(i % 7));
  const std::string graphic =
      Item(Element({0x0070, 0x0005}, "CS", "PIXEL") + Element({0x0070, 0x0022}, "FL", Packed(zigzag)) +
           Element({0x0070, 0x0023}, "CS", "POLYLINE"));
  std::string many;
  for (int i = 0; i < 50; ++i) many += graphic;
  const auto start = std::chrono::steady_clock::now();
  EXPECT_GT(Shown(State(Sequence({0x0070, 0x0001}, Item(Sequence({0x0070, 0x0009}, many)))),
                  {.viewport = Viewport{.width = 4000, .height = 3000}})
                .width,
            0u);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(20));
}

}  // namespace
}  // namespace hilum::pixel
