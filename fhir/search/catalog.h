// What search needs to know of the store: the numbers of collections, fields and documents. The store implements it.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "fhir/definitions/definitions.h"
#include "storage/index/index.h"
#include "storage/index/query.h"

namespace hilum::fhir {

// An index field of a resource type, numbered as SearchParam::field is.
struct SearchField {
  uint16_t number;
  storage::FieldKind kind;
  // Stays the same from release to release, so that the store can remember its FieldId by it: the code of the first
  // parameter that uses the field, with a suffix for second fields and composites ("value-quantity#written").
  std::string name;
  bool sortable;
};
// All of a type, in order of number.
std::vector<SearchField> FieldsOf(TypeId resource);

struct SearchOptions;

// A search parameter that is not in the definitions: dicom-* of ImagingStudy.
struct CustomParam {
  storage::FieldId field;
  SearchType type;
  std::vector<TypeId> targets;  // of a reference; empty for any
  // Set when the field is one of other documents: makes a query over those into one over documents of the type.
  std::function<storage::Query(storage::Query)> join;
  // Reads a value that has a form of its own, without modifier; nullopt when it has that of `type`.
  std::function<Result<std::optional<storage::Query>>(std::string_view value, const SearchOptions&)> match;
  std::string name;         // by which a client asks for it
  std::string description;  // for the CapabilityStatement
};

// A view for one request or one batch; not thread-safe.
class SearchCatalog {
 public:
  virtual ~SearchCatalog() = default;

  virtual storage::CollectionId CollectionOf(TypeId type) const = 0;
  // `field` < Type::search_fields.
  virtual storage::FieldId FieldOf(TypeId type, uint16_t field) const = 0;
  // The field of ImagingStudy that leads to the study of the catalogue with its images; nullopt when there is none.
  virtual std::optional<storage::FieldId> ImagesField() const { return std::nullopt; }
  virtual std::optional<CustomParam> FindCustom(TypeId type, std::string_view code) const { return std::nullopt; }
  // All of a type.
  virtual std::vector<CustomParam> CustomParams(TypeId type) const { return {}; }

  // The document of a logical id; nullopt when there is none. During extraction a store may give a number to a resource
  // that does not exist yet: then references that came before their target lead to it later.
  virtual Result<std::optional<storage::Doc>> FindDoc(TypeId type, std::string_view id) = 0;
  // The codes of a value set, for :in and :not-in. kUnsupported unless overridden.
  virtual Result<std::vector<storage::TokenValue>> ExpandValueSet(std::string_view url);
};

}  // namespace hilum::fhir
