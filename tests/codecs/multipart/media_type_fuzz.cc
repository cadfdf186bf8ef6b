// What is read prints and reads back the same.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "codecs/multipart/parser.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto media_type = hilum::multipart::ParseMediaType(text);
  if (media_type.ok()) {
    const auto again = hilum::multipart::ParseMediaType(media_type->ToString());
    if (!again.ok() || !(*again == *media_type)) std::abort();
    hilum::multipart::BoundaryOf(*media_type).IgnoreError();  // only crashes matter
  }
  for (const auto& entry : hilum::multipart::ParseAccept(text)) {
    if (entry.q < 0 || entry.q > 1000) std::abort();
  }
  return 0;
}
