// Codestreams for the libraries, in workers: whatever a codec does to its process, this one lives, answers in time and
// gets what it asked for. The first byte chooses the transfer syntax, the second the format. One more value of the
// first is for colour profiles.
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "codecs/pixel/worker.h"

namespace {

using namespace hilum::pixel;

FrameFormat FormatOf(uint8_t choice) {
  FrameFormat format{.rows = 37, .columns = 53, .bits_allocated = static_cast<uint16_t>(choice & 1 ? 8 : 16)};
  if (choice & 2) {
    format.samples = 3;
    format.photometric = Photometric::kRgb;
  }
  format.is_signed = choice & 4;
  format.bits_stored = format.bits_allocated;
  format.high_bit = format.bits_allocated - 1;
  return format;
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  if (IsCodecWorker(*argc, *argv)) _Exit(RunCodecWorker(kCodecWorkerDescriptor));
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static CodecPool pool({.workers = 1, .timeout = std::chrono::seconds(15), .cpu_limit = std::chrono::seconds(2)});
  if (size < 2) return 0;
  const auto syntaxes = TransferSyntaxes();
  const std::string_view rest(reinterpret_cast<const char*>(data) + 2, size - 2);
  const size_t choice = data[0] % (syntaxes.size() + 1);
  if (choice == syntaxes.size()) {
    const std::string rgb(300, '\x5A');
    const auto converted = pool.ConvertColours(rgb, rest, static_cast<ColourSpace>(data[1] % 4));
    if (converted.ok() && converted->size() != rgb.size()) std::abort();
    return 0;
  }
  const FrameFormat format = FormatOf(data[1]);
  const auto image = pool.Decode(syntaxes[choice].uid, rest, format, {});
  if (image.ok() && image->pixels.size() != FrameBytes(format)) std::abort();
  return 0;
}
