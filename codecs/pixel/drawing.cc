#include "codecs/pixel/drawing.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace hilum::pixel {
namespace {

constexpr double kFarthest = 1e7;

bool IsReasonable(const Point& p) {
  return std::abs(p.x) <= kFarthest && std::abs(p.y) <= kFarthest;  // false for NaN
}

void Set(Picture* picture, int64_t x, int64_t y, const Colour& colour) {
  if (x < 0 || y < 0 || x >= picture->width || y >= picture->height) return;
  const size_t first = (static_cast<size_t>(y) * picture->width + static_cast<size_t>(x)) * picture->channels;
  for (size_t c = 0; c < picture->channels; ++c) {
    const size_t i = first + c;
    const double share = std::clamp(colour.Channel(c, picture->channels), 0.0, 1.0);
    const auto level = static_cast<uint16_t>(share * (picture->bits == 16 ? 65535 : 255) + 0.5);
    if (picture->bits == 16)
      std::memcpy(&picture->samples[i * 2], &level, 2);
    else
      picture->samples[i] = static_cast<char>(level);
  }
}

// Cuts the line to the rectangle from (low, low) to (right, below) (Liang and Barsky 1984); false when nothing is left.
bool Clip(double low, double right, double below, Point* a, Point* b) {
  const double dx = b->x - a->x, dy = b->y - a->y;
  const double steps[4] = {-dx, dx, -dy, dy};
  const double rooms[4] = {a->x - low, right - a->x, a->y - low, below - a->y};
  double begin = 0, end = 1;
  for (int i = 0; i < 4; ++i) {
    if (steps[i] == 0) {
      if (rooms[i] < 0) return false;
      continue;
    }
    const double at = rooms[i] / steps[i];
    if (steps[i] < 0)
      begin = std::max(begin, at);
    else
      end = std::min(end, at);
  }
  if (begin > end) return false;
  const Point from = *a;
  *a = {from.x + begin * dx, from.y + begin * dy};
  *b = {from.x + end * dx, from.y + end * dy};
  return true;
}

void DrawLine(Point a, Point b, uint32_t thickness, const Colour& colour, DrawingBudget* budget, Picture* picture) {
  const double margin = thickness;
  if (!Clip(-margin, picture->width + margin, picture->height + margin, &a, &b)) return;
  const double length = std::max(std::abs(b.x - a.x), std::abs(b.y - a.y));
  const auto count = static_cast<int64_t>(std::ceil(length));
  if (!budget->Take((static_cast<uint64_t>(count) + 1) * thickness * thickness)) return;
  const int64_t before = (thickness - 1) / 2, after = thickness / 2;
  for (int64_t i = 0; i <= count; ++i) {
    const double share = count == 0 ? 0 : static_cast<double>(i) / static_cast<double>(count);
    const auto x = static_cast<int64_t>(std::floor(a.x + share * (b.x - a.x)));
    const auto y = static_cast<int64_t>(std::floor(a.y + share * (b.y - a.y)));
    for (int64_t dy = -before; dy <= after; ++dy)
      for (int64_t dx = -before; dx <= after; ++dx) Set(picture, x + dx, y + dy, colour);
  }
}

}  // namespace

void DrawLines(const std::vector<Point>& points, uint32_t thickness, const Colour& colour, DrawingBudget* budget,
               Picture* picture) {
  if (!std::all_of(points.begin(), points.end(), IsReasonable)) return;
  for (size_t i = 0; i + 1 < points.size(); ++i) DrawLine(points[i], points[i + 1], thickness, colour, budget, picture);
}

void FillPolygon(const std::vector<Point>& points, const Colour& colour, DrawingBudget* budget, Picture* picture) {
  if (points.size() < 3 || !std::all_of(points.begin(), points.end(), IsReasonable)) return;
  if (!budget->Take(uint64_t{picture->height} * (points.size() + picture->width))) return;
  std::vector<double> crossings;
  for (uint32_t row = 0; row < picture->height; ++row) {
    const double y = row + 0.5;
    crossings.clear();
    for (size_t i = 0, j = points.size() - 1; i < points.size(); j = i++) {
      const Point &a = points[i], &b = points[j];
      if ((a.y > y) != (b.y > y)) crossings.push_back((b.x - a.x) * (y - a.y) / (b.y - a.y) + a.x);
    }
    std::sort(crossings.begin(), crossings.end());
    for (size_t i = 0; i + 1 < crossings.size(); i += 2) {
      const auto begin = static_cast<int64_t>(std::max(0.0, std::ceil(crossings[i] - 0.5)));
      const auto end = static_cast<int64_t>(std::min<double>(picture->width, std::ceil(crossings[i + 1] - 0.5)));
      for (int64_t x = begin; x < end; ++x) Set(picture, x, row, colour);
    }
  }
}

}  // namespace hilum::pixel
