#include "fhir/search/search_value.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "fhir/search/decimal.h"
#include "fhir/validate/date_time.h"

namespace hilum::fhir {
namespace {

constexpr std::array<std::string_view, 9> kPrefixes = {"eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap"};

}  // namespace

std::vector<std::string_view> SplitValue(std::string_view value, char separator) {
  std::vector<std::string_view> parts;
  size_t begin = 0;
  for (size_t at = 0; at < value.size(); ++at) {
    if (value[at] == '\\') {
      ++at;
    } else if (value[at] == separator) {
      parts.push_back(value.substr(begin, at - begin));
      begin = at + 1;
    }
  }
  parts.push_back(value.substr(begin));
  return parts;
}

std::string Unescape(std::string_view part) {
  std::string out;
  out.reserve(part.size());
  for (size_t at = 0; at < part.size(); ++at) {
    const bool escape = part[at] == '\\' && at + 1 < part.size() &&
                        std::string_view(",|$\\").find(part[at + 1]) != std::string_view::npos;
    if (escape) ++at;
    out.push_back(part[at]);
  }
  return out;
}

Prefix TakePrefix(std::string_view* value) {
  const auto found = std::ranges::find(kPrefixes, value->substr(0, 2));
  if (found == kPrefixes.end()) return Prefix::kEq;
  value->remove_prefix(2);
  return static_cast<Prefix>(found - kPrefixes.begin());
}

storage::Comparison ComparisonOf(Prefix prefix) {
  using storage::Comparison;
  constexpr Comparison kComparisons[] = {Comparison::kEqual,       Comparison::kNotEqual,     Comparison::kGreater,
                                         Comparison::kLess,        Comparison::kGreaterEqual, Comparison::kLessEqual,
                                         Comparison::kStartsAfter, Comparison::kEndsBefore,   Comparison::kOverlaps};
  return kComparisons[static_cast<size_t>(prefix)];
}

Result<storage::NumberValue> AskedNumber(std::string_view number, Prefix prefix, int exponent, double factor,
                                         double offset) {
  if (!IsDecimal(number)) return Invalid("expected a number, with a prefix (gt, le, ...) or without");
  const double value = ToDouble(number, exponent) * factor + offset;
  if (!std::isfinite(value)) return Invalid("the number is too large");
  switch (prefix) {
    case Prefix::kEq:
    case Prefix::kNe: {
      const DecimalRange range = AroundLastDigit(number, exponent);
      return storage::NumberValue{
          range.low * factor + offset,
          std::nextafter(range.high * factor + offset, -std::numeric_limits<double>::infinity())};
    }
    case Prefix::kAp: {
      // A tenth of what was written: degrees Celsius stay degrees Celsius.
      const DecimalRange range = AroundTenth(number, exponent);
      return storage::NumberValue{range.low * factor + offset, range.high * factor + offset};
    }
    default:
      return storage::NumberValue{value, value};
  }
}

Result<storage::DateValue> AskedDate(std::string_view date, Prefix prefix, int default_offset_minutes, int64_t now) {
  // A '+' that was not percent-encoded has become a blank.
  std::string text(date);
  std::ranges::replace(text, ' ', '+');
  const auto parsed = ParseDateTime(text, DateTimeForm::kSearch);
  if (!parsed)
    return Invalid(
        "expected a date: YYYY, YYYY-MM, YYYY-MM-DD or YYYY-MM-DDThh:mm[:ss[.sss]][zone], with a prefix or without");
  const TimeRange range = RangeOf(*parsed, default_offset_minutes);
  if (prefix != Prefix::kAp) return storage::DateValue{range.low, range.high};
  const int64_t margin = std::abs(now - range.low) / 10;
  return storage::DateValue{range.low - margin, range.high + margin};
}

}  // namespace hilum::fhir
