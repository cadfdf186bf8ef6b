// The request line and header fields (RFC 9112 2 to 6), strictly: whatever two readers could understand differently is
// refused. Pure, thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "server/http/http.h"

namespace hilum::http {

struct HeadLimits {
  size_t max_bytes = 32 * 1024;
  size_t max_fields = 128;
  size_t max_target = 16 * 1024;
};

struct RequestHead {
  std::string method;
  std::string target;  // origin-form or "*"
  Headers headers;
  bool http11 = true;
  bool keep_alive = true;  // what the client wants, by version and Connection
  bool chunked = false;
  bool expects_continue = false;
  std::optional<uint64_t> content_length;
};

struct HeadParse {
  enum class Outcome : uint8_t { kNeedMore, kComplete, kRefused };
  Outcome outcome = Outcome::kNeedMore;
  size_t consumed = 0;  // of the input, when complete
  int status = 0;       // when refused: answer with this and close, the rest of the stream is meaningless
  const char* reason = "";
};

// Reads a head from the front of `input`. `searched` (0 at first) is where the search for its end resumes when more
// bytes came.
HeadParse ParseHead(Bytes input, size_t* searched, const HeadLimits& limits, RequestHead* head);

}  // namespace hilum::http
