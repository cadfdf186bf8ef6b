// The chunked transfer coding of a request body (RFC 9112 7.1), byte by byte, so that a split at any place gives the
// same body. Strict: CRLF only, no blanks around the size, trailer lines of the form of header lines. Extensions and
// trailer fields are skipped, within limits. Not thread-safe.
#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "base/status.h"

namespace hilum::http {

class ChunkDecoder {
 public:
  // Eats framing from the front of `input` until chunk data comes next, the body ends, or the input is used up.
  // kInvalid for bad framing: the rest of the connection is then meaningless.
  Status Advance(Bytes* input);

  // Bytes of chunk data that come next in the stream; the caller takes them itself and says so with Took().
  uint64_t data_left() const { return state_ == State::kData ? size_ : 0; }
  // REQUIRES: bytes <= data_left()
  void Took(uint64_t bytes);

  bool done() const { return state_ == State::kDone; }

 private:
  enum class State : uint8_t {
    kSizeStart,
    kSize,
    kExtension,
    kSizeLf,
    kData,
    kDataCr,
    kDataLf,
    kTrailerStart,
    kTrailerName,
    kTrailer,
    kTrailerLf,
    kLastLf,
    kDone,
  };
  Status Step(char c);
  Status StepSize(char c);
  Status StepTrailerName(char c);
  Status Skipped(char c);

  State state_ = State::kSizeStart;
  int digits_ = 0;
  uint64_t size_ = 0;
  uint64_t skipped_ = 0;  // bytes of extensions and trailer fields so far
};

}  // namespace hilum::http
