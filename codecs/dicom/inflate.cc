#include "codecs/dicom/inflate.h"

#include <zlib.h>

#include <algorithm>
#include <memory>

namespace hilum::dicom {
namespace {

constexpr size_t kChunk = 64 << 10;
constexpr uint64_t kRatioFreeBytes = 16 << 20;

struct EndStream {
  void operator()(z_stream* stream) const { inflateEnd(stream); }
};

}  // namespace

Status Inflate(Bytes deflated, const ReadLimits& limits, Inflated* out) {
  z_stream stream{};
  if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) return Internal("inflate: cannot start zlib");
  const std::unique_ptr<z_stream, EndStream> end_stream(&stream);
  out->Begin(limits.inflated_memory);
  const auto piece = std::make_unique<char[]>(kChunk);
  uint64_t consumed = 0;
  int state = Z_OK;
  bool holds_more = false;  // of what it was given, for want of room
  while (state != Z_STREAM_END) {
    if (stream.avail_in == 0 && !holds_more) {
      const size_t some = std::min<uint64_t>(deflated.size() - consumed, 1 << 20);
      if (some == 0) return Invalid("deflated data set breaks off after " + std::to_string(consumed) + " bytes");
      stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(deflated.data() + consumed));
      stream.avail_in = some;
      consumed += some;
    }
    stream.next_out = reinterpret_cast<Bytef*>(piece.get());
    stream.avail_out = kChunk;
    state = inflate(&stream, Z_NO_FLUSH);
    holds_more = stream.avail_out == 0;
    if (!out->Append({piece.get(), kChunk - stream.avail_out})) {
      return Unavailable("too many deflated data sets are read at this moment; try again");
    }
    const uint64_t used = consumed - stream.avail_in;
    if (state != Z_OK && state != Z_STREAM_END && state != Z_BUF_ERROR) {
      return Invalid("deflated data set is damaged near byte " + std::to_string(used));
    }
    if (out->bytes().size() > limits.max_inflated_bytes) {
      return LimitExceeded("deflated data set inflates to more than " + std::to_string(limits.max_inflated_bytes) +
                           " bytes");
    }
    if (out->bytes().size() > kRatioFreeBytes &&
        out->bytes().size() / std::max<uint64_t>(used, 1) > limits.max_inflation_ratio) {
      return LimitExceeded("deflated data set inflates more than " + std::to_string(limits.max_inflation_ratio) +
                           " fold");
    }
  }
  return Status::Ok();
}

}  // namespace hilum::dicom
