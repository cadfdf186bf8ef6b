// The status line and header fields of an answer as bytes. Pure, thread-safe.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "server/http/http.h"

namespace hilum::http {

std::string_view ReasonPhrase(int status);

// Appends an IMF-fixdate (RFC 9110 5.6.7), e.g. "Sun, 06 Nov 1994 08:49:37 GMT".
void AppendDate(Micros now, std::string* out);

struct AnswerFraming {
  enum class Body : uint8_t { kNone, kLength, kChunked, kUntilClose };
  Body body = Body::kNone;
  uint64_t length = 0;
  bool close = false;
  bool http11 = true;  // of the request; an HTTP/1.0 client is told when the connection stays
};

// Fields the server owns (Content-Length, Transfer-Encoding, Connection, Date, X-Request-Id) are left out of `fields`;
// bytes that could end a field early become blanks. `extra` is appended as it is: whole lines.
void AppendAnswerHead(int status, const Headers& fields, const AnswerFraming& framing, std::string_view request_id,
                      Micros now, std::string_view extra, std::string* out);

}  // namespace hilum::http
