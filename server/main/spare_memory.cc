#include "server/main/spare_memory.h"

#include <gperftools/malloc_extension.h>

#include <algorithm>
#include <chrono>
#include <cstddef>

#include "base/sanitized.h"
#include "base/sleep.h"

namespace hilum {
namespace {

constexpr std::chrono::seconds kIdle{5};
constexpr size_t kKeptBytes = 64 << 20;

// Templates, so that under sanitizers nothing asks for what is not linked then.
template <typename Extension>
size_t FreeBytes() {
  size_t bytes = 0;
  Extension::instance()->GetNumericProperty("tcmalloc.pageheap_free_bytes", &bytes);
  return bytes;
}

template <typename Extension>
void GiveBack(size_t free) {
  if (free > kKeptBytes) Extension::instance()->ReleaseToSystem(free - kKeptBytes);
}

template <typename Extension>
void GiveBackIdle(const std::stop_token& stop) {
  for (size_t before = 0; SleepFor(stop, kIdle);) {
    GiveBack<Extension>(std::min(before, FreeBytes<Extension>()));
    before = FreeBytes<Extension>();
  }
}

}  // namespace

void GiveBackMemory() {
  if constexpr (!kSanitized) GiveBack<MallocExtension>(FreeBytes<MallocExtension>());
}

SpareMemory::SpareMemory() {
  if constexpr (!kSanitized) thread_ = std::jthread(GiveBackIdle<MallocExtension>);
}

}  // namespace hilum
