#include "fhir/search/catalog.h"

#include <algorithm>

namespace hilum::fhir {
namespace {

using storage::FieldKind;

FieldKind KindOf(SearchType type) {
  switch (type) {
    case SearchType::kNumber:
    case SearchType::kSpecial:
      return FieldKind::kNumber;
    case SearchType::kDate:
      return FieldKind::kDate;
    case SearchType::kString:
      return FieldKind::kString;
    case SearchType::kReference:
      return FieldKind::kReference;
    case SearchType::kQuantity:
      return FieldKind::kQuantity;
    case SearchType::kUri:
      return FieldKind::kUri;
    case SearchType::kToken:
    case SearchType::kComposite:
      break;
  }
  return FieldKind::kToken;
}

// A composite's field has the kind of its last component; ordered ones are quantities, whose system is the first
// component.
FieldKind KindOf(const CompositeGroup& group) {
  const FieldKind last = KindOf(ComponentsOf(group).back().type);
  return last == FieldKind::kDate || last == FieldKind::kNumber ? FieldKind::kQuantity : last;
}

}  // namespace

std::vector<SearchField> FieldsOf(TypeId resource) {
  std::vector<SearchField> fields;
  const auto add = [&](uint16_t number, FieldKind kind, std::string name, bool sortable) {
    if (std::ranges::find(fields, number, &SearchField::number) == fields.end())
      fields.push_back({number, kind, std::move(name), sortable});
  };
  for (const SearchParam& param : SearchParamsOf(resource)) {
    const std::string code(param.code);
    if (param.field != kNoField) {
      add(param.field, KindOf(param.type), code, true);
      if (param.type == SearchType::kQuantity) {
        add(param.field + 1, FieldKind::kQuantity, code + "#written", false);
        add(param.field + 2, FieldKind::kQuantity, code + "#unit", false);
      }
      if (param.type == SearchType::kSpecial) add(param.field + 1, FieldKind::kNumber, code + "#longitude", false);
    }
    for (const CompositeGroup& group : GroupsOf(param)) {
      const size_t place = &group - GroupsOf(param).data();
      if (group.field != kNoField) add(group.field, KindOf(group), code + "#" + std::to_string(place), false);
    }
  }
  std::ranges::sort(fields, {}, &SearchField::number);
  return fields;
}

Result<std::vector<storage::TokenValue>> SearchCatalog::ExpandValueSet(std::string_view url) {
  return Unsupported("value sets are not available to searches; list the codes instead");
}

}  // namespace hilum::fhir
