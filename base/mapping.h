// A read-only view of a range of a file, without copying where the file has a descriptor (mmap) and by reading it
// otherwise.
//
// The view lives as long as the Mapping, which keeps the file open. An input/output error while the view is read ends
// the process with SIGBUS: map only files that are sealed and checked, or that this process wrote.
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

  Mapping(Mapping&& other) noexcept;
  Mapping& operator=(Mapping&& other) noexcept;
  ~Mapping();

  Bytes bytes() const { return view_; }

 private:
  std::shared_ptr<File> file_;
  void* base_ = nullptr;
  size_t mapped_ = 0;
  std::unique_ptr<char[]> copy_;
  Bytes view_;
};

}  // namespace hilum
