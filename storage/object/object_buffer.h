// The body of an object in memory, on its way into the store. It lies where it will be in its record, which begins on a
// page of memory: the store adds what belongs around it and writes the record from here, without another copy.
//
// Not thread-safe. Memory is not touched before it is needed.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "base/bytes.h"

namespace hilum::storage {

class ObjectBuffer {
 public:
  explicit ObjectBuffer(size_t capacity);  // bytes of body

  size_t capacity() const { return capacity_; }
  size_t size() const { return size_; }
  Bytes body() const;

  // REQUIRES: bytes.size() <= capacity() - size().
  void Append(Bytes bytes);
  void Clear() { size_ = 0; }

 private:
  friend class SegmentStore;
  struct Free {
    void operator()(char* memory) const;
  };

  // The record, ObjectStore::RecordBytes(size()) bytes of it in use; of these the body alone has its value.
  char* record() { return memory_.get(); }

  size_t capacity_;
  size_t size_ = 0;
  std::unique_ptr<char, Free> memory_;
};

}  // namespace hilum::storage
