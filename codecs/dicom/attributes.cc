#include "codecs/dicom/attributes.h"

#include <algorithm>
#include <charconv>
#include <numeric>

#include "codecs/dicom/charset_scope.h"
#include "codecs/dicom/element_header.h"
#include "codecs/dicom/json_writer.h"
#include "codecs/dicom/values.h"

namespace hilum::dicom {
namespace {

// A whole number, written as US, as UL or as text.
uint32_t ReadCount(const Element& element) {
  if (element.vr == Vr("US") && element.length >= 2) return Load16(element.value.data(), element.big_endian);
  if (element.vr == Vr("UL") && element.length >= 4) return Load32(element.value.data(), element.big_endian);
  if (!element.vr.is_text()) return 0;
  std::string_view text = TrimPadding("IS", element.value);
  if (text.starts_with('+')) text.remove_prefix(1);
  uint32_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  return error == std::errc() ? count : 0;
}

// Bytes: more than any UID, code or list of character sets has that means something.
constexpr size_t kLongestFact = 1024;

class HeaderVisitor : public Visitor {
 public:
  HeaderVisitor(const AttributeSelection& selection, const JsonOptions& options, Header* header)
      : selection_(selection),
        header_(*header),
        found_(selection.paths().size()),
        writer_(options, &decoder_, &json_) {}

  Status OnElement(const Element& written) override {
    if (written.depth > 0 || !written.tag.is_private() || selection_.privates().empty()) return Take(written);
    return Take(Recognised(written));
  }

  bool WantsSequence(const Element& element) override {
    if (element.depth == 0) {
      wanted_ = selection_.StartingWith(element.tag, &cursor_);
      // Of sequences that come twice the first one counts.
      return !wanted_.empty() && std::find(read_.begin(), read_.end(), element.tag) == read_.end();
    }
    return whole_ != nullptr || std::any_of(wanted_.begin(), wanted_.end(), [&](uint32_t index) {
             const TagPath& path = selection_.paths()[index];
             return path.size() > element.depth && IsBelow(path, element.depth) && path[element.depth] == element.tag;
           });
  }

  Status OnSequenceBegin(const Element& element) override {
    if (element.depth == 0) {
      read_.push_back(element.tag);
      for (const uint32_t index : wanted_) {
        if (selection_.paths()[index].size() == 1) whole_ = &found_[index];
      }
    }
    open_.push_back(element.tag);
    if (whole_ != nullptr) writer_.BeginSequence(element.tag);
    return Status::Ok();
  }

  Status OnItemBegin(uint32_t depth) override {
    charset_.BeginItem();
    if (whole_ != nullptr) writer_.BeginObject();
    return Status::Ok();
  }

  Status OnItemEnd(uint32_t depth) override {
    if (whole_ != nullptr) writer_.EndObject();
    charset_.EndItem();
    return Status::Ok();
  }

  Status OnSequenceEnd(uint32_t depth) override {
    open_.pop_back();
    if (whole_ == nullptr) return Status::Ok();
    writer_.EndSequence();
    if (depth == 0) {
      whole_->vr = "SQ";
      if (json_.size() < selection_.most_bytes()) whole_->json = json_;
      json_.clear();
      whole_ = nullptr;
    }
    return Status::Ok();
  }

  Status OnEncapsulated(const Element& element) override {
    if (element.depth > 0 && whole_ != nullptr) writer_.AddEncapsulated(element);
    return Status::Ok();
  }

  void Finish() {
    for (size_t i = 0; i < found_.size(); ++i) {
      if (found_[i].vr != Vr()) found_[i].path = selection_.paths()[i];
    }
    std::erase_if(found_, [](const Attribute& attribute) { return attribute.vr == Vr(); });
    header_.attributes = std::move(found_);
  }

 private:
  // True when the first `depth` tags of the path are the sequences open now.
  bool IsBelow(const TagPath& path, uint32_t depth) const {
    return std::equal(path.begin(), path.begin() + depth, open_.begin());
  }
  bool IsAt(const TagPath& path, const Element& element) const {
    return path.size() == element.depth + 1 && path.back() == element.tag && IsBelow(path, element.depth);
  }

  Status Take(const Element& written) {
    if (written.depth == 0) {
      if (written.tag.element == 0) return Status::Ok();
      NoteFact(written);
      wanted_ = selection_.StartingWith(written.tag, &cursor_);
      if (wanted_.empty()) {
        charset_.Note(written);
        return Status::Ok();
      }
    }
    charset_.Note(written);
    if (written.depth > 0 && whole_ != nullptr && json_.size() < selection_.most_bytes()) {
      writer_.AddElement(Cut(written), charset_.current());
    }
    for (const uint32_t index : wanted_) {
      if (IsAt(selection_.paths()[index], written)) Collect(Cut(WithKnownVr(written)), &found_[index]);
    }
    return Status::Ok();
  }

  Element Cut(Element element) const {
    if (element.length > selection_.most_bytes()) {
      element.length = selection_.most_bytes();
      element.value = element.value.substr(0, element.length);
    }
    return element;
  }

  // With the tag that the selection knows it by; element 0, which is never asked for, when it is of another creator.
  Element Recognised(const Element& written) {
    const Tag tag = written.tag;
    const Tag block(tag.group, tag.element & 0xFF00);
    if (tag.element >= 0x10 && tag.element <= 0xFF) NoteCreator(written);
    Element element = written;
    for (const PrivateAttribute& wanted : selection_.privates()) {
      const bool same = wanted.tag.group == tag.group && (wanted.tag.element & 0xFF) == (tag.element & 0xFF);
      const bool ours =
          same && std::find(creators_.begin(), creators_.end(), std::pair(block, &wanted.creator)) != creators_.end();
      if (!ours && wanted.tag == tag) element.tag = Tag(tag.group, 0);
      if (!ours) continue;
      element.tag = wanted.tag;
      if (element.vr == Vr("UN")) element.vr = wanted.vr;
      break;
    }
    return element;
  }

  // PS3.5 7.8.1: (gggg,00bb) names the creator of (gggg,bb00) to (gggg,bbFF).
  void NoteCreator(const Element& element) {
    const Tag block(element.tag.group, static_cast<uint16_t>(element.tag.element << 8));
    for (const PrivateAttribute& wanted : selection_.privates()) {
      const bool names = wanted.tag.group == block.group && wanted.creator == TrimPadding("LO", element.value);
      const std::pair entry(block, &wanted.creator);
      if (names && std::find(creators_.begin(), creators_.end(), entry) == creators_.end()) creators_.push_back(entry);
    }
  }

  void Collect(const Element& element, Attribute* attribute) {
    if (element.depth == 0 && attribute->vr != Vr()) return;
    attribute->vr = element.vr;
    if (element.vr.is_text()) {
      const std::string_view text = TextOf(element, charset_.current(), &decoder_, &text_);
      ForEachValue(element.vr, text, [&](std::string_view value) { attribute->values.emplace_back(value); });
      if (element.depth > 0) return;
      AppendTextAttribute(element.vr, text, &json_);
      attribute->json = json_;
      json_.clear();
      return;
    }
    if (element.vr.is_binary_number()) {
      const size_t count = element.length / element.vr.number_size();
      for (size_t i = 0; i < count; ++i) AppendNumber(element, i, &attribute->values.emplace_back());
    }
    if (element.depth > 0) return;
    if (!writer_.AppendAttribute(element, charset_.current()))
      json_.append("{\"vr\":\"").append(element.vr.text()).append("\"}");
    attribute->json = json_;
    json_.clear();
  }

  void NoteFact(const Element& element) {
    const auto note_text = [&](std::string* fact, std::string_view vr) {
      if (fact->empty()) *fact = TrimPadding(Vr(vr[0], vr[1]), element.value.substr(0, kLongestFact));
    };
    switch (element.tag.packed()) {
      case tags::kSpecificCharacterSet.packed():
        return note_text(&header_.character_set, "CS");
      case tags::kSopClassUid.packed():
        return note_text(&header_.sop_class_uid, "UI");
      case tags::kSopInstanceUid.packed():
        return note_text(&header_.sop_uid, "UI");
      case tags::kStudyInstanceUid.packed():
        return note_text(&header_.study_uid, "UI");
      case tags::kSeriesInstanceUid.packed():
        return note_text(&header_.series_uid, "UI");
      case tags::kPhotometricInterpretation.packed():
        return note_text(&header_.photometric_interpretation, "CS");
      case tags::kSamplesPerPixel.packed():
        return NoteCount(element, &header_.samples_per_pixel);
      case tags::kRows.packed():
        return NoteCount(element, &header_.rows);
      case tags::kColumns.packed():
        return NoteCount(element, &header_.columns);
      case tags::kBitsAllocated.packed():
        return NoteCount(element, &header_.bits_allocated);
      case tags::kNumberOfFrames.packed():
        if (header_.frames == 1) header_.frames = std::max(1u, ReadCount(WithKnownVr(element)));
        return;
      default:
        return;
    }
  }

  static void NoteCount(const Element& element, uint32_t* fact) {
    if (*fact == 0) *fact = ReadCount(WithKnownVr(element));
  }

  const AttributeSelection& selection_;
  Header& header_;
  TextDecoder decoder_;
  CharsetScope charset_;
  std::vector<Attribute> found_;      // by index into the selection; without VR: not found
  std::span<const uint32_t> wanted_;  // indices of the paths that begin with the top-level element at hand
  size_t cursor_ = 0;                 // for it
  std::vector<Tag> open_;             // sequences
  std::vector<std::pair<Tag, const std::string*>> creators_;  // first tags of private blocks, whose they are
  std::vector<Tag> read_;                                     // top-level sequences that were wanted, and read
  Attribute* whole_ = nullptr;                                // of the top-level sequence that is being written as JSON
  std::string json_, text_;                                   // reused
  JsonWriter writer_;                                         // into json_
};

}  // namespace

AttributeSelection::AttributeSelection(std::vector<TagPath> paths, std::vector<PrivateAttribute> privates)
    : paths_(std::move(paths)), order_(paths_.size()), privates_(std::move(privates)) {
  std::iota(order_.begin(), order_.end(), 0);
  std::erase_if(order_, [&](uint32_t index) { return paths_[index].empty(); });
  std::stable_sort(order_.begin(), order_.end(), [&](uint32_t a, uint32_t b) { return paths_[a][0] < paths_[b][0]; });
  for (const uint32_t index : order_) tops_.push_back(paths_[index][0]);
}

std::span<const uint32_t> AttributeSelection::StartingWith(Tag tag, size_t* cursor) const {
  if (*cursor > 0 && tops_[*cursor - 1] >= tag) {
    *cursor = std::lower_bound(tops_.begin(), tops_.end(), tag) - tops_.begin();
  }
  while (*cursor < tops_.size() && tops_[*cursor] < tag) ++*cursor;
  size_t end = *cursor;
  while (end < tops_.size() && tops_[end] == tag) ++end;
  return {order_.data() + *cursor, end - *cursor};
}

const Attribute* Header::Find(Tag tag) const {
  for (const Attribute& attribute : attributes) {
    if (attribute.path.size() == 1 && attribute.path[0] == tag) return &attribute;
  }
  return nullptr;
}

std::string_view Header::First(Tag tag) const {
  const Attribute* attribute = Find(tag);
  return attribute == nullptr || attribute->values.empty() ? std::string_view() : attribute->values[0];
}

Result<Header> ReadHeader(Bytes file, const AttributeSelection& selection, const ReadLimits& limits,
                          const JsonOptions& options) {
  Header header;
  HeaderVisitor visitor(selection, options, &header);
  Inflated inflated;
  HILUM_ASSIGN_OR_RETURN(header.layout, Read(file, limits, visitor, &inflated));
  visitor.Finish();
  return header;
}

}  // namespace hilum::dicom
