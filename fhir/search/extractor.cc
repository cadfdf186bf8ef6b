#include "fhir/search/extractor.h"

#include <algorithm>
#include <bitset>

#include "fhir/search/composite.h"
#include "fhir/search/decimal.h"
#include "fhir/validate/reference.h"

namespace hilum::fhir {
namespace {

using json::Find;
using json::MaybeValue;
using json::Value;
using storage::QuantityValue;

constexpr size_t kMaxFields = 512;
constexpr size_t kUsualValues = 24;

size_t TextBytes(const storage::IndexValue& value) {
  struct Bytes {
    size_t operator()(const storage::TokenValue& v) const { return v.system.size() + v.code.size(); }
    size_t operator()(const storage::StringValue& v) const { return v.text.size(); }
    size_t operator()(const storage::QuantityValue& v) const { return v.system.size() + v.code.size(); }
    size_t operator()(const storage::ReferenceValue& v) const { return v.text.size(); }
    size_t operator()(const storage::UriValue& v) const { return v.uri.size(); }
    size_t operator()(const storage::DateValue&) const { return 0; }
    size_t operator()(const storage::NumberValue&) const { return 0; }
  };
  return std::visit(Bytes(), value);
}

}  // namespace

Result<storage::DocumentValues> Extractor::Run() {
  assert(TypeOf(type_).search_fields <= kMaxFields);
  const Range properties = TypeOf(type_).properties;
  root_.assign(properties.count, 0);
  contained_ = ContainedIn(resource_);
  for (const Value child : resource_.children()) {
    const PropertyId property = typing_[child.index()];
    if (property != kNoProperty) root_[static_cast<size_t>(property) - properties.first] = child.index();
  }
  out_.entries.reserve(kUsualValues);
  std::bitset<kMaxFields> done;
  for (const SearchParam& param : SearchParamsOf(type_)) {
    // Parameters that narrow a field are answered by the whole one.
    if (param.field != kNoField && param.only == kNoType && !done[param.field]) {
      done.set(param.field);
      HILUM_RETURN_IF_ERROR(AddParam(param));
    }
    for (const CompositeGroup& group : GroupsOf(param)) {
      if (group.field == kNoField || done[group.field]) continue;
      done.set(group.field);
      HILUM_RETURN_IF_ERROR(AddGroup(group));
    }
  }
  return std::move(out_);
}

void Extractor::Walk(std::span<const Step> steps, Value from, Values* out) const {
  if (steps.empty()) {
    out->push_back(from);
    return;
  }
  const Step& step = steps.front();
  const auto rest = steps.subspan(1);
  switch (step.op) {
    case Step::Op::kProperty:
      return WalkProperty(steps, from, out);
    case Step::Op::kIsResource:
      if (ResourceTypeOf(from) == TypeId{step.argument}) Walk(rest, from, out);
      break;
    case Step::Op::kRefersTo:
      if (RefersTo(from, TypeId{step.argument})) Walk(rest, from, out);
      break;
    case Step::Op::kWhereEquals:
      for (const Value child : from.children()) {
        if (typing_[child.index()] == PropertyId{step.argument} && child.text() == step.text)
          return Walk(rest, from, out);
      }
      break;
    case Step::Op::kIndex:   // taken by WalkProperty
    case Step::Op::kIsTrue:  // taken by AddParam
      break;
  }
}

void Extractor::WalkProperty(std::span<const Step> steps, Value object, Values* out) const {
  const PropertyId property{steps.front().argument};
  auto rest = steps.subspan(1);
  std::optional<size_t> place;
  if (!rest.empty() && rest.front().op == Step::Op::kIndex) {
    place = rest.front().argument;
    rest = rest.subspan(1);
  }
  if (object.index() == resource_.index()) {
    const uint32_t child = NodeOf(steps.front().argument);
    if (child != 0) WalkItems(rest, Value(&resource_.document(), child), place, out);
    return;
  }
  for (const Value child : object.children()) {
    if (typing_[child.index()] == property) return WalkItems(rest, child, place, out);
  }
}

void Extractor::WalkItems(std::span<const Step> steps, Value child, std::optional<size_t> place, Values* out) const {
  if (!child.is_array()) return Walk(steps, child, out);
  size_t index = 0;
  for (const Value item : child.children()) {
    if ((!place || *place == index) && item.kind() != json::Kind::kNull) Walk(steps, item, out);
    ++index;
  }
}

Extractor::Values Extractor::Follow(Range paths, Value from) const {
  Values values;
  for (const Path& path : PathsOf(paths)) Walk(StepsOf(path), from, &values);
  return values;
}

bool Extractor::RefersTo(Value reference, TypeId type) const {
  const MaybeValue text = reference.is_string() ? MaybeValue(reference) : Find(reference, "reference");
  const ReferenceText parsed = ParseReference(text.TextOr(""));
  if (parsed.type != kNoType) return parsed.type == type;
  if (parsed.form == ReferenceText::Form::kFragment) {
    const auto target = contained_.find(parsed.id);
    return target != contained_.end() && ResourceTypeOf(target->second) == type;
  }
  return FindResourceType(Find(reference, "type").TextOr("")) == type;
}

bool Extractor::IsTrue(ElementId element) const {
  for (const Value child : resource_.children()) {
    const PropertyId property = typing_[child.index()];
    if (property != kNoProperty && PropertyOf(property).element == element) return child.kind() != json::Kind::kFalse;
  }
  return false;
}

Status Extractor::AddParam(const SearchParam& param) {
  for (const Path& path : PathsOf(param.paths)) {
    const auto steps = StepsOf(path);
    if (IsAbsent(steps)) continue;
    if (steps.size() == 1 && steps[0].op == Step::Op::kIsTrue) {
      HILUM_RETURN_IF_ERROR(
          Add(param.field, storage::TokenValue{"", IsTrue(ElementId{steps[0].argument}) ? "true" : "false"}));
      continue;
    }
    found_.clear();
    Walk(steps, resource_, &found_);
    for (const Value value : found_) HILUM_RETURN_IF_ERROR(AddValue(param, value));
  }
  return Status::Ok();
}

Status Extractor::Add(uint16_t field, storage::IndexValue value) {
  HILUM_RETURN_IF_ERROR(budget_.Take(TextBytes(value)));
  out_.entries.push_back({catalog_.FieldOf(type_, field), std::move(value)});
  return Status::Ok();
}

template <typename Returned, typename Converted>
Status Extractor::AddAll(uint16_t field, Value value,
                         Returned (Converter::*convert)(Value, std::vector<Converted>*) const,
                         std::vector<Converted>* scratch) {
  scratch->clear();
  if constexpr (std::is_void_v<Returned>) {
    (convert_.*convert)(value, scratch);
  } else {
    HILUM_RETURN_IF_ERROR((convert_.*convert)(value, scratch));
  }
  for (Converted& converted : *scratch) HILUM_RETURN_IF_ERROR(Add(field, std::move(converted)));
  return Status::Ok();
}

Status Extractor::AddValue(const SearchParam& param, Value value) {
  switch (param.type) {
    case SearchType::kToken:
      return AddAll(param.field, value, &Converter::Tokens, &tokens_);
    case SearchType::kString:
      return AddAll(param.field, value, &Converter::Strings, &strings_);
    case SearchType::kDate:
      return AddAll(param.field, value, &Converter::Dates, &dates_);
    case SearchType::kNumber:
      return AddAll(param.field, value, &Converter::Numbers, &numbers_);
    case SearchType::kUri:
      return AddAll(param.field, value, &Converter::Uris, &uris_);
    case SearchType::kReference:
      return AddAll(param.field, value, &Converter::References, &references_);
    case SearchType::kQuantity:
      return AddQuantity(param, value);
    case SearchType::kSpecial:
      return AddPosition(param, value);
    case SearchType::kComposite:
      break;
  }
  return Status::Ok();
}

Status Extractor::AddQuantity(const SearchParam& param, Value value) {
  for (const ConvertedQuantity& quantity : Quantities(value)) {
    if (quantity.canonical) HILUM_RETURN_IF_ERROR(Add(param.field, *quantity.canonical));
    HILUM_RETURN_IF_ERROR(Add(param.field + 1, quantity.written));
    if (quantity.by_unit) HILUM_RETURN_IF_ERROR(Add(param.field + 2, *quantity.by_unit));
  }
  return Status::Ok();
}

const std::vector<ConvertedQuantity>& Extractor::Quantities(Value value) {
  const auto [known, added] = quantities_.try_emplace(value.index());
  if (added) convert_.Quantities(value, &known->second);
  return known->second;
}

Status Extractor::AddPosition(const SearchParam& param, Value position) {
  const MaybeValue latitude = Find(position, "latitude"), longitude = Find(position, "longitude");
  if (!latitude || !longitude) return Status::Ok();
  HILUM_RETURN_IF_ERROR(Add(param.field, storage::NumberValue{ToDouble(latitude->text()), ToDouble(latitude->text())}));
  return Add(param.field + 1, storage::NumberValue{ToDouble(longitude->text()), ToDouble(longitude->text())});
}

Status Extractor::AddGroup(const CompositeGroup& group) {
  if (IsAbsent(StepsOf(PathAt(group.path)))) return Status::Ok();
  const auto components = ComponentsOf(group);
  Values values;
  Walk(StepsOf(PathAt(group.path)), resource_, &values);
  for (const Value from : values) {
    std::vector<std::string> keys;
    HILUM_RETURN_IF_ERROR(KeysOf(components[0], from, &keys));
    for (const std::string& key : keys) {
      for (size_t place = 1; place < components.size(); ++place)
        HILUM_RETURN_IF_ERROR(AddComponent(group, place, from, key));
    }
  }
  return Status::Ok();
}

Status Extractor::KeysOf(const CompositeComponent& component, Value from, std::vector<std::string>* keys) {
  for (const Value value : Follow(component.paths, Root(component, from))) {
    std::vector<storage::TokenValue> tokens;
    HILUM_RETURN_IF_ERROR(convert_.Tokens(value, &tokens));
    for (const storage::TokenValue& token : tokens) {
      for (const std::string_view system : {std::string_view(token.system), kAnySystem}) {
        HILUM_RETURN_IF_ERROR(budget_.Take(keys->emplace_back(CompositeKey(system, token.code)).size()));
      }
    }
  }
  return Status::Ok();
}

Status Extractor::AddComponent(const CompositeGroup& group, size_t place, Value from, const std::string& key) {
  const CompositeComponent& component = ComponentsOf(group)[place];
  for (const Value value : Follow(component.paths, Root(component, from))) {
    switch (component.type) {
      case SearchType::kQuantity: {
        for (const ConvertedQuantity& quantity : Quantities(value)) {
          const QuantityValue& w = quantity.written;
          const auto add = [&](const QuantityValue& of, std::string unit) {
            return Add(group.field, QuantityValue{of.low, of.high, key, std::move(unit)});
          };
          HILUM_RETURN_IF_ERROR(add(w, CompositeUnit("", "")));
          HILUM_RETURN_IF_ERROR(add(w, CompositeUnit(w.system, w.code)));
          // By its code alone a unit that has base units is asked for in those.
          if (const auto& c = quantity.canonical) {
            HILUM_RETURN_IF_ERROR(add(*c, CompositeUnit(kCanonicalUnits, c->code)));
          } else if (!w.code.empty()) {
            HILUM_RETURN_IF_ERROR(add(w, CompositeUnit(kAnySystem, w.code)));
          }
        }
        break;
      }
      case SearchType::kNumber: {
        std::vector<storage::NumberValue> numbers;
        convert_.Numbers(value, &numbers);
        for (const auto& number : numbers) {
          HILUM_RETURN_IF_ERROR(Add(group.field, QuantityValue{number.low, number.high, key, CompositePlace(place)}));
        }
        break;
      }
      case SearchType::kDate: {
        std::vector<storage::DateValue> dates;
        convert_.Dates(value, &dates);
        for (const auto& date : dates) {
          const storage::NumberValue number = AsNumber(date);
          HILUM_RETURN_IF_ERROR(Add(group.field, QuantityValue{number.low, number.high, key, CompositePlace(place)}));
        }
        break;
      }
      case SearchType::kString: {
        std::vector<storage::StringValue> strings;
        convert_.Strings(value, &strings);
        for (const auto& string : strings)
          HILUM_RETURN_IF_ERROR(Add(group.field, storage::StringValue{CompositeText(key, string.text)}));
        break;
      }
      case SearchType::kReference: {
        const std::string_view text = Find(value, "reference").TextOr("");
        if (text.empty()) break;
        HILUM_RETURN_IF_ERROR(Add(group.field, storage::ReferenceValue{std::nullopt, CompositeText(key, text)}));
        break;
      }
      default: {
        std::vector<storage::TokenValue> tokens;
        HILUM_RETURN_IF_ERROR(convert_.Tokens(value, &tokens));
        for (const auto& token : tokens) {
          HILUM_RETURN_IF_ERROR(Add(group.field, storage::TokenValue{key, CompositeKey(token.system, token.code)}));
          HILUM_RETURN_IF_ERROR(Add(group.field, storage::TokenValue{key, CompositeKey(kAnySystem, token.code)}));
        }
      }
    }
  }
  return Status::Ok();
}

}  // namespace hilum::fhir
