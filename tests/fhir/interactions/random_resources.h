// Random resources, each as JSON and as what a reader of R4 would say it can be found by: made side by side, so that
// extraction has nothing to do with what is expected of it. For tests only.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

namespace hilum::fhir {

struct ModelToken {
  std::string system, code;
  std::string type_system, type_code;  // of identifiers
};
struct ModelText {
  std::string text;
  std::string folded;  // without case and accents
};
struct ModelSpan {
  int64_t low = INT64_MIN, high = INT64_MAX;  // [low, high) in microseconds
};
// Exactly units / 10^9.
using Nano = __int128;
struct ModelQuantity {
  Nano number = 0;
  std::string system, code;
};
struct ModelReference {
  std::string type, id;  // empty: only an identifier
  std::string identifier_system, identifier;
};
struct ModelComponent {  // of composites
  std::vector<ModelToken> codes;
  std::optional<ModelQuantity> quantity;
};

// Values by search parameter.
struct Model {
  std::string type, id, json;
  size_t order = 0;  // of creation within its type
  std::map<std::string, std::vector<ModelToken>> tokens;
  std::map<std::string, std::vector<ModelText>> strings;
  std::map<std::string, std::vector<ModelSpan>> dates;
  std::map<std::string, std::vector<Nano>> numbers;
  std::map<std::string, std::vector<ModelQuantity>> quantities;
  std::map<std::string, std::vector<ModelReference>> references;
  std::map<std::string, std::vector<std::string>> uris;
  std::map<std::string, std::vector<ModelComponent>> composites;
};

class Dice {
 public:
  explicit Dice(uint64_t seed) : engine_(seed) {}
  int Number(int low, int high) { return std::uniform_int_distribution<int>(low, high)(engine_); }
  bool Chance(int percent) { return Number(1, 100) <= percent; }
  template <typename Items>
  const auto& Pick(const Items& items) {
    return items[static_cast<size_t>(Number(0, static_cast<int>(std::size(items)) - 1))];
  }

 private:
  std::mt19937_64 engine_;
};

// What values are taken from, by resources and by searches.
struct Pools {
  static const std::vector<std::string> systems, codes, identifiers, uris;
  static const std::vector<ModelText> names;
};
inline const std::string kUcumSystem = "http://unitsofmeasure.org";
inline constexpr int kIdsOfAType = 40;

struct RandomDate {
  std::string text;
  ModelSpan span;
};
// YYYY to YYYY-MM-DDThh:mm:ss.sssZ; `with_time` also those with one.
RandomDate MakeDate(Dice& dice, bool with_time);
struct RandomDecimal {
  std::string text;
  Nano nano = 0;
  Nano half_unit = 0;  // of its last digit
};
RandomDecimal MakeDecimal(Dice& dice);
std::string IdOf(const std::string& type, int number);

Model RandomPatient(Dice& dice, const std::string& id);
Model RandomEncounter(Dice& dice, const std::string& id);
Model RandomObservation(Dice& dice, const std::string& id);
Model RandomRisk(Dice& dice, const std::string& id);
Model RandomValueSet(Dice& dice, const std::string& id);

}  // namespace hilum::fhir
