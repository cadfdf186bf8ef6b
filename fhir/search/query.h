// The FHIR search grammar (R4 3.1.1), compiled to index queries. Thread-safe with one catalogue for each thread.
#pragma once

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fhir/json/subset.h"
#include "fhir/search/extract.h"
#include "storage/index/query.h"

namespace hilum::fhir {

// A parameter as the client wrote it, percent-decoded.
struct Parameter {
  std::string name;
  std::string value;
  bool operator==(const Parameter&) const = default;
};
// Of a query string or a form.
inline constexpr size_t kMaxQueryBytes = size_t{1} << 20;
// Takes a query string or a form body apart. kInvalid for bad percent escapes or what is not UTF-8, kLimit past
// `max_parameters` and kMaxQueryBytes.
Result<std::vector<Parameter>> SplitQuery(std::string_view query, size_t max_parameters);
// The inverse: "name=value&...", percent-encoded.
std::string JoinQuery(const std::vector<Parameter>& parameters);
// The beginning of a name or value of a request, in quotes, for messages.
std::string Quote(std::string_view text);

// The value of _count. kInvalid unless it is a whole number of `least` or more.
Result<size_t> ParseCount(std::string_view value, size_t least);

// How much of a resource a client wants to see.
struct Shape {
  std::optional<json::Summary> summary;
  std::set<std::string, std::less<>> elements;
  bool pretty = false;
  bool subset() const { return summary.has_value() || !elements.empty(); }
};
// Takes _summary, _elements or _pretty into it; other parameters have no part in it. kInvalid for values that they do
// not take, kLimit for too many elements. Counting is no shape: _summary=count is for who answers with results.
Status AddToShape(const Parameter& parameter, Shape* shape);

enum class Handling : uint8_t { kLenient, kStrict };  // Prefer: handling=
enum class TotalMode : uint8_t { kAccurate, kEstimate, kNone };

// _include and _revinclude.
struct Include {
  bool reverse = false;
  bool iterate = false;
  TypeId source = kNoType;                // kNoType for `*`: any type
  std::optional<storage::FieldId> field;  // nullopt for `Type:*`: any reference parameter of the source
  TypeId target = kNoType;                // kNoType: any
  bool operator==(const Include&) const = default;
};

struct IgnoredParameter {
  Parameter parameter;
  std::string reason;  // for an OperationOutcome: what is not known and what to do
};

// What the resources of one type are asked for, and in which order they come.
struct TypeSearch {
  storage::Query query;
  std::vector<storage::SortKey> sort;
};

struct SearchRequest {
  std::vector<TypeSearch> searches;  // of each type, in their order
  std::vector<Include> includes;
  std::optional<size_t> count;
  TotalMode total = TotalMode::kAccurate;
  bool count_only = false;  // _summary=count, _count=0
  Shape shape;
  std::vector<std::string> unknown_elements;  // of its elements, the first few that no type has
  std::vector<Parameter> used;                // for the self link
  std::vector<IgnoredParameter> ignored;
};

// Its values are canonical URLs: they name what they lead to by `url`, not by place. Chains, _has and includes do not
// follow them.
bool IsByCanonical(const SearchParam& param);

// A search of these resource types. A parameter that one of them does not have is not known to any: results of one type
// by it beside results of another without it would mean nothing. `reserved` names (cursor and the like) belong to the
// caller and are skipped. Errors: kInvalid for values that do not fit, kUnsupported for modifiers and (strict handling)
// parameters that are not known, kLimit.
Result<SearchRequest> CompileSearch(const std::vector<TypeId>& types, const std::vector<Parameter>& parameters,
                                    Handling handling, const std::vector<std::string_view>& reserved,
                                    SearchCatalog& catalog, const SearchOptions& options);

// Resources of a type in the compartment of one resource: `resource` is related to `id` by any parameter the definition
// names. nullopt when the type is not in the compartment.
Result<std::optional<storage::Query>> CompileCompartment(TypeId compartment, std::string_view id, TypeId resource,
                                                         SearchCatalog& catalog, const SearchOptions& options);

}  // namespace hilum::fhir
