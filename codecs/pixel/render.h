// Frames as people look at them: the grayscale and colour pipelines of PS3.3 and PS3.4 N.2, viewport and file format
// (PS3.18 8.3.5.1: rendered resources and thumbnails).
//
// Thread-safe. Decoding is left to the FrameCodec; everything else happens here, in memory proportional to the frame.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "codecs/pixel/codec.h"
#include "codecs/pixel/colour_space.h"
#include "codecs/pixel/instance.h"
#include "codecs/pixel/picture_file.h"

namespace hilum::pixel {

// Of what is drawn; from 0 to 1 each.
struct Colour {
  double red = 0, green = 0, blue = 0;

  Colour(double grey = 1) : red(grey), green(grey), blue(grey) {}  // NOLINT: a grey is a colour
  Colour(double r, double g, double b) : red(r), green(g), blue(b) {}
  bool is_grey() const { return red == green && green == blue; }
  // Of channel `index` of a picture with so many; a grey one has its luminance (ITU-R BT.709).
  double Channel(size_t index, size_t channels) const {
    if (channels != 3) return is_grey() ? red : 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    return index == 0 ? red : index == 1 ? green : blue;
  }
};

struct Presentation;  // presentation_state.h
class TextPainter;    // text_painter.h

// The colour profile that a colour picture carries.
enum class Profile : uint8_t {
  kOwn,  // of the presentation state or else of the image, where it has one
  kNone,
  kAny,  // its own, else sRGB
};

// PS3.18 8.3.5.1.3: `viewport=width,height[,x,y,w,h]`. The picture fits into width x height and keeps the shape of the
// source region; a negative w or h mirrors it.
struct Viewport {
  uint32_t width = 0, height = 0;
  double x = 0, y = 0;  // upper left corner of the source, in pixels
  double w = 0, h = 0;  // 0: to the edge
};

struct RenderOptions {
  PictureType type = PictureType::kJpeg;
  uint8_t jpeg_quality = 90;  // 1 to 100
  bool sixteen_bits = false;  // PNG of grayscale with 16 bits
  // This window; else number `stored_window` of the data set; else `usual_window`; else the range of the values in the
  // frame, padding aside.
  std::optional<Window> window;
  size_t stored_window = 0;
  std::optional<Window> usual_window;
  bool overlays = true;
  // As this state wants the frame seen, in place of the transform and overlays of the instance; the source of
  // `viewport` is then what the state shows. Its texts are drawn where there is a painter.
  const Presentation* presentation = nullptr;
  TextPainter* painter = nullptr;
  std::optional<Viewport> viewport;  // none: every pixel of the image, and more of them where its own are not square
  Profile profile = Profile::kOwn;
  // Of colours: they are converted to it, and carry its profile; those without a profile are taken for sRGB. Where that
  // fails they stay what they are, under their own profile.
  std::optional<ColourSpace> space;
  DecodeOptions decode;
};

// kInvalid for a window that is none.
Status CheckWindow(const RenderOptions& options);

// Bytes of memory that making a picture and its file takes at a time, roughly, the decoded frame among them. Nothing is
// decoded to find out. kInvalid for a window, viewport or displayed area that no picture can be made with.
Result<uint64_t> RenderingMemory(const Instance& instance, const RenderOptions& options);

// The window of a frame for which none is stored or given, made of its values; nothing of any other frame. As
// `usual_window` it makes frames look alike that are seen one after the other.
Result<std::optional<Window>> StretchingWindow(const Instance& instance, uint32_t frame, const RenderOptions& options,
                                               FrameCodec& codec);

// The picture before it becomes a file. kInvalid for a frame or viewport that does not exist.
Result<Picture> RenderPicture(const Instance& instance, uint32_t frame, const RenderOptions& options,
                              FrameCodec& codec);

// The file of it.
Result<std::string> Render(const Instance& instance, uint32_t frame, const RenderOptions& options, FrameCodec& codec);

// For a picture that fits into size x size, upscaled never; previews are decoded at reduced size where the codec can.
RenderOptions ThumbnailOptions(const Instance& instance, uint32_t size, PictureType type);

}  // namespace hilum::pixel
