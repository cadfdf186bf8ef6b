// A rendered frame turned, cut and drawn upon as a presentation state says (PS3.4 N.2.2 to N.2.4). Internal to
// codecs/pixel.
#pragma once

#include <optional>

#include "codecs/pixel/presentation_state.h"
#include "codecs/pixel/render.h"
#include "codecs/pixel/text_painter.h"

namespace hilum::pixel {

struct PresentedSize {
  uint32_t width = 0, height = 0;  // before it is turned
};

// Of what Present makes of a frame.
Result<PresentedSize> SizeToPresent(uint32_t columns, uint32_t rows, const Presentation& presentation, double aspect,
                                    const std::optional<Viewport>& fit);

// `frame`: all of it, at full size; `aspect`: of its pixels. Fits into `fit` where given, else pixels keep their size
// (times the magnification). Without a painter texts are left out. kInvalid for areas that no picture can be made of.
Result<Picture> Present(const Picture& frame, const Presentation& presentation, double aspect,
                        const std::optional<Viewport>& fit, TextPainter* painter);

}  // namespace hilum::pixel
