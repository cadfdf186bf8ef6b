#include "server/dicomweb/error_comment.h"

#include <algorithm>

#include "base/utf8.h"

namespace hilum::dicomweb {
namespace {

constexpr size_t kMaxPieces = 8;
constexpr std::string_view kGoesOn = " ...";

// Each character of the text, as bytes of UTF-8.
std::vector<std::string_view> CharactersOf(std::string_view text) {
  std::vector<std::string_view> characters;
  while (!text.empty()) {
    const size_t length = Utf8SequenceLength(text);
    const auto lead = static_cast<unsigned char>(text[0]);
    const bool fits = length > 0 && lead >= 0x20 && lead != 0x7F && lead != '\\';
    characters.push_back(fits ? text.substr(0, length) : "?");
    text.remove_prefix(std::max<size_t>(length, 1));
  }
  return characters;
}

}  // namespace

std::vector<std::string> ErrorComments(std::string_view sentence) {
  const std::vector<std::string_view> characters = CharactersOf(sentence);
  std::vector<std::string> pieces;
  size_t begin = 0;
  do {
    const size_t left = characters.size() - begin;
    const bool last = left <= kErrorCommentCharacters;
    size_t end = begin + (last ? left : kErrorCommentCharacters - kGoesOn.size());
    if (!last) {
      size_t blank = end;
      while (blank > begin && characters[blank] != " ") --blank;
      if (blank > begin) end = blank;
    }
    std::string& piece = pieces.emplace_back();
    for (size_t i = begin; i < end; ++i) piece.append(characters[i]);
    if (!last) piece.append(kGoesOn);
    begin = end;
    if (!last && characters[begin] == " ") ++begin;
  } while (begin < characters.size() && pieces.size() < kMaxPieces);
  return pieces;
}

}  // namespace hilum::dicomweb
