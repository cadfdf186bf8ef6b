#include "tests/fhir/interactions/random_searches.h"

#include <algorithm>

namespace hilum::fhir {
namespace {

enum class Kind { kToken, kString, kUri, kDate, kNumber, kQuantity, kReference, kComposite };
struct Param {
  std::string type, code;
  Kind kind;
  std::string target;  // of references
};
const std::vector<Param> kParams = {
    {"Patient", "identifier", Kind::kToken, ""},
    {"Patient", "active", Kind::kToken, ""},
    {"Patient", "gender", Kind::kToken, ""},
    {"Patient", "family", Kind::kString, ""},
    {"Patient", "given", Kind::kString, ""},
    {"Patient", "name", Kind::kString, ""},
    {"Patient", "birthdate", Kind::kDate, ""},
    {"Encounter", "identifier", Kind::kToken, ""},
    {"Encounter", "status", Kind::kToken, ""},
    {"Encounter", "class", Kind::kToken, ""},
    {"Encounter", "subject", Kind::kReference, "Patient"},
    {"Encounter", "date", Kind::kDate, ""},
    {"Observation", "status", Kind::kToken, ""},
    {"Observation", "code", Kind::kToken, ""},
    {"Observation", "component-code", Kind::kToken, ""},
    {"Observation", "subject", Kind::kReference, "Patient"},
    {"Observation", "encounter", Kind::kReference, "Encounter"},
    {"Observation", "date", Kind::kDate, ""},
    {"Observation", "value-quantity", Kind::kQuantity, ""},
    {"Observation", "component-value-quantity", Kind::kQuantity, ""},
    {"Observation", "code-value-quantity", Kind::kComposite, ""},
    {"Observation", "component-code-value-quantity", Kind::kComposite, ""},
    {"RiskAssessment", "subject", Kind::kReference, "Patient"},
    {"RiskAssessment", "probability", Kind::kNumber, ""},
    {"ValueSet", "url", Kind::kUri, ""},
    {"ValueSet", "title", Kind::kString, ""},
};

template <typename Keep>
std::vector<Param> ParamsThat(Keep keep) {
  std::vector<Param> params;
  std::copy_if(kParams.begin(), kParams.end(), std::back_inserter(params), keep);
  return params;
}

template <typename Values>
const typename Values::mapped_type& Of(const Values& values, const std::string& param) {
  static const typename Values::mapped_type kNone;
  const auto found = values.find(param);
  return found == values.end() ? kNone : found->second;
}

std::string Escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == ',' || c == '$' || c == '|' || c == '\\') out.push_back('\\');
    out.push_back(c);
  }
  return out;
}

std::string FoldedAscii(std::string text) {
  std::ranges::transform(text, text.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; });
  return text;
}

const std::vector<std::string> kPrefixes = {"", "eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap"};

// R4 3.1.1.4.5: ranges against ranges, both half open.
bool HoldsFor(const std::string& prefix, const ModelSpan& value, const ModelSpan& asked, int64_t margin) {
  const bool within = value.low >= asked.low && value.high <= asked.high;
  const bool above = value.high > asked.high, below = value.low < asked.low;
  if (prefix.empty() || prefix == "eq") return within;
  if (prefix == "ne") return !within;
  if (prefix == "gt") return above;
  if (prefix == "lt") return below;
  if (prefix == "ge") return value.high > asked.low;
  if (prefix == "le") return value.low < asked.high;
  if (prefix == "sa") return value.low >= asked.high;
  if (prefix == "eb") return value.high <= asked.low;
  return value.low <= asked.high + margin && value.high >= asked.low - margin;
}

// Numbers are exact where they are compared, and as precise as they are written where they must be equal.
bool HoldsFor(const std::string& prefix, Nano value, Nano asked, Nano half_unit) {
  const bool equal = value >= asked - half_unit && value < asked + half_unit;
  if (prefix.empty() || prefix == "eq") return equal;
  if (prefix == "ne") return !equal;
  if (prefix == "gt" || prefix == "sa") return value > asked;
  if (prefix == "lt" || prefix == "eb") return value < asked;
  if (prefix == "ge") return value >= asked;
  if (prefix == "le") return value <= asked;
  const Nano tenth = asked < 0 ? -asked : asked;
  return 10 * value >= 10 * asked - tenth && 10 * value <= 10 * asked + tenth;
}

// Micrograms in a unit of mass; 0 for anything else.
Nano Micrograms(const std::string& code) {
  return code == "ug" ? 1 : code == "mg" ? 1'000 : code == "g" ? 1'000'000 : code == "kg" ? 1'000'000'000 : 0;
}

bool Meets(const ModelToken& token, const std::optional<std::string>& system, const std::optional<std::string>& code) {
  return (!system || token.system == *system) && (!code || token.code == *code);
}

}  // namespace

Asked SearchMaker::Make(const std::string& type, int depth) {
  if (depth > 0 && dice_.Chance(20)) return Chain(type, depth);
  if (depth > 0 && dice_.Chance(20)) return Has(type, depth);
  return Plain(type);
}

Asked SearchMaker::Chain(const std::string& type, int depth) {
  const auto links = ParamsThat([&](const Param& p) { return p.type == type && p.kind == Kind::kReference; });
  if (links.empty()) return Plain(type);
  const Param link = dice_.Pick(links);
  const Asked rest = Make(link.target, depth - 1);
  return {{link.code + ":" + link.target + "." + rest.parameter.name, rest.parameter.value},
          [this, link, rest](const Model& model) {
            return std::ranges::any_of(models_, [&](const Model& target) {
              return target.type == link.target && rest.holds(target) &&
                     std::ranges::any_of(Of(model.references, link.code), [&](const ModelReference& reference) {
                       return reference.type == target.type && reference.id == target.id;
                     });
            });
          }};
}

Asked SearchMaker::Has(const std::string& type, int depth) {
  const auto links = ParamsThat([&](const Param& p) { return p.target == type; });
  if (links.empty()) return Plain(type);
  const Param link = dice_.Pick(links);
  const Asked rest = Make(link.type, depth - 1);
  return {{"_has:" + link.type + ":" + link.code + ":" + rest.parameter.name, rest.parameter.value},
          [this, link, rest](const Model& model) {
            return std::ranges::any_of(models_, [&](const Model& source) {
              return source.type == link.type && rest.holds(source) &&
                     std::ranges::any_of(Of(source.references, link.code), [&](const ModelReference& reference) {
                       return reference.type == model.type && reference.id == model.id;
                     });
            });
          }};
}

Asked SearchMaker::Plain(const std::string& type) {
  const Param param = dice_.Pick(ParamsThat([&](const Param& p) { return p.type == type; }));
  const std::string& code = param.code;
  if (param.kind != Kind::kComposite && dice_.Chance(6)) {
    const bool missing = dice_.Chance(50);
    return {{code + ":missing", missing ? "true" : "false"}, [code, missing](const Model& model) {
              const bool has = !Of(model.tokens, code).empty() || !Of(model.strings, code).empty() ||
                               !Of(model.dates, code).empty() || !Of(model.numbers, code).empty() ||
                               !Of(model.quantities, code).empty() || !Of(model.references, code).empty() ||
                               !Of(model.uris, code).empty();
              return has != missing;
            }};
  }
  std::vector<std::string> modifiers = {""};
  if (param.kind == Kind::kToken) modifiers = {"", "", "not"};
  if (code == "identifier") modifiers = {"", "", "not", "of-type"};
  if (param.kind == Kind::kString) modifiers = {"", "exact", "contains"};
  if (param.kind == Kind::kUri) modifiers = {"", "above", "below"};
  if (param.kind == Kind::kReference) modifiers = {"", "", "identifier", param.target, "Practitioner"};
  const std::string modifier = dice_.Pick(modifiers);
  std::vector<Value> values;
  for (int i = dice_.Chance(25) ? 3 : 1; i > 0; --i) {
    values.push_back(param.kind == Kind::kToken       ? Token(code, modifier)
                     : param.kind == Kind::kString    ? String(code, modifier)
                     : param.kind == Kind::kUri       ? Uri(code, modifier)
                     : param.kind == Kind::kDate      ? Date(code)
                     : param.kind == Kind::kNumber    ? Number(code)
                     : param.kind == Kind::kQuantity  ? Quantity(code)
                     : param.kind == Kind::kReference ? Reference(code, modifier)
                                                      : Composite(code));
  }
  std::string text;
  for (const Value& value : values) text += (text.empty() ? "" : ",") + value.text;
  const bool negate = modifier == "not";
  return {{code + (modifier.empty() ? "" : ":" + modifier), text}, [values, negate](const Model& model) {
            return std::ranges::any_of(values, [&](const Value& value) { return value.holds(model); }) != negate;
          }};
}

SearchMaker::Value SearchMaker::Token(const std::string& param, const std::string& modifier) {
  if (modifier == "of-type") {
    const std::string system = dice_.Pick(Pools::systems), code = dice_.Pick(Pools::codes),
                      value = dice_.Pick(Pools::identifiers);
    return {Escaped(system) + "|" + Escaped(code) + "|" + Escaped(value), [=](const Model& model) {
              return std::ranges::any_of(Of(model.tokens, param), [&](const ModelToken& token) {
                return token.type_system == system && token.type_code == code && token.code == value;
              });
            }};
  }
  std::vector<std::string> codes = Pools::codes;
  if (param == "identifier") codes = Pools::identifiers;
  if (param == "active") codes = {"true", "false"};
  if (param == "gender") codes = {"male", "other", "female"};
  std::vector<std::string> systems = Pools::systems;
  systems.push_back("http://hl7.org/fhir/observation-status");
  std::optional<std::string> system, code;
  std::string text;
  switch (dice_.Number(0, 3)) {
    case 0:
      code = dice_.Pick(codes);
      text = Escaped(*code);
      break;
    case 1:
      system = "";
      code = dice_.Pick(codes);
      text = "|" + Escaped(*code);
      break;
    case 2:
      system = dice_.Pick(systems);
      text = *system + "|";
      break;
    default:
      system = dice_.Pick(systems);
      code = dice_.Pick(codes);
      text = *system + "|" + Escaped(*code);
  }
  return {text, [=](const Model& model) {
            return std::ranges::any_of(Of(model.tokens, param),
                                       [&](const ModelToken& token) { return Meets(token, system, code); });
          }};
}

SearchMaker::Value SearchMaker::String(const std::string& param, const std::string& modifier) {
  const ModelText& from = dice_.Pick(Pools::names);
  std::string text = dice_.Chance(50) ? from.text : from.folded;
  std::string folded = from.folded;
  const bool ascii = std::ranges::all_of(from.text, [](char c) { return c > 0; });
  if (ascii && dice_.Chance(60)) {
    const int begin = modifier == "contains" ? dice_.Number(0, static_cast<int>(from.text.size()) - 1) : 0;
    text = from.text.substr(static_cast<size_t>(begin), static_cast<size_t>(dice_.Number(1, 5)));
    folded = FoldedAscii(text);
  }
  return {Escaped(text), [=](const Model& model) {
            return std::ranges::any_of(Of(model.strings, param), [&](const ModelText& value) {
              if (modifier == "exact") return value.text == text;
              return modifier == "contains" ? value.folded.find(folded) != std::string::npos
                                            : value.folded.starts_with(folded);
            });
          }};
}

SearchMaker::Value SearchMaker::Uri(const std::string& param, const std::string& modifier) {
  std::string uri = dice_.Pick(Pools::uris);
  while (!modifier.empty() && uri.starts_with("urn:")) uri = dice_.Pick(Pools::uris);  // they have no path
  return {uri, [=](const Model& model) {
            return std::ranges::any_of(Of(model.uris, param), [&](const std::string& value) {
              if (modifier == "below") return value.starts_with(uri);
              if (modifier.empty() || value == uri) return value == uri;
              return uri.starts_with(value) &&
                     (value.ends_with('/') || std::string_view("/?#|").find(uri[value.size()]) != std::string::npos);
            });
          }};
}

SearchMaker::Value SearchMaker::Date(const std::string& param) {
  const std::string prefix = dice_.Pick(kPrefixes);
  const RandomDate asked = MakeDate(dice_, true);
  const int64_t margin = std::abs(now_micros_ - asked.span.low) / 10;
  return {prefix + asked.text, [=](const Model& model) {
            return std::ranges::any_of(Of(model.dates, param), [&](const ModelSpan& value) {
              return HoldsFor(prefix, value, asked.span, margin);
            });
          }};
}

SearchMaker::Value SearchMaker::Number(const std::string& param) {
  const std::string prefix = dice_.Pick(kPrefixes);
  const RandomDecimal asked = MakeDecimal(dice_);
  return {prefix + asked.text, [=](const Model& model) {
            return std::ranges::any_of(Of(model.numbers, param), [&](Nano value) {
              return HoldsFor(prefix, value, asked.nano, asked.half_unit);
            });
          }};
}

std::pair<std::string, std::function<bool(const ModelQuantity&)>> SearchMaker::AskedQuantity() {
  const std::string prefix = dice_.Pick(kPrefixes);
  const RandomDecimal asked = MakeDecimal(dice_);
  const auto as_written = [=](const ModelQuantity& value) {
    return HoldsFor(prefix, value.number, asked.nano, asked.half_unit);
  };
  if (dice_.Chance(25)) return {prefix + asked.text, as_written};
  const std::string code = dice_.Pick(std::vector<std::string>{"mg", "ug", "g", "kg", "tablet"});
  const std::string system = dice_.Pick(std::vector<std::string>{"", kUcumSystem, "http://units.test"});
  return {prefix + asked.text + "|" + system + "|" + code, [=](const ModelQuantity& value) {
            const bool masses = value.system == kUcumSystem && Micrograms(value.code) != 0 && Micrograms(code) != 0;
            if (masses && system != "http://units.test") {
              return HoldsFor(prefix, value.number * Micrograms(value.code), asked.nano * Micrograms(code),
                              asked.half_unit * Micrograms(code));
            }
            return value.code == code && (system.empty() || value.system == system) && as_written(value);
          }};
}

SearchMaker::Value SearchMaker::Quantity(const std::string& param) {
  const auto [text, meets] = AskedQuantity();
  return {text, [param, meets = meets](const Model& model) {
            return std::ranges::any_of(Of(model.quantities, param), meets);
          }};
}

SearchMaker::Value SearchMaker::Reference(const std::string& param, const std::string& modifier) {
  if (modifier == "identifier") {
    const std::string identifier = dice_.Pick(Pools::identifiers);
    const std::string system = dice_.Chance(60) ? dice_.Pick(Pools::systems) : "";
    return {(system.empty() ? "" : system + "|") + Escaped(identifier), [=](const Model& model) {
              return std::ranges::any_of(Of(model.references, param), [&](const ModelReference& reference) {
                return reference.identifier == identifier && (system.empty() || reference.identifier_system == system);
              });
            }};
  }
  const std::string target = param == "encounter" ? "Encounter" : "Patient";
  const std::string id = fhir::IdOf(target, dice_.Number(0, kIdsOfAType + 3));
  const std::string text = dice_.Pick(
      std::vector<std::string>{id, target + "/" + id, "http://hilum.test/fhir/" + target + "/" + id, "Group/" + id});
  const std::string wanted = !modifier.empty() ? modifier : text.starts_with("Group") ? "Group" : target;
  const bool contradicts = text.find('/') != std::string::npos && !text.ends_with(wanted + "/" + id);
  return {text, [=](const Model& model) {
            return !contradicts &&
                   std::ranges::any_of(Of(model.references, param), [&](const ModelReference& reference) {
                     return reference.type == wanted && reference.id == id;
                   });
          }};
}

SearchMaker::Value SearchMaker::Composite(const std::string& param) {
  const std::string code = dice_.Pick(Pools::codes);
  std::optional<std::string> system;
  if (dice_.Chance(50)) system = dice_.Chance(30) ? std::string() : dice_.Pick(Pools::systems);
  const auto [text, meets] = AskedQuantity();
  return {(system ? *system + "|" : "") + Escaped(code) + "$" + text,
          [param, code, system, meets = meets](const Model& model) {
            return std::ranges::any_of(Of(model.composites, param), [&](const ModelComponent& component) {
              return component.quantity && meets(*component.quantity) &&
                     std::ranges::any_of(component.codes,
                                         [&](const ModelToken& token) { return Meets(token, system, code); });
            });
          }};
}

}  // namespace hilum::fhir
