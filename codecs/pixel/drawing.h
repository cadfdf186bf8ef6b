// Lines and areas in pictures. Internal to codecs/pixel. Coordinates are in pixels, (0, 0) the upper left corner of the
// first one; whatever lies outside of the picture is clipped before work is spent on it.
#pragma once

#include <vector>

#include "codecs/pixel/presentation_state.h"
#include "codecs/pixel/render.h"

namespace hilum::pixel {

// How much drawing may still be done, in pixels: files can ask for more than anybody would wait for. Nothing is drawn
// any more once it is used up.
struct DrawingBudget {
  uint64_t pixels = 50'000'000;

  bool Take(uint64_t count) {
    if (count > pixels) pixels = 0;
    if (pixels == 0) return false;
    pixels -= count;
    return true;
  }
};

// How large patterns and lines are, in pixels.
struct DrawingScale {
  uint32_t thickness = 1;
  uint32_t bit = 1;  // of a pattern
};

// Finite, and less than 10 million pixels away.
bool AreReasonable(const std::vector<Point>& points);

// Where the edges of a polygon cross the line at `y`, from left to right: behind an odd number of them lies its inside
// (even-odd). REQUIRES: reasonable points.
void CrossingsOf(const std::vector<Point>& polygon, double y, std::vector<double>* crossings);

// The points, one joined to the next. What shines through is laid on once, also where lines cross. Nothing is drawn of
// points that are not reasonable.
void DrawLines(const std::vector<Point>& points, const LineStyle& style, const DrawingScale& scale,
               DrawingBudget* budget, Picture* picture);
// Even-odd.
void FillPolygon(const std::vector<Point>& points, const FillStyle& style, const DrawingScale& scale,
                 DrawingBudget* budget, Picture* picture);

}  // namespace hilum::pixel
