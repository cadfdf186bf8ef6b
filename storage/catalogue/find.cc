// Matching of attribute values (PS3.4 C.2.2.2) as queries over the index.
#include <algorithm>

#include "storage/catalogue/catalogue.h"

namespace hilum::storage {
namespace {

template <typename Node>
Query Make(Node node) {
  return Query{std::move(node)};
}

template <typename Node>
QueryPtr MakePtr(Node node) {
  return std::make_unique<Query>(Query{std::move(node)});
}

bool HasWildcard(std::string_view value) {
  return value.find_first_of("*?") != std::string_view::npos;
}

std::vector<std::string> Split(std::string_view text, std::string_view separators) {
  std::vector<std::string> parts;
  while (true) {
    const size_t end = text.find_first_of(separators);
    parts.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
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

Result<Query> MatchDate(FieldId field, const std::string& value) {
  HILUM_ASSIGN_OR_RETURN(const Range range, SplitRange("date or a range of dates", value));
  const auto low = range.low.empty() ? DateValue{INT64_MIN, INT64_MIN} : ParseDate(range.low);
  const auto high = range.high.empty() ? DateValue{INT64_MAX, INT64_MAX} : ParseDate(range.high);
  if (!low || !high) return BadValue("date (YYYYMMDD) or a range of dates", value);
  return Make(DateMatch{field, Comparison::kOverlaps, {low->low, high->high}});
}

Result<Query> MatchTime(FieldId field, const std::string& value) {
  HILUM_ASSIGN_OR_RETURN(const Range range, SplitRange("time or a range of times", value));
  const auto low = range.low.empty() ? NumberValue{0, 0} : ParseTime(range.low);
  const auto high = range.high.empty() ? NumberValue{86401, 86401} : ParseTime(range.high);
  if (!low || !high) return BadValue("time (HHMMSS) or a range of times", value);
  return Make(NumberMatch{field, Comparison::kOverlaps, {low->low, high->high}});
}

Query MatchText(FieldId field, const std::string& value) {
  const auto how = HasWildcard(value) ? StringMatch::How::kPattern : StringMatch::How::kEqualsFolded;
  return Make(StringMatch{field, how, value});
}

// Of shorter words nearly all that begin with the same letter sound alike.
constexpr size_t kShortestSound = 3;

Query MatchName(FieldId field, std::string value, bool fuzzy) {
  while (!value.empty() && (value.back() == '^' || value.back() == ' ')) value.pop_back();
  if (!fuzzy) return MatchText(field, value);
  And words;
  for (const std::string& word : Split(value, " ^,=*?")) {
    if (word.empty()) continue;
    Query begins = Make(StringMatch{field, StringMatch::How::kWordPrefix, word});
    if (word.size() < kShortestSound) {
      words.parts.push_back(std::move(begins));
      continue;
    }
    Or either;
    either.parts.push_back(std::move(begins));
    either.parts.push_back(Make(StringMatch{field, StringMatch::How::kSoundsLike, word}));
    words.parts.push_back(Make(std::move(either)));
  }
  if (words.parts.empty()) return Make(All{});
  return Make(std::move(words));
}

Query MatchCode(FieldId field, const std::string& value) {
  const std::string code = FoldCode(value);
  if (HasWildcard(code)) return Make(TokenPattern{field, code});
  return Make(TokenIs{field, std::nullopt, code});
}

Result<Query> MatchValue(const CatalogueAttribute& attribute, const std::string& value, bool fuzzy) {
  switch (attribute.matching) {
    case Matching::kDate:
      return MatchDate(attribute.field, value);
    case Matching::kTime:
      return MatchTime(attribute.field, value);
    case Matching::kText:
      return MatchText(attribute.field, value);
    case Matching::kName:
      return MatchName(attribute.field, value, fuzzy);
    case Matching::kUid:
      return Make(TokenIs{attribute.field, std::nullopt, value});
    case Matching::kCode:
      return MatchCode(attribute.field, value);
    case Matching::kNone:
      break;
  }
  return Internal("attribute is not searchable");
}

// Empty and lone "*" are universal matching; lists match any of their members.
Result<Query> MatchFilter(const CatalogueAttribute& attribute, const std::string& value, bool fuzzy) {
  if (value.empty() || value == "*") return Make(All{});
  const std::string_view separators = attribute.matching == Matching::kUid ? "\\," : "\\";
  Or any;
  for (const std::string& one : Split(value, separators)) {
    if (one.empty()) continue;
    HILUM_ASSIGN_OR_RETURN(Query query, MatchValue(attribute, one, fuzzy));
    any.parts.push_back(std::move(query));
  }
  if (any.parts.empty()) return Make(All{});
  if (any.parts.size() == 1) return std::move(any.parts.front());
  return Make(std::move(any));
}

FieldId ParentField(Level level) {
  return level == Level::kInstance ? kSeriesOfInstance : kStudyOfSeries;
}
Level ParentOf(Level level) {
  return static_cast<Level>(static_cast<uint16_t>(level) - 1);
}

// The conditions of `level` and everything above it, as a query over the documents of `level`. nullopt: no condition.
std::optional<Query> Assemble(Level level, std::map<Level, std::vector<Query>>* conditions) {
  And all;
  if (level > Level::kStudy) {
    if (std::optional<Query> above = Assemble(ParentOf(level), conditions))
      all.parts.push_back(
          Make(RefersTo{ParentField(level), CollectionOf(ParentOf(level)), MakePtr(std::move(above->node))}));
  }
  for (Query& query : (*conditions)[level]) all.parts.push_back(std::move(query));
  if (all.parts.empty()) return std::nullopt;
  if (all.parts.size() == 1) return std::move(all.parts.front());
  return Make(std::move(all));
}

// A range of dates and a range of times together mean one range of points in time (PS3.4 C.2.2.2.5.1). Takes both out
// of the filters.
Result<std::optional<Query>> TakeDateTime(std::vector<AttributeFilter>* filters, dicom::Tag date_tag,
                                          dicom::Tag time_tag, FieldId field) {
  const auto find = [&](dicom::Tag tag) {
    return std::find_if(filters->begin(), filters->end(), [&](const AttributeFilter& f) {
      return f.path == dicom::TagPath{tag} && f.value.find('-') != std::string::npos;
    });
  };
  const auto date = find(date_tag), time = find(time_tag);
  if (date == filters->end() || time == filters->end()) return std::optional<Query>();
  HILUM_ASSIGN_OR_RETURN(const Query dates, MatchDate(field, date->value));
  HILUM_ASSIGN_OR_RETURN(const Query times, MatchTime(field, time->value));
  DateMatch match = std::get<DateMatch>(dates.node);
  const NumberValue seconds = std::get<NumberMatch>(times.node).asked;
  constexpr int64_t kDay = 86'400'000'000;
  if (match.asked.low != INT64_MIN) match.asked.low += static_cast<int64_t>(seconds.low * 1e6);
  if (match.asked.high != INT64_MAX)
    match.asked.high += std::min<int64_t>(static_cast<int64_t>(seconds.high * 1e6) + 1 - kDay, 0);
  filters->erase(std::max(date, time));
  filters->erase(std::min(date, time));
  return std::optional<Query>(Make(match));
}

}  // namespace

Result<CatalogueMatches> CatalogueReader::Find(const CatalogueQuery& query) {
  std::map<Level, std::vector<Query>> conditions;
  std::vector<AttributeFilter> filters = query.filters;
  for (const auto& [level, date, time, field] : kDateTimes) {
    if (level > query.level) continue;
    HILUM_ASSIGN_OR_RETURN(std::optional<Query> condition, TakeDateTime(&filters, date, time, field));
    if (condition) conditions[level].push_back(*std::move(condition));
  }
  for (const AttributeFilter& filter : filters) {
    const CatalogueAttribute* attribute = FindSearchable(query.level, filter.path);
    assert(attribute);
    auto condition = MatchFilter(*attribute, filter.value, query.fuzzy_names);
    if (!condition.ok()) return condition.status().WithContext(dicom::ToString(filter.path.back()));
    if (!std::holds_alternative<All>(condition->node)) conditions[attribute->level].push_back(*std::move(condition));
  }

  CatalogueMatches matches;
  if (query.study_uid) {
    HILUM_ASSIGN_OR_RETURN(const std::optional<Doc> study, FindStudy(*query.study_uid));
    if (!study) return matches;
    conditions[Level::kStudy].push_back(Make(DocsIn{{*study}}));
    if (query.series_uid) {
      HILUM_ASSIGN_OR_RETURN(const std::optional<Doc> series, FindSeries(*study, *query.series_uid));
      if (!series) return matches;
      conditions[Level::kSeries].push_back(Make(DocsIn{{*series}}));
    }
  }

  const CollectionId collection = CollectionOf(query.level);
  std::optional<Query> assembled = Assemble(query.level, &conditions);
  if (!assembled) assembled = Make(All{});
  HILUM_ASSIGN_OR_RETURN(const Bitmap found, index_.Evaluate(collection, *assembled));
  matches.total = found.Count();
  std::vector<SortKey> sort;
  if (query.level <= Level::kStudy) sort.push_back({kDocOrder, /*descending=*/true});
  HILUM_ASSIGN_OR_RETURN(const Page page,
                         index_.Walk(collection, found, sort, std::nullopt, query.offset, query.limit));
  HILUM_ASSIGN_OR_RETURN(matches.rows, ReadMatches(query.level, page.docs));
  return matches;
}

Result<std::vector<CatalogueMatch>> CatalogueReader::ReadMatches(Level level, const std::vector<Doc>& docs) const {
  std::vector<CatalogueMatch> matches;
  // Neighbours share their parents: remember the last ones read.
  std::optional<std::pair<Doc, StudyRow>> study;
  std::optional<std::pair<Doc, SeriesRow>> series;
  for (const Doc doc : docs) {
    CatalogueMatch& match = matches.emplace_back();
    if (level == Level::kPatient) {
      HILUM_ASSIGN_OR_RETURN(match.patient, Patient(doc));
      continue;
    }
    Doc study_doc = doc;
    if (level == Level::kInstance) {
      HILUM_ASSIGN_OR_RETURN(match.instance, Instance(doc));
      if (!series || series->first != match.instance->series) {
        HILUM_ASSIGN_OR_RETURN(SeriesRow row, Series(match.instance->series));
        series = {match.instance->series, std::move(row)};
      }
      match.series = series->second;
    } else if (level == Level::kSeries) {
      HILUM_ASSIGN_OR_RETURN(match.series, Series(doc));
    }
    if (match.series) study_doc = match.series->study;
    if (!study || study->first != study_doc) {
      HILUM_ASSIGN_OR_RETURN(StudyRow row, Study(study_doc));
      study = {study_doc, std::move(row)};
    }
    match.study = study->second;
  }
  return matches;
}

}  // namespace hilum::storage
