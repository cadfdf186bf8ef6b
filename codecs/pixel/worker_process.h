// One worker as the pool sees it. Internal to codecs/pixel. Not thread-safe.
#pragma once

#include <sys/types.h>

#include <memory>

#include "codecs/pixel/worker.h"
#include "codecs/pixel/worker_protocol.h"

namespace hilum::pixel {

class WorkerProcess {
 public:
  // Spawned, in its sandbox and ready.
  static Result<std::unique_ptr<WorkerProcess>> Start(const CodecPoolOptions& options);
  ~WorkerProcess();
  WorkerProcess(const WorkerProcess&) = delete;
  WorkerProcess& operator=(const WorkerProcess&) = delete;

  // False once it has ended, for whatever reason.
  bool Alive();

  // Keeps the process on one processor; on any that this thread may use for kAnywhere. Where that is refused it stays
  // as it is: slower, no less right.
  static constexpr int kAnywhere = -1;
  void StayOn(int processor);
  int processor() const { return processor_; }

  // Memory for one request: input first, output at OutputOffset(). Kept from request to request while it is large
  // enough.
  Status Reserve(uint64_t input_bytes, uint64_t output_bytes);
  char* input() { return shared_; }
  const char* output() const { return shared_ + output_offset_; }

  // Sends the request (memory and limits are filled in here) and waits for the reply. An error of the codec is an error
  // of this call and the worker lives on; when the worker is at fault it is dead afterwards and the event is reported.
  Result<Reply> Call(Request request);

  // Gives back memory beyond what is kept between requests; input and output are gone then.
  void Trim();

 private:
  explicit WorkerProcess(const CodecPoolOptions& options) : options_(options) {}
  Status Spawn();
  Status SetUp();
  Status SendMessage(const void* message, size_t size, int descriptor);
  Result<Reply> Receive(std::chrono::milliseconds timeout);
  Status Bury(bool timed_out);
  void ReleaseMemory();
  void Report(WorkerEvent event) const;

  const CodecPoolOptions& options_;
  uint64_t requests_ = 0;
  pid_t process_ = -1;
  int socket_ = -1;
  int processor_ = kAnywhere;
  int memory_ = -1;  // descriptor, until the worker has it
  char* shared_ = nullptr;
  uint64_t shared_bytes_ = 0;
  uint64_t input_bytes_ = 0, output_offset_ = 0, output_capacity_ = 0;
};

}  // namespace hilum::pixel
