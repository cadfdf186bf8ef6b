// [type]/$conflicts and [type]/[id]/$conflicts: what images and records say differently, for somebody to look at.
#include <algorithm>

#include "fhir/interactions/interactions.h"
#include "fhir/interactions/parameters_text.h"

namespace hilum::fhir {
namespace {

struct Asked {
  size_t count = 0;   // resources to look at
  std::string after;  // id of the last one of the page before
};

Result<Asked> ReadQuery(const std::vector<Parameter>& query, const InteractionOptions& options) {
  Asked asked{.count = options.default_count};
  for (const Parameter& parameter : query) {
    if (parameter.name == "_after") asked.after = parameter.value;
    if (parameter.name != "_count") continue;
    HILUM_ASSIGN_OR_RETURN(const size_t count, ParseCount(parameter.value, 1));
    asked.count = std::min(count, options.max_count);
  }
  return asked;
}

void AddConflicts(const std::string& name, const std::vector<Disagreement>& found, ParametersText* out) {
  for (const Disagreement& one : found) {
    ParametersText parts;
    parts.AddReference("study", name);
    if (!one.other.empty()) parts.AddReference("record", one.other);
    parts.Add("element", "valueCode", json::Quoted(one.element));
    parts.AddText("images", one.derived);
    parts.AddText(one.other.empty() ? "otherImages" : "recorded", one.recorded);
    if (one.other.empty()) parts.Add("numberOfInstances", "valueInteger", std::to_string(one.images));
    out->AddParts("conflict", parts);
  }
}

}  // namespace

Answer Interactions::Conflicts(const Interaction& request, TypeId type, const std::optional<std::string>& id) {
  const DerivedResources& derived = *store_.DerivedOf(type);
  const std::string type_name(TypeOf(type).name);
  const auto reader = store_.Read();
  ParametersText out;
  // True when there is such a resource.
  const auto add = [&](storage::Doc doc, std::string* found_id) -> Result<bool> {
    HILUM_ASSIGN_OR_RETURN(const auto version, reader->Newest(type, doc, Form::kStored));
    if (!version || version->deleted()) return false;
    HILUM_ASSIGN_OR_RETURN(const auto found, derived.Disagreements(*reader, *version));
    AddConflicts(type_name + "/" + version->id, found, &out);
    *found_id = version->id;
    return true;
  };
  const auto run = [&]() -> Result<Answer> {
    std::string last;
    if (id) {
      HILUM_ASSIGN_OR_RETURN(const auto doc, reader->FindDoc(type, *id));
      HILUM_ASSIGN_OR_RETURN(const bool there, doc ? add(*doc, &last) : Result<bool>(false));
      if (!there) return NotFound("there is no " + type_name + "/" + *id);
      return Answer{.body = out.Finish()};
    }
    HILUM_ASSIGN_OR_RETURN(const Asked asked, ReadQuery(request.query, options_));
    HILUM_ASSIGN_OR_RETURN(
        const Matches matches,
        FindMatches(*reader, type, {{"_tag", std::string(derived.disagreement_tags())}}, store_.search_options()));
    auto at = matches.docs.begin();
    if (!asked.after.empty()) {
      HILUM_ASSIGN_OR_RETURN(const auto doc, reader->FindDoc(type, asked.after));
      if (!doc) return Invalid("_after is the id of a resource of the page before");
      at = std::ranges::upper_bound(matches.docs, *doc);
    }
    for (size_t count = 0; at != matches.docs.end() && count < asked.count; ++at, ++count) {
      HILUM_RETURN_IF_ERROR(add(*at, &last).status());
    }
    if (at != matches.docs.end()) {
      out.Add("next", "valueUri",
              json::Quoted(request.base_url + "/" + type_name + "/$conflicts?_count=" + std::to_string(asked.count) +
                           "&_after=" + last));
    }
    return Answer{.body = out.Finish()};
  };
  auto answer = run();
  return answer.ok() ? *std::move(answer) : ErrorAnswer(answer.status());
}

}  // namespace hilum::fhir
