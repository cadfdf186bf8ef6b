// Single bits of frames one after the other, without gaps between frames (PS3.5 8.1.1). Used by one thread at a time.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>

#include "base/bytes.h"

namespace hilum::pixel {

class BitPacker {
 public:
  // REQUIRES: `frame` has as many bits, from the lowest of its first byte on.
  void Append(Bytes frame, uint64_t bits, std::string* out) {
    for (uint64_t done = 0; done < bits; done += 8) {
      const unsigned count = static_cast<unsigned>(std::min<uint64_t>(8, bits - done));
      const unsigned byte = static_cast<uint8_t>(frame[done / 8]) & ((1u << count) - 1);
      pending_ |= byte << pending_bits_;
      pending_bits_ += count;
      if (pending_bits_ >= 8) {
        out->push_back(static_cast<char>(pending_));
        pending_ >>= 8;
        pending_bits_ -= 8;
      }
    }
  }
  // What is left, filled up to a byte.
  void Flush(std::string* out) {
    if (pending_bits_ > 0) out->push_back(static_cast<char>(pending_));
    pending_ = pending_bits_ = 0;
  }

 private:
  unsigned pending_ = 0, pending_bits_ = 0;
};

}  // namespace hilum::pixel
