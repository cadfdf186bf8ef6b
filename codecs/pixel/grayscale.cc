#include "codecs/pixel/grayscale.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <tuple>
#include <type_traits>
#include <vector>

#include "codecs/pixel/frame_codecs.h"
#include "codecs/pixel/presentation_state.h"

namespace hilum::pixel {
namespace {

// 0 for what is no number: pixels in floating point may be none.
uint16_t ToLevel(double value, uint32_t most) {
  return value > 0 ? static_cast<uint16_t>(std::min(value, 1.0) * most + 0.5) : uint16_t{0};
}

// Calls f(index, cell) for every cell; `Cell` is its unsigned type.
template <typename Cell, typename F>
void ForEachCell(const Image& image, F&& f) {
  const size_t count = image.pixels.size() / sizeof(Cell);
  for (size_t i = 0; i < count; ++i) {
    Cell cell;
    std::memcpy(&cell, image.pixels.data() + i * sizeof(Cell), sizeof(Cell));
    f(i, cell);
  }
}

void Put(Picture* picture, size_t index, uint16_t level) {
  if (picture->bits == 8) {
    picture->samples[index] = static_cast<char>(level);
  } else {
    std::memcpy(&picture->samples[index * 2], &level, 2);
  }
}

// Least and greatest of values; 0 of none.
class Range {
 public:
  void Add(double value) {
    low_ = std::min(low_, value);
    high_ = std::max(high_, value);
  }
  double low() const { return low_ <= high_ ? low_ : 0; }
  double high() const { return low_ <= high_ ? high_ : 0; }

 private:
  double low_ = std::numeric_limits<double>::max(), high_ = std::numeric_limits<double>::lowest();
};

// Cells that fit 16 bits: every value that occurs is looked at once.
template <typename Cell>
void RenderByTable(const Image& image, const ValueTransform& transform, const RenderOptions& options, bool inverse,
                   const std::optional<PixelPadding>& padding, Picture* picture) {
  const uint32_t most = picture->bits == 8 ? 255 : 65535;
  std::vector<uint8_t> seen(size_t{1} << 8 * sizeof(Cell), 0);
  ForEachCell<Cell>(image, [&](size_t, Cell cell) { seen[cell] = 1; });
  const auto value_of = [&](size_t cell) { return static_cast<double>(StoredValue(image.format, cell)); };
  Range range;
  for (size_t cell = 0; cell < seen.size(); ++cell) {
    if (seen[cell] != 0 && padding && padding->Holds(value_of(cell))) seen[cell] = 0;
    if (seen[cell] != 0) range.Add(value_of(cell));
  }
  const GrayscalePipeline pipeline(transform, image.format, options, inverse, range.low(), range.high());
  std::vector<uint16_t> levels(seen.size(), 0);
  for (size_t cell = 0; cell < seen.size(); ++cell) {
    if (seen[cell] != 0) levels[cell] = ToLevel(pipeline.Level(value_of(cell)), most);
  }
  ForEachCell<Cell>(image, [&](size_t i, Cell cell) { Put(picture, i, levels[cell]); });
}

template <typename Cell>
double ValueOf(const FrameFormat& format, Cell cell) {
  if constexpr (sizeof(Cell) >= sizeof(float)) {
    using Real = std::conditional_t<sizeof(Cell) == sizeof(float), float, double>;
    if (format.is_float) return static_cast<double>(std::bit_cast<Real>(cell));
  }
  return static_cast<double>(StoredValue(format, cell));
}

bool IsImage(double value, const std::optional<PixelPadding>& padding) {
  return !std::isnan(value) && !(padding && padding->Holds(value));
}

template <typename Cell>
Range RangeOf(const Image& image, const std::optional<PixelPadding>& padding) {
  Range range;
  ForEachCell<Cell>(image, [&](size_t, Cell cell) {
    const double value = ValueOf(image.format, cell);
    if (std::isfinite(value) && IsImage(value, padding)) range.Add(value);
  });
  return range;
}

// 32 and 64 bits, integers or floating point: no table could hold them.
template <typename Cell>
void RenderDirectly(const Image& image, const ValueTransform& transform, const RenderOptions& options, bool inverse,
                    const std::optional<PixelPadding>& padding, Picture* picture) {
  const uint32_t most = picture->bits == 8 ? 255 : 65535;
  const Range range = RangeOf<Cell>(image, padding);
  const GrayscalePipeline pipeline(transform, image.format, options, inverse, range.low(), range.high());
  ForEachCell<Cell>(image, [&](size_t i, Cell cell) {
    const double value = ValueOf(image.format, cell);
    if (IsImage(value, padding)) Put(picture, i, ToLevel(pipeline.Level(value), most));
  });
}

// The first value of a table is as good as one of 16 bits without a sign where its VR did not say so, as in implicit VR
// and in what was made of that. Whether it has one is told by what is looked up (PS3.3 C.11.1.1.1, C.11.2.1.1).
int64_t ShiftOf(const LookupTable& lut, bool looks_up_negative) {
  return looks_up_negative && lut.first > INT16_MAX ? 65536 : 0;
}

// All that cells of that format can hold.
std::pair<double, double> StoredRange(const FrameFormat& format) {
  const double range = std::ldexp(1.0, format.bits_stored) - 1;
  const double low = format.is_signed ? -(range + 1) / 2 : 0;
  return {low, low + range};
}

}  // namespace

int64_t StoredValue(const FrameFormat& format, uint64_t cell) {
  const unsigned shift = format.high_bit + 1u - format.bits_stored;
  const unsigned unused = 64 - format.bits_stored;
  const uint64_t top = (cell >> shift) << unused;
  return format.is_signed ? static_cast<int64_t>(top) >> unused : static_cast<int64_t>(top >> unused);
}

double ApplyWindow(const Window& window, double value) {
  switch (window.function) {
    case VoiFunction::kSigmoid:
      return 1 / (1 + std::exp(-4 * (value - window.center) / window.width));
    case VoiFunction::kLinearExact:
      return std::clamp((value - window.center) / window.width + 0.5, 0.0, 1.0);
    case VoiFunction::kLinear:
      break;
  }
  const double center = window.center - 0.5, width = window.width - 1;
  if (value <= center - width / 2) return 0;
  if (value > center + width / 2) return 1;
  return (value - center) / width + 0.5;
}

GrayscalePipeline::GrayscalePipeline(const ValueTransform& transform, const FrameFormat& format,
                                     const RenderOptions& options, bool inverse, double low, double high)
    : transform_(transform), inverse_(inverse) {
  if (options.presentation != nullptr && options.presentation->presentation_lut)
    presentation_lut_ = &*options.presentation->presentation_lut;
  const auto stored = StoredRange(format);
  if (transform.modality_lut) modality_shift_ = ShiftOf(*transform.modality_lut, format.is_signed);
  if (options.window) {
    window_ = *options.window;
  } else if (!transform.windows.empty()) {
    window_ = transform.windows[std::min(options.stored_window, transform.windows.size() - 1)];
  } else if (!transform.voi_luts.empty()) {
    voi_lut_ = &transform.voi_luts[0];
    voi_shift_ = ShiftOf(*voi_lut_, format.is_float || ModalityRange(stored.first, stored.second).first < 0);
  } else if (options.usual_window) {
    window_ = *options.usual_window;
  } else {
    // States that say nothing mean an image as it is.
    if (!IsStretched(format) || (options.presentation != nullptr && !format.is_float)) std::tie(low, high) = stored;
    const auto [least, most] = ModalityRange(low, high);
    window_ = {
        .center = (least + most) / 2, .width = std::max(most - least, 1e-9), .function = VoiFunction::kLinearExact};
  }
  // LINEAR steps by whole numbers (PS3.3 C.11.2.1.2.1): of so few it would leave black and white of real ones.
  if (format.is_float && window_.function == VoiFunction::kLinear && window_.width <= 1)
    window_.function = VoiFunction::kLinearExact;
}

double GrayscalePipeline::Modality(double stored) const {
  if (transform_.modality_lut)
    return transform_.modality_lut->At(static_cast<int64_t>(std::clamp(stored, -1e15, 1e15)) + modality_shift_);
  return stored * transform_.slope.value_or(1) + transform_.intercept.value_or(0);
}

std::pair<double, double> GrayscalePipeline::ModalityRange(double low, double high) const {
  std::pair<double, double> range = std::minmax(Modality(low), Modality(high));
  if (!transform_.modality_lut) return range;
  // A table may rise and fall.
  const LookupTable& lut = *transform_.modality_lut;
  const double first = static_cast<double>(lut.first - modality_shift_), size = static_cast<double>(lut.entries.size());
  const auto begin = static_cast<size_t>(std::clamp(low - first, 0.0, size));
  const auto end = static_cast<size_t>(std::clamp(high - first + 1, 0.0, size));
  for (size_t i = begin; i < end; ++i) {
    range.first = std::min<double>(range.first, lut.entries[i]);
    range.second = std::max<double>(range.second, lut.entries[i]);
  }
  return range;
}

double GrayscalePipeline::Level(double stored) const {
  const double value = Modality(stored);
  double level = 0;
  if (voi_lut_ != nullptr) {
    const double index = std::clamp(std::round(value), -1e9, 1e9);
    level = voi_lut_->At(static_cast<int64_t>(index) + voi_shift_) / (std::ldexp(1.0, voi_lut_->bits) - 1);
  } else {
    level = ApplyWindow(window_, value);
  }
  if (presentation_lut_ != nullptr) {
    const auto last = static_cast<double>(presentation_lut_->entries.size() - 1);
    level = presentation_lut_->At(presentation_lut_->first + std::llround(level * last)) /
            (std::ldexp(1.0, presentation_lut_->bits) - 1);
  }
  return inverse_ ? 1 - level : level;
}

Window StretchingWindow(const Image& image, const ValueTransform& transform,
                        const std::optional<PixelPadding>& padding) {
  const unsigned bits = image.format.bits_allocated;
  const Range range = bits == 16   ? RangeOf<uint16_t>(image, padding)
                      : bits == 32 ? RangeOf<uint32_t>(image, padding)
                                   : RangeOf<uint64_t>(image, padding);
  return GrayscalePipeline(transform, image.format, {}, /*inverse=*/false, range.low(), range.high()).window();
}

Picture RenderGrayscale(const Image& image, const ValueTransform& transform, const RenderOptions& options, bool inverse,
                        const std::optional<PixelPadding>& padding) {
  const FrameFormat& format = image.format;
  Picture picture{
      .width = format.columns, .height = format.rows, .bits = static_cast<uint8_t>(options.sixteen_bits ? 16 : 8)};
  picture.samples.assign(size_t{format.rows} * format.columns * (picture.bits / 8), '\0');
  switch (format.bits_allocated) {
    case 1: {
      const GrayscalePipeline pipeline(transform, format, options, inverse, 0, 1);
      const uint32_t most = picture.bits == 8 ? 255 : 65535;
      const uint16_t levels[2] = {ToLevel(pipeline.Level(0), most), ToLevel(pipeline.Level(1), most)};
      for (size_t i = 0; i < size_t{format.rows} * format.columns; ++i) {
        Put(&picture, i, levels[image.pixels[i / 8] >> i % 8 & 1]);
      }
      break;
    }
    case 8:
      RenderByTable<uint8_t>(image, transform, options, inverse, padding, &picture);
      break;
    case 16:
      RenderByTable<uint16_t>(image, transform, options, inverse, padding, &picture);
      break;
    case 32:
      RenderDirectly<uint32_t>(image, transform, options, inverse, padding, &picture);
      break;
    default:
      RenderDirectly<uint64_t>(image, transform, options, inverse, padding, &picture);
      break;
  }
  return picture;
}

}  // namespace hilum::pixel
