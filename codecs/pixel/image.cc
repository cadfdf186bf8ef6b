#include "codecs/pixel/image.h"

#include "codecs/dicom/padding.h"

namespace hilum::pixel {
namespace {

constexpr std::string_view kNames[] = {
    "MONOCHROME1",     "MONOCHROME2",     "PALETTE COLOR", "RGB",     "YBR_FULL", "YBR_FULL_422",
    "YBR_PARTIAL_422", "YBR_PARTIAL_420", "YBR_ICT",       "YBR_RCT", "XYB",      "",
};
static_assert(std::size(kNames) == static_cast<size_t>(Photometric::kOther) + 1);

}  // namespace

std::string_view PhotometricName(Photometric photometric) {
  return kNames[static_cast<size_t>(photometric)];
}

Photometric ParsePhotometric(std::string_view name) {
  name = dicom::Unpadded(name);
  for (size_t i = 0; i + 1 < std::size(kNames); ++i) {
    if (kNames[i] == name) return static_cast<Photometric>(i);
  }
  return Photometric::kOther;
}

uint64_t FrameBytes(const FrameFormat& format) {
  const bool colour = format.samples == 3;
  const Photometric p = format.photometric;
  unsigned __int128 bits = static_cast<unsigned __int128>(format.rows) * format.columns * format.bits_allocated;
  if (colour && (p == Photometric::kYbrFull422 || p == Photometric::kYbrPartial422)) {
    bits *= 2;
  } else if (colour && p == Photometric::kYbrPartial420) {
    bits = bits * 3 / 2;
  } else {
    bits *= format.samples;
  }
  const unsigned __int128 bytes = (bits + 7) / 8;
  return bytes >> 63 != 0 ? UINT64_MAX : static_cast<uint64_t>(bytes);
}

}  // namespace hilum::pixel
