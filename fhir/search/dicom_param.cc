#include "fhir/search/dicom_param.h"

#include <set>

#include "codecs/dicom/tag_path.h"
#include "fhir/search/build.h"
#include "fhir/search/extract.h"
#include "fhir/search/search_value.h"
#include "storage/catalogue/attribute_values.h"
#include "storage/catalogue/match.h"

namespace hilum::fhir {
namespace {

using storage::CatalogueAttribute;
using storage::Level;
using storage::Matching;
using storage::Query;
using Matched = Result<std::optional<Query>>;

constexpr std::string_view kPrefix = "dicom-", kSeriesParam = "dicom-series", kInstanceParam = "dicom-instance";

// Times are special: FHIR has no parameters of times, so they have DICOM's form.
SearchType TypeOf(Matching matching) {
  switch (matching) {
    case Matching::kText:
    case Matching::kName:
      return SearchType::kString;
    case Matching::kDate:
    case Matching::kDateTime:
      return SearchType::kDate;
    case Matching::kNumber:
    case Matching::kAge:
      return SearchType::kNumber;
    case Matching::kTime:
      return SearchType::kSpecial;
    default:
      return SearchType::kToken;
  }
}

Query Parents(Level children, storage::FieldId reference, Query query) {
  return Own(storage::ReferredToBy{storage::CollectionOf(children), reference, Share(std::move(query))});
}

// From documents of `level` to ImagingStudies.
Query JoinUp(Level level, storage::FieldId images, Query query) {
  if (level == Level::kInstance) query = Parents(Level::kInstance, storage::kSeriesOfInstance, std::move(query));
  if (level >= Level::kSeries) query = Parents(Level::kSeries, storage::kStudyOfSeries, std::move(query));
  return Own(storage::RefersTo{images, storage::CollectionOf(Level::kStudy), Share(std::move(query))});
}

Matched MatchToken(const CatalogueAttribute& attribute, std::string_view value) {
  const auto parts = SplitValue(value, '|');
  if (parts.size() > 2 || parts.back().empty()) return Invalid("expected a code; codes of DICOM have no system");
  std::string code = Unescape(parts.back());
  if (parts.size() == 2 && !parts[0].empty()) return std::optional(NoneOf());
  if (attribute.matching == Matching::kUid && code.starts_with("urn:oid:")) code = code.substr(8);
  if (attribute.matching == Matching::kCode) code = storage::FoldCode(code);
  return std::optional(Own(storage::TokenIs{attribute.field, std::nullopt, std::move(code)}));
}

bool IsDigits(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == text.npos;
}

// DICOM's form has no hyphens within a date: 20260301, 20260301-20260331, 20260301-, -20260331.
bool IsDicomDate(std::string_view value) {
  return value.starts_with('-') || value.ends_with('-') || (value.size() >= 6 && IsDigits(value.substr(0, 6)));
}

// Dates of DICOM have no zone: they are compared as they are written.
Matched MatchDate(const CatalogueAttribute& attribute, std::string_view value, const SearchOptions& options) {
  if (IsDicomDate(value)) {
    HILUM_ASSIGN_OR_RETURN(Query query, storage::MatchValue(attribute, std::string(value), false));
    return std::optional(std::move(query));
  }
  const Prefix prefix = TakePrefix(&value);
  if (IsDicomDate(value)) {
    const bool date_only = attribute.matching == Matching::kDate;
    const auto asked = date_only ? storage::ParseDate(value) : storage::ParseDateTime(value);
    if (!asked) return Invalid("expected one date behind the prefix");
    return std::optional(Own(storage::DateMatch{attribute.field, ComparisonOf(prefix), *asked}));
  }
  HILUM_ASSIGN_OR_RETURN(const storage::DateValue asked, AskedDate(value, prefix, 0, options.now));
  return std::optional(Own(storage::DateMatch{attribute.field, ComparisonOf(prefix), asked}));
}

// In years as a number, or in DICOM's form: 065Y, 018M.
Matched MatchAge(const CatalogueAttribute& attribute, std::string_view value) {
  std::string_view age = value;
  const Prefix prefix = TakePrefix(&age);
  const auto years = storage::ParseAge(age);
  if (!years) return std::optional<Query>();
  return std::optional(
      Own(storage::NumberMatch{attribute.field, ComparisonOf(prefix), storage::NumberValue{*years, *years}}));
}

// Any part of a name, as FHIR has it for HumanName.
Matched MatchName(const CatalogueAttribute& attribute, std::string_view value) {
  const std::string text = Unescape(value);
  if (text.find_first_of(" ^=,") != text.npos) return std::optional<Query>();
  return std::optional(Own(storage::StringMatch{attribute.field, storage::StringMatch::How::kWordPrefix, text}));
}

Matched Match(const CatalogueAttribute& attribute, std::string_view value, const SearchOptions& options) {
  switch (attribute.matching) {
    case Matching::kCode:
    case Matching::kUid:
      return MatchToken(attribute, value);
    case Matching::kDate:
    case Matching::kDateTime:
      return MatchDate(attribute, value, options);
    case Matching::kTime: {
      HILUM_ASSIGN_OR_RETURN(Query query, storage::MatchTime(attribute.field, Unescape(value)));
      return std::optional(std::move(query));
    }
    case Matching::kAge:
      return MatchAge(attribute, value);
    case Matching::kName:
      return MatchName(attribute, value);
    default:
      return std::optional<Query>();
  }
}

// The same where nobody else reads values of the usual form.
Result<Query> MatchWhole(const CatalogueAttribute& attribute, std::string_view value, const SearchOptions& options) {
  HILUM_ASSIGN_OR_RETURN(std::optional<Query> special, Match(attribute, value, options));
  if (special) return *std::move(special);
  if (TypeOf(attribute.matching) == SearchType::kString)
    return Own(storage::StringMatch{attribute.field, storage::StringMatch::How::kPrefix, Unescape(value)});
  const Prefix prefix = TakePrefix(&value);
  HILUM_ASSIGN_OR_RETURN(const storage::NumberValue asked, AskedNumber(value, prefix));
  return Own(storage::NumberMatch{attribute.field, ComparisonOf(prefix), asked});
}

// Documents of `level`, series or instances, by an attribute that they, their series or one of their instances have.
Result<Query> Beside(Level level, const CatalogueAttribute& attribute, Query query) {
  if (attribute.varies)
    return level == Level::kSeries ? storage::OfSeries(query) : storage::OfInstances(attribute, query);
  if (attribute.level == level) return query;
  if (attribute.level == Level::kInstance)
    return Parents(Level::kInstance, storage::kSeriesOfInstance, std::move(query));
  if (attribute.level == Level::kSeries)
    return Own(
        storage::RefersTo{storage::kSeriesOfInstance, storage::CollectionOf(Level::kSeries), Share(std::move(query))});
  return Invalid(dicom::KeywordPath(attribute.path) + " is an attribute of the study: ask for it by itself, as " +
                 std::string(kPrefix) + dicom::KeywordPath(attribute.path));
}

// Attribute$value$attribute$value: all of one and the same series or instance.
Matched MatchTogether(const storage::AttributeTable& table, storage::FieldId images, Level level,
                      std::string_view value, const SearchOptions& options) {
  const auto parts = SplitValue(value, '$');
  if (parts.size() % 2 != 0) return Invalid("expected attributes and values in turn, with '$' between them");
  std::vector<Query> all;
  for (size_t i = 0; i < parts.size(); i += 2) {
    const auto path = dicom::ParseTagPath(parts[i]);
    const CatalogueAttribute* attribute = path ? table.FindSearchable(Level::kInstance, *path) : nullptr;
    if (attribute == nullptr)
      return Invalid("'" + std::string(parts[i].substr(0, 64)) + "' is no DICOM attribute that is searched by");
    HILUM_ASSIGN_OR_RETURN(Query query, MatchWhole(*attribute, parts[i + 1], options));
    HILUM_ASSIGN_OR_RETURN(query, Beside(level, *attribute, std::move(query)));
    all.push_back(std::move(query));
  }
  return std::optional(JoinUp(level, images, AllOf(std::move(all))));
}

CustomParam TogetherParam(const storage::AttributeTable& table, storage::FieldId images, Level level) {
  const bool series = level == Level::kSeries;
  CustomParam param{.field = images, .type = SearchType::kSpecial};
  param.match = [&table, images, level](std::string_view value, const SearchOptions& options) {
    return MatchTogether(table, images, level, value, options);
  };
  param.name = series ? kSeriesParam : kInstanceParam;
  param.description = std::string("DICOM attributes of one and the same ") + (series ? "series" : "instance") +
                      ": attribute$value$attribute$value";
  return param;
}

CustomParam ParamOf(const CatalogueAttribute& attribute, storage::FieldId images, std::string name) {
  CustomParam param{.field = attribute.field, .type = TypeOf(attribute.matching)};
  param.join = [attribute, images](Query query) {
    if (attribute.varies) query = storage::OfSeries(query);
    return JoinUp(attribute.level, images, std::move(query));
  };
  param.match = [attribute](std::string_view value, const SearchOptions& options) {
    return Match(attribute, value, options);
  };
  const bool series = attribute.level == Level::kSeries, instance = attribute.level == Level::kInstance;
  param.description = "DICOM attribute of the " + std::string(instance ? "instances" : series ? "series" : "study");
  param.name = std::move(name);
  return param;
}

}  // namespace

std::optional<CustomParam> DicomParam(const storage::AttributeTable& table, storage::FieldId images,
                                      std::string_view code) {
  if (!code.starts_with(kPrefix)) return std::nullopt;
  if (code == kSeriesParam) return TogetherParam(table, images, Level::kSeries);
  if (code == kInstanceParam) return TogetherParam(table, images, Level::kInstance);
  const auto path = dicom::ParseTagPath(code.substr(kPrefix.size()));
  const CatalogueAttribute* attribute = path ? table.FindSearchable(Level::kInstance, *path) : nullptr;
  if (!attribute || attribute->level == Level::kPatient) return std::nullopt;
  return ParamOf(*attribute, images, std::string(code));
}

std::vector<CustomParam> DicomParams(const storage::AttributeTable& table, storage::FieldId images) {
  std::vector<CustomParam> params = {TogetherParam(table, images, Level::kSeries),
                                     TogetherParam(table, images, Level::kInstance)};
  std::set<dicom::TagPath> seen;
  for (const CatalogueAttribute& one : table.all()) {
    const CatalogueAttribute* attribute = table.FindSearchable(Level::kInstance, one.path);
    if (!attribute || attribute->level == Level::kPatient || !seen.insert(one.path).second) continue;
    params.push_back(ParamOf(*attribute, images, std::string(kPrefix) + dicom::KeywordPath(one.path)));
  }
  return params;
}

}  // namespace hilum::fhir
