#include "base/mapping.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace hilum {

Result<Mapping> Mapping::Map(std::shared_ptr<File> file, uint64_t offset, uint64_t length) {
  Mapping mapping;
  if (length == 0) return mapping;
  HILUM_ASSIGN_OR_RETURN(const uint64_t size, file->Size());
  if (offset > size || length > size - offset) return Corruption("a file ends before the range that is asked for");
  if (file->descriptor() < 0) {
    mapping.copy_ = std::make_unique<char[]>(length);
    HILUM_RETURN_IF_ERROR(file->ReadAt(offset, {mapping.copy_.get(), static_cast<size_t>(length)}));
    mapping.view_ = {mapping.copy_.get(), static_cast<size_t>(length)};
    return mapping;
  }
  const uint64_t page = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  const uint64_t begin = offset / page * page;
  mapping.mapped_ = offset - begin + length;
  void* base = mmap(nullptr, mapping.mapped_, PROT_READ, MAP_SHARED, file->descriptor(), static_cast<off_t>(begin));
  if (base == MAP_FAILED) return ErrnoStatus("map a file", errno);
  mapping.base_ = base;
  mapping.view_ = {static_cast<const char*>(base) + (offset - begin), static_cast<size_t>(length)};
  mapping.file_ = std::move(file);
  return mapping;
}

Mapping::Mapping(Mapping&& other) noexcept {
  *this = std::move(other);
}

Mapping& Mapping::operator=(Mapping&& other) noexcept {
  std::swap(file_, other.file_);
  std::swap(base_, other.base_);
  std::swap(mapped_, other.mapped_);
  std::swap(copy_, other.copy_);
  std::swap(view_, other.view_);
  return *this;
}

Mapping::~Mapping() {
  if (base_) munmap(base_, mapped_);
}

}  // namespace hilum
