// Softcopy presentation states (PS3.3 A.33.1, A.33.2; PS3.4 N): how somebody wanted an image to be looked at.
//
// Taken from a state: modality LUT, VOI LUT or window, presentation LUT, shutters, rotation and flip, displayed area,
// graphic and text annotations in the order of their layers; compound graphics come as the simple ones that stand for
// them (PS3.3 C.10.5), and the overlays it activates, its own or of the image. Layers and shutters have their
// recommended colours, single graphics their own styles of lines and areas. Not taken: shadows, and styles of texts.
// Immutable, safe for concurrent use.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "codecs/dicom/reader.h"
#include "codecs/pixel/instance.h"
#include "codecs/pixel/render.h"

namespace hilum::pixel {

struct Point {
  double x = 0, y = 0;
};

// An image, or frames of one, that something is said about.
struct ReferencedImage {
  std::string series_uid;  // of those of the whole state; else empty
  std::string sop_uid;
  std::vector<uint32_t> frames;  // from 1; empty: all
};

struct Ink {
  Colour colour;
  double opacity = 1;  // 0 to 1
};

// PS3.3 C.10.5.1.3.13
struct LineStyle {
  Ink on, off{.opacity = 0};
  double thickness = 0;           // in the units of the graphic; 0: the usual one
  uint32_t pattern = UINT32_MAX;  // from the first point on: set bits are `on`, the highest first
};

// PS3.3 C.10.5.1.3.14
struct FillStyle {
  Ink on, off{.opacity = 0};
  std::string pattern;  // of 32 by 32 bits, repeated: set ones are `on`, in each byte the highest first; empty: solid
};

struct Graphic {
  enum class Shape : uint8_t { kPoint, kPolyline, kInterpolated, kCircle, kEllipse };
  Shape shape = Shape::kPolyline;
  bool filled = false;
  bool on_display = false;  // points are fractions of the displayed area; else pixels of the image, from its corner
  std::vector<Point> points;
  LineStyle line;
  FillStyle fill;  // when `filled`
};

struct GraphicText {
  std::string text;  // UTF-8, lines parted by line feeds
  struct Place {
    Point at;
    bool on_display = false;
  };
  std::optional<Place> box, box_end;  // upper left and lower right corner
  std::optional<Place> anchor;        // what it is said of
  bool show_anchor = false;           // with a line from the text
  Colour colour;
};

// An overlay plane that is to be shown (PS3.3 C.11.7).
struct ActiveOverlay {
  Overlay plane;          // of the state
  bool of_image = false;  // the one with the same group of the image instead
  Colour colour;
};

// Of one layer, or a part of it.
struct Annotations {
  double order = 0;  // lower ones lie below (PS3.3 C.10.7)
  std::vector<Graphic> graphics;
  std::vector<GraphicText> texts;
};

struct Shutter {
  std::optional<std::array<double, 4>> rectangle;  // left, top, right, bottom: columns and rows, from 1, all shown
  std::optional<Point> circle;
  double radius = 0;
  std::vector<Point> polygon;
  std::optional<Overlay> bitmap;  // what is set in it is hidden

  // A pixel, counted from 1; the polygon is left to who draws.
  bool Shows(double column, double row) const;
};

struct DisplayedArea {
  double left = 0, top = 0, right = 0, bottom = 0;  // edges in pixels of the image, from 0; may lie outside of it
  double aspect = 0;                                // height of a pixel to its width; 0: that of the image
  double magnification = 1;
};

// What a state says about one frame.
struct Presentation {
  bool is_grayscale = true;  // else of colour images: there is no transform
  ValueTransform transform;
  std::optional<LookupTable> presentation_lut;
  std::string icc_profile;  // of RGB, of a colour state; empty: none
  bool inverse = false;
  Shutter shutter;
  Colour shutter_colour = 0;
  int quarter_turns = 0;  // clockwise, 0 to 3
  bool flip = false;      // left and right, after the turns
  std::optional<DisplayedArea> area;
  std::vector<ActiveOverlay> overlays;   // below all annotations
  std::vector<Annotations> annotations;  // one over the other

  // Whether anything of it has another colour than grey.
  bool has_colours() const;
};

class PresentationState {
 public:
  static bool IsOne(std::string_view sop_class_uid);
  // kInvalid for what is none; kLimit.
  static Result<PresentationState> Read(Bytes file, const dicom::ReadLimits& limits = {});

  const std::vector<ReferencedImage>& images() const { return images_; }
  // `frame` from 0. nullopt when the state is not about it.
  std::optional<Presentation> For(std::string_view sop_uid, uint32_t frame) const;

 private:
  template <typename T>
  struct Scoped {  // about some of the images; no images: about all
    std::vector<ReferencedImage> images;
    T what;
  };

  static bool Concerns(const std::vector<ReferencedImage>& images, std::string_view sop_uid, uint32_t frame);
  friend class StateReader;

  std::vector<ReferencedImage> images_;
  Presentation common_;
  std::vector<Scoped<ValueTransform>> voi_;
  std::vector<Scoped<DisplayedArea>> areas_;
  std::vector<Scoped<Annotations>> annotations_;
};

}  // namespace hilum::pixel
