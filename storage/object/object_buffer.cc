#include "storage/object/object_buffer.h"

#include <cassert>
#include <cstring>
#include <new>

#include "storage/object/format.h"
#include "storage/object/object_store.h"

namespace hilum::storage {
namespace {

constexpr std::align_val_t kAlignment{segment::kPageBytes};

}  // namespace

void ObjectBuffer::Free::operator()(char* memory) const {
  ::operator delete(memory, kAlignment);
}

ObjectBuffer::ObjectBuffer(size_t capacity)
    : capacity_(capacity),
      memory_(static_cast<char*>(::operator new(ObjectStore::RecordBytes(capacity), kAlignment))) {}

Bytes ObjectBuffer::body() const {
  return {memory_.get() + segment::kFrameBytes, size_};
}

void ObjectBuffer::Append(Bytes bytes) {
  assert(bytes.size() <= capacity_ - size_);
  std::memcpy(memory_.get() + segment::kFrameBytes + size_, bytes.data(), bytes.size());
  size_ += bytes.size();
}

}  // namespace hilum::storage
