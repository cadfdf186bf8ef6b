// Anything may come in; what is decoded survives a round trip.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "codecs/pixel/codec.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace hilum::pixel;
  if (size < 3) return 0;
  constexpr std::string_view kRle = "1.2.840.10008.1.2.5";
  constexpr uint16_t kBits[] = {1, 8, 16, 32};
  FrameFormat format{.rows = data[0] % 40u + 1, .columns = data[1] % 40u + 1, .bits_allocated = kBits[data[2] % 4]};
  if (format.bits_allocated > 1 && data[2] & 4) {
    format.samples = 3;
    format.photometric = Photometric::kRgb;
  }
  format.bits_stored = format.bits_allocated;
  format.high_bit = format.bits_allocated - 1;
  const auto image = Decode(kRle, std::string_view(reinterpret_cast<const char*>(data) + 3, size - 3), format);
  if (!image.ok()) return 0;
  const auto encoded = Encode(*image, kRle);
  if (!encoded.ok()) std::abort();
  const auto again = Decode(kRle, encoded->bytes, format);
  if (!again.ok() || again->pixels != image->pixels) std::abort();
  return 0;
}
