#include "codecs/pixel/instance.h"

#include <algorithm>
#include <cassert>
#include <limits>

#include "codecs/dicom/frames.h"
#include "codecs/dicom/transfer_syntax.h"
#include "codecs/pixel/frame_codecs.h"
#include "codecs/pixel/pixel_attributes.h"

namespace hilum::pixel {

struct Instance::State {
  dicom::Inflated inflated;
  Bytes bytes;  // the file, or the inflated data set
  const TransferSyntax* syntax = nullptr;
  PixelAttributes said;
  dicom::FrameTable table;
  uint32_t missing_frames = 0;
};

namespace {

// As many as are there to their end, of native ones.
uint32_t WholeFrames(const FrameFormat& format, uint64_t bytes) {
  const bool bits = format.bits_allocated == 1;
  const uint64_t frame = bits ? uint64_t{format.rows} * format.columns : FrameBytes(format);
  const auto whole = static_cast<unsigned __int128>(bytes) * (bits ? 8 : 1) / frame;
  return whole > UINT32_MAX ? UINT32_MAX : static_cast<uint32_t>(whole);
}

// The bytes know better than the declaration how they are laid out.
const TransferSyntax* SyntaxOf(const dicom::Layout& layout) {
  const TransferSyntax* declared = FindTransferSyntax(layout.transfer_syntax);
  if (layout.encapsulated || layout.deflated) {
    return declared != nullptr && (layout.deflated || declared->encapsulated()) ? declared : nullptr;
  }
  if (declared == nullptr) return nullptr;
  return FindTransferSyntax(layout.big_endian    ? dicom::kExplicitBigEndian
                            : layout.explicit_vr ? dicom::kExplicitLittleEndian
                                                 : dicom::kImplicitLittleEndian);
}

bool LiesWithin(const dicom::FrameTable& table, uint64_t bytes) {
  return std::ranges::all_of(table.ranges, [&](const dicom::FrameRange& range) {
    return range.offset <= bytes && range.length <= bytes - range.offset;
  });
}

}  // namespace

bool IsEmbedded(const Overlay& overlay, const FrameFormat& format) {
  if (!overlay.bits.empty() || !overlay.pixel_bit || format.samples != 1 || format.is_float) return false;
  if (format.bits_allocated != 8 && format.bits_allocated != 16) return false;
  const unsigned bit = *overlay.pixel_bit;
  const bool of_value = bit <= format.high_bit && bit + format.bits_stored > format.high_bit;
  return bit < format.bits_allocated && !of_value;
}

Result<Instance> Instance::Open(Bytes file, const dicom::ReadLimits& limits, dicom::FrameTable kept) {
  auto state = std::make_shared<State>();
  HILUM_ASSIGN_OR_RETURN(state->said, ReadPixelAttributes(file, limits, kept.frames() == 0, &state->inflated));
  const dicom::Layout& layout = state->said.layout;
  const bool keeps_table = layout.encapsulated && !layout.deflated && kept.frames() == state->said.frames &&
                           kept.frames() > 0 && LiesWithin(kept, file.size());
  if (kept.frames() > 0 && layout.encapsulated && !keeps_table) return Open(file, limits);
  FrameFormat& format = state->said.format;
  if (layout.pixel_data_offset == 0) return NotFound("the instance has no pixel data");
  state->bytes = layout.deflated ? state->inflated.bytes() : file;
  state->syntax = SyntaxOf(layout);
  if (state->syntax == nullptr) {
    return Unsupported("pixel data in transfer syntax '" + layout.transfer_syntax + "' cannot be decoded");
  }
  if (layout.pixel_data_tag != dicom::tags::kPixelData) {
    format.is_float = true;
    format.bits_allocated = layout.pixel_data_tag == dicom::tags::kFloatPixelData ? 32 : 64;
    format.bits_stored = format.bits_allocated;
    format.high_bit = format.bits_allocated - 1;
  }
  HILUM_RETURN_IF_ERROR(CheckFormat(format, UINT64_MAX));
  format.embeds_overlays =
      std::ranges::any_of(state->said.overlays, [&](const Overlay& overlay) { return IsEmbedded(overlay, format); });
  // Offsets of a deflated data set count in the inflated bytes, which the table is happy with.
  dicom::Header header{.layout = layout};
  header.layout.deflated = false;
  header.rows = format.rows;
  header.columns = format.columns;
  header.bits_allocated = format.bits_allocated;
  header.samples_per_pixel = format.samples;
  header.frames = state->said.frames;
  header.photometric_interpretation = PhotometricName(format.photometric);
  const uint32_t whole = layout.encapsulated ? header.frames : WholeFrames(format, layout.pixel_data_length);
  if (whole > 0 && whole < header.frames) {
    state->missing_frames = header.frames - whole;
    header.frames = whole;
  }
  if (keeps_table) {
    state->table = std::move(kept);
  } else {
    HILUM_ASSIGN_OR_RETURN(state->table, dicom::ReadFrameTable(state->bytes, header));
  }
  return Instance(std::move(state));
}

const TransferSyntax& Instance::syntax() const {
  return *state_->syntax;
}
const FrameFormat& Instance::format() const {
  return state_->said.format;
}
uint32_t Instance::frames() const {
  return static_cast<uint32_t>(state_->table.frames());
}
uint32_t Instance::missing_frames() const {
  return state_->missing_frames;
}
bool Instance::presentation_inverse() const {
  return state_->said.inverse;
}
const std::vector<Overlay>& Instance::overlays() const {
  return state_->said.overlays;
}
const std::optional<PaletteColor>& Instance::palette() const {
  return state_->said.palette;
}
const std::optional<PixelPadding>& Instance::padding() const {
  return state_->said.padding;
}
Bytes Instance::icc_profile() const {
  return state_->said.icc_profile;
}
double Instance::pixel_aspect() const {
  return state_->said.aspect;
}
const dicom::Layout& Instance::layout() const {
  return state_->said.layout;
}

std::span<const dicom::FrameRange> Instance::Ranges(uint32_t index) const {
  const dicom::FrameTable& table = state_->table;
  assert(index < table.frames());
  return std::span(table.ranges)
      .subspan(table.first_range[index], table.first_range[index + 1] - table.first_range[index]);
}

Result<Bytes> Instance::Frame(uint32_t index, std::string* storage) const {
  const State& s = *state_;
  if (index >= frames()) {
    return Invalid("frame " + std::to_string(uint64_t{index} + 1) + " of " + std::to_string(frames()) +
                   " does not exist");
  }
  const uint32_t begin = s.table.first_range[index], end = s.table.first_range[index + 1];
  if (end - begin != 1) {
    storage->clear();
    for (uint32_t i = begin; i < end; ++i)
      storage->append(s.bytes.substr(s.table.ranges[i].offset, s.table.ranges[i].length));
    return Bytes(*storage);
  }
  const dicom::FrameRange& range = s.table.ranges[begin];
  const Bytes frame = s.bytes.substr(range.offset, range.length);
  const uint64_t frame_bits = uint64_t{s.said.format.rows} * s.said.format.columns;
  const unsigned shift = s.table.bit_packed ? frame_bits * index % 8 : 0;
  // Bytes in big-endian words (VR OW) stand next to their places.
  const bool swapped = s.said.layout.big_endian && !s.said.layout.encapsulated && s.said.format.bits_allocated <= 8 &&
                       s.said.layout.pixel_data_vr == dicom::Vr("OW");
  if (shift == 0 && !swapped) return frame;
  const auto at = [&](uint64_t offset) -> unsigned {
    if (swapped) offset = s.said.layout.pixel_data_offset + ((offset - s.said.layout.pixel_data_offset) ^ 1);
    return offset < s.bytes.size() ? static_cast<uint8_t>(s.bytes[offset]) : 0;
  };
  storage->resize(s.table.bit_packed ? (frame_bits + 7) / 8 : range.length);
  for (uint64_t i = 0; i < storage->size(); ++i) {
    const uint64_t offset = range.offset + i;
    const unsigned next = shift != 0 && i + 1 < range.length ? at(offset + 1) : 0;
    (*storage)[i] = static_cast<char>((at(offset) | next << 8) >> shift);
  }
  return Bytes(*storage);
}

ValueTransform Instance::Transform(uint32_t index) const {
  ValueTransform transform = state_->said.own;
  const auto override_with = [&](const ValueTransform& part) {
    if (part.slope) transform.slope = part.slope;
    if (part.intercept) transform.intercept = part.intercept;
    if (part.modality_lut) transform.modality_lut = part.modality_lut;
    if (!part.windows.empty() || !part.voi_luts.empty()) {
      transform.windows = part.windows;
      transform.voi_luts = part.voi_luts;
    }
  };
  override_with(state_->said.shared);
  if (index < state_->said.per_frame.size()) override_with(state_->said.per_frame[index]);
  return transform;
}

}  // namespace hilum::pixel
