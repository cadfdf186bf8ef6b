#include "fhir/search/query.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "fhir/search/build.h"
#include "fhir/search/compiler.h"

namespace hilum::fhir {
namespace {

// Say what becomes of what is found, and take no modifiers. _include and _revinclude do.
constexpr std::array<std::string_view, 8> kResultParameters = {"_sort",     "_count",  "_total",  "_summary",
                                                               "_elements", "_pretty", "_format", "_contained"};

// So many names that do not exist are told of.
constexpr size_t kFewUnknown = 10;
// Of _elements; no type has a tenth of it.
constexpr size_t kMaxElements = 1000;

// Sorts the parameters of one search into what they say. Not thread-safe; one per search.
class RequestCompiler {
 public:
  // The types outlive it.
  RequestCompiler(const std::vector<TypeId>& types, SearchCatalog& catalog, const SearchOptions& options)
      : types_(types), compiler_(catalog, options), conditions_(types.size()) {
    out_.searches.resize(types.size());
  }

  // kNotFound when the parameter is not known: it has no effect then.
  Status Add(const Parameter& parameter) {
    const std::string& name = parameter.name;
    const std::string_view value = parameter.value;
    if (value.empty()) return NotFound("search parameter " + Quote(name) + " has no value");
    if (name == "_sort") return AddSort(value);
    if (name == "_count") return AddCount(value);
    if (name == "_total") return AddTotal(value);
    if (name == "_summary" && value == "count") {
      out_.count_only = true;
      return Status::Ok();
    }
    if (name == "_summary") return AddToShape(parameter, &out_.shape);
    if (name == "_elements" || name == "_pretty") return AddToShape(parameter, &out_.shape);
    if (name == "_format") return Status::Ok();
    if (name == "_contained" && value == "false") return Status::Ok();
    const auto [base, modifier] = SplitName(name);
    if (base.size() < name.size() && std::ranges::find(kResultParameters, base) != kResultParameters.end()) {
      return NotFound(Quote(base) + " takes no modifier" +
                      (base == "_sort" ? "; _sort=-date is the order of dates from the latest" : ""));
    }
    if (base == "_include" || base == "_revinclude") return AddInclude(base == "_revinclude", modifier, value);
    return AddCondition(name, value);
  }

  // R4 3.1.1.5.8: includes do not go with _summary=text. kNotFound says so, and they have no effect then.
  Status CheckIncludes(const Parameter& parameter) {
    const bool includes = parameter.name.starts_with("_include") || parameter.name.starts_with("_revinclude");
    if (!includes || out_.shape.summary != json::Summary::kText) return Status::Ok();
    out_.includes.clear();
    return NotFound("'_include' and '_revinclude' do not go with _summary=text");
  }

  SearchRequest Finish() {
    for (const std::string& element : out_.shape.elements) {
      if (out_.unknown_elements.size() < kFewUnknown && !HasElement(element)) out_.unknown_elements.push_back(element);
    }
    for (size_t i = 0; i < types_.size(); ++i) out_.searches[i].query = AllOf(std::move(conditions_[i]));
    return std::move(out_);
  }
  SearchRequest& request() { return out_; }

 private:
  static std::pair<std::string_view, std::string_view> SplitName(std::string_view name) {
    const size_t colon = std::min(name.find(':'), name.size());
    return {name.substr(0, colon), name.substr(std::min(colon + 1, name.size()))};
  }

  // Takes effect for all types or for none.
  Status AddCondition(std::string_view name, std::string_view value) {
    std::vector<storage::Query> queries;
    for (const TypeId type : types_) {
      HILUM_ASSIGN_OR_RETURN(queries.emplace_back(), compiler_.Compile(type, name, value));
    }
    for (size_t i = 0; i < types_.size(); ++i) conditions_[i].push_back(std::move(queries[i]));
    return Status::Ok();
  }

  // Likewise.
  Status AddSort(std::string_view value) {
    std::vector<TypeSearch> sorted(types_.size());
    for (std::string_view key : SplitValue(value, ',')) {
      const bool descending = key.starts_with('-');
      if (descending) key.remove_prefix(1);
      HILUM_RETURN_IF_ERROR(compiler_.Spend(types_.size()));
      if (types_.size() > 1 && !std::ranges::all_of(types_, [&](TypeId type) { return HasDate(type, key); })) {
        return NotFound(
            "_sort across types goes by dates that each of them has, as _lastUpdated; results come type after type");
      }
      for (size_t i = 0; i < types_.size(); ++i) {
        HILUM_ASSIGN_OR_RETURN(const storage::FieldId field, SortField(types_[i], key));
        SortBy({field, descending}, &sorted[i].sort);
      }
    }
    for (size_t i = 0; i < types_.size(); ++i) {
      for (const storage::SortKey& key : sorted[i].sort) SortBy(key, &out_.searches[i].sort);
    }
    return Status::Ok();
  }

  // Dates are what different types have in common.
  static bool HasDate(TypeId type, std::string_view code) {
    const SearchParam* const param = FindSearchParam(type, code);
    return param != nullptr && param->type == SearchType::kDate;
  }

  Result<storage::FieldId> SortField(TypeId type, std::string_view code) const {
    // Pages of a search that goes by this first are in the order of ids; behind others it is that of creation.
    if (code == "_id") return storage::kDocOrder;
    HILUM_ASSIGN_OR_RETURN(const ResolvedParam param, compiler_.Resolve(type, code));
    const bool joined = param.custom && param.custom->join;
    const bool ordered = param.type != SearchType::kComposite && param.type != SearchType::kSpecial &&
                         param.type != SearchType::kReference;
    if (ordered && !joined) return param.field;
    return NotFound("_sort does not go by " + Quote(code) +
                    ": references, composites, positions and attributes of images have no order");
  }

  // A key that is named again changes nothing (in the other direction it does, where there are several values): there
  // are never more than two for each field.
  static void SortBy(const storage::SortKey& key, std::vector<storage::SortKey>* sort) {
    const auto same = [&](const storage::SortKey& each) {
      return each.field == key.field && each.descending == key.descending;
    };
    if (std::ranges::none_of(*sort, same)) sort->push_back(key);
  }

  Status AddCount(std::string_view value) {
    HILUM_ASSIGN_OR_RETURN(const size_t count, ParseCount(value, 0));
    out_.count = count;
    out_.count_only = out_.count_only || count == 0;
    return Status::Ok();
  }

  Status AddTotal(std::string_view value) {
    if (value != "accurate" && value != "estimate" && value != "none")
      return Invalid("_total takes accurate, estimate or none");
    out_.total = value == "none" ? TotalMode::kNone : value == "estimate" ? TotalMode::kEstimate : TotalMode::kAccurate;
    return Status::Ok();
  }

  bool HasElement(std::string_view name) const {
    return std::ranges::any_of(types_, [&](TypeId type) { return HasElement(type, name); });
  }

  static bool HasElement(TypeId type, std::string_view name) {
    for (; type != kNoType; type = TypeOf(type).base) {
      const auto elements = ElementsOf(TypeOf(type));
      if (std::ranges::find(elements, name, &Element::name) != elements.end()) return true;
    }
    return false;
  }

  // Type:parameter[:Target], Type:*, or *.
  Status AddInclude(bool reverse, std::string_view modifier, std::string_view value) {
    Include include{.reverse = reverse, .iterate = modifier == "iterate" || modifier == "recurse"};
    if (!modifier.empty() && !include.iterate) return Unsupported("the only modifier of includes is iterate");
    if (value != "*") {
      const auto [source_name, rest] = SplitName(value);
      const auto [code, target_name] = SplitName(rest);
      const auto source = FindResourceType(source_name);
      if (!source || code.empty())
        return Invalid("includes are written Type:parameter, Type:parameter:Target, Type:* or *");
      include.source = *source;
      if (code != "*") {
        HILUM_ASSIGN_OR_RETURN(const ResolvedParam param, compiler_.Resolve(*source, code));
        if (param.type != SearchType::kReference) return Invalid(Quote(code) + " in an include is no reference");
        if (param.definition != nullptr && IsByCanonical(*param.definition)) {
          return NotFound(Quote(code) + " holds canonical URLs, which includes do not follow");
        }
        include.field = param.field;
        include.target = param.only;
      }
      if (!target_name.empty()) {
        const auto target = FindResourceType(target_name);
        if (!target) return Invalid(Quote(target_name) + " in an include is no resource type");
        include.target = *target;
      }
    }
    if (std::ranges::find(out_.includes, include) == out_.includes.end()) out_.includes.push_back(include);
    return Status::Ok();
  }

  const std::vector<TypeId>& types_;
  Compiler compiler_;
  std::vector<std::vector<storage::Query>> conditions_;  // of each type
  SearchRequest out_;
};

}  // namespace

Result<size_t> ParseCount(std::string_view value, size_t least) {
  const std::optional<uint64_t> count = ParseDecimal(value);
  if (!count || *count < least) return Invalid("_count takes a whole number of " + std::to_string(least) + " or more");
  return *count;
}

Status AddToShape(const Parameter& parameter, Shape* shape) {
  const auto& [name, value] = parameter;
  if (name == "_summary") {
    if (value == "true") {
      shape->summary = json::Summary::kTrue;
    } else if (value == "text") {
      shape->summary = json::Summary::kText;
    } else if (value == "data") {
      shape->summary = json::Summary::kData;
    } else if (value == "false") {
      shape->summary.reset();
    } else {
      return Invalid("_summary takes true, text, data or false, and count where results are counted");
    }
  } else if (name == "_elements") {
    for (const std::string_view element : Split(value, ",")) {
      if (!element.empty()) shape->elements.emplace(element);
      if (shape->elements.size() > kMaxElements)
        return LimitExceeded("_elements names more than " + std::to_string(kMaxElements) + " elements; ask for fewer");
    }
  } else if (name == "_pretty") {
    if (value != "true" && value != "false") return Invalid("_pretty takes true or false");
    shape->pretty = value == "true";
  }
  return Status::Ok();
}

std::string Quote(std::string_view text) {
  return "'" + std::string(text.substr(0, 64)) + "'";
}

Result<SearchRequest> CompileSearch(const std::vector<TypeId>& types, const std::vector<Parameter>& parameters,
                                    Handling handling, const std::vector<std::string_view>& reserved,
                                    SearchCatalog& catalog, const SearchOptions& options) {
  if (parameters.size() > options.max_parameters) {
    return LimitExceeded("more than " + std::to_string(options.max_parameters) +
                         " search parameters; split the search");
  }
  RequestCompiler compiler(types, catalog, options);
  std::vector<Parameter>& used = compiler.request().used;
  const auto ignore = [&](const Parameter& parameter, const Status& status) -> Status {
    if (status.code() != hilum::Code::kNotFound) return status;
    if (handling == Handling::kStrict) return Unsupported(status.message());
    compiler.request().ignored.push_back({parameter, status.message()});
    return Status::Ok();
  };
  for (const Parameter& parameter : parameters) {
    if (std::ranges::find(reserved, parameter.name) != reserved.end()) continue;
    const Status status = compiler.Add(parameter);
    if (status.ok()) {
      used.push_back(parameter);
    } else {
      HILUM_RETURN_IF_ERROR(ignore(parameter, status));
    }
  }
  for (size_t i = 0; i < used.size();) {
    const Status status = compiler.CheckIncludes(used[i]);
    if (status.ok()) {
      ++i;
      continue;
    }
    HILUM_RETURN_IF_ERROR(ignore(used[i], status));
    used.erase(used.begin() + static_cast<ptrdiff_t>(i));
  }
  return compiler.Finish();
}

Result<std::optional<storage::Query>> CompileCompartment(TypeId compartment, std::string_view id, TypeId resource,
                                                         SearchCatalog& catalog, const SearchOptions& options) {
  std::vector<storage::Query> parts;
  if (resource == compartment) {
    HILUM_ASSIGN_OR_RETURN(const auto doc, catalog.FindDoc(resource, id));
    parts.push_back(Own(storage::DocsIn{doc ? std::vector{*doc} : std::vector<storage::Doc>()}));
  }
  const std::string reference = std::string(TypeOf(compartment).name) + "/" + std::string(id);
  const Compartment* definition = FindCompartment(compartment);
  if (definition == nullptr) return NotFound(std::string(TypeOf(compartment).name) + " gives no compartment its name");
  Compiler compiler(catalog, options);
  for (const CompartmentMember& member : MembersOf(*definition)) {
    if (member.resource != resource) continue;
    for (const uint16_t index : CompartmentParams(member)) {
      HILUM_ASSIGN_OR_RETURN(storage::Query query, compiler.Compile(resource, SearchParamAt(index).code, reference));
      parts.push_back(std::move(query));
    }
  }
  if (parts.empty()) return std::optional<storage::Query>();
  return std::optional<storage::Query>(AnyOf(std::move(parts)));
}

}  // namespace hilum::fhir
