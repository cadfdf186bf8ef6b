// Text as people search it: without case, accents and width. Pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace hilum::storage {

// Longer folded texts are cut: what is behind is not searched.
inline constexpr size_t kMaxFoldedBytes = 32 * 1024;

// Unicode compatibility decomposition, without nonspacing marks, full case folding, composed again. Malformed UTF-8
// becomes U+FFFD. Never cut.
std::string Fold(std::string_view text);

// Fold, cut to kMaxFoldedBytes: what the index keeps of a string.
std::string FoldForIndex(std::string_view text);

// Parts between blanks, '^', '=' and ',' (DICOM person names, PS3.5 6.2.1), views into `folded`.
std::vector<std::string_view> Words(std::string_view folded);

// What the parts of a word are joined by.
inline constexpr std::string_view kJoints[] = {"-", "‐", "'", "’", "."};

// The words, and the parts of joined ones ("o'brien", "meyer-mueller"): those of two bytes or more, of words that are
// no longer than names are.
std::vector<std::string_view> WordsAndParts(std::string_view folded);

// Each run of three bytes once, ascending; views into `folded`.
std::vector<std::string_view> Trigrams(std::string_view folded);

// A DICOM wildcard pattern (PS3.4 C.2.2.2.4): '*' any run, '?' any one character of UTF-8.
class Pattern {
 public:
  // `fold` folds the literal parts, for matching folded texts.
  Pattern(std::string_view pattern, bool fold);

  bool Matches(std::string_view text) const;
  // What every match starts with.
  std::string_view literal_prefix() const;
  // The parts without wildcards.
  const std::vector<std::string>& literals() const { return literals_; }

 private:
  // A literal, or no literal and how many characters at least, and whether any number more.
  struct Piece {
    std::string literal;
    size_t any = 0;
    bool any_run = false;
  };
  std::vector<Piece> pieces_;
  std::vector<std::string> literals_;
};

}  // namespace hilum::storage
