#include "fhir/search/decimal.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <iterator>
#include <limits>
#include <string>

#include "base/text.h"

namespace hilum::fhir {
namespace {

constexpr size_t kMaxSize = 128;
// Beyond this a double is 0 or infinite whatever the digits.
constexpr int kMaxExponent = 10'000;

size_t CountDigits(std::string_view text) {
  return std::min(text.find_first_not_of("0123456789"), text.size());
}

struct Parts {
  std::string_view mantissa;  // with its sign
  int exponent = 0;
  int fraction_digits = 0;
};

Parts PartsOf(std::string_view text) {
  Parts parts;
  if (text.starts_with('+')) text.remove_prefix(1);
  const size_t e = text.find_first_of("eE");
  parts.mantissa = text.substr(0, e);
  if (e != text.npos) {
    std::string_view exponent = text.substr(e + 1);
    if (exponent.starts_with('+')) exponent.remove_prefix(1);
    const auto [end, error] = std::from_chars(exponent.data(), exponent.data() + exponent.size(), parts.exponent);
    if (error != std::errc()) parts.exponent = exponent.starts_with('-') ? -kMaxExponent : kMaxExponent;
    parts.exponent = std::clamp(parts.exponent, -kMaxExponent, kMaxExponent);
  }
  if (const size_t point = parts.mantissa.find('.'); point != parts.mantissa.npos) {
    parts.fraction_digits = static_cast<int>(parts.mantissa.size() - point - 1);
  }
  return parts;
}

double Scaled(std::string_view mantissa, int exponent) {
  const std::string text = std::string(mantissa) + "e" + std::to_string(exponent);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc::result_out_of_range) return value;
  if (exponent < 0) return 0;
  return mantissa.starts_with('-') ? -std::numeric_limits<double>::infinity() : std::numeric_limits<double>::infinity();
}

// digits * times + plus, in digits. REQUIRES: not negative.
std::string TimesPlus(std::string digits, int times, int plus) {
  int carry = plus;
  for (size_t i = digits.size(); i-- > 0;) {
    const int sum = (digits[i] - '0') * times + carry;
    carry = sum < 0 ? -1 : sum / 10;
    digits[i] = static_cast<char>('0' + (sum - 10 * carry));
  }
  return std::to_string(carry) + digits;
}

// `end(digits, side)`: ten times the number without sign and point, one step to a side (-1, 1) of it.
template <typename End>
DecimalRange Around(std::string_view text, int exponent, End end) {
  const Parts parts = PartsOf(text);
  const bool negative = parts.mantissa.starts_with('-');
  std::string digits;
  std::ranges::copy_if(parts.mantissa, std::back_inserter(digits), IsDigit);
  const int scale = parts.exponent + exponent - parts.fraction_digits - 1;
  const double outer = Scaled(end(digits, 1), scale);
  // Below zero there are no digits; around it both sides are alike.
  const bool zero = digits.find_first_not_of('0') == std::string::npos;
  const double inner = zero ? -outer : Scaled(end(digits, -1), scale);
  return negative ? DecimalRange{-outer, -inner} : DecimalRange{inner, outer};
}

}  // namespace

bool IsDecimal(std::string_view text) {
  if (text.size() > kMaxSize) return false;
  if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
  size_t digits = CountDigits(text);
  text.remove_prefix(digits);
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    const size_t fraction = CountDigits(text);
    if (fraction == 0) return false;
    digits += fraction;
    text.remove_prefix(fraction);
  }
  if (digits == 0) return false;
  if (!text.starts_with('e') && !text.starts_with('E')) return text.empty();
  text.remove_prefix(1);
  if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
  return !text.empty() && CountDigits(text) == text.size();
}

double ToDouble(std::string_view text, int exponent) {
  const Parts parts = PartsOf(text);
  return Scaled(parts.mantissa, parts.exponent + exponent);
}

DecimalRange AroundLastDigit(std::string_view text, int exponent) {
  return Around(text, exponent, [](const std::string& digits, int side) { return TimesPlus(digits, 10, 5 * side); });
}

DecimalRange AroundTenth(std::string_view text, int exponent) {
  return Around(text, exponent, [](const std::string& digits, int side) { return TimesPlus(digits, 10 + side, 0); });
}

}  // namespace hilum::fhir
