#include "fhir/cohort/definition.h"

#include <cmath>
#include <set>

#include "base/text.h"
#include "fhir/json/edits.h"
#include "fhir/search/ucum.h"

namespace hilum::fhir {
namespace {

constexpr size_t kMaxNameSize = 100;
constexpr size_t kMaxSearchSize = size_t{64} << 10;
constexpr int64_t kMicrosPerSecond = 1'000'000;
constexpr int64_t kMicrosPerDay = 86'400 * kMicrosPerSecond;
// Keeps sums of dates and distances within 64 bits.
constexpr double kMaxDistanceSeconds = 1000.0 * 366 * 86'400;

std::string_view NameOf(json::Value parameter) {
  return json::Find(parameter, "name").TextOr("");
}

std::string PlaceOf(std::string_view parent, size_t index) {
  return std::string(parent) + "[" + std::to_string(index) + "]";
}

// The value[x] of a parameter.
json::MaybeValue ValueOf(json::Value parameter) {
  return json::FindChoice(parameter, "value");
}

Result<std::string> TextOf(json::Value parameter, size_t limit) {
  const json::MaybeValue value = ValueOf(parameter);
  if (!value || !value->is_string() || value->text().empty()) return Invalid("takes a valueString");
  if (value->text().size() > limit) return LimitExceeded("takes at most " + std::to_string(limit) + " bytes");
  return std::string(value->text());
}

Result<uint32_t> CountOf(json::Value parameter) {
  const json::MaybeValue value = ValueOf(parameter);
  const std::string_view text = value && !value->is_string() ? value->text() : std::string_view();
  const uint32_t count = ParseDecimal<uint32_t>(text).value_or(0);
  if (count == 0) return Invalid("takes a valuePositiveInt");
  return count;
}

// A FHIR Duration, that is a quantity in a UCUM unit of time.
Result<int64_t> DistanceOf(json::Value parameter) {
  const json::MaybeValue duration = ValueOf(parameter);
  const auto unit = Canonicalize(duration["code"].TextOr(""));
  const json::MaybeValue value = duration["value"];
  if (!unit || unit->code != "s" || !value || value->kind() != json::Kind::kNumber)
    return Invalid("takes a valueDuration with a value and a code of time (d, wk, mo, a, h, min, s)");
  const double seconds = InBaseUnits(value->text(), *unit);
  if (!(seconds >= 0 && seconds <= kMaxDistanceSeconds)) return Invalid("takes a duration of 0 to 1000 years");
  return std::llround(seconds * kMicrosPerSecond);
}

Result<CohortRelation::When> WhenOf(json::Value parameter) {
  const std::string_view code = ValueOf(parameter).TextOr("");
  if (code == "before") return CohortRelation::When::kBefore;
  if (code == "after") return CohortRelation::When::kAfter;
  if (code == "either") return CohortRelation::When::kEither;
  return Invalid("takes before, after or either");
}

std::string_view CodeOf(CohortRelation::When when) {
  switch (when) {
    case CohortRelation::When::kBefore:
      return "before";
    case CohortRelation::When::kAfter:
      return "after";
    case CohortRelation::When::kEither:
      return "either";
  }
  return "either";
}

// Calls take(part, name, place) for each part of a parameter; `place` is "part[0]" and goes in front of errors.
template <typename Take>
Status ForEachPart(json::Value parameter, Take take) {
  const json::MaybeValue parts = json::Find(parameter, "part");
  if (!parts) return Invalid("a criterion is made of parts, and there is no 'part'");
  size_t index = 0;
  for (const json::Value part : parts->children()) {
    const std::string place = PlaceOf("part", index++);
    const Status status = take(part, NameOf(part), place);
    if (!status.ok()) return status.WithContext(place);
  }
  return Status::Ok();
}

Status UnknownPart(std::string_view name, std::string_view known) {
  return Invalid("'" + std::string(name.substr(0, 64)) + "' is no part of it; there are " + std::string(known));
}

Result<CohortRelation> ReadRelation(json::Value parameter) {
  CohortRelation relation;
  bool has_when = false;
  HILUM_RETURN_IF_ERROR(
      ForEachPart(parameter, [&](json::Value part, std::string_view name, const std::string&) -> Status {
        if (name == "to") {
          HILUM_ASSIGN_OR_RETURN(relation.to, TextOf(part, kMaxNameSize));
        } else if (name == "when") {
          HILUM_ASSIGN_OR_RETURN(relation.when, WhenOf(part));
          has_when = true;
        } else if (name == "min") {
          HILUM_ASSIGN_OR_RETURN(relation.min_micros, DistanceOf(part));
        } else if (name == "max") {
          HILUM_ASSIGN_OR_RETURN(relation.max_micros, DistanceOf(part));
        } else {
          return UnknownPart(name, "to, when, min and max");
        }
        return Status::Ok();
      }));
  if (relation.to.empty()) return Invalid("a relation needs 'to', the name of another criterion");
  if (!has_when) return Invalid("a relation needs 'when': before, after or either");
  if (relation.max_micros && *relation.max_micros < relation.min_micros)
    return Invalid("the max of the relation is less than its min");
  return relation;
}

// Takes the part when it belongs to a criterion.
Result<bool> ReadCriterionPart(json::Value part, std::string_view name, CohortCriterion* criterion) {
  if (name == "search") {
    HILUM_ASSIGN_OR_RETURN(criterion->search, TextOf(part, kMaxSearchSize));
  } else if (name == "at-least") {
    HILUM_ASSIGN_OR_RETURN(criterion->at_least, CountOf(part));
  } else if (name == "date") {
    HILUM_ASSIGN_OR_RETURN(criterion->date, TextOf(part, kMaxNameSize));
  } else if (name == "relation") {
    HILUM_ASSIGN_OR_RETURN(criterion->relation, ReadRelation(part));
  } else {
    return false;
  }
  return true;
}

Result<CohortCriterion> ReadMember(json::Value parameter, const std::string& place) {
  CohortCriterion criterion{.place = place};
  HILUM_RETURN_IF_ERROR(
      ForEachPart(parameter, [&](json::Value part, std::string_view name, const std::string&) -> Status {
        if (name == "name") {
          HILUM_ASSIGN_OR_RETURN(criterion.name, TextOf(part, kMaxNameSize));
          return Status::Ok();
        }
        HILUM_ASSIGN_OR_RETURN(const bool taken, ReadCriterionPart(part, name, &criterion));
        return taken ? Status::Ok() : UnknownPart(name, "name, search, at-least, date and relation");
      }));
  if (criterion.search.empty()) return Invalid("a criterion needs a search: Type?parameter=value");
  return criterion;
}

Result<CohortStep> ReadStep(json::Value parameter, bool exclude, const std::string& place) {
  CohortStep step{.exclude = exclude, .place = place};
  CohortCriterion single{.place = place};
  bool is_single = false;
  HILUM_RETURN_IF_ERROR(
      ForEachPart(parameter, [&](json::Value part, std::string_view name, const std::string& part_place) -> Status {
        if (name == "name") {
          HILUM_ASSIGN_OR_RETURN(step.name, TextOf(part, kMaxNameSize));
          return Status::Ok();
        }
        if (name == "any") {
          HILUM_ASSIGN_OR_RETURN(CohortCriterion member, ReadMember(part, place + "." + part_place));
          step.any.push_back(std::move(member));
          return Status::Ok();
        }
        HILUM_ASSIGN_OR_RETURN(const bool taken, ReadCriterionPart(part, name, &single));
        is_single = is_single || taken;
        return taken ? Status::Ok() : UnknownPart(name, "name, search, at-least, date, relation and any");
      }));
  if (is_single && !step.any.empty())
    return Invalid("a criterion has either a search of its own or 'any' with several, not both");
  if (!step.any.empty()) return step;
  if (single.search.empty()) return Invalid("a criterion needs a search: Type?parameter=value");
  step.any.push_back(std::move(single));
  return step;
}

// Names tell criteria apart, and there are not too many of them.
Status Check(const CohortDefinition& definition) {
  if (definition.steps.empty()) return Invalid("a cohort needs at least one parameter 'include' or 'exclude'");
  std::set<std::string_view> names;
  size_t criteria = 0;
  const auto add = [&](const std::string& name, const std::string& place) -> Status {
    if (name.empty() || names.insert(name).second) return Status::Ok();
    return Invalid(place + ": another criterion has this name too");
  };
  for (const CohortStep& step : definition.steps) {
    HILUM_RETURN_IF_ERROR(add(step.name, step.place));
    for (const CohortCriterion& criterion : step.any) HILUM_RETURN_IF_ERROR(add(criterion.name, criterion.place));
    criteria += step.any.size();
    if (criteria > kMaxCohortCriteria) {
      return LimitExceeded(step.place + ": a cohort has at most " + std::to_string(kMaxCohortCriteria) + " criteria");
    }
  }
  return Status::Ok();
}

// -- writing ----------------------------------------------------------------------------------------------------------

void AppendPart(std::string_view name, std::string_view value_name, std::string_view value, std::string* out) {
  out->append(out->ends_with('[') ? "{\"name\":\"" : ",{\"name\":\"").append(name).append("\",\"");
  out->append(value_name).append("\":").append(value).append("}");
}

void AppendText(std::string_view name, std::string_view text, std::string* out) {
  if (!text.empty()) AppendPart(name, "valueString", json::Quoted(text), out);
}

void AppendDistance(std::string_view name, int64_t micros, std::string* out) {
  const bool days = micros % kMicrosPerDay == 0;
  std::string value = std::to_string(micros / (days ? kMicrosPerDay : kMicrosPerSecond));
  if (!days && micros % kMicrosPerSecond != 0) {
    std::string fraction = std::to_string(kMicrosPerSecond + micros % kMicrosPerSecond);
    value.append(".").append(fraction, 1);
  }
  AppendPart(name, "valueDuration",
             "{\"value\":" + value + R"(,"system":"http://unitsofmeasure.org","code":")" + (days ? "d" : "s") + "\"}",
             out);
}

void AppendCriterion(const CohortCriterion& criterion, std::string* out) {
  AppendText("search", criterion.search, out);
  if (criterion.at_least != 1) AppendPart("at-least", "valuePositiveInt", std::to_string(criterion.at_least), out);
  AppendText("date", criterion.date, out);
  if (!criterion.relation) return;
  std::string parts = "[";
  AppendText("to", criterion.relation->to, &parts);
  AppendPart("when", "valueCode", json::Quoted(CodeOf(criterion.relation->when)), &parts);
  if (criterion.relation->min_micros != 0) AppendDistance("min", criterion.relation->min_micros, &parts);
  if (criterion.relation->max_micros) AppendDistance("max", *criterion.relation->max_micros, &parts);
  AppendPart("relation", "part", parts + "]", out);
}

}  // namespace

Result<CohortDefinition> ReadCohortDefinition(json::Value parameters) {
  CohortDefinition definition;
  const json::MaybeValue list = json::Find(parameters, "parameter");
  if (!list) return Check(definition);
  size_t index = 0;
  for (const json::Value parameter : list->children()) {
    const std::string place = PlaceOf("Parameters.parameter", index++);
    const std::string_view name = NameOf(parameter);
    if (name != "include" && name != "exclude") continue;
    auto step = ReadStep(parameter, name == "exclude", place);
    if (!step.ok()) return step.status().WithContext(place);
    definition.steps.push_back(*std::move(step));
  }
  HILUM_RETURN_IF_ERROR(Check(definition));
  return definition;
}

Result<CohortDefinition> ReadCohortDefinition(const std::vector<Parameter>& query) {
  CohortDefinition definition;
  for (const auto& [name, value] : query) {
    if (name != "include" && name != "exclude") continue;
    const std::string place = "criterion " + std::to_string(definition.steps.size() + 1);
    if (value.empty()) return Invalid(place + ": a criterion needs a search: Type?parameter=value");
    if (value.size() > kMaxSearchSize) return LimitExceeded(place + ": the search is too long");
    definition.steps.push_back(
        {.exclude = name == "exclude", .any = {{.search = value, .place = place}}, .place = place});
  }
  HILUM_RETURN_IF_ERROR(Check(definition));
  return definition;
}

std::string CohortParameters(const CohortDefinition& definition) {
  std::string out;
  for (const CohortStep& step : definition.steps) {
    std::string parts = "[";
    AppendText("name", step.name, &parts);
    if (step.any.size() == 1 && step.any.front().name.empty()) {
      AppendCriterion(step.any.front(), &parts);
    } else {
      for (const CohortCriterion& criterion : step.any) {
        std::string member = "[";
        AppendText("name", criterion.name, &member);
        AppendCriterion(criterion, &member);
        AppendPart("any", "part", member + "]", &parts);
      }
    }
    out.append(out.empty() ? "" : ",")
        .append(step.exclude ? R"({"name":"exclude","part":)" : R"({"name":"include","part":)");
    out.append(parts).append("]}");
  }
  return out;
}

std::string LabelOf(const CohortStep& step) {
  if (!step.name.empty()) return step.name;
  std::string label;
  for (const CohortCriterion& criterion : step.any) {
    label.append(label.empty() ? "" : " or ").append(criterion.name.empty() ? criterion.search : criterion.name);
  }
  return label;
}

}  // namespace hilum::fhir
