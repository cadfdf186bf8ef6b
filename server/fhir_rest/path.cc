#include "server/fhir_rest/path.h"

#include <algorithm>

#include "base/text.h"
#include "server/http/http.h"

namespace hilum::fhir_rest {
namespace {

constexpr size_t kMaxSegments = 8;
constexpr size_t kMaxSegmentSize = 128;

// What names of types, ids and operations are made of; nothing else can be meant.
bool IsSegment(std::string_view text) {
  return !text.empty() && text.size() <= kMaxSegmentSize && std::all_of(text.begin(), text.end(), [](char c) {
    return IsAlphanumeric(c) || c == '-' || c == '.' || c == '_' || c == '$' || c == '*';
  });
}

bool IsOperation(std::string_view segment) {
  return segment.starts_with('$');
}

bool IsReading(std::string_view method) {
  return method == "GET" || method == "HEAD";
}

}  // namespace

Result<std::vector<std::string>> ParsePath(std::string_view path) {
  std::vector<std::string> segments;
  if (path.starts_with('/')) path.remove_prefix(1);
  while (!path.empty()) {
    const size_t end = path.find('/');
    HILUM_ASSIGN_OR_RETURN(std::string segment, http::PercentDecode(path.substr(0, end)));
    path.remove_prefix(end == std::string_view::npos ? path.size() : end + 1);
    if (!IsSegment(segment) || segments.size() == kMaxSegments)
      return Invalid("the URL is none of this server: below the base come a type, an id, an operation");
    segments.push_back(std::move(segment));
  }
  return segments;
}

std::string AllowedMethods(const std::vector<std::string>& path) {
  static constexpr std::string_view kRead = "GET, HEAD, OPTIONS";
  static constexpr std::string_view kReadOrPost = "GET, HEAD, POST, OPTIONS";
  if (path.empty()) return std::string(kReadOrPost);
  if (path[0] == kAsyncPath) return "GET, HEAD, DELETE, OPTIONS";
  const std::string& last = path.back();
  if (last == "_search") return "POST, OPTIONS";
  if (IsOperation(last)) return std::string(kReadOrPost);
  if (last == "metadata" || last == "_history") return std::string(kRead);
  if (path.size() == 1) return "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";
  if (path.size() == 2) return "GET, HEAD, PUT, PATCH, DELETE, OPTIONS";
  return std::string(kRead);
}

std::string_view InteractionName(std::string_view method, const std::vector<std::string>& path) {
  if (!path.empty() && path[0] == kAsyncPath) return "async";
  const bool posts_search = method == "POST" && !path.empty() && path.back() == "_search";
  if (!path.empty() && IsOperation(path.back())) return "operation";
  if (path.empty() || path[0] == "_search" || path[0] == "_history") {
    if (posts_search || (IsReading(method) && path.empty())) return "search-system";
    if (IsReading(method)) return path[0] == "_history" ? "history-system" : "other";
    return method == "POST" && path.empty() ? "bundle" : "other";
  }
  if (path[0] == "metadata") return "capabilities";
  const bool is_history = path.size() > 1 && (path[1] == "_history" || (path.size() > 2 && path[2] == "_history"));
  if (is_history && path.size() == 4) return "vread";
  if (is_history) return path.size() == 2 ? "history-type" : "history-instance";
  if (posts_search) return path.size() == 2 ? "search-type" : "search-compartment";
  if (IsReading(method)) {
    if (path.size() == 1) return "search-type";
    return path.size() == 2 ? "read" : "search-compartment";
  }
  if (path.size() > 2) return "other";
  if (method == "POST") return path.size() == 1 ? "create" : "other";
  if (method == "PUT") return "update";
  if (method == "PATCH") return "patch";
  return method == "DELETE" ? "delete" : "other";
}

}  // namespace hilum::fhir_rest
