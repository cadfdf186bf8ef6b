// Pictures as files, read again by the libraries of their formats.
#include "codecs/pixel/picture_file.h"

#include <gif_lib.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "codecs/pixel/few_colours.h"
#include "codecs/pixel/gif.h"

namespace hilum::pixel {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

Picture GreyPicture(uint32_t width, uint32_t height, unsigned seed = 0) {
  Picture picture{.width = width, .height = height};
  for (uint32_t i = 0; i < width * height; ++i) picture.samples += static_cast<char>(i * 7 + seed);
  return picture;
}

Picture ColourPicture(uint32_t width, uint32_t height) {
  Picture picture{.width = width, .height = height, .channels = 3};
  for (uint32_t y = 0; y < height; ++y) {
    for (uint32_t x = 0; x < width; ++x)
      for (const uint32_t level : {x * 255 / width, y * 255 / height, (x + y) * 255 / (width + height)})
        picture.samples += static_cast<char>(level);
  }
  return picture;
}

std::string File(const Picture& picture, PictureType type) {
  LocalCodec codec;
  const auto file = EncodePicture(picture, type, 90, codec);
  EXPECT_TRUE(file.ok()) << file.status().message();
  return file.ok() ? *file : "";
}

struct ReadGif {
  uint32_t width = 0, height = 0;
  std::vector<std::string> rgb;  // of each image
  std::vector<int> hundredths;
  std::vector<size_t> colours;
};

ReadGif Read(const std::string& file) {
  std::string_view rest = file;
  const auto read = [](GifFileType* gif, GifByteType* to, int count) {
    auto* const from = static_cast<std::string_view*>(gif->UserData);
    const size_t got = from->copy(reinterpret_cast<char*>(to), static_cast<size_t>(count));
    from->remove_prefix(got);
    return static_cast<int>(got);
  };
  ReadGif out;
  GifFileType* const gif = DGifOpen(&rest, read, nullptr);
  if (gif == nullptr || DGifSlurp(gif) != GIF_OK) {
    ADD_FAILURE() << "no GIF";
    return out;
  }
  out.width = static_cast<uint32_t>(gif->SWidth);
  out.height = static_cast<uint32_t>(gif->SHeight);
  for (int i = 0; i < gif->ImageCount; ++i) {
    const SavedImage& image = gif->SavedImages[i];
    const ColorMapObject* const map = image.ImageDesc.ColorMap == nullptr ? gif->SColorMap : image.ImageDesc.ColorMap;
    std::string& rgb = out.rgb.emplace_back();
    std::set<int> used;
    for (int p = 0; p < image.ImageDesc.Width * image.ImageDesc.Height; ++p) {
      const GifColorType& colour = map->Colors[image.RasterBits[p]];
      used.insert(image.RasterBits[p]);
      for (const GifByteType level : {colour.Red, colour.Green, colour.Blue}) rgb += static_cast<char>(level);
    }
    out.colours.push_back(used.size());
    GraphicsControlBlock control{};
    DGifSavedExtensionToGCB(gif, i, &control);
    out.hundredths.push_back(control.DelayTime);
  }
  DGifCloseFile(gif, nullptr);
  return out;
}

std::string Tripled(const std::string& greys) {
  std::string rgb;
  for (const char grey : greys) rgb.append(3, grey);
  return rgb;
}

// Root of the mean of the squares.
double Distance(const std::string& a, const std::string& b) {
  EXPECT_EQ(a.size(), b.size());
  double squares = 0;
  for (size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    const double difference = static_cast<uint8_t>(a[i]) - static_cast<uint8_t>(b[i]);
    squares += difference * difference;
  }
  return std::sqrt(squares / static_cast<double>(a.size()));
}

TEST(GifPictureTest, OfGreyLosesNothing) {
  const Picture picture = GreyPicture(70, 33);
  const ReadGif gif = Read(File(picture, PictureType::kGif));
  EXPECT_EQ(gif.width, 70u);
  EXPECT_EQ(gif.height, 33u);
  EXPECT_THAT(gif.rgb, ElementsAre(Tripled(picture.samples)));
}

TEST(GifPictureTest, OfFewColoursKeepsThem) {
  Picture picture{.width = 16, .height = 16, .channels = 3};
  for (int i = 0; i < 256; ++i)
    for (const int level : {i & 0xF0, i << 4 & 0xF0, 128}) picture.samples += static_cast<char>(level);
  EXPECT_THAT(Read(File(picture, PictureType::kGif)).rgb, ElementsAre(picture.samples));
}

TEST(GifPictureTest, OfManyColoursHasThoseThatComeNearest) {
  const Picture picture = ColourPicture(256, 200);
  const ReadGif gif = Read(File(picture, PictureType::kGif));
  EXPECT_EQ(gif.colours.front(), 256u);
  EXPECT_LT(Distance(gif.rgb.front(), picture.samples), 8) << "of 255, over 51,200 colours";
}

TEST(GifPictureTest, GreyAsColoursStaysWithinTwoLevels) {
  const std::string rgb = Tripled(GreyPicture(64, 64).samples);
  const FewColours few = ToFewColours(rgb);
  ASSERT_EQ(few.indices.size(), rgb.size() / 3);
  for (size_t i = 0; i < few.indices.size(); ++i)
    EXPECT_NEAR(few.colours[static_cast<uint8_t>(few.indices[i])][1], static_cast<uint8_t>(rgb[i * 3]), 2);
}

TEST(GifPictureTest, HasSidesOfAtMost65535Pixels) {
  LocalCodec codec;
  const auto file = EncodePicture(GreyPicture(65536, 1), PictureType::kGif, 90, codec);
  EXPECT_EQ(file.status().code(), Code::kUnsupported);
  EXPECT_THAT(file.status().message(), HasSubstr("viewport"));
  EXPECT_EQ(Read(File(GreyPicture(65535, 1), PictureType::kGif)).width, 65535u);
}

TEST(GifWriterTest, ShowsPicturesOneAfterTheOtherForEver) {
  const auto gif = *GifWriter::Begin(20, 10, /*repeats=*/true);
  std::string file;
  std::vector<std::string> expected;
  for (unsigned i = 0; i < 3; ++i) {
    const Picture picture = GreyPicture(20, 10, i * 50);
    expected.push_back(Tripled(picture.samples));
    ASSERT_TRUE(gif->Add(picture, static_cast<uint16_t>(3 + i)).ok());
    const std::string grown = gif->TakeBytes();
    EXPECT_FALSE(grown.empty()) << "each picture is there when it was added";
    file += grown;
  }
  ASSERT_TRUE(gif->End().ok());
  file += gif->TakeBytes();
  EXPECT_TRUE(file.starts_with("GIF89a"));
  EXPECT_THAT(file, HasSubstr(std::string("NETSCAPE2.0\x03\x01\0\0\0", 16)));
  const ReadGif read = Read(file);
  EXPECT_EQ(read.rgb, expected);
  EXPECT_THAT(read.hundredths, ElementsAre(3, 4, 5));
}

TEST(GifWriterTest, TakesPicturesOfOneSizeOnly) {
  const auto gif = *GifWriter::Begin(20, 10, /*repeats=*/true);
  EXPECT_EQ(gif->Add(GreyPicture(10, 20), 10).code(), Code::kInvalid);
}

TEST(Jp2PictureTest, LosesNothing) {
  LocalCodec codec;
  for (const Picture& picture : {GreyPicture(70, 33), ColourPicture(61, 40), GreyPicture(1, 1)}) {
    const std::string file = File(picture, PictureType::kJp2);
    EXPECT_TRUE(
        file.starts_with(std::string("\0\0\0\x0CjP  \r\n\x87\n\0\0\0\x14"
                                     "ftypjp2 ",
                                     24)));
    const FrameFormat format{.rows = picture.height,
                             .columns = picture.width,
                             .samples = picture.channels,
                             .bits_allocated = 8,
                             .bits_stored = 8,
                             .high_bit = 7,
                             .photometric = picture.channels == 3 ? Photometric::kRgb : Photometric::kMonochrome2};
    const auto read = codec.Decode("1.2.840.10008.1.2.4.90", file, format, {});
    ASSERT_TRUE(read.ok()) << read.status().message();
    EXPECT_TRUE(read->pixels == picture.samples);
  }
}

TEST(Jp2PictureTest, CarriesItsProfile) {
  Picture picture = ColourPicture(8, 8);
  EXPECT_THAT(File(picture, PictureType::kJp2), HasSubstr(std::string("colr\x01\0\0\0\0\0\x10", 11))) << "sRGB";
  EXPECT_THAT(File(GreyPicture(8, 8), PictureType::kJp2), HasSubstr(std::string("colr\x01\0\0\0\0\0\x11", 11)));
  picture.icc_profile = ProfileOf(ColourSpace::kAdobeRgb);
  EXPECT_THAT(File(picture, PictureType::kJp2), HasSubstr(std::string("colr\x02\0\0", 7) + picture.icc_profile));
}

TEST(PictureFileTest, SixteenBitsAreForPng) {
  LocalCodec codec;
  const Picture deep{.width = 2, .height = 1, .bits = 16, .samples = "\x01\x02\x03\x04"};
  for (const PictureType type : {PictureType::kJpeg, PictureType::kGif, PictureType::kJp2})
    EXPECT_EQ(EncodePicture(deep, type, 90, codec).status().code(), Code::kInvalid);
  EXPECT_FALSE(File(deep, PictureType::kPng).empty());
}

TEST(PictureFileTest, TypesHaveNames) {
  for (const PictureType type : {PictureType::kJpeg, PictureType::kPng, PictureType::kGif, PictureType::kJp2})
    EXPECT_EQ(PictureTypeOf(MediaType(type)), type);
  EXPECT_EQ(PictureTypeOf("image/bmp"), std::nullopt);
}

}  // namespace
}  // namespace hilum::pixel
