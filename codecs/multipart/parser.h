// A streaming parser of multipart bodies (RFC 2046 5.1), such as STOW-RS requests. The caller reads from the network
// straight into the parser's buffer and gets the parts back as views of it:
//
//   multipart::Parser parser(boundary);
//   while (true) {
//     HILUM_ASSIGN_OR_RETURN(const auto event, parser.Next());
//     switch (event) {
//       case Parser::Event::kNeedInput: {
//         HILUM_ASSIGN_OR_RETURN(const size_t bytes, body.Read(parser.Space()));
//         parser.Filled(bytes);  // 0: the body has ended
//         break;
//       }
//       case Parser::Event::kPartBegin: ... parser.headers() ...
//       case Parser::Event::kPartData:  ... parser.data() ...
//       case Parser::Event::kPartEnd:   ...
//       case Parser::Event::kEnd:       return ...
//     }
//   }
//
// Not thread-safe. Memory is one buffer, whatever the body holds. A part is complete only once kPartEnd came: kPartData
// of a body that breaks off has been handed out by then.
//
// A delimiter is the line end, "--" and the boundary, followed by "--" or by blanks and a line end; anything else that
// merely begins so is data. The first delimiter line tells which line end: a body whose first one ends in a bare LF has
// LF delimiters throughout, all others CRLF, so no byte of a part is ever taken for a line end.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "codecs/multipart/media_type.h"

namespace hilum::multipart {

// Header fields of a part in the order they came; names as written, values trimmed and unfolded.
using PartHeaders = std::vector<std::pair<std::string, std::string>>;

// The first field of that name, which compares without case.
std::optional<std::string_view> FindHeader(const PartHeaders& headers, std::string_view name);

inline constexpr size_t kMaxBoundaryLength = 200;  // RFC 2046 allows 70, clients exceed it

// The boundary parameter of a multipart content type; kInvalid when it is missing or unusable.
Result<std::string> BoundaryOf(const MediaType& content_type);

struct ParserLimits {
  uint64_t parts = 100'000;          // kLimit beyond
  size_t headers = 64;               // fields of one part; kLimit beyond
  size_t header_bytes = 16 * 1024;   // of one part's header; kLimit beyond
  size_t buffer_bytes = 256 * 1024;  // more lets kPartData views grow; at least twice header_bytes is used
};

class Parser {
 public:
  enum class Event { kNeedInput, kPartBegin, kPartData, kPartEnd, kEnd };

  // REQUIRES: `boundary` has 1 to kMaxBoundaryLength bytes, none of them a line end.
  explicit Parser(std::string_view boundary, ParserLimits limits = {});

  // Where the next bytes of the body go; never empty after kNeedInput.
  std::span<char> Space();
  // `bytes` of Space() were filled. 0 says that the body has ended.
  void Filled(size_t bytes);

  // The next event. kInvalid when the body is no multipart body or breaks off before the last boundary, kLimit past a
  // limit; then for ever. After kEnd it stays kEnd: bytes after the last boundary need not be read.
  Result<Event> Next();

  // Of the part begun last; valid until the next kPartBegin.
  const PartHeaders& headers() const { return headers_; }
  // Of the last kPartData, never empty; valid until the next call of Next.
  Bytes data() const { return data_; }
  // Parts begun so far.
  uint64_t parts() const { return parts_; }

 private:
  enum class State { kPreamble, kHeaders, kDataStart, kData, kAfterPart, kDone, kFailed };
  // What follows a line end, "--" and the boundary: kUnknown needs more input to tell.
  enum class Match { kNone, kPart, kClose, kUnknown };

  Bytes pending() const { return Bytes(buffer_.get() + begin_, end_ - begin_); }
  Bytes dash_boundary() const { return Bytes(delimiter_).substr(delimiter_.find('-')); }
  // Looks at what follows a boundary; `length` becomes the bytes up to the end of the delimiter line.
  static Match MatchLineRest(Bytes rest, size_t* length);

  Result<Event> Fail(Status status);
  Result<Event> NeedInput();
  Result<Event> ReadPreamble();
  Result<Event> BeginBody(size_t delimiter_end, Match match);
  Result<Event> ReadHeaders();
  Result<Event> ReadDataStart();
  Result<Event> ReadData();
  Result<Event> EndPart(size_t delimiter_end, Match match);
  Result<Event> GoOn(Match match);
  Status ParseHeaders(Bytes block);
  Status ParseHeaderLine(Bytes line);

  const ParserLimits limits_;
  std::string delimiter_;  // line end, "--", boundary; a bare LF as long as the line end is unknown
  const size_t capacity_;
  const std::unique_ptr<char[]> buffer_;
  size_t begin_ = 0;  // bytes [begin_, end_) of the buffer are filled but not yet handed out
  size_t end_ = 0;
  bool body_ended_ = false;
  bool at_start_ = true;  // nothing of the preamble is consumed
  State state_ = State::kPreamble;
  Match after_part_ = Match::kNone;
  Status failure_;
  PartHeaders headers_;
  Bytes data_;
  uint64_t parts_ = 0;
};

}  // namespace hilum::multipart
