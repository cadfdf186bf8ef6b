// Our own code in this process: instances, look-up tables, overlays, native and RLE frames, rendering, transcoding
// between syntaxes that need no other decoder.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "codecs/pixel/instance.h"
#include "codecs/pixel/render.h"
#include "codecs/pixel/transcode.h"

namespace {

using namespace hilum;
using namespace hilum::pixel;

// Codestreams of libraries are for pixel_worker_fuzz.
class OwnCodec : public LocalCodec {
 public:
  Result<Image> Decode(std::string_view syntax, Bytes frame, const FrameFormat& expected,
                       const DecodeOptions& options) override {
    const TransferSyntax* known = FindTransferSyntax(syntax);
    if (known->coding != Coding::kNative && known->coding != Coding::kRle && known->coding != Coding::kDeflatedFrame) {
      return Unsupported("not here");
    }
    return LocalCodec::Decode(syntax, frame, expected, options);
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view file(reinterpret_cast<const char*>(data), size);
  OwnCodec codec;
  const dicom::ReadLimits limits{.max_inflated_bytes = 1 << 20};
  const Result<Instance> instance = Instance::Open(file, limits);
  if (!instance.ok()) return 0;
  RenderOptions options{.viewport = Viewport{.width = 32, .height = 32}, .decode = {.max_frame_bytes = 1 << 20}};
  const Result<Picture> picture = RenderPicture(*instance, instance->frames() - 1, options, codec);
  if (picture.ok() && picture->samples.size() != size_t{picture->width} * picture->height * picture->channels)
    std::abort();
  for (const std::string_view to : {"1.2.840.10008.1.2.1", "1.2.840.10008.1.2", "1.2.840.10008.1.2.5"}) {
    std::string out;
    const Status status = Transcode(file, to, {.decode = options.decode, .read = limits}, codec, [&](Bytes bytes) {
      out.append(bytes);
      return out.size() < (8 << 20) ? Status::Ok() : LimitExceeded("large");
    });
    // What was written can be read. Implicit VR has no place for a VR that contradicts the dictionary.
    if (status.ok() && to != "1.2.840.10008.1.2" && !Instance::Open(out).ok()) std::abort();
  }
  return 0;
}
