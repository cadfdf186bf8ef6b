#include "codecs/dicom/named_text.h"

#include <unicode/ucnv.h>

#include <algorithm>
#include <array>
#include <memory>

#include "base/text.h"

namespace hilum::dicom {
namespace {

constexpr size_t kLongestName = 40;
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

struct Close {
  void operator()(UConverter* converter) const { ucnv_close(converter); }
};
using Converter = std::unique_ptr<UConverter, Close>;

// Null for what ICU has no table for. It would look for a file of another name.
Converter Open(const std::string& name) {
  const bool is_name = !name.empty() && name.size() <= kLongestName && std::ranges::all_of(name, [](char c) {
    return IsAlphanumeric(c) || c == '-' || c == '_' || c == ':' || c == '.' || c == '+';
  });
  UErrorCode error = U_ZERO_ERROR;
  if (!is_name || ucnv_countAliases(name.c_str(), &error) == 0 || U_FAILURE(error)) return nullptr;
  Converter converter(ucnv_open(name.c_str(), &error));
  // Text that is not what it is called is no text: it is not guessed at.
  ucnv_setToUCallBack(converter.get(), UCNV_TO_U_CALLBACK_STOP, nullptr, nullptr, nullptr, &error);
  ucnv_setFromUCallBack(converter.get(), UCNV_FROM_U_CALLBACK_STOP, nullptr, nullptr, nullptr, &error);
  return U_SUCCESS(error) ? std::move(converter) : nullptr;
}

}  // namespace

Result<std::string> ReadNamedText(std::string_view charset, Bytes text, uint64_t max_bytes) {
  const Converter from = Open(std::string(charset)), utf8 = Open("UTF-8");
  if (!from || !utf8)
    return Invalid("the character set " + std::string(charset.substr(0, kLongestName)) + " is not known");
  std::string out;
  std::array<char, 4096> piece;
  std::array<UChar, 1024> pivot;
  UChar *pivot_source = pivot.data(), *pivot_target = pivot.data();
  const char* source = text.data();
  UErrorCode error = U_BUFFER_OVERFLOW_ERROR;
  for (bool first = true; error == U_BUFFER_OVERFLOW_ERROR; first = false) {
    error = U_ZERO_ERROR;
    char* target = piece.data();
    ucnv_convertEx(utf8.get(), from.get(), &target, piece.data() + piece.size(), &source, text.data() + text.size(),
                   pivot.data(), &pivot_source, &pivot_target, pivot.data() + pivot.size(), /*reset=*/first,
                   /*flush=*/true, &error);
    out.append(piece.data(), target);
    if (out.size() > max_bytes) return LimitExceeded("the text is longer than it may be");
  }
  if (U_FAILURE(error)) return Invalid("the bytes are no text in " + std::string(charset.substr(0, kLongestName)));
  if (out.starts_with(kByteOrderMark)) out.erase(0, kByteOrderMark.size());
  return out;
}

}  // namespace hilum::dicom
