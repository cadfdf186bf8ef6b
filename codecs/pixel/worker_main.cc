// The worker's side of worker.h: one request after the other, in a sandbox.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "codecs/pixel/frame_codecs.h"
#include "codecs/pixel/sandbox.h"
#include "codecs/pixel/worker.h"
#include "codecs/pixel/worker_protocol.h"

namespace hilum::pixel {
namespace {

class Server {
 public:
  explicit Server(int socket) : socket_(socket) {}

  int Run(const std::function<void()>& after_request) {
    Setup setup;
    if (!Receive(&setup, sizeof(setup)) || setup.magic != kSetupMagic) return 2;
    const Status status = EnterSandbox(socket_, setup.address_space);
    if (!Answer(status) || !status.ok()) return 3;
    Request request;
    while (Receive(&request, sizeof(request))) {
      answered_ = request.number;
      if (request.magic != kRequestMagic || !Serve(request)) return 4;
      if (after_request) after_request();
    }
    return 0;
  }

 private:
  // False at the end of the connection, and for a message of another size. A descriptor that comes along is kept.
  bool Receive(void* to, size_t size) {
    iovec piece{to, size};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))];
    msghdr message{};
    message.msg_iov = &piece;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof(control);
    ssize_t got = -1;
    do {
      got = recvmsg(socket_, &message, 0);
    } while (got < 0 && errno == EINTR);
    if (got != static_cast<ssize_t>(size)) return false;
    for (cmsghdr* c = CMSG_FIRSTHDR(&message); c != nullptr; c = CMSG_NXTHDR(&message, c)) {
      if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS) std::memcpy(&received_, CMSG_DATA(c), sizeof(int));
    }
    return true;
  }

  Reply NewReply() const {
    Reply reply{};
    reply.magic = kReplyMagic;
    reply.number = answered_;
    return reply;
  }

  bool Send(const Reply& reply) {
    iovec piece{const_cast<Reply*>(&reply), sizeof(reply)};
    msghdr message{};
    message.msg_iov = &piece;
    message.msg_iovlen = 1;
    return sendmsg(socket_, &message, MSG_NOSIGNAL) == static_cast<ssize_t>(sizeof(reply));
  }

  bool Answer(const Status& status) {
    Reply reply = NewReply();
    reply.code = static_cast<uint8_t>(status.code());
    const std::string& text = status.message();
    std::memcpy(reply.message, text.data(), std::min(text.size(), sizeof(reply.message) - 1));
    return Send(reply);
  }

  bool Map(uint64_t bytes) {
    Unmap();
    void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, received_, 0);
    close(received_);
    received_ = -1;
    if (memory == MAP_FAILED) return false;
    shared_ = static_cast<char*>(memory);
    shared_bytes_ = bytes;
    return true;
  }

  void Unmap() {
    if (shared_ != nullptr) munmap(shared_, shared_bytes_);
    shared_ = nullptr;
    shared_bytes_ = 0;
  }

  bool Serve(const Request& request) {
    if (request.shared_bytes != 0 && !Map(request.shared_bytes)) {
      return Answer(LimitExceeded("codec worker: no address space for " + std::to_string(request.shared_bytes) +
                                  " bytes of shared memory"));
    }
    const std::optional<FrameFormat> format = FromWire(request.format);
    if (!format || request.input_bytes > request.output_offset || request.output_offset > shared_bytes_ ||
        request.output_capacity > shared_bytes_ - request.output_offset) {
      return false;
    }
    const Status limited = LimitCpu(request.cpu_seconds);
    if (!limited.ok()) return Answer(limited);
    const std::string_view syntax(request.syntax, strnlen(request.syntax, sizeof(request.syntax)));
    const bool served = request.operation == Operation::kDecode   ? Decode(request, syntax, *format)
                        : request.operation == Operation::kEncode ? Encode(request, syntax, *format)
                                                                  : Convert(request);
    if (request.release != 0) Unmap();
    return served;
  }

  bool Decode(const Request& request, std::string_view syntax, const FrameFormat& expected) {
    const Result<FrameFormat> format = [&]() -> Result<FrameFormat> {
      try {
        return DecodeInto(syntax, Bytes(shared_, request.input_bytes), expected, request.decode,
                          {shared_ + request.output_offset, request.output_capacity});
      } catch (const std::bad_alloc&) {
        return LimitExceeded("codec worker: the frame needs more memory than a worker may have");
      }
    }();
    if (!format.ok()) return Answer(format.status());
    Reply reply = NewReply();
    reply.format = ToWire(*format);
    reply.output_bytes = FrameBytes(*format);
    return Send(reply);
  }

  bool Encode(const Request& request, std::string_view syntax, const FrameFormat& format) {
    const Result<EncodedFrame> encoded = [&]() -> Result<EncodedFrame> {
      try {
        return pixel::Encode({.format = format, .pixels = std::string(shared_, request.input_bytes)}, syntax,
                             request.encode);
      } catch (const std::bad_alloc&) {
        return LimitExceeded("codec worker: the frame needs more memory than a worker may have");
      }
    }();
    if (!encoded.ok()) return Answer(encoded.status());
    if (encoded->bytes.size() > request.output_capacity) {
      return Answer(LimitExceeded("codec worker: the encoded frame is far larger than its pixels"));
    }
    std::memcpy(shared_ + request.output_offset, encoded->bytes.data(), encoded->bytes.size());
    Reply reply = NewReply();
    reply.lossy = encoded->lossy;
    reply.format = ToWire(encoded->format);
    reply.output_bytes = encoded->bytes.size();
    return Send(reply);
  }

  bool Convert(const Request& request) {
    if (request.profile_bytes > request.input_bytes || request.space > ColourSpace::kDisplayP3) return false;
    const Bytes input(shared_, request.input_bytes), rgb = input.substr(request.profile_bytes);
    if (rgb.size() % 3 != 0 || rgb.size() > request.output_capacity) return false;
    char* const output = shared_ + request.output_offset;
    std::memcpy(output, rgb.data(), rgb.size());
    const Status status = ConvertColours(input.substr(0, request.profile_bytes), request.space, {output, rgb.size()});
    if (!status.ok()) return Answer(status);
    Reply reply = NewReply();
    reply.output_bytes = rgb.size();
    return Send(reply);
  }

  const int socket_;
  uint64_t answered_ = 0;  // number of the request at hand
  int received_ = -1;
  char* shared_ = nullptr;
  uint64_t shared_bytes_ = 0;
};

}  // namespace

int RunCodecWorker(int descriptor, const std::function<void()>& after_request) {
  // Whatever the server forgot to mark close-on-exec.
  close_range(static_cast<unsigned>(descriptor) + 1, ~0u, 0);
  return Server(descriptor).Run(after_request);
}

}  // namespace hilum::pixel
