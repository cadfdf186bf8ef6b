#include "codecs/pixel/drawing.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace hilum::pixel {
namespace {

constexpr double kFarthest = 1e7;

bool ShinesThrough(const Ink& ink) {
  return ink.opacity > 0 && ink.opacity < 1;
}

// Draws one thing with two inks.
class Brush {
 public:
  Brush(const Ink& on, const Ink& off, Picture* picture) : on_(on), off_(off), picture_(picture) {}

  // False when the budget does not allow for it.
  bool Prepare(DrawingBudget* budget) {
    if (!ShinesThrough(on_) && !ShinesThrough(off_)) return true;
    const uint64_t pixels = uint64_t{picture_->width} * picture_->height;
    if (!budget->Take(pixels / 16)) return false;
    touched_.resize(pixels);
    return true;
  }

  void Touch(int64_t x, int64_t y, bool on) {
    const Ink& ink = on ? on_ : off_;
    if (ink.opacity <= 0 || x < 0 || y < 0 || x >= picture_->width || y >= picture_->height) return;
    const size_t pixel = static_cast<size_t>(y) * picture_->width + static_cast<size_t>(x);
    if (!touched_.empty()) {
      if (touched_[pixel]) return;
      touched_[pixel] = true;
    }
    const double whole = picture_->bits == 16 ? 65535 : 255;
    for (size_t c = 0; c < picture_->channels; ++c) {
      const size_t i = pixel * picture_->channels + c;
      const double share = std::clamp(ink.colour.Channel(c, picture_->channels), 0.0, 1.0);
      Lay(i, share * whole, std::min(ink.opacity, 1.0));
    }
  }

 private:
  void Lay(size_t i, double level, double opacity) {
    if (picture_->bits == 16) {
      uint16_t sample = 0;
      std::memcpy(&sample, &picture_->samples[i * 2], 2);
      sample = static_cast<uint16_t>(sample + (level - sample) * opacity + 0.5);
      std::memcpy(&picture_->samples[i * 2], &sample, 2);
    } else {
      const auto sample = static_cast<uint8_t>(picture_->samples[i]);
      picture_->samples[i] = static_cast<char>(static_cast<uint8_t>(sample + (level - sample) * opacity + 0.5));
    }
  }

  const Ink on_, off_;
  Picture* const picture_;
  std::vector<bool> touched_;  // when an ink shines through
};

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

// Lines one after the other, whose pattern goes on from one to the next.
class Pen {
 public:
  Pen(const LineStyle& style, const DrawingScale& scale, DrawingBudget* budget, Picture* picture)
      : brush_(style.on, style.off, picture),
        pattern_(style.pattern),
        scale_(scale),
        budget_(budget),
        picture_(picture) {}

  bool Prepare() { return brush_.Prepare(budget_); }

  void Draw(Point a, Point b) {
    const Point from = a;
    const double begin = drawn_, margin = scale_.thickness;
    drawn_ += std::hypot(b.x - a.x, b.y - a.y);
    if (!Clip(-margin, picture_->width + margin, picture_->height + margin, &a, &b)) return;
    const auto count = static_cast<int64_t>(std::ceil(std::max(std::abs(b.x - a.x), std::abs(b.y - a.y))));
    if (!budget_->Take((static_cast<uint64_t>(count) + 1) * scale_.thickness * scale_.thickness)) return;
    const double at = begin + std::hypot(a.x - from.x, a.y - from.y), length = std::hypot(b.x - a.x, b.y - a.y);
    for (int64_t i = 0; i <= count; ++i) {
      const double share = count == 0 ? 0 : static_cast<double>(i) / static_cast<double>(count);
      Dot(a.x + share * (b.x - a.x), a.y + share * (b.y - a.y), IsOn(at + share * length));
    }
  }

 private:
  bool IsOn(double distance) const {
    if (pattern_ == UINT32_MAX) return true;
    const auto bit = static_cast<uint64_t>(distance / scale_.bit) % 32;
    return pattern_ >> (31 - bit) & 1;
  }

  void Dot(double x, double y, bool on) {
    const auto left = static_cast<int64_t>(std::floor(x)), top = static_cast<int64_t>(std::floor(y));
    const int64_t before = (scale_.thickness - 1) / 2, after = scale_.thickness / 2;
    for (int64_t dy = -before; dy <= after; ++dy)
      for (int64_t dx = -before; dx <= after; ++dx) brush_.Touch(left + dx, top + dy, on);
  }

  Brush brush_;
  const uint32_t pattern_;
  const DrawingScale scale_;
  DrawingBudget* const budget_;
  Picture* const picture_;
  double drawn_ = 0;  // pixels before the line at hand
};

bool IsOn(const std::string& pattern, int64_t x, int64_t y, uint32_t bit) {
  if (pattern.empty()) return true;
  const size_t column = static_cast<size_t>(x) / bit % 32, row = static_cast<size_t>(y) / bit % 32;
  return static_cast<uint8_t>(pattern[row * 4 + column / 8]) >> (7 - column % 8) & 1;
}

}  // namespace

bool AreReasonable(const std::vector<Point>& points) {
  return std::ranges::all_of(points, [](const Point& p) {
    return std::abs(p.x) <= kFarthest && std::abs(p.y) <= kFarthest;  // false for NaN
  });
}

void CrossingsOf(const std::vector<Point>& polygon, double y, std::vector<double>* crossings) {
  crossings->clear();
  for (size_t i = 0, j = polygon.size() - 1; i < polygon.size(); j = i++) {
    const Point &a = polygon[i], &b = polygon[j];
    if ((a.y > y) != (b.y > y)) crossings->push_back((b.x - a.x) * (y - a.y) / (b.y - a.y) + a.x);
  }
  std::ranges::sort(*crossings);
}

void DrawLines(const std::vector<Point>& points, const LineStyle& style, const DrawingScale& scale,
               DrawingBudget* budget, Picture* picture) {
  if (!AreReasonable(points)) return;
  Pen pen(style, scale, budget, picture);
  if (!pen.Prepare()) return;
  for (size_t i = 0; i + 1 < points.size(); ++i) pen.Draw(points[i], points[i + 1]);
}

void FillPolygon(const std::vector<Point>& points, const FillStyle& style, const DrawingScale& scale,
                 DrawingBudget* budget, Picture* picture) {
  if (points.size() < 3 || !AreReasonable(points)) return;
  if (!budget->Take(uint64_t{picture->height} * (points.size() + picture->width))) return;
  Brush brush(style.on, style.off, picture);
  if (!brush.Prepare(budget)) return;
  std::vector<double> crossings;
  for (uint32_t row = 0; row < picture->height; ++row) {
    CrossingsOf(points, row + 0.5, &crossings);
    for (size_t i = 0; i + 1 < crossings.size(); i += 2) {
      const auto begin = static_cast<int64_t>(std::max(0.0, std::ceil(crossings[i] - 0.5)));
      const auto end = static_cast<int64_t>(std::min<double>(picture->width, std::ceil(crossings[i + 1] - 0.5)));
      for (int64_t x = begin; x < end; ++x) brush.Touch(x, row, IsOn(style.pattern, x, row, scale.bit));
    }
  }
}

}  // namespace hilum::pixel
