// Transfer syntaxes by their UIDs (PS3.5 Annex A), and the media types of what they make of Pixel Data. Pure functions,
// thread-safe.
#pragma once

#include <string_view>

namespace hilum::dicom {

inline constexpr std::string_view kImplicitLittleEndian = "1.2.840.10008.1.2";
inline constexpr std::string_view kExplicitLittleEndian = "1.2.840.10008.1.2.1";
inline constexpr std::string_view kDeflatedExplicitLittleEndian = "1.2.840.10008.1.2.1.99";
inline constexpr std::string_view kExplicitBigEndian = "1.2.840.10008.1.2.2";  // retired in 2006

// The media type of a frame or video in that transfer syntax (PS3.18 table 8.7.3-5); application/octet-stream for all
// that have none of their own, unknown ones too.
std::string_view MediaTypeOf(std::string_view transfer_syntax);
// The transfer syntax that such a media type means where none is named; empty for what is no type of Pixel Data.
std::string_view DefaultSyntaxOf(std::string_view media_type);

// Whether its Pixel Data are one stream, whatever number of frames.
inline bool IsVideo(std::string_view transfer_syntax) {
  return MediaTypeOf(transfer_syntax).starts_with("video/");
}

}  // namespace hilum::dicom
