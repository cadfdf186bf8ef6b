// The pass behind Extract(). Internal to fhir/search.
#pragma once

#include <span>
#include <unordered_map>
#include <vector>

#include "fhir/search/convert.h"

namespace hilum::fhir {

// Not thread-safe; one per resource.
class Extractor {
 public:
  Extractor(json::Value resource, TypeId type, const Typing& typing, SearchCatalog& catalog,
            const SearchOptions& options)
      : resource_(resource),
        type_(type),
        typing_(typing),
        catalog_(catalog),
        budget_(resource.raw().size()),
        convert_(typing, catalog, options, budget_) {}

  Result<storage::DocumentValues> Run();

 private:
  using Values = std::vector<json::Value>;

  // Appends what a path leads to.
  void Walk(std::span<const Step> steps, json::Value from, Values* out) const;
  // A path from the resource whose first property it does not have.
  bool IsAbsent(std::span<const Step> steps) const {
    return !steps.empty() && steps[0].op == Step::Op::kProperty && NodeOf(steps[0].argument) == 0;
  }
  // Of a property of the resource; 0 when it does not have it.
  uint32_t NodeOf(uint16_t property) const { return root_[property - TypeOf(type_).properties.first]; }
  void WalkProperty(std::span<const Step> steps, json::Value object, Values* out) const;
  // All items of an array, or the one at `place`.
  void WalkItems(std::span<const Step> steps, json::Value child, std::optional<size_t> place, Values* out) const;
  Values Follow(Range paths, json::Value from) const;
  bool RefersTo(json::Value reference, TypeId type) const;
  bool IsTrue(ElementId element) const;

  Status AddParam(const SearchParam& param);
  Status AddValue(const SearchParam& param, json::Value value);
  Status AddPosition(const SearchParam& param, json::Value position);
  Status AddQuantity(const SearchParam& param, json::Value value);
  const std::vector<ConvertedQuantity>& Quantities(json::Value value);

  Status AddGroup(const CompositeGroup& group);
  // The first component of a composite, in every way a query may name it.
  Status KeysOf(const CompositeComponent& component, json::Value from, std::vector<std::string>* keys);
  Status AddComponent(const CompositeGroup& group, size_t place, json::Value from, const std::string& key);

  // kLimit as of the budget.
  Status Add(uint16_t field, storage::IndexValue value);
  // Adds what `convert` makes of a value.
  template <typename Returned, typename Value>
  Status AddAll(uint16_t field, json::Value value,
                Returned (Converter::*convert)(json::Value, std::vector<Value>*) const, std::vector<Value>* scratch);
  json::Value Root(const CompositeComponent& component, json::Value from) const {
    return component.from_root ? resource_ : from;
  }

  const json::Value resource_;
  const TypeId type_;
  const Typing& typing_;
  SearchCatalog& catalog_;
  ValueBudget budget_;
  const Converter convert_;
  ContainedById contained_;
  std::vector<uint32_t> root_;  // node of each property of the resource, 0 for those it does not have
  // By node: several parameters, and composites for each of their keys, want the same.
  std::unordered_map<uint32_t, std::vector<ConvertedQuantity>> quantities_;
  // For one value at a time.
  Values found_;
  std::vector<storage::TokenValue> tokens_;
  std::vector<storage::StringValue> strings_;
  std::vector<storage::DateValue> dates_;
  std::vector<storage::NumberValue> numbers_;
  std::vector<storage::UriValue> uris_;
  std::vector<storage::ReferenceValue> references_;
  storage::DocumentValues out_;
};

}  // namespace hilum::fhir
