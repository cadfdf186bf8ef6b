// The bytes before the first NUL are a resource, those behind it a patch. Whatever they are: no crash, and what comes
// out is JSON that a patch without operations leaves alone.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "fhir/patch/json_patch.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace hilum::fhir;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const size_t split = input.find('\0');
  if (split == std::string_view::npos) return 0;
  const auto resource = json::Document::Parse(std::string(input.substr(0, split)));
  if (!resource.ok()) return 0;
  const auto patched = ApplyJsonPatch(resource->root(), input.substr(split + 1), {.steps = 100'000});
  patched.IgnoreError();
  if (!patched.ok()) return 0;
  const auto again = json::Document::Parse(*patched);
  // Names from pointers may need escapes, which our documents refuse.
  if (!again.ok()) {
    if (patched->find('\\') == std::string::npos) std::abort();
    return 0;
  }
  const auto same = ApplyJsonPatch(again->root(), "[]");
  if (!same.ok() || *same != *patched) std::abort();
  return 0;
}
