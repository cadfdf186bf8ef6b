// How clients follow a log that grows: by a stream of Server-Sent Events (HTML Living Standard 9.2), or by an answer
// that waits until there is something to tell. Either waits without a worker (http::Responder::Park), and holds no more
// than one turn's worth of bytes for a client that reads slowly. When the server drains, streams and waiting end.
//
// Thread-safe functions. The signal outlives the server.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "server/http/http.h"
#include "storage/log/commit_signal.h"

namespace hilum::changes {

// Whether Accept asks for text/event-stream.
bool WantsEvents(const http::Request& request);
// The place that Last-Event-ID names: everything up to it was received. nullopt without the header, kInvalid when it is
// no id of ours.
Result<std::optional<uint64_t>> LastEventId(const http::Request& request);

// One event. REQUIRES: `data` is one line.
void AppendEvent(uint64_t id, std::string_view data, std::string* out);

struct Progress {
  uint64_t seen = 0;  // everything up to here is told, or does not concern the client
  bool more = false;  // there is more to read already
};
// Appends what is behind `after` as events, and stops when it has more than `budget` bytes.
using ReadEvents = std::function<Result<Progress>(uint64_t after, size_t budget, std::string* events)>;

inline constexpr std::chrono::milliseconds kHeartbeat{15'000};

// Streams events from `after` on, until the client leaves or the server ends. An event of an id alone tells at the
// begin, and then every `heartbeat`, where the client stands. An error is returned only when nothing was sent yet; a
// later one breaks the stream off, and the client that comes again meets it at once.
Status StreamEvents(const http::Request& request, http::Responder& responder, storage::CommitSignal& signal,
                    uint64_t after, ReadEvents read, std::chrono::milliseconds heartbeat = kHeartbeat);

// Answers, or says false when there is nothing to tell; `last`: then it must answer all the same.
using TryAnswer = std::function<bool(http::Request&, http::Responder&, bool last)>;
// Tries at once, and then after every commit, for at most `limit` (0: does not wait).
void AnswerWithin(http::Request& request, http::Responder& responder, storage::CommitSignal& signal,
                  std::chrono::milliseconds limit, TryAnswer answer);

}  // namespace hilum::changes
