#include <gtest/gtest.h>

#include <string>

#include "codecs/pixel/codec.h"
#include "tests/codecs/pixel/generated.h"

namespace hilum::pixel {
namespace {

constexpr std::string_view kRle = "1.2.840.10008.1.2.5";

FrameFormat Grey(uint32_t rows, uint32_t columns, uint16_t bits) {
  return testing::FormatOf({.rows = rows, .columns = columns, .bits_allocated = bits, .bits_stored = bits});
}

// A frame of the given segments.
std::string Frame(const std::vector<std::string>& segments) {
  std::string header, body;
  AppendLe<uint32_t>(&header, static_cast<uint32_t>(segments.size()));
  for (const std::string& segment : segments) {
    AppendLe<uint32_t>(&header, static_cast<uint32_t>(64 + body.size()));
    body += segment;
  }
  header.resize(64, '\0');
  return header + body;
}

struct Case {
  const char* name;
  std::string segment;
  std::string pixels;  // empty: refused
};

TEST(Rle, ExpandsRunsAsTheStandardSays) {
  const Case cases[] = {
      {"literal run", std::string("\3abcd", 5), "abcd"},
      {"replicate run", "\xFDz", "zzzz"},
      {"no operation", "\x80\x80\3abcd", "abcd"},
      {"mixed",
       std::string("\0a\xFF"
                   "b\0c",
                   6),
       "abbc"},
      {"padding after the end", std::string("\3abcd\0", 6), "abcd"},
      {"longest replicate run is cut to the image", "\x81y", "yyyy"},
      {"literal run longer than the image", "\7abcdefgh", "abcd"},
      {"breaks off in a literal run", "\3ab", ""},
      {"breaks off before the value of a run", "\xFD", ""},
      {"too few pixels", "\1ab", ""},
      {"empty", "", ""},
  };
  for (const Case& c : cases) {
    const Result<Image> image = Decode(kRle, Frame({c.segment}), Grey(2, 2, 8));
    if (c.pixels.empty()) {
      EXPECT_EQ(image.status().code(), Code::kInvalid) << c.name;
    } else {
      ASSERT_TRUE(image.ok()) << c.name << ": " << image.status().message();
      EXPECT_EQ(image->pixels, c.pixels) << c.name;
    }
  }
}

TEST(Rle, MostSignificantBytesComeFirst) {
  const Result<Image> image = Decode(kRle, Frame({"\1AB", "\1ab"}), Grey(1, 2, 16));
  ASSERT_TRUE(image.ok()) << image.status().message();
  EXPECT_EQ(image->pixels, "aAbB");
}

TEST(Rle, SingleBitsComePackedOrAsBytes) {
  const FrameFormat format = Grey(3, 3, 1);
  for (const std::string& segment : {std::string("\1\x55\1", 3), std::string("\10\1\0\1\0\1\0\1\0\1", 10)}) {
    const Result<Image> image = Decode(kRle, Frame({segment}), format);
    ASSERT_TRUE(image.ok()) << image.status().message();
    EXPECT_EQ(image->pixels, std::string("\x55\1"));
  }
}

TEST(Rle, RefusesHeadersThatLie) {
  const FrameFormat format = Grey(2, 2, 16);
  const std::string good = Frame({"\3abcd", "\3abcd"});
  ASSERT_TRUE(Decode(kRle, good, format).ok());
  EXPECT_EQ(Decode(kRle, good.substr(0, 63), format).status().code(), Code::kInvalid);
  EXPECT_EQ(Decode(kRle, Frame({"\3abcd"}), format).status().code(), Code::kInvalid);
  for (const uint32_t offset : {0u, 63u, 64u - 1, 1000u, 0xFFFFFFFFu}) {
    std::string bad = good;
    std::memcpy(&bad[8], &offset, 4);
    EXPECT_EQ(Decode(kRle, bad, format).status().code(), Code::kInvalid) << offset;
  }
}

TEST(Rle, RowsAreEncodedOneByOne) {
  // Eight equal pixels in two rows: two runs, not one.
  Image image{.format = Grey(2, 4, 8), .pixels = "aaaaaaaa"};
  const Result<EncodedFrame> encoded = Encode(image, kRle);
  ASSERT_TRUE(encoded.ok());
  EXPECT_EQ(encoded->bytes.substr(64),
            "\xFD"
            "a\xFD"
            "a");
  EXPECT_EQ(encoded->bytes.size() % 2, 0u);
}

}  // namespace
}  // namespace hilum::pixel
