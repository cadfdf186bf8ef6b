// One search parameter as an index query: modifiers, values, chains, _has. Internal to fhir/search.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fhir/search/extract.h"
#include "fhir/search/search_value.h"
#include "storage/index/query.h"

namespace hilum::fhir {

// A parameter of the definitions or of the catalogue, ready to ask.
struct ResolvedParam {
  std::string code;
  SearchType type = SearchType::kToken;
  const SearchParam* definition = nullptr;  // nullptr for custom parameters
  storage::FieldId field{};
  storage::FieldId second_field{};  // of quantities and positions
  storage::FieldId unit_field{};    // of quantities
  TypeId only = kNoType;
  std::vector<TypeId> targets;  // of references: all it may be when the definition names none
  std::optional<CustomParam> custom;
};

// What comes behind the code: subject:Patient, name:exact.
struct Modifier {
  enum class Kind : uint8_t {
    kNone,
    kMissing,
    kExact,
    kContains,
    kText,
    kNot,
    kAbove,
    kBelow,
    kIn,
    kNotIn,
    kOfType,
    kIdentifier,
    kType
  };
  Kind kind = Kind::kNone;
  TypeId type = kNoType;  // of kType
};

// Not thread-safe; one per search.
class Compiler {
 public:
  Compiler(SearchCatalog& catalog, const SearchOptions& options) : catalog_(catalog), options_(options) {}

  // kNotFound for a parameter that `type` does not have (the caller may ignore it); kInvalid and kUnsupported for
  // values and modifiers; kLimit beyond the steps of a search.
  Result<storage::Query> Compile(TypeId type, std::string_view name, std::string_view value) {
    lacking_.clear();
    return Compile(type, name, value, 0);
  }
  // kNotFound when there is none or it is not searchable.
  Result<ResolvedParam> Resolve(TypeId type, std::string_view code) const;
  Result<storage::Query> CompileParam(const ResolvedParam& param, Modifier modifier, std::string_view value);

  // What bounds a search, in time as in the size of its query: each name that is tried for a type of resource is a
  // step, and so is each value, a long text more of them, and each look-up. kLimit when there are too many.
  Status Spend(size_t steps);

 private:
  using QueryResult = Result<storage::Query>;

  Status SpendOn(std::string_view value);

  QueryResult Compile(TypeId type, std::string_view name, std::string_view value, size_t depth);
  QueryResult CompileName(TypeId type, std::string_view name, std::string_view value, size_t depth);
  QueryResult CompileChain(TypeId type, std::string_view head, std::string_view rest, std::string_view value,
                           size_t depth);
  QueryResult CompileHas(TypeId type, std::string_view path, std::string_view value, size_t depth);
  QueryResult CompileNamed(TypeId type, std::string_view code, Modifier modifier, std::string_view value);
  QueryResult CompileIds(TypeId type, std::string_view value);
  QueryResult CompileMembers(std::optional<std::string_view> value);
  // Another way to write the study's UID as its identifier; nullopt when `value` is none.
  std::optional<std::string> OtherUid(const ResolvedParam& param, std::string_view value) const;
  std::optional<storage::FieldId> ImagesOf(const ResolvedParam& param) const;
  QueryResult CompileMissing(const ResolvedParam& param, std::string_view value) const;
  QueryResult CompileValue(const ResolvedParam& param, Modifier modifier, std::string_view value);

  QueryResult Token(const ResolvedParam& param, Modifier modifier, std::string_view value);
  QueryResult String(const ResolvedParam& param, Modifier modifier, std::string_view value) const;
  QueryResult Date(const ResolvedParam& param, std::string_view value) const;
  QueryResult Number(const ResolvedParam& param, std::string_view value) const;
  QueryResult Quantity(const ResolvedParam& param, std::string_view value) const;
  QueryResult Uri(const ResolvedParam& param, Modifier modifier, std::string_view value) const;
  std::optional<ResolvedParam> VersionParam(const ResolvedParam& url) const;
  QueryResult Reference(const ResolvedParam& param, Modifier modifier, std::string_view value);
  QueryResult LocalId(const ResolvedParam& param, const std::vector<TypeId>& types, std::string_view id);
  QueryResult Near(const ResolvedParam& param, std::string_view value) const;
  QueryResult Composite(const ResolvedParam& param, std::string_view value);
  QueryResult Components(const CompositeGroup& group, TypeId resource, const std::vector<std::string_view>& parts);
  QueryResult Component(const CompositeGroup& group, storage::FieldId field, size_t place, const std::string& key,
                        std::string_view value) const;
  QueryResult ComponentQuantity(storage::FieldId field, const std::string& key, std::string_view value) const;

  SearchCatalog& catalog_;
  const SearchOptions& options_;
  size_t steps_ = 0;
  // What types turned out not to have, by the length of the name's rest: chains come to the same on many ways.
  std::map<std::pair<TypeId, size_t>, std::string> lacking_;
};

// The parameter of `type` with the most similar code, as "; did you mean 'x'?", or an empty text, as when it is there.
std::string Suggestion(TypeId type, std::string_view code);

}  // namespace hilum::fhir
