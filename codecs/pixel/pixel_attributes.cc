#include "codecs/pixel/pixel_attributes.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "base/text.h"
#include "codecs/dicom/padding.h"
#include "codecs/pixel/colour_profile.h"
#include "codecs/pixel/lookup_table.h"

namespace hilum::pixel {
namespace {

using dicom::Element;
using dicom::Tag;

constexpr Tag kModalityLutSequence{0x0028, 0x3000}, kVoiLutSequence{0x0028, 0x3010};
constexpr Tag kIccProfile{0x0028, 0x2000}, kOpticalPathSequence{0x0048, 0x0105};
constexpr Tag kSharedGroups{0x5200, 0x9229}, kPerFrameGroups{0x5200, 0x9230};
constexpr Tag kFrameVoiLut{0x0028, 0x9132}, kPixelValueTransformation{0x0028, 0x9145}, kPixelMeasures{0x0028, 0x9110};
constexpr size_t kMaxGroups = 1 << 16;  // of frames whose own transforms are kept
constexpr size_t kMaxLuts = 64, kMaxWindows = 64;

// US, and what else is written where US belongs. 0 for anything that does not fit.
uint32_t ReadUint(const Element& e) {
  const char* p = e.value.data();
  if (e.value.size() == 2) return e.big_endian ? LoadBe<uint16_t>(p) : LoadLe<uint16_t>(p);
  if (e.value.size() == 4) return e.big_endian ? LoadBe<uint32_t>(p) : LoadLe<uint32_t>(p);
  return 0;
}

uint16_t ReadSmall(const Element& e) {
  const uint32_t value = ReadUint(e);
  return value > 0xFFFF ? 0xFFFF : static_cast<uint16_t>(value);
}

int32_t ReadSigned16(const Element& e, size_t index) {
  if (e.value.size() < index * 2 + 2) return 0;
  const char* p = e.value.data() + index * 2;
  return static_cast<int16_t>(e.big_endian ? LoadBe<uint16_t>(p) : LoadLe<uint16_t>(p));
}

// FL or FD.
std::optional<double> ReadReal(const Element& e) {
  const char* p = e.value.data();
  if (e.value.size() == 4) return std::bit_cast<float>(e.big_endian ? LoadBe<uint32_t>(p) : LoadLe<uint32_t>(p));
  if (e.value.size() == 8) return std::bit_cast<double>(e.big_endian ? LoadBe<uint64_t>(p) : LoadLe<uint64_t>(p));
  return std::nullopt;
}

// DS and IS. What is no finite number is NaN.
std::vector<double> ReadNumbers(const Element& e) {
  std::vector<double> numbers;
  std::string_view rest = e.value;
  while (numbers.size() < kMaxWindows && !dicom::Unpadded(rest).empty()) {
    const size_t end = rest.find('\\');
    std::string_view text = dicom::Unpadded(rest.substr(0, end));
    if (text.starts_with('+')) text.remove_prefix(1);
    numbers.push_back(ParseDecimal<double>(text).value_or(std::numeric_limits<double>::quiet_NaN()));
    if (end == std::string_view::npos) break;
    rest.remove_prefix(end + 1);
  }
  return numbers;
}

std::optional<double> ReadNumber(const Element& e) {
  const std::vector<double> numbers = ReadNumbers(e);
  if (numbers.empty() || std::isnan(numbers[0])) return std::nullopt;
  return numbers[0];
}

// Attributes of one window list as they come; they become windows when the item or data set ends.
struct WindowParts {
  std::vector<double> centers, widths;
  VoiFunction function = VoiFunction::kLinear;

  void AppendTo(std::vector<Window>* windows) const {
    for (size_t i = 0; i < centers.size() && i < widths.size(); ++i) {
      if (std::isnan(centers[i]) || !(widths[i] > 0)) continue;
      // LINEAR is for whole numbers, and has no width below 1 (PS3.3 C.11.2.1.2.1): fractions mean the exact one.
      const bool fraction = function == VoiFunction::kLinear && widths[i] < 1;
      windows->push_back(
          {.center = centers[i], .width = widths[i], .function = fraction ? VoiFunction::kLinearExact : function});
    }
  }
};

struct LutParts {
  std::optional<LutDescriptor> descriptor;
  std::optional<Element> data, segmented;

  std::optional<LookupTable> MakePart() const {
    if (!descriptor) return std::nullopt;
    if (data) return ReadLut(*descriptor, *data);
    if (segmented) return ReadSegmentedLut(*descriptor, *segmented);
    return std::nullopt;
  }
  // Of a table by itself.
  std::optional<LookupTable> Make() const {
    std::optional<LookupTable> lut = MakePart();
    if (lut) CorrectBits({&*lut, 1});
    return lut;
  }
};

// X-ray angiography and fluoroscopy: their Modality LUT leads back to the intensity of X-rays, for measuring, and their
// windows are of stored values (PS3.3 C.8.7.1.1.2; PS3.4 N.2.5).
bool IsAngiography(std::string_view sop_class) {
  return sop_class == "1.2.840.10008.5.1.4.1.1.12.1" || sop_class == "1.2.840.10008.5.1.4.1.1.12.2" ||
         sop_class == "1.2.840.10008.5.1.4.1.1.12.3";
}

// Gathers what concerns pixels, at the top level and in the functional groups.
class Collector : public dicom::Visitor {
 public:
  Collector(PixelAttributes* found, bool fragments) : found_(found), fragments_(fragments), target_(&found->own) {}

  bool WantsFragments() override { return fragments_; }

  bool WantsSequence(const Element& e) override {
    const Tag t = e.tag;
    if (t == kModalityLutSequence || t == kVoiLutSequence) return open_.empty() || open_.size() <= 2;
    if (open_.empty()) return t == kSharedGroups || t == kPerFrameGroups || t == kOpticalPathSequence;
    return t == kFrameVoiLut || t == kPixelValueTransformation || t == kPixelMeasures;
  }
  Status OnSequenceBegin(const Element& e) override {
    open_.push_back(e.tag);
    return Status::Ok();
  }
  Status OnSequenceEnd(uint32_t) override {
    open_.pop_back();
    if (open_.empty()) target_ = &found_->own;
    return Status::Ok();
  }
  Status OnItemBegin(uint32_t) override {
    const Tag t = open_.back();
    if (t == kSharedGroups) target_ = &found_->shared;
    if (t == kPerFrameGroups) {
      if (found_->per_frame.size() < kMaxGroups) {
        target_ = &found_->per_frame.emplace_back();
      } else {
        target_ = &surplus_;
      }
    }
    if (t == kModalityLutSequence || t == kVoiLutSequence) lut_ = {};
    if (t == kFrameVoiLut) window_ = {};
    if (t == kOpticalPathSequence) ++optical_paths_;
    return Status::Ok();
  }
  Status OnItemEnd(uint32_t) override {
    const Tag t = open_.back();
    if (t == kModalityLutSequence && !target_->modality_lut) target_->modality_lut = lut_.Make();
    if (t == kVoiLutSequence && target_->voi_luts.size() < kMaxLuts) {
      if (auto lut = lut_.Make()) target_->voi_luts.push_back(*std::move(lut));
    }
    if (t == kFrameVoiLut) window_.AppendTo(&target_->windows);
    return Status::Ok();
  }

  Status OnElement(const Element& e) override {
    if (!open_.empty()) {
      OnNested(e);
    } else if (e.tag == kIccProfile) {
      found_->icc_profile = RgbProfileIn(e.value);
    } else if (e.tag.group == 0x0028) {
      if (!OnPixelAttribute(e) && !OnPaletteAttribute(e)) OnTransformAttribute(e, &top_window_);
    } else if (e.tag == dicom::tags::kSopClassUid) {
      is_angiography_ = IsAngiography(dicom::Unpadded(e.value));
    } else if (e.tag == Tag(0x2050, 0x0020)) {
      found_->inverse = dicom::Unpadded(e.value) == "INVERSE";
    } else if (e.tag == Tag(0x0018, 0x1164)) {
      NoteSpacing(e);
    } else if (e.tag.group >= 0x6000 && e.tag.group <= 0x60FE && e.tag.group % 2 == 0) {
      OnOverlayAttribute(e);
    }
    return Status::Ok();
  }

  void Finish() {
    top_window_.AppendTo(&found_->own.windows);
    if (is_angiography_) {
      found_->own.modality_lut.reset();
      found_->own.slope = found_->own.intercept = std::nullopt;
    }
    PaletteColor palette;
    bool complete = true;
    for (size_t i = 0; i < 3; ++i) {
      auto lut = palette_[i].MakePart();
      complete = complete && lut.has_value();
      if (lut) palette.channels[i] = *std::move(lut);
    }
    if (complete) {
      CorrectBits(palette.channels);
      found_->palette = std::move(palette);
    }
    const bool agree = !optical_profiles_.empty() && optical_profiles_.size() == optical_paths_ &&
                       std::ranges::count(optical_profiles_, optical_profiles_[0]) == int64_t{optical_paths_};
    if (found_->icc_profile.empty() && agree) found_->icc_profile = optical_profiles_[0];
    std::erase_if(found_->overlays, [](const Overlay& o) { return !Complete(o); });
    FinishFormat();
  }

 private:
  void OnNested(const Element& e) {
    const Tag sequence = open_.back();
    if (sequence == kModalityLutSequence || sequence == kVoiLutSequence) {
      if (e.tag == Tag(0x0028, 0x3002)) lut_.descriptor = ReadLutDescriptor(e);
      if (e.tag == Tag(0x0028, 0x3006)) lut_.data = e;
    } else if (sequence == kFrameVoiLut || sequence == kPixelValueTransformation) {
      OnTransformAttribute(e, &window_);
    } else if (sequence == kOpticalPathSequence) {
      if (e.tag == kIccProfile) optical_profiles_.push_back(RgbProfileIn(e.value));
    } else if (sequence == kPixelMeasures && e.tag == Tag(0x0028, 0x0030)) {
      NoteSpacing(e);
    }
  }

  bool OnPixelAttribute(const Element& e) {
    FrameFormat& f = found_->format;
    switch (e.tag.element) {
      case 0x0002:
        f.samples = ReadSmall(e);
        return true;
      case 0x0004:
        if (!dicom::Unpadded(e.value).empty()) f.photometric = ParsePhotometric(e.value);
        return true;
      case 0x0006:
        f.planar = ReadUint(e) == 1;
        return true;
      case 0x0008: {
        const std::optional<double> frames = ReadNumber(e);
        if (frames && *frames >= 1) found_->frames = static_cast<uint32_t>(std::min(*frames, 4294967295.0));
        return true;
      }
      case 0x0010:
        f.rows = ReadUint(e);
        return true;
      case 0x0011:
        f.columns = ReadUint(e);
        return true;
      case 0x0030:
        NoteSpacing(e);
        return true;
      case 0x0034: {
        const std::vector<double> ratio = ReadNumbers(e);
        if (ratio.size() >= 2) NoteAspect(ratio[0], ratio[1]);
        return true;
      }
      case 0x0100:
        f.bits_allocated = ReadSmall(e);
        return true;
      case 0x0101:
        f.bits_stored = ReadSmall(e);
        return true;
      case 0x0102:
        f.high_bit = ReadSmall(e);
        has_high_bit_ = true;
        return true;
      case 0x0103:
        f.is_signed = ReadUint(e) == 1;
        return true;
      case 0x0120:
        padding_value_ = e;
        return true;
      case 0x0121:
        padding_limit_ = e;
        return true;
      case 0x0122:
      case 0x0123:
        real_padding_value_ = ReadReal(e);
        return true;
      case 0x0124:
      case 0x0125:
        real_padding_limit_ = ReadReal(e);
        return true;
    }
    return false;
  }

  bool OnPaletteAttribute(const Element& e) {
    const unsigned channel = (e.tag.element & 0x000F) - 1;
    if (channel > 2) return false;
    switch (e.tag.element & 0xFFF0) {
      case 0x1100:
        palette_[channel].descriptor = ReadLutDescriptor(e);
        return true;
      case 0x1200:
        palette_[channel].data = e;
        return true;
      case 0x1220:
        palette_[channel].segmented = e;
        return true;
    }
    return false;
  }

  void OnTransformAttribute(const Element& e, WindowParts* window) {
    if (e.tag.group != 0x0028) return;
    switch (e.tag.element) {
      case 0x1050:
        window->centers = ReadNumbers(e);
        break;
      case 0x1051:
        window->widths = ReadNumbers(e);
        break;
      case 0x1056:
        window->function = dicom::Unpadded(e.value) == "LINEAR_EXACT" ? VoiFunction::kLinearExact
                           : dicom::Unpadded(e.value) == "SIGMOID"    ? VoiFunction::kSigmoid
                                                                      : VoiFunction::kLinear;
        break;
      case 0x1052:
        target_->intercept = ReadNumber(e);
        break;
      case 0x1053:
        // A slope of zero would make every value one.
        if (const auto slope = ReadNumber(e); slope && *slope != 0) target_->slope = slope;
        break;
    }
  }

  void OnOverlayAttribute(const Element& e) {
    if (found_->overlays.empty() || found_->overlays.back().group != e.tag.group) {
      if (found_->overlays.size() == 16) return;
      found_->overlays.push_back({.group = e.tag.group});
      counts_overlay_frames_ = false;
    }
    Overlay& o = found_->overlays.back();
    switch (e.tag.element) {
      case 0x0010:
        o.rows = ReadUint(e);
        break;
      case 0x0011:
        o.columns = ReadUint(e);
        break;
      case 0x0015:
        if (const auto n = ReadNumber(e); n && *n >= 1) {
          o.frames = static_cast<uint32_t>(std::min(*n, 65535.0));
          o.repeats = o.frames == 1;
          counts_overlay_frames_ = true;
        }
        break;
      case 0x0050:
        o.top = ReadSigned16(e, 0) - 1;
        o.left = ReadSigned16(e, 1) - 1;
        break;
      case 0x0051:
        o.first_frame = std::max(1u, ReadUint(e)) - 1;
        if (counts_overlay_frames_) o.repeats = false;  // PS3.3 C.9.3
        break;
      case 0x0102:
        o.pixel_bit = ReadSmall(e);
        break;
      case 0x3000:
        o.bits = e.value;
        if (e.big_endian && e.vr != dicom::Vr("OB")) {
          for (size_t i = 0; i + 1 < o.bits.size(); i += 2) std::swap(o.bits[i], o.bits[i + 1]);
        }
        break;
    }
  }

  // With enough bits for its frames, or in a bit of the pixels.
  static bool Complete(const Overlay& o) {
    if (o.rows == 0 || o.columns == 0 || o.rows > 0xFFFF || o.columns > 0xFFFF) return false;
    if (o.bits.empty()) return o.pixel_bit.has_value() && *o.pixel_bit > 0 && *o.pixel_bit < 16;
    return (uint64_t{o.rows} * o.columns * o.frames + 7) / 8 <= o.bits.size();
  }

  void NoteSpacing(const Element& e) {
    const std::vector<double> spacing = ReadNumbers(e);
    if (spacing.size() >= 2) NoteAspect(spacing[0], spacing[1]);
  }

  void NoteAspect(double vertical, double horizontal) {
    if (vertical > 0 && horizontal > 0) {
      const double aspect = vertical / horizontal;
      if (aspect > 0.01 && aspect < 100) found_->aspect = aspect;
    }
  }

  void FinishFormat() {
    FrameFormat& f = found_->format;
    if (f.samples == 0) f.samples = 1;
    if (f.bits_stored == 0) f.bits_stored = f.bits_allocated;
    if (!has_high_bit_) f.high_bit = f.bits_stored == 0 ? 0 : f.bits_stored - 1;
    const bool grey = f.photometric == Photometric::kMonochrome1 || f.photometric == Photometric::kMonochrome2 ||
                      f.photometric == Photometric::kPaletteColor;
    if (f.samples == 3 && grey) f.photometric = Photometric::kRgb;
    if (f.samples == 1 && !grey) f.photometric = Photometric::kMonochrome2;
    if (f.samples == 1) f.planar = false;
    if (padding_value_) {
      const double value = StoredPadding(*padding_value_);
      SetPadding(value, padding_limit_ ? StoredPadding(*padding_limit_) : value);
    } else if (real_padding_value_) {
      SetPadding(*real_padding_value_, real_padding_limit_.value_or(*real_padding_value_));
    }
  }

  void SetPadding(double value, double limit) {
    found_->padding = PixelPadding{std::min(value, limit), std::max(value, limit)};
  }

  // US or SS, whichever is written: as the cells are, with or without the sign in their unused bits.
  double StoredPadding(const Element& e) const {
    const FrameFormat& f = found_->format;
    const uint32_t cell = ReadUint(e);
    if (!f.is_signed) return cell;
    const unsigned bits = f.bits_stored > 0 && f.bits_stored < 16 && cell >> f.bits_stored == 0 ? f.bits_stored : 16;
    return static_cast<int32_t>(cell << (32 - bits)) >> (32 - bits);
  }

  PixelAttributes* const found_;
  const bool fragments_;
  ValueTransform* target_;
  ValueTransform surplus_;
  std::vector<Tag> open_;
  bool has_high_bit_ = false;
  bool is_angiography_ = false;
  bool counts_overlay_frames_ = false;  // the last of them, by Number of Frames in Overlay
  std::optional<Element> padding_value_, padding_limit_;
  std::optional<double> real_padding_value_, real_padding_limit_;
  uint32_t optical_paths_ = 0;
  std::vector<Bytes> optical_profiles_;
  WindowParts top_window_, window_;
  LutParts lut_;
  std::array<LutParts, 3> palette_;
};

}  // namespace

Result<PixelAttributes> ReadPixelAttributes(Bytes file, const dicom::ReadLimits& limits, bool fragments,
                                            dicom::Inflated* inflated) {
  PixelAttributes found;
  Collector collector(&found, fragments);
  HILUM_ASSIGN_OR_RETURN(found.layout, dicom::Read(file, limits, collector, inflated));
  collector.Finish();
  return found;
}

}  // namespace hilum::pixel
