#include "server/dicomweb/search_request.h"

#include <algorithm>
#include <optional>

#include "base/text.h"
#include "codecs/dicom/tag_path.h"
#include "codecs/multipart/media_type.h"

namespace hilum::dicomweb {
namespace {

using storage::CatalogueQuery;
using storage::Level;

constexpr size_t kMaxIncludedFields = 100;

Result<uint64_t> ParseCount(std::string_view name, std::string_view value) {
  const std::optional<uint64_t> number = ParseDecimal(value);
  if (!number) return Invalid(std::string(name) + " must be a number from 0 on");
  return *number;
}

Level LevelOf(const Resource& resource) {
  switch (resource.what) {
    case Resource::What::kPatients:
      return Level::kPatient;
    case Resource::What::kSeries:
      return Level::kSeries;
    case Resource::What::kInstances:
      return Level::kInstance;
    default:
      return Level::kStudy;
  }
}

// "all", or attributes parted by commas. Of a path the whole top-level sequence is returned.
Status ParseIncludeField(std::string_view value, SearchRequest* search) {
  while (true) {
    const size_t end = value.find(',');
    const std::string_view field = value.substr(0, end);
    if (EqualsIgnoringCase(field, "all")) {
      search->parents = search->all = true;
    } else if (const auto path = dicom::ParseTagPath(field)) {
      if (search->asked_for.size() == kMaxIncludedFields)
        return LimitExceeded("includefield names more than " + std::to_string(kMaxIncludedFields) + " attributes");
      search->asked_for.push_back(path->front());
    } else if (!field.empty()) {
      search->warnings.push_back("includefield " + http::PercentEncode(field.substr(0, 64)) +
                                 " is no attribute and was ignored");
    }
    if (end == std::string_view::npos) return Status::Ok();
    value.remove_prefix(end + 1);
  }
}

Status Ignore(const std::string& problem, bool strict, SearchRequest* search) {
  if (strict) return Invalid(problem);
  search->warnings.push_back(problem + " and was ignored");
  return Status::Ok();
}

// PS3.18 8.3.3.2: names parted by commas, each with a weight perhaps; those of DICOM may be quoted.
bool NamesUtf8(std::string_view character_sets) {
  return std::ranges::any_of(Split(character_sets, ","), [](std::string_view entry) {
    const std::string_view name = Trimmed(entry.substr(0, entry.find(';')));
    return EqualsIgnoringCase(name, "utf-8") || name == "ISO_IR 192" || name == "\"ISO_IR 192\"";
  });
}

Status ParseFilter(const storage::AttributeTable& table, const std::string& name, const std::string& value, bool strict,
                   SearchRequest* search) {
  const std::optional<dicom::TagPath> path = dicom::ParseTagPath(name);
  if (path && table.FindSearchable(search->query.level, *path)) {
    search->query.filters.push_back({*path, value});
    search->matched.push_back(path->front());
    return Status::Ok();
  }
  const std::string shown = http::PercentEncode(std::string_view(name).substr(0, 64));
  const std::string problem =
      path ? "searching by " + shown + " is not possible here" : "the parameter " + shown + " is unknown";
  return Ignore(problem, strict, search);
}

}  // namespace

Result<SearchRequest> ParseSearch(const storage::AttributeTable& table, const Resource& resource,
                                  const QueryParameters& parameters, const ServiceOptions& options) {
  SearchRequest search;
  CatalogueQuery& query = search.query;
  query.level = LevelOf(resource);
  query.study_uid = resource.study;
  query.series_uid = resource.series;
  query.limit = options.search_default_limit;
  // What the path names need not be said again in every row.
  search.parents =
      (query.level == Level::kSeries && !resource.study) || (query.level == Level::kInstance && !resource.series);

  for (const auto& [name, value] : parameters) {
    if (name == "limit") {
      HILUM_ASSIGN_OR_RETURN(const uint64_t limit, ParseCount(name, value));
      if (limit > options.search_max_limit)
        search.warnings.push_back("limit is at most " + std::to_string(options.search_max_limit) +
                                  "; ask for the rest with offset");
      query.limit = static_cast<size_t>(std::min<uint64_t>(limit, options.search_max_limit));
    } else if (name == "offset") {
      HILUM_ASSIGN_OR_RETURN(query.offset, ParseCount(name, value));
    } else if (name == "fhir") {
      search.records.push_back(value);
    } else if (name == "fuzzymatching") {
      query.fuzzy_names = EqualsIgnoringCase(value, "true");
      if (!query.fuzzy_names && !EqualsIgnoringCase(value, "false"))
        return Invalid("fuzzymatching: '" + value.substr(0, 64) + "' is neither true nor false");
    } else if (name == "includefield") {
      HILUM_RETURN_IF_ERROR(ParseIncludeField(value, &search));
    } else if (name == "charset") {
      if (!value.empty() && !NamesUtf8(value))
        HILUM_RETURN_IF_ERROR(
            Ignore("charset does not name UTF-8 (all answers are in it)", options.search_strict, &search));
    } else if (!EqualsIgnoringCase(name, "accept")) {
      HILUM_RETURN_IF_ERROR(ParseFilter(table, name, value, options.search_strict, &search));
    }
  }
  return search;
}

}  // namespace hilum::dicomweb
