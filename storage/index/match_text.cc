#include "storage/index/match_text.h"

#include <algorithm>

#include "storage/index/entries.h"
#include "storage/index/rows.h"
#include "storage/index/soundex.h"
#include "storage/index/text.h"

namespace hilum::storage {
namespace {

constexpr size_t kMaxUriParts = 256;

using Predicate = std::function<bool(std::string_view text)>;

// The document of a stored set that can be asked for what they have in common; nullopt: the set is empty.
Result<std::optional<Doc>> FirstDoc(uint32_t block, Bytes stored) {
  if (const auto only = OnlyMember(stored)) return std::optional<Doc>(block << 16 | *only);
  BlockSet set;
  if (!set.AddEncoded(stored)) return DamagedEntry({});
  std::optional<Doc> first;
  set.ForEach([&](uint16_t member) {
    if (!first) first = block << 16 | member;
  });
  return first;
}

// Collects the documents of those distinct values of a kText or kCode entry that a predicate accepts.
class ValueScan {
 public:
  ValueScan(Lists& lists, CollectionId collection, FieldId field, Entry entry, const Predicate& accepts)
      : lists_(lists), collection_(collection), field_(field), entry_(entry), accepts_(accepts) {}

  // Over the values that start with `prefix`.
  Result<Bitmap> Run(std::string_view prefix) {
    std::string lower = lists_.Prefix(collection_, entry_, field_);
    AppendTextPrefix(&lower, prefix);
    Status outcome;
    HILUM_RETURN_IF_ERROR(lists_.Scan(lower, PrefixEnd(lower), false, [&](Bytes value, uint32_t block, Bytes stored) {
      outcome = Visit(value, block, stored);
      return outcome.ok();
    }));
    HILUM_RETURN_IF_ERROR(outcome);
    return docs_.Build();
  }

 private:
  Status Visit(Bytes value, uint32_t block, Bytes stored) {
    // The blocks of one value follow each other.
    if (value != last_value_ || values_ == 0) {
      if (++values_ > kMaxExpandedValues) return LimitExceeded("the pattern fits too many values: make it longer");
      last_value_ = value;
      HILUM_ASSIGN_OR_RETURN(accepted_, Accepts(value, block, stored));
    }
    if (accepted_ && !docs_.Add(block, stored)) return Damaged();
    return Status::Ok();
  }

  Result<bool> Accepts(Bytes value, uint32_t block, Bytes stored) {
    KeyText text;
    if (!ReadText(&value, &text)) return Damaged();
    // Codes have no long text: those beyond the cut are matched by what keys keep of them.
    if (!text.cut || entry_ == Entry::kCode) return accepts_(text.text);
    HILUM_ASSIGN_OR_RETURN(const std::optional<Doc> doc, FirstDoc(block, stored));
    if (!doc) {
      last_value_.clear();  // another block may have one
      return false;
    }
    HILUM_ASSIGN_OR_RETURN(const std::string whole, lists_.LongText(collection_, field_, *doc, text.hash));
    return accepts_(whole);
  }

  Status Damaged() const { return DamagedEntry(lists_.Prefix(collection_, entry_, field_)); }

  Lists& lists_;
  const CollectionId collection_;
  const FieldId field_;
  const Entry entry_;
  const Predicate& accepts_;
  BitmapBuilder docs_;
  std::string last_value_;
  uint64_t values_ = 0;
  bool accepted_ = false;
};

// Copies, because the list stays remembered.
Result<Bitmap> CopyOf(Result<BitmapPtr> list) {
  if (!list.ok()) return list.status();
  return Bitmap(**list);
}

// Documents whose strings hold every trigram of the literals; nullopt when there is none to ask for.
Result<std::optional<Bitmap>> TrigramCandidates(Lists& lists, CollectionId collection, FieldId field,
                                                const std::vector<std::string>& literals) {
  std::optional<Bitmap> docs;
  for (const std::string& literal : literals) {
    for (const std::string_view trigram : Trigrams(literal)) {
      HILUM_ASSIGN_OR_RETURN(const BitmapPtr list,
                             lists.List(lists.Prefix(collection, Entry::kTrigram, field).append(trigram)));
      if (!docs) {
        docs = *list;
      } else {
        *docs &= *list;
      }
      if (docs->empty()) return docs;
    }
  }
  return docs;
}

// Those of `docs` with a string the predicate accepts, by the column.
Result<Bitmap> CheckStrings(Lists& lists, CollectionId collection, FieldId field, const Bitmap& docs,
                            const Predicate& accepts) {
  std::vector<Doc> found;
  HILUM_RETURN_IF_ERROR(lists.Rows(collection, field, docs, [&](Doc doc, Bytes cells) -> Status {
    ByteReader in(cells);
    for (bool accepted = false; !in.empty() && !accepted;) {
      KeyText text;
      if (!ReadTextCell(&in, &text)) return DamagedRow(field, doc);
      if (text.cut) {
        HILUM_ASSIGN_OR_RETURN(text.text, lists.LongText(collection, field, doc, text.hash));
      }
      accepted = accepts(text.text);
      if (accepted) found.push_back(doc);
    }
    return Status::Ok();
  }));
  return Bitmap(found);
}

// By trigrams and the column where the field keeps them, else by a walk over all values.
Result<Bitmap> MatchAnywhere(Lists& lists, CollectionId collection, const FieldSpec& field,
                             const std::vector<std::string>& literals, const Predicate& accepts, const Bitmap* within) {
  if (field.contains) {
    HILUM_ASSIGN_OR_RETURN(std::optional<Bitmap> candidates, TrigramCandidates(lists, collection, field.id, literals));
    if (candidates) {
      if (within != nullptr) *candidates &= *within;
      return CheckStrings(lists, collection, field.id, *candidates, accepts);
    }
  }
  return ValueScan(lists, collection, field.id, Entry::kText, accepts).Run({});
}

// Accepts texts with a word, or a part of one, that fits.
Predicate AnyWordOrPart(Predicate fits) {
  return [fits = std::move(fits)](std::string_view text) {
    const auto all = WordsAndParts(text);
    return std::any_of(all.begin(), all.end(), fits);
  };
}

// Of the words that begin so those that are accepted.
Result<Bitmap> MatchWords(Lists& lists, CollectionId collection, FieldId field, std::string_view beginning,
                          const Predicate& accepts) {
  std::string lower = lists.Prefix(collection, Entry::kWord, field);
  AppendTextPrefix(&lower, beginning);
  return lists.Union(lower, PrefixEnd(lower), [&](Bytes value) {
    KeyText word;
    return ReadText(&value, &word) && accepts(word.text);
  });
}

// Texts that are accepted for a part of a word, not its first, that begins so. The index has words only; but its
// trigrams hold what parts are joined by.
Result<Bitmap> MatchParts(Lists& lists, CollectionId collection, const FieldSpec& field, const std::string& beginning,
                          const Predicate& accepts, const Bitmap* within) {
  if (!field.contains) return MatchWords(lists, collection, field.id, "", accepts);
  Bitmap candidates;
  for (const std::string_view joint : kJoints) {
    const std::string joined = std::string(joint) + beginning;
    HILUM_ASSIGN_OR_RETURN(std::optional<Bitmap> found, TrigramCandidates(lists, collection, field.id, {joined}));
    if (!found) {  // shorter than a trigram: all that begin so
      const std::string prefix = lists.Prefix(collection, Entry::kTrigram, field.id).append(joined);
      HILUM_ASSIGN_OR_RETURN(found, CopyOf(lists.List(prefix, /*longer=*/true)));
    }
    candidates |= *found;
  }
  if (within != nullptr) candidates &= *within;
  return CheckStrings(lists, collection, field.id, candidates, accepts);
}

Result<Bitmap> MatchWordPrefix(Lists& lists, CollectionId collection, const FieldSpec& field, const std::string& folded,
                               const Bitmap* within) {
  const Predicate accepts = AnyWordOrPart([&](std::string_view word) { return word.starts_with(folded); });
  if (folded.size() >= kMaxKeyTextBytes) return MatchAnywhere(lists, collection, field, {folded}, accepts, within);
  std::string lower = lists.Prefix(collection, Entry::kWord, field.id);
  AppendTextPrefix(&lower, folded);
  HILUM_ASSIGN_OR_RETURN(Bitmap docs, lists.Union(lower, PrefixEnd(lower)));
  HILUM_ASSIGN_OR_RETURN(const Bitmap by_parts, MatchParts(lists, collection, field, folded, accepts, within));
  docs |= by_parts;
  return docs;
}

// Walks the words with the first letter: a fraction of them all.
Result<Bitmap> MatchSound(Lists& lists, CollectionId collection, const FieldSpec& field, std::string_view folded,
                          const Bitmap* within) {
  const std::string code = Soundex(folded);
  const Predicate accepts = AnyWordOrPart([&](std::string_view word) { return Soundex(word) == code; });
  Bitmap docs;
  for (const std::string& beginning : SoundexBeginnings(code)) {
    HILUM_ASSIGN_OR_RETURN(const Bitmap by_words, MatchWords(lists, collection, field.id, beginning, accepts));
    HILUM_ASSIGN_OR_RETURN(const Bitmap by_parts, MatchParts(lists, collection, field, beginning, accepts, within));
    docs |= by_words;
    docs |= by_parts;
  }
  return docs;
}

Result<Bitmap> MatchTextPrefix(Lists& lists, CollectionId collection, FieldId field, std::string_view prefix) {
  if (prefix.size() >= kMaxKeyTextBytes) {
    const Predicate accepts = [&](std::string_view text) { return text.starts_with(prefix); };
    return ValueScan(lists, collection, field, Entry::kText, accepts).Run(prefix);
  }
  std::string lower = lists.Prefix(collection, Entry::kText, field);
  AppendTextPrefix(&lower, prefix);
  return lists.Union(lower, PrefixEnd(lower));
}

}  // namespace

Result<BitmapPtr> MatchToken(Lists& lists, CollectionId collection, const FieldSpec& field, const TokenIs& token) {
  const bool ordered = HasOrderedCodes(field);
  const Entry entry = ordered ? Entry::kCode : Entry::kToken;
  std::string prefix = lists.Prefix(collection, entry, field.id);
  if (token.code) {
    if (ordered) {
      AppendText(&prefix, *token.code);
      if (token.system) AppendText(&prefix, *token.system);
    } else {
      AppendTokenKey(&prefix, token.system.value_or(""), *token.code);
    }
    return lists.List(prefix, /*longer=*/!token.system);
  }
  if (!token.system) return lists.List(collection, Entry::kPresent, field.id);
  if (!token.system->empty()) {
    prefix = lists.Prefix(collection, Entry::kSystem, field.id);
    AppendBe(&prefix, HashOf(*token.system));
    return lists.List(prefix);
  }
  // No list is kept for codes without a system: nobody asks for all of them.
  HILUM_ASSIGN_OR_RETURN(Bitmap docs, lists.Union(prefix, PrefixEnd(prefix), [ordered](Bytes value) {
    KeyText code;
    return ordered ? ReadText(&value, &code) && value.size() == 1 : value.size() == sizeof(uint64_t);
  }));
  return std::make_shared<const Bitmap>(std::move(docs));
}

Result<Bitmap> MatchTokenPattern(Lists& lists, CollectionId collection, const FieldSpec& field,
                                 const TokenPattern& match) {
  const Pattern pattern(match.pattern, match.fold);
  const Predicate accepts = [&](std::string_view code) {
    return match.fold ? pattern.Matches(Fold(code)) : pattern.Matches(code);
  };
  // Codes are kept as written, so a folded prefix is no range of them.
  const std::string_view prefix = match.fold ? std::string_view() : pattern.literal_prefix();
  return ValueScan(lists, collection, field.id, Entry::kCode, accepts).Run(prefix);
}

Result<Bitmap> MatchString(Lists& lists, CollectionId collection, const FieldSpec& field, const StringMatch& match,
                           const Bitmap* within) {
  using How = StringMatch::How;
  const std::string folded = match.how == How::kPattern ? std::string() : FoldForIndex(match.text);
  switch (match.how) {
    case How::kExact:
    case How::kEqualsFolded: {
      std::string prefix = lists.Prefix(collection, Entry::kText, field.id);
      AppendText(&prefix, folded);
      if (match.how == How::kExact) AppendBe(&prefix, HashOf(match.text));
      return CopyOf(lists.List(prefix, /*longer=*/match.how == How::kEqualsFolded));
    }
    case How::kPrefix:
      return MatchTextPrefix(lists, collection, field.id, folded);
    case How::kWordPrefix:
      return MatchWordPrefix(lists, collection, field, folded, within);
    case How::kSoundsLike:
      return MatchSound(lists, collection, field, folded, within);
    case How::kContains: {
      const Predicate accepts = [&](std::string_view text) { return text.find(folded) != std::string_view::npos; };
      return MatchAnywhere(lists, collection, field, {folded}, accepts, within);
    }
    case How::kPattern: {
      const Pattern pattern(match.text, /*fold=*/true);
      const Predicate accepts = [&](std::string_view text) { return pattern.Matches(text); };
      if (pattern.literal_prefix().empty()) {
        return MatchAnywhere(lists, collection, field, pattern.literals(), accepts, within);
      }
      return ValueScan(lists, collection, field.id, Entry::kText, accepts).Run(pattern.literal_prefix());
    }
  }
  return Internal("index: a way to match strings that does not exist");
}

Result<Bitmap> MatchUri(Lists& lists, CollectionId collection, const FieldSpec& field, const UriMatch& match) {
  const std::string entry = lists.Prefix(collection, Entry::kText, field.id);
  if (match.how == UriMatch::How::kBelow) return MatchTextPrefix(lists, collection, field.id, match.uri);
  if (match.how == UriMatch::How::kExact) {
    std::string prefix = entry;
    AppendText(&prefix, match.uri);
    return CopyOf(lists.List(prefix));
  }

  const std::string_view uri = match.uri;
  BitmapBuilder docs;
  size_t parts = 0;
  for (size_t end = 1; end <= uri.size(); ++end) {
    const bool boundary =
        end == uri.size() || uri[end - 1] == '/' || std::string_view("/?#|").find(uri[end]) != std::string_view::npos;
    if (!boundary) continue;
    if (++parts > kMaxUriParts) return LimitExceeded("a uri of more than 256 parts cannot be asked for from above");
    std::string prefix = entry;
    AppendText(&prefix, uri.substr(0, end));
    HILUM_RETURN_IF_ERROR(lists.AddList(prefix, /*longer=*/false, &docs));
  }
  return docs.Build();
}

Result<std::vector<std::pair<TokenValue, uint64_t>>> CountTokens(Lists& lists, CollectionId collection,
                                                                 const FieldSpec& field, const Bitmap& within,
                                                                 size_t limit) {
  using Count = std::pair<TokenValue, uint64_t>;
  const auto more_frequent = [](const Count& a, const Count& b) {
    if (a.second != b.second) return a.second > b.second;
    return std::tie(a.first.code, a.first.system) < std::tie(b.first.code, b.first.system);
  };
  const bool is_uri = field.kind == FieldKind::kUri;
  const std::string entry = lists.Prefix(collection, is_uri ? Entry::kText : Entry::kCode, field.id);
  std::vector<Count> best;  // a heap, the least frequent in front
  std::string last_value;
  BitmapBuilder docs;
  Status outcome;
  const auto finish_value = [&]() -> Status {
    Bitmap found = docs.Build();
    found &= within;
    docs = BitmapBuilder();
    if (found.empty()) return Status::Ok();
    Bytes rest = last_value;
    KeyText code, system;
    if (!ReadText(&rest, &code) || (!is_uri && !ReadText(&rest, &system))) return DamagedEntry(entry);
    best.push_back({{std::move(system.text), std::move(code.text)}, found.Count()});
    std::push_heap(best.begin(), best.end(), more_frequent);
    if (best.size() > limit) {
      std::pop_heap(best.begin(), best.end(), more_frequent);
      best.pop_back();
    }
    return Status::Ok();
  };

  uint64_t values = 0;
  HILUM_RETURN_IF_ERROR(lists.Scan(entry, PrefixEnd(entry), false, [&](Bytes value, uint32_t block, Bytes stored) {
    if (value != last_value) {
      if (!last_value.empty()) outcome = finish_value();
      last_value = value;
      if (++values > kMaxExpandedValues) outcome = LimitExceeded("the field has too many values to count each");
    }
    if (outcome.ok() && !docs.Add(block, stored)) outcome = DamagedEntry(entry);
    return outcome.ok();
  }));
  HILUM_RETURN_IF_ERROR(outcome);
  if (!last_value.empty()) HILUM_RETURN_IF_ERROR(finish_value());
  std::sort_heap(best.begin(), best.end(), more_frequent);
  return best;
}

}  // namespace hilum::storage
