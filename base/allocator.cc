// Part of programs that are linked with tcmalloc (docs/adr/0009-allocator.md): the heap is made of huge pages where the
// system has them.
#include <gperftools/malloc_extension.h>
#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>

namespace hilum {
namespace {

constexpr size_t kHugePage = 2 << 20;

class HugePages final : public SysAllocator {
 public:
  explicit HugePages(SysAllocator* system) : system_(system) {}

  void* Alloc(size_t size, size_t* actual_size, size_t alignment) override {
    const size_t whole = (size + kHugePage - 1) / kHugePage * kHugePage;
    void* const memory = system_->Alloc(whole, actual_size, std::max(alignment, kHugePage));
    const int before = errno;  // of who allocates in the midst of telling an error
    // Refused where there are none: small pages do as well.
    if (memory != nullptr) madvise(memory, whole, MADV_HUGEPAGE);
    errno = before;
    return memory;
  }

 private:
  SysAllocator* const system_;
};

// Before main, when most of the heap is still to come. It lives as long as the heap does.
[[maybe_unused]] const bool kInstalled = [] {
  MallocExtension* const heap = MallocExtension::instance();
  heap->SetSystemAllocator(new HugePages(heap->GetSystemAllocator()));
  return true;
}();

}  // namespace
}  // namespace hilum
