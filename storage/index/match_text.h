// Tokens, strings and uris: equality by key, prefixes by key range, patterns and substrings by trigrams or a walk over
// the distinct values.
#pragma once

#include <vector>

#include "storage/index/lists.h"

namespace hilum::storage {

// Distinct values one pattern may walk over; past it kLimit.
inline constexpr uint64_t kMaxExpandedValues = 4'000'000;

Result<BitmapPtr> MatchToken(Lists& lists, CollectionId collection, const FieldSpec& field, const TokenIs& token);
Result<Bitmap> MatchTokenPattern(Lists& lists, CollectionId collection, const FieldSpec& field,
                                 const TokenPattern& pattern);
// `within`, when given, allows to leave out what is not in it.
Result<Bitmap> MatchString(Lists& lists, CollectionId collection, const FieldSpec& field, const StringMatch& match,
                           const Bitmap* within);
Result<Bitmap> MatchUri(Lists& lists, CollectionId collection, const FieldSpec& field, const UriMatch& match);

// Distinct values and their counts within `within`, most frequent first, then by code and system.
Result<std::vector<std::pair<TokenValue, uint64_t>>> CountTokens(Lists& lists, CollectionId collection,
                                                                 const FieldSpec& field, const Bitmap& within,
                                                                 size_t limit);

}  // namespace hilum::storage
