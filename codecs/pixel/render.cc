#include "codecs/pixel/render.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <new>

#include "codecs/pixel/frame_codecs.h"
#include "codecs/pixel/grayscale.h"
#include "codecs/pixel/present.h"
#include "codecs/pixel/resample.h"
#include "codecs/pixel/samples.h"

namespace hilum::pixel {
namespace {

constexpr uint64_t kMaxPicturePixels = 64 << 20;

uint8_t Clamp(double value) {
  return static_cast<uint8_t>(std::clamp(value, 0.0, 255.0) + 0.5);
}

// PS3.3 C.7.6.3.1.2: YBR_FULL is that of JPEG.
void YbrToRgb(Picture* picture) {
  for (size_t i = 0; i + 2 < picture->samples.size(); i += 3) {
    auto* p = reinterpret_cast<uint8_t*>(&picture->samples[i]);
    const double y = p[0], cb = p[1] - 128.0, cr = p[2] - 128.0;
    p[0] = Clamp(y + 1.402 * cr);
    p[1] = Clamp(y - 0.344136 * cb - 0.714136 * cr);
    p[2] = Clamp(y + 1.772 * cb);
  }
}

Result<Picture> RenderColour(const Image& image) {
  const FrameFormat& format = image.format;
  if (format.bits_allocated > 32 || format.is_float) return Unsupported("render: colours of more than 32 bits");
  if (format.photometric == Photometric::kOther)
    return Unsupported("render: colours of a Photometric Interpretation that is not known");
  Picture picture{.width = format.columns, .height = format.rows, .channels = 3};
  if (format.bits_allocated == 8 && format.bits_stored == 8) {
    picture.samples = image.pixels;
  } else {
    const SampleSource samples(image);
    const double most = std::ldexp(1.0, format.bits_stored) - 1;
    picture.samples.resize(size_t{format.rows} * format.columns * 3);
    for (size_t i = 0; i < picture.samples.size(); ++i) {
      const int64_t value = StoredValue(format, static_cast<uint64_t>(samples.At(i)));
      picture.samples[i] = static_cast<char>(Clamp(static_cast<double>(value) * 255 / most));
    }
  }
  if (format.photometric == Photometric::kYbrFull) YbrToRgb(&picture);
  return picture;
}

bool HasPalette(const Instance& instance, const FrameFormat& decoded) {
  return decoded.photometric == Photometric::kPaletteColor && instance.palette().has_value();
}

Result<Picture> RenderPalette(const Image& image, const PaletteColor& palette) {
  const FrameFormat& format = image.format;
  if (format.bits_allocated != 8 && format.bits_allocated != 16)
    return Unsupported("render: palette indices of other than 8 or 16 bits");
  Picture picture{.width = format.columns, .height = format.rows, .channels = 3};
  picture.samples.resize(size_t{format.rows} * format.columns * 3);
  const SampleSource samples(image);
  for (size_t i = 0; i < picture.samples.size() / 3; ++i) {
    const int64_t index = StoredValue(format, static_cast<uint64_t>(samples.At(i)));
    for (size_t c = 0; c < 3; ++c) {
      const LookupTable& table = palette.channels[c];
      picture.samples[i * 3 + c] = static_cast<char>(table.At(index) >> (table.bits - 8));
    }
  }
  return picture;
}

// Bit number `bit` of all frames of an overlay.
bool OverlayBit(const Overlay& overlay, uint64_t bit) {
  return overlay.bits[bit / 8] >> bit % 8 & 1;
}

void Paint(Picture* picture, uint32_t x, uint32_t y, const Colour& colour) {
  const size_t bytes = picture->bits / 8;
  char* const pixel = &picture->samples[(size_t{y} * picture->width + x) * picture->channels * bytes];
  for (size_t c = 0; c < picture->channels; ++c) {
    const double share = std::clamp(colour.Channel(c, picture->channels), 0.0, 1.0);
    const auto level = static_cast<uint16_t>(share * (picture->bits == 16 ? 65535 : 255) + 0.5);
    std::memcpy(pixel + c * bytes, &level, bytes);  // little endian
  }
}

void DrawOverlay(const Overlay& overlay, const Image& image, uint32_t frame, const Colour& colour, Picture* picture) {
  if (overlay.bits.empty()) {
    if (!IsEmbedded(overlay, image.format)) return;
    const unsigned bit = *overlay.pixel_bit;
    const SampleSource samples(image);
    for (uint32_t y = 0; y < picture->height; ++y) {
      for (uint32_t x = 0; x < picture->width; ++x) {
        if (samples.At(uint64_t{y} * picture->width + x) >> bit & 1) Paint(picture, x, y, colour);
      }
    }
    return;
  }
  if (frame < overlay.first_frame || (!overlay.repeats && frame - overlay.first_frame >= overlay.frames)) return;
  const uint64_t plane = overlay.repeats ? 0 : frame - overlay.first_frame;
  for (uint32_t row = 0; row < overlay.rows; ++row) {
    const int64_t y = int64_t{row} + overlay.top;
    if (y < 0 || y >= picture->height) continue;
    for (uint32_t column = 0; column < overlay.columns; ++column) {
      const int64_t x = int64_t{column} + overlay.left;
      if (x < 0 || x >= picture->width) continue;
      const uint64_t bit = (plane * overlay.rows + row) * overlay.columns + column;
      if (OverlayBit(overlay, bit)) Paint(picture, static_cast<uint32_t>(x), static_cast<uint32_t>(y), colour);
    }
  }
}

// Which part of an image at full size becomes a picture of which size.
struct Scaling {
  Region region;
  uint32_t width = 0, height = 0;
};

Result<Scaling> ScalingTo(const Viewport& viewport, const FrameFormat& image, double aspect) {
  if (viewport.width == 0 || viewport.height == 0 || uint64_t{viewport.width} * viewport.height > kMaxPicturePixels) {
    return Invalid("viewport: " + std::to_string(viewport.width) + " by " + std::to_string(viewport.height) +
                   " pixels; both sides are at least 1, and together at most " + std::to_string(kMaxPicturePixels));
  }
  Region region{.x = viewport.x,
                .y = viewport.y,
                .width = std::abs(viewport.w),
                .height = std::abs(viewport.h),
                .mirror_x = viewport.w < 0,
                .mirror_y = viewport.h < 0};
  const bool finite =
      std::isfinite(region.x) && std::isfinite(region.y) && std::isfinite(region.width) && std::isfinite(region.height);
  if (!finite || region.x < 0 || region.y < 0 || region.x >= image.columns || region.y >= image.rows) {
    return Invalid("viewport: the source region does not begin inside the image");
  }
  const double right = image.columns - region.x, below = image.rows - region.y;
  region.width = region.width == 0 ? right : std::min(region.width, right);
  region.height = region.height == 0 ? below : std::min(region.height, below);
  const double shape_height = region.height * aspect;
  const double scale = std::min(viewport.width / region.width, viewport.height / shape_height);
  const auto side = [](double length, uint32_t most) {
    return static_cast<uint32_t>(std::clamp<double>(std::round(length), 1, most));
  };
  return Scaling{.region = region,
                 .width = side(region.width * scale, viewport.width),
                 .height = side(shape_height * scale, viewport.height)};
}

// All of the image in its shape, no side shorter than it is unless there would be too many pixels, or it be longer than
// `longest`.
Viewport NaturalViewport(const FrameFormat& image, double aspect, uint32_t longest) {
  const double width = image.columns * std::max(1.0, 1 / aspect), height = image.rows * std::max(1.0, aspect);
  const double shrink = std::min(1.0, std::sqrt(kMaxPicturePixels / (width * height)));
  const auto side = [&](double length) {
    const double shrunk = shrink < 1 ? std::floor(length * shrink) : std::round(length);
    return static_cast<uint32_t>(std::clamp<double>(shrunk, 1, longest));
  };
  return {.width = side(width), .height = side(height)};
}

// Nothing where pixels stay what they are.
Result<std::optional<Scaling>> ScalingOf(const Instance& instance, const RenderOptions& options) {
  const FrameFormat& image = instance.format();
  const double aspect = instance.pixel_aspect();
  const uint32_t longest = LongestSide(options.type);
  if (!options.viewport && aspect == 1 && std::max(image.rows, image.columns) <= longest)
    return std::optional<Scaling>();
  HILUM_ASSIGN_OR_RETURN(const Scaling scaling,
                         ScalingTo(options.viewport.value_or(NaturalViewport(image, aspect, longest)), image, aspect));
  return std::optional(scaling);
}

// The part of what a state shows that is asked for; nothing: all of it.
Result<std::optional<Scaling>> PartPresented(const Instance& instance, const Presentation& state,
                                             const std::optional<Viewport>& viewport) {
  if (!viewport || (viewport->x == 0 && viewport->y == 0 && viewport->w == 0 && viewport->h == 0))
    return std::optional<Scaling>();
  const FrameFormat& image = instance.format();
  HILUM_ASSIGN_OR_RETURN(PresentedSize size,
                         SizeToPresent(image.columns, image.rows, state, instance.pixel_aspect(), std::nullopt));
  if (state.quarter_turns % 2 != 0) std::swap(size.width, size.height);
  HILUM_ASSIGN_OR_RETURN(const Scaling part,
                         ScalingTo(*viewport, {.rows = size.height, .columns = size.width}, /*aspect=*/1));
  return std::optional(part);
}

// `picture`: all of the image, maybe at less than its full size.
Picture Scaled(const Picture& picture, const Scaling& scaling, const FrameFormat& image) {
  const double x = double(picture.width) / image.columns, y = double(picture.height) / image.rows;
  Region region = scaling.region;
  region.x *= x;
  region.y *= y;
  region.width = std::min(region.width * x, picture.width - region.x);
  region.height = std::min(region.height * y, picture.height - region.y);
  const bool whole = region.x == 0 && region.y == 0 && !region.mirror_x && !region.mirror_y &&
                     region.width == picture.width && region.height == picture.height;
  if (whole && scaling.width == picture.width && scaling.height == picture.height) return picture;
  return Resample(picture, region, scaling.width, scaling.height);
}

void ToColours(Picture* picture) {
  std::string samples;
  samples.reserve(picture->samples.size() * 3);
  for (const char grey : picture->samples) samples.append(3, grey);
  picture->samples = std::move(samples);
  picture->channels = 3;
}

void DrawActiveOverlays(const Instance& instance, const Image& image, uint32_t frame, const Presentation& state,
                        Picture* picture) {
  for (const ActiveOverlay& active : state.overlays) {
    if (!active.of_image) DrawOverlay(active.plane, image, 0, active.colour, picture);
    for (const Overlay& overlay : instance.overlays()) {
      if (active.of_image && overlay.group == active.plane.group)
        DrawOverlay(overlay, image, frame, active.colour, picture);
    }
  }
}

Result<Picture> RenderDecoded(const Instance& instance, const Image& image, uint32_t frame,
                              const RenderOptions& options) {
  const FrameFormat& full = instance.format();
  const Presentation* const state = options.presentation;
  Result<Picture> picture = [&]() -> Result<Picture> {
    if (image.format.samples == 3) return RenderColour(image);
    if (HasPalette(instance, image.format)) return RenderPalette(image, *instance.palette());
    // States say themselves which way is up, whatever the image does (PS3.4 N.2.1).
    if (state != nullptr && state->is_grayscale)
      return RenderGrayscale(image, state->transform, options, state->inverse, instance.padding());
    // MONOCHROME1 says the same as INVERSE: once is enough.
    const bool inverse = image.format.photometric == Photometric::kMonochrome1 || instance.presentation_inverse();
    return RenderGrayscale(image, instance.Transform(frame), options, inverse, instance.padding());
  }();
  if (!picture.ok()) return picture;
  const bool full_size = picture->width == full.columns && picture->height == full.rows;
  if (state != nullptr) {
    if (state->has_colours() && picture->channels == 1 && picture->bits == 8) ToColours(&*picture);
    if (full_size) DrawActiveOverlays(instance, image, frame, *state, &*picture);
    HILUM_ASSIGN_OR_RETURN(const auto part, PartPresented(instance, *state, options.viewport));
    auto presented =
        Present(*picture, *state, instance.pixel_aspect(), part ? std::nullopt : options.viewport, options.painter);
    if (!presented.ok() || !part) return presented;
    return Scaled(*presented, *part, {.rows = presented->height, .columns = presented->width});
  }
  if (options.overlays && full_size) {
    for (const Overlay& overlay : instance.overlays()) DrawOverlay(overlay, image, frame, 1, &*picture);
  }
  HILUM_ASSIGN_OR_RETURN(const std::optional<Scaling> scaling, ScalingOf(instance, options));
  return scaling ? Scaled(*picture, *scaling, full) : picture;
}

std::string ProfileOf(const Instance& instance, const Picture& picture, const RenderOptions& options) {
  if (picture.channels != 3 || options.profile == Profile::kNone) return "";
  // That of a colour state goes before that of the image (PS3.3 A.33.2).
  if (options.presentation != nullptr && !options.presentation->icc_profile.empty())
    return options.presentation->icc_profile;
  if (!instance.icc_profile().empty()) return std::string(instance.icc_profile());
  return options.profile == Profile::kAny || options.space ? ProfileOf(ColourSpace::kSrgb) : "";
}

Status ToSpace(ColourSpace space, FrameCodec& codec, Picture* picture) {
  const std::string target = ProfileOf(space);
  if (picture->channels != 3 || picture->bits != 8 || picture->icc_profile == target) return Status::Ok();
  auto converted = codec.ConvertColours(picture->samples, picture->icc_profile, space);
  const Code code = converted.status().code();
  if (code == Code::kUnavailable || code == Code::kCancelled) return converted.status();
  if (!converted.ok()) return Status::Ok();  // what it carries then tells
  picture->samples = *std::move(converted);
  picture->icc_profile = target;
  return Status::Ok();
}

}  // namespace

Status CheckWindow(const RenderOptions& options) {
  if (!options.window) return Status::Ok();
  const Window& window = *options.window;
  const bool whole = window.width >= 1 || window.function != VoiFunction::kLinear;
  if (window.width > 0 && std::isfinite(window.width) && std::isfinite(window.center) && whole) return Status::Ok();
  return Invalid("window: the width is at least 1, and above 0 for LINEAR_EXACT and SIGMOID");
}

Result<uint64_t> RenderingMemory(const Instance& instance, const RenderOptions& options) {
  HILUM_RETURN_IF_ERROR(CheckWindow(options));
  const FrameFormat& image = instance.format();
  const Presentation* const state = options.presentation;
  const bool colour = image.samples == 3 || HasPalette(instance, image) || (state != nullptr && state->has_colours());
  const uint64_t pixel_bytes = colour ? 3 : options.sixteen_bits ? 2 : 1;
  const uint64_t whole = uint64_t{image.rows} * image.columns * pixel_bytes;
  uint64_t picture = whole, making = FrameBytes(DecodedFormat(image)) + whole;
  const auto scale_to = [&](uint32_t source_rows, uint64_t width, uint64_t height) {
    picture = width * height * pixel_bytes;
    making += ScalingMemory(source_rows, width * (colour ? 3 : 1)) + picture;
  };
  if (state != nullptr) {
    HILUM_ASSIGN_OR_RETURN(const auto part, PartPresented(instance, *state, options.viewport));
    HILUM_ASSIGN_OR_RETURN(const PresentedSize size,
                           SizeToPresent(image.columns, image.rows, *state, instance.pixel_aspect(),
                                         part ? std::nullopt : options.viewport));
    scale_to(image.rows, size.width, size.height);
    making += whole + picture;  // shuttered, and turned
    if (part) scale_to(state->quarter_turns % 2 != 0 ? size.width : size.height, part->width, part->height);
  } else {
    HILUM_ASSIGN_OR_RETURN(const std::optional<Scaling> scaling, ScalingOf(instance, options));
    if (scaling) scale_to(image.rows, scaling->width, scaling->height);
  }
  // What encoders and colour conversion copy, and a file of noise while it grows.
  return std::max(making, picture * 4);
}

Result<std::optional<Window>> StretchingWindow(const Instance& instance, uint32_t frame, const RenderOptions& options,
                                               FrameCodec& codec) {
  const FrameFormat& format = instance.format();
  if (options.window || options.presentation != nullptr || frame >= instance.frames() || format.samples != 1 ||
      HasPalette(instance, format) || !IsStretched(format)) {
    return std::optional<Window>();
  }
  const ValueTransform transform = instance.Transform(frame);
  if (!transform.windows.empty() || !transform.voi_luts.empty()) return std::optional<Window>();
  HILUM_RETURN_IF_ERROR(RenderingMemory(instance, options).status());
  std::string storage;
  HILUM_ASSIGN_OR_RETURN(const Bytes bytes, instance.Frame(frame, &storage));
  HILUM_ASSIGN_OR_RETURN(const FrameTurn turn, codec.BeginFrame(format));
  HILUM_ASSIGN_OR_RETURN(const Image image, codec.Decode(instance.syntax().uid, bytes, format, options.decode));
  if (image.format.samples != 1) return std::optional<Window>();
  return std::optional(StretchingWindow(image, transform, instance.padding()));
}

Result<Picture> RenderPicture(const Instance& instance, uint32_t frame, const RenderOptions& options,
                              FrameCodec& codec) {
  HILUM_RETURN_IF_ERROR(RenderingMemory(instance, options).status());
  std::string storage;
  HILUM_ASSIGN_OR_RETURN(const Bytes bytes, instance.Frame(frame, &storage));
  HILUM_ASSIGN_OR_RETURN(const FrameTurn turn, codec.BeginFrame(instance.format()));
  HILUM_ASSIGN_OR_RETURN(const Image image,
                         codec.Decode(instance.syntax().uid, bytes, instance.format(), options.decode));
  try {
    HILUM_ASSIGN_OR_RETURN(Picture picture, RenderDecoded(instance, image, frame, options));
    picture.icc_profile = ProfileOf(instance, picture, options);
    if (options.space) HILUM_RETURN_IF_ERROR(ToSpace(*options.space, codec, &picture));
    return picture;
  } catch (const std::bad_alloc&) {
    return LimitExceeded("render: out of memory");
  }
}

Result<std::string> Render(const Instance& instance, uint32_t frame, const RenderOptions& options, FrameCodec& codec) {
  HILUM_ASSIGN_OR_RETURN(const Picture picture, RenderPicture(instance, frame, options, codec));
  return EncodePicture(picture, options.type, options.jpeg_quality, codec);
}

RenderOptions ThumbnailOptions(const Instance& instance, uint32_t size, PictureType type) {
  RenderOptions options{.type = type, .jpeg_quality = 80, .overlays = false, .profile = Profile::kNone};
  size = std::max(1u, size);
  const FrameFormat& format = instance.format();
  // As often halved as leaves twice the pixels wanted. Cells that are more or other than a brightness have no mean.
  const bool has_mean = !HasPalette(instance, format) && !format.embeds_overlays && !instance.padding();
  while (has_mean && options.decode.reduce < 5 &&
         std::max(format.rows, format.columns) >> (options.decode.reduce + 1) >= 2 * size) {
    ++options.decode.reduce;
  }
  options.viewport = Viewport{.width = std::min(size, std::max(format.columns, 1u)),
                              .height = std::min(size, std::max(format.rows, 1u))};
  return options;
}

}  // namespace hilum::pixel
