// Feeds a request stream to the header parser and the chunk decoder, whole and in two parts: both must agree and stay
// in bounds.
#include <cstdint>
#include <string>

#include "server/http/chunk_decoder.h"
#include "server/http/range.h"
#include "server/http/request_head.h"
#include "tests/fuzz/require.h"

namespace {

using hilum::Bytes;
using hilum::fuzz::Require;
using namespace hilum::http;  // NOLINT: the module under test

struct Decoded {
  bool ok = true;
  bool done = false;
  std::string body;
  bool operator==(const Decoded&) const = default;
};

void Decode(Bytes input, ChunkDecoder* decoder, Decoded* decoded) {
  while (decoded->ok && !input.empty() && !decoder->done()) {
    decoded->ok = decoder->Advance(&input).ok();
    const size_t data = std::min<uint64_t>(decoder->data_left(), input.size());
    if (!decoded->ok || data == 0) continue;
    decoded->body += input.substr(0, data);
    input.remove_prefix(data);
    decoder->Took(data);
  }
  decoded->done = decoder->done();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const size_t split = std::min<size_t>(data[0], size - 1);
  const Bytes input(reinterpret_cast<const char*>(data) + 1, size - 1);
  const HeadLimits limits{4096, 16, 1024};

  RequestHead whole, parts;
  size_t searched = 0;
  const HeadParse once = ParseHead(input, &searched, limits, &whole);
  searched = 0;
  HeadParse twice = ParseHead(input.substr(0, split), &searched, limits, &parts);
  if (twice.outcome == HeadParse::Outcome::kNeedMore) twice = ParseHead(input, &searched, limits, &parts);
  if (twice.outcome != HeadParse::Outcome::kRefused) Require(once.outcome == twice.outcome);
  if (once.outcome == HeadParse::Outcome::kComplete) {
    Require(once.consumed <= input.size() && once.consumed == twice.consumed);
    Require(!whole.chunked || !whole.content_length);
    Require(whole.method == parts.method && whole.target == parts.target);
    Require(whole.headers.fields() == parts.headers.fields());
    ParseQuery(whole.target).IgnoreError();
    if (const auto range = whole.headers.First("Range")) ParseRange(*range, 1000).IgnoreError();
  }

  const Bytes body = input.substr(once.outcome == HeadParse::Outcome::kComplete ? once.consumed : 0);
  ChunkDecoder first, second;
  Decoded at_once, in_two;
  Decode(body, &first, &at_once);
  Decode(body.substr(0, std::min(split, body.size())), &second, &in_two);
  Decode(body.substr(std::min(split, body.size())), &second, &in_two);
  Require(at_once == in_two);
  return 0;
}
