#include "base/config/setting.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <utility>

#include "base/text.h"

namespace hilum {

namespace {

struct Unit {
  std::string_view name;
  uint64_t factor;
};

// Largest first within a family: formatting takes the first that divides.
constexpr Unit kSizes[] = {{"TiB", 1ULL << 40},
                           {"GiB", 1ULL << 30},
                           {"MiB", 1ULL << 20},
                           {"KiB", 1ULL << 10},
                           {"TB", 1'000'000'000'000},
                           {"GB", 1'000'000'000},
                           {"MB", 1'000'000},
                           {"kB", 1'000},
                           {"B", 1},
                           {"", 1}};
constexpr Unit kDurations[] = {{"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1'000}, {"ms", 1}};

// A whole number followed by one of the units, a blank between them or not.
bool ParseWithUnit(std::string_view text, std::span<const Unit> units, uint64_t* out) {
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc()) return false;
  std::string_view name = text.substr(static_cast<size_t>(end - text.data()));
  if (name.starts_with(' ')) name.remove_prefix(1);
  const auto unit = std::find_if(units.begin(), units.end(), [&](const Unit& u) { return u.name == name; });
  uint64_t value = 0;
  if (unit == units.end() || __builtin_mul_overflow(number, unit->factor, &value)) return false;
  *out = value;
  return true;
}

std::string FormatWithUnit(uint64_t value, std::span<const Unit> units) {
  for (const Unit& unit : units) {
    if (value != 0 && value % unit.factor == 0) return std::to_string(value / unit.factor).append(unit.name);
  }
  return std::to_string(value);
}

std::string Quoted(std::string_view text) {
  return std::string("\"").append(text).append("\"");
}

std::string FormatList(const std::vector<std::string>& items) {
  std::string text = "[";
  for (const std::string& item : items) text.append(text.size() > 1 ? ", " : "").append(Quoted(item));
  return text + "]";
}

std::vector<std::string> SplitList(std::string_view text) {
  std::vector<std::string> items;
  while (!Trimmed(text).empty()) {
    const size_t comma = std::min(text.find(','), text.size());
    items.emplace_back(Trimmed(text.substr(0, comma)));
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return items;
}

}  // namespace

Setting::Setting(Kind kind, std::string key, std::string effect, std::string unit, std::string default_text)
    : kind_(kind),
      key_(std::move(key)),
      effect_(std::move(effect)),
      unit_(std::move(unit)),
      default_text_(std::move(default_text)) {
  static constexpr std::array kExpected = {
      "a string",      "an integer",       "a size such as \"64MiB\"", "a duration such as \"30s\"",
      "true or false", "a list of strings"};
  expected_ = kExpected.at(static_cast<size_t>(kind));
}

Setting::Setting(std::string key, std::string* target, std::string effect)
    : Setting(Kind::kString, std::move(key), std::move(effect), "", Quoted(*target)) {
  store_ = [target](std::string_view text) {
    *target = text;
    return true;
  };
}

Setting::Setting(std::string key, bool* target, std::string effect)
    : Setting(Kind::kBoolean, std::move(key), std::move(effect), "", *target ? "true" : "false") {
  store_ = [target](std::string_view text) {
    if (text != "true" && text != "false") return false;
    *target = text == "true";
    return true;
  };
}

Setting::Setting(std::string key, std::vector<std::string>* target, std::string effect)
    : Setting(Kind::kList, std::move(key), std::move(effect), "", FormatList(*target)) {
  list_ = target;
  store_ = [target](std::string_view text) {
    *target = SplitList(text);
    return true;
  };
}

Setting Setting::Size(std::string key, uint64_t* target, std::string effect, uint64_t min) {
  std::string default_text = FormatWithUnit(*target, kSizes);
  // In the file a size with a unit is a string, a bare number an integer.
  if (default_text.back() < '0' || default_text.back() > '9') default_text = Quoted(default_text);
  Setting setting(Kind::kSize, std::move(key), std::move(effect), "bytes", std::move(default_text));
  if (min > 0) setting.expected_ += ", at least " + Quoted(FormatWithUnit(min, kSizes));
  setting.store_ = [=](std::string_view text) {
    uint64_t value = 0;
    if (!ParseWithUnit(text, kSizes, &value) || value < min) return false;
    *target = value;
    return true;
  };
  return setting;
}

bool Setting::ParseDuration(std::string_view text, std::chrono::milliseconds* out) {
  uint64_t millis = 0;
  if (!ParseWithUnit(text, kDurations, &millis) || millis > std::numeric_limits<int64_t>::max()) return false;
  *out = std::chrono::milliseconds(millis);
  return true;
}

std::string Setting::FormatDuration(std::chrono::milliseconds value) {
  return Quoted(value.count() == 0 ? "0s" : FormatWithUnit(static_cast<uint64_t>(value.count()), kDurations));
}

std::string Setting::environment_name() const {
  std::string name = "HILUM_";
  for (const char c : key_) name.push_back(c == '.' ? '_' : UpperCase(c));
  return name;
}

}  // namespace hilum
