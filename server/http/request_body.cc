#include "server/http/request_body.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace hilum::http {
namespace {

// Unread bytes worth waiting for to keep a connection; more, and closing is cheaper for both sides.
constexpr uint64_t kMaxSkip = 256 * 1024;
constexpr size_t kFill = 64 * 1024;

}  // namespace

RequestBody::RequestBody(Channel& channel, InputBuffer& input, OutputQueue& output, const RequestHead& head)
    : channel_(channel),
      input_(input),
      output_(output),
      chunked_(head.chunked),
      length_(head.content_length),
      left_(head.content_length.value_or(0)),
      expects_continue_(head.expects_continue && (head.chunked || left_ > 0)),
      continue_due_(expects_continue_) {}

Result<size_t> RequestBody::Read(std::span<char> into) {
  if (complete() || into.empty()) return size_t{0};
  return chunked_ ? ReadChunked(into) : ReadSized(into);
}

Status RequestBody::CheckLimit() const {
  if (taken_ <= options_.max_bytes) return Status::Ok();
  return LimitExceeded("read request body: more than the " + std::to_string(options_.max_bytes) +
                       " bytes accepted here");
}

size_t RequestBody::TakeBuffered(std::span<char> into) {
  const Bytes bytes = input_.bytes().substr(0, into.size());
  std::memcpy(into.data(), bytes.data(), bytes.size());
  const size_t taken = bytes.size();
  input_.Consume(taken);
  return taken;
}

Result<size_t> RequestBody::ReadSized(std::span<char> into) {
  into = into.first(std::min<uint64_t>(into.size(), left_));
  size_t got = 0;
  if (!input_.empty()) {
    got = TakeBuffered(into);
  } else {
    HILUM_ASSIGN_OR_RETURN(got, ReceiveSome(into));
  }
  left_ -= got;
  taken_ += got;
  HILUM_RETURN_IF_ERROR(CheckLimit());
  return got;
}

Result<size_t> RequestBody::ReadChunked(std::span<char> into) {
  size_t filled = 0;
  while (filled < into.size() && !decoder_.done()) {
    if (decoder_.data_left() > 0) {
      const std::span<char> wanted =
          into.subspan(filled, std::min<uint64_t>(into.size() - filled, decoder_.data_left()));
      size_t got = 0;
      if (!input_.empty()) {
        got = TakeBuffered(wanted);
      } else if (filled > 0) {
        return filled;
      } else {
        HILUM_ASSIGN_OR_RETURN(got, ReceiveSome(wanted));
      }
      decoder_.Took(got);
      filled += got;
      taken_ += got;
      HILUM_RETURN_IF_ERROR(CheckLimit());
      continue;
    }
    if (input_.empty()) {
      if (filled > 0) return filled;
      HILUM_RETURN_IF_ERROR(FillInput());
    }
    Bytes rest = input_.bytes();
    const size_t before = rest.size();
    const Status framing = decoder_.Advance(&rest);
    input_.Consume(before - rest.size());
    HILUM_RETURN_IF_ERROR(framing);
  }
  return filled;
}

Status RequestBody::FillInput() {
  std::array<char, kFill> block;
  HILUM_ASSIGN_OR_RETURN(const size_t got, ReceiveSome(block));
  input_.Append(Bytes(block.data(), got));
  return Status::Ok();
}

Status RequestBody::SendContinue() {
  continue_due_ = expects_continue_ = false;
  output_.Append("HTTP/1.1 100 Continue\r\n\r\n");
  if (output_.Flush(channel_) == Io::kClosed) return Cancelled("read request body: the client went away");
  return Status::Ok();
}

Result<size_t> RequestBody::ReceiveSome(std::span<char> into) {
  if (continue_due_) HILUM_RETURN_IF_ERROR(SendContinue());
  for (;;) {
    const IoResult result = channel_.Receive(into);
    if (result.state == Io::kDone && result.bytes > 0) return result.bytes;
    if (result.state == Io::kDone || result.state == Io::kClosed) {
      return Cancelled("read request body: the client went away");
    }
    if (!options_.may_wait) return Internal("read request body: an inline handler cannot wait for it");
    HILUM_RETURN_IF_ERROR(AwaitClient(result.state));
  }
}

Status RequestBody::AwaitClient(Io wanted) {
  const auto began = std::chrono::steady_clock::now();
  const bool came = channel_.Wait(wanted, options_.timeout);
  waited_ += std::chrono::steady_clock::now() - began;
  const double seconds = std::chrono::duration<double>(waited_).count();
  const double wanted_bytes = seconds * static_cast<double>(options_.bytes_per_second);
  const bool slow = waited_ > options_.timeout && static_cast<double>(taken_) < wanted_bytes;
  timed_out_ = !came || slow;
  if (!came) return Cancelled("read request body: the client fell silent");
  if (slow) {
    return Cancelled("read request body: the client sends less than " + std::to_string(options_.bytes_per_second) +
                     " bytes a second");
  }
  return Status::Ok();
}

void RequestBody::DropBuffered() {
  if (!chunked_) {
    const size_t dropped = std::min<uint64_t>(left_, input_.bytes().size());
    input_.Consume(dropped);
    left_ -= dropped;
    return;
  }
  while (!input_.empty() && !decoder_.done()) {
    Bytes rest = input_.bytes();
    const size_t before = rest.size();
    // Bad framing leaves the decoder unfinished: the connection then ends, and that is all there is to do.
    if (!decoder_.Advance(&rest).ok()) return;
    const size_t data = std::min<uint64_t>(decoder_.data_left(), rest.size());
    if (data > 0) decoder_.Took(data);
    input_.Consume(before - rest.size() + data);
  }
}

std::optional<uint64_t> RequestBody::Skippable() const {
  if (complete()) return 0;
  // A client that was promised 100 Continue may or may not send its body after a final answer.
  if (chunked_ || expects_continue_ || left_ > kMaxSkip) return std::nullopt;
  return left_;
}

}  // namespace hilum::http
