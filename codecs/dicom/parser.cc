#include "codecs/dicom/parser.h"

#include <algorithm>

#include "codecs/dicom/byte_order.h"

namespace hilum::dicom {
namespace {

constexpr uint32_t kUndefined = static_cast<uint32_t>(kUndefinedLength);
constexpr Syntax kImplicitLittle{.explicit_vr = false, .big_endian = false};

class Nothing : public Visitor {
 public:
  Status OnElement(const Element&) override { return Status::Ok(); }
};

}  // namespace

Parser::Parser(Bytes bytes, const ReadLimits& limits, Visitor& visitor, Layout* layout)
    : bytes_(bytes), limits_(limits), visitor_(visitor), layout_(layout) {}

Status Parser::Walk(uint64_t offset, Syntax syntax) {
  position_ = offset;
  stack_.reserve(8);
  stack_.push_back({.end = bytes_.size(), .syntax = syntax});
  return WalkToEnd();
}

Status Parser::WalkToEnd() {
  while (!stopped_) {
    if (position_ == stack_.back().end) {
      if (stack_.size() == 1) break;
      if (EndsOnlyWithTheFile()) return Broken(position_, "the file ends inside a sequence: its delimiter is missing");
      HILUM_RETURN_IF_ERROR(Close());
    } else if (stack_.back().is_sequence) {
      HILUM_RETURN_IF_ERROR(ReadItem());
    } else {
      HILUM_RETURN_IF_ERROR(ReadElement());
    }
  }
  return Status::Ok();
}

Status Parser::ReadElement() {
  Frame& frame = stack_.back();
  ElementHeader header;
  if (!ReadElementHeader(bytes_.substr(position_, frame.end - position_), frame.syntax, frame.signed_pixels, &header)) {
    if (stack_.size() == 1) CheckTrailingZeros();
    if (stopped_) return Status::Ok();
    return Broken(position_, "the header of an element breaks off, or its value representation is not one");
  }
  if (header.tag.group == tags::kItemGroup) return ReadDelimiter(header);
  if (stack_.size() == 1) {
    if (header.tag.packed() == 0) CheckTrailingZeros();
    if (header.tag > frame.tag && elements_ > 0 && !visitor_.WantsBeyond(frame.tag)) stopped_ = true;
    if (stopped_) return Status::Ok();
  }
  if (++elements_ > limits_.max_elements) return TooManyElements();
  frame.tag = header.tag;
  const uint64_t value = position_ + header.size;
  if (header.length == kUndefined) {
    if (header.vr == Vr("OB") || header.vr == Vr("OW") || header.tag == tags::kPixelData) {
      return ReadEncapsulated(header, value);
    }
    if (header.vr == Vr("SQ") || !frame.syntax.explicit_vr) return BeginSequence(header, value, frame.syntax);
    // Written as implicit VR little endian whatever the syntax around it (PS3.5 6.2.2 note 2, CP-246).
    if (header.vr == Vr("UN")) return BeginSequence(header, value, kImplicitLittle);
    return Broken(position_, "the element has no length and is no sequence");
  }
  if (header.length > frame.end - value) {
    return Broken(position_, "the value has " + std::to_string(header.length) + " bytes, but only " +
                                 std::to_string(frame.end - value) + " are there");
  }
  if (header.vr == Vr("SQ")) return BeginSequence(header, value, frame.syntax);
  if (header.vr == Vr("UN") && frame.syntax.explicit_vr && HoldsItems(header.tag, bytes_.substr(value, header.length)))
    return BeginSequence(header, value, kImplicitLittle);
  Element element{.tag = header.tag,
                  .vr = header.vr,
                  .big_endian = frame.syntax.big_endian && header.vr != Vr("UN"),  // PS3.5 6.2.2
                  .depth = depth(),
                  .offset = value,
                  .length = header.length,
                  .value = bytes_.substr(value, header.length)};
  if (element.big_endian) {
    element.reversed = static_cast<uint32_t>(WordSize(header.vr));
    if (header.tag == tags::kPixelData) element.reversed = std::max(element.reversed, frame.cell);
  }
  position_ = value + header.length;
  if (header.tag == tags::kPixelRepresentation && header.length == 2) {
    frame.signed_pixels = Load16(element.value.data(), element.big_endian) == 1;
  }
  if (header.tag == tags::kBitsAllocated && header.length == 2) {
    const uint16_t bits = Load16(element.value.data(), element.big_endian);
    frame.cell = bits == 32 || bits == 64 ? bits / 8 : 1;
  }
  if (header.tag.group == 0x7FE0 && stack_.size() == 1) NotePixelData(element, false);
  return frame.silent ? Status::Ok() : visitor_.OnElement(element);
}

Status Parser::BeginSequence(const ElementHeader& header, uint64_t value, Syntax inner) {
  const Frame& outer = stack_.back();
  if (depth() >= limits_.max_depth) {
    return LimitExceeded(Place(position_) + ": sequences are nested deeper than " + std::to_string(limits_.max_depth));
  }
  const bool undefined = header.length == kUndefined;
  const Element element{.tag = header.tag,
                        .vr = Vr("SQ"),
                        .big_endian = outer.syntax.big_endian,
                        .depth = depth(),
                        .offset = value,
                        .length = header.length};
  const bool silent = outer.silent || !visitor_.WantsSequence(element);
  position_ = value;
  stack_.push_back({.end = undefined ? outer.end : value + header.length,
                    .tag = header.tag,
                    .is_sequence = true,
                    .undefined = undefined,
                    .silent = silent,
                    .signed_pixels = outer.signed_pixels,
                    .cell = outer.cell,
                    .syntax = inner});
  return silent ? Status::Ok() : visitor_.OnSequenceBegin(element);
}

// Who does not know a sequence writes it as UN and gives it a length, still in implicit VR little endian (PS3.5 6.2.2
// note 2). Only what is one to its end is taken for one: in implicit VR no UN is left inside, so it is looked at once.
bool Parser::HoldsItems(Tag tag, Bytes value) const {
  const DictionaryEntry* const entry = FindTag(tag);
  if (entry == nullptr || entry->vr != Vr("SQ") || depth() >= limits_.max_depth) return false;
  ReadLimits left = limits_;
  left.max_depth -= depth();
  left.max_elements -= std::min(elements_, left.max_elements);
  Nothing nothing;
  Layout layout;
  Parser probe(value, left, nothing, &layout);
  probe.stack_.push_back({.end = value.size(), .syntax = kImplicitLittle});
  const ElementHeader sequence{.tag = tag, .vr = Vr("SQ"), .length = static_cast<uint32_t>(value.size()), .size = 0};
  return probe.BeginSequence(sequence, 0, kImplicitLittle).ok() && probe.WalkToEnd().ok();
}

Status Parser::ReadItem() {
  Frame& sequence = stack_.back();
  ElementHeader header;
  if (!ReadElementHeader(bytes_.substr(position_, sequence.end - position_), sequence.syntax, false, &header)) {
    return Broken(position_, "the header of an item breaks off");
  }
  if (header.tag == tags::kSequenceDelimitation) return ReadDelimiter(header);
  if (header.tag != tags::kItem) return Broken(position_, "an item was expected, found " + ToString(header.tag));
  if (++elements_ > limits_.max_elements) return TooManyElements();
  const uint64_t value = position_ + header.size;
  const bool undefined = header.length == kUndefined;
  if (!undefined && header.length > sequence.end - value)
    return Broken(position_, "an item is longer than its sequence");
  position_ = value;
  ++sequence.items;
  const bool silent = sequence.silent;
  stack_.push_back({.end = undefined ? sequence.end : value + header.length,
                    .undefined = undefined,
                    .silent = silent,
                    .signed_pixels = sequence.signed_pixels,
                    .cell = sequence.cell,
                    .syntax = sequence.syntax});
  return silent ? Status::Ok() : visitor_.OnItemBegin(depth() - 1);
}

// An item may lack its delimiter before that of the sequence, and what has a length may be delimited as well: both are
// unambiguous.
Status Parser::ReadDelimiter(const ElementHeader& header) {
  const bool ends_sequence = header.tag == tags::kSequenceDelimitation;
  if (header.length == 0 && stack_.size() > 1 && (ends_sequence || header.tag == tags::kItemDelimitation)) {
    if (ends_sequence && !stack_.back().is_sequence && stack_.back().undefined) HILUM_RETURN_IF_ERROR(Close());
    const Frame& frame = stack_.back();
    if (frame.is_sequence == ends_sequence && (frame.undefined || position_ + header.size == frame.end)) {
      position_ += header.size;
      return Close();
    }
  }
  return Broken(position_, "unexpected " + ToString(header.tag));
}

// Whether nothing around the open sequence or item says where it ends: what is missing at the end of the file may be
// more than its delimiter.
bool Parser::EndsOnlyWithTheFile() const {
  return std::all_of(stack_.begin() + 1, stack_.end(), [](const Frame& frame) { return frame.undefined; });
}

Status Parser::Close() {
  const Frame closed = stack_.back();
  stack_.pop_back();
  if (closed.silent) return Status::Ok();
  return closed.is_sequence ? visitor_.OnSequenceEnd(depth()) : visitor_.OnItemEnd(depth());
}

Status Parser::ReadEncapsulated(const ElementHeader& header, uint64_t value) {
  const Frame& frame = stack_.back();
  uint64_t at = value;
  uint64_t after = 0;
  if (stack_.size() == 1 && IsPixelData(header.tag) && !visitor_.WantsFragments()) {
    stopped_ = true;
    at = after = frame.end;
  }
  while (after == 0) {
    // What is there can be read, and whether it is all of it is for the caller to judge.
    if (at == frame.end) {
      if (at == value) return Broken(position_, "the value breaks off before its first fragment");
      after = at;
      break;
    }
    if (frame.end - at < 8) return Broken(at, "the header of a fragment breaks off");
    const Tag tag = LoadTag(bytes_.data() + at, frame.syntax.big_endian);
    const uint32_t length = Load32(bytes_.data() + at + 4, frame.syntax.big_endian);
    if (tag == tags::kSequenceDelimitation) {
      after = at + 8;
      break;
    }
    if (tag != tags::kItem) return Broken(at, "a fragment was expected, found " + ToString(tag));
    if (length > frame.end - at - 8) {
      return Broken(at, "a fragment has " + std::to_string(length) + " bytes, but only " +
                            std::to_string(frame.end - at - 8) + " are there");
    }
    if (++elements_ > limits_.max_elements) return TooManyElements();
    at += 8 + uint64_t{length};
  }
  const Element element{.tag = header.tag,
                        .vr = frame.syntax.explicit_vr ? header.vr : Vr("OB"),  // PS3.5 A.4
                        .big_endian = frame.syntax.big_endian,
                        .depth = depth(),
                        .offset = value,
                        .length = at - value};
  position_ = after;
  if (stack_.size() == 1) {
    NotePixelData(element, true);
    layout_->lacks_delimiter = layout_->lacks_delimiter || (after == at && !stopped_);
  }
  return frame.silent ? Status::Ok() : visitor_.OnEncapsulated(element);
}

// The first one wins where there are several.
void Parser::NotePixelData(const Element& element, bool encapsulated) {
  if (element.tag == tags::kExtendedOffsetTable && layout_->extended_offsets_length == 0) {
    layout_->extended_offsets_offset = element.offset;
    layout_->extended_offsets_length = element.length;
  } else if (IsPixelData(element.tag) && layout_->pixel_data_offset == 0) {
    layout_->pixel_data_offset = element.offset;
    layout_->pixel_data_length = element.length;
    layout_->pixel_data_tag = element.tag;
    layout_->pixel_data_vr = element.vr;
    layout_->encapsulated = encapsulated;
  }
}

// Ends the walk where only zeros follow: writers fill up blocks. Looked at once, so that the walk stays linear.
void Parser::CheckTrailingZeros() {
  if (zeros_checked_ || elements_ == 0) return;
  zeros_checked_ = true;
  const Bytes rest = bytes_.substr(position_);
  stopped_ = std::all_of(rest.begin(), rest.end(), [](char c) { return c == 0; });
}

std::string Parser::Place(uint64_t offset) const {
  constexpr size_t kLongestPath = 17;
  std::string place = stack_.size() > kLongestPath ? ".../" : "";
  for (size_t i = stack_.size() > kLongestPath ? stack_.size() - kLongestPath : 0; i < stack_.size(); ++i) {
    const Frame& frame = stack_[i];
    if (frame.is_sequence) place += ToString(frame.tag) + "[" + std::to_string(frame.items - (frame.items > 0)) + "]/";
  }
  if (bytes_.size() - offset >= 4) place += ToString(LoadTag(bytes_.data() + offset, stack_.back().syntax.big_endian));
  return place + " at offset " + std::to_string(offset);
}

Status Parser::Broken(uint64_t offset, std::string_view why) const {
  return Invalid("DICOM data set: " + Place(offset) + ": " + std::string(why));
}

Status Parser::TooManyElements() const {
  return LimitExceeded("DICOM data set: more than " + std::to_string(limits_.max_elements) + " elements");
}

}  // namespace hilum::dicom
