#include "codecs/multipart/parser.h"

#include <algorithm>
#include <cassert>
#include <cstring>

#include "base/text.h"
#include "codecs/multipart/find.h"

namespace hilum::multipart {

namespace {

constexpr size_t kMaxPadding = 256;  // blanks between a boundary and its line end (RFC 2046 transport-padding)

// Bytes at the end of `text` that may be the beginning of `needle`. REQUIRES: `needle` is not in `text`.
size_t PossibleBeginning(Bytes text, Bytes needle) {
  for (size_t from = text.size() - std::min(text.size(), needle.size() - 1); from < text.size(); ++from) {
    if (needle.starts_with(text.substr(from))) return text.size() - from;
  }
  return 0;
}

// The line at the front of `text` without its line end; false when it does not end.
bool TakeLine(Bytes* text, Bytes* line) {
  const size_t end = text->find('\n');
  if (end == Bytes::npos) return false;
  *line = text->substr(0, end);
  if (line->ends_with('\r')) line->remove_suffix(1);
  text->remove_prefix(end + 1);
  return true;
}

}  // namespace

std::optional<std::string_view> FindHeader(const PartHeaders& headers, std::string_view name) {
  for (const auto& [key, value] : headers) {
    if (EqualsIgnoringCase(key, name)) return value;
  }
  return std::nullopt;
}

Result<std::string> BoundaryOf(const MediaType& content_type) {
  std::string boundary(content_type.Parameter("boundary").value_or(""));
  while (boundary.ends_with(' ')) boundary.pop_back();  // RFC 2046: never part of a boundary
  if (boundary.empty()) return Invalid("content type: the boundary parameter is missing");
  if (boundary.size() > kMaxBoundaryLength) return Invalid("content type: the boundary has more than 200 characters");
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; };
  if (std::any_of(boundary.begin(), boundary.end(), is_control)) {
    return Invalid("content type: the boundary holds a control character");
  }
  return boundary;
}

Parser::Parser(std::string_view boundary, ParserLimits limits)
    : limits_(limits),
      delimiter_("\n--" + std::string(boundary)),
      capacity_(std::max({limits.buffer_bytes, 2 * limits.header_bytes, 4 * (kMaxBoundaryLength + kMaxPadding)})),
      buffer_(new char[capacity_]) {
  assert(!boundary.empty() && boundary.size() <= kMaxBoundaryLength);
}

std::span<char> Parser::Space() {
  return {buffer_.get() + end_, capacity_ - end_};
}

void Parser::Filled(size_t bytes) {
  assert(bytes <= capacity_ - end_);
  end_ += bytes;
  body_ended_ = body_ended_ || bytes == 0;
}

Result<Parser::Event> Parser::Next() {
  switch (state_) {
    case State::kPreamble:
      return ReadPreamble();
    case State::kHeaders:
      return ReadHeaders();
    case State::kDataStart:
      return ReadDataStart();
    case State::kData:
      return ReadData();
    case State::kAfterPart:
      return GoOn(after_part_);
    case State::kDone:
      return Event::kEnd;
    case State::kFailed:
      return failure_;
  }
  return Internal("multipart: unknown parser state");
}

Result<Parser::Event> Parser::Fail(Status status) {
  state_ = State::kFailed;
  failure_ = std::move(status);
  return failure_;
}

Result<Parser::Event> Parser::NeedInput() {
  if (body_ended_) {
    if (state_ == State::kPreamble)
      return Fail(Invalid("multipart body: the boundary of the content type never comes"));
    return Fail(
        Invalid("multipart body: it breaks off in part " + std::to_string(parts_) + ", before the last boundary"));
  }
  std::memmove(buffer_.get(), buffer_.get() + begin_, end_ - begin_);
  end_ -= begin_;
  begin_ = 0;
  return Event::kNeedInput;
}

Parser::Match Parser::MatchLineRest(Bytes rest, size_t* length) {
  if (rest.starts_with("--")) {
    *length = 2;
    return Match::kClose;
  }
  if (rest == "-") return Match::kUnknown;
  size_t i = 0;
  while (i < rest.size() && i <= kMaxPadding && IsBlank(rest[i])) ++i;
  if (i > kMaxPadding) return Match::kNone;
  if (i < rest.size() && rest[i] == '\r') ++i;
  if (i == rest.size()) return Match::kUnknown;
  *length = i + 1;
  return rest[i] == '\n' ? Match::kPart : Match::kNone;
}

Result<Parser::Event> Parser::ReadPreamble() {
  size_t length = 0;
  if (at_start_) {  // the first delimiter needs no line end in front of it
    const Bytes dash = dash_boundary();
    if (pending().size() < dash.size() && dash.starts_with(pending())) return NeedInput();
    if (pending().starts_with(dash)) {
      const Match match = MatchLineRest(pending().substr(dash.size()), &length);
      if (match == Match::kUnknown) return NeedInput();
      if (match != Match::kNone) return BeginBody(dash.size() + length, match);
    }
    at_start_ = false;
  }
  while (true) {
    const size_t at = Find(pending(), delimiter_);
    if (at == Bytes::npos) {
      begin_ = end_ - PossibleBeginning(pending(), delimiter_);
      return NeedInput();
    }
    begin_ += at;
    const Match match = MatchLineRest(pending().substr(delimiter_.size()), &length);
    if (match == Match::kUnknown) return NeedInput();
    if (match != Match::kNone) return BeginBody(delimiter_.size() + length, match);
    ++begin_;
  }
}

Result<Parser::Event> Parser::BeginBody(size_t delimiter_end, Match match) {
  if (pending().substr(0, delimiter_end).ends_with("\r\n")) delimiter_.insert(0, 1, '\r');
  begin_ += delimiter_end;
  return GoOn(match);
}

Result<Parser::Event> Parser::GoOn(Match match) {
  state_ = match == Match::kClose ? State::kDone : State::kHeaders;
  return Next();
}

Result<Parser::Event> Parser::ReadHeaders() {
  if (parts_ >= limits_.parts) {
    return Fail(LimitExceeded("multipart body: more than " + std::to_string(limits_.parts) + " parts"));
  }
  Bytes rest = pending();
  Bytes line;
  while (TakeLine(&rest, &line)) {
    const size_t length = pending().size() - rest.size();
    if (length > limits_.header_bytes) break;
    if (!line.empty()) continue;
    ++parts_;
    Status status = ParseHeaders(pending().substr(0, length));
    if (!status.ok()) return Fail(std::move(status));
    begin_ += length;
    state_ = State::kDataStart;
    return Event::kPartBegin;
  }
  if (pending().size() <= limits_.header_bytes) return NeedInput();
  return Fail(LimitExceeded("multipart body: the header of part " + std::to_string(parts_ + 1) + " has more than " +
                            std::to_string(limits_.header_bytes) + " bytes"));
}

Status Parser::ParseHeaders(Bytes block) {
  headers_.clear();
  for (Bytes line; TakeLine(&block, &line) && !line.empty();) {
    Status status = ParseHeaderLine(line);
    if (!status.ok()) return status.WithContext("multipart body: header of part " + std::to_string(parts_));
  }
  return Status::Ok();
}

Status Parser::ParseHeaderLine(Bytes line) {
  if (line.find('\0') != Bytes::npos) return Invalid("NUL in a field");
  if (IsBlank(line.front()) && !headers_.empty()) {  // RFC 5322 2.2.3: a folded value goes on
    headers_.back().second.append(" ").append(Trimmed(line));
    return Status::Ok();
  }
  const size_t colon = line.find(':');
  const Bytes name = Trimmed(line.substr(0, colon));
  if (colon == Bytes::npos || name.empty()) return Invalid("a line is no `name: value`");
  if (headers_.size() >= limits_.headers) {
    return LimitExceeded("more than " + std::to_string(limits_.headers) + " fields");
  }
  headers_.emplace_back(name, Trimmed(line.substr(colon + 1)));
  return Status::Ok();
}

// The line end of the header's empty line may be the one of a delimiter: a part without a body (RFC 2046 5.1.1).
Result<Parser::Event> Parser::ReadDataStart() {
  const Bytes dash = dash_boundary();
  if (pending().size() < dash.size() && dash.starts_with(pending())) return NeedInput();
  if (pending().starts_with(dash)) {
    size_t length = 0;
    const Match match = MatchLineRest(pending().substr(dash.size()), &length);
    if (match == Match::kUnknown) return NeedInput();
    if (match != Match::kNone) return EndPart(dash.size() + length, match);
  }
  state_ = State::kData;
  return ReadData();
}

Result<Parser::Event> Parser::ReadData() {
  const Bytes bytes = pending();
  size_t data_end = 0;
  Match match = Match::kNone;
  size_t length = 0;
  for (size_t from = 0; match == Match::kNone; from = data_end + 1) {
    const size_t found = Find(bytes.substr(from), delimiter_);
    if (found == Bytes::npos) {
      data_end = bytes.size() - PossibleBeginning(bytes, delimiter_);
      match = Match::kUnknown;
    } else {
      data_end = from + found;
      match = MatchLineRest(bytes.substr(data_end + delimiter_.size()), &length);
    }
  }
  if (data_end > 0) {  // the delimiter is looked at again once the data is taken
    data_ = bytes.substr(0, data_end);
    begin_ += data_end;
    return Event::kPartData;
  }
  if (match == Match::kUnknown) return NeedInput();
  return EndPart(delimiter_.size() + length, match);
}

Result<Parser::Event> Parser::EndPart(size_t delimiter_end, Match match) {
  begin_ += delimiter_end;
  state_ = State::kAfterPart;
  after_part_ = match;
  return Event::kPartEnd;
}

}  // namespace hilum::multipart
