// Presentation states, followed on an image of 16 by 16 pixels: the input is the state's file.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "codecs/pixel/presentation_state.h"
#include "codecs/pixel/render.h"
#include "tests/codecs/pixel/instances.h"

namespace {

using namespace hilum;         // NOLINT: the module under test
using namespace hilum::pixel;  // NOLINT

Result<Picture> Shown(const Presentation& presentation) {
  static const std::string file = testing::MakeInstance(
      {.format = {.rows = 16, .columns = 16, .bits_allocated = 8, .bits_stored = 8, .high_bit = 7},
       .pixels = std::string(256, '\x40')});
  HILUM_ASSIGN_OR_RETURN(const Instance instance, Instance::Open(file));
  LocalCodec codec;
  RenderOptions options{.presentation = &presentation, .viewport = Viewport{.width = 64, .height = 64}};
  return RenderPicture(instance, 0, options, codec);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view file(reinterpret_cast<const char*>(data), size);
  const auto state = PresentationState::Read(file, {.max_inflated_bytes = 1 << 20});
  if (!state.ok() || state->images().empty()) return 0;
  const ReferencedImage& image = state->images().front();
  const auto presentation = state->For(image.sop_uid, image.frames.empty() ? 0 : image.frames.front() - 1);
  if (!presentation) std::abort();  // a state is about the images it names
  const auto picture = Shown(*presentation);
  if (picture.ok() && (picture->width > 64 || picture->height > 64 ||
                       picture->samples.size() != size_t{picture->width} * picture->height * picture->channels))
    std::abort();
  return 0;
}
