// Values of each kind of search parameter as queries.
#include <algorithm>
#include <cmath>
#include <numbers>

#include "fhir/search/build.h"
#include "fhir/search/compiler.h"
#include "fhir/search/composite.h"
#include "fhir/search/decimal.h"
#include "fhir/search/ucum.h"
#include "fhir/validate/primitives.h"
#include "fhir/validate/reference.h"

namespace hilum::fhir {
namespace {

using storage::Query;
using Kind = Modifier::Kind;

// More types than this are not tried as text.
constexpr size_t kFewTypes = 16;

}  // namespace

Result<Query> Compiler::Token(const ResolvedParam& param, Modifier modifier, std::string_view value) {
  if (modifier.kind == Kind::kIn) {
    HILUM_ASSIGN_OR_RETURN(const auto codes, catalog_.ExpandValueSet(Unescape(value)));
    HILUM_RETURN_IF_ERROR(Spend(codes.size()));
    std::vector<Query> parts;
    for (const auto& code : codes) parts.push_back(Own(storage::TokenIs{param.field, code.system, code.code}));
    return AnyOf(std::move(parts));
  }
  const auto parts = SplitValue(value, '|');
  if (modifier.kind == Kind::kOfType) {
    if (parts.size() != 3) return Invalid("modifier of-type takes system|code|value");
    const storage::TokenValue token = OfTypeToken(Unescape(parts[0]), Unescape(parts[1]), Unescape(parts[2]));
    return Own(storage::TokenIs{param.field, token.system, token.code});
  }
  if (parts.size() == 1) return Own(storage::TokenIs{param.field, std::nullopt, Unescape(parts[0])});
  if (parts.size() != 2 || value == "|") return Invalid("expected code, system|code, |code or system|");
  if (parts[1].empty()) return Own(storage::TokenIs{param.field, Unescape(parts[0]), std::nullopt});
  return Own(storage::TokenIs{param.field, Unescape(parts[0]), Unescape(parts[1])});
}

Result<Query> Compiler::String(const ResolvedParam& param, Modifier modifier, std::string_view value) const {
  using How = storage::StringMatch::How;
  const How how = modifier.kind == Kind::kExact      ? How::kExact
                  : modifier.kind == Kind::kContains ? How::kContains
                                                     : How::kPrefix;
  return Own(storage::StringMatch{param.field, how, Unescape(value)});
}

Result<Query> Compiler::Uri(const ResolvedParam& param, Modifier modifier, std::string_view value) const {
  using How = storage::UriMatch::How;
  // R4 search.html#modifiers.
  if (modifier.kind != Kind::kNone && value.starts_with("urn:"))
    return Invalid("the modifiers above and below are for URLs, not for URNs");
  const How how = modifier.kind == Kind::kBelow   ? How::kBelow
                  : modifier.kind == Kind::kAbove ? How::kAbove
                                                  : How::kExact;
  Query whole = Own(storage::UriMatch{param.field, how, Unescape(value)});
  const size_t bar = value.rfind('|');
  const auto version = VersionParam(param);
  if (how != How::kExact || bar == value.npos || !version) return whole;
  // url|version of a resource that has both (R4 search.html#uri).
  std::vector<Query> both;
  both.push_back(Own(storage::UriMatch{param.field, how, Unescape(value.substr(0, bar))}));
  both.push_back(Own(storage::TokenIs{version->field, std::nullopt, Unescape(value.substr(bar + 1))}));
  std::vector<Query> either;
  either.push_back(std::move(whole));
  either.push_back(AllOf(std::move(both)));
  return AnyOf(std::move(either));
}

// Of a resource's own canonical URL.
std::optional<ResolvedParam> Compiler::VersionParam(const ResolvedParam& url) const {
  if (url.definition == nullptr || url.code != "url") return std::nullopt;
  const Result<ResolvedParam> version = Resolve(url.definition->resource, "version");
  version.status().IgnoreError();  // not every type has one
  return version.ok() && version->type == SearchType::kToken ? std::optional(*version) : std::nullopt;
}

Result<Query> Compiler::Date(const ResolvedParam& param, std::string_view value) const {
  const Prefix prefix = TakePrefix(&value);
  HILUM_ASSIGN_OR_RETURN(const auto asked, AskedDate(value, prefix, options_.default_offset_minutes, options_.now));
  return Own(storage::DateMatch{param.field, ComparisonOf(prefix), asked});
}

Result<Query> Compiler::Number(const ResolvedParam& param, std::string_view value) const {
  const Prefix prefix = TakePrefix(&value);
  HILUM_ASSIGN_OR_RETURN(const auto asked, AskedNumber(value, prefix));
  return Own(storage::NumberMatch{param.field, ComparisonOf(prefix), asked});
}

// number, number|system|code or number||code. Known units are asked in base units, others as they are written.
Result<Query> Compiler::Quantity(const ResolvedParam& param, std::string_view value) const {
  const Prefix prefix = TakePrefix(&value);
  const auto parts = SplitValue(value, '|');
  const bool custom = param.definition == nullptr;
  const storage::FieldId written = custom ? param.field : param.second_field;
  HILUM_ASSIGN_OR_RETURN(const auto asked, AskedNumber(parts[0], prefix));
  const storage::Comparison comparison = ComparisonOf(prefix);
  if (parts.size() == 1) return Own(storage::QuantityMatch{written, comparison, asked, std::nullopt, std::nullopt});
  if (parts.size() != 3) return Invalid("expected number, number|system|code or number||code");
  const std::string system = Unescape(parts[1]), code = Unescape(parts[2]);
  std::vector<Query> queries;
  const auto unit = system.empty() || system == kUcum ? Canonicalize(code) : std::nullopt;
  if (unit && !custom) {
    HILUM_ASSIGN_OR_RETURN(const auto in_base,
                           AskedNumber(parts[0], prefix, unit->exponent, unit->factor, unit->offset));
    queries.push_back(Own(storage::QuantityMatch{param.field, comparison, in_base, std::string(kUcum), unit->code}));
  }
  if (!unit || system.empty() || custom) {
    const auto optional = [](const std::string& text) { return text.empty() ? std::nullopt : std::optional(text); };
    queries.push_back(Own(storage::QuantityMatch{written, comparison, asked, optional(system), optional(code)}));
  }
  // Without a system the code is meant, or the unit for people (R4 search.html#quantity).
  if (system.empty() && !code.empty() && !custom)
    queries.push_back(Own(storage::QuantityMatch{param.unit_field, comparison, asked, std::nullopt, code}));
  return AnyOf(std::move(queries));
}

Result<Query> Compiler::Reference(const ResolvedParam& param, Modifier modifier, std::string_view value) {
  if (modifier.kind == Kind::kIdentifier) {
    const auto parts = SplitValue(value, '|');
    if (parts.size() > 2) return Invalid("modifier identifier takes system|value or value");
    const std::string system = parts.size() == 2 ? Unescape(parts[0]) : std::string(kAnySystem);
    return Own(storage::ReferenceIs{param.field, IdentifierReference(system, Unescape(parts.back()))});
  }
  const std::string text = Unescape(value);
  const ReferenceText parsed = ParseReference(text);
  const bool absolute = parsed.form == ReferenceText::Form::kAbsolute;
  const bool bound = absolute && parsed.base == options_.base_url;
  if (parsed.form == ReferenceText::Form::kRelative || bound || (absolute && parsed.base == options_.request_base)) {
    if (std::ranges::find(param.targets, parsed.type) == param.targets.end() ||
        (modifier.kind == Kind::kType && modifier.type != parsed.type)) {
      return NoneOf();
    }
    HILUM_ASSIGN_OR_RETURN(Query local, LocalId(param, {parsed.type}, parsed.id));
    if (!absolute || bound) return local;
    // Below a base that the index is not bound to, references are held as they are written.
    std::vector<Query> either;
    either.push_back(std::move(local));
    either.push_back(Own(storage::ReferenceIs{param.field, {std::nullopt, text}}));
    return AnyOf(std::move(either));
  }
  if (IsId(text))
    return LocalId(param, modifier.kind == Kind::kType ? std::vector{modifier.type} : param.targets, text);
  return Own(storage::ReferenceIs{param.field, {std::nullopt, text}});
}

Result<Query> Compiler::LocalId(const ResolvedParam& param, const std::vector<TypeId>& types, std::string_view id) {
  HILUM_RETURN_IF_ERROR(Spend(types.size()));
  std::vector<Query> parts;
  for (const TypeId type : types) {
    HILUM_ASSIGN_OR_RETURN(const auto doc, catalog_.FindDoc(type, id));
    if (doc) {
      parts.push_back(Own(
          storage::ReferenceIs{param.field, {storage::ReferenceValue::Target{catalog_.CollectionOf(type), *doc}, ""}}));
    }
    // References made before their target existed are held as text.
    if (types.size() <= kFewTypes) {
      parts.push_back(Own(
          storage::ReferenceIs{param.field, {std::nullopt, std::string(TypeOf(type).name) + "/" + std::string(id)}}));
    }
  }
  return AnyOf(std::move(parts));
}

// latitude|longitude|distance|unit: the square around the circle, which is what positions of this precision allow.
Result<Query> Compiler::Near(const ResolvedParam& param, std::string_view value) const {
  constexpr double kKilometresPerDegree = 111.195;
  const auto parts = SplitValue(value, '|');
  if (parts.size() < 2 || parts.size() > 4 ||
      !std::ranges::all_of(parts.begin(), parts.begin() + std::min<size_t>(parts.size(), 3), IsDecimal)) {
    return Invalid("expected latitude|longitude|distance|unit with unit km, m or [mi_i]");
  }
  const double latitude = ToDouble(parts[0]), longitude = ToDouble(parts[1]);
  double distance = parts.size() > 2 ? ToDouble(parts[2]) : 1;
  const std::string_view unit = parts.size() > 3 ? parts[3] : "km";
  if (unit == "m") {
    distance /= 1000;
  } else if (unit == "[mi_i]" || unit == "[mi_us]") {
    distance *= 1.609344;
  } else if (unit != "km" && !unit.empty()) {
    return Invalid("the unit of a distance is km, m or [mi_i]");
  }
  if (std::abs(latitude) > 90) return Invalid("the latitude, which comes first, goes from -90 to 90");
  if (std::abs(longitude) > 180) return Invalid("the longitude, which comes second, goes from -180 to 180");
  if (distance < 0) return Invalid("the distance, which comes third, is 0 or more");
  const double height = distance / kKilometresPerDegree;
  const double cosine = std::cos(std::min(std::abs(latitude) + height, 90.0) * std::numbers::pi / 180);
  const double width = cosine * 360 > height ? height / cosine : 360;
  const auto between = [](storage::FieldId field, double low, double high) {
    return Own(storage::NumberMatch{field, storage::Comparison::kEqual, {low, high}});
  };
  // Once around the date line.
  std::vector<Query> longitudes;
  longitudes.push_back(between(param.second_field, longitude - width, longitude + width));
  if (longitude - width < -180) longitudes.push_back(between(param.second_field, longitude - width + 360, 180));
  if (longitude + width > 180) longitudes.push_back(between(param.second_field, -180, longitude + width - 360));
  std::vector<Query> both;
  both.push_back(between(param.field, latitude - height, latitude + height));
  both.push_back(AnyOf(std::move(longitudes)));
  return AllOf(std::move(both));
}

Result<Query> Compiler::Composite(const ResolvedParam& param, std::string_view value) {
  const auto parts = SplitValue(value, '$');
  std::vector<Query> groups;
  for (const CompositeGroup& group : GroupsOf(*param.definition)) {
    if (parts.size() != group.components.count) {
      return Invalid("expected " + std::to_string(group.components.count) + " values with '$' between them");
    }
    HILUM_ASSIGN_OR_RETURN(Query query, Components(group, param.definition->resource, parts));
    groups.push_back(std::move(query));
  }
  return AnyOf(std::move(groups));
}

Result<Query> Compiler::Components(const CompositeGroup& group, TypeId resource,
                                   const std::vector<std::string_view>& parts) {
  std::vector<Query> all;
  if (group.field == kNoField) {
    for (size_t place = 0; place < parts.size(); ++place) {
      const SearchParam& component = SearchParamAt(ComponentsOf(group)[place].param);
      HILUM_ASSIGN_OR_RETURN(const ResolvedParam param, Resolve(resource, component.code));
      HILUM_ASSIGN_OR_RETURN(Query query, CompileValue(param, {}, parts[place]));
      all.push_back(std::move(query));
    }
    return AllOf(std::move(all));
  }
  const auto first = SplitValue(parts[0], '|');
  if (first.size() > 2 || first.back().empty()) return Invalid("expected code, system|code or |code in front of '$'");
  const std::string key =
      CompositeKey(first.size() == 2 ? Unescape(first[0]) : std::string(kAnySystem), Unescape(first.back()));
  const storage::FieldId field = catalog_.FieldOf(resource, group.field);
  for (size_t place = 1; place < parts.size(); ++place) {
    HILUM_ASSIGN_OR_RETURN(Query query, Component(group, field, place, key, parts[place]));
    all.push_back(std::move(query));
  }
  return AllOf(std::move(all));
}

Result<Query> Compiler::Component(const CompositeGroup& group, storage::FieldId field, size_t place,
                                  const std::string& key, std::string_view value) const {
  switch (ComponentsOf(group)[place].type) {
    case SearchType::kQuantity:
      return ComponentQuantity(field, key, value);
    case SearchType::kNumber: {
      const Prefix prefix = TakePrefix(&value);
      HILUM_ASSIGN_OR_RETURN(const auto asked, AskedNumber(value, prefix));
      return Own(storage::QuantityMatch{field, ComparisonOf(prefix), asked, key, CompositePlace(place)});
    }
    case SearchType::kDate: {
      const Prefix prefix = TakePrefix(&value);
      HILUM_ASSIGN_OR_RETURN(const auto asked, AskedDate(value, prefix, options_.default_offset_minutes, options_.now));
      return Own(storage::QuantityMatch{field, ComparisonOf(prefix), AsNumber(asked), key, CompositePlace(place)});
    }
    case SearchType::kString:
      return Own(storage::StringMatch{field, storage::StringMatch::How::kPrefix, CompositeText(key, Unescape(value))});
    case SearchType::kReference:
      return Own(storage::ReferenceIs{field, {std::nullopt, CompositeText(key, Unescape(value))}});
    default: {
      const auto parts = SplitValue(value, '|');
      if (parts.size() > 2 || parts.back().empty()) return Invalid("expected code, system|code or |code behind '$'");
      const std::string system = parts.size() == 2 ? Unescape(parts[0]) : std::string(kAnySystem);
      return Own(storage::TokenIs{field, key, CompositeKey(system, Unescape(parts.back()))});
    }
  }
}

Result<Query> Compiler::ComponentQuantity(storage::FieldId field, const std::string& key,
                                          std::string_view value) const {
  const Prefix prefix = TakePrefix(&value);
  const auto parts = SplitValue(value, '|');
  if (parts.size() != 1 && parts.size() != 3) return Invalid("expected number, number|system|code or number||code");
  const std::string system = parts.size() == 3 ? Unescape(parts[1]) : "",
                    code = parts.size() == 3 ? Unescape(parts[2]) : "";
  const bool any_system = system.empty() && !code.empty();
  std::vector<Query> queries;
  const auto unit = any_system || system == kUcum ? Canonicalize(code) : std::nullopt;
  if (unit) {
    HILUM_ASSIGN_OR_RETURN(const auto asked, AskedNumber(parts[0], prefix, unit->exponent, unit->factor, unit->offset));
    queries.push_back(Own(
        storage::QuantityMatch{field, ComparisonOf(prefix), asked, key, CompositeUnit(kCanonicalUnits, unit->code)}));
  }
  if (!unit || any_system) {
    HILUM_ASSIGN_OR_RETURN(const auto asked, AskedNumber(parts[0], prefix));
    queries.push_back(Own(storage::QuantityMatch{field, ComparisonOf(prefix), asked, key,
                                                 CompositeUnit(any_system ? kAnySystem : system, code)}));
  }
  return AnyOf(std::move(queries));
}

}  // namespace hilum::fhir
