#include "server/http/chunk_decoder.h"

#include <cassert>

#include "server/http/text.h"

namespace hilum::http {
namespace {

// Extensions on every chunk of a long body could carry more bytes than the body itself: they have one budget.
constexpr uint64_t kMaxSkipped = 16 * 1024;
// 15 digits hold 2^60 - 1, so sizes never overflow.
constexpr int kMaxSizeDigits = 15;

Status Bad(const char* what) {
  return Invalid(std::string("chunked body: ") + what);
}

}  // namespace

Status ChunkDecoder::Advance(Bytes* input) {
  while (!input->empty() && state_ != State::kData && state_ != State::kDone) {
    const char c = input->front();
    input->remove_prefix(1);
    HILUM_RETURN_IF_ERROR(Step(c));
  }
  return Status::Ok();
}

void ChunkDecoder::Took(uint64_t bytes) {
  assert(bytes <= data_left());
  size_ -= bytes;
  if (size_ == 0) state_ = State::kDataCr;
}

Status ChunkDecoder::Step(char c) {
  switch (state_) {
    case State::kSizeStart:
    case State::kSize:
      return StepSize(c);
    case State::kExtension:
      if (c != '\r') return Skipped(c);
      state_ = State::kSizeLf;
      return Status::Ok();
    case State::kSizeLf:
      if (c != '\n') return Bad("CR without LF after the size");
      state_ = size_ == 0 ? State::kTrailerStart : State::kData;
      return Status::Ok();
    case State::kDataCr:
      if (c != '\r') return Bad("data longer than the size says");
      state_ = State::kDataLf;
      return Status::Ok();
    case State::kDataLf:
      if (c != '\n') return Bad("CR without LF after the data");
      state_ = State::kSizeStart;
      return Status::Ok();
    case State::kTrailerStart:
      if (c == ':') return Bad("a trailer field without a name");
      state_ = c == '\r' ? State::kLastLf : State::kTrailerName;
      return c == '\r' ? Status::Ok() : StepTrailerName(c);
    case State::kTrailerName:
      return StepTrailerName(c);
    case State::kTrailer:
      if (c != '\r') return Skipped(c);
      state_ = State::kTrailerLf;
      return Status::Ok();
    case State::kTrailerLf:
      if (c != '\n') return Bad("CR without LF in a trailer field");
      state_ = State::kTrailerStart;
      return Status::Ok();
    case State::kLastLf:
      if (c != '\n') return Bad("CR without LF at the end");
      state_ = State::kDone;
      return Status::Ok();
    case State::kData:
    case State::kDone:
      break;
  }
  return Internal("chunked body: framing expected where there is none");
}

Status ChunkDecoder::StepSize(char c) {
  if (const int digit = HexValue(c); digit >= 0) {
    if (state_ == State::kSizeStart) size_ = 0, digits_ = 0;
    if (++digits_ > kMaxSizeDigits) return Bad("size has too many digits");
    size_ = size_ * 16 + static_cast<uint64_t>(digit);
    state_ = State::kSize;
    return Status::Ok();
  }
  if (state_ == State::kSizeStart) return Bad("size expected");
  if (c == '\r') {
    state_ = State::kSizeLf;
    return Status::Ok();
  }
  if (c != ';') return Bad("size is not hexadecimal");
  state_ = State::kExtension;
  return Skipped(c);
}

// A blank here would begin a folded line, or stand before the colon (RFC 9112 5.1, 5.2).
Status ChunkDecoder::StepTrailerName(char c) {
  if (c == ':')
    state_ = State::kTrailer;
  else if (!IsTokenCharacter(c))
    return Bad("a trailer field must be a name, a colon and a value");
  return Skipped(c);
}

Status ChunkDecoder::Skipped(char c) {
  if (IsControl(c) && c != '\t') return Bad("control character in an extension or trailer field");
  if (++skipped_ > kMaxSkipped) return Bad("extensions and trailer fields are too long");
  return Status::Ok();
}

}  // namespace hilum::http
