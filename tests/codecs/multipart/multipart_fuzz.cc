// The first bytes choose the split sizes, the rest is the body: the verdict and the parts must not depend on the
// split.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "codecs/multipart/parser.h"

namespace {

using hilum::Bytes;
using hilum::multipart::Parser;

std::string Transcript(Bytes body, size_t step) {
  Parser parser("b", {.parts = 50, .headers = 4, .header_bytes = 200, .buffer_bytes = 512});
  std::string transcript;
  while (true) {
    const auto event = parser.Next();
    if (!event.ok()) return transcript + "!" + event.status().message();
    switch (*event) {
      case Parser::Event::kNeedInput: {
        const size_t bytes = std::min({step, parser.Space().size(), body.size()});
        if (parser.Space().empty()) std::abort();
        std::copy_n(body.data(), bytes, parser.Space().data());
        body.remove_prefix(bytes);
        parser.Filled(bytes);
        break;
      }
      case Parser::Event::kPartBegin:
        transcript += "<";
        for (const auto& [name, value] : parser.headers()) transcript += name + "=" + value + ";";
        transcript += ">";
        break;
      case Parser::Event::kPartData:
        transcript.append(parser.data());
        break;
      case Parser::Event::kPartEnd:
        transcript += "</>";
        break;
      case Parser::Event::kEnd:
        return transcript + ".";
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1) return 0;
  const Bytes body(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (Transcript(body, SIZE_MAX) != Transcript(body, 1 + data[0] % 64)) std::abort();
  return 0;
}
