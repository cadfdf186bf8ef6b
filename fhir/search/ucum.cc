#include "fhir/search/ucum.h"

#include <array>
#include <charconv>
#include <cmath>
#include <unordered_map>

#include "fhir/search/decimal.h"
#include "fhir/search/ucum_units.h"

namespace hilum::fhir {
namespace {

constexpr size_t kMaxCodeSize = 128;
constexpr int kMaxNesting = 16;     // of parentheses
constexpr int kMaxPower = 100;      // of one unit: sums over a code stay far within an int
constexpr size_t kDimensions = 28;  // rows without a definition, first in the table

struct Amount {
  double factor = 1;
  int exponent = 0;
  std::array<int, kDimensions> powers{};

  void Multiply(const Amount& other, int power) {
    factor *= power == 1 ? other.factor : std::pow(other.factor, power);
    exponent += other.exponent * power;
    for (size_t i = 0; i < kDimensions; ++i) powers[i] += other.powers[i] * power;
  }
};

// Units with their definitions worked out.
class UnitTable {
 public:
  // Rows only refer to rows before them.
  UnitTable();
  const Amount* Find(std::string_view code) const {
    const auto found = rows_.find(code);
    return found == rows_.end() ? nullptr : &found->second.amount;
  }
  const Amount* FindMetric(std::string_view code) const {
    const auto found = rows_.find(code);
    return found == rows_.end() || !found->second.metric ? nullptr : &found->second.amount;
  }

 private:
  struct Row {
    bool metric;
    Amount amount;
  };
  std::unordered_map<std::string_view, Row> rows_;
};

class Parser {
 public:
  Parser(std::string_view text, const UnitTable& units) : rest_(text), units_(units) {}

  // term := ['/'] component (('.' | '/') component)*
  bool Run(Amount* out) { return Term(out) && rest_.empty(); }

 private:
  bool Term(Amount* out) {
    if (nesting_ >= kMaxNesting) return false;
    int power = Next('/') ? -1 : 1;
    for (;;) {
      Amount component;
      if (!Component(&component)) return false;
      out->Multiply(component, power);
      if (Next('.')) {
        power = 1;
      } else if (Next('/')) {
        power = -1;
      } else {
        return true;
      }
    }
  }

  bool Component(Amount* out) {
    if (Next('(')) {
      ++nesting_;
      const bool good = Term(out) && Next(')');
      --nesting_;
      return good;
    }
    if (rest_.starts_with('{')) return Annotation();
    const std::string_view token = Token();
    return !token.empty() && Symbol(token, out) && (!rest_.starts_with('{') || Annotation());
  }

  bool Annotation() {
    const size_t end = rest_.find('}');
    if (end == rest_.npos) return false;
    rest_.remove_prefix(end + 1);
    return true;
  }

  // A unit with its exponent, or a number. Brackets may hold anything.
  std::string_view Token() {
    size_t size = 0;
    while (size < rest_.size() && std::string_view("./(){}").find(rest_[size]) == std::string_view::npos) {
      if (rest_[size] == '[') {
        size = rest_.find(']', size);
        if (size == rest_.npos) return {};
      }
      ++size;
    }
    const std::string_view token = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return token;
  }

  bool Symbol(std::string_view token, Amount* out) {
    if (token.find_first_not_of("0123456789") == token.npos) {
      out->factor = ToDouble(token);
      return out->factor > 0;
    }
    size_t stem = token.find_last_not_of("0123456789") + 1;
    int power = 1;
    if (stem < token.size()) {
      if (token[stem - 1] == '+' || token[stem - 1] == '-') --stem;
      const std::string_view digits = token.substr(token[stem] == '+' ? stem + 1 : stem);
      const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), power);
      if (error != std::errc() || power < -kMaxPower || power > kMaxPower) return false;
    }
    Amount unit;
    if (!Lookup(token.substr(0, stem), &unit)) return false;
    out->Multiply(unit, power);
    return true;
  }

  bool Lookup(std::string_view code, Amount* out) {
    if (const Amount* unit = units_.Find(code)) {
      *out = *unit;
      return true;
    }
    for (const ucum::Prefix& prefix : ucum::Prefixes()) {
      if (!code.starts_with(prefix.code)) continue;
      if (const Amount* unit = units_.FindMetric(code.substr(prefix.code.size()))) {
        *out = *unit;
        out->exponent += prefix.exponent;
        return true;
      }
    }
    return false;
  }

  bool Next(char c) {
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }

  std::string_view rest_;
  const UnitTable& units_;
  int nesting_ = 0;
};

UnitTable::UnitTable() {
  size_t dimension = 0;
  for (const ucum::Unit& unit : ucum::Units()) {
    Amount amount;
    if (unit.definition.empty()) {
      amount.powers[dimension++] = 1;
    } else if (!Parser(unit.definition, *this).Run(&amount)) {
      continue;  // a test finds every row
    }
    amount.factor *= unit.factor;
    amount.exponent += unit.exponent;
    rows_.emplace(unit.code, Row{unit.metric, amount});
  }
}

const UnitTable& Table() {
  static const UnitTable table;
  return table;
}

std::string CodeOf(const Amount& amount) {
  std::string code;
  for (size_t i = 0; i < kDimensions; ++i) {
    if (amount.powers[i] == 0) continue;
    if (!code.empty()) code += '.';
    code += ucum::Units()[i].code;
    if (amount.powers[i] != 1) code += std::to_string(amount.powers[i]);
  }
  return code.empty() ? "1" : code;
}

}  // namespace

std::optional<CanonicalUnit> Canonicalize(std::string_view code) {
  if (code == "Cel") return CanonicalUnit{.code = "K", .offset = 273.15};
  if (code == "[degF]") return CanonicalUnit{.code = "K", .factor = 5.0 / 9, .offset = 459.67 * 5 / 9};
  if (code.empty() || code.size() > kMaxCodeSize) return std::nullopt;
  Amount amount;
  if (!Parser(code, Table()).Run(&amount) || !std::isfinite(amount.factor) || amount.factor == 0) return std::nullopt;
  return CanonicalUnit{.code = CodeOf(amount), .factor = amount.factor, .exponent = amount.exponent};
}

double InBaseUnits(std::string_view decimal, const CanonicalUnit& unit) {
  return ToDouble(decimal, unit.exponent) * unit.factor + unit.offset;
}

}  // namespace hilum::fhir
