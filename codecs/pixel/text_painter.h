// Lines of text drawn into pictures: annotations that are burned in on request, texts of presentation states.
//
// Any script that one of the fonts has: right-to-left runs are put in visual order and Arabic letters joined (ICU);
// glyphs are then drawn one after the other, without the ligatures and reordering that Indic scripts want.
// Thread-safe: one line is drawn at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "codecs/pixel/render.h"

namespace hilum::pixel {

class TextPainter {
 public:
  // `fonts`: files that FreeType reads, the preferred one first; those that do not exist are passed over. A character
  // is drawn with the first that has it. kNotFound when there is none to draw with.
  static Result<std::unique_ptr<TextPainter>> Open(const std::vector<std::string>& fonts);
  virtual ~TextPainter() = default;

  // Draws with the upper left corner of the line at (x, y), clipped to the picture. `size`: of the letters, in pixels,
  // 4 to 256; a line is 1.25 times as high. On a rim of the opposite brightness, so that it can be read on anything.
  virtual void Draw(std::string_view utf8, uint32_t size, const Colour& colour, int64_t x, int64_t y,
                    Picture* picture) = 0;
  // The width it would have, in pixels.
  virtual uint32_t Width(std::string_view utf8, uint32_t size) = 0;
};

inline constexpr uint32_t LineHeight(uint32_t size) {
  return size + size / 4;
}

}  // namespace hilum::pixel
