// One client connection: from accept over any number of exchanges to close.
//
// Exactly one thread owns a connection at any time, and only the owner touches it. The event loop owns it while it is
// idle, receives a header, flushes what a handler left behind, is parked, or says goodbye; a worker owns it while a
// handler runs, and while bytes of files are sent: those may have to come from the disk.
// OnEvent, OnWake, OnTick and OnModeChange are called by the event loop at any time and do nothing harmful while a
// worker is the owner.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "server/http/answer.h"
#include "server/http/channel.h"
#include "server/http/event_loop.h"
#include "server/http/input_buffer.h"
#include "server/http/output_queue.h"
#include "server/http/request_body.h"
#include "server/http/request_head.h"
#include "server/http/server_context.h"

namespace hilum::http {

class Connection {
 public:
  // `tag` names the connection to the loop and is never reused for another one. The descriptor stays the loop's to
  // close and is watched for reading when the connection begins.
  Connection(ServerContext& context, EventLoop& loop, uint64_t tag, int descriptor, std::string peer, TlsSession tls);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // First call. `refused`: the client is told 503 and sent away.
  void Start(bool refused);
  void OnEvent();
  void OnWake();
  void OnTick(Micros now);
  void OnModeChange(Mode mode);

  // No more to be done: the loop drops the connection, with a reset instead of an orderly end when `reset()` says so.
  bool closed() const { return owner_.load(std::memory_order_acquire) == Owner::kLoop && state_ == State::kClosed; }
  bool reset() const { return reset_; }

 private:
  enum class Owner : uint8_t { kLoop, kWorker, kWorkerDisarmed /* the loop no longer listens to the socket */ };
  enum class State : uint8_t {
    kHandshaking,
    kReceiving,
    kExchanging,
    kParked,
    kFlushing,
    kSkipping,
    kLingering,
    kClosed
  };
  enum class After : uint8_t { kNextRequest, kClose, kLinger };
  struct Exchange;

  // Steps of the event loop: true when the state changed and the next step may go on at once.
  void Advance();
  bool StepHandshake();
  bool StepReceive();
  // Sends what is to be sent. False when it waits for the client, or closed the connection.
  bool SendOutput();
  bool StepFlush();
  bool FlushOnWorker();
  bool StepSkip();
  bool StepLinger();

  bool ReceiveHead(RequestHead* head, HeadParse* parse);
  void WaitFor(Interest interest);
  void Close(bool reset);
  void NextRequest(Micros now);
  // Idle while the server no longer takes requests.
  bool IdlesInVain() const;

  // connection_exchange.cc
  bool Begin(RequestHead head);
  bool Dispatch(const Route& route, bool awaits_socket);
  void Refuse(int status, std::string_view reason);
  void Fail(int status, std::string_view reason);
  void RunHandler(const Handler& handler, bool may_park);
  bool SubmitToWorker(WorkerPool& pool, TaskKind kind, std::function<void()> task);
  bool StepParked();
  void GoOn(Resumed why);
  bool HearParked();
  void Complete();
  void ReleaseToLoop();
  void LogExchange(double seconds) const;

  ServerContext& context_;
  EventLoop& loop_;
  const uint64_t tag_;
  const std::string peer_;
  const std::shared_ptr<const TlsContexts> tls_contexts_;
  Channel channel_;
  InputBuffer input_;
  OutputQueue output_;
  std::unique_ptr<Exchange> exchange_;
  std::atomic<Owner> owner_{Owner::kLoop};
  State state_ = State::kReceiving;
  After after_flush_ = After::kNextRequest;
  bool reset_ = false;
  uint64_t skip_left_ = 0;     // body bytes of the last request that are dropped when they come
  size_t searched_ = 0;        // of input_, for the end of a header
  bool head_started_ = false;  // bytes of a request have come
  Micros deadline_{0};
  uint64_t sent_before_ = 0;  // progress mark of the flush
  Io flushed_ = Io::kDone;    // how sending on a worker ended; kDone: it may go on
  Micros completed_{0};       // when the last exchange did
  // Of the event loop alone, also while a worker is the owner.
  bool readable_ = false;
  Interest interest_ = Interest::kRead;
};

}  // namespace hilum::http
