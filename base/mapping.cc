#include "base/mapping.h"

#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace hilum {
namespace {

thread_local volatile uint64_t bad_pages = 0;  // that this thread met

void PutZeros(int, siginfo_t* info, void*) {
  const auto size = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  void* const page = reinterpret_cast<void*>(reinterpret_cast<uintptr_t>(info->si_addr) / size * size);
  const bool of_a_file = info->si_code == BUS_ADRERR || info->si_code == BUS_OBJERR;
  if (of_a_file && mmap(page, size, PROT_READ, MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == page) {
    bad_pages = bad_pages + 1;
    return;
  }
  signal(SIGBUS, SIG_DFL);  // the access is tried again, and ends the process
}

Status CheckRange(const File& file, uint64_t offset, uint64_t length) {
  HILUM_ASSIGN_OR_RETURN(const uint64_t size, file.Size());
  if (offset > size || length > size - offset) return Corruption("a file ends before the range that is asked for");
  return Status::Ok();
}

}  // namespace

void SurviveBadPages() {
  struct sigaction action {};
  action.sa_sigaction = PutZeros;
  action.sa_flags = SA_SIGINFO;
  sigaction(SIGBUS, &action, nullptr);
}

Result<Mapping> Mapping::Map(std::shared_ptr<File> file, uint64_t offset, uint64_t length) {
  if (file->descriptor() < 0) return Read(*file, offset, length);
  Mapping mapping;
  if (length == 0) return mapping;
  HILUM_RETURN_IF_ERROR(CheckRange(*file, offset, length));
  const uint64_t page = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  const uint64_t begin = offset / page * page;
  mapping.mapped_ = offset - begin + length;
  void* base = mmap(nullptr, mapping.mapped_, PROT_READ, MAP_SHARED, file->descriptor(), static_cast<off_t>(begin));
  if (base == MAP_FAILED) return ErrnoStatus("map a file", errno);
  mapping.base_ = base;
  mapping.view_ = {static_cast<const char*>(base) + (offset - begin), static_cast<size_t>(length)};
  mapping.file_ = std::move(file);
  mapping.bad_pages_before_ = bad_pages;
  return mapping;
}

Result<Mapping> Mapping::Read(const File& file, uint64_t offset, uint64_t length) {
  Mapping mapping;
  if (length == 0) return mapping;
  HILUM_RETURN_IF_ERROR(CheckRange(file, offset, length));
  mapping.copy_ = std::make_unique_for_overwrite<char[]>(length);
  HILUM_RETURN_IF_ERROR(file.ReadAt(offset, {mapping.copy_.get(), static_cast<size_t>(length)}));
  mapping.view_ = {mapping.copy_.get(), static_cast<size_t>(length)};
  return mapping;
}

Status Mapping::Judge(Status read) const {
  if (base_ == nullptr || bad_pages == bad_pages_before_) return read;
  read.IgnoreError();  // what zeros were taken for
  return Corruption("stored bytes cannot be read: the disk fails, or a file was cut short; run hilum verify");
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
  std::swap(bad_pages_before_, other.bad_pages_before_);
  return *this;
}

Mapping::~Mapping() {
  if (base_) munmap(base_, mapped_);
}

}  // namespace hilum
