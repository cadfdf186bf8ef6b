// The bytes of a data set that was deflated (PS3.5 A.5), with their share of an allowance: a small file may inflate to
// hundreds of megabytes. Empty for any other data set. Used by one thread at a time.
#pragma once

#include <memory>
#include <string>

#include "base/bytes.h"

namespace hilum {
class MemoryAllowance;
}

namespace hilum::dicom {

class Inflated {
 public:
  Inflated();
  ~Inflated();

  Bytes bytes() const { return bytes_; }
  bool empty() const { return bytes_.empty(); }

  void Clear();
  // Forgets what there is; what comes counts in `allowance` (null: in none), which outlives it.
  void Begin(MemoryAllowance* allowance);
  // False, and nothing changes, when there is no memory left for it. REQUIRES: Begin.
  bool Append(Bytes bytes);

 private:
  struct Memory;
  std::unique_ptr<Memory> memory_;  // given back after the bytes are
  std::string bytes_;
};

}  // namespace hilum::dicom
