#include "codecs/dicom/tag.h"

#include <charconv>

#include "codecs/dicom/vr_table.h"

namespace hilum::dicom {

void WriteHex(Tag tag, char* to) {
  constexpr char kDigits[] = "0123456789ABCDEF";
  for (int i = 0; i < 8; ++i) to[i] = kDigits[tag.packed() >> (28 - 4 * i) & 15];
}

std::string ToHex(Tag tag) {
  std::string hex(8, '0');
  WriteHex(tag, hex.data());
  return hex;
}

std::string ToString(Tag tag) {
  const std::string hex = ToHex(tag);
  return "(" + hex.substr(0, 4) + "," + hex.substr(4) + ")";
}

std::optional<Tag> ParseHexTag(std::string_view text) {
  uint32_t packed = 0;
  if (text.size() != 8) return std::nullopt;
  const auto [end, error] = std::from_chars(text.data(), text.data() + 8, packed, 16);
  if (error != std::errc() || end != text.data() + 8) return std::nullopt;
  return Tag(packed);
}

bool Vr::known() const {
  return VrFlags(*this) != 0;
}
bool Vr::has_long_length() const {
  return VrFlags(*this) & kVrLong;
}
bool Vr::is_text() const {
  return VrFlags(*this) & kVrText;
}
bool Vr::uses_charset() const {
  return VrFlags(*this) & kVrCharset;
}
bool Vr::is_binary_number() const {
  return VrFlags(*this) & kVrNumber;
}
bool Vr::is_bulk() const {
  return VrFlags(*this) & kVrBulk;
}

size_t Vr::number_size() const {
  if (!is_binary_number()) return 0;
  if (*this == Vr("US") || *this == Vr("SS")) return 2;
  if (*this == Vr("FD") || *this == Vr("UV") || *this == Vr("SV")) return 8;
  return 4;
}

}  // namespace hilum::dicom
