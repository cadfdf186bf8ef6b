// The pixel side of one instance: what its data set says about the frames, and the bytes of each of them.
//
// Immutable, cheap to copy, safe for concurrent use. The file must outlive it (a deflated data set is kept here,
// inflated).
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "codecs/dicom/frames.h"
#include "codecs/dicom/reader.h"
#include "codecs/pixel/codec.h"
#include "codecs/pixel/image.h"

namespace hilum::pixel {

// A look-up table of a data set (PS3.3 C.11.1.1, C.11.2.1, C.7.6.3.1.5): value v becomes entries[v - first], clamped.
struct LookupTable {
  int64_t first = 0;
  uint16_t bits = 16;  // of an entry
  std::vector<uint16_t> entries;

  uint16_t At(int64_t value) const {
    const int64_t index = value - first;
    const auto last = static_cast<int64_t>(entries.size()) - 1;
    return entries[static_cast<size_t>(index < 0 ? 0 : index > last ? last : index)];
  }
};

enum class VoiFunction : uint8_t { kLinear, kLinearExact, kSigmoid };

struct Window {
  double center = 0;
  double width = 0;
  VoiFunction function = VoiFunction::kLinear;
};

// How stored values become values that mean something, then values to look at: of the instance or of one frame.
struct ValueTransform {
  std::optional<double> slope, intercept;   // 1 and 0 when absent
  std::optional<LookupTable> modality_lut;  // goes before slope and intercept
  std::vector<Window> windows;
  std::vector<LookupTable> voi_luts;
};

// Overlay plane (60xx): one bit a pixel, set where something is drawn.
struct Overlay {
  uint16_t group = 0x6000;
  uint32_t rows = 0, columns = 0;
  int32_t top = 0, left = 0;  // of the image, from 0
  uint32_t frames = 1;
  uint32_t first_frame = 0;           // of the image, from 0
  bool repeats = true;                // its only one is drawn on first_frame and all that follow
  std::string bits;                   // packed, all frames; empty when in the pixels
  std::optional<uint16_t> pixel_bit;  // retired form: this bit of every pixel
};

// Whether an overlay is in bits of the pixels that are not of their values.
bool IsEmbedded(const Overlay& overlay, const FrameFormat& format);

// Stored values that stand where there is no image: Pixel Padding Value and Pixel Padding Range Limit (PS3.3
// C.7.5.1.1.2).
struct PixelPadding {
  double low = 0, high = 0;

  bool Holds(double stored) const { return stored >= low && stored <= high; }
};

struct PaletteColor {
  std::array<LookupTable, 3> channels;  // red, green, blue; segmented tables are expanded
};

class Instance {
 public:
  // Everything but the pixels is read and checked; kNotFound without pixel data, kInvalid, kLimit, and kUnsupported for
  // a transfer syntax that is not in the table of codec.h. `kept`: the table of the frames as it was read from this
  // file before, so that fragments need not be walked through again; passed over where it does not fit.
  static Result<Instance> Open(Bytes file, const dicom::ReadLimits& limits = {}, dicom::FrameTable kept = {});

  // The one the pixels are in, whatever was declared.
  const TransferSyntax& syntax() const;
  const FrameFormat& format() const;
  uint32_t frames() const;
  // How many more the data set speaks of: of native pixel data that end too early there are the first ones only.
  uint32_t missing_frames() const;
  // Bytes to give to Decode, with syntax() and format(). `storage` is used when they are not one piece of the file.
  // kInvalid for an index beyond frames().
  Result<Bytes> Frame(uint32_t index, std::string* storage) const;
  // Where these lie: in the file, or in the inflated data set where layout() is deflated. REQUIRES: index < frames().
  std::span<const dicom::FrameRange> Ranges(uint32_t index) const;

  // Of frame `index`: functional groups go before the data set's own attributes.
  ValueTransform Transform(uint32_t index) const;
  bool presentation_inverse() const;  // Presentation LUT Shape INVERSE
  const std::vector<Overlay>& overlays() const;
  const std::optional<PaletteColor>& palette() const;
  const std::optional<PixelPadding>& padding() const;
  // ICC Profile (0028,2000) of RGB colours, of the data set or of its optical paths where they agree; empty when there
  // is none. A part of the file.
  Bytes icc_profile() const;
  // Height of a pixel to its width, from Pixel Aspect Ratio or the spacings; 1 when not told.
  double pixel_aspect() const;
  const dicom::Layout& layout() const;

 private:
  struct State;
  explicit Instance(std::shared_ptr<const State> state) : state_(std::move(state)) {}
  std::shared_ptr<const State> state_;
};

}  // namespace hilum::pixel
