// The body of one request as a pull stream: bytes that came with the header first, then straight from the socket.
// Used by the owner of the connection alone.
#pragma once

#include <chrono>
#include <optional>

#include "server/http/channel.h"
#include "server/http/chunk_decoder.h"
#include "server/http/http.h"
#include "server/http/input_buffer.h"
#include "server/http/output_queue.h"
#include "server/http/request_head.h"

namespace hilum::http {

class RequestBody final : public BodyReader {
 public:
  struct Options {
    uint64_t max_bytes = 0;
    std::chrono::milliseconds timeout{0};  // of one wait for bytes
    uint64_t bytes_per_second = 0;         // what comes at least while we wait, once that took `timeout`; 0: any
    bool may_wait = true;                  // false on the event loop: what did not come yet is an error there
  };
  // The references outlive this object.
  RequestBody(Channel& channel, InputBuffer& input, OutputQueue& output, const RequestHead& head);
  void Configure(const Options& options) { options_ = options; }

  Result<size_t> Read(std::span<char> into) override;
  std::optional<uint64_t> length() const override { return length_; }

  // Whether bytes of the body are still to come from the socket.
  bool AwaitsSocket() const { return !complete() && (chunked_ || input_.bytes().size() < left_); }
  bool complete() const { return chunked_ ? decoder_.done() : left_ == 0; }
  bool timed_out() const { return timed_out_; }
  // The final answer begins: 100 Continue can no longer be sent.
  void AnswerBegins() { continue_due_ = false; }

  // After the handler: drops what is there already.
  void DropBuffered();
  // Bytes still unread when they are few enough to wait for, so that the connection can go on; nullopt when it must
  // end.
  std::optional<uint64_t> Skippable() const;

 private:
  Result<size_t> ReadSized(std::span<char> into);
  Result<size_t> ReadChunked(std::span<char> into);
  // Waits for bytes; at most into.size().
  Result<size_t> ReceiveSome(std::span<char> into);
  // Waits until the socket can go on.
  Status AwaitClient(Io wanted);
  Status FillInput();
  Status SendContinue();
  size_t TakeBuffered(std::span<char> into);
  Status CheckLimit() const;

  Channel& channel_;
  InputBuffer& input_;
  OutputQueue& output_;
  Options options_;
  const bool chunked_;
  const std::optional<uint64_t> length_;
  uint64_t left_ = 0;  // of a body with a length
  uint64_t taken_ = 0;
  std::chrono::nanoseconds waited_{0};  // for the client
  ChunkDecoder decoder_;
  bool expects_continue_;  // the client may wait for 100 Continue before it sends
  bool continue_due_;
  bool timed_out_ = false;
};

}  // namespace hilum::http
