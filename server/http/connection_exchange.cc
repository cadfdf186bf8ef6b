// The exchanges of a connection: from a head that is whole to the end of its answer, parked or not.
#include <exception>
#include <typeinfo>

#include "server/http/compression.h"
#include "server/http/connection.h"
#include "server/http/make_request.h"

namespace hilum::http {
namespace {

// Of a head that could not be read; empty when it has none, cut when that is long.
std::string_view PathOf(Bytes head) {
  constexpr size_t kLongestMethod = 32, kEnough = 256;
  const size_t blank = head.substr(0, kLongestMethod).find(' ');
  if (blank == Bytes::npos) return {};
  const Bytes target = head.substr(blank + 1, kEnough);
  return target.substr(0, target.find_first_of(" ?\r\n"));
}

}  // namespace

struct Connection::Exchange {
  Exchange(Connection& connection, const RequestHead& head)
      : body(connection.channel_, connection.input_, connection.output_, head),
        parking(connection.loop_, connection.tag_),
        answer(connection.context_, connection.channel_, connection.output_, request, body, parking, head),
        started(connection.context_.clock.Monotonic()) {}

  Request request;
  RequestBody body;
  Parking parking;
  Answer answer;
  const Micros started;
  Micros resume_at{0};  // while parked: at the latest
};

Connection::Connection(ServerContext& context, EventLoop& loop, uint64_t tag, int descriptor, std::string peer,
                       TlsSession tls)
    : context_(context),
      loop_(loop),
      tag_(tag),
      peer_(std::move(peer)),
      tls_contexts_(std::move(tls.contexts)),
      channel_(descriptor, std::move(tls.ssl), context.metrics.received_bytes, context.metrics.sent_bytes) {}

Connection::~Connection() = default;

// False when a worker took over: from then on nothing of this object may be touched here.
bool Connection::Begin(RequestHead head) {
  exchange_ = std::make_unique<Exchange>(*this, head);
  const std::optional<uint64_t> length = head.content_length;
  Request& request = exchange_->request;
  request = MakeRequest(std::move(head), channel_, peer_, context_);
  request.body = &exchange_->body;
  Answer& answer = exchange_->answer;
  answer.SetKnownTags(request.headers.Joined("If-None-Match"));
  for (const std::string_view name : {"If-None-Match", "If-Match"}) {
    if (!request.headers.First(name)) continue;
    request.headers.Set(name, PlainEntityTags(request.headers.Joined(name)));
  }
  answer.RunsOnLoop();

  if (context_.cors.IsPreflight(request.method, request.headers)) {
    answer.SetExtraLines(context_.cors.PreflightLines(request.headers));
    answer.Send(204, {}, {}).IgnoreError();  // what fails here shows when the connection flushes
    Complete();
    return true;
  }
  answer.SetExtraLines(context_.cors.AnswerLines(request.headers.First("Origin")));
  if (request.target == "*") {  // OPTIONS of the server as a whole (RFC 9110 9.3.7)
    answer.Send(204, {{"Allow", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"}}, {}).IgnoreError();  // as above
    Complete();
    return true;
  }
  const Route* route = context_.routes(request.method, request.path);
  int status = 0;
  const char* reason = "";
  if (route == nullptr) {
    status = 404;
    reason = "nothing is served at this path";
  } else if (length.value_or(0) > route->max_body_bytes) {
    status = 413;
    reason = "the body is larger than accepted here";
  }
  if (status != 0) {
    Fail(status, reason);
    Complete();
    return true;
  }
  return Dispatch(*route, exchange_->body.AwaitsSocket());
}

bool Connection::Dispatch(const Route& route, bool awaits_socket) {
  RequestBody::Options options;
  options.max_bytes = route.max_body_bytes;
  options.timeout = context_.options.body_timeout;
  options.bytes_per_second = context_.options.body_bytes_per_second;
  options.may_wait = !route.inline_handler;
  exchange_->body.Configure(options);
  if (route.inline_handler) {
    RunHandler(route.handler, /*may_park=*/false);
    return true;
  }
  WorkerPool& pool = awaits_socket ? context_.uploads : context_.pool;
  exchange_->answer.RunsOnWorker(pool);
  state_ = State::kExchanging;
  // A worker that reads the body from the socket must not have the loop woken by each packet.
  if (awaits_socket || interest_ == Interest::kWrite) WaitFor(Interest::kNone);
  const std::string& method = exchange_->request.method;
  // What changes something waits for its commit.
  const TaskKind kind = method == "GET" || method == "HEAD" ? TaskKind::kComputes : TaskKind::kWaits;
  if (SubmitToWorker(pool, kind, [this, &route] {
        RunHandler(route.handler, /*may_park=*/true);
        ReleaseToLoop();
      })) {
    return false;
  }
  context_.metrics.overloaded.Add();
  exchange_->answer.RunsOnLoop();
  exchange_->answer.CloseAfterwards();
  Fail(503, "too many requests wait, try again later");
  Complete();
  return true;
}

// True when a worker took over: from then on nothing of this object may be touched here. `task` ends in ReleaseToLoop.
bool Connection::SubmitToWorker(WorkerPool& pool, TaskKind kind, std::function<void()> task) {
  // A request that followed a long body at once was read without listening: nobody is told of the next one either.
  owner_.store(interest_ == Interest::kRead ? Owner::kWorker : Owner::kWorkerDisarmed, std::memory_order_release);
  if (pool.TrySubmit(std::move(task), kind)) return true;
  owner_.store(Owner::kLoop, std::memory_order_release);
  return false;
}

// The server's own answer to the request at hand.
void Connection::Fail(int status, std::string_view reason) {
  // What fails here shows when the connection flushes.
  exchange_->answer.Fail(status, reason, exchange_->request.path).IgnoreError();
}

// Answers what never became a request, then ends the connection: what follows in the stream means nothing.
void Connection::Refuse(int status, std::string_view reason) {
  RequestHead head;
  head.keep_alive = false;
  exchange_ = std::make_unique<Exchange>(*this, head);
  exchange_->request.peer = peer_;
  exchange_->request.id = context_.NewRequestId();
  exchange_->request.log = context_.log.WithRequest(exchange_->request.id);
  exchange_->answer.RunsOnLoop();
  // What fails here shows when the connection flushes.
  exchange_->answer.Fail(status, reason, PathOf(input_.bytes())).IgnoreError();
  Complete();
  if (state_ == State::kFlushing) after_flush_ = After::kLinger;
}

void Connection::RunHandler(const Handler& handler, bool may_park) {
  Exchange& exchange = *exchange_;
  try {
    handler(exchange.request, exchange.answer);
  } catch (const std::exception& error) {
    exchange.request.log.Error("handler threw", {{"type", typeid(error).name()}});
    // A half-sent answer is aborted below.
    if (!exchange.answer.started()) Fail(500, "internal error");
  }
  if (!exchange.answer.started() && exchange.body.timed_out()) {
    exchange.answer.CloseAfterwards();
    Fail(408, "the request body did not arrive in time");
  }
  if (!may_park || !exchange.parking.parked() || exchange.answer.finished()) return Complete();
  const Micros now = context_.clock.Monotonic();
  state_ = State::kParked;
  exchange.resume_at = now + exchange.parking.limit();
  sent_before_ = output_.sent();
  deadline_ = now + context_.options.write_timeout;
}

// The exchange is over: decides what becomes of the connection. Runs on the owner's thread.
void Connection::Complete() {
  Exchange& exchange = *exchange_;
  const Micros now = completed_ = context_.clock.Monotonic();
  const double seconds = static_cast<double>((now - exchange.started).count()) * 1e-6;
  if (exchange.answer.started()) context_.metrics.CountAnswer(exchange.answer.status(), seconds);
  if (context_.log.enabled(LogLevel::kDebug)) LogExchange(seconds);

  if (!exchange.answer.finished()) {
    context_.metrics.aborted.Add();
    Close(true);
  } else {
    exchange.body.DropBuffered();
    const std::optional<uint64_t> skippable = exchange.body.Skippable();
    state_ = State::kFlushing;
    after_flush_ = !skippable ? After::kLinger : exchange.answer.close() ? After::kClose : After::kNextRequest;
    if (exchange.answer.close() && !exchange.body.complete()) after_flush_ = After::kLinger;
    skip_left_ = skippable.value_or(0);
    sent_before_ = output_.sent();
    flushed_ = exchange.answer.on_loop() ? Io::kDone : Io::kWantWrite;
    deadline_ = now + context_.options.write_timeout;
    if (output_.empty() && after_flush_ == After::kNextRequest && skip_left_ == 0) {
      state_ = State::kReceiving;
      NextRequest(now);
    }
  }
  exchange_.reset();
}

void Connection::LogExchange(double seconds) const {
  const Request& request = exchange_->request;
  request.log.Debug("request", {{"method", request.method},
                                {"status", exchange_->answer.status()},
                                {"seconds", seconds},
                                {"peer", request.peer},
                                {"finished", exchange_->answer.finished()}});
}

// The last thing a worker does with a connection. From the store on the loop may destroy it.
void Connection::ReleaseToLoop() {
  EventLoop& loop = loop_;
  const uint64_t tag = tag_;
  const bool idle = state_ == State::kReceiving && input_.empty() && !channel_.HasDecrypted() &&
                    context_.mode.load(std::memory_order_relaxed) == Mode::kServing;
  Owner expected = Owner::kWorker;
  // Idle and still armed: the socket's next event finds it.
  if (idle && owner_.compare_exchange_strong(expected, Owner::kLoop, std::memory_order_acq_rel)) return;
  owner_.store(Owner::kLoop, std::memory_order_release);
  loop.Wake(tag);
}

// Sends what the handler wrote; then waits for a reason to go on.
bool Connection::StepParked() {
  if (!SendOutput()) return false;
  if (!HearParked()) {
    const Micros waited = context_.clock.Monotonic() - exchange_->started;
    const Answer& answer = exchange_->answer;
    if (answer.started()) context_.metrics.CountAnswer(answer.status(), static_cast<double>(waited.count()) * 1e-6);
    Close(false);
  } else if (context_.mode.load(std::memory_order_relaxed) != Mode::kServing) {
    GoOn(Resumed::kDraining);
  } else if (exchange_->parking.woken()) {
    GoOn(Resumed::kWoken);
  } else if (context_.clock.Monotonic() >= exchange_->resume_at) {
    GoOn(Resumed::kTimeout);
  }
  return false;
}

// Listens whether the client still is there; keeps what it sends ahead. False when it is gone.
bool Connection::HearParked() {
  while (readable_ || channel_.HasDecrypted()) {
    if (input_.bytes().size() >= context_.options.max_header_bytes) {
      WaitFor(Interest::kNone);  // the next write shows whether it is there
      return true;
    }
    const std::span<char> room = loop_.scratch();
    const IoResult got = channel_.Receive(room);
    if (got.state == Io::kClosed || (got.state == Io::kDone && got.bytes == 0)) return false;
    if (got.bytes < room.size()) readable_ = false;
    if (got.state != Io::kDone) break;
    input_.Append(Bytes(room.data(), got.bytes));
  }
  WaitFor(Interest::kRead);
  return true;
}

// Hands a parked exchange to a worker. When none is to be had, the next tick tries again.
void Connection::GoOn(Resumed why) {
  // Many that are woken at once must leave room for requests.
  if (context_.pool.queued() > context_.options.worker_queue / 2) return;
  state_ = State::kExchanging;
  exchange_->answer.RunsOnWorker(context_.pool);
  const auto task = [this, why] {
    {
      const Resume resume = exchange_->parking.Take();
      RunHandler([&](Request& request, Responder& responder) { resume(request, responder, why); },
                 /*may_park=*/why != Resumed::kDraining);
    }
    ReleaseToLoop();
  };
  if (!SubmitToWorker(context_.pool, TaskKind::kWaits, task)) state_ = State::kParked;
}

}  // namespace hilum::http
