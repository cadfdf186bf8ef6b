#include "server/changes/follow.h"

#include <algorithm>
#include <memory>

#include "base/text.h"
#include "codecs/multipart/media_type.h"

namespace hilum::changes {
namespace {

using http::Resumed;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

// What one turn of a stream writes before others have theirs.
constexpr size_t kTurn = 64 * 1024;
// After which time a client that lost its stream comes again.
constexpr std::string_view kRetry = "retry: 2000\n";

struct Stream {
  storage::CommitSignal::Subscription subscription;
  ReadEvents read;
  milliseconds heartbeat;
  uint64_t seen = 0;
};

void AppendPlace(uint64_t id, std::string* out) {
  out->append("id: ").append(std::to_string(id)).append("\n\n");
}

// Writes what is new and parks. An error, or a client that is gone, leaves the answer unfinished.
Status Turn(const std::shared_ptr<Stream>& stream, http::Responder& responder, Resumed why, std::string events) {
  const size_t preface = events.size();
  HILUM_ASSIGN_OR_RETURN(const Progress progress, stream->read(stream->seen, kTurn, &events));
  stream->seen = progress.seen;
  if (why == Resumed::kTimeout && events.size() == preface) AppendPlace(stream->seen, &events);
  if (!responder.started()) {
    const http::Headers headers = {
        {"Content-Type", "text/event-stream"}, {"Cache-Control", "no-store"}, {"X-Accel-Buffering", "no"}};
    HILUM_RETURN_IF_ERROR(responder.Head(200, headers, std::nullopt));
  }
  HILUM_RETURN_IF_ERROR(responder.Write(events));
  if (why == Resumed::kDraining) return responder.Finish();
  // Its turn comes again as soon as the client took these.
  const milliseconds limit = progress.more ? milliseconds(0) : stream->heartbeat;
  responder.Park(limit, [stream, more = progress.more](http::Request& request, http::Responder& again, Resumed reason) {
    const bool own = more && reason == Resumed::kTimeout;
    const Status status = Turn(stream, again, own ? Resumed::kWoken : reason, "");
    if (!status.ok() && status.code() != Code::kCancelled)
      request.log.Error("a stream of changes broke off", {{"path", request.path}, {"reason", status.ToString()}});
  });
  return Status::Ok();
}

struct Wait {
  storage::CommitSignal::Subscription subscription;
  TryAnswer answer;
  steady_clock::time_point end;
};

void Try(const std::shared_ptr<Wait>& wait, http::Request& request, http::Responder& responder, Resumed why) {
  const auto left = std::chrono::ceil<milliseconds>(wait->end - steady_clock::now());
  const bool last = why == Resumed::kDraining || left <= milliseconds(0);
  if (wait->answer(request, responder, last) || last) return;
  responder.Park(
      left, [wait](http::Request& same, http::Responder& again, Resumed reason) { Try(wait, same, again, reason); });
}

}  // namespace

bool WantsEvents(const http::Request& request) {
  const auto accepted = multipart::ParseAccept(request.headers.Joined("Accept"));
  return std::any_of(accepted.begin(), accepted.end(), [](const multipart::AcceptEntry& entry) {
    return entry.q > 0 && entry.media_type.Essence() == "text/event-stream";
  });
}

Result<std::optional<uint64_t>> LastEventId(const http::Request& request) {
  const auto text = request.headers.First("Last-Event-ID");
  if (!text || text->empty()) return std::optional<uint64_t>();
  const std::optional<uint64_t> id = ParseDecimal(*text);
  if (!id) return Invalid("Last-Event-ID is none that this stream gave out: leave it out to begin anew");
  return id;
}

void AppendEvent(uint64_t id, std::string_view data, std::string* out) {
  out->append("id: ").append(std::to_string(id)).append("\ndata: ").append(data).append("\n\n");
}

Status StreamEvents(const http::Request& request, http::Responder& responder, storage::CommitSignal& signal,
                    uint64_t after, ReadEvents read, milliseconds heartbeat) {
  if (!responder.wants_body()) {
    HILUM_RETURN_IF_ERROR(responder.Head(200, {{"Content-Type", "text/event-stream"}}, std::nullopt));
    return responder.Finish();
  }
  const auto stream = std::make_shared<Stream>();
  stream->read = std::move(read);
  stream->heartbeat = heartbeat;
  stream->seen = after;
  // Listening begins before reading: nothing is committed in between unheard.
  stream->subscription = signal.Subscribe(responder.Waker());
  std::string preface(kRetry);
  AppendPlace(after, &preface);
  return Turn(stream, responder, Resumed::kWoken, std::move(preface));
}

void AnswerWithin(http::Request& request, http::Responder& responder, storage::CommitSignal& signal, milliseconds limit,
                  TryAnswer answer) {
  const auto wait = std::make_shared<Wait>();
  wait->answer = std::move(answer);
  wait->end = steady_clock::now() + limit;
  if (limit > milliseconds(0)) wait->subscription = signal.Subscribe(responder.Waker());
  Try(wait, request, responder, Resumed::kWoken);
}

}  // namespace hilum::changes
