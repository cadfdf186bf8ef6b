// The pass behind Extract(). Internal to fhir/search.
#pragma once

#include <span>
#include <vector>

#include "fhir/search/convert.h"

namespace hilum::fhir {

// Not thread-safe; one per resource.
class Extractor {
 public:
  Extractor(json::Value resource, TypeId type, const Typing& typing, SearchCatalog& catalog,
            const SearchOptions& options)
      : resource_(resource), type_(type), typing_(typing), catalog_(catalog), convert_(typing, catalog, options) {}

  Result<storage::DocumentValues> Run();

 private:
  using Values = std::vector<json::Value>;

  // Appends what a path leads to.
  void Walk(std::span<const Step> steps, json::Value from, Values* out) const;
  void WalkProperty(std::span<const Step> steps, json::Value object, Values* out) const;
  // All items of an array, or the one at `place`.
  void WalkItems(std::span<const Step> steps, json::Value child, std::optional<size_t> place, Values* out) const;
  Values Follow(Range paths, json::Value from) const;
  bool RefersTo(json::Value reference, TypeId type) const;
  bool IsTrue(ElementId element) const;

  Status AddParam(const SearchParam& param);
  Status AddValue(const SearchParam& param, json::Value value);
  void AddPosition(const SearchParam& param, json::Value position);
  void AddQuantity(const SearchParam& param, json::Value value);

  Status AddGroup(const CompositeGroup& group);
  // The first component of a composite, in every way a query may name it.
  void KeysOf(const CompositeComponent& component, json::Value from, std::vector<std::string>* keys) const;
  Status AddComponent(const CompositeGroup& group, size_t place, json::Value from, const std::string& key);

  void Add(uint16_t field, storage::IndexValue value) { out_.Add(catalog_.FieldOf(type_, field), std::move(value)); }
  template <typename Value>
  void AddAll(uint16_t field, std::vector<Value> values) {
    for (Value& value : values) Add(field, std::move(value));
  }
  json::Value Root(const CompositeComponent& component, json::Value from) const {
    return component.from_root ? resource_ : from;
  }

  const json::Value resource_;
  const TypeId type_;
  const Typing& typing_;
  SearchCatalog& catalog_;
  const Converter convert_;
  std::vector<uint32_t> root_;  // node of each property of the resource, 0 for those it does not have
  storage::DocumentValues out_;
};

}  // namespace hilum::fhir
