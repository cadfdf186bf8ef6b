#include "server/dicomweb/resource.h"

#include "base/text.h"
#include "base/uid.h"
#include "server/http/http.h"

namespace hilum::dicomweb {
namespace {

constexpr size_t kMaxFrames = 100'000;

Result<std::string> ParseUid(std::string_view what, std::string_view segment) {
  HILUM_ASSIGN_OR_RETURN(std::string uid, http::PercentDecode(segment));
  if (!IsStorableUid(uid))
    return Invalid("the " + std::string(what) + " in the path is not a UID: digits and dots, at most 64");
  return uid;
}

// A number from 1 on; 0: it is none.
uint32_t ParseFrame(std::string_view text) {
  return ParseDecimal<uint32_t>(text).value_or(0);
}

// "7", "1,3,5", "1-3,5": in the order they are asked for.
Result<std::vector<uint32_t>> ParseFrames(std::string_view segment) {
  HILUM_ASSIGN_OR_RETURN(const std::string list, http::PercentDecode(segment));
  std::vector<uint32_t> frames;
  for (const std::string_view part : Split(list, ",")) {
    const size_t hyphen = part.find('-');
    const uint32_t first = ParseFrame(part.substr(0, hyphen));
    const uint32_t last = hyphen == part.npos ? first : ParseFrame(part.substr(hyphen + 1));
    if (first == 0 || last < first)
      return Invalid("the frame list must hold numbers from 1 on or ranges of them (1-3,5), parted by commas");
    if (last - first >= kMaxFrames - frames.size())
      return LimitExceeded("more than " + std::to_string(kMaxFrames) + " frames in one request");
    for (uint64_t frame = first; frame <= last; ++frame) frames.push_back(static_cast<uint32_t>(frame));
  }
  return frames;
}

}  // namespace

std::string Resource::Allow() const {
  switch (what) {
    case What::kStudies:
      return "GET, HEAD, POST, OPTIONS";
    case What::kObject:
      return study && !series ? "GET, HEAD, POST, DELETE, OPTIONS" : "GET, HEAD, DELETE, OPTIONS";
    default:
      return "GET, HEAD, OPTIONS";
  }
}

Resource ExampleOf(std::string_view pattern) {
  std::string path;
  for (bool in_name = false; const char c : pattern) {
    if (c == '{') path.push_back('1');
    in_name = c == '{' || (in_name && c != '}');
    if (!in_name && c != '}') path.push_back(c);
  }
  Result<Resource> resource = ParseResource(path);
  return resource.ok() ? *std::move(resource) : Resource();
}

Result<Resource> ParseResource(std::string_view path) {
  using What = Resource::What;
  const Status unknown = NotFound("there is no such DICOMweb resource");
  unknown.IgnoreError();
  Resource resource;
  if (path.empty() || path == "/") {
    resource.what = What::kRoot;
    return resource;
  }
  if (path[0] != '/') return unknown;
  while (path.size() > 1 && path.back() == '/') path.remove_suffix(1);
  const std::vector<std::string_view> parts = Split(path.substr(1), "/");
  if (parts.size() == 1) {
    if (parts[0] == "studies")
      resource.what = What::kStudies;
    else if (parts[0] == "patients")
      resource.what = What::kPatients;
    else if (parts[0] == "series")
      resource.what = What::kSeries;
    else if (parts[0] == "instances")
      resource.what = What::kInstances;
    else if (parts[0] == "changefeed")
      resource.what = What::kChangeFeed;
    else
      return unknown;
    return resource;
  }
  if (parts[0] == "changefeed" && parts[1] == "latest" && parts.size() == 2) {
    resource.what = What::kLatestChange;
    return resource;
  }

  size_t at = 0;
  const auto next = [&](std::string_view name) { return at < parts.size() && parts[at] == name; };
  const auto uid = [&](std::string_view what, std::optional<std::string>* out) -> Status {
    HILUM_ASSIGN_OR_RETURN(*out, ParseUid(what, parts[at + 1]));
    at += 2;
    return Status::Ok();
  };
  if (!next("studies")) return unknown;
  HILUM_RETURN_IF_ERROR(uid("Study Instance UID", &resource.study));
  if (next("series") && at + 1 < parts.size()) {
    HILUM_RETURN_IF_ERROR(uid("Series Instance UID", &resource.series));
    if (next("instances") && at + 1 < parts.size()) HILUM_RETURN_IF_ERROR(uid("SOP Instance UID", &resource.instance));
  }

  if (at == parts.size()) {
    resource.what = What::kObject;
  } else if (next("metadata") && at + 1 == parts.size()) {
    resource.what = What::kMetadata;
  } else if (next("series") && at + 1 == parts.size() && !resource.series) {
    resource.what = What::kSeries;
  } else if (next("instances") && at + 1 == parts.size() && !resource.instance) {
    resource.what = What::kInstances;
  } else if (next("rendered") && at + 1 == parts.size()) {
    resource.what = What::kRendered;
  } else if (next("thumbnail") && at + 1 == parts.size()) {
    resource.what = What::kThumbnail;
  } else if (next("pixeldata") && at + 1 == parts.size()) {
    resource.what = resource.instance ? What::kFrames : What::kPixelData;
  } else if (next("bulkdata") && at + 1 == parts.size()) {
    resource.what = What::kAllBulkData;
  } else if (next("frames") && at + 1 < parts.size() && at + 3 >= parts.size() && resource.instance) {
    HILUM_ASSIGN_OR_RETURN(resource.frames, ParseFrames(parts[at + 1]));
    resource.what = What::kFrames;
    if (at + 3 == parts.size()) {
      if (parts[at + 2] == "rendered")
        resource.what = What::kRendered;
      else if (parts[at + 2] == "thumbnail")
        resource.what = What::kThumbnail;
      else
        return unknown;
    }
  } else if (next("bulkdata") && at + 1 < parts.size() && resource.instance) {
    resource.what = What::kBulkData;
    for (++at; at < parts.size(); ++at) {
      if (parts[at].size() > 10) return unknown;
      if (!resource.bulk_data.empty()) resource.bulk_data.push_back('/');
      resource.bulk_data += Upper(parts[at]);
    }
  } else {
    return unknown;
  }
  return resource;
}

}  // namespace hilum::dicomweb
