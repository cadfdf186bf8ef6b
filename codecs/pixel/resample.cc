#include "codecs/pixel/resample.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

namespace hilum::pixel {
namespace {

// Which samples of a line make one sample of the result.
struct Taps {
  uint32_t first = 0;
  std::vector<float> weights;
};

double CatmullRom(double x) {
  x = std::abs(x);
  if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
  if (x < 2) return ((-0.5 * x + 2.5) * x - 4) * x + 2;
  return 0;
}

std::vector<Taps> MakeTaps(double begin, double length, bool mirror, uint32_t size, uint32_t count) {
  std::vector<Taps> all(count);
  const double step = length / count, stretch = std::max(1.0, step);
  for (uint32_t i = 0; i < count; ++i) {
    const double center = begin + (i + 0.5) * step - 0.5;
    const auto low = static_cast<int64_t>(std::ceil(center - 2 * stretch));
    const auto high = static_cast<int64_t>(std::floor(center + 2 * stretch));
    Taps& taps = all[mirror ? count - 1 - i : i];
    const int64_t last = static_cast<int64_t>(size) - 1;
    taps.first = static_cast<uint32_t>(std::clamp<int64_t>(low, 0, last));
    const auto end = static_cast<uint32_t>(std::clamp<int64_t>(high, 0, last));
    taps.weights.assign(end - taps.first + 1, 0);
    double sum = 0;
    // Beyond the edge the edge repeats.
    for (int64_t at = low; at <= high; ++at) {
      const double weight = CatmullRom((static_cast<double>(at) - center) / stretch);
      taps.weights[static_cast<size_t>(std::clamp<int64_t>(at, taps.first, end)) - taps.first] +=
          static_cast<float>(weight);
      sum += weight;
    }
    for (float& weight : taps.weights) weight = static_cast<float>(weight / sum);
  }
  return all;
}

template <typename Sample>
void Scale(const Picture& from, const std::vector<Taps>& columns, const std::vector<Taps>& rows, Picture* to) {
  const size_t channels = from.channels, source_line = size_t{from.width} * channels,
               line = size_t{to->width} * channels;
  const auto* source = reinterpret_cast<const Sample*>(from.samples.data());
  auto* target = reinterpret_cast<Sample*>(to->samples.data());
  uint32_t first = from.height, end = 0;
  for (const Taps& taps : rows) {
    first = std::min(first, taps.first);
    end = std::max(end, taps.first + static_cast<uint32_t>(taps.weights.size()));
  }
  // Rows of the source at the width of the result.
  std::vector<float> narrow(size_t{end - first} * line);
  for (uint32_t y = first; y < end; ++y) {
    float* out = narrow.data() + (y - first) * line;
    for (uint32_t x = 0; x < to->width; ++x, out += channels) {
      const Taps& taps = columns[x];
      for (size_t c = 0; c < channels; ++c) {
        const Sample* in = source + y * source_line + taps.first * channels + c;
        float sum = 0;
        for (const float weight : taps.weights) {
          sum += weight * static_cast<float>(*in);
          in += channels;
        }
        out[c] = sum;
      }
    }
  }
  const float most = sizeof(Sample) == 1 ? 255.0f : 65535.0f;
  std::vector<float> sums(line);
  for (uint32_t y = 0; y < to->height; ++y) {
    std::fill(sums.begin(), sums.end(), 0.0f);
    const Taps& taps = rows[y];
    for (size_t i = 0; i < taps.weights.size(); ++i) {
      const float* in = narrow.data() + (taps.first - first + i) * line;
      for (size_t x = 0; x < line; ++x) sums[x] += taps.weights[i] * in[x];
    }
    Sample* out = target + y * line;
    for (size_t x = 0; x < line; ++x) out[x] = static_cast<Sample>(std::clamp(sums[x], 0.0f, most) + 0.5f);
  }
}

}  // namespace

Picture Resample(const Picture& picture, const Region& region, uint32_t width, uint32_t height) {
  Picture result{.width = width, .height = height, .channels = picture.channels, .bits = picture.bits};
  result.samples.assign(size_t{width} * height * picture.channels * (picture.bits / 8), '\0');
  const std::vector<Taps> columns = MakeTaps(region.x, region.width, region.mirror_x, picture.width, width);
  const std::vector<Taps> rows = MakeTaps(region.y, region.height, region.mirror_y, picture.height, height);
  if (picture.bits == 8) {
    Scale<uint8_t>(picture, columns, rows, &result);
  } else {
    Scale<uint16_t>(picture, columns, rows, &result);
  }
  return result;
}

}  // namespace hilum::pixel
