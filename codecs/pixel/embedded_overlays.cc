#include "codecs/pixel/embedded_overlays.h"

#include <cstring>

namespace hilum::pixel {
namespace {

constexpr uint64_t kMaxBytes = 256 << 20;  // of all planes and frames

// Calls f(cell) for every cell, and keeps what it makes of it.
template <typename Cell, typename F>
void ForEachCell(Image* image, F&& f) {
  for (size_t at = 0; at + sizeof(Cell) <= image->pixels.size(); at += sizeof(Cell)) {
    Cell cell;
    std::memcpy(&cell, &image->pixels[at], sizeof(cell));
    cell = static_cast<Cell>(f(cell));
    std::memcpy(&image->pixels[at], &cell, sizeof(cell));
  }
}

template <typename F>
void ForEachCell(Image* image, F&& f) {
  if (image->format.bits_allocated == 8)
    ForEachCell<uint8_t>(image, f);
  else
    ForEachCell<uint16_t>(image, f);
}

}  // namespace

Result<EmbeddedOverlays> EmbeddedOverlays::Read(const Instance& instance, const DecodeOptions& options,
                                                FrameCodec& codec) {
  EmbeddedOverlays overlays;
  const FrameFormat& format = instance.format();
  const uint64_t frame_bits = uint64_t{format.rows} * format.columns;
  for (const Overlay& overlay : instance.overlays()) {
    if (!IsEmbedded(overlay, format)) continue;
    overlays.planes_.push_back({.group = overlay.group, .bit = *overlay.pixel_bit});
  }
  if (overlays.planes_.empty()) return overlays;
  if (frame_bits / 8 > kMaxBytes / instance.frames() / overlays.planes_.size())
    return LimitExceeded("the overlays in the pixels have more than " + std::to_string(kMaxBytes) + " bytes");
  uint64_t at = 0;
  for (uint32_t frame = 0; frame < instance.frames(); ++frame) {
    std::string storage;
    HILUM_ASSIGN_OR_RETURN(const Bytes bytes, instance.Frame(frame, &storage));
    HILUM_ASSIGN_OR_RETURN(const FrameTurn turn, codec.BeginFrame(format));
    HILUM_ASSIGN_OR_RETURN(Image image, codec.Decode(instance.syntax().uid, bytes, format, options));
    // Not before the frame is known to be there.
    for (Plane& plane : overlays.planes_) plane.data.resize(((frame + 1) * frame_bits + 15) / 16 * 2);
    ForEachCell(&image, [&](unsigned cell) {
      for (Plane& plane : overlays.planes_) {
        if (cell >> plane.bit & 1) plane.data[at / 8] = static_cast<char>(plane.data[at / 8] | 1 << at % 8);
      }
      ++at;
      return cell;
    });
  }
  return overlays;
}

void EmbeddedOverlays::RemoveFrom(Image* image) const {
  if (planes_.empty()) return;
  unsigned mask = 0;
  for (const Plane& plane : planes_) mask |= 1u << plane.bit;
  const FrameFormat& format = image->format;
  const unsigned sign = format.is_signed ? 1u << format.high_bit : 0;
  ForEachCell(image, [&](unsigned cell) { return cell & sign ? cell | mask : cell & ~mask; });
  image->format.embeds_overlays = false;
}

}  // namespace hilum::pixel
