#include "base/json_text.h"

#include "base/utf8.h"

namespace hilum {
namespace {

constexpr bool IsAscii(char c) {
  return static_cast<unsigned char>(c) < 0x80;
}

constexpr bool IsPlain(char c) {
  return static_cast<signed char>(c) >= 0x20 && c != '"' && c != '\\';
}

// Length of what stays as it is at the front of `text`.
size_t RunLength(std::string_view text) {
  size_t end = 0;
  while (end < text.size()) {
    const size_t length = IsAscii(text[end]) ? IsPlain(text[end]) : Utf8SequenceLength(text.substr(end));
    if (length == 0) break;
    end += length;
  }
  return end;
}

// Appends what stands for a byte that does not stay as it is.
void AppendReplacement(char c, std::string* out) {
  constexpr char kDigits[] = "0123456789abcdef";
  if (!IsAscii(c)) {
    out->append(kReplacement);
  } else if (c == '\n') {
    out->append("\\n");
  } else if (c == '\r') {
    out->append("\\r");
  } else if (c == '\t') {
    out->append("\\t");
  } else if (c == '"' || c == '\\') {
    out->append(1, '\\').append(1, c);
  } else {
    out->append("\\u00").append(1, kDigits[c >> 4]).append(1, kDigits[c & 15]);
  }
}

}  // namespace

void AppendJsonString(std::string_view text, std::string* out) {
  out->push_back('"');
  // Nearly all text is plain; without an early end the compiler looks at many bytes at once.
  bool plain = true;
  for (const char c : text) plain &= IsPlain(c);
  if (plain) {
    out->append(text);
  } else {
    for (size_t run = RunLength(text); run < text.size(); run = RunLength(text)) {
      out->append(text, 0, run);
      AppendReplacement(text[run], out);
      text.remove_prefix(run + 1);
    }
    out->append(text);
  }
  out->push_back('"');
}

}  // namespace hilum
