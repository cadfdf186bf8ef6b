#include "tests/storage/index/reference_index.h"

#include <algorithm>
#include <cmath>

#include "storage/index/soundex.h"
#include "storage/index/text.h"

namespace hilum::storage {
namespace {

// For the letters the tests use.
std::string Folded(std::string text) {
  static const std::vector<std::pair<std::string, std::string>> kTable = {{"É", "e"}, {"é", "e"},  {"ü", "u"},
                                                                          {"Ü", "u"}, {"ß", "ss"}, {"Ａ", "a"}};
  for (const auto& [from, to] : kTable) {
    for (size_t at = text.find(from); at != std::string::npos; at = text.find(from)) text.replace(at, from.size(), to);
  }
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
  return text;
}

bool Wild(std::string_view pattern, std::string_view text) {
  if (pattern.empty()) return text.empty();
  if (pattern[0] == '*') return Wild(pattern.substr(1), text) || (!text.empty() && Wild(pattern, text.substr(1)));
  if (text.empty()) return false;
  return (pattern[0] == '?' || pattern[0] == text[0]) && Wild(pattern.substr(1), text.substr(1));
}

bool WordStarts(const std::string& text, const std::string& asked) {
  std::string word;
  for (const char c : text + " ") {
    if (c != ' ' && c != '^' && c != '=' && c != ',') {
      word += c;
      continue;
    }
    if (!word.empty() && word.starts_with(asked)) return true;
    word.clear();
  }
  return false;
}

// Parts of names of the random documents.
bool PartStarts(const std::string& text, const std::string& asked) {
  const auto words = WordsAndParts(text);
  return std::any_of(words.begin(), words.end(), [&](std::string_view word) { return word.starts_with(asked); });
}

// Half-open for dates; for numbers closed at both ends.
template <typename Value>
bool Compare(Comparison comparison, Value low, Value high, Value asked_low, Value asked_high, bool closed) {
  const bool equal = low >= asked_low && high <= asked_high;
  switch (comparison) {
    case Comparison::kEqual:
      return equal;
    case Comparison::kNotEqual:
      return !equal;
    case Comparison::kGreater:
      return high > asked_high;
    case Comparison::kLess:
      return low < asked_low;
    case Comparison::kGreaterEqual:
      return closed ? high >= asked_low : high > asked_low;
    case Comparison::kLessEqual:
      return closed ? low <= asked_high : low < asked_high;
    case Comparison::kStartsAfter:
      return closed ? low > asked_high : low >= asked_high;
    case Comparison::kEndsBefore:
      return closed ? high < asked_low : high <= asked_low;
    case Comparison::kOverlaps:
      return closed ? low <= asked_high && high >= asked_low : low < asked_high && high > asked_low;
  }
  return false;
}

DateValue Instant(DateValue v) {
  if (v.high <= v.low) v.high = v.low + 1;
  return v;
}

bool UriMatches(const UriMatch& match, const std::string& uri) {
  if (match.how == UriMatch::How::kExact) return uri == match.uri;
  if (match.how == UriMatch::How::kBelow) return uri.starts_with(match.uri);
  if (!match.uri.starts_with(uri) || uri.empty()) return false;
  return uri.size() == match.uri.size() || uri.back() == '/' ||
         std::string("/?#|").find(match.uri[uri.size()]) != std::string::npos;
}

bool StringMatches(const StringMatch& match, const std::string& text) {
  using How = StringMatch::How;
  const std::string folded = Folded(text), asked = Folded(match.text);
  switch (match.how) {
    case How::kExact:
      return text == match.text;
    case How::kEqualsFolded:
      return folded == asked;
    case How::kPrefix:
      return folded.starts_with(asked);
    case How::kContains:
      return folded.find(asked) != std::string::npos;
    case How::kPattern:
      return Wild(asked, folded);
    case How::kWordPrefix:
      return WordStarts(folded, asked) || PartStarts(folded, asked);
    case How::kSoundsLike: {
      const std::string code = Soundex(asked);
      const auto words = WordsAndParts(folded);
      return !code.empty() &&
             std::any_of(words.begin(), words.end(), [&](std::string_view word) { return Soundex(word) == code; });
    }
  }
  return false;
}

struct LeafMatches {
  const IndexValue& value;

  bool operator()(const TokenIs& m) const {
    const auto& v = std::get<TokenValue>(value);
    return (!m.system || *m.system == v.system) && (!m.code || *m.code == v.code);
  }
  bool operator()(const TokenPattern& m) const {
    const auto& v = std::get<TokenValue>(value);
    return m.fold ? Wild(Folded(m.pattern), Folded(v.code)) : Wild(m.pattern, v.code);
  }
  bool operator()(const StringMatch& m) const { return StringMatches(m, std::get<StringValue>(value).text); }
  bool operator()(const DateMatch& m) const {
    const DateValue v = Instant(std::get<DateValue>(value)), a = Instant(m.asked);
    return Compare(m.comparison, v.low, v.high, a.low, a.high, false);
  }
  bool operator()(const NumberMatch& m) const {
    const auto& v = std::get<NumberValue>(value);
    return Compare(m.comparison, v.low, v.high, m.asked.low, m.asked.high, true);
  }
  bool operator()(const QuantityMatch& m) const {
    const auto& v = std::get<QuantityValue>(value);
    return (!m.system || *m.system == v.system) && (!m.code || *m.code == v.code) &&
           Compare(m.comparison, v.low, v.high, m.asked.low, m.asked.high, true);
  }
  bool operator()(const ReferenceIs& m) const {
    const auto& v = std::get<ReferenceValue>(value);
    if (m.value.target) return v.target == m.value.target;
    return !v.target && v.text == m.value.text;
  }
  bool operator()(const UriMatch& m) const { return UriMatches(m, std::get<UriValue>(value).uri); }
  bool operator()(const Present& m) const {
    if (!m.target) return true;
    const auto& v = std::get<ReferenceValue>(value);
    return v.target && v.target->collection == *m.target;
  }
};

std::set<Doc> Intersection(const std::set<Doc>& a, const std::set<Doc>& b) {
  std::set<Doc> both;
  std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::inserter(both, both.end()));
  return both;
}

// Negative, zero, positive, as positions of values in the sort order are before, equal or after.
int ComparePositions(const IndexValue& a, const IndexValue& b) {
  const auto text = [](const IndexValue& value) -> std::string {
    std::string whole;
    if (const auto* token = std::get_if<TokenValue>(&value)) whole = token->code;
    if (const auto* string = std::get_if<StringValue>(&value)) whole = Folded(string->text);
    if (const auto* uri = std::get_if<UriValue>(&value)) whole = uri->uri;
    return whole.substr(0, 200);
  };
  const auto compare = [](const auto& x, const auto& y) { return x < y ? -1 : y < x ? 1 : 0; };
  if (const auto* date = std::get_if<DateValue>(&a)) return compare(date->low, std::get<DateValue>(b).low);
  if (const auto* number = std::get_if<NumberValue>(&a)) return compare(number->low, std::get<NumberValue>(b).low);
  if (const auto* quantity = std::get_if<QuantityValue>(&a)) {
    return compare(quantity->low, std::get<QuantityValue>(b).low);
  }
  return compare(text(a), text(b));
}

const IndexValue* FirstInOrder(const DocumentValues& document, const SortKey& key) {
  const IndexValue* best = nullptr;
  for (const auto& entry : document.entries) {
    if (entry.field != key.field) continue;
    if (best == nullptr || (ComparePositions(entry.value, *best) < 0) != key.descending) best = &entry.value;
  }
  return best;
}

}  // namespace

std::set<Doc> ReferenceIndex::Evaluate(CollectionId collection, const Query& query) const {
  const auto found = collections_.find(collection);
  if (found == collections_.end()) return {};
  const Documents& documents = found->second;
  std::set<Doc> live, docs;
  for (const auto& [doc, values] : documents) live.insert(doc);

  if (std::holds_alternative<All>(query.node)) return live;
  if (const auto* in = std::get_if<DocsIn>(&query.node)) {
    return Intersection(live, std::set<Doc>(in->docs.begin(), in->docs.end()));
  }
  if (const auto* all = std::get_if<And>(&query.node)) {
    docs = live;
    for (const Query& part : all->parts) docs = Intersection(docs, Evaluate(collection, part));
    return docs;
  }
  if (const auto* any = std::get_if<Or>(&query.node)) {
    for (const Query& part : any->parts) docs.merge(Evaluate(collection, part));
    return docs;
  }
  if (const auto* none = std::get_if<Not>(&query.node)) {
    const auto some = Evaluate(collection, *none->part);
    for (const Doc doc : live) {
      if (!some.contains(doc)) docs.insert(doc);
    }
    return docs;
  }
  if (const auto* chain = std::get_if<RefersTo>(&query.node)) {
    const auto targets = Evaluate(chain->target, *chain->query);
    for (const auto& [doc, values] : documents) {
      for (const auto& entry : values.entries) {
        if (entry.field != chain->field) continue;
        const auto& target = std::get<ReferenceValue>(entry.value).target;
        if (target && target->collection == chain->target && targets.contains(target->doc)) docs.insert(doc);
      }
    }
    return docs;
  }
  if (const auto* reverse = std::get_if<ReferredToBy>(&query.node)) {
    for (const Doc source : Evaluate(reverse->source, *reverse->query)) {
      for (const auto& entry : collections_.at(reverse->source).at(source).entries) {
        if (entry.field != reverse->field) continue;
        const auto& target = std::get<ReferenceValue>(entry.value).target;
        if (target && target->collection == collection && live.contains(target->doc)) docs.insert(target->doc);
      }
    }
    return docs;
  }
  for (const auto& [doc, values] : documents) {
    for (const auto& entry : values.entries) {
      const bool matches = std::visit(
          [&](const auto& leaf) {
            if constexpr (requires { LeafMatches{entry.value}(leaf); }) {
              return entry.field == leaf.field && LeafMatches{entry.value}(leaf);
            } else {
              return false;
            }
          },
          query.node);
      if (matches) docs.insert(doc);
    }
  }
  return docs;
}

std::vector<Doc> ReferenceIndex::Sort(CollectionId collection, const std::set<Doc>& docs,
                                      const std::vector<SortKey>& sort) const {
  std::vector<Doc> sorted(docs.begin(), docs.end());
  const bool docs_descending = !sort.empty() && sort.front().descending;
  const Documents& documents = collections_.at(collection);
  std::sort(sorted.begin(), sorted.end(), [&](Doc a, Doc b) {
    for (const SortKey& key : sort) {
      if (key.field == kDocOrder) {
        if (a == b) return false;
        return (a < b) != key.descending;
      }
      const IndexValue *of_a = FirstInOrder(documents.at(a), key), *of_b = FirstInOrder(documents.at(b), key);
      if (of_a == nullptr || of_b == nullptr) {
        if ((of_a == nullptr) != (of_b == nullptr)) return of_b == nullptr;
        continue;
      }
      const int order = ComparePositions(*of_a, *of_b);
      if (order != 0) return (order < 0) != key.descending;
    }
    if (a == b) return false;
    return (a < b) != docs_descending;
  });
  return sorted;
}

std::map<std::pair<std::string, std::string>, uint64_t> ReferenceIndex::Facets(CollectionId collection, FieldId field,
                                                                               const std::set<Doc>& within) const {
  std::map<std::pair<std::string, std::string>, uint64_t> counts;
  for (const Doc doc : within) {
    std::set<std::pair<std::string, std::string>> distinct;
    for (const auto& entry : collections_.at(collection).at(doc).entries) {
      if (entry.field != field) continue;
      const auto& token = std::get<TokenValue>(entry.value);
      distinct.emplace(token.system, token.code);
    }
    for (const auto& token : distinct) ++counts[token];
  }
  return counts;
}

}  // namespace hilum::storage
