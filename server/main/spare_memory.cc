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

// A template, so that under sanitizers nothing asks for what is not linked then.
template <typename Extension>
void GiveBack(const std::stop_token& stop) {
  for (size_t before = 0; SleepFor(stop, kIdle);) {
    size_t now = 0;
    Extension::instance()->GetNumericProperty("tcmalloc.pageheap_free_bytes", &now);
    const size_t idle = std::min(before, now);
    if (idle > kKeptBytes) Extension::instance()->ReleaseToSystem(idle - kKeptBytes);
    before = now;
  }
}

}  // namespace

SpareMemory::SpareMemory() {
  if constexpr (!kSanitized) thread_ = std::jthread(GiveBack<MallocExtension>);
}

}  // namespace hilum
