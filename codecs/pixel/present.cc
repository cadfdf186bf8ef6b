#include "codecs/pixel/present.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <numbers>
#include <tuple>
#include <utility>

#include "codecs/pixel/drawing.h"
#include "codecs/pixel/resample.h"

namespace hilum::pixel {
namespace {

constexpr double kMaxSide = 8192;
constexpr int kArcSteps = 180;      // of an ellipse
constexpr int kCurveSteps = 16;     // between two points of an interpolated line
constexpr size_t kMaxKnots = 5000;  // of one

size_t PixelBytes(const Picture& picture) {
  return size_t{picture.channels} * (picture.bits / 8);
}

void ApplyShutter(const Shutter& shutter, const Colour& colour, Picture* picture) {
  const bool has_polygon = shutter.polygon.size() >= 3 && AreReasonable(shutter.polygon);
  if (!shutter.rectangle && !shutter.circle && !shutter.bitmap && !has_polygon) return;
  std::string outside;
  for (size_t c = 0; c < picture->channels; ++c) {
    const double share = std::clamp(colour.Channel(c, picture->channels), 0.0, 1.0);
    const auto level = static_cast<uint16_t>(share * (picture->bits == 16 ? 65535 : 255) + 0.5);
    outside.append(reinterpret_cast<const char*>(&level), picture->bits / 8);  // little endian, as pictures are
  }
  std::vector<double> crossings;
  for (uint32_t y = 0; y < picture->height; ++y) {
    if (has_polygon) CrossingsOf(shutter.polygon, y + 1.0, &crossings);
    size_t crossed = 0;
    for (uint32_t x = 0; x < picture->width; ++x) {
      while (crossed < crossings.size() && crossings[crossed] <= x + 1.0) ++crossed;
      const bool inside = !has_polygon || crossed % 2 == 1;
      if (!inside || !shutter.Shows(x + 1.0, y + 1.0))
        picture->samples.replace((size_t{y} * picture->width + x) * outside.size(), outside.size(), outside);
    }
  }
}

// `source` into `target` with its upper left corner at (x, y). REQUIRES: it fits.
void Paste(const Picture& source, uint32_t x, uint32_t y, Picture* target) {
  const size_t bytes = PixelBytes(source);
  for (uint32_t row = 0; row < source.height; ++row)
    std::memcpy(&target->samples[(size_t{y + row} * target->width + x) * bytes],
                &source.samples[size_t{row} * source.width * bytes], source.width * bytes);
}

// From the displayed area to the picture, and where its points come to lie.
struct Placement {
  DisplayedArea area;
  uint32_t width = 0, height = 0;  // of the area in the picture, before it is turned
  int quarter_turns = 0;
  bool flip = false;

  bool on_side() const { return quarter_turns % 2 != 0; }
  double final_width() const { return on_side() ? height : width; }
  double final_height() const { return on_side() ? width : height; }

  Point OfImage(const Point& p) const {
    double x = (p.x - area.left) * width / (area.right - area.left);
    double y = (p.y - area.top) * height / (area.bottom - area.top);
    if (quarter_turns == 1) std::tie(x, y) = std::make_pair(height - y, x);
    if (quarter_turns == 2) std::tie(x, y) = std::make_pair(width - x, height - y);
    if (quarter_turns == 3) std::tie(x, y) = std::make_pair(y, width - x);
    return {flip ? final_width() - x : x, y};
  }
  Point OfDisplay(const Point& p) const { return {p.x * final_width(), p.y * final_height()}; }
  Point Of(const Point& p, bool on_display) const { return on_display ? OfDisplay(p) : OfImage(p); }
};

Result<Placement> Place(uint32_t columns, uint32_t rows, const Presentation& presentation, double aspect,
                        const std::optional<Viewport>& fit) {
  Placement place{.area = presentation.area.value_or(DisplayedArea{.right = double(columns), .bottom = double(rows)}),
                  .quarter_turns = presentation.quarter_turns,
                  .flip = presentation.flip};
  if (place.area.aspect > 0) aspect = place.area.aspect;
  const double wide = place.area.right - place.area.left, high = (place.area.bottom - place.area.top) * aspect;
  if (!(wide >= 1 && high > 0 && wide <= 1e6 && high <= 1e6))
    return Invalid("the displayed area of the presentation state is empty or beyond all measure");
  double scale = place.area.magnification;
  if (fit) {
    const double room_x = place.on_side() ? fit->height : fit->width,
                 room_y = place.on_side() ? fit->width : fit->height;
    scale = std::min(room_x / wide, room_y / high);
  }
  scale = std::min({scale, kMaxSide / wide, kMaxSide / high});
  place.width = static_cast<uint32_t>(std::clamp(std::round(wide * scale), 1.0, kMaxSide));
  place.height = static_cast<uint32_t>(std::clamp(std::round(high * scale), 1.0, kMaxSide));
  return place;
}

// The displayed area, black where it is outside of the image.
Picture Cut(const Picture& frame, const Placement& place) {
  Picture picture{place.width, place.height, frame.channels, frame.bits, {}};
  picture.samples.assign(size_t{place.width} * place.height * PixelBytes(frame), '\0');
  const DisplayedArea& area = place.area;
  const double left = std::max(area.left, 0.0), top = std::max(area.top, 0.0);
  const double right = std::min<double>(area.right, frame.width), below = std::min<double>(area.bottom, frame.height);
  if (right <= left || below <= top) return picture;
  const double scale_x = place.width / (area.right - area.left), scale_y = place.height / (area.bottom - area.top);
  const auto edge = [](double at, uint32_t most) {
    return static_cast<uint32_t>(std::clamp<double>(std::round(at), 0, most));
  };
  const uint32_t x0 = edge((left - area.left) * scale_x, place.width),
                 x1 = edge((right - area.left) * scale_x, place.width);
  const uint32_t y0 = edge((top - area.top) * scale_y, place.height),
                 y1 = edge((below - area.top) * scale_y, place.height);
  if (x1 <= x0 || y1 <= y0) return picture;
  const Region region{.x = left, .y = top, .width = right - left, .height = below - top};
  const bool same =
      x1 - x0 == frame.width && y1 - y0 == frame.height && region.width == frame.width && region.height == frame.height;
  Paste(same ? frame : Resample(frame, region, x1 - x0, y1 - y0), x0, y0, &picture);
  return picture;
}

Picture Turn(const Picture& source, const Placement& place) {
  if (place.quarter_turns == 0 && !place.flip) return source;
  Picture picture{static_cast<uint32_t>(place.final_width()), static_cast<uint32_t>(place.final_height()),
                  source.channels, source.bits, std::string(source.samples.size(), '\0')};
  const size_t bytes = PixelBytes(source);
  for (uint32_t y = 0; y < picture.height; ++y) {
    for (uint32_t x = 0; x < picture.width; ++x) {
      const uint32_t turned = place.flip ? picture.width - 1 - x : x;
      uint32_t from_x = turned, from_y = y;
      if (place.quarter_turns == 1) from_x = y, from_y = source.height - 1 - turned;
      if (place.quarter_turns == 2) from_x = source.width - 1 - turned, from_y = source.height - 1 - y;
      if (place.quarter_turns == 3) from_x = source.width - 1 - y, from_y = turned;
      std::memcpy(&picture.samples[(size_t{y} * picture.width + x) * bytes],
                  &source.samples[(size_t{from_y} * source.width + from_x) * bytes], bytes);
    }
  }
  return picture;
}

// Points around an ellipse, given its centre and two half axes at right angles.
std::vector<Point> Around(const Point& centre, const Point& first, const Point& second) {
  std::vector<Point> points;
  for (int i = 0; i <= kArcSteps; ++i) {
    const double angle = 2 * std::numbers::pi * i / kArcSteps, c = std::cos(angle), s = std::sin(angle);
    points.push_back({centre.x + c * first.x + s * second.x, centre.y + c * first.y + s * second.y});
  }
  return points;
}

// Through all points (Catmull and Rom 1974).
std::vector<Point> Curve(const std::vector<Point>& knots) {
  if (knots.size() < 3 || knots.size() > kMaxKnots) return knots;
  std::vector<Point> points;
  const bool closed = knots.front().x == knots.back().x && knots.front().y == knots.back().y;
  const auto knot = [&](int64_t i) -> const Point& {
    const auto last = static_cast<int64_t>(knots.size()) - 1;
    if (closed) return knots[static_cast<size_t>((i + last) % last)];
    return knots[static_cast<size_t>(std::clamp<int64_t>(i, 0, last))];
  };
  for (int64_t i = 0; i + 1 < static_cast<int64_t>(knots.size()); ++i) {
    const Point &a = knot(i - 1), &b = knot(i), &c = knot(i + 1), &d = knot(i + 2);
    for (int step = 0; step < kCurveSteps; ++step) {
      const double t = static_cast<double>(step) / kCurveSteps;
      const auto at = [t](double p, double q, double r, double s) {
        return 0.5 * (2 * q + (r - p) * t + (2 * p - 5 * q + 4 * r - s) * t * t + (3 * q - p - 3 * r + s) * t * t * t);
      };
      points.push_back({at(a.x, b.x, c.x, d.x), at(a.y, b.y, c.y, d.y)});
    }
  }
  points.push_back(knots.back());
  return points;
}

// In the coordinates of the graphic (PS3.3 C.10.5.1.2).
std::vector<Point> OutlineOf(const Graphic& graphic) {
  const std::vector<Point>& p = graphic.points;
  switch (graphic.shape) {
    case Graphic::Shape::kPolyline:
      return p;
    case Graphic::Shape::kInterpolated:
      return Curve(p);
    case Graphic::Shape::kCircle: {  // centre, a point on it
      if (p.size() < 2) return {};
      const double radius = std::hypot(p[1].x - p[0].x, p[1].y - p[0].y);
      return Around(p[0], {radius, 0}, {0, radius});
    }
    case Graphic::Shape::kEllipse: {  // ends of the major axis, ends of the minor one
      if (p.size() < 4) return {};
      const Point centre{(p[0].x + p[1].x) / 2, (p[0].y + p[1].y) / 2};
      return Around(centre, {(p[1].x - p[0].x) / 2, (p[1].y - p[0].y) / 2},
                    {(p[3].x - p[2].x) / 2, (p[3].y - p[2].y) / 2});
    }
    case Graphic::Shape::kPoint:
      break;
  }
  return {};
}

// `usual`: the thickness of lines that have none of their own.
DrawingScale ScaleOf(const Graphic& graphic, const Placement& place, uint32_t usual) {
  constexpr double kThickest = 64;
  DrawingScale scale{.thickness = usual, .bit = usual};
  if (graphic.line.thickness <= 0) return scale;
  double unit = place.width / (place.area.right - place.area.left);
  // Fractions of the display; some write pixels of it all the same.
  if (graphic.on_display) unit = graphic.line.thickness < 1 ? place.final_width() : usual;
  scale.thickness = static_cast<uint32_t>(std::clamp(std::round(graphic.line.thickness * unit), 1.0, kThickest));
  return scale;
}

void DrawGraphic(const Graphic& graphic, const Placement& place, uint32_t usual, DrawingBudget* budget,
                 Picture* picture) {
  const DrawingScale scale = ScaleOf(graphic, place, usual);
  if (graphic.shape == Graphic::Shape::kPoint) {
    if (graphic.points.empty()) return;
    const Point at = place.Of(graphic.points[0], graphic.on_display);
    const double arm = 3.0 * scale.thickness;
    DrawLines({{at.x - arm, at.y}, {at.x + arm, at.y}}, graphic.line, scale, budget, picture);
    DrawLines({{at.x, at.y - arm}, {at.x, at.y + arm}}, graphic.line, scale, budget, picture);
    return;
  }
  std::vector<Point> outline = OutlineOf(graphic);
  for (Point& point : outline) point = place.Of(point, graphic.on_display);
  if (graphic.filled) FillPolygon(outline, graphic.fill, scale, budget, picture);
  DrawLines(outline, graphic.line, scale, budget, picture);
}

void DrawText(const GraphicText& text, const Placement& place, uint32_t thickness, TextPainter& painter,
              DrawingBudget* budget, Picture* picture) {
  const GraphicText::Place& begin = text.box ? *text.box : *text.anchor;
  Point at = place.Of(begin.at, begin.on_display);
  if (text.box && text.box_end) {
    // Corners are those of the image, which may be turned.
    const Point end = place.Of(text.box_end->at, text.box_end->on_display);
    at = {std::min(at.x, end.x), std::min(at.y, end.y)};
  }
  if (!(std::abs(at.x) < 1e6 && std::abs(at.y) < 1e6)) return;
  if (text.box && text.anchor && text.show_anchor)
    DrawLines({at, place.Of(text.anchor->at, text.anchor->on_display)}, {.on = {text.colour}},
              {.thickness = thickness, .bit = thickness}, budget, picture);
  const uint32_t size = std::clamp(picture->height / 32, 10u, 48u);
  double y = at.y;
  for (size_t line = 0; line <= text.text.size() && y < picture->height;) {
    const size_t end = std::min(text.text.find('\n', line), text.text.size());
    painter.Draw(std::string_view(text.text).substr(line, end - line), size, text.colour, static_cast<int64_t>(at.x),
                 static_cast<int64_t>(y), picture);
    y += LineHeight(size);
    line = end + 1;
  }
}

}  // namespace

Result<PresentedSize> SizeToPresent(uint32_t columns, uint32_t rows, const Presentation& presentation, double aspect,
                                    const std::optional<Viewport>& fit) {
  HILUM_ASSIGN_OR_RETURN(const Placement place, Place(columns, rows, presentation, aspect, fit));
  return PresentedSize{place.width, place.height};
}

Result<Picture> Present(const Picture& frame, const Presentation& presentation, double aspect,
                        const std::optional<Viewport>& fit, TextPainter* painter) {
  HILUM_ASSIGN_OR_RETURN(const Placement place, Place(frame.width, frame.height, presentation, aspect, fit));
  Picture shown = frame;
  ApplyShutter(presentation.shutter, presentation.shutter_colour, &shown);
  Picture picture = Turn(Cut(shown, place), place);
  const uint32_t thickness = std::max(1u, std::max(picture.width, picture.height) / 512);
  DrawingBudget budget;
  for (const Annotations& annotations : presentation.annotations) {
    for (const Graphic& graphic : annotations.graphics) DrawGraphic(graphic, place, thickness, &budget, &picture);
    if (painter == nullptr) continue;
    for (const GraphicText& text : annotations.texts) DrawText(text, place, thickness, *painter, &budget, &picture);
  }
  return picture;
}

}  // namespace hilum::pixel
