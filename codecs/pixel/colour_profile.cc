#include "codecs/pixel/colour_profile.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <initializer_list>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"

namespace hilum::pixel {
namespace {

constexpr size_t kHeader = 128, kSegment = 65519;  // bytes of a profile in one APP2 segment
constexpr std::string_view kMarker("ICC_PROFILE\0", 12);

// s15Fixed16Numbers (ICC.1 4.6) behind a type signature.
std::string Numbers(std::string_view type, std::initializer_list<double> numbers) {
  std::string tag(type);
  AppendBe<uint32_t>(&tag, 0);
  for (const double number : numbers)
    AppendBe<uint32_t>(&tag, static_cast<uint32_t>(static_cast<int32_t>(std::lround(number * 65536))));
  return tag;
}

// multiLocalizedUnicodeType (ICC.1 10.15) of ASCII.
std::string Words(std::string_view text) {
  std::string tag("mluc\0\0\0\0", 8);
  for (const uint32_t number : {1u, 12u, 0x656E5553u /* enUS */, static_cast<uint32_t>(text.size() * 2), 28u})
    AppendBe<uint32_t>(&tag, number);
  for (const char c : text) tag.append(1, '\0').push_back(c);
  return tag;
}

enum class Curve : uint8_t { kSrgb, kAdobeRgb, kRommRgb };

// parametricCurveType (ICC.1 10.18): its function, then the parameters.
std::string CurveOf(Curve curve) {
  std::string tag;
  uint8_t function = 3;
  switch (curve) {
    case Curve::kSrgb:
      tag = Numbers("para", {0, 2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045});
      break;
    case Curve::kAdobeRgb:
      tag = Numbers("para", {0, 563.0 / 256});
      function = 0;
      break;
    case Curve::kRommRgb:  // ISO 22028-2
      tag = Numbers("para", {0, 1.8, 1, 0, 1.0 / 16, 1.0 / 32});
      break;
  }
  tag.erase(8, 4).insert(8, std::string{'\0', static_cast<char>(function), '\0', '\0'});
  return tag;
}

// Primaries are adapted to D50, as the profile connection space has it.
struct SpaceTraits {
  std::string_view name;
  std::array<std::array<double, 3>, 3> primaries;
  Curve curve;
  bool d65;
};
constexpr SpaceTraits kSpaces[] = {
    {"sRGB",
     {{{0.43607, 0.22249, 0.01392}, {0.38515, 0.71687, 0.09708}, {0.14307, 0.06061, 0.71410}}},
     Curve::kSrgb,
     true},
    {"Adobe RGB (1998) compatible",
     {{{0.60974, 0.31111, 0.01947}, {0.20528, 0.62567, 0.06087}, {0.14919, 0.06322, 0.74457}}},
     Curve::kAdobeRgb,
     true},
    {"ROMM RGB", {{{0.79767, 0.28804, 0}, {0.13519, 0.71187, 0}, {0.03134, 0.00009, 0.82490}}}, Curve::kRommRgb, false},
    {"Display P3",
     {{{0.51512, 0.24120, -0.00105}, {0.29198, 0.69225, 0.04189}, {0.15710, 0.06657, 0.78407}}},
     Curve::kSrgb,
     true},
};

}  // namespace

Bytes RgbProfileIn(Bytes value) {
  if (value.size() < kHeader + 4 || value.substr(36, 4) != "acsp" || value.substr(16, 4) != "RGB ") return {};
  const uint32_t size = LoadBe<uint32_t>(value.data());
  return size < kHeader + 4 || size > value.size() ? Bytes() : value.substr(0, size);
}

std::string ProfileOf(ColourSpace space) {
  const SpaceTraits& traits = kSpaces[static_cast<size_t>(space)];
  const auto primary = [&](size_t i) {
    const auto& [x, y, z] = traits.primaries[i];
    return Numbers("XYZ ", {x, y, z});
  };
  // From D65 (Bradford), or none.
  const std::string adaptation =
      traits.d65 ? Numbers("sf32", {1.04788, 0.02292, -0.05022, 0.02959, 0.99048, -0.01707, -0.00925, 0.01508, 0.75168})
                 : Numbers("sf32", {1, 0, 0, 0, 1, 0, 0, 0, 1});
  const std::string curve = CurveOf(traits.curve);
  const std::vector<std::pair<std::string_view, std::string>> tags = {{"desc", Words(traits.name)},
                                                                      {"cprt", Words("No copyright, use freely")},
                                                                      {"wtpt", Numbers("XYZ ", {0.9642, 1, 0.8249})},
                                                                      {"chad", adaptation},
                                                                      {"rXYZ", primary(0)},
                                                                      {"gXYZ", primary(1)},
                                                                      {"bXYZ", primary(2)},
                                                                      {"rTRC", curve},
                                                                      {"gTRC", curve},
                                                                      {"bTRC", curve}};
  std::string table, values;
  AppendBe<uint32_t>(&table, static_cast<uint32_t>(tags.size()));
  const size_t first = kHeader + 4 + tags.size() * 12;
  for (const auto& [name, value] : tags) {
    table.append(name);
    AppendBe<uint32_t>(&table, static_cast<uint32_t>(first + values.size()));
    AppendBe<uint32_t>(&table, static_cast<uint32_t>(value.size()));
    values.append(value).append((4 - value.size() % 4) % 4, '\0');
  }
  std::string profile;
  AppendBe<uint32_t>(&profile, static_cast<uint32_t>(first + values.size()));
  profile.append(4, '\0').append("\x04\x20\0\0", 4).append("mntrRGB XYZ ").append(12, '\0').append("acsp");
  profile.resize(68, '\0');  // of no platform, device or creator; perceptual intent
  for (const double d50 : {0.9642, 1.0, 0.8249})
    AppendBe<uint32_t>(&profile, static_cast<uint32_t>(std::lround(d50 * 65536)));
  profile.resize(kHeader, '\0');
  return profile + table + values;
}

void AddProfile(Bytes profile, std::string* jpeg) {
  const size_t count = (profile.size() + kSegment - 1) / kSegment;
  if (profile.empty() || count > 255 || jpeg->size() < 6) return;
  std::string segments;
  for (size_t i = 0; i < count; ++i) {
    const Bytes piece = profile.substr(i * kSegment, kSegment);
    const size_t length = 2 + kMarker.size() + 2 + piece.size();
    segments.append("\xFF\xE2").push_back(static_cast<char>(length >> 8));
    segments.push_back(static_cast<char>(length));
    segments.append(kMarker).push_back(static_cast<char>(i + 1));
    segments.append(1, static_cast<char>(count)).append(piece);
  }
  // Behind SOI and the JFIF segment, which wants to be first.
  const bool jfif = Bytes(*jpeg).substr(2, 2) == "\xFF\xE0";
  const size_t at = jfif ? 4 + size_t{LoadBe<uint16_t>(jpeg->data() + 4)} : 2;
  jpeg->insert(std::min(at, jpeg->size()), segments);
}

}  // namespace hilum::pixel
