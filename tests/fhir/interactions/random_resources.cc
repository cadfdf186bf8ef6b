#include "tests/fhir/interactions/random_resources.h"

#include <ctime>

namespace hilum::fhir {
namespace {

std::string Quote(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out.push_back('\\');
    out.push_back(c);
  }
  return out + "\"";
}

// Members of a JSON object or items of an array.
class Joined {
 public:
  void Add(const std::string& item) { text_.append(text_.empty() ? "" : ",").append(item); }
  void Add(const std::string& name, const std::string& json) { Add("\"" + name + "\":" + json); }
  std::string Object() const { return "{" + text_ + "}"; }
  std::string Array() const { return "[" + text_ + "]"; }
  bool empty() const { return text_.empty(); }

 private:
  std::string text_;
};

Joined Begin(const Model& model) {
  Joined json;
  json.Add("resourceType", Quote(model.type));
  json.Add("id", Quote(model.id));
  return json;
}

ModelToken RandomToken(Dice& dice) {
  return {.system = dice.Chance(25) ? std::string() : dice.Pick(Pools::systems), .code = dice.Pick(Pools::codes)};
}

std::string CodingJson(const ModelToken& token) {
  Joined json;
  if (!token.system.empty()) json.Add("system", Quote(token.system));
  json.Add("code", Quote(token.code));
  return json.Object();
}

std::string ConceptJson(const std::vector<ModelToken>& codings) {
  Joined list, json;
  for (const ModelToken& token : codings) list.Add(CodingJson(token));
  if (!list.empty()) json.Add("coding", list.Array());
  json.Add("text", "\"as people say it\"");
  return json.Object();
}

std::vector<ModelToken> RandomConcept(Dice& dice) {
  std::vector<ModelToken> tokens;
  for (int i = dice.Number(0, 2); i >= 0; --i) tokens.push_back(RandomToken(dice));
  return tokens;
}

ModelQuantity RandomQuantity(Dice& dice, std::string* json) {
  const RandomDecimal decimal = MakeDecimal(dice);
  ModelQuantity quantity{.number = decimal.nano};
  Joined text;
  text.Add("value", decimal.text);
  if (dice.Chance(75)) {
    quantity.system = kUcumSystem;
    quantity.code = dice.Pick(std::vector<std::string>{"mg", "ug", "g", "kg"});
  } else if (dice.Chance(60)) {
    quantity.system = dice.Chance(50) ? "http://units.test" : "";
    quantity.code = dice.Pick(std::vector<std::string>{"mg", "tablet"});
  }
  if (!quantity.system.empty()) text.Add("system", Quote(quantity.system));
  if (!quantity.code.empty()) text.Add("code", Quote(quantity.code));
  *json = text.Object();
  return quantity;
}

// To a resource of the type, seldom only by an identifier.
ModelReference RandomReference(Dice& dice, const std::string& type, std::string* json) {
  Joined text;
  ModelReference reference;
  if (!dice.Chance(20)) {
    // Some lead to what was never stored.
    reference.type = type;
    reference.id = IdOf(type, dice.Number(0, kIdsOfAType + 3));
    const std::string relative = type + "/" + reference.id;
    text.Add("reference", Quote(dice.Chance(15) ? "http://hilum.test/fhir/" + relative : relative));
  }
  if (reference.id.empty() || dice.Chance(15)) {
    reference.identifier_system = dice.Pick(Pools::systems);
    reference.identifier = dice.Pick(Pools::identifiers);
    text.Add("identifier",
             "{\"system\":" + Quote(reference.identifier_system) + ",\"value\":" + Quote(reference.identifier) + "}");
  }
  *json = text.Object();
  return reference;
}

int64_t Micros(int year, int month, int day, int hour = 0, int minute = 0, int second = 0) {
  tm parts{};
  parts.tm_year = year - 1900;
  parts.tm_mon = month - 1;
  parts.tm_mday = day;
  parts.tm_hour = hour;
  parts.tm_min = minute;
  parts.tm_sec = second;
  return int64_t{timegm(&parts)} * 1'000'000;
}

std::string Two(int number) {
  return (number < 10 ? "0" : "") + std::to_string(number);
}

void AddIdentifiers(Dice& dice, Model* model, Joined* json) {
  Joined list;
  for (int i = dice.Number(0, 2); i > 0; --i) {
    ModelToken token{.system = dice.Chance(20) ? std::string() : dice.Pick(Pools::systems),
                     .code = dice.Pick(Pools::identifiers)};
    Joined item;
    if (dice.Chance(50)) {
      token.type_system = dice.Pick(Pools::systems);
      token.type_code = dice.Pick(Pools::codes);
      item.Add("type", "{\"coding\":[" + CodingJson({.system = token.type_system, .code = token.type_code}) + "]}");
    }
    if (!token.system.empty()) item.Add("system", Quote(token.system));
    item.Add("value", Quote(token.code));
    list.Add(item.Object());
    model->tokens["identifier"].push_back(token);
  }
  if (!list.empty()) json->Add("identifier", list.Array());
}

Model Finish(Model model, const Joined& json) {
  model.json = json.Object();
  return model;
}

}  // namespace

const std::vector<std::string> Pools::systems = {"http://a.test", "http://b.test", "http://b.test/longer"};
const std::vector<std::string> Pools::codes = {"x", "X", "xy", "c,d", "e$f", "g|h", "i\\j", "final"};
const std::vector<std::string> Pools::identifiers = {"1", "2", "12", "p|q", "r,s", "MRN 7"};
const std::vector<std::string> Pools::uris = {"http://u.test/a",   "http://u.test/a/b", "http://u.test/a/b/c",
                                              "http://u.test/ab",  "http://u.test/a/",  "http://u.test/a?v=1",
                                              "urn:oid:1.2.840.1", "urn:oid:1.2.840",   "http://u.test/A"};
const std::vector<ModelText> Pools::names = {
    {"Müller", "muller"},
    {"Muller", "muller"},
    {"MULLER-Lüdenscheidt", "muller-ludenscheidt"},
    {"Åsa", "asa"},
    {"Asam", "asam"},
    {"van der Berg", "van der berg"},
    {"O'Neil", "o'neil"},
    {"Smith, Jr", "smith, jr"},
    {"José María", "jose maria"},
    {"İlkay", "ilkay"},
    {"Ng", "ng"},
    {"Łukasz$1", "łukasz$1"},
    {"a|b\\c", "a|b\\c"},
    {"ＦＵＬＬ", "full"},
    {"東京", "東京"},
};

std::string IdOf(const std::string& type, int number) {
  return std::string(1, static_cast<char>(type[0] | 0x20)) + "-" + std::to_string(number);
}

RandomDate MakeDate(Dice& dice, bool with_time) {
  const int precision = dice.Number(1, with_time ? 6 : 3);
  const int year = dice.Number(2019, 2021), month = dice.Number(1, 12), day = dice.Number(1, 28);
  const int hour = dice.Number(0, 23), minute = dice.Number(0, 59), second = dice.Number(0, 59);
  RandomDate date;
  date.text = std::to_string(year);
  if (precision == 1) return {date.text, {Micros(year, 1, 1), Micros(year + 1, 1, 1)}};
  date.text += "-" + Two(month);
  if (precision == 2) return {date.text, {Micros(year, month, 1), Micros(year, month + 1, 1)}};
  date.text += "-" + Two(day);
  if (precision == 3) return {date.text, {Micros(year, month, day), Micros(year, month, day + 1)}};
  // Of zones east and west, some over midnight.
  static const std::vector<std::pair<std::string, int>> kZones = {{"Z", 0}, {"+05:30", 330}, {"-08:00", -480}};
  const auto& [zone, offset] = dice.Pick(kZones);
  const int64_t at = Micros(year, month, day, hour, minute, second) - int64_t{offset} * 60'000'000;
  date.text += "T" + Two(hour) + ":" + Two(minute) + ":" + Two(second);
  if (precision == 4) return {date.text + zone, {at, at + 1'000'000}};
  const int millis = dice.Number(0, 999);
  const std::string digits = std::to_string(1000 + millis).substr(1);
  if (precision == 5) return {date.text + "." + digits + zone, {at + millis * 1000, at + millis * 1000 + 1000}};
  return {date.text + "." + digits.substr(0, 1) + zone,
          {at + millis / 100 * 100'000, at + millis / 100 * 100'000 + 100'000}};
}

RandomDecimal MakeDecimal(Dice& dice) {
  constexpr Nano kOne = 1'000'000'000;
  const int digits = dice.Number(0, 3);
  Nano unit = kOne;
  for (int i = 0; i < digits; ++i) unit /= 10;
  // Few different ones, so that ends of ranges meet.
  const int scaled = dice.Chance(50) ? dice.Number(0, 120) : dice.Number(0, 12) * 5;
  const bool negative = dice.Chance(10) && scaled != 0;
  std::string text = std::to_string(scaled);
  if (digits > 0) {
    while (text.size() <= static_cast<size_t>(digits)) text.insert(0, "0");
    text.insert(text.size() - static_cast<size_t>(digits), ".");
  }
  return {(negative ? "-" : "") + text, (negative ? -1 : 1) * unit * scaled, unit / 2};
}

Model RandomPatient(Dice& dice, const std::string& id) {
  Model model{.type = "Patient", .id = id};
  Joined json = Begin(model);
  AddIdentifiers(dice, &model, &json);
  if (dice.Chance(70)) {
    const bool active = dice.Chance(50);
    model.tokens["active"].push_back({.code = active ? "true" : "false"});
    json.Add("active", active ? "true" : "false");
  }
  Joined names;
  for (int i = dice.Number(0, 2); i > 0; --i) {
    const ModelText& family = dice.Pick(Pools::names);
    const ModelText& given = dice.Pick(Pools::names);
    names.Add("{\"family\":" + Quote(family.text) + ",\"given\":[" + Quote(given.text) + "]}");
    model.strings["family"].push_back(family);
    model.strings["given"].push_back(given);
    for (const ModelText& part : {family, given}) model.strings["name"].push_back(part);
  }
  if (!names.empty()) json.Add("name", names.Array());
  if (dice.Chance(80)) {
    const std::string gender = dice.Chance(50) ? "male" : "other";
    json.Add("gender", Quote(gender));
    model.tokens["gender"].push_back({"http://hl7.org/fhir/administrative-gender", gender});
  }
  if (dice.Chance(80)) {
    const RandomDate date = MakeDate(dice, false);
    json.Add("birthDate", Quote(date.text));
    model.dates["birthdate"].push_back(date.span);
  }
  return Finish(std::move(model), json);
}

Model RandomEncounter(Dice& dice, const std::string& id) {
  Model model{.type = "Encounter", .id = id};
  Joined json = Begin(model);
  AddIdentifiers(dice, &model, &json);
  json.Add("status", "\"finished\"");
  model.tokens["status"].push_back({"http://hl7.org/fhir/encounter-status", "finished"});
  const ModelToken kind = RandomToken(dice);
  json.Add("class", CodingJson(kind));
  model.tokens["class"].push_back(kind);
  if (dice.Chance(80)) {
    std::string text;
    const ModelReference subject = RandomReference(dice, "Patient", &text);
    json.Add("subject", text);
    model.references["subject"].push_back(subject);
  }
  if (dice.Chance(80)) {
    const RandomDate one = MakeDate(dice, true), two = MakeDate(dice, true);
    const bool swap = one.span.low > two.span.low;
    const RandomDate &start = swap ? two : one, &end = swap ? one : two;
    ModelSpan span;
    Joined period;
    const int which = dice.Number(1, 3);
    if (which & 1) {
      period.Add("start", Quote(start.text));
      span.low = start.span.low;
    }
    if (which & 2) {
      period.Add("end", Quote(end.text));
      span.high = end.span.high;
    }
    json.Add("period", period.Object());
    model.dates["date"].push_back(span);
  }
  return Finish(std::move(model), json);
}

Model RandomObservation(Dice& dice, const std::string& id) {
  Model model{.type = "Observation", .id = id};
  Joined json = Begin(model);
  const std::string status = dice.Chance(70) ? "final" : "amended";
  json.Add("status", Quote(status));
  model.tokens["status"].push_back({"http://hl7.org/fhir/observation-status", status});
  model.tokens["code"] = RandomConcept(dice);
  json.Add("code", ConceptJson(model.tokens["code"]));
  std::string text;
  if (dice.Chance(80)) {
    model.references["subject"].push_back(RandomReference(dice, "Patient", &text));
    json.Add("subject", text);
  }
  if (dice.Chance(50)) {
    model.references["encounter"].push_back(RandomReference(dice, "Encounter", &text));
    json.Add("encounter", text);
  }
  if (dice.Chance(80)) {
    const RandomDate date = MakeDate(dice, true);
    json.Add("effectiveDateTime", Quote(date.text));
    model.dates["date"].push_back(date.span);
  }
  if (dice.Chance(60)) {
    const ModelQuantity quantity = RandomQuantity(dice, &text);
    json.Add("valueQuantity", text);
    model.quantities["value-quantity"].push_back(quantity);
    model.composites["code-value-quantity"].push_back({model.tokens["code"], quantity});
  }
  Joined components;
  for (int i = dice.Number(0, 2); i > 0; --i) {
    ModelComponent component{.codes = RandomConcept(dice)};
    Joined item;
    item.Add("code", ConceptJson(component.codes));
    if (dice.Chance(70)) {
      component.quantity = RandomQuantity(dice, &text);
      item.Add("valueQuantity", text);
      model.quantities["component-value-quantity"].push_back(*component.quantity);
    }
    components.Add(item.Object());
    auto& codes = model.tokens["component-code"];
    codes.insert(codes.end(), component.codes.begin(), component.codes.end());
    model.composites["component-code-value-quantity"].push_back(component);
  }
  if (!components.empty()) json.Add("component", components.Array());
  return Finish(std::move(model), json);
}

Model RandomRisk(Dice& dice, const std::string& id) {
  Model model{.type = "RiskAssessment", .id = id};
  Joined json = Begin(model);
  json.Add("status", "\"final\"");
  std::string text;
  model.references["subject"].push_back(RandomReference(dice, "Patient", &text));
  json.Add("subject", text);
  Joined predictions;
  for (int i = dice.Number(0, 2); i > 0; --i) {
    const RandomDecimal decimal = MakeDecimal(dice);
    predictions.Add("{\"probabilityDecimal\":" + decimal.text + "}");
    model.numbers["probability"].push_back(decimal.nano);
  }
  if (!predictions.empty()) json.Add("prediction", predictions.Array());
  return Finish(std::move(model), json);
}

Model RandomValueSet(Dice& dice, const std::string& id) {
  Model model{.type = "ValueSet", .id = id};
  Joined json = Begin(model);
  json.Add("status", "\"draft\"");
  if (dice.Chance(85)) {
    const std::string& uri = dice.Pick(Pools::uris);
    json.Add("url", Quote(uri));
    model.uris["url"].push_back(uri);
  }
  if (dice.Chance(70)) {
    const ModelText& title = dice.Pick(Pools::names);
    json.Add("title", Quote(title.text));
    model.strings["title"].push_back(title);
  }
  return Finish(std::move(model), json);
}

}  // namespace hilum::fhir
