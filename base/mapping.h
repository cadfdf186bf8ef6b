// A read-only view of a range of a file, without copying where the file has a descriptor (mmap) and by reading it
// otherwise, or where that was asked for.
//
// The view lives as long as the Mapping, which keeps the file open. Where the disk cannot give the bytes when they are
// read, or the file was cut short meanwhile, the process ends with SIGBUS; after SurviveBadPages they read as zeros,
// and Judge says so: who reads more of a view than was checked before passes what came of it through Judge. A view is
// read by one thread.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "base/bytes.h"
#include "base/disk.h"
#include "base/result.h"

namespace hilum {

class Mapping {
 public:
  Mapping() = default;
  // kCorruption when the file ends before offset + length.
  static Result<Mapping> Map(std::shared_ptr<File> file, uint64_t offset, uint64_t length);
  // The same as a copy. Costs less than page faults where all of a short range is wanted.
  static Result<Mapping> Read(const File& file, uint64_t offset, uint64_t length);

  Mapping(Mapping&& other) noexcept;
  Mapping& operator=(Mapping&& other) noexcept;
  ~Mapping();

  Bytes bytes() const { return view_; }
  // What reading came to: `read`, or kCorruption when the calling thread, since it made the mapping, met bytes that
  // cannot be read, of this or of another.
  Status Judge(Status read) const;

 private:
  std::shared_ptr<File> file_;
  void* base_ = nullptr;
  size_t mapped_ = 0;
  std::unique_ptr<char[]> copy_;
  Bytes view_;
  uint64_t bad_pages_before_ = 0;
};

// From now on a page of a mapping that cannot be read is a page of zeros, in the whole process. Takes the signal
// SIGBUS.
void SurviveBadPages();

}  // namespace hilum
