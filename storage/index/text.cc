#include "storage/index/text.h"

#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>

#include <algorithm>

#include "base/text.h"

namespace hilum::storage {
namespace {

bool IsAscii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

// ICU's own data cannot fail to load short of a broken installation; then text is left as it is.
icu::UnicodeString Normalized(const icu::Normalizer2* (*form)(UErrorCode&), const icu::UnicodeString& text) {
  UErrorCode error = U_ZERO_ERROR;
  const icu::Normalizer2* normalizer = form(error);
  if (U_FAILURE(error)) return text;
  icu::UnicodeString out = normalizer->normalize(text, error);
  return U_FAILURE(error) ? text : out;
}

icu::UnicodeString WithoutMarks(const icu::UnicodeString& text) {
  icu::UnicodeString out;
  for (int32_t i = 0; i < text.length();) {
    const UChar32 c = text.char32At(i);
    if (u_charType(c) != U_NON_SPACING_MARK) out.append(c);
    i += U16_LENGTH(c);
  }
  return out;
}

bool Continues(char byte) {
  return (static_cast<unsigned char>(byte) & 0xC0) == 0x80;
}

// Past one character from `at`; `at` is inside the text.
size_t AfterCharacter(std::string_view text, size_t at) {
  for (++at; at < text.size() && Continues(text[at]); ++at) {
  }
  return at;
}

constexpr size_t kLongestJoined = 128, kShortestPart = 2;

void AddParts(std::string_view word, std::vector<std::string_view>* parts) {
  if (word.size() > kLongestJoined) return;
  for (size_t begin = 0; begin < word.size();) {
    size_t end = word.size(), after = end;
    for (const std::string_view joint : kJoints) {
      const size_t found = word.find(joint, begin);
      if (found >= end) continue;
      end = found;
      after = found + joint.size();
    }
    const size_t length = end - begin;
    if (length >= kShortestPart && length < word.size()) parts->push_back(word.substr(begin, length));
    begin = after;
  }
}

}  // namespace

std::string Fold(std::string_view text) {
  if (IsAscii(text)) return Lower(text);
  auto unicode = icu::UnicodeString::fromUTF8(icu::StringPiece(text.data(), static_cast<int32_t>(text.size())));
  unicode = WithoutMarks(Normalized(icu::Normalizer2::getNFKDInstance, unicode));
  unicode.foldCase();
  // Folding case may give characters that decompose again.
  unicode = WithoutMarks(Normalized(icu::Normalizer2::getNFKDInstance, unicode));
  std::string folded;
  Normalized(icu::Normalizer2::getNFCInstance, unicode).toUTF8String(folded);
  return folded;
}

std::string FoldForIndex(std::string_view text) {
  // Real text does not shrink to a quarter; the limit bounds the work on what is not.
  std::string folded = Fold(text.substr(0, 4 * kMaxFoldedBytes));
  if (folded.size() > kMaxFoldedBytes) folded.resize(kMaxFoldedBytes);
  return folded;
}

std::vector<std::string_view> Words(std::string_view folded) {
  constexpr std::string_view kSeparators = " ^=,\t\r\n";
  std::vector<std::string_view> words;
  size_t at = folded.find_first_not_of(kSeparators);
  while (at != std::string_view::npos) {
    const size_t end = std::min(folded.find_first_of(kSeparators, at), folded.size());
    words.push_back(folded.substr(at, end - at));
    at = folded.find_first_not_of(kSeparators, end);
  }
  return words;
}

std::vector<std::string_view> WordsAndParts(std::string_view folded) {
  std::vector<std::string_view> all = Words(folded);
  for (size_t i = 0, words = all.size(); i < words; ++i) AddParts(all[i], &all);
  return all;
}

std::vector<std::string_view> Trigrams(std::string_view folded) {
  std::vector<std::string_view> trigrams;
  if (folded.size() >= 3) trigrams.reserve(folded.size() - 2);
  for (size_t i = 0; i + 3 <= folded.size(); ++i) trigrams.push_back(folded.substr(i, 3));
  const auto number = [](std::string_view trigram) {
    const auto byte = [&](size_t i) { return static_cast<uint32_t>(static_cast<unsigned char>(trigram[i])); };
    return byte(0) << 16 | byte(1) << 8 | byte(2);
  };
  std::ranges::sort(trigrams, {}, number);
  trigrams.erase(std::unique(trigrams.begin(), trigrams.end()), trigrams.end());
  return trigrams;
}

Pattern::Pattern(std::string_view pattern, bool fold) {
  while (!pattern.empty()) {
    const size_t literal = std::min(pattern.find_first_of("*?"), pattern.size());
    if (literal > 0) {
      const std::string_view part = pattern.substr(0, literal);
      literals_.push_back(fold ? Fold(part) : std::string(part));
      pieces_.push_back({literals_.back()});
      pattern.remove_prefix(literal);
      continue;
    }
    Piece wild;
    for (; !pattern.empty() && (pattern[0] == '*' || pattern[0] == '?'); pattern.remove_prefix(1)) {
      if (pattern[0] == '*') wild.any_run = true;
      if (pattern[0] == '?') ++wild.any;
    }
    pieces_.push_back(std::move(wild));
  }
}

std::string_view Pattern::literal_prefix() const {
  return pieces_.empty() ? std::string_view() : std::string_view(pieces_.front().literal);
}

// On a mismatch only the last run is tried one character longer: an earlier one need not grow.
bool Pattern::Matches(std::string_view text) const {
  size_t at = 0, piece = 0;
  size_t run_piece = SIZE_MAX, run_at = 0;  // the piece after the last run, and where it was tried
  while (true) {
    bool matched = true;
    if (piece == pieces_.size()) {
      if (at == text.size()) return true;
      matched = false;
    } else if (const Piece& p = pieces_[piece]; !p.literal.empty()) {
      matched = text.substr(at).starts_with(p.literal);
      if (matched) {
        at += p.literal.size();
        ++piece;
      }
    } else {
      for (size_t i = 0; i < p.any && matched; ++i) {
        matched = at < text.size();
        if (matched) at = AfterCharacter(text, at);
      }
      if (matched) {
        ++piece;
        if (p.any_run) {
          run_piece = piece;
          run_at = at;
        }
      }
    }
    if (matched) continue;
    if (run_piece == SIZE_MAX || run_at >= text.size()) return false;
    run_at = AfterCharacter(text, run_at);
    at = run_at;
    piece = run_piece;
  }
}

}  // namespace hilum::storage
