#include "server/dicomweb/extended_tags.h"

#include "base/json_text.h"
#include "base/text.h"
#include "base/time_text.h"
#include "codecs/dicom/tag_path.h"
#include "codecs/multipart/media_type.h"
#include "fhir/json/document.h"
#include "server/dicomweb/refusal.h"

namespace hilum::dicomweb {
namespace {

using storage::ExtendedTag;
using storage::Level;
using storage::NewTag;

constexpr std::string_view kTags = "/extendedquerytags", kOperations = "/operations/", kErrors = "/errors";
constexpr uint64_t kMaxBodyBytes = 256 * 1024;
constexpr uint64_t kDefaultLimit = 100, kMaxLimit = 200;

constexpr std::pair<Level, std::string_view> kLevels[] = {
    {Level::kStudy, "Study"}, {Level::kSeries, "Series"}, {Level::kInstance, "Instance"}};

std::string_view NameOf(Level level) {
  for (const auto& [known, name] : kLevels)
    if (known == level) return name;
  return "";
}

std::string_view NameOf(storage::TagStatus status) {
  switch (status) {
    case storage::TagStatus::kAdding:
      return "Adding";
    case storage::TagStatus::kReady:
      return "Ready";
    case storage::TagStatus::kDeleting:
      break;
  }
  return "Deleting";
}

std::string_view NameOf(storage::OperationStatus status) {
  switch (status) {
    case storage::OperationStatus::kNotStarted:
      return "NotStarted";
    case storage::OperationStatus::kRunning:
      return "Running";
    case storage::OperationStatus::kCompleted:
      break;
  }
  return "Completed";
}

// One object, or a list of them, member by member.
class JsonWriter {
 public:
  JsonWriter& Add(std::string_view name, std::string_view text) {
    Name(name);
    AppendJsonString(text, &out_);
    return *this;
  }
  JsonWriter& AddRaw(std::string_view name, std::string_view json) {
    Name(name);
    out_.append(json);
    return *this;
  }
  std::string Take() { return out_ + "}"; }

 private:
  void Name(std::string_view name) { out_.append(out_.size() > 1 ? ",\"" : "\"").append(name).append("\":"); }
  std::string out_ = "{";
};

template <typename T, typename F>
std::string JsonList(const std::vector<T>& items, F&& json_of) {
  std::string out = "[";
  for (const T& item : items) out.append(out.size() > 1 ? "," : "").append(json_of(item));
  return out + "]";
}

// Azure's clients write property names in either case.
fhir::json::MaybeValue Member(fhir::json::Value object, std::string_view name) {
  if (!object.is_object()) return {};
  for (const fhir::json::Value child : object.children())
    if (EqualsIgnoringCase(child.key(), name)) return child;
  return {};
}

Result<dicom::TagPath> ParsePath(std::string_view text) {
  const auto path = dicom::ParseTagPath(text);
  if (!path)
    return Invalid("'" + http::PercentEncode(text.substr(0, 64)) +
                   "' is no path of tags (00181120) or keywords (GantryDetectorTilt) with dots between them");
  return *path;
}

Result<NewTag> ParseTag(fhir::json::Value json) {
  NewTag tag;
  HILUM_ASSIGN_OR_RETURN(tag.path, ParsePath(Member(json, "path").TextOr("")));
  const std::string_view level = Member(json, "level").TextOr("");
  bool known = false;
  for (const auto& [one, name] : kLevels) {
    if (!EqualsIgnoringCase(level, name)) continue;
    tag.level = one;
    known = true;
  }
  if (!known) return Invalid(storage::PathText(tag.path) + ": the level is Study, Series or Instance");
  const std::string vr = Upper(Member(json, "vr").TextOr(""));
  if (!vr.empty() && vr.size() != 2) return Invalid(storage::PathText(tag.path) + ": a VR has two letters");
  if (!vr.empty()) tag.vr = dicom::Vr(vr[0], vr[1]);
  tag.private_creator = Member(json, "privateCreator").TextOr("");
  return tag;
}

Result<std::vector<NewTag>> ParseTags(std::string body) {
  HILUM_ASSIGN_OR_RETURN(const fhir::json::Document document, fhir::json::Document::Parse(std::move(body)));
  if (!document.root().is_array())
    return Invalid("the body is a list of tags: [{\"Path\":\"00181120\",\"Level\":\"Series\"}]");
  std::vector<NewTag> tags;
  for (const fhir::json::Value item : document.root().children()) {
    HILUM_ASSIGN_OR_RETURN(tags.emplace_back(), ParseTag(item));
    if (tags.size() > storage::kMaxExtendedTags) return LimitExceeded("too many tags in one request");
  }
  return tags;
}

struct Window {
  uint64_t offset = 0, limit = kDefaultLimit;
};

Result<Window> ParseWindow(const http::Request& request) {
  HILUM_ASSIGN_OR_RETURN(const auto parameters, http::ParseQuery(request.query));
  Window window;
  for (const auto& [name, value] : parameters) {
    if (name != "limit" && name != "offset") continue;
    const std::optional<uint64_t> number = ParseDecimal(value);
    if (!number) return Invalid(name + " must be a number from 0 on");
    (name == "limit" ? window.limit : window.offset) = *number;
  }
  if (window.limit < 1 || window.limit > kMaxLimit)
    return Invalid("limit is between 1 and " + std::to_string(kMaxLimit));
  return window;
}

Status SendJson(http::Responder& responder, int status, const std::string& body, http::Headers headers = {}) {
  headers.Set("Content-Type", "application/json");
  headers.Set("Cache-Control", "no-store");
  return responder.Send(status, std::move(headers), body);
}

Status NotAllowed(http::Request& request, http::Responder& responder, const TagResource& resource) {
  const std::string allow(resource.methods);
  if (request.method == "OPTIONS") return responder.Send(204, {{"Allow", allow}}, "");
  return SendError(responder, request, 405, request.method + " is not possible here", {{"Allow", allow}});
}

std::string Reference(const std::string& base, std::string_view id) {
  return JsonWriter().Add("id", id).Add("href", base + std::string(kOperations) + std::string(id)).Take();
}

}  // namespace

ExtendedTagRoutes::ExtendedTagRoutes(storage::ExtendedTags& tags, std::string root)
    : tags_(tags), root_(std::move(root)) {
  route_ = {kMaxBodyBytes, false,
            [this](http::Request& request, http::Responder& responder) { Handle(request, responder); }};
}

const http::Route* ExtendedTagRoutes::FindRoute(std::string_view path) const {
  if (!path.starts_with(root_)) return nullptr;
  path.remove_prefix(root_.size());
  const bool tags = path == kTags || (path.starts_with(kTags) && path[kTags.size()] == '/');
  return tags || path.starts_with(kOperations) ? &route_ : nullptr;
}

void ExtendedTagRoutes::Handle(http::Request& request, http::Responder& responder) {
  const Status status = Dispatch(request, responder);
  if (!status.ok()) AnswerFailure(request, status, responder);
}

Status ExtendedTagRoutes::Dispatch(http::Request& request, http::Responder& responder) {
  HILUM_ASSIGN_OR_RETURN(const std::string decoded,
                         http::PercentDecode(std::string_view(request.path).substr(root_.size())));
  std::string_view path = decoded;
  if (path.starts_with(kOperations)) return Operation(request, std::string(path.substr(kOperations.size())), responder);
  path.remove_prefix(kTags.size());
  while (path.ends_with('/')) path.remove_suffix(1);
  if (path.empty()) return All(request, responder);
  path.remove_prefix(1);
  if (!path.ends_with(kErrors)) return One(request, path, responder);
  path.remove_suffix(kErrors.size());
  return Errors(request, path, responder);
}

Status ExtendedTagRoutes::All(http::Request& request, http::Responder& responder) {
  const std::string base = request.base_url + root_;
  if (request.method == "POST") {
    HILUM_ASSIGN_OR_RETURN(std::string body, http::ReadAll(*request.body, kMaxBodyBytes));
    HILUM_ASSIGN_OR_RETURN(const std::vector<NewTag> tags, ParseTags(std::move(body)));
    HILUM_ASSIGN_OR_RETURN(const storage::TagOperation operation, tags_.Add(tags));
    return SendJson(responder, 202, Reference(base, operation.id),
                    {{"Location", base + std::string(kOperations) + operation.id}});
  }
  if (request.method != "GET" && request.method != "HEAD") return NotAllowed(request, responder, kAllTags);
  HILUM_ASSIGN_OR_RETURN(const Window window, ParseWindow(request));
  HILUM_ASSIGN_OR_RETURN(std::vector<ExtendedTag> tags, tags_.List());
  tags.erase(tags.begin(), tags.begin() + static_cast<ptrdiff_t>(std::min<uint64_t>(window.offset, tags.size())));
  if (tags.size() > window.limit) tags.resize(window.limit);
  return SendJson(responder, 200, JsonList(tags, [&](const ExtendedTag& tag) { return TagJson(tag, base); }));
}

Status ExtendedTagRoutes::One(http::Request& request, std::string_view name, http::Responder& responder) {
  HILUM_ASSIGN_OR_RETURN(const dicom::TagPath path, ParsePath(name));
  const std::string base = request.base_url + root_;
  if (request.method == "DELETE") {
    HILUM_RETURN_IF_ERROR(tags_.Remove(path));
    return responder.Send(204, {}, "");
  }
  if (request.method == "PATCH") {
    HILUM_ASSIGN_OR_RETURN(std::string body, http::ReadAll(*request.body, kMaxBodyBytes));
    HILUM_ASSIGN_OR_RETURN(const auto document, fhir::json::Document::Parse(std::move(body)));
    const std::string_view wanted = Member(document.root(), "queryStatus").TextOr("");
    const bool enabled = EqualsIgnoringCase(wanted, "Enabled");
    if (!enabled && !EqualsIgnoringCase(wanted, "Disabled"))
      return Invalid("the body is {\"QueryStatus\":\"Enabled\"} or {\"QueryStatus\":\"Disabled\"}");
    HILUM_ASSIGN_OR_RETURN(const ExtendedTag tag, tags_.SetEnabled(path, enabled));
    return SendJson(responder, 200, TagJson(tag, base));
  }
  if (request.method != "GET" && request.method != "HEAD") return NotAllowed(request, responder, kOneTag);
  HILUM_ASSIGN_OR_RETURN(const ExtendedTag tag, tags_.Get(path));
  return SendJson(responder, 200, TagJson(tag, base));
}

Status ExtendedTagRoutes::Errors(http::Request& request, std::string_view name, http::Responder& responder) {
  if (request.method != "GET" && request.method != "HEAD") return NotAllowed(request, responder, kTagErrors);
  HILUM_ASSIGN_OR_RETURN(const dicom::TagPath path, ParsePath(name));
  HILUM_ASSIGN_OR_RETURN(const Window window, ParseWindow(request));
  HILUM_ASSIGN_OR_RETURN(const auto errors, tags_.Errors(path, window.offset, window.limit));
  return SendJson(responder, 200, JsonList(errors, [](const storage::TagError& error) {
                    return JsonWriter()
                        .Add("studyInstanceUid", error.name.study_uid)
                        .Add("seriesInstanceUid", error.name.series_uid)
                        .Add("sopInstanceUid", error.name.sop_uid)
                        .Add("createdTime", TimestampText(Micros(error.time_micros), Fraction::kMicros))
                        .Add("errorMessage", error.message)
                        .Take();
                  }));
}

Status ExtendedTagRoutes::Operation(http::Request& request, const std::string& id, http::Responder& responder) {
  if (request.method != "GET" && request.method != "HEAD") return NotAllowed(request, responder, kTagOperation);
  HILUM_ASSIGN_OR_RETURN(const storage::TagOperation operation, tags_.Operation(id));
  const std::string base = request.base_url + root_;
  const std::string resources = JsonList(operation.tags, [&](const dicom::TagPath& path) {
    std::string quoted;
    AppendJsonString(base + std::string(kTags) + "/" + storage::PathText(path), &quoted);
    return quoted;
  });
  const bool done = operation.status == storage::OperationStatus::kCompleted;
  return SendJson(responder, done ? 200 : 202,
                  JsonWriter()
                      .Add("operationId", operation.id)
                      .Add("type", "Reindex")
                      .Add("createdTime", TimestampText(Micros(operation.created_micros), Fraction::kMicros))
                      .Add("lastUpdatedTime", TimestampText(Micros(operation.updated_micros), Fraction::kMicros))
                      .Add("status", NameOf(operation.status))
                      .AddRaw("percentComplete", std::to_string(operation.percent()))
                      .AddRaw("resources", resources)
                      .Take());
}

std::string ExtendedTagRoutes::TagJson(const ExtendedTag& tag, const std::string& base) const {
  const std::string path = storage::PathText(tag.path);
  JsonWriter json;
  json.Add("path", path).Add("vr", tag.vr.text());
  if (!tag.private_creator.empty()) json.Add("privateCreator", tag.private_creator);
  json.Add("level", NameOf(tag.level)).Add("status", NameOf(tag.status));
  json.Add("queryStatus", tag.enabled ? "Enabled" : "Disabled");
  if (tag.errors > 0)
    json.AddRaw("errors", JsonWriter()
                              .AddRaw("count", std::to_string(tag.errors))
                              .Add("href", base + std::string(kTags) + "/" + path + std::string(kErrors))
                              .Take());
  if (!tag.operation.empty()) json.AddRaw("operation", Reference(base, tag.operation));
  return json.Take();
}

}  // namespace hilum::dicomweb
