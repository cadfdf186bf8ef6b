#include "storage/catalogue/match.h"

#include <limits>

#include "base/text.h"
#include "codecs/dicom/padding.h"
#include "storage/catalogue/attribute_values.h"

namespace hilum::storage {
namespace {

bool HasWildcard(std::string_view value) {
  return value.find_first_of("*?") != std::string_view::npos;
}

Status BadValue(std::string_view what, std::string_view value) {
  return Invalid("'" + std::string(value.substr(0, 64)) + "' is not a " + std::string(what));
}

// "low-high", "low-", "-high" or one value. Both sides empty is no range.
struct Range {
  std::string low, high;
  bool is_range = false;
};

Result<Range> SplitRange(std::string_view what, std::string_view value) {
  const size_t dash = value.find('-');
  if (dash == std::string_view::npos) return Range{std::string(value), std::string(value), false};
  Range range{std::string(value.substr(0, dash)), std::string(value.substr(dash + 1)), true};
  if ((range.low.empty() && range.high.empty()) || range.high.find('-') != std::string::npos)
    return BadValue(what, value);
  return range;
}

// The hyphen that parts a range of DT values: not that of an offset from UTC, which four digits up to 1400 follow at
// the end of a value.
size_t FindRangeHyphen(std::string_view value) {
  for (size_t at = value.find('-'); at != value.npos; at = value.find('-', at + 1)) {
    const std::string_view behind = value.substr(at + 1, 5);
    const std::string_view digits = behind.substr(0, 4);
    const bool ends = behind.size() == 4 || (behind.size() == 5 && behind[4] == '-');
    const bool offset = at >= 4 && ends && digits <= "1400" && digits.find_first_not_of("0123456789") == digits.npos;
    if (!offset) return at;
  }
  return value.npos;
}

Result<Query> MatchDateTime(FieldId field, const std::string& value) {
  constexpr std::string_view kWhat = "date and time (YYYYMMDDHHMMSS.F&ZZXX, or the first of it) or a range of them";
  const size_t hyphen = FindRangeHyphen(value);
  const std::string low_text = value.substr(0, hyphen);
  const std::string high_text = hyphen == value.npos ? low_text : value.substr(hyphen + 1);
  if (low_text.empty() && high_text.empty()) return BadValue(kWhat, value);
  const auto low = low_text.empty() ? DateValue{INT64_MIN, INT64_MIN} : ParseDateTime(low_text);
  const auto high = high_text.empty() ? DateValue{INT64_MAX, INT64_MAX} : ParseDateTime(high_text);
  if (!low || !high) return BadValue(kWhat, value);
  return MakeQuery(DateMatch{field, Comparison::kOverlaps, {low->low, high->high}});
}

// "1.5", "1-2.5", "1-", and "*-2.5" for at most: "-2.5" is a negative number.
Result<Query> MatchNumber(FieldId field, const std::string& value, std::string_view what,
                          std::optional<double> (*parse)(std::string_view)) {
  size_t hyphen = value.find('-', 1);
  if (hyphen != value.npos && (value[hyphen - 1] == 'e' || value[hyphen - 1] == 'E'))
    hyphen = value.find('-', hyphen + 1);
  const auto bound = [&](std::string_view text, double open) {
    return text == "*" || text.empty() ? std::optional(open) : parse(text);
  };
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const std::string_view text = value;
  const auto low = hyphen == value.npos ? parse(text) : bound(text.substr(0, hyphen), -kInfinity);
  const auto high = hyphen == value.npos ? low : bound(text.substr(hyphen + 1), kInfinity);
  if (!low || !high) return BadValue(what, value);
  return MakeQuery(NumberMatch{field, Comparison::kOverlaps, {*low, *high}});
}

Query MatchText(FieldId field, const std::string& value) {
  const auto how = HasWildcard(value) ? StringMatch::How::kPattern : StringMatch::How::kEqualsFolded;
  return MakeQuery(StringMatch{field, how, value});
}

// Of shorter words nearly all that begin with the same letter sound alike.
constexpr size_t kShortestSound = 3;

// Components without a value are not in the index at the end of a group: "DOE^*" asks for "DOE" too.
Query MatchGroup(FieldId field, const std::string& group) {
  Or forms;
  forms.parts.push_back(MatchText(field, group));
  for (std::string_view rest = group; rest.ends_with("^*") && rest.size() > 2;) {
    rest.remove_suffix(2);
    forms.parts.push_back(MatchText(field, std::string(rest)));
  }
  return forms.parts.size() == 1 ? std::move(forms.parts.front()) : MakeQuery(std::move(forms));
}

// Groups are values of their own in the index (AddIndexValue), so each that is asked for must be there.
Query MatchName(FieldId field, const std::string& value, bool fuzzy) {
  if (!fuzzy) {
    And groups;
    for (std::string_view group : Split(value, "=")) {
      while (group.ends_with('^') || group.ends_with(' ')) group.remove_suffix(1);
      if (group.find_first_not_of('*') != group.npos) groups.parts.push_back(MatchGroup(field, std::string(group)));
    }
    if (groups.parts.empty()) return MakeQuery(All{});
    if (groups.parts.size() == 1) return std::move(groups.parts.front());
    return MakeQuery(std::move(groups));
  }
  And words;
  for (const std::string_view part : Split(value, " ^,=*?")) {
    if (part.empty()) continue;
    const std::string word(part);
    Query begins = MakeQuery(StringMatch{field, StringMatch::How::kWordPrefix, word});
    if (word.size() < kShortestSound) {
      words.parts.push_back(std::move(begins));
      continue;
    }
    Or either;
    either.parts.push_back(std::move(begins));
    either.parts.push_back(MakeQuery(StringMatch{field, StringMatch::How::kSoundsLike, word}));
    words.parts.push_back(MakeQuery(std::move(either)));
  }
  if (words.parts.empty()) return MakeQuery(All{});
  if (!HasWildcard(value)) return MakeQuery(std::move(words));
  // It finds no less than without it.
  Or either;
  either.parts.push_back(MakeQuery(std::move(words)));
  either.parts.push_back(MatchName(field, value, /*fuzzy=*/false));
  return MakeQuery(std::move(either));
}

Query MatchCode(FieldId field, const std::string& value) {
  const std::string code = FoldCode(value);
  if (HasWildcard(code)) return MakeQuery(TokenPattern{field, code});
  return MakeQuery(TokenIs{field, std::nullopt, code});
}

constexpr size_t kLongestInteger = 12;  // PS3.5 6.2

// An IS is kept as it was written, but 1 and 01 are the same number.
Query MatchInteger(FieldId field, const std::string& value) {
  const bool negative = value.starts_with('-');
  const std::string sign = negative ? "-" : "";
  std::string digits = value.substr(negative || value.starts_with('+') ? 1 : 0);
  if (digits.empty() || digits.find_first_not_of("0123456789") != digits.npos) return MatchCode(field, value);
  digits.erase(0, std::min(digits.find_first_not_of('0'), digits.size() - 1));
  Or forms;
  for (; sign.size() + digits.size() <= kLongestInteger; digits.insert(0, 1, '0')) {
    forms.parts.push_back(MakeQuery(TokenIs{field, std::nullopt, sign + digits}));
    if (!negative) forms.parts.push_back(MakeQuery(TokenIs{field, std::nullopt, "+" + digits}));
  }
  return forms.parts.empty() ? MatchCode(field, value) : MakeQuery(std::move(forms));
}

dicom::Vr VrOf(const CatalogueAttribute& attribute) {
  const dicom::DictionaryEntry* const entry = dicom::FindTag(attribute.path.back());
  return entry ? entry->vr : attribute.vr;
}

// What parts the values of a list besides the backslash. Clients that put an array into a query write commas; only in
// values that cannot hold one (PS3.5 6.2) do they mean a list.
std::string_view ListSeparators(const CatalogueAttribute& attribute) {
  const dicom::Vr vr = VrOf(attribute);
  return vr == dicom::Vr("UI") || vr == dicom::Vr("CS") ? "\\," : "\\";
}

// A range whose end lies before its begin holds nothing.
bool IsEmptyRange(const Query& query) {
  if (const auto* dates = std::get_if<DateMatch>(&query.node)) return dates->asked.low >= dates->asked.high;
  if (const auto* numbers = std::get_if<NumberMatch>(&query.node)) return numbers->asked.low > numbers->asked.high;
  return false;
}

Result<Query> MatchAnyValue(const CatalogueAttribute& attribute, const std::string& value, bool fuzzy) {
  switch (attribute.matching) {
    case Matching::kDate:
      return MatchDate(attribute.field, value);
    case Matching::kTime:
      return MatchTime(attribute.field, value);
    case Matching::kDateTime:
      return MatchDateTime(attribute.field, value);
    case Matching::kNumber:
      return MatchNumber(attribute.field, value, "number or a range of numbers", ParseNumber);
    case Matching::kAge:
      return MatchNumber(attribute.field, value, "age (018M) or a range of ages", ParseAge);
    case Matching::kText:
      return MatchText(attribute.field, value);
    case Matching::kName:
      return MatchName(attribute.field, value, fuzzy);
    case Matching::kUid:
      return MakeQuery(TokenIs{attribute.field, std::nullopt, value});
    case Matching::kCode:
      return VrOf(attribute) == dicom::Vr("IS") ? MatchInteger(attribute.field, value)
                                                : MatchCode(attribute.field, value);
    case Matching::kNone:
      break;
  }
  return Internal("attribute is not searchable");
}

}  // namespace

Result<Query> MatchDate(FieldId field, const std::string& value) {
  HILUM_ASSIGN_OR_RETURN(const Range range, SplitRange("date or a range of dates", value));
  const auto low = range.low.empty() ? DateValue{INT64_MIN, INT64_MIN} : ParseDate(range.low);
  const auto high = range.high.empty() ? DateValue{INT64_MAX, INT64_MAX} : ParseDate(range.high);
  if (!low || !high) return BadValue("date (YYYYMMDD) or a range of dates", value);
  return MakeQuery(DateMatch{field, Comparison::kOverlaps, {low->low, high->high}});
}

Result<Query> MatchTime(FieldId field, const std::string& value) {
  HILUM_ASSIGN_OR_RETURN(const Range range, SplitRange("time or a range of times", value));
  const auto low = range.low.empty() ? NumberValue{0, 0} : ParseTime(range.low);
  const auto high = range.high.empty() ? NumberValue{86401, 86401} : ParseTime(range.high);
  if (!low || !high) return BadValue("time (HHMMSS) or a range of times", value);
  return MakeQuery(NumberMatch{field, Comparison::kOverlaps, {low->low, high->high}});
}

Result<Query> MatchValue(const CatalogueAttribute& attribute, const std::string& value, bool fuzzy) {
  HILUM_ASSIGN_OR_RETURN(Query query, MatchAnyValue(attribute, value, fuzzy));
  if (IsEmptyRange(query)) return MakeQuery(DocsIn{});
  return query;
}

Result<Query> MatchFilter(const CatalogueAttribute& attribute, const std::string& value, bool fuzzy) {
  if (value.find_first_not_of('*') == value.npos) return MakeQuery(All{});
  Or any;
  for (const std::string_view part : Split(value, ListSeparators(attribute))) {
    const std::string_view one = dicom::Unpadded(part);  // as stored values are
    if (one.empty()) continue;
    HILUM_ASSIGN_OR_RETURN(Query query, MatchValue(attribute, std::string(one), fuzzy));
    any.parts.push_back(std::move(query));
  }
  if (any.parts.empty()) return MakeQuery(All{});
  if (any.parts.size() == 1) return std::move(any.parts.front());
  return MakeQuery(std::move(any));
}

namespace {

QueryPtr CopyPtr(const Query& query);

Query Copy(const Query& query) {
  const auto copy_parts = [](auto node, const std::vector<Query>& parts) {
    for (const Query& part : parts) node.parts.push_back(Copy(part));
    return MakeQuery(std::move(node));
  };
  const auto copy = [&](const auto& node) -> Query {
    using Node = std::decay_t<decltype(node)>;
    if constexpr (std::is_same_v<Node, And> || std::is_same_v<Node, Or>)
      return copy_parts(Node(), node.parts);
    else if constexpr (std::is_same_v<Node, Not>)
      return MakeQuery(Not{CopyPtr(*node.part)});
    else if constexpr (std::is_same_v<Node, RefersTo>)
      return MakeQuery(RefersTo{node.field, node.target, CopyPtr(*node.query)});
    else if constexpr (std::is_same_v<Node, ReferredToBy>)
      return MakeQuery(ReferredToBy{node.source, node.field, CopyPtr(*node.query)});
    else
      return MakeQuery(node);
  };
  return std::visit(copy, query.node);
}

QueryPtr CopyPtr(const Query& query) {
  return std::make_unique<Query>(Copy(query));
}

}  // namespace

Query OfSeries(const Query& values) {
  Or either;
  either.parts.push_back(Copy(values));
  either.parts.push_back(MakeQuery(ReferredToBy{CollectionOf(Level::kInstance), kSeriesOfInstance, CopyPtr(values)}));
  return MakeQuery(std::move(either));
}

Query OfInstances(const CatalogueAttribute& attribute, const Query& values) {
  Or own;
  own.parts.push_back(MakeQuery(Present{attribute.field}));
  own.parts.push_back(MakeQuery(TokenIs{kLackedByInstance, std::nullopt, dicom::ToHex(attribute.path.front())}));
  And inherited;
  inherited.parts.push_back(MakeQuery(RefersTo{kSeriesOfInstance, CollectionOf(Level::kSeries), CopyPtr(values)}));
  inherited.parts.push_back(MakeQuery(Not{std::make_unique<Query>(MakeQuery(std::move(own)))}));
  Or either;
  either.parts.push_back(Copy(values));
  either.parts.push_back(MakeQuery(std::move(inherited)));
  return MakeQuery(std::move(either));
}

}  // namespace hilum::storage
