#include "codecs/pixel/worker_process.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace hilum::pixel {
namespace {

constexpr uint64_t kPage = 4096;
// Of a new process until it is in its sandbox; no part of a request's own time.
constexpr std::chrono::milliseconds kStartTimeout{10'000};

uint64_t RoundUp(uint64_t value) {
  return (value + kPage - 1) / kPage * kPage;
}

}  // namespace

std::string_view WorkerEventName(WorkerEvent event) {
  switch (event) {
    case WorkerEvent::kStarted:
      return "started";
    case WorkerEvent::kCrashed:
      return "crashed";
    case WorkerEvent::kCpuLimit:
      return "cpu_limit";
    case WorkerEvent::kTimedOut:
      return "timed_out";
    case WorkerEvent::kExited:
      return "exited";
  }
  return "unknown";
}

Result<std::unique_ptr<WorkerProcess>> WorkerProcess::Start(const CodecPoolOptions& options) {
  std::unique_ptr<WorkerProcess> worker(new WorkerProcess(options));
  HILUM_RETURN_IF_ERROR(worker->Spawn());
  HILUM_RETURN_IF_ERROR(worker->SetUp());
  worker->Report(WorkerEvent::kStarted);
  return worker;
}

WorkerProcess::~WorkerProcess() {
  ReleaseMemory();
  if (socket_ >= 0) close(socket_);
  if (process_ > 0) {
    kill(process_, SIGKILL);
    while (waitpid(process_, nullptr, 0) < 0 && errno == EINTR) {
    }
  }
}

Status WorkerProcess::Spawn() {
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
    return ErrnoStatus("codec worker: socketpair", errno);
  socket_ = pair[0];
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, pair[1], kCodecWorkerDescriptor);
  // Signals that the server handles or blocks mean nothing here.
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  // Its own process group: Ctrl-C at a terminal is the server's to handle.
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  std::string program = options_.executable, flag = kCodecWorkerFlag;
  char* arguments[] = {program.data(), flag.data(), nullptr};
  char* environment[] = {nullptr};
  const int error = posix_spawn(&process_, program.c_str(), &actions, &attributes, arguments, environment);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  close(pair[1]);
  if (error == 0) return Status::Ok();
  process_ = -1;
  return Unavailable("codec worker: cannot start " + options_.executable + ": " + std::strerror(error));
}

Status WorkerProcess::SetUp() {
  Setup setup{.address_space = options_.address_space};
  const Status sent = SendMessage(&setup, sizeof(setup), -1);
  const Result<Reply> reply = sent.ok() ? Receive(kStartTimeout) : Result<Reply>(sent);
  return reply.ok() ? Status::Ok() : Unavailable("codec worker does not start: " + reply.status().message());
}

bool WorkerProcess::Alive() {
  if (process_ <= 0) return false;
  const pid_t ended = waitpid(process_, nullptr, WNOHANG);
  if (ended == 0) return true;
  process_ = -1;
  return false;
}

void WorkerProcess::StayOn(int processor) {
  if (processor == processor_ || processor >= CPU_SETSIZE) return;
  cpu_set_t set;
  CPU_ZERO(&set);
  if (processor != kAnywhere) {
    CPU_SET(processor, &set);
  } else if (sched_getaffinity(0, sizeof(set), &set) != 0) {
    return;
  }
  if (sched_setaffinity(process_, sizeof(set), &set) == 0) processor_ = processor;
}

Status WorkerProcess::Reserve(uint64_t input_bytes, uint64_t output_bytes) {
  input_bytes_ = input_bytes;
  output_offset_ = RoundUp(std::max<uint64_t>(input_bytes, 1));
  output_capacity_ = output_bytes;
  const uint64_t needed = output_offset_ + RoundUp(output_bytes);
  if (needed <= shared_bytes_) return Status::Ok();
  ReleaseMemory();
  memory_ = memfd_create("codec", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (memory_ < 0) return ErrnoStatus("codec worker: shared memory", errno);
  // Sealed: a worker that shrank it would end this process by SIGBUS.
  if (ftruncate(memory_, static_cast<off_t>(needed)) != 0 ||
      fcntl(memory_, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) {
    return ErrnoStatus("codec worker: shared memory of " + std::to_string(needed) + " bytes", errno);
  }
  void* memory = mmap(nullptr, needed, PROT_READ | PROT_WRITE, MAP_SHARED, memory_, 0);
  if (memory == MAP_FAILED) return ErrnoStatus("codec worker: map shared memory", errno);
  shared_ = static_cast<char*>(memory);
  shared_bytes_ = needed;
  return Status::Ok();
}

void WorkerProcess::Trim() {
  if (shared_bytes_ > options_.keep_shared) ReleaseMemory();
}

void WorkerProcess::ReleaseMemory() {
  if (shared_ != nullptr) munmap(shared_, shared_bytes_);
  if (memory_ >= 0) close(memory_);
  shared_ = nullptr;
  shared_bytes_ = 0;
  memory_ = -1;
}

Status WorkerProcess::SendMessage(const void* data, size_t size, int descriptor) {
  iovec piece{const_cast<void*>(data), size};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  if (descriptor >= 0) {
    message.msg_control = control;
    message.msg_controllen = sizeof(control);
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(header), &descriptor, sizeof(int));
  }
  ssize_t sent = -1;
  do {
    sent = sendmsg(socket_, &message, MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  return sent == static_cast<ssize_t>(size) ? Status::Ok() : Bury(/*timed_out=*/false);
}

Result<Reply> WorkerProcess::Receive(std::chrono::milliseconds timeout) {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  pollfd ready{.fd = socket_, .events = POLLIN, .revents = 0};
  int count = -1;
  while (count < 0) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    count = poll(&ready, 1, static_cast<int>(std::clamp<int64_t>(left.count() + 1, 0, INT32_MAX)));
    // The reply may still come: no later request must find it.
    if (count < 0 && errno != EINTR) return Bury(/*timed_out=*/false);
  }
  if (count == 0) return Bury(/*timed_out=*/true);
  Reply reply;
  const ssize_t got = recv(socket_, &reply, sizeof(reply), MSG_DONTWAIT);
  if (got != static_cast<ssize_t>(sizeof(reply)) || reply.magic != kReplyMagic || reply.number != requests_)
    return Bury(/*timed_out=*/false);
  if (reply.code == static_cast<uint8_t>(Code::kOk)) return reply;
  if (reply.code > static_cast<uint8_t>(Code::kInternal)) return Bury(/*timed_out=*/false);
  return Status(static_cast<Code>(reply.code),
                std::string(reply.message, strnlen(reply.message, sizeof(reply.message))));
}

Result<Reply> WorkerProcess::Call(Request request) {
  const bool release = shared_bytes_ > options_.keep_shared;
  request.magic = kRequestMagic;
  request.number = ++requests_;
  request.release = release;
  request.cpu_seconds = static_cast<uint64_t>(options_.cpu_limit.count());
  request.input_bytes = input_bytes_;
  request.output_offset = output_offset_;
  request.output_capacity = output_capacity_;
  request.shared_bytes = memory_ >= 0 ? shared_bytes_ : 0;
  HILUM_RETURN_IF_ERROR(SendMessage(&request, sizeof(request), memory_));
  if (memory_ >= 0) close(memory_);
  memory_ = -1;
  Result<Reply> reply = Receive(options_.timeout);
  if (!reply.ok()) {
    ReleaseMemory();  // the worker may have found no room for it
    return reply;
  }
  if (reply->output_bytes > output_capacity_ || !FromWire(reply->format)) return Bury(/*timed_out=*/false);
  return reply;
}

// Ends the process, finds out why it died and says so.
Status WorkerProcess::Bury(bool timed_out) {
  if (process_ <= 0) return Unavailable("codec worker: it is gone");
  if (timed_out) kill(process_, SIGKILL);
  // One that violated the protocol, or is about to die, gets a moment to do so.
  int state = 0;
  pid_t ended = 0;
  for (int i = 0; i < 50 && ended == 0; ++i) {
    ended = waitpid(process_, &state, WNOHANG);
    if (ended == 0) usleep(2000);
  }
  if (ended == 0) {
    kill(process_, SIGKILL);
    while (waitpid(process_, &state, 0) < 0 && errno == EINTR) {
    }
  }
  process_ = -1;
  if (timed_out) {
    Report(WorkerEvent::kTimedOut);
    return LimitExceeded("codec worker: no answer within the time limit");
  }
  if (ended > 0 && WIFSIGNALED(state)) {
    const int signal = WTERMSIG(state);
    if (signal == SIGXCPU) {
      Report(WorkerEvent::kCpuLimit);
      return LimitExceeded("codec worker: the frame needs more than " + std::to_string(options_.cpu_limit.count()) +
                           " s of CPU time");
    }
    Report(WorkerEvent::kCrashed);
    return Invalid("codec worker: the codec died of signal " + std::to_string(signal) + " on this frame");
  }
  Report(WorkerEvent::kExited);
  return Invalid("codec worker: the codec gave up on this frame");
}

void WorkerProcess::Report(WorkerEvent event) const {
  if (options_.on_event) options_.on_event(event);
}

}  // namespace hilum::pixel
