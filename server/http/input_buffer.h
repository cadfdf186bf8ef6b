// Bytes of a connection that were received but not used yet: the rest of a header, a small body, pipelined requests.
// Used by one thread at a time: the owner of the connection.
#pragma once

#include <string>

#include "base/bytes.h"

namespace hilum::http {

class InputBuffer {
 public:
  Bytes bytes() const { return Bytes(data_).substr(used_); }
  bool empty() const { return used_ == data_.size(); }
  size_t capacity() const { return data_.capacity(); }  // bytes of memory

  void Append(Bytes bytes) {
    // What was used goes before it outweighs what was not, or a pipeline that never runs dry would keep all of it.
    if (used_ > 0 && used_ >= data_.size() - used_) {
      data_.erase(0, used_);
      used_ = 0;
    }
    data_.append(bytes);
  }
  // REQUIRES: count <= bytes().size()
  void Consume(size_t count) {
    used_ += count;
    if (empty()) Clear();
  }

 private:
  // An idle connection keeps no memory worth mentioning.
  void Clear() {
    used_ = 0;
    data_.clear();
    if (data_.capacity() > kKeptCapacity) std::string().swap(data_);
  }
  static constexpr size_t kKeptCapacity = 1024;

  std::string data_;
  size_t used_ = 0;
};

}  // namespace hilum::http
