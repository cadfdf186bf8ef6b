// From method and path to the interaction (R4 3.1.0.0.13).
#include <algorithm>
#include <array>

#include "fhir/interactions/interactions.h"

namespace hilum::fhir {
namespace {

bool IsRead(const Interaction& request) {
  return request.method == "GET" || request.method == "HEAD";
}

bool IsSearchPost(const Interaction& request, size_t at) {
  return request.method == "POST" && request.path.size() == at + 1 && request.path[at] == "_search";
}

Answer NotThere(const Interaction& request) {
  std::string path;
  for (const std::string& segment : request.path) path += "/" + segment.substr(0, 64);
  return ErrorAnswer(
      NotFound("there is no " + (path.empty() ? std::string("/") : path) + " here; GET metadata lists what there is"));
}

Answer NotAllowed(std::string_view allowed) {
  return OutcomeAnswer(405,
                       {{.type = IssueType::kNotSupported,
                         .diagnostics = "that method does not go with this URL; it takes " + std::string(allowed)}});
}

}  // namespace

Answer Interactions::Run(const Interaction& request) {
  const std::vector<std::string>& path = request.path;
  if (path.empty()) {
    if (request.method == "POST") return RunBundle(request);
    return IsRead(request) ? Search(request, kNoType, std::nullopt) : NotAllowed("GET and POST");
  }
  if (path[0] == "metadata" && path.size() == 1) {
    return IsRead(request) ? Capabilities(request) : NotAllowed("GET");
  }
  if (path[0] == "_history" && path.size() == 1) {
    return IsRead(request) ? History(request, kNoType, std::nullopt) : NotAllowed("GET");
  }
  if (path[0] == "_search" && path.size() == 1)
    return IsSearchPost(request, 0) ? Search(request, kNoType, std::nullopt) : NotAllowed("POST");
  if (path[0].starts_with("$meta") && path.size() == 1)
    return RunOperation(request, {}, [&] { return Meta(request, kNoType, "", path[0].substr(1)); });
  const std::optional<TypeId> type = FindResourceType(path[0]);
  if (!type) {
    return OutcomeAnswer(404, {{.type = IssueType::kNotSupported,
                                .diagnostics = "'" + path[0].substr(0, 64) + "' is no FHIR R4 resource type"}});
  }
  if (path.size() == 1) return RunType(request, *type);
  if (path[1] == "_search" && path.size() == 2)
    return IsSearchPost(request, 1) ? Search(request, *type, std::nullopt) : NotAllowed("POST");
  if (path[1] == "_history" && path.size() == 2) {
    return IsRead(request) ? History(request, *type, std::nullopt) : NotAllowed("GET");
  }
  if (path[1].starts_with("$meta") && path.size() == 2)
    return RunOperation(request, {}, [&] { return Meta(request, *type, "", path[1].substr(1)); });
  if (path[1] == "$cohort" && path.size() == 2 && TypeOf(*type).name == "Group") {
    return IsRead(request) || request.method == "POST" ? Cohort(request) : NotAllowed("GET and POST");
  }
  if (path[1] == "$conflicts" && path.size() == 2 && store_.DerivedOf(*type) != nullptr) {
    if (!IsRead(request)) return NotAllowed("GET");
    return RunOperation(request, {"_count", "_after"}, [&] { return Conflicts(request, *type, std::nullopt); });
  }
  if (path[1].starts_with('$') || path[1].starts_with('_')) return NotThere(request);
  return RunInstance(request, *type, path[1]);
}

Answer Interactions::RunOperation(const Interaction& request, std::initializer_list<std::string_view> parameters,
                                  const std::function<Answer()>& operation) const {
  constexpr std::array<std::string_view, 4> kOfEveryAnswer = {"_format", "_pretty", "_summary", "_elements"};
  std::vector<Issue> ignored;
  for (const auto& [name, value] : request.query) {
    if (std::ranges::count(kOfEveryAnswer, name) > 0 || std::ranges::count(parameters, name) > 0) continue;
    const std::string reason = request.path.back().substr(0, 64) + " has no parameter '" + name.substr(0, 64) + "'";
    if (request.prefer_handling.value_or(options_.handling) == Handling::kStrict)
      return ErrorAnswer(Unsupported(reason));
    ignored.push_back(
        {.severity = Severity::kWarning, .type = IssueType::kNotSupported, .diagnostics = reason + "; it is ignored"});
  }
  Answer answer = operation();
  if (answer.status < 300) answer.warnings.insert(answer.warnings.end(), ignored.begin(), ignored.end());
  return answer;
}

Answer Interactions::RunType(const Interaction& request, TypeId type) {
  if (IsRead(request)) return Search(request, type, std::nullopt);
  if (request.method == "POST") return Create(request, type);
  if (request.method == "PUT") return ConditionalUpdate(request, type);
  if (request.method == "PATCH") return ConditionalPatch(request, type);
  if (request.method == "DELETE") return ConditionalDelete(request, type);
  return NotAllowed("GET, POST, PUT, PATCH and DELETE");
}

Answer Interactions::RunInstance(const Interaction& request, TypeId type, const std::string& id) {
  const std::vector<std::string>& path = request.path;
  if (path.size() == 2) {
    if (IsRead(request)) return Read(request, type, id);
    if (request.method == "PUT") return Update(request, type, id);
    if (request.method == "PATCH") return Patch(request, type, id);
    if (request.method == "DELETE") return Delete(request, type, id);
    return NotAllowed("GET, PUT, PATCH and DELETE");
  }
  if (path[2] == "_history" && path.size() <= 4) {
    if (!IsRead(request)) return NotAllowed("GET");
    return path.size() == 3 ? History(request, type, id) : ReadVersion(request, type, id, path[3]);
  }
  if (path[2] == "$everything" && path.size() == 3 && TypeOf(type).name == "Patient") {
    return IsRead(request) || request.method == "POST" ? Everything(request, id) : NotAllowed("GET and POST");
  }
  if (path[2] == "$cohort" && path.size() == 3 && TypeOf(type).name == "Group") {
    if (!IsRead(request) && request.method != "POST") return NotAllowed("GET and POST");
    return RunOperation(request, {}, [&] { return SavedCohort(request, id); });
  }
  if (path[2] == "$cohort-list" && path.size() == 3 && TypeOf(type).name == "Group") {
    if (!IsRead(request)) return NotAllowed("GET");
    return RunOperation(request, {"level"}, [&] { return ListCohort(request, id); });
  }
  if (path[2] == "$conflicts" && path.size() == 3 && store_.DerivedOf(type) != nullptr) {
    if (!IsRead(request)) return NotAllowed("GET");
    return RunOperation(request, {}, [&] { return Conflicts(request, type, id); });
  }
  if (path[2].starts_with("$meta") && path.size() == 3)
    return RunOperation(request, {}, [&] { return Meta(request, type, id, path[2].substr(1)); });
  // A compartment: Patient/1/Observation, Patient/1/*.
  const std::optional<TypeId> member = path[2] == "*" ? kNoType : FindResourceType(path[2]);
  if (!member || FindCompartment(type) == nullptr) return NotThere(request);
  if (path.size() > 4 || (path.size() == 4 && path[3] != "_search")) return NotThere(request);
  if (path.size() == 3 && !IsRead(request)) return NotAllowed("GET");
  if (path.size() == 4 && !IsSearchPost(request, 3)) return NotAllowed("POST");
  return Search(request, *member, Within{type, id});
}

}  // namespace hilum::fhir
