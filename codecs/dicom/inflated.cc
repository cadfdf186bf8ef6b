#include "codecs/dicom/inflated.h"

#include <algorithm>

#include "base/memory_allowance.h"

namespace hilum::dicom {

struct Inflated::Memory {
  explicit Memory(MemoryAllowance* allowance) : share(allowance) {}
  MemoryAllowance::Share share;
};

Inflated::Inflated() = default;
Inflated::~Inflated() = default;

void Inflated::Clear() {
  bytes_ = std::string();
  memory_.reset();
}

void Inflated::Begin(MemoryAllowance* allowance) {
  Clear();
  memory_ = std::make_unique<Memory>(allowance);
}

bool Inflated::Append(Bytes bytes) {
  const size_t needed = bytes_.size() + bytes.size();
  if (needed > bytes_.capacity()) {
    const size_t capacity = std::max(needed, 2 * bytes_.capacity());
    if (!memory_->share.Grow(capacity - bytes_.capacity())) return false;
    bytes_.reserve(capacity);
  }
  bytes_ += bytes;
  return true;
}

}  // namespace hilum::dicom
