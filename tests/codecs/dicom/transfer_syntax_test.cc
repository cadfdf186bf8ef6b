#include "codecs/dicom/transfer_syntax.h"

#include <gtest/gtest.h>

namespace hilum::dicom {
namespace {

TEST(TransferSyntaxTest, WhatNamesNoSyntaxMeansTheDefaultOfItsMediaType) {
  EXPECT_EQ(DefaultSyntaxOf("application/octet-stream"), kExplicitLittleEndian);
  EXPECT_EQ(DefaultSyntaxOf("image/jpeg"), "1.2.840.10008.1.2.4.70");
  EXPECT_EQ(DefaultSyntaxOf("image/jls"), "1.2.840.10008.1.2.4.80");
  EXPECT_EQ(DefaultSyntaxOf("image/jp2"), "1.2.840.10008.1.2.4.90");
  EXPECT_EQ(DefaultSyntaxOf("image/jpx"), "1.2.840.10008.1.2.4.92");
  EXPECT_EQ(DefaultSyntaxOf("image/jphc"), "1.2.840.10008.1.2.4.201");
  EXPECT_EQ(DefaultSyntaxOf("image/jxl"), "1.2.840.10008.1.2.4.110");
  EXPECT_EQ(DefaultSyntaxOf("image/dicom-rle"), "1.2.840.10008.1.2.5");
  EXPECT_EQ(DefaultSyntaxOf("video/mpeg"), "1.2.840.10008.1.2.4.100");
  EXPECT_EQ(DefaultSyntaxOf("video/mp4"), "1.2.840.10008.1.2.4.102");
  EXPECT_EQ(DefaultSyntaxOf("image/png"), "") << "a picture, no pixel data";
}

TEST(TransferSyntaxTest, FramesOfASyntaxHaveOneMediaTypeHoweverTheyMayBeAskedFor) {
  EXPECT_EQ(DefaultSyntaxOf("image/x-jls"), "1.2.840.10008.1.2.4.80");
  EXPECT_EQ(MediaTypeOf("1.2.840.10008.1.2.4.80"), "image/jls");
  EXPECT_EQ(DefaultSyntaxOf("image/x-dicom-rle"), "1.2.840.10008.1.2.5");
  EXPECT_EQ(MediaTypeOf("1.2.840.10008.1.2.5"), "image/dicom-rle");
}

TEST(TransferSyntaxTest, WhatHasNoTypeOfItsOwnIsBytes) {
  EXPECT_EQ(MediaTypeOf("1.2.840.10008.1.2.8.1"), "application/octet-stream");
  EXPECT_EQ(MediaTypeOf(""), "application/octet-stream");
}

TEST(TransferSyntaxTest, VideosMayBeInFragments) {
  EXPECT_TRUE(IsVideo("1.2.840.10008.1.2.4.102"));
  EXPECT_TRUE(IsVideo("1.2.840.10008.1.2.4.102.1"));
  EXPECT_FALSE(IsVideo("1.2.840.10008.1.2.4.10"));
  EXPECT_FALSE(IsVideo(kExplicitLittleEndian));
}

}  // namespace
}  // namespace hilum::dicom
