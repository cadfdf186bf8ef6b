#include "fhir/interactions/bundle_text.h"

#include "base/json_text.h"
#include "fhir/store/store.h"

namespace hilum::fhir {
namespace {

// Only servers give ids of this form: those of stores that wrote every first version as created tell which it was.
bool IsGivenByServer(std::string_view id) {
  return id.size() == 36 && id[8] == '-' && id[13] == '-' && id[18] == '-' && id[23] == '-';
}

bool IsPosted(const Version& version) {
  return version.method == Method::kCreate && version.number == 1 && IsGivenByServer(version.id);
}

std::string_view VerbOf(const Version& version) {
  switch (version.method) {
    case Method::kCreate:
      return IsPosted(version) ? "POST" : "PUT";
    case Method::kUpdate:
      return "PUT";
    case Method::kDelete:
      return "DELETE";
    case Method::kPatch:
      return "PATCH";
  }
  return "PUT";
}

std::string_view StatusOf(const Version& version) {
  if (version.deleted()) return "204";
  return version.number == 1 || version.method == Method::kCreate ? "201" : "200";
}

}  // namespace

void BundleText::AddLink(std::string_view relation, std::string_view url) {
  if (!links_.empty()) links_.push_back(',');
  links_.append("{\"relation\":\"").append(relation).append("\",\"url\":");
  AppendJsonString(url, &links_);
  links_.push_back('}');
}

void BundleText::BeginEntry() {
  entries_.append(entries_.empty() ? "{" : ",{");
}

void BundleText::AppendFullUrl(const Version& version) {
  entries_.append("\"fullUrl\":");
  AppendJsonString(std::string(base_url_) + "/" + std::string(TypeOf(version.type).name) + "/" + version.id, &entries_);
}

Result<size_t> BundleText::AddResults(ResourceReader& reader, const std::vector<Row>& rows, size_t max_bytes) {
  const size_t begin = entries_.size();
  size_t added = 0;
  for (; added < rows.size() && entries_.size() - begin < max_bytes; ++added) {
    const Row& row = rows[added];
    HILUM_ASSIGN_OR_RETURN(const auto version, reader.Newest(row.type, row.doc, form()));
    if (!version || version->deleted()) return Corruption("the index has a resource that is not stored");
    HILUM_RETURN_IF_ERROR(AddResult(*version, row.mode));
  }
  return added;
}

Status BundleText::AddResult(const Version& version, std::string_view mode) {
  HILUM_ASSIGN_OR_RETURN(const std::string resource, Subset(version.bytes, shape_));
  BeginEntry();
  AppendFullUrl(version);
  entries_.append(",\"resource\":").append(resource).append(",\"search\":{\"mode\":\"").append(mode).append("\"}}");
  return Status::Ok();
}

Status BundleText::AddHistory(const Version& version) {
  const std::string type(TypeOf(version.type).name);
  BeginEntry();
  AppendFullUrl(version);
  if (!version.deleted()) {
    HILUM_ASSIGN_OR_RETURN(const std::string resource, Subset(version.bytes, shape_));
    entries_.append(",\"resource\":").append(resource);
  }
  entries_.append(",\"request\":{\"method\":\"").append(VerbOf(version)).append("\",\"url\":");
  AppendJsonString(IsPosted(version) ? type : type + "/" + version.id, &entries_);
  entries_.append("},\"response\":{\"status\":\"").append(StatusOf(version));
  entries_.append("\",\"etag\":\"W/\\\"").append(std::to_string(version.number));
  entries_.append("\\\"\",\"lastModified\":\"").append(Instant(version.updated_micros)).append("\"}}");
  return Status::Ok();
}

void BundleText::AddOutcome(const std::vector<Issue>& issues) {
  BeginEntry();
  entries_.append("\"resource\":").append(OperationOutcome(issues)).append(",\"search\":{\"mode\":\"outcome\"}}");
}

Result<Answer> BundleText::Finish() const {
  std::string text = "{\"resourceType\":\"Bundle\",\"type\":\"" + std::string(type_) + "\"";
  if (total_) text.append(",\"total\":").append(std::to_string(*total_));
  if (!links_.empty()) text.append(",\"link\":[").append(links_).append("]");
  if (!entries_.empty()) text.append(",\"entry\":[").append(entries_).append("]");
  text.push_back('}');
  if (!shape_.pretty) return Answer{.body = std::move(text)};
  HILUM_ASSIGN_OR_RETURN(std::string pretty, Prettied(std::move(text)));
  return Answer{.body = std::move(pretty)};
}

}  // namespace hilum::fhir
