#include "server/http/answer.h"

#include <array>
#include <charconv>

#include "server/http/answer_head.h"
#include "server/http/compression.h"
#include "server/http/entity_tag.h"

namespace hilum::http {
namespace {

// Bodies up to this size are copied behind the header, so that one call sends both.
constexpr size_t kCopied = 16 * 1024;
constexpr size_t kUsualHead = 512;
// While no other request waits for a worker, one that finished stays with its client as long as that reads on without
// such a pause. Disk reads of large answers then happen here and not on the event loop.
constexpr std::chrono::milliseconds kPatience{10};

}  // namespace

Answer::Answer(ServerContext& context, Channel& channel, OutputQueue& output, const Request& request, RequestBody& body,
               Parking& parking, const RequestHead& head)
    : context_(context),
      channel_(channel),
      output_(output),
      request_(request),
      body_(body),
      parking_(parking),
      http11_(head.http11),
      head_only_(head.method == "HEAD"),
      close_(!head.keep_alive) {}

Status Answer::Gone() {
  broken_ = true;
  return Cancelled("send answer: the client went away");
}

Status Answer::Head(int status, const Headers& headers, std::optional<uint64_t> length) {
  if (started()) return Internal("send answer: Head was called twice");
  if (status < 200 || status > 599) return Internal("send answer: " + std::to_string(status) + " is no final status");
  status_ = status;
  body_.AnswerBegins();
  if (context_.mode.load(std::memory_order_relaxed) != Mode::kServing) close_ = true;

  AnswerFraming framing;
  framing.http11 = http11_;
  // The length of a 304 would be that of the 200 it stands for, which a handler seldom has at hand.
  const bool states_length = length && status != 204 && (status != 304 || *length > 0);
  if (states_length) {
    framing.body = AnswerFraming::Body::kLength;
    framing.length = left_ = *length;
    sized_ = true;
  } else if (!length && (CanHaveBody() || head_only_)) {
    framing.body = http11_ ? AnswerFraming::Body::kChunked : AnswerFraming::Body::kUntilClose;
    chunked_ = http11_;
    if (!http11_) close_ = true;
  }
  framing.close = close_;
  output_.Render([&](std::string* text) {
    if (text->empty()) text->reserve(kUsualHead);
    AppendAnswerHead(status, headers, framing, request_.id, context_.clock.Now(), extra_lines_, text);
  });
  // A stream may take its time for the first bytes; its client is told at once that it begins.
  return sized_ ? Status::Ok() : Flush();
}

Status Answer::Account(uint64_t bytes) {
  if (!started() || finished_) return Internal("send answer: Write before Head or after Finish");
  if (broken_) return Gone();
  if (!sized_) return Status::Ok();
  if (bytes > left_) {
    broken_ = true;
    return Internal("send answer: the body is longer than the length given to Head");
  }
  left_ -= bytes;
  return Status::Ok();
}

void Answer::AppendChunkSize(uint64_t bytes) {
  std::array<char, 18> text;
  char* end = std::to_chars(text.data(), text.data() + 16, bytes, 16).ptr;
  *end++ = '\r';
  *end++ = '\n';
  output_.Append(Bytes(text.data(), static_cast<size_t>(end - text.data())));
}

Status Answer::Write(Bytes bytes) {
  HILUM_RETURN_IF_ERROR(Account(CanHaveBody() ? bytes.size() : 0));
  if (bytes.empty() || !CanHaveBody()) return Status::Ok();
  if (chunked_) AppendChunkSize(bytes.size());
  if (bytes.size() > kCopied) {
    HILUM_RETURN_IF_ERROR(Pump(bytes));
    if (chunked_) output_.Append("\r\n");
    return Status::Ok();
  }
  output_.Append(bytes);
  if (chunked_) output_.Append("\r\n");
  // Small writes of a body with a known end are sent together.
  return sized_ && output_.memory() < kCopied ? Status::Ok() : Flush();
}

Status Answer::WriteOwned(std::string bytes) {
  if (bytes.size() <= kCopied || !CanHaveBody()) return Write(bytes);
  HILUM_RETURN_IF_ERROR(Account(bytes.size()));
  if (chunked_) AppendChunkSize(bytes.size());
  output_.AppendOwned(std::move(bytes));
  if (chunked_) output_.Append("\r\n");
  return sized_ && left_ > 0 && left_ <= kCopied ? Status::Ok() : Flush();
}

Status Answer::WriteFile(FileRange range) {
  HILUM_RETURN_IF_ERROR(Account(CanHaveBody() ? range.length : 0));
  if (range.length == 0 || !CanHaveBody()) return Status::Ok();
  if (chunked_) AppendChunkSize(range.length);
  output_.Append(std::move(range));
  if (chunked_) output_.Append("\r\n");
  return Flush();
}

Status Answer::Flush() {
  return Pump({});
}

// Sends what waits and `body`; copies the rest of it once that fits below the limit, and waits before.
Status Answer::Pump(Bytes body) {
  if (broken_) return Gone();
  if (on_loop()) {
    output_.Append(body);
    return Status::Ok();
  }
  for (;;) {
    const Io state = output_.SendThrough(channel_, &body);
    if (state == Io::kDone) return Status::Ok();
    if (state == Io::kClosed) return Gone();
    const bool counts = Counts(body);
    // A copy costs more than to wait for a client that reads on.
    if (counts && pool_->queued() == 0 && channel_.Wait(state, kPatience)) continue;
    if (counts || output_.memory() + body.size() <= context_.options.write_buffer_bytes) {
      output_.Append(body);
      return Status::Ok();
    }
    const WorkerPool::Absence absence(*pool_);
    if (!channel_.Wait(state, context_.options.write_timeout)) return Gone();
  }
}

Status Answer::Finish() {
  HILUM_RETURN_IF_ERROR(Account(0));
  if (CanHaveBody() && sized_ && left_ > 0) {
    broken_ = true;
    return Internal("send answer: the body is shorter than the length given to Head");
  }
  if (CanHaveBody() && chunked_) output_.Append("0\r\n\r\n");
  HILUM_RETURN_IF_ERROR(Flush());
  finished_ = true;
  output_.CountIn(std::move(share_));
  while (!on_loop() && !output_.empty() && pool_->queued() == 0 && channel_.Wait(Io::kWantWrite, kPatience)) {
    if (output_.Flush(channel_) == Io::kClosed) return Gone();
  }
  return Status::Ok();
}

Status Answer::CompressBody(Headers* headers, Bytes* body, std::string* storage) const {
  if (body->size() < context_.options.compress_min_bytes || headers->First("Content-Encoding") ||
      headers->First("Content-Range") || !IsCompressibleType(headers->First("Content-Type").value_or(""))) {
    return Status::Ok();
  }
  headers->Add("Vary", "Accept-Encoding");
  const Coding coding = ChooseCoding(request_.headers.Joined("Accept-Encoding"));
  if (coding == Coding::kIdentity) return Status::Ok();
  HILUM_ASSIGN_OR_RETURN(*storage, Compress(coding, *body));
  *body = *storage;
  headers->Set("Content-Encoding", std::string(CodingName(coding)));
  if (const auto tag = headers->First("ETag")) headers->Set("ETag", CodedEntityTag(*tag, coding));
  return Status::Ok();
}

// What a 200 would say of its coding (RFC 9110 15.4.5): a client that holds the coded form is told that form's tag.
void Answer::DescribeKnownForm(Headers* headers) const {
  const std::string tag(headers->First("ETag").value_or(""));
  if (tag.empty()) return;
  for (const Coding coding : {Coding::kGzip, Coding::kZstd}) {
    const std::string coded = CodedEntityTag(tag, coding);
    // "*" names no form.
    if (known_tags_ != "*" && AnyTag(known_tags_, [&](std::string_view known) { return EqualWeakly(known, coded); }))
      headers->Set("ETag", coded);
  }
  if (headers->Joined("Vary").find("Accept-Encoding") == std::string::npos) headers->Add("Vary", "Accept-Encoding");
}

Status Answer::Send(int status, Headers headers, Bytes body) {
  // The handler says all it has to say; what it did not read so far stays unread.
  if (!body_.Skippable()) close_ = true;
  std::string storage;
  if (status == 304) DescribeKnownForm(&headers);
  if (status != 206) HILUM_RETURN_IF_ERROR(CompressBody(&headers, &body, &storage));
  if (!FindRoom(body.size())) {
    return Fail(503, "answers on their way to other clients take all the memory there is for them; try again later",
                request_.path);
  }
  HILUM_RETURN_IF_ERROR(Head(status, headers, body.size()));
  HILUM_RETURN_IF_ERROR(Write(body));
  return Finish();
}

// For a body that may have to wait for its client.
bool Answer::FindRoom(uint64_t bytes) {
  if (bytes <= context_.options.write_buffer_bytes || head_only_ || share_ || on_loop()) return true;
  share_ = std::make_unique<MemoryAllowance::Share>(&context_.unsent);
  if (share_->GrowTo(bytes, context_.options.unsent_timeout)) return true;
  share_.reset();
  return false;
}

Status Answer::Fail(int status, std::string_view reason, std::string_view path) {
  Headers headers;
  if (status == 503) headers.Add("Retry-After", "1");
  std::optional<ErrorBody> body;
  if (const ErrorWriter& write = context_.options.error_body) body = write(request_.method, path, status, reason);
  if (!body) return SendError(*this, status, reason, request_.id, std::move(headers));
  headers.Add("Content-Type", std::move(body->content_type));
  return Send(status, std::move(headers), body->text);
}

Status SendError(Responder& responder, int status, std::string_view reason, std::string_view request_id,
                 Headers headers) {
  headers.Set("Content-Type", "application/json");
  std::string body = "{\"error\":\"";
  body.append(reason).append("\",\"request\":\"").append(request_id).append("\"}\n");
  return responder.Send(status, std::move(headers), body);
}

}  // namespace hilum::http
