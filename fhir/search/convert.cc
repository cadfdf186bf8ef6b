#include "fhir/search/convert.h"

#include <algorithm>
#include <limits>

#include "fhir/search/composite.h"
#include "fhir/search/decimal.h"
#include "fhir/search/ucum.h"
#include "fhir/validate/date_time.h"
#include "fhir/validate/reference.h"

namespace hilum::fhir {
namespace {

using json::Find;
using json::MaybeValue;
using json::Value;
using storage::DateValue;
using storage::QuantityValue;
using storage::ReferenceValue;
using storage::TokenValue;

const TypeId kResource = *FindType("Resource");
const TypeId kCodeableConcept = *FindType("CodeableConcept");
const TypeId kCoding = *FindType("Coding");
const TypeId kIdentifier = *FindType("Identifier");
const TypeId kContactPoint = *FindType("ContactPoint");
const TypeId kHumanName = *FindType("HumanName");
const TypeId kAddress = *FindType("Address");
const TypeId kPeriod = *FindType("Period");
const TypeId kTiming = *FindType("Timing");
const TypeId kQuantity = *FindType("Quantity");
const TypeId kMoney = *FindType("Money");
const TypeId kRange = *FindType("Range");
const TypeId kReference = *FindType("Reference");

constexpr std::string_view kCurrencies = "urn:iso:std:iso:4217";
constexpr double kInfinity = std::numeric_limits<double>::infinity();

std::string Text(MaybeValue value) {
  return std::string(value.TextOr(""));
}

// Each item of an array property.
template <typename Visit>
void ForEach(MaybeValue array, Visit visit) {
  if (!array || !array->is_array()) return;
  for (const Value item : array->children()) visit(item);
}

bool IsNumber(MaybeValue value) {
  return value && value->kind() == json::Kind::kNumber;
}

// R4 has no system in a code element: it is that of the value set.
std::string_view SystemOfCode(const Element& element, std::string_view code) {
  if (element.binding == kNoBinding) return {};
  const auto codes = CodesOf(BindingAt(element.binding));
  const auto found = std::ranges::lower_bound(codes, code, {}, &ValueSetCode::code);
  return found != codes.end() && found->code == code ? found->system : std::string_view();
}

// "<5" says that the value lies below.
void Widen(std::string_view comparator, QuantityValue* quantity) {
  if (comparator.starts_with('<')) quantity->low = -kInfinity;
  if (comparator.starts_with('>')) quantity->high = kInfinity;
}

ConvertedQuantity QuantityOf(std::string_view number, std::string_view system, std::string_view code,
                             std::string_view comparator) {
  ConvertedQuantity out;
  const double written = ToDouble(number);
  out.written = {written, written, std::string(system), std::string(code)};
  Widen(comparator, &out.written);
  if (system != kUcum) return out;
  if (const auto unit = Canonicalize(code)) {
    const double value = InBaseUnits(number, *unit);
    out.canonical = QuantityValue{value, value, std::string(kUcum), unit->code};
    Widen(comparator, &*out.canonical);
  }
  return out;
}

}  // namespace

TypeId Converter::TypeOfValue(Value value) const {
  const PropertyId property = typing_[value.index()];
  return property == kNoProperty ? kResource : PropertyOf(property).type;
}

Status Converter::Tokens(Value value, std::vector<TokenValue>* out) const {
  const TypeId type = TypeOfValue(value);
  if (TypeOf(type).kind == TypeKind::kPrimitive) {
    std::string_view system;
    if (TypeOf(type).primitive == Primitive::kCode) {
      system = SystemOfCode(ElementOf(PropertyOf(typing_[value.index()]).element), value.text());
    }
    out->push_back({std::string(system), std::string(value.text())});
  } else if (type == kCodeableConcept) {
    ForEach(Find(value, "coding"), [&](Value coding) { CodingToken(coding, out); });
  } else if (type == kCoding) {
    CodingToken(value, out);
  } else if (type == kIdentifier) {
    return IdentifierTokens(value, out);
  } else if (type == kContactPoint) {
    if (const MaybeValue text = Find(value, "value")) out->push_back({Text(Find(value, "system")), Text(text)});
  }
  return Status::Ok();
}

void Converter::CodingToken(Value coding, std::vector<TokenValue>* out) const {
  const MaybeValue code = Find(coding, "code"), system = Find(coding, "system");
  if (code || system) out->push_back({Text(system), Text(code)});
}

Status Converter::IdentifierTokens(Value identifier, std::vector<TokenValue>* out) const {
  const MaybeValue text = Find(identifier, "value"), system = Find(identifier, "system");
  if (!text && !system) return Status::Ok();
  out->push_back({Text(system), Text(text)});
  const MaybeValue codings = MaybeValue(identifier)["type"]["coding"];
  if (!codings || !codings->is_array()) return Status::Ok();
  for (const Value coding : codings->children()) {
    HILUM_RETURN_IF_ERROR(budget_.Take(text.TextOr("").size()));  // each is a copy of the value
    out->push_back(OfTypeToken(Find(coding, "system").TextOr(""), Find(coding, "code").TextOr(""), text.TextOr("")));
  }
  return Status::Ok();
}

void Converter::Strings(Value value, std::vector<storage::StringValue>* out) const {
  const TypeId type = TypeOfValue(value);
  if (TypeOf(type).kind == TypeKind::kPrimitive) {
    if (value.is_string()) out->push_back({std::string(value.text())});
    return;
  }
  if (type != kHumanName && type != kAddress) return;
  // Every part of a name or address counts (R4 3.1.1.4.8), but for what says how it is used.
  const auto add = [&](Value part) {
    if (part.is_string()) out->push_back({std::string(part.text())});
  };
  for (const Value part : value.children()) {
    if (part.key() == "use" || part.key() == "type" || part.key() == "id") continue;
    if (part.is_array()) {
      ForEach(part, add);
    } else {
      add(part);
    }
  }
}

std::optional<DateValue> Converter::DateOf(MaybeValue value) const {
  const auto parsed = ParseDateTime(value.TextOr(""), DateTimeForm::kSearch);
  if (!parsed) return std::nullopt;
  const TimeRange range = RangeOf(*parsed, options_.default_offset_minutes);
  return DateValue{range.low, range.high};
}

void Converter::Dates(Value value, std::vector<DateValue>* out) const {
  const TypeId type = TypeOfValue(value);
  if (TypeOf(type).kind == TypeKind::kPrimitive) {
    if (const auto date = DateOf(value)) out->push_back(*date);
  } else if (type == kPeriod) {
    const auto start = DateOf(Find(value, "start")), end = DateOf(Find(value, "end"));
    if (start || end) out->push_back({start ? start->low : INT64_MIN, end ? end->high : INT64_MAX});
  } else if (type == kTiming) {
    TimingDates(value, out);
  }
}

// Only the outer limits matter (R4 3.1.1.4.7).
void Converter::TimingDates(Value timing, std::vector<DateValue>* out) const {
  std::vector<DateValue> within;
  ForEach(Find(timing, "event"), [&](Value event) {
    if (const auto date = DateOf(event)) within.push_back(*date);
  });
  const MaybeValue bounds = MaybeValue(timing)["repeat"]["boundsPeriod"];
  if (bounds && (within.empty() || options_.index_rules > 0)) Dates(*bounds, &within);
  if (within.empty()) return;
  out->push_back(
      {std::ranges::min(within, {}, &DateValue::low).low, std::ranges::max(within, {}, &DateValue::high).high});
}

void Converter::Numbers(Value value, std::vector<storage::NumberValue>* out) const {
  const TypeId type = TypeOfValue(value);
  if (value.kind() == json::Kind::kNumber) {
    const double number = ToDouble(value.text());
    out->push_back({number, number});
  } else if (type == kRange) {
    const MaybeValue low = MaybeValue(value)["low"]["value"], high = MaybeValue(value)["high"]["value"];
    if (!IsNumber(low) && !IsNumber(high)) return;
    out->push_back(
        {IsNumber(low) ? ToDouble(low->text()) : -kInfinity, IsNumber(high) ? ToDouble(high->text()) : kInfinity});
  } else if (const MaybeValue number = Find(value, "value"); IsA(type, kQuantity) && IsNumber(number)) {
    out->push_back({ToDouble(number->text()), ToDouble(number->text())});
  }
}

void Converter::Quantities(Value value, std::vector<ConvertedQuantity>* out) const {
  const TypeId type = TypeOfValue(value);
  if (type == kRange) return RangeQuantity(value, out);
  const MaybeValue number = Find(value, "value");
  if (!IsNumber(number)) return;
  if (type == kMoney) {
    out->push_back(QuantityOf(number->text(), kCurrencies, Find(value, "currency").TextOr(""), ""));
  } else if (IsA(type, kQuantity)) {
    // Without a code the unit people read stands in for it.
    const std::string_view unit = Find(value, "unit").TextOr("");
    const std::string_view code = Find(value, "code").TextOr(unit);
    ConvertedQuantity quantity =
        QuantityOf(number->text(), Find(value, "system").TextOr(""), code, Find(value, "comparator").TextOr(""));
    if (!unit.empty() && unit != code)
      quantity.by_unit = {quantity.written.low, quantity.written.high, "", std::string(unit)};
    out->push_back(std::move(quantity));
  }
}

// From the low quantity to the high one, which share their unit (R4 rng-2).
void Converter::RangeQuantity(Value range, std::vector<ConvertedQuantity>* out) const {
  std::vector<ConvertedQuantity> ends;
  const MaybeValue low = Find(range, "low"), high = Find(range, "high");
  if (low) Quantities(*low, &ends);
  if (high) Quantities(*high, &ends);
  if (ends.empty()) return;
  ConvertedQuantity joined = ends.front();
  const auto join = [&](QuantityValue* into, const QuantityValue& last) {
    if (!low) into->low = -kInfinity;
    into->high = high ? last.high : kInfinity;
  };
  join(&joined.written, ends.back().written);
  if (joined.by_unit && ends.back().by_unit) join(&*joined.by_unit, *ends.back().by_unit);
  if (joined.canonical && ends.back().canonical) join(&*joined.canonical, *ends.back().canonical);
  out->push_back(std::move(joined));
}

void Converter::Uris(Value value, std::vector<storage::UriValue>* out) const {
  if (!value.is_string()) return;
  const std::string_view text = value.text();
  out->push_back({std::string(text)});
  // A canonical with a version is also meant when none is asked for.
  const bool canonical = TypeOf(TypeOfValue(value)).primitive == Primitive::kCanonical;
  if (const size_t bar = text.find('|'); canonical && bar != text.npos)
    out->push_back({std::string(text.substr(0, bar))});
}

Status Converter::References(Value value, std::vector<ReferenceValue>* out) const {
  const TypeId type = TypeOfValue(value);
  if (type == kReference) {
    const MaybeValue text = Find(value, "reference");
    if (text) HILUM_RETURN_IF_ERROR(TextReference(text->text(), out));
    const MaybeValue identifier = Find(value, "identifier");
    const std::string_view number = identifier["value"].TextOr("");
    if (!number.empty()) {
      out->push_back(IdentifierReference(identifier["system"].TextOr(""), number));
      out->push_back(IdentifierReference(kAnySystem, number));
    }
  } else if (value.is_string()) {
    HILUM_RETURN_IF_ERROR(TextReference(value.text(), out));
    const size_t bar = value.text().find('|');
    if (bar != std::string_view::npos) return TextReference(value.text().substr(0, bar), out);
  } else if (const auto resource = ResourceTypeOf(value)) {
    // A resource in place of a reference: the first entries of documents and messages.
    const MaybeValue id = Find(value, "id");
    if (id) {
      HILUM_ASSIGN_OR_RETURN(ReferenceValue reference, LocalReference(*resource, id->text(), catalog_));
      out->push_back(std::move(reference));
    }
  }
  return Status::Ok();
}

Status Converter::TextReference(std::string_view text, std::vector<ReferenceValue>* out) const {
  const ReferenceText parsed = ParseReference(text);
  const bool local = parsed.form == ReferenceText::Form::kRelative ||
                     (parsed.form == ReferenceText::Form::kAbsolute && parsed.base == options_.base_url);
  if (local) {
    HILUM_ASSIGN_OR_RETURN(ReferenceValue reference, LocalReference(parsed.type, parsed.id, catalog_));
    out->push_back(std::move(reference));
  } else {
    out->push_back({.target = std::nullopt, .text = std::string(text)});
  }
  return Status::Ok();
}

Result<ReferenceValue> LocalReference(TypeId type, std::string_view id, SearchCatalog& catalog) {
  HILUM_ASSIGN_OR_RETURN(const auto doc, catalog.FindDoc(type, id));
  ReferenceValue reference;
  if (doc) {
    reference.target = {catalog.CollectionOf(type), *doc};
  } else {
    reference.text.append(TypeOf(type).name).append("/").append(id);
  }
  return reference;
}

}  // namespace hilum::fhir
