#include "server/http/connection.h"

#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <exception>
#include <typeinfo>

#include "server/http/compression.h"
#include "server/http/text.h"

namespace hilum::http {
namespace {

// How long a client that was sent away may go on sending, so that it finds time to read why (RFC 9112 9.6).
constexpr Micros kLingerTime = std::chrono::seconds(2);
// How long the rest of an unread body may take.
constexpr Micros kSkipTime = std::chrono::seconds(5);
// What one connection may do before the others have their turn.
constexpr int kRequestsPerTurn = 32;
constexpr uint64_t kFlushPerTurn = 8 * 1024 * 1024;
constexpr int kReceivesPerTurn = 16;
constexpr size_t kMaxRequestId = 64;

bool IsHarmlessId(std::string_view id) {
  return !id.empty() && id.size() <= kMaxRequestId && std::all_of(id.begin(), id.end(), [](char c) {
    return IsAlphanumeric(c) || c == '-' || c == '_' || c == '.';
  });
}

// Of a head that could not be read; empty when it has none, cut when that is long.
std::string_view PathOf(Bytes head) {
  constexpr size_t kLongestMethod = 32, kEnough = 256;
  const size_t blank = head.substr(0, kLongestMethod).find(' ');
  if (blank == Bytes::npos) return {};
  const Bytes target = head.substr(blank + 1, kEnough);
  return target.substr(0, target.find_first_of(" ?\r\n"));
}

// HOST:PORT that the client connected to.
std::string LocalAddress(int descriptor) {
  sockaddr_storage address{};
  socklen_t length = sizeof(address);
  char host[NI_MAXHOST] = "", port[NI_MAXSERV] = "";
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  if (getsockname(descriptor, generic, &length) != 0 ||
      getnameinfo(generic, length, host, sizeof(host), port, sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV) != 0)
    return "localhost";
  return (address.ss_family == AF_INET6 ? "[" + std::string(host) + "]:" : std::string(host) + ":") + port;
}

void ReplaceAlias(const std::vector<std::pair<std::string, std::string>>& aliases, std::string* path) {
  for (const auto& [alias, meant] : aliases) {
    if (!path->starts_with(alias) || (path->size() > alias.size() && (*path)[alias.size()] != '/')) continue;
    path->replace(0, alias.size(), meant);
    return;
  }
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

void Connection::Start(bool refused) {
  const Micros now = context_.clock.Monotonic();
  deadline_ = now + context_.options.idle_timeout;
  readable_ = true;
  if (refused && channel_.secure()) return Close(true);
  if (refused) {
    context_.metrics.overloaded.Add();
    Refuse(503, "too many connections, try again later");
  } else if (channel_.secure()) {
    state_ = State::kHandshaking;
    deadline_ = now + context_.options.header_timeout;
  }
  Advance();
}

void Connection::OnEvent() {
  Owner owner = owner_.load(std::memory_order_acquire);
  if (owner != Owner::kLoop) {
    // The client sends ahead or went away. Nobody would take the level-triggered event now: listen again when the
    // worker is done.
    if (owner == Owner::kWorker && owner_.compare_exchange_strong(owner, Owner::kWorkerDisarmed)) {
      return WaitFor(Interest::kNone);
    }
    if (owner != Owner::kLoop) return;
  }
  readable_ = true;
  Advance();
}

void Connection::OnWake() {
  if (owner_.load(std::memory_order_acquire) == Owner::kLoop) Advance();
}

void Connection::OnTick(Micros now) {
  if (owner_.load(std::memory_order_acquire) != Owner::kLoop) return;
  if (IdlesInVain()) return Close(false);
  if (state_ == State::kParked && output_.empty()) return Advance();
  if (now < deadline_) return;
  switch (state_) {
    case State::kReceiving:
      if (!head_started_) return Close(false);
      Refuse(408, "the request header did not arrive in time");
      return Advance();
    case State::kParked:
    case State::kFlushing:
      if (output_.sent() == sent_before_) {
        context_.metrics.aborted.Add();
        return Close(true);
      }
      sent_before_ = output_.sent();
      deadline_ = now + context_.options.write_timeout;
      return;
    case State::kHandshaking:
    case State::kSkipping:
    case State::kLingering:
      return Close(false);
    case State::kExchanging:
    case State::kClosed:
      return;
  }
}

void Connection::OnModeChange(Mode mode) {
  const bool owned = owner_.load(std::memory_order_acquire) == Owner::kLoop;
  if (mode == Mode::kStopping) {
    // A worker that waits for the client wakes up and finds it gone. Only the loop closes descriptors, so this one is
    // still ours.
    if (!owned) shutdown(channel_.descriptor(), SHUT_RDWR);
    if (owned) Close(true);
  } else if (owned && (state_ == State::kHandshaking || IdlesInVain())) {
    Close(false);
  } else if (owned && state_ == State::kParked) {
    Advance();
  }
}

void Connection::WaitFor(Interest interest) {
  if (interest == interest_) return;
  interest_ = interest;
  loop_.SetInterest(channel_.descriptor(), tag_, interest);
}

void Connection::Close(bool reset) {
  state_ = State::kClosed;
  reset_ = reset;
}

void Connection::Advance() {
  for (int requests = 0; requests < kRequestsPerTurn;) {
    bool go_on = false;
    switch (state_) {
      case State::kHandshaking:
        go_on = StepHandshake();
        break;
      case State::kReceiving:
        go_on = StepReceive();
        ++requests;
        break;
      case State::kParked:
        go_on = StepParked();
        break;
      case State::kFlushing:
        go_on = StepFlush();
        break;
      case State::kSkipping:
        go_on = StepSkip();
        break;
      case State::kLingering:
        go_on = StepLinger();
        break;
      case State::kExchanging:
      case State::kClosed:
        break;
    }
    if (!go_on) return;
  }
  if (state_ != State::kClosed) loop_.Wake(tag_);
}

bool Connection::StepHandshake() {
  switch (channel_.Handshake()) {
    case Io::kDone:
      state_ = State::kReceiving;
      deadline_ = context_.clock.Monotonic() + context_.options.idle_timeout;
      return true;
    case Io::kWantRead:
      WaitFor(Interest::kRead);
      return false;
    case Io::kWantWrite:
      WaitFor(Interest::kWrite);
      return false;
    case Io::kClosed:
      break;
  }
  // What failed may be the client's certificate: closing over a request that it sent already would reset the
  // connection, and take the alert that says so away from it.
  channel_.FinishSending();
  state_ = State::kLingering;
  after_flush_ = After::kLinger;
  deadline_ = context_.clock.Monotonic() + kLingerTime;
  return true;
}

// False when bytes are missing (or the client is gone): the connection then waits.
bool Connection::ReceiveHead(RequestHead* head, HeadParse* parse) {
  if (!input_.empty()) *parse = ParseHead(input_.bytes(), &searched_, context_.head_limits, head);
  while (input_.empty() || parse->outcome == HeadParse::Outcome::kNeedMore) {
    if (!input_.empty() && !head_started_) NextRequest(context_.clock.Monotonic());
    if (!readable_ && !channel_.HasDecrypted()) {
      WaitFor(Interest::kRead);
      return false;
    }
    const std::span<char> room = loop_.scratch();
    const IoResult got = channel_.Receive(room);
    if (got.state == Io::kClosed || (got.state == Io::kDone && got.bytes == 0)) {
      Close(false);
      return false;
    }
    // A short read emptied the socket; when more comes, or the end, the level-triggered event says so.
    if (got.bytes < room.size()) readable_ = false;
    if (got.state == Io::kWantWrite) {
      WaitFor(Interest::kWrite);
      return false;
    }
    if (got.state != Io::kDone) continue;
    const Bytes fresh(room.data(), got.bytes);
    if (!input_.empty()) {
      input_.Append(fresh);
      *parse = ParseHead(input_.bytes(), &searched_, context_.head_limits, head);
      continue;
    }
    *parse = ParseHead(fresh, &searched_, context_.head_limits, head);
    input_.Append(fresh.substr(parse->consumed));
    parse->consumed = 0;
    if (parse->outcome != HeadParse::Outcome::kNeedMore) break;
  }
  input_.Consume(parse->consumed);
  return true;
}

// Arms the timers for the request that follows.
void Connection::NextRequest(Micros now) {
  head_started_ = !input_.empty();
  deadline_ = now + (head_started_ ? context_.options.header_timeout : context_.options.idle_timeout);
}

bool Connection::IdlesInVain() const {
  return state_ == State::kReceiving && !head_started_ &&
         context_.mode.load(std::memory_order_relaxed) != Mode::kServing;
}

bool Connection::StepReceive() {
  if (IdlesInVain()) {
    Close(false);
    return false;
  }
  RequestHead head;
  HeadParse parse;
  if (!ReceiveHead(&head, &parse)) return false;
  searched_ = 0;
  head_started_ = true;
  if (parse.outcome == HeadParse::Outcome::kRefused) {
    Refuse(parse.status, parse.reason);
    return true;
  }
  return Begin(std::move(head));
}

void Connection::FillRequest(RequestHead* head) {
  Request& request = exchange_->request;
  request.method = std::move(head->method);
  request.target = std::move(head->target);
  const size_t question = request.target.find('?');
  request.path = request.target.substr(0, question);
  ReplaceAlias(context_.options.path_aliases, &request.path);
  if (question != std::string::npos) request.query = request.target.substr(question + 1);
  request.headers = std::move(head->headers);
  request.body = &exchange_->body;
  request.peer = peer_;
  request.secure = channel_.secure();
  if (request.secure) request.client_subject = channel_.ClientSubject();
  // HTTP/1.0 may leave it out; URLs in the answer are of where the client found us.
  if (!request.headers.First("Host")) request.headers.Set("Host", LocalAddress(channel_.descriptor()));
  ResolveClient(context_.proxies, &request);
  if (const std::string& url = context_.options.public_url; !url.empty()) request.base_url = url;
  const std::optional<std::string_view> id = request.headers.First("X-Request-Id");
  request.id = id && IsHarmlessId(*id) ? std::string(*id) : context_.NewRequestId();
  request.log = context_.log.WithRequest(request.id);
  exchange_->answer.SetKnownTags(request.headers.Joined("If-None-Match"));
  for (const std::string_view name : {"If-None-Match", "If-Match"}) {
    if (!request.headers.First(name)) continue;
    request.headers.Set(name, PlainEntityTags(request.headers.Joined(name)));
  }
}

// False when a worker took over: from then on nothing of this object may be touched here.
bool Connection::Begin(RequestHead head) {
  exchange_ = std::make_unique<Exchange>(*this, head);
  FillRequest(&head);
  Request& request = exchange_->request;
  Answer& answer = exchange_->answer;
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
  } else if (head.content_length.value_or(0) > route->max_body_bytes) {
    status = 413;
    reason = "the body is larger than accepted here";
  }
  if (status != 0) {
    SendFailure(status, reason, request.path);
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
  exchange_->answer.RunsOnWorker();
  state_ = State::kExchanging;
  // A worker that reads the body from the socket must not have the loop woken by each packet.
  if (awaits_socket || interest_ == Interest::kWrite) WaitFor(Interest::kNone);
  if (SubmitToWorker(awaits_socket ? context_.uploads : context_.pool, [this, &route] {
        RunHandler(route.handler, /*may_park=*/true);
        ReleaseToLoop();
      })) {
    return false;
  }
  context_.metrics.overloaded.Add();
  exchange_->answer.RunsOnLoop();
  exchange_->answer.CloseAfterwards();
  SendFailure(503, "too many requests wait, try again later", exchange_->request.path);
  Complete();
  return true;
}

// True when a worker took over: from then on nothing of this object may be touched here. `task` ends in ReleaseToLoop.
bool Connection::SubmitToWorker(WorkerPool& pool, std::function<void()> task) {
  // A request that followed a long body at once was read without listening: nobody is told of the next one either.
  owner_.store(interest_ == Interest::kRead ? Owner::kWorker : Owner::kWorkerDisarmed, std::memory_order_release);
  if (pool.TrySubmit(std::move(task))) return true;
  owner_.store(Owner::kLoop, std::memory_order_release);
  return false;
}

void Connection::SendFailure(int status, std::string_view reason, std::string_view path) {
  Headers headers;
  if (status == 503) headers.Add("Retry-After", "1");
  std::optional<ErrorBody> body;
  if (const ErrorWriter& write = context_.options.error_body) body = write(path, status, reason);
  // What fails here shows when the connection flushes.
  if (body) {
    headers.Add("Content-Type", std::move(body->content_type));
    exchange_->answer.Send(status, std::move(headers), body->text).IgnoreError();
  } else {
    SendError(exchange_->answer, status, reason, exchange_->request.id, std::move(headers)).IgnoreError();
  }
}

// Answers what never became a request, then ends the connection: what follows in the stream means nothing.
void Connection::Refuse(int status, std::string_view reason) {
  RequestHead head;
  head.keep_alive = false;
  exchange_ = std::make_unique<Exchange>(*this, head);
  exchange_->request.id = context_.NewRequestId();
  exchange_->request.log = context_.log.WithRequest(exchange_->request.id);
  exchange_->answer.RunsOnLoop();
  SendFailure(status, reason, PathOf(input_.bytes()));
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
    if (!exchange.answer.started()) SendFailure(500, "internal error", exchange.request.path);
  }
  if (!exchange.answer.started() && exchange.body.timed_out()) {
    exchange.answer.CloseAfterwards();
    SendFailure(408, "the request body did not arrive in time", exchange.request.path);
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

bool Connection::SendOutput() {
  const Io state = output_.Flush(channel_, kFlushPerTurn);
  if (state == Io::kClosed) {
    context_.metrics.aborted.Add();
    Close(true);
    return false;
  }
  if (!output_.empty()) {
    WaitFor(state == Io::kWantRead ? Interest::kRead : Interest::kWrite);
    return false;
  }
  return true;
}

bool Connection::StepFlush() {
  const bool flushed_at_once = output_.sent() == sent_before_;
  if (!SendOutput()) return false;
  // Time since the handler ended matters only when the client took long.
  const Micros now = flushed_at_once ? completed_ : context_.clock.Monotonic();
  if (after_flush_ == After::kNextRequest) {
    state_ = skip_left_ > 0 ? State::kSkipping : State::kReceiving;
    NextRequest(now);
    if (skip_left_ > 0) deadline_ = now + kSkipTime;
    return true;
  }
  channel_.FinishSending();
  // Closing over bytes that were not read would reset the connection and could take the answer away from the client.
  state_ = State::kLingering;
  deadline_ = now + kLingerTime;
  return true;
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
  const auto task = [this, why] {
    {
      const Resume resume = exchange_->parking.Take();
      RunHandler([&](Request& request, Responder& responder) { resume(request, responder, why); },
                 /*may_park=*/why != Resumed::kDraining);
    }
    ReleaseToLoop();
  };
  if (!SubmitToWorker(context_.pool, task)) state_ = State::kParked;
}

bool Connection::StepSkip() {
  for (int i = 0; i < kReceivesPerTurn && skip_left_ > 0; ++i) {
    const std::span<char> room = loop_.scratch();
    const IoResult got = channel_.Receive(room.first(std::min<uint64_t>(room.size(), skip_left_)));
    if (got.state == Io::kClosed || (got.state == Io::kDone && got.bytes == 0)) {
      Close(false);
      return false;
    }
    if (got.state != Io::kDone) break;
    skip_left_ -= got.bytes;
  }
  if (skip_left_ > 0) {
    WaitFor(Interest::kRead);
    return false;
  }
  state_ = State::kReceiving;
  NextRequest(context_.clock.Monotonic());
  return true;
}

bool Connection::StepLinger() {
  for (int i = 0; i < kReceivesPerTurn; ++i) {
    // Past TLS: what comes now is dropped whatever it says.
    const std::span<char> room = loop_.scratch();
    const ssize_t got = recv(channel_.descriptor(), room.data(), room.size(), 0);
    if (got > 0) {
      after_flush_ = After::kLinger;
      continue;
    }
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) break;
    Close(false);
    return false;
  }
  if (after_flush_ == After::kClose) {
    Close(false);
    return false;
  }
  WaitFor(Interest::kRead);
  return false;
}

}  // namespace hilum::http
