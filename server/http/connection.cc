// The event loop's side of a connection: what comes in up to a head, and what goes out.
#include "server/http/connection.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

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

}  // namespace

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
  if (flushed_ != Io::kClosed) flushed_ = Io::kDone;
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

// False when there is no worker: sending is the loop's to do then.
bool Connection::FlushOnWorker() {
  if (interest_ == Interest::kWrite) WaitFor(Interest::kNone);
  return SubmitToWorker(context_.pool, TaskKind::kComputes, [this] {
    flushed_ = output_.Flush(channel_, kFlushPerTurn);
    ReleaseToLoop();
  });
}

bool Connection::StepFlush() {
  if (output_.has_files()) {
    if (flushed_ == Io::kWantRead || flushed_ == Io::kWantWrite) {
      WaitFor(flushed_ == Io::kWantRead ? Interest::kRead : Interest::kWrite);
      return false;
    }
    if (flushed_ == Io::kDone && FlushOnWorker()) return false;
  }
  const bool sent_nothing_since = output_.sent() == sent_before_;
  if (!SendOutput()) return false;
  // Time since the handler ended matters only when the client took long.
  const Micros now = sent_nothing_since ? completed_ : context_.clock.Monotonic();
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
