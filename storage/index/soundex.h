// Names that sound alike in Latin script: American Soundex, as the National Archives of the United States code censuses
// ("The Soundex Indexing System", 2007). Pure functions.
//
// Coarse on purpose: it finds Meyer for Maier and Smyth for Smith, and also Jane for John. The first letter is kept, so
// that words that may sound alike lie together in an index of words; Catherine and Katherine do not sound alike.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace hilum::storage {

inline constexpr size_t kLongestSound = 64;

// "smith" is s530. Letters that are Latin but not ASCII count as the ones they are written for (ø as o, ł as l);
// hyphens and apostrophes are passed over. Empty for words with anything else, that begin with no letter or are longer
// than any name (kLongestSound bytes). `folded` as Fold makes it.
std::string Soundex(std::string_view folded);

// The beginnings of all folded words with that code.
std::vector<std::string> SoundexBeginnings(std::string_view code);

}  // namespace hilum::storage
