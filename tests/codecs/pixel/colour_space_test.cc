#include "codecs/pixel/colour_space.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace hilum::pixel {
namespace {

using V = std::vector<int>;

V Converted(ColourSpace from, ColourSpace to, V rgb) {
  std::string samples;
  for (const int level : rgb) samples.push_back(static_cast<char>(level));
  const Status status = ConvertColours(ProfileOf(from), to, samples);
  if (!status.ok()) return {};
  V result;
  for (const char c : samples) result.push_back(static_cast<uint8_t>(c));
  return result;
}

void ExpectNear(const V& is, const V& wanted, int tolerance) {
  ASSERT_EQ(is.size(), wanted.size());
  for (size_t i = 0; i < is.size(); ++i) EXPECT_NEAR(is[i], wanted[i], tolerance) << i;
}

constexpr ColourSpace kAll[] = {ColourSpace::kSrgb, ColourSpace::kAdobeRgb, ColourSpace::kRommRgb,
                                ColourSpace::kDisplayP3};

TEST(ColourSpaceTest, GreysStayGreysInAllOfThem) {
  for (const ColourSpace from : kAll) {
    for (const ColourSpace to : kAll) {
      const V grey = Converted(from, to, {0, 0, 0, 128, 128, 128, 255, 255, 255});
      ASSERT_EQ(grey.size(), 9u);
      ExpectNear({grey[0], grey[1], grey[2], grey[6], grey[7], grey[8]}, {0, 0, 0, 255, 255, 255}, 1);
      EXPECT_NEAR(grey[3], grey[4], 1);
      EXPECT_NEAR(grey[4], grey[5], 1);
    }
  }
}

TEST(ColourSpaceTest, AColourIsTheSameInAnotherSpace) {
  // Published values of the primaries of sRGB, and of a red of Display P3.
  ExpectNear(Converted(ColourSpace::kSrgb, ColourSpace::kAdobeRgb, {255, 0, 0, 0, 255, 0, 0, 0, 255}),
             {219, 0, 0, 144, 255, 60, 0, 0, 250}, 2);
  ExpectNear(Converted(ColourSpace::kSrgb, ColourSpace::kDisplayP3, {255, 0, 0}), {234, 51, 35}, 2);
  ExpectNear(Converted(ColourSpace::kSrgb, ColourSpace::kRommRgb, {255, 0, 0}), {179, 70, 26}, 3);
  ExpectNear(Converted(ColourSpace::kDisplayP3, ColourSpace::kSrgb, {200, 100, 50}), {212, 97, 34}, 4);
}

TEST(ColourSpaceTest, ThereAndBackAgainIsTheSame) {
  const V colours = {200, 100, 50, 60, 200, 90, 70, 80, 90, 255, 255, 90};
  for (const ColourSpace wide : {ColourSpace::kAdobeRgb, ColourSpace::kRommRgb, ColourSpace::kDisplayP3})
    ExpectNear(Converted(wide, ColourSpace::kSrgb, Converted(ColourSpace::kSrgb, wide, colours)), colours, 4);
}

TEST(ColourSpaceTest, WhatIsNoProfileIsRefused) {
  std::string rgb(3, 'x');
  const std::string profile = ProfileOf(ColourSpace::kSrgb);
  std::string cut = profile.substr(0, 200), lab = profile;
  lab.replace(16, 4, "Lab ");
  for (const std::string& bad : {std::string(), std::string("ICC"), cut, lab, std::string(400, '\xFF')})
    EXPECT_EQ(ConvertColours(bad, ColourSpace::kAdobeRgb, rgb).code(), Code::kInvalid) << bad.size();
  EXPECT_EQ(ConvertColours(std::string(17 << 20, 'x'), ColourSpace::kSrgb, rgb).code(), Code::kLimit);
  EXPECT_EQ(rgb, "xxx");
}

}  // namespace
}  // namespace hilum::pixel
