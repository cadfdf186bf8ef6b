#include "fhir/search/compiler.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/edit_distance.h"
#include "base/uid.h"
#include "fhir/search/build.h"
#include "fhir/search/images.h"
#include "fhir/search/query.h"
#include "fhir/search/study_uid.h"

namespace hilum::fhir {
namespace {

using storage::Query;

const TypeId kList = FindResourceType("List").value_or(kNoType);
const TypeId kImagingStudy = FindResourceType("ImagingStudy").value_or(kNoType);

Result<Modifier> ParseModifier(std::string_view text) {
  using Kind = Modifier::Kind;
  constexpr std::array<std::pair<std::string_view, Kind>, 12> kModifiers = {{{"", Kind::kNone},
                                                                             {"missing", Kind::kMissing},
                                                                             {"exact", Kind::kExact},
                                                                             {"contains", Kind::kContains},
                                                                             {"text", Kind::kText},
                                                                             {"not", Kind::kNot},
                                                                             {"above", Kind::kAbove},
                                                                             {"below", Kind::kBelow},
                                                                             {"in", Kind::kIn},
                                                                             {"not-in", Kind::kNotIn},
                                                                             {"of-type", Kind::kOfType},
                                                                             {"identifier", Kind::kIdentifier}}};
  for (const auto& [name, kind] : kModifiers) {
    if (name == text) return Modifier{kind, kNoType};
  }
  if (const auto type = FindResourceType(text)) return Modifier{Kind::kType, *type};
  return Unsupported("search modifier " + Quote(text) + " does not exist");
}

// Name before ':' or '.', and what is behind it.
std::pair<std::string_view, std::string_view> SplitAt(std::string_view text, char c) {
  const size_t at = text.find(c);
  if (at == text.npos) return {text, {}};
  return {text.substr(0, at), text.substr(at + 1)};
}

constexpr std::string_view kHowToAddDicom =
    "; attributes are named by keyword or tag, and those that are not indexed can be added as extended query tags";

bool IsDicomCode(std::string_view code) {
  return code.starts_with("dicom-");
}

// What a parameter finds among documents of its field, as documents of the type that was asked for.
Query Joined(const ResolvedParam& param, Query query) {
  return param.custom && param.custom->join ? param.custom->join(std::move(query)) : std::move(query);
}

Status CheckFollowed(const ResolvedParam& param) {
  if (param.definition == nullptr || !IsByCanonical(*param.definition)) return Status::Ok();
  return Unsupported(Quote(param.code) +
                     " holds canonical URLs, which chains, _has and includes do not follow; ask for the URL itself");
}

// Why a chain leads nowhere: `rest`, all behind `code`, is of none of the types that are tried.
std::string LeadsNowhere(std::string_view code, std::string_view rest, const std::vector<TypeId>& tried) {
  constexpr size_t kNamed = 5;
  std::string text = "none of the types that " + Quote(code) + " may lead to has " + Quote(rest) + " (";
  for (size_t i = 0; i < std::min(tried.size(), kNamed); ++i)
    text.append(i == 0 ? "" : ", ").append(TypeOf(tried[i]).name);
  if (tried.size() > kNamed) text += " and " + std::to_string(tried.size() - kNamed) + " more";
  text += ")";
  if (rest.find('.') != rest.npos || rest.starts_with("_has:")) return text;
  const std::string_view last = SplitAt(rest, ':').first;
  for (const TypeId type : tried) {
    if (const std::string suggestion = Suggestion(type, last); !suggestion.empty()) return text + suggestion;
  }
  return text;
}

// The documents of the field may refer to what a parameter that narrows it never means.
bool LeadsTo(const ResolvedParam& param, TypeId type) {
  return param.only == kNoType || param.only == type;
}

}  // namespace

bool IsByCanonical(const SearchParam& param) {
  if (param.type != SearchType::kReference || param.paths.count == 0) return false;
  return std::ranges::all_of(PathsOf(param.paths), [](const Path& path) {
    TypeId type = kNoType;
    for (const Step& step : StepsOf(path)) {
      if (step.op == Step::Op::kProperty) type = PropertyOf(PropertyId{step.argument}).type;
    }
    return type != kNoType && TypeOf(type).kind == TypeKind::kPrimitive;
  });
}

std::string Suggestion(TypeId type, std::string_view code) {
  if (code.size() > 64) return {};
  const SearchParam* best = nullptr;
  size_t best_distance = 3;
  for (const SearchParam& param : SearchParamsOf(type)) {
    const size_t distance = EditDistance(code, param.code);
    if (distance == 0) return {};
    if (distance >= best_distance) continue;
    best = &param;
    best_distance = distance;
  }
  return best == nullptr ? std::string() : "; did you mean " + Quote(best->code) + "?";
}

Result<ResolvedParam> Compiler::Resolve(TypeId type, std::string_view code) const {
  ResolvedParam resolved{.code = std::string(code)};
  if (const SearchParam* param = FindSearchParam(type, code)) {
    if (param->field == kNoField && param->groups.count == 0) {
      return NotFound("search parameter " + Quote(code) + " is not supported");
    }
    resolved.type = param->type;
    resolved.definition = param;
    resolved.only = param->only;
    if (param->field != kNoField) resolved.field = catalog_.FieldOf(type, param->field);
    const bool two = param->type == SearchType::kQuantity || param->type == SearchType::kSpecial;
    if (two) resolved.second_field = catalog_.FieldOf(type, param->field + 1);
    if (param->type == SearchType::kQuantity) resolved.unit_field = catalog_.FieldOf(type, param->field + 2);
    const auto targets = TypeList(param->targets);
    resolved.targets.assign(targets.begin(), targets.end());
  } else if (auto custom = catalog_.FindCustom(type, code)) {
    resolved.type = custom->type;
    resolved.field = custom->field;
    resolved.targets = custom->targets;
    resolved.custom = std::move(custom);
  } else {
    return NotFound(std::string(TypeOf(type).name) + " has no search parameter " + Quote(code) +
                    (IsDicomCode(code) ? std::string(kHowToAddDicom) : Suggestion(type, code)));
  }
  if (resolved.only != kNoType) resolved.targets = {resolved.only};
  if (resolved.targets.empty()) resolved.targets.assign(ResourceTypes().begin(), ResourceTypes().end());
  return resolved;
}

Status Compiler::Spend(size_t steps) {
  steps_ += steps;
  if (steps_ > options_.max_steps) {
    return LimitExceeded("the search takes more than " + std::to_string(options_.max_steps) +
                         " steps: ask for fewer values or types, and name types in chains and references "
                         "(subject:Patient.name, subject=Patient/id)");
  }
  if (options_.steps_left == nullptr) return Status::Ok();
  if (*options_.steps_left < steps) {
    return LimitExceeded(
        "the searches of this request take too many steps together: send fewer at a time, or with fewer values, and "
        "name types in chains and references (subject:Patient.name, subject=Patient/id)");
  }
  *options_.steps_left -= steps;
  return Status::Ok();
}

Status Compiler::SpendOn(std::string_view value) {
  constexpr size_t kBytesPerStep = 256;
  return Spend(1 + value.size() / kBytesPerStep);
}

Result<Query> Compiler::Compile(TypeId type, std::string_view name, std::string_view value, size_t depth) {
  if (depth > options_.max_depth) {
    return LimitExceeded("chains and _has deeper than " + std::to_string(options_.max_depth) + " levels are refused");
  }
  HILUM_RETURN_IF_ERROR(Spend(1));
  const std::pair place(type, name.size());
  if (const auto known = lacking_.find(place); known != lacking_.end()) return NotFound(known->second);
  auto query = CompileName(type, name, value, depth);
  if (query.status().code() == Code::kNotFound) lacking_.emplace(place, query.status().message());
  return query;
}

Result<Query> Compiler::CompileName(TypeId type, std::string_view name, std::string_view value, size_t depth) {
  if (name.starts_with("_has:")) return CompileHas(type, name.substr(5), value, depth);
  const auto [head, rest] = SplitAt(name, '.');
  // Paths into DICOM sequences have dots, too.
  if (!rest.empty() && !(IsDicomCode(name) && catalog_.FindCustom(type, SplitAt(name, ':').first)))
    return CompileChain(type, head, rest, value, depth);
  const auto [code, modifier_text] = SplitAt(name, ':');
  if (code == "_id" || code == "_list") {
    HILUM_ASSIGN_OR_RETURN(const Modifier modifier, ParseModifier(modifier_text));
    return CompileNamed(type, code, modifier, value);
  }
  HILUM_ASSIGN_OR_RETURN(const ResolvedParam param, Resolve(type, code));
  HILUM_ASSIGN_OR_RETURN(const Modifier modifier, ParseModifier(modifier_text));
  return CompileParam(param, modifier, value);
}

// subject:Patient.name=x: documents whose reference leads to one that matches the rest, for each type it may lead to
// that has the parameter.
Result<Query> Compiler::CompileChain(TypeId type, std::string_view head, std::string_view rest, std::string_view value,
                                     size_t depth) {
  const auto [code, target] = SplitAt(head, ':');
  HILUM_ASSIGN_OR_RETURN(const ResolvedParam param, Resolve(type, code));
  if (param.type != SearchType::kReference) return Invalid(Quote(code) + " is no reference, so it cannot be chained");
  HILUM_RETURN_IF_ERROR(CheckFollowed(param));
  std::vector<TypeId> targets = param.targets;
  if (!target.empty()) {
    const auto named = FindResourceType(target);
    if (!named) return Invalid(Quote(target) + " in a chain is no resource type");
    targets = {*named};
  }
  std::vector<Query> parts;
  std::string missing;
  for (const TypeId to : targets) {
    auto query = Compile(to, rest, value, depth + 1);
    if (!query.ok()) {
      if (query.status().code() != Code::kNotFound) return query;
      missing = query.status().message();
      continue;
    }
    parts.push_back(LeadsTo(param, to)
                        ? Own(storage::RefersTo{param.field, catalog_.CollectionOf(to), Share(*std::move(query))})
                        : NoneOf());
  }
  if (parts.empty()) return NotFound(targets.size() == 1 ? missing : LeadsNowhere(code, rest, targets));
  return AnyOf(std::move(parts));
}

// _has:Observation:patient:code=x: documents that a matching Observation points at by `patient`.
Result<Query> Compiler::CompileHas(TypeId type, std::string_view path, std::string_view value, size_t depth) {
  const auto [type_name, after_type] = SplitAt(path, ':');
  const auto [code, rest] = SplitAt(after_type, ':');
  const auto source = FindResourceType(type_name);
  if (!source || code.empty() || rest.empty()) return Invalid("_has must be _has:Type:reference:parameter");
  HILUM_ASSIGN_OR_RETURN(const ResolvedParam param, Resolve(*source, code));
  if (param.type != SearchType::kReference) return Invalid(Quote(code) + " in _has is no reference");
  HILUM_RETURN_IF_ERROR(CheckFollowed(param));
  HILUM_ASSIGN_OR_RETURN(Query query, Compile(*source, rest, value, depth + 1));
  if (!LeadsTo(param, type)) return NoneOf();
  return Own(storage::ReferredToBy{catalog_.CollectionOf(*source), param.field, Share(std::move(query))});
}

// _id and _list have no field of their own: which documents they are about is looked up.
Result<Query> Compiler::CompileNamed(TypeId type, std::string_view code, Modifier modifier, std::string_view value) {
  const bool by_id = code == "_id";
  const bool missing = modifier.kind == Modifier::Kind::kMissing;
  if (missing && value != "true" && value != "false") return Invalid("modifier missing takes true or false");
  if (!missing && modifier.kind != Modifier::Kind::kNone && modifier.kind != Modifier::Kind::kNot) {
    return Unsupported("only the modifiers not and missing go with " + Quote(code));
  }
  Query named = Own(storage::All{});  // missing: each resource has an id
  if (by_id && !missing) {
    HILUM_ASSIGN_OR_RETURN(named, CompileIds(type, value));
  } else if (!by_id) {
    HILUM_ASSIGN_OR_RETURN(named, CompileMembers(missing ? std::nullopt : std::optional(value)));
  }
  const bool negate = missing ? value == "true" : modifier.kind == Modifier::Kind::kNot;
  return negate ? Own(storage::Not{Share(std::move(named))}) : std::move(named);
}

Result<Query> Compiler::CompileIds(TypeId type, std::string_view value) {
  storage::DocsIn docs;
  for (const std::string_view id : SplitValue(value, ',')) {
    HILUM_RETURN_IF_ERROR(SpendOn(id));
    HILUM_ASSIGN_OR_RETURN(const auto doc, catalog_.FindDoc(type, Unescape(id)));
    if (doc) docs.docs.push_back(*doc);
  }
  return Own(std::move(docs));
}

// _list=42: what List/42 has as items; without a value, what any list has.
Result<Query> Compiler::CompileMembers(std::optional<std::string_view> value) {
  if (kList == kNoType) return NotFound("search parameter '_list' is not supported");
  HILUM_ASSIGN_OR_RETURN(const ResolvedParam item, Resolve(kList, "item"));
  Query lists = Own(storage::All{});
  if (value) {
    if (value->starts_with('$')) return Unsupported("_list takes the id of a List; functional lists are not there");
    HILUM_ASSIGN_OR_RETURN(lists, CompileIds(kList, *value));
  }
  return Own(storage::ReferredToBy{catalog_.CollectionOf(kList), item.field, Share(std::move(lists))});
}

// The way to the images, if they have values for the parameter.
std::optional<storage::FieldId> Compiler::ImagesOf(const ResolvedParam& param) const {
  if (kImagingStudy == kNoType || param.definition == nullptr || !IsOfImages(param.code)) return std::nullopt;
  if (param.definition != FindSearchParam(kImagingStudy, param.code)) return std::nullopt;
  return catalog_.ImagesField();
}

std::optional<std::string> Compiler::OtherUid(const ResolvedParam& param, std::string_view value) const {
  if (kImagingStudy == kNoType || param.definition == nullptr) return std::nullopt;
  if (param.definition != FindSearchParam(kImagingStudy, "identifier")) return std::nullopt;
  const size_t bar = value.find('|');
  const std::string_view system = bar == std::string_view::npos ? "" : value.substr(0, bar);
  const std::string_view written = bar == std::string_view::npos ? value : value.substr(bar + 1);
  if (!system.empty() && system != kUidSystem) return std::nullopt;
  const std::string_view uid = StudyUidOf(written);
  if (!IsValidUid(uid) || uid.find('.') == std::string_view::npos) return std::nullopt;
  return std::string(kUidSystem) + "|" + (uid == written ? UidIdentifier(uid) : std::string(uid));
}

Result<Query> Compiler::CompileParam(const ResolvedParam& param, Modifier modifier, std::string_view value) {
  using Kind = Modifier::Kind;
  if (modifier.kind == Kind::kMissing) return CompileMissing(param, value);
  const bool negate = modifier.kind == Kind::kNot || modifier.kind == Kind::kNotIn;
  if (modifier.kind == Kind::kNot) modifier.kind = Kind::kNone;
  if (modifier.kind == Kind::kNotIn) modifier.kind = Kind::kIn;
  if (negate && param.type != SearchType::kToken) {
    return Unsupported("modifiers not and not-in only go with tokens, not with " + Quote(param.code));
  }
  const auto images = ImagesOf(param);
  std::vector<Query> parts;
  for (const std::string_view part : SplitValue(value, ',')) {
    HILUM_RETURN_IF_ERROR(SpendOn(part));
    if (part.empty()) return Invalid("an empty value in the list of " + Quote(param.code));
    auto query = CompileValue(param, modifier, part);
    if (!query.ok()) return query.status().WithContext("search parameter " + Quote(param.code));
    parts.push_back(*std::move(query));
    if (const auto other = modifier.kind == Kind::kNone ? OtherUid(param, part) : std::nullopt) {
      HILUM_ASSIGN_OR_RETURN(parts.emplace_back(), CompileValue(param, modifier, *other));
    }
    if (!images || modifier.kind != Kind::kNone) continue;
    HILUM_ASSIGN_OR_RETURN(parts.emplace_back(), QueryImages(*images, param.code, part));
  }
  Query any = Joined(param, AnyOf(std::move(parts)));
  if (!negate) return any;
  return Own(storage::Not{Share(std::move(any))});
}

Result<Query> Compiler::CompileMissing(const ResolvedParam& param, std::string_view value) const {
  if (value != "true" && value != "false") return Invalid("modifier missing takes true or false");
  if (param.type == SearchType::kComposite)
    return Unsupported("modifier missing does not go with composites; ask for their components");
  // Only the written field of a quantity has values whose unit is not known.
  const storage::FieldId field =
      param.type == SearchType::kQuantity && param.definition != nullptr ? param.second_field : param.field;
  storage::Present any_value{field};
  if (param.only != kNoType) any_value.target = catalog_.CollectionOf(param.only);
  Query present = Own(any_value);
  if (const auto images = ImagesOf(param)) {
    std::vector<Query> either;
    either.push_back(std::move(present));
    HILUM_ASSIGN_OR_RETURN(either.emplace_back(), QueryImages(*images, param.code, std::nullopt));
    present = AnyOf(std::move(either));
  }
  present = Joined(param, std::move(present));
  if (value == "false") return present;
  return Own(storage::Not{Share(std::move(present))});
}

Result<Query> Compiler::CompileValue(const ResolvedParam& param, Modifier modifier, std::string_view value) {
  using Kind = Modifier::Kind;
  const auto allow = [&](std::initializer_list<Kind> kinds) {
    return modifier.kind == Kind::kNone || std::ranges::find(kinds, modifier.kind) != kinds.end();
  };
  if (param.custom && param.custom->match && modifier.kind == Kind::kNone) {
    HILUM_ASSIGN_OR_RETURN(std::optional<Query> query, param.custom->match(value, options_));
    if (query) return *std::move(query);
  }
  switch (param.type) {
    case SearchType::kToken:
      if (allow({Kind::kIn, Kind::kOfType})) return Token(param, modifier, value);
      break;
    case SearchType::kString:
      if (allow({Kind::kExact, Kind::kContains})) return String(param, modifier, value);
      break;
    case SearchType::kUri:
      if (allow({Kind::kAbove, Kind::kBelow})) return Uri(param, modifier, value);
      break;
    case SearchType::kReference:
      if (allow({Kind::kIdentifier, Kind::kType})) return Reference(param, modifier, value);
      break;
    case SearchType::kDate:
      if (allow({})) return Date(param, value);
      break;
    case SearchType::kNumber:
      if (allow({})) return Number(param, value);
      break;
    case SearchType::kQuantity:
      if (allow({})) return Quantity(param, value);
      break;
    case SearchType::kSpecial:
      if (allow({})) return Near(param, value);
      break;
    case SearchType::kComposite:
      if (allow({})) return Composite(param, value);
      break;
  }
  return Unsupported("the modifier is not supported for a parameter of this type");
}

}  // namespace hilum::fhir
