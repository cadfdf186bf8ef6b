// Headers of codestreams that are read in the server's own process: whatever comes in, what is told of it is an image.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "codecs/pixel/codestream.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace hilum::pixel;
  const std::string_view file(reinterpret_cast<const char*>(data), size);
  const std::string_view codestream = WithoutBoxes(file);
  if (codestream.size() > file.size()) std::abort();
  SyntaxOfCodestream(codestream);
  const auto description = DescribeCodestream(codestream);
  if (description.ok() && (FrameBytes(description->format) == 0 || description->format.bits_stored == 0)) std::abort();
  return 0;
}
