// Content coding of whole answers (RFC 9110 8.4 and 12.5.3). Pure, thread-safe.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "server/http/http.h"

namespace hilum::http {

enum class Coding : uint8_t { kIdentity, kGzip, kZstd };

// What the client likes best among those we have; zstd before gzip when it likes both the same. `have_zstd` is false
// where a gzip form was made before.
Coding ChooseCoding(std::string_view accept_encoding, bool have_zstd = true);

// Whether a body of that type is text that shrinks.
bool IsCompressibleType(std::string_view content_type);

// How hard to try: usual answers are small; documents of many megabytes have somebody waiting. As gzip they take two
// threads.
enum class Effort : uint8_t { kUsual, kLow };

// kInternal when the library fails (out of memory).
Result<std::string> Compress(Coding coding, Bytes body, Effort effort = Effort::kUsual);
// Calls `take` with what Compress packed, piece by piece; its first error is returned. kInternal when `packed` is not
// of `size` bytes; what was taken before is then worthless.
Status DecompressZstd(Bytes packed, uint64_t size, const std::function<Status(Bytes)>& take);

// "gzip" or "zstd".
std::string_view CodingName(Coding coding);

// A strong entity tag of the identity form becomes one of the coded form: "abc" -> "abc-gzip". Weak ones stay.
std::string CodedEntityTag(std::string_view tag, Coding coding);
// Takes those suffixes out of the tags a client sends back, so that handlers compare with the identity form.
std::string PlainEntityTags(std::string_view tags);

}  // namespace hilum::http
