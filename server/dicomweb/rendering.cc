#include "server/dicomweb/rendering.h"

#include <algorithm>

#include "base/text.h"
#include "base/uid.h"
#include "codecs/multipart/media_type.h"

namespace hilum::dicomweb {
namespace {

constexpr uint32_t kMaxViewport = 8192;

Result<double> ParseNumber(std::string_view name, std::string_view text) {
  const std::optional<double> number = ParseDecimal<double>(text);
  if (!number) return Invalid(std::string(name) + " must hold numbers");
  return *number;
}

// window=center,width,function (PS3.18 8.3.5.1.4).
Result<pixel::Window> ParseWindow(std::string_view value) {
  const std::vector<std::string_view> parts = Split(value, ",");
  if (parts.size() < 2 || parts.size() > 3) return Invalid("window must be center,width,function");
  pixel::Window window;
  HILUM_ASSIGN_OR_RETURN(window.center, ParseNumber("window", parts[0]));
  HILUM_ASSIGN_OR_RETURN(window.width, ParseNumber("window", parts[1]));
  if (window.width <= 0) return Invalid("the width of the window must be greater than 0");
  if (parts.size() == 2 || EqualsIgnoringCase(parts[2], "linear"))
    window.function = pixel::VoiFunction::kLinear;
  else if (EqualsIgnoringCase(parts[2], "linear-exact") || EqualsIgnoringCase(parts[2], "linear_exact"))
    window.function = pixel::VoiFunction::kLinearExact;
  else if (EqualsIgnoringCase(parts[2], "sigmoid"))
    window.function = pixel::VoiFunction::kSigmoid;
  else
    return Invalid("the function of the window must be linear, linear-exact or sigmoid");
  return window;
}

// viewport=width,height,x,y,w,h (PS3.18 8.3.5.1.3); all but the first two may be empty, the last ones left out.
Result<pixel::Viewport> ParseViewport(std::string_view value) {
  const std::vector<std::string_view> parts = Split(value, ",");
  if (parts.size() < 2 || parts.size() > 6) return Invalid("viewport must be width,height or width,height,x,y,w,h");
  double numbers[6] = {};
  for (size_t i = 0; i < parts.size(); ++i) {
    if (i >= 2 && parts[i].empty()) continue;
    HILUM_ASSIGN_OR_RETURN(numbers[i], ParseNumber("viewport", parts[i]));
  }
  if (numbers[0] < 1 || numbers[1] < 1 || numbers[0] > kMaxViewport || numbers[1] > kMaxViewport)
    return Invalid("width and height of the viewport must lie between 1 and " + std::to_string(kMaxViewport));
  return pixel::Viewport{static_cast<uint32_t>(numbers[0]),
                         static_cast<uint32_t>(numbers[1]),
                         numbers[2],
                         numbers[3],
                         numbers[4],
                         numbers[5]};
}

// annotation=patient,technique (PS3.18 8.3.5.1.1): what is not known is ignored, and said.
void ParseAnnotation(std::string_view value, Rendering* rendering) {
  bool unknown = false;
  for (const std::string_view one : Split(value, ",")) {
    if (EqualsIgnoringCase(one, "patient"))
      rendering->patient = true;
    else if (EqualsIgnoringCase(one, "technique"))
      rendering->technique = true;
    else
      unknown = unknown || !one.empty();
  }
  if (unknown) rendering->warnings.push_back("annotation can be patient and technique: anything else was ignored");
}

// PS3.18 8.3.5.1.5. Whether there are colours shows with the image.
Status ParseIccProfile(std::string_view value, Rendering* rendering) {
  using pixel::ColourSpace;
  static constexpr std::pair<std::string_view, ColourSpace> kSpaces[] = {{"srgb", ColourSpace::kSrgb},
                                                                         {"adobergb", ColourSpace::kAdobeRgb},
                                                                         {"rommrgb", ColourSpace::kRommRgb},
                                                                         {"displayp3", ColourSpace::kDisplayP3}};
  pixel::RenderOptions& options = rendering->options;
  options.space.reset();
  for (const auto& [name, space] : kSpaces)
    if (value == name) options.space = space;
  rendering->wants_profile = value == "yes" || options.space;
  if (!rendering->wants_profile && value != "no")
    return Invalid("iccprofile must be no, yes, srgb, adobergb, rommrgb or displayp3");
  options.profile = rendering->wants_profile ? pixel::Profile::kAny : pixel::Profile::kNone;
  return Status::Ok();
}

}  // namespace

std::vector<std::string> PictureTypes() {
  return {pixel::kPictureMediaTypes.begin(), pixel::kPictureMediaTypes.end()};
}

Result<Rendering> ParseRendering(const http::QueryParameters& query, std::string_view media_type) {
  Rendering rendering;
  pixel::RenderOptions& options = rendering.options;
  StateName state;
  options.type = pixel::PictureTypeOf(media_type).value_or(pixel::PictureType::kJpeg);
  for (const auto& [name, value] : query) {
    if (name == "window") {
      HILUM_ASSIGN_OR_RETURN(options.window, ParseWindow(value));
    } else if (name == "viewport") {
      HILUM_ASSIGN_OR_RETURN(options.viewport, ParseViewport(value));
    } else if (name == "quality") {
      HILUM_ASSIGN_OR_RETURN(const double quality, ParseNumber("quality", value));
      if (quality < 1 || quality > 100) return Invalid("quality must lie between 1 and 100");
      options.jpeg_quality = static_cast<uint8_t>(quality);
    } else if (name == "annotation") {
      ParseAnnotation(value, &rendering);
    } else if (name == "iccprofile") {
      HILUM_RETURN_IF_ERROR(ParseIccProfile(value, &rendering));
    } else if (name == "presentationSeriesUID") {
      state.series = value;
    } else if (name == "presentationUID") {
      state.instance = value;
    }
  }
  if (state.series.empty() && state.instance.empty()) return rendering;
  if (!IsStorableUid(state.series) || !IsStorableUid(state.instance))
    return Invalid("presentationSeriesUID and presentationUID go together, and are UIDs");
  rendering.state = std::move(state);
  return rendering;
}

}  // namespace hilum::dicomweb
