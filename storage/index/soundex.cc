#include "storage/index/soundex.h"

#include <utility>

#include "storage/index/text.h"

namespace hilum::storage {
namespace {

// Letters that folding leaves as they are, because their strokes and ligatures are no marks.
constexpr std::pair<std::string_view, char> kLetters[] = {
    {"æ", 'a'}, {"ø", 'o'}, {"œ", 'o'}, {"ł", 'l'}, {"đ", 'd'}, {"ð", 'd'}, {"þ", 't'}, {"ı", 'i'},
};

// Takes one letter off the front: a to z, '-' for what is passed over, 0 for anything else.
char TakeLetter(std::string_view* rest) {
  const char c = rest->front();
  if (c >= 'a' && c <= 'z') {
    rest->remove_prefix(1);
    return c;
  }
  for (const std::string_view passed : kJoints) {
    if (!rest->starts_with(passed)) continue;
    rest->remove_prefix(passed.size());
    return '-';
  }
  for (const auto& [letter, base] : kLetters) {
    if (!rest->starts_with(letter)) continue;
    rest->remove_prefix(letter.size());
    return base;
  }
  return 0;
}

// '0' for vowels, which part equal digits; '-' for h and w, which do not.
char DigitOf(char letter) {
  //                                 abcdefghijklmnopqrstuvwxyz
  constexpr std::string_view kDigits("0123012-02245501262301-202");
  return letter == '-' ? '-' : kDigits[static_cast<size_t>(letter - 'a')];
}

}  // namespace

std::string Soundex(std::string_view folded) {
  constexpr size_t kLength = 4;
  if (folded.size() > kLongestSound) return "";
  std::string code;
  char last = 0;
  while (!folded.empty()) {
    const char letter = TakeLetter(&folded);
    if (letter == 0) return "";
    const char digit = DigitOf(letter);
    if (code.empty()) {
      if (letter == '-') return "";
      code.push_back(letter);
    } else if (digit != '-' && digit != '0' && digit != last && code.size() < kLength) {
      code.push_back(digit);
    }
    if (digit != '-') last = digit;
  }
  if (!code.empty()) code.resize(kLength, '0');
  return code;
}

std::vector<std::string> SoundexBeginnings(std::string_view code) {
  std::vector<std::string> beginnings;
  if (code.empty()) return beginnings;
  beginnings.emplace_back(1, code.front());
  for (const auto& [letter, base] : kLetters)
    if (base == code.front()) beginnings.emplace_back(letter);
  return beginnings;
}

}  // namespace hilum::storage
