#include "codecs/dicom/values.h"

#include <charconv>
#include <cmath>

#include "base/text.h"
#include "codecs/dicom/element_header.h"

namespace hilum::dicom {
namespace {

constexpr size_t kLongestJsonNumber = 64;

template <typename T>
T LoadNumber(const Element& element, size_t index) {
  const char* from = element.value.data() + index * sizeof(T);
  return element.big_endian ? LoadBe<T>(from) : LoadLe<T>(from);
}

template <typename Float, typename Bits>
void AppendFloat(Bits bits, std::string* out) {
  const auto number = std::bit_cast<Float>(bits);
  if (std::isnan(number))
    out->append("NaN");
  else if (std::isinf(number))
    out->append(number < 0 ? "-Infinity" : "Infinity");
  else
    AppendDecimal(number, out);
}

std::string_view TakeDigits(std::string_view* text) {
  size_t count = 0;
  while (count < text->size() && IsDigit((*text)[count])) ++count;
  const std::string_view digits = text->substr(0, count);
  text->remove_prefix(count);
  return digits;
}

// Whether `text` is a JSON number as it stands (RFC 8259 section 6), without exponent.
bool IsPlainJsonNumber(std::string_view text) {
  if (!text.empty() && text.front() == '-') text.remove_prefix(1);
  const bool leading_zero = !text.empty() && text.front() == '0';
  const size_t whole = TakeDigits(&text).size();
  if (whole == 0 || (leading_zero && whole > 1)) return false;
  if (text.empty()) return true;
  if (text.front() != '.') return false;
  text.remove_prefix(1);
  return !TakeDigits(&text).empty() && text.empty();
}

}  // namespace

Element WithKnownVr(const Element& element) {
  if (element.vr != Vr("UN")) return element;
  const Vr known = ImplicitVr(element.tag, /*signed_pixels=*/false);
  if (known == Vr("SQ")) return element;
  Element converted = element;
  converted.vr = known;
  return converted;
}

bool IsMultiValued(Vr vr) {
  return vr != Vr("ST") && vr != Vr("LT") && vr != Vr("UT") && vr != Vr("UR");
}

bool KeepsLeadingSpaces(Vr vr) {
  return vr == Vr("ST") || vr == Vr("LT") || vr == Vr("UT") || vr == Vr("UC") || vr == Vr("UR");
}

std::string_view TrimPadding(Vr vr, std::string_view text) {
  return TrimEnds(KeepsLeadingSpaces(vr), text);
}

std::string_view TextOf(const Element& element, const Charset& charset, TextDecoder* decoder, std::string* decoded) {
  // Repertoires other than the default may not be used here (PS3.5 6.2), and are not guessed at.
  const Charset& used = element.vr.uses_charset() ? charset : Charset();
  if (IsAsciiIn(element.value, used)) return element.value;
  const TextKind kind = element.vr == Vr("PN")      ? TextKind::kPersonName
                        : IsMultiValued(element.vr) ? TextKind::kMultiple
                                                    : TextKind::kSingle;
  decoded->clear();
  decoder->Append(element.value, used, kind, decoded);
  return *decoded;
}

void AppendNumber(const Element& element, size_t index, std::string* out) {
  const auto is = [&](const char(&vr)[3]) { return element.vr == Vr(vr); };
  if (is("US"))
    AppendDecimal(LoadNumber<uint16_t>(element, index), out);
  else if (is("SS"))
    AppendDecimal(static_cast<int16_t>(LoadNumber<uint16_t>(element, index)), out);
  else if (is("UL"))
    AppendDecimal(LoadNumber<uint32_t>(element, index), out);
  else if (is("SL"))
    AppendDecimal(static_cast<int32_t>(LoadNumber<uint32_t>(element, index)), out);
  else if (is("UV"))
    AppendDecimal(LoadNumber<uint64_t>(element, index), out);
  else if (is("SV"))
    AppendDecimal(static_cast<int64_t>(LoadNumber<uint64_t>(element, index)), out);
  else if (is("FL"))
    AppendFloat<float>(LoadNumber<uint32_t>(element, index), out);
  else if (is("FD"))
    AppendFloat<double>(LoadNumber<uint64_t>(element, index), out);
  else
    out->append(ToHex(LoadTag(element.value.data() + index * 4, element.big_endian)));
}

bool AppendJsonNumber(std::string_view text, std::string* out) {
  if (text.empty() || text.size() > kLongestJsonNumber) return false;
  if (IsPlainJsonNumber(text)) {
    out->append(text);
    return true;
  }
  char number[kLongestJsonNumber + 4];
  char* end = number;
  const auto add = [&](std::string_view part) { end = std::copy(part.begin(), part.end(), end); };
  if (text.front() == '+' || text.front() == '-') {
    if (text.front() == '-') add("-");
    text.remove_prefix(1);
  }
  std::string_view whole = TakeDigits(&text);
  std::string_view fraction;
  if (!text.empty() && text.front() == '.') {
    text.remove_prefix(1);
    fraction = TakeDigits(&text);
  }
  if (whole.empty() && fraction.empty()) return false;
  while (whole.size() > 1 && whole.front() == '0') whole.remove_prefix(1);
  add(whole.empty() ? "0" : whole);
  if (!fraction.empty()) {
    add(".");
    add(fraction);
  }
  const bool has_exponent = !text.empty() && (text.front() == 'e' || text.front() == 'E');
  if (has_exponent) {
    add(text.substr(0, 1));
    text.remove_prefix(1);
    if (!text.empty() && (text.front() == '+' || text.front() == '-')) {
      add(text.substr(0, 1));
      text.remove_prefix(1);
    }
    const std::string_view exponent = TakeDigits(&text);
    if (exponent.empty()) return false;
    add(exponent);
  }
  if (!text.empty()) return false;
  double value = 0;  // without an exponent so few digits cannot leave its range
  if (has_exponent && std::from_chars(number, end, value).ec != std::errc()) return false;
  out->append(number, end);
  return true;
}

}  // namespace hilum::dicom
