// Codecs in processes that may die: a pool of decoder workers.
//
// A worker is this same binary started as `<binary> --codec-worker`; main() calls RunCodecWorker first thing when
// IsCodecWorker says so. Workers get one socket and shared memory for pixels, and nothing else: their address space and
// CPU time are limited, and a system call filter refuses files, sockets and processes. A request that crashes, hangs or
// blows up its worker costs exactly that request; the next one gets a new worker.
//
// Native, RLE and deflated frames are our own bounded code and never leave the process.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "codecs/pixel/codec.h"

namespace hilum::pixel {

inline constexpr char kCodecWorkerFlag[] = "--codec-worker";
inline constexpr int kCodecWorkerDescriptor = 3;

inline bool IsCodecWorker(int argc, char** argv) {
  return argc >= 2 && std::string_view(argv[1]) == kCodecWorkerFlag;
}

// Serves requests from the socket `descriptor` until it is closed; the exit code of the process. Limits and filter are
// put on before the first request. `after_request` is called, inside of them, when one is answered: to give memory back
// where that is not malloc's own business. Call it before anything starts a thread or opens a file.
int RunCodecWorker(int descriptor, const std::function<void()>& after_request = nullptr);

// Why a worker ended, or began. For metrics: one call per event, from the thread whose request it was, never two at
// once for one worker.
enum class WorkerEvent : uint8_t {
  kStarted,
  kCrashed,   // a signal: SIGSEGV, SIGABRT, SIGSYS, ...
  kCpuLimit,  // SIGXCPU
  kTimedOut,  // killed by us after `timeout`
  kExited,    // ended by itself: out of memory, or its protocol was violated
};
std::string_view WorkerEventName(WorkerEvent event);  // "crashed", as a metric label

struct CodecPoolOptions {
  size_t workers = 2;
  std::string executable = "/proc/self/exe";
  std::chrono::milliseconds timeout{30'000};        // of one request, wall clock
  std::chrono::milliseconds queue_timeout{10'000};  // waiting for a free worker; then kUnavailable
  std::chrono::seconds cpu_limit{20};               // of one request
  uint64_t address_space = uint64_t{4} << 30;       // of a worker, bytes
  uint64_t keep_shared = 64 << 20;                  // shared memory a worker keeps between requests
  uint64_t frame_memory = 512 << 20;                // of frames at hand, decoded and encoded, in this process
  std::function<void(WorkerEvent)> on_event;
};

// Safe for concurrent use; at most `workers` requests run, the others wait in turn. Workers start with the first
// request that needs them. A worker that dies gives kInvalid ("the codec died of signal 11 ..."): the codestream is
// to blame. kLimit for time and memory, kUnavailable when no worker was free or could be started.
class CodecPool : public FrameCodec {
 public:
  explicit CodecPool(CodecPoolOptions options);
  // Waits for requests under way, then ends the workers.
  ~CodecPool() override;
  CodecPool(const CodecPool&) = delete;
  CodecPool& operator=(const CodecPool&) = delete;

  // In turn, as much of `frame_memory` as the frame takes twice; one that takes more than that, alone.
  Result<FrameTurn> BeginFrame(const FrameFormat& format) override;
  Result<Image> Decode(std::string_view transfer_syntax, Bytes frame, const FrameFormat& expected,
                       const DecodeOptions& options) override;
  Result<EncodedFrame> Encode(const Image& image, std::string_view transfer_syntax,
                              const EncodeOptions& options) override;
  Result<std::string> ConvertColours(Bytes rgb, Bytes profile, ColourSpace space) override;

 private:
  class Impl;
  const std::unique_ptr<Impl> impl_;
};

}  // namespace hilum::pixel
