// Searches of the catalogue as queries over the index.
#include <algorithm>

#include "storage/catalogue/catalogue.h"
#include "storage/catalogue/match.h"
#include "storage/catalogue/one_item.h"

namespace hilum::storage {
namespace {

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
          MakeQuery(RefersTo{ParentField(level), CollectionOf(ParentOf(level)), MakeQueryPtr(std::move(above->node))}));
  }
  for (Query& query : (*conditions)[level]) all.parts.push_back(std::move(query));
  if (all.parts.empty()) return std::nullopt;
  if (all.parts.size() == 1) return std::move(all.parts.front());
  return MakeQuery(std::move(all));
}

// A range of dates and a range of times together mean one range of points in time (PS3.4 C.2.2.2.5.1). Takes both out
// of the filters.
Result<std::optional<Query>> TakeDateTime(std::vector<AttributeFilter>* filters, dicom::Tag date_tag,
                                          dicom::Tag time_tag, FieldId field, FieldId time_field) {
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
  if (match.asked.low >= match.asked.high) return std::optional<Query>(MakeQuery(DocsIn{}));
  // Without a time the point in time is all of the day; a range of times takes none that is not there.
  And both;
  both.parts.push_back(MakeQuery(match));
  both.parts.push_back(MakeQuery(Present{time_field}));
  return std::optional<Query>(MakeQuery(std::move(both)));
}

// Documents whose rows are read to look into their sequences.
constexpr uint64_t kMaxLookedInto = 200'000;

}  // namespace

Result<CatalogueMatches> CatalogueReader::Find(const CatalogueQuery& query, std::optional<Query> studies) {
  std::map<Level, std::vector<Query>> conditions;
  if (studies && query.level == Level::kPatient) {
    conditions[Level::kPatient].push_back(
        MakeQuery(ReferredToBy{CollectionOf(Level::kStudy), kPatientOfStudy, MakeQueryPtr(std::move(studies->node))}));
  } else if (studies) {
    conditions[Level::kStudy].push_back(*std::move(studies));
  }
  std::vector<AttributeFilter> filters = query.filters;
  for (const auto& [level, date, time, field] : kDateTimes) {
    if (level > query.level) continue;
    HILUM_ASSIGN_OR_RETURN(
        std::optional<Query> condition,
        TakeDateTime(&filters, date, time, field, table_->FindSearchable(query.level, {time})->field));
    if (condition) conditions[level].push_back(*std::move(condition));
  }
  ItemKeys item_keys(*table_);
  for (const AttributeFilter& filter : filters) {
    const CatalogueAttribute* attribute = table_->FindSearchable(query.level, filter.path);
    assert(attribute);
    auto condition = MatchFilter(*attribute, filter.value, query.fuzzy_names);
    if (!condition.ok()) return condition.status().WithContext(dicom::ToString(filter.path.back()));
    if (std::holds_alternative<All>(condition->node)) continue;
    HILUM_RETURN_IF_ERROR(item_keys.Add(*attribute, filter.value, query.fuzzy_names));
    if (attribute->varies && query.level == Level::kInstance)
      conditions[Level::kInstance].push_back(OfInstances(*attribute, *condition));
    else
      conditions[attribute->level].push_back(attribute->varies ? OfSeries(*condition) : *std::move(condition));
  }

  CatalogueMatches matches;
  if (query.study_uid) {
    HILUM_ASSIGN_OR_RETURN(const std::optional<Doc> study, FindStudy(*query.study_uid));
    if (!study) return matches;
    conditions[Level::kStudy].push_back(MakeQuery(DocsIn{{*study}}));
    if (query.series_uid) {
      HILUM_ASSIGN_OR_RETURN(const std::optional<Doc> series, FindSeries(*study, *query.series_uid));
      if (!series) return matches;
      conditions[Level::kSeries].push_back(MakeQuery(DocsIn{{*series}}));
    }
  }

  for (const Level level : item_keys.Levels()) {
    const std::optional<Query> candidates = Assemble(level, &conditions);
    HILUM_ASSIGN_OR_RETURN(std::vector<Doc> met, MetByOneItem(level, *candidates, item_keys));
    conditions.erase(conditions.begin(), conditions.upper_bound(level));  // which these meet
    conditions[level].push_back(MakeQuery(DocsIn{std::move(met)}));
  }

  const CollectionId collection = CollectionOf(query.level);
  std::optional<Query> assembled = Assemble(query.level, &conditions);
  if (!assembled) assembled = MakeQuery(All{});
  HILUM_ASSIGN_OR_RETURN(Bitmap found, index_.Evaluate(collection, *assembled));
  if (query.up_to && query.level <= Level::kStudy) found &= Bitmap::Range(0, uint64_t{*query.up_to} + 1);
  matches.total = found.Count();
  if (matches.total > 0) matches.newest = found.Select(matches.total - 1);
  std::vector<SortKey> sort;
  if (query.level <= Level::kStudy) sort.push_back({kDocOrder, /*descending=*/true});
  HILUM_ASSIGN_OR_RETURN(Page page, index_.Walk(collection, found, sort, std::nullopt, query.offset, query.limit));
  matches.docs = std::move(page.docs);
  return matches;
}

Result<std::vector<Doc>> CatalogueReader::MetByOneItem(Level level, const Query& candidates, const ItemKeys& keys) {
  HILUM_ASSIGN_OR_RETURN(const Bitmap found, index_.Evaluate(CollectionOf(level), candidates));
  if (found.Count() > kMaxLookedInto)
    return LimitExceeded("several keys of one sequence fit " + std::to_string(found.Count()) + " of its documents, " +
                         std::to_string(kMaxLookedInto) + " can be looked into: add a key");
  std::vector<Doc> met;
  for (const Doc doc : found.ToVector()) {
    HILUM_ASSIGN_OR_RETURN(const KeptAttributes kept, AttributesOf(level, doc));
    if (keys.AreMetBy(level, kept)) met.push_back(doc);
  }
  return met;
}

Result<KeptAttributes> CatalogueReader::AttributesOf(Level level, Doc doc) const {
  const auto take = [](auto row) -> Result<KeptAttributes> {
    if (!row.ok()) return row.status();
    return std::move(row->attributes);
  };
  switch (level) {
    case Level::kPatient:
      return take(Patient(doc));
    case Level::kStudy:
      return take(Study(doc));
    case Level::kSeries:
      return take(Series(doc));
    case Level::kInstance:
      break;
  }
  return take(Instance(doc));
}

Status CatalogueReader::ReadMatch(Level level, Doc doc, CatalogueMatch* match) const {
  if (level == Level::kPatient) {
    HILUM_ASSIGN_OR_RETURN(match->patient, Patient(doc));
    return Status::Ok();
  }
  if (level == Level::kStudy) {
    HILUM_ASSIGN_OR_RETURN(match->study, Study(doc));
    return Status::Ok();
  }
  const std::optional<Doc> study_before = match->series ? std::optional(match->series->study) : std::nullopt;
  const std::optional<Doc> series_before = match->instance ? std::optional(match->instance->series) : std::nullopt;
  Doc series = doc;
  if (level == Level::kInstance) {
    HILUM_ASSIGN_OR_RETURN(match->instance, Instance(doc));
    series = match->instance->series;
  }
  if (series != series_before) {
    HILUM_ASSIGN_OR_RETURN(match->series, Series(series));
  }
  if (match->series->study != study_before) {
    HILUM_ASSIGN_OR_RETURN(match->study, Study(match->series->study));
  }
  return Status::Ok();
}

}  // namespace hilum::storage
