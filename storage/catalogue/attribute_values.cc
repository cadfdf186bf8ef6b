#include "storage/catalogue/attribute_values.h"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "base/text.h"

namespace hilum::storage {
namespace {

std::optional<int> ParseDigits(std::string_view text) {
  return text.starts_with('-') ? std::nullopt : ParseDecimal<int>(text);
}

int64_t DaysFromCivil(int year, int month, int day) {
  return std::chrono::sys_days(std::chrono::year(year) / month / day).time_since_epoch().count();
}

}  // namespace

bool AddIndexValue(const CatalogueAttribute& attribute, const std::string& value, DocumentValues* out) {
  if (value.empty()) return true;
  const auto add = [&](const auto& parsed) {
    if (parsed) out->Add(attribute.field, *parsed);
    return parsed.has_value();
  };
  const auto add_number = [&](const std::optional<double>& number) {
    return add(number ? std::optional(NumberValue{*number, *number}) : std::nullopt);
  };
  switch (attribute.matching) {
    case Matching::kNone:
      return true;
    case Matching::kUid:
      return add(std::optional(TokenValue{"", value}));
    case Matching::kCode:
      return add(std::optional(TokenValue{"", FoldCode(value)}));
    case Matching::kText:
      return add(std::optional(StringValue{value}));
    case Matching::kName: {
      std::string_view rest = value;
      while (!rest.empty()) {  // component groups: PS3.5 6.2.1.1
        const size_t end = std::min(rest.find('='), rest.size());
        std::string_view group = rest.substr(0, end);
        while (!group.empty() && (group.back() == '^' || group.back() == ' ')) group.remove_suffix(1);
        if (!group.empty()) out->Add(attribute.field, StringValue{std::string(group)});
        rest.remove_prefix(std::min(end + 1, rest.size()));
      }
      return true;
    }
    case Matching::kDate:
      return add(ParseDate(value));
    case Matching::kTime:
      return add(ParseTime(value));
    case Matching::kDateTime:
      return add(ParseDateTime(value));
    case Matching::kNumber:
      return add_number(ParseNumber(value));
    case Matching::kAge:
      return add_number(ParseAge(value));
  }
  return false;
}

std::optional<DateValue> ParseDate(std::string_view text) {
  std::string digits;
  for (const char c : text)
    if (c != '.' && c != '-' && c != ' ') digits.push_back(c);
  if (digits.size() != 4 && digits.size() != 6 && digits.size() != 8) return std::nullopt;
  const auto year = ParseDigits(std::string_view(digits).substr(0, 4));
  const auto month = digits.size() >= 6 ? ParseDigits(std::string_view(digits).substr(4, 2)) : 1;
  const auto day = digits.size() == 8 ? ParseDigits(std::string_view(digits).substr(6, 2)) : 1;
  if (!year || !month || !day) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(*year), std::chrono::month(*month), std::chrono::day(*day)};
  if (!date.ok()) return std::nullopt;
  constexpr int64_t kDay = 86'400'000'000;
  const int64_t low = DaysFromCivil(*year, *month, *day) * kDay;
  if (digits.size() == 8) return DateValue{low, low + kDay};
  const bool december = digits.size() == 4 || *month == 12;
  return DateValue{low, DaysFromCivil(*year + (december ? 1 : 0), december ? 1 : *month + 1, 1) * kDay};
}

std::optional<NumberValue> ParseTime(std::string_view text) {
  std::string digits;
  std::string fraction;
  bool in_fraction = false;
  for (const char c : text) {
    if (c == ':' || c == ' ') continue;
    if (c == '.')
      in_fraction = true;
    else
      (in_fraction ? fraction : digits).push_back(c);
  }
  if (digits.size() != 2 && digits.size() != 4 && digits.size() != 6) return std::nullopt;
  const auto hours = ParseDigits(std::string_view(digits).substr(0, 2));
  const auto minutes = digits.size() >= 4 ? ParseDigits(std::string_view(digits).substr(2, 2)) : 0;
  const auto seconds = digits.size() == 6 ? ParseDigits(std::string_view(digits).substr(4, 2)) : 0;
  if (!hours || !minutes || !seconds || *hours > 23 || *minutes > 59 || *seconds > 60) return std::nullopt;
  const double low = *hours * 3600.0 + *minutes * 60.0 + *seconds;
  if (digits.size() == 2) return NumberValue{low, low + 3600 - 1e-6};
  if (digits.size() == 4) return NumberValue{low, low + 60 - 1e-6};
  if (fraction.empty()) return NumberValue{low, low + 1 - 1e-6};
  const auto parts = ParseDigits(fraction.substr(0, 6));
  if (!parts) return std::nullopt;
  double unit = 1;
  for (size_t i = 0; i < std::min<size_t>(fraction.size(), 6); ++i) unit /= 10;
  return NumberValue{low + *parts * unit, low + (*parts + 1) * unit - 1e-6};
}

std::optional<DateValue> ParseDateTime(std::string_view text) {
  int64_t offset_minutes = 0;
  if (const size_t sign = text.find_first_of("+-"); sign != text.npos) {  // &ZZXX, PS3.5 6.2
    const auto zone = ParseDigits(text.substr(sign + 1));
    if (!zone || text.size() - sign != 5 || *zone % 100 > 59 || *zone > 1400) return std::nullopt;
    offset_minutes = (*zone / 100 * 60 + *zone % 100) * (text[sign] == '-' ? -1 : 1);
    text = text.substr(0, sign);
  }
  const auto date = ParseDate(text.substr(0, 8));
  if (!date || text.find_first_of(" :") != text.npos) return std::nullopt;
  const int64_t shift = offset_minutes * -60'000'000;
  if (text.size() <= 8) return DateValue{date->low + shift, date->high + shift};
  const auto time = ParseTime(text.substr(8));
  if (!time) return std::nullopt;
  const int64_t low = std::llround(time->low * 1e6), high = std::llround(time->high * 1e6) + 1;
  return DateValue{date->low + low + shift, date->low + high + shift};
}

std::optional<double> ParseNumber(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  if (text.size() > 1 && text.front() == '+' && text[1] != '-') text.remove_prefix(1);
  return ParseDecimal<double>(text);
}

std::optional<double> ParseAge(std::string_view text) {
  if (text.empty() || text.size() > 4) return std::nullopt;
  const auto count = ParseDigits(text.substr(0, text.size() - 1));
  if (!count) return std::nullopt;
  switch (text.back()) {
    case 'Y':
      return *count;
    case 'M':
      return *count / 12.0;
    case 'W':
      return *count * 7 / 365.25;
    case 'D':
      return *count / 365.25;
    default:
      return std::nullopt;
  }
}

std::string FoldCode(std::string_view code) {
  return Upper(code);
}

}  // namespace hilum::storage
