// QIDO-RS: searching (PS3.18 10.6). This is the grammar; matching is storage/catalogue's.
#include <algorithm>
#include <charconv>
#include <map>

#include "codecs/dicom/json.h"
#include "codecs/multipart/media_type.h"
#include "server/dicomweb/negotiate.h"
#include "server/dicomweb/service.h"

namespace hilum::dicomweb {
namespace {

using storage::CatalogueMatch;
using storage::CatalogueQuery;
using storage::KeptAttributes;
using storage::Level;
namespace t = dicom::tags;

struct SearchRequest {
  CatalogueQuery query;
  bool parents = false;         // return attributes of the levels above, too
  std::vector<std::string> warnings;
};

// "PatientName", "00100010", "RequestAttributesSequence.ScheduledProcedureStepID" (PS3.18 8.3.4.1).
std::optional<dicom::TagPath> ParseAttributePath(std::string_view text) {
  dicom::TagPath path;
  while (true) {
    const size_t end = text.find('.');
    const std::string_view part = text.substr(0, end);
    if (const auto tag = dicom::ParseHexTag(part)) path.push_back(*tag);
    else if (const dicom::DictionaryEntry* entry = dicom::FindKeyword(part)) path.push_back(entry->tag);
    else return std::nullopt;
    if (end == std::string_view::npos) return path;
    text.remove_prefix(end + 1);
  }
}

Result<uint64_t> ParseCount(std::string_view name, std::string_view value) {
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (error != std::errc() || end != value.data() + value.size()) return Invalid(std::string(name) + " must be a number from 0 on");
  return number;
}

Level LevelOf(const Resource& resource) {
  switch (resource.what) {
    case Resource::What::kSeries: return Level::kSeries;
    case Resource::What::kInstances: return Level::kInstance;
    default: return Level::kStudy;
  }
}

Result<SearchRequest> ParseSearch(const Resource& resource, const QueryParameters& parameters, const ServiceOptions& options) {
  SearchRequest search;
  CatalogueQuery& query = search.query;
  query.level = LevelOf(resource);
  query.study_uid = resource.study;
  query.series_uid = resource.series;
  query.limit = options.search_default_limit;
  // What the path names need not be said again in every row.
  search.parents = (query.level == Level::kSeries && !resource.study) || (query.level == Level::kInstance && !resource.series);

  for (const auto& [name, value] : parameters) {
    if (name == "limit") {
      HILUM_ASSIGN_OR_RETURN(const uint64_t limit, ParseCount(name, value));
      if (limit > options.search_max_limit)
        search.warnings.push_back("limit is at most " + std::to_string(options.search_max_limit) + "; ask for the rest with offset");
      query.limit = static_cast<size_t>(std::min<uint64_t>(limit, options.search_max_limit));
    } else if (name == "offset") {
      HILUM_ASSIGN_OR_RETURN(query.offset, ParseCount(name, value));
    } else if (name == "fuzzymatching") {
      query.fuzzy_names = multipart::EqualsIgnoreCase(value, "true");
    } else if (name == "includefield") {
      // All that the catalogue keeps of a level is returned anyway; the levels above on request.
      search.parents = true;
    } else if (multipart::EqualsIgnoreCase(name, "accept")) {
      continue;
    } else {
      const std::optional<dicom::TagPath> path = ParseAttributePath(name);
      if (!path) search.warnings.push_back("the parameter " + http::PercentEncode(name.substr(0, 64)) + " is unknown and was ignored");
      else if (!storage::FindSearchable(query.level, *path)) search.warnings.push_back("searching by " + http::PercentEncode(name.substr(0, 64)) + " is not possible here and was ignored");
      else query.filters.push_back({*path, value});
    }
  }
  return search;
}

// One answer object: its members in order of tags.
class Members {
 public:
  void Add(dicom::Tag tag, dicom::Vr vr, std::vector<std::string> values) {
    std::string& json = members_[tag];
    json.clear();
    dicom::AppendAttributeJson(vr, values, &json);
  }
  void Add(const KeptAttributes& kept) {
    for (const storage::KeptAttribute& attribute : kept) {
      if (attribute.path.size() != 1) continue;
      if (attribute.vr == dicom::Vr("SQ")) members_[attribute.path[0]] = attribute.json.empty() ? R"({"vr":"SQ"})" : attribute.json;
      else Add(attribute.path[0], attribute.vr, attribute.values);
    }
  }
  void AppendTo(std::string* out) const {
    out->push_back('{');
    bool first = true;
    for (const auto& [tag, json] : members_) {
      if (!first) out->push_back(',');
      first = false;
      out->append("\"").append(dicom::ToHex(tag)).append("\":").append(json);
    }
    out->push_back('}');
  }

 private:
  std::map<dicom::Tag, std::string> members_;
};

std::vector<std::string> Names(const std::map<std::string, uint64_t>& counts) {
  std::vector<std::string> names;
  for (const auto& [name, count] : counts) names.push_back(name);
  return names;
}

void AddStudy(const storage::StudyRow& study, Members* members) {
  members->Add(study.attributes);
  members->Add(t::kModalitiesInStudy, dicom::Vr("CS"), Names(study.modalities));
  members->Add(t::kSopClassesInStudy, dicom::Vr("UI"), Names(study.sop_classes));
  members->Add(t::kNumberOfStudyRelatedSeries, dicom::Vr("IS"), {std::to_string(study.series)});
  members->Add(t::kNumberOfStudyRelatedInstances, dicom::Vr("IS"), {std::to_string(study.instances)});
}

void AppendMatch(const std::string& base, const SearchRequest& search, const CatalogueMatch& match, std::string* out) {
  Members members;
  std::string url = base + "/studies/" + match.study.uid;
  if (search.query.level == Level::kStudy || search.parents) AddStudy(match.study, &members);
  members.Add(t::kStudyInstanceUid, dicom::Vr("UI"), {match.study.uid});
  if (match.series) {
    url += "/series/" + match.series->uid;
    if (search.query.level == Level::kSeries || search.parents) {
      members.Add(match.series->attributes);
      members.Add(t::kNumberOfSeriesRelatedInstances, dicom::Vr("IS"), {std::to_string(match.series->instances)});
    }
    members.Add(t::kSeriesInstanceUid, dicom::Vr("UI"), {match.series->uid});
  }
  if (match.instance) {
    url += "/instances/" + match.instance->uid;
    members.Add(match.instance->attributes);
  }
  members.Add(t::kInstanceAvailability, dicom::Vr("CS"), {"ONLINE"});
  members.Add(t::kRetrieveUrl, dicom::Vr("UR"), {url});
  members.AppendTo(out);
}

}  // namespace

Status Service::Search(http::Request& request, const Resource& resource, const QueryParameters& parameters, http::Responder& responder) {
  if (!Accepted(request, parameters).Json())
    return SendError(responder, request, 406, "search results can be had as application/dicom+json");
  HILUM_ASSIGN_OR_RETURN(const SearchRequest search, ParseSearch(resource, parameters, options_));
  storage::CatalogueReader reader = store_.Read();
  HILUM_ASSIGN_OR_RETURN(const storage::CatalogueMatches matches, reader.Find(search.query));

  const std::string base = BaseUrl(request);
  std::string body = "[";
  for (const CatalogueMatch& match : matches.rows) {
    if (body.size() > 1) body.push_back(',');
    AppendMatch(base, search, match, &body);
  }
  body.push_back(']');
  http::Headers headers = {{"Content-Type", "application/dicom+json"}, {"X-Total-Count", std::to_string(matches.total)}};
  for (const std::string& warning : search.warnings) headers.Add("Warning", "299 hilum \"" + warning + "\"");
  return responder.Send(200, std::move(headers), body);
}

}  // namespace hilum::dicomweb
