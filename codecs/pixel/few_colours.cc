#include "codecs/pixel/few_colours.h"

#include <algorithm>
#include <span>

namespace hilum::pixel {
namespace {

constexpr size_t kMostColours = 256;
constexpr unsigned kBits = 6;  // of a channel, to find like colours by
constexpr uint32_t kLevels = 1u << kBits;

// The colours that share the highest bits of each channel.
using Cell = uint32_t;

Cell CellOf(const char* rgb) {
  Cell cell = 0;
  for (int c = 0; c < 3; ++c) cell = cell << kBits | static_cast<uint8_t>(rgb[c]) >> (8 - kBits);
  return cell;
}

uint32_t Level(Cell cell, size_t channel) {
  return cell >> (2 - channel) * kBits & (kLevels - 1);
}

// Cells that become one colour unless they are parted.
struct Box {
  std::span<Cell> cells;
  size_t channel = 0;  // in which they differ most
  double mean = 0;     // of its levels
  double spread = 0;   // of them: the squares of how far each pixel is from the mean
};

Box Measured(std::span<Cell> cells, const std::vector<uint32_t>& pixels) {
  Box box{.cells = cells};
  for (size_t channel = 0; channel < 3; ++channel) {
    double count = 0, sum = 0, squares = 0;
    for (const Cell cell : cells) {
      const double weight = pixels[cell], level = Level(cell, channel);
      count += weight;
      sum += weight * level;
      squares += weight * level * level;
    }
    const double spread = squares - sum * sum / count;
    if (spread <= box.spread) continue;
    box.channel = channel;
    box.mean = sum / count;
    box.spread = spread;
  }
  return box;
}

// `cells` are put in another order: each box has a stretch of them.
std::vector<Box> Parted(std::vector<Cell>* cells, const std::vector<uint32_t>& pixels) {
  std::vector<Box> boxes = {Measured(*cells, pixels)};
  while (boxes.size() < kMostColours) {
    Box& widest = *std::ranges::max_element(boxes, {}, &Box::spread);
    const std::span<Cell> all = widest.cells;
    const auto above =
        std::partition(all.begin(), all.end(), [&](Cell cell) { return Level(cell, widest.channel) <= widest.mean; });
    const auto below = static_cast<size_t>(above - all.begin());
    // Also where only the rounding of the sums tells them apart.
    if (widest.spread <= 0 || below == 0 || below == all.size()) break;
    widest = Measured(all.first(below), pixels);
    boxes.push_back(Measured(all.subspan(below), pixels));
  }
  return boxes;
}

}  // namespace

FewColours ToFewColours(std::string_view rgb) {
  std::vector<uint32_t> pixels(size_t{kLevels} * kLevels * kLevels);  // of each cell
  for (size_t i = 0; i + 2 < rgb.size(); i += 3) ++pixels[CellOf(&rgb[i])];
  std::vector<Cell> cells;
  for (Cell cell = 0; cell < pixels.size(); ++cell)
    if (pixels[cell] > 0) cells.push_back(cell);

  FewColours few;
  if (cells.empty()) return few;
  const std::vector<Box> boxes = Parted(&cells, pixels);
  std::vector<uint8_t> box_of(pixels.size());
  for (size_t i = 0; i < boxes.size(); ++i)
    for (const Cell cell : boxes[i].cells) box_of[cell] = static_cast<uint8_t>(i);

  struct Sum {
    uint64_t count = 0, channels[3] = {};
  };
  std::vector<Sum> sums(boxes.size());
  few.indices.reserve(rgb.size() / 3);
  for (size_t i = 0; i + 2 < rgb.size(); i += 3) {
    const uint8_t box = box_of[CellOf(&rgb[i])];
    few.indices.push_back(static_cast<char>(box));
    ++sums[box].count;
    for (size_t c = 0; c < 3; ++c) sums[box].channels[c] += static_cast<uint8_t>(rgb[i + c]);
  }
  for (const Sum& sum : sums) {
    auto& colour = few.colours.emplace_back();
    for (size_t c = 0; c < 3; ++c) colour[c] = static_cast<uint8_t>((sum.channels[c] + sum.count / 2) / sum.count);
  }
  return few;
}

}  // namespace hilum::pixel
