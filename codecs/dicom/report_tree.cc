#include "codecs/dicom/report_tree.h"

#include <algorithm>

#include "codecs/dicom/charset_scope.h"
#include "codecs/dicom/readable.h"
#include "codecs/dicom/values.h"

namespace hilum::dicom {
namespace {

constexpr Tag kContentSequence{0x0040, 0xA730}, kConceptName{0x0040, 0xA043}, kConceptCode{0x0040, 0xA168},
    kMeasuredValue{0x0040, 0xA300}, kUnits{0x0040, 0x08EA}, kQualifier{0x0040, 0xA301}, kReferencedSop{0x0008, 0x1199};
constexpr Tag kValueType{0x0040, 0xA040}, kNumericValue{0x0040, 0xA30A}, kCodeValue{0x0008, 0x0100},
    kLongCodeValue{0x0008, 0x0119}, kUrnCodeValue{0x0008, 0x0120}, kCodeMeaning{0x0008, 0x0104},
    kReferencedInstance{0x0008, 0x1155}, kReferencedFrames{0x0008, 0x1160}, kReferencedSegments{0x0062, 0x000B},
    kReferencedChannels{0x0040, 0xA0B0};
constexpr Tag kVerifyingObserver{0x0040, 0xA073}, kObserverName{0x0040, 0xA075}, kVerificationTime{0x0040, 0xA030},
    kVerifyingOrganization{0x0040, 0xA027};
constexpr Tag kCompletion{0x0040, 0xA491}, kVerification{0x0040, 0xA493};
// DATETIME, DATE, TIME, PNAME, UIDREF, TEXT and coordinates in time: what they are, then offsets or moments (PS3.3
// table C.17.3-5).
constexpr Tag kTexts[] = {{0x0040, 0xA120}, {0x0040, 0xA121}, {0x0040, 0xA122}, {0x0040, 0xA123}, {0x0040, 0xA124},
                          {0x0040, 0xA130}, {0x0040, 0xA138}, {0x0040, 0xA13A}, {0x0040, 0xA160}};
constexpr Tag kSamplePositions{0x0040, 0xA132}, kGraphicData{0x0070, 0x0022}, kGraphicType{0x0070, 0x0023},
    kReferencedItem{0x0040, 0xDB73};

struct Heading {
  Tag tag;
  std::string_view label;
};
constexpr Heading kHeadings[] = {{tags::kPatientName, "Patient"},   {tags::kPatientId, "Patient ID"},
                                 {tags::kPatientBirthDate, "Born"}, {tags::kPatientSex, "Sex"},
                                 {tags::kStudyDate, "Study date"},  {tags::kAccessionNumber, "Accession number"},
                                 {kCompletion, "Completion"},       {kVerification, "Verification"}};

constexpr size_t kMaxNumbers = 1000;  // of one value
constexpr size_t kMaxPoints = 10;     // of a graphic: for who wants to draw it there is the object
constexpr size_t kMaxQuoted = 200;    // bytes of a text that is repeated: any number of items may refer to it

std::string Joined(const std::vector<uint32_t>& numbers, std::string_view separator) {
  std::string text;
  for (const uint32_t number : numbers) {
    if (!text.empty()) text += separator;
    text += std::to_string(number);
  }
  return text;
}

// Binary numbers, so many of them together: "1, 2" or "1/2, 3/4".
std::string Listed(const Element& element, size_t together, std::string_view within = "/",
                   std::string_view between = ", ") {
  std::string text;
  const size_t count = std::min(element.value.size() / element.vr.number_size(), kMaxNumbers) / together * together;
  for (size_t i = 0; i < count; ++i) {
    if (i > 0) text += i % together == 0 ? between : within;
    AppendNumber(element, i, &text);
  }
  return text;
}

// "(1, 2) (3, 4)"; of many the first ones.
std::string Points(Element graphic, size_t dimensions) {
  const size_t size = dimensions * graphic.vr.number_size(), count = graphic.value.size() / size;
  if (count == 0) return {};
  graphic.value = graphic.value.substr(0, kMaxPoints * size);
  const std::string text = "(" + Listed(graphic, dimensions, ", ", ") (") + ")";
  return count > kMaxPoints ? text + " ... (" + std::to_string(count) + " points)" : text;
}

// REQUIRES: `text` is UTF-8.
std::string Quoted(std::string_view text) {
  if (text.size() <= kMaxQuoted) return std::string(text);
  size_t end = kMaxQuoted;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;  // in the midst of a character
  return std::string(text.substr(0, end)) + " ...";
}

// An item of Measured Value Sequence (PS3.3 table C.18.1-1); of its unit the one code there is, short, long or URN.
struct Measurement {
  std::string number, unit_code, unit_meaning;
};

// What stands behind the number: in UCUM "1" is no unit, and an annotation is for people, who read its meaning.
std::string_view UnitOf(const Measurement& measured) {
  const std::string_view code = measured.unit_code;
  if (code == "1") return {};
  const bool annotates = code.starts_with('{') && code.ends_with('}');
  return code.empty() || annotates ? measured.unit_meaning : code;
}

// An item of Verifying Observer Sequence (PS3.3 table C.17-2): who, for whom, and when.
struct Observer {
  std::string name, organization, verified;
};

class TreeReader : public Visitor {
 public:
  explicit TreeReader(ReportTree* tree) : tree_(*tree) {}

  Status OnElement(const Element& written) override {
    charset_.Note(written);
    const Element element = WithKnownVr(written);
    ReportItem& item = tree_.items[path_.back()];
    const Tag place = open_.empty() ? kContentSequence : open_.back();
    if (place == kContentSequence)
      NoteContent(element, &item);
    else if (place == kReferencedSop)
      NoteReference(element, &item);
    else if (element.vr.is_text())
      NotePart(place, element, &item);
    return Status::Ok();
  }

  bool WantsSequence(const Element& element) override {
    const Tag place = open_.empty() ? kContentSequence : open_.back();
    if (place == kMeasuredValue) return element.tag == kUnits;
    if (open_.empty() && element.tag == kVerifyingObserver) return true;
    return place == kContentSequence &&
           (element.tag == kContentSequence || element.tag == kConceptName || element.tag == kConceptCode ||
            element.tag == kMeasuredValue || element.tag == kQualifier || element.tag == kReferencedSop);
  }
  Status OnSequenceBegin(const Element& element) override {
    open_.push_back(element.tag);
    return Status::Ok();
  }
  Status OnSequenceEnd(uint32_t depth) override {
    open_.pop_back();
    return Status::Ok();
  }
  Status OnItemBegin(uint32_t depth) override {
    charset_.BeginItem();
    if (open_.back() == kMeasuredValue) measured_ = {};
    if (open_.back() == kVerifyingObserver) observer_ = {};
    if (open_.back() != kContentSequence) return Status::Ok();
    tree_.items[path_.back()].children.push_back(tree_.items.size());
    path_.push_back(tree_.items.size());
    tree_.items.emplace_back();
    points_.clear();
    return Status::Ok();
  }
  Status OnItemEnd(uint32_t depth) override {
    charset_.EndItem();
    if (open_.back() == kMeasuredValue) {
      std::string& value = tree_.items[path_.back()].value;
      AppendWord(measured_.number, &value);
      AppendWord(UnitOf(measured_), &value);
    }
    if (open_.back() == kVerifyingObserver) {
      std::string verified;
      for (const std::string& part : {observer_.name, observer_.organization, observer_.verified}) {
        if (!part.empty()) verified.append(verified.empty() ? "" : ", ").append(part);
      }
      tree_.headings.emplace_back("Verified by", std::move(verified));
    }
    if (open_.back() == kContentSequence) {
      path_.pop_back();
      points_.clear();
    }
    return Status::Ok();
  }

 private:
  void NoteContent(const Element& element, ReportItem* item) {
    const bool is_long = element.vr == Vr("UL");
    if (is_long && element.tag == kReferencedItem) item->reference = Numbers(element);
    if (is_long && element.tag == kSamplePositions) AppendWord(Listed(element, 1), &item->value);
    if (element.vr == Vr("FL") && element.tag == kGraphicData)
      points_ = Points(element, item->type == "SCOORD3D" ? 3 : 2);
    if (!element.vr.is_text()) return;
    NoteHeading(element);
    if (element.tag == kValueType) item->type = Text(element);
    if (element.tag == kGraphicType) {
      AppendWord(Text(element), &item->value);
      AppendWord(points_, &item->value);
      points_.clear();
    }
    if (std::find(std::begin(kTexts), std::end(kTexts), element.tag) != std::end(kTexts))
      AppendWord(Text(element), &item->value);
  }

  void NoteReference(const Element& element, ReportItem* item) {
    const auto append = [&](std::string_view what, const std::string& which) {
      if (which.empty()) return;
      AppendWord("(", &item->value);
      item->value.append(what).append(which.find(',') == std::string::npos ? " " : "s ").append(which).append(")");
    };
    const bool is_short = element.vr == Vr("US");
    if (element.vr.is_text() && element.tag == kReferencedInstance) AppendWord(Text(element), &item->value);
    if (element.vr.is_text() && element.tag == kReferencedFrames) append("frame", Text(element));
    if (is_short && element.tag == kReferencedSegments) append("segment", Listed(element, 1));
    if (is_short && element.tag == kReferencedChannels) append("channel", Listed(element, 2));
  }

  // Of the other sequences.
  void NotePart(Tag place, const Element& element, ReportItem* item) {
    if (place == kVerifyingObserver && element.tag == kObserverName) {
      observer_.name = Text(element);
    } else if (place == kVerifyingObserver && element.tag == kVerifyingOrganization) {
      observer_.organization = Text(element);
    } else if (place == kVerifyingObserver && element.tag == kVerificationTime) {
      observer_.verified = Text(element);
    } else if (place == kConceptName && element.tag == kCodeMeaning) {
      item->name = Text(element);
    } else if (place == kConceptCode && element.tag == kCodeMeaning) {
      AppendWord(Text(element), &item->value);
    } else if (place == kQualifier && element.tag == kCodeMeaning) {
      AppendWord("[" + Text(element) + "]", &item->value);
    } else if (place == kMeasuredValue && element.tag == kNumericValue) {
      measured_.number = Text(element);
    } else if (place == kUnits && element.tag == kCodeMeaning) {
      measured_.unit_meaning = Text(element);
    } else if (place == kUnits &&
               (element.tag == kCodeValue || element.tag == kLongCodeValue || element.tag == kUrnCodeValue)) {
      if (measured_.unit_code.empty()) measured_.unit_code = Text(element);
    }
  }

  // Of several values one after the other.
  std::string Text(const Element& element) {
    std::string decoded, text;
    ForEachValue(element.vr, TextOf(element, charset_.current(), &decoder_, &decoded), [&](std::string_view value) {
      if (!text.empty()) text += ", ";
      text += Readable(element.vr, value);
    });
    return text;
  }

  static std::vector<uint32_t> Numbers(const Element& element) {
    std::vector<uint32_t> numbers;
    for (size_t at = 0; at + 4 <= element.value.size() && numbers.size() < kMaxNumbers; at += 4) {
      const char* const from = element.value.data() + at;
      numbers.push_back(element.big_endian ? LoadBe<uint32_t>(from) : LoadLe<uint32_t>(from));
    }
    return numbers;
  }

  void NoteHeading(const Element& element) {
    if (!open_.empty()) return;
    for (const Heading& heading : kHeadings)
      if (heading.tag == element.tag) tree_.headings.emplace_back(heading.label, Text(element));
  }

  static void AppendWord(std::string_view word, std::string* out) {
    if (!out->empty() && !word.empty()) out->push_back(' ');
    out->append(word);
  }

  ReportTree& tree_;
  CharsetScope charset_;
  TextDecoder decoder_;
  Measurement measured_;         // the one at hand
  Observer observer_;            // likewise
  std::string points_;           // stand before the shape that they have
  std::vector<Tag> open_;        // sequences
  std::vector<size_t> path_{0};  // content items from the root to the one at hand
};

}  // namespace

const ReportItem* ReportTree::At(const std::vector<uint32_t>& place) const {
  const ReportItem* item = &items.front();
  for (size_t i = 1; i < place.size(); ++i) {
    if (place[i] == 0 || place[i] > item->children.size()) return nullptr;
    item = &items[item->children[place[i] - 1]];
  }
  return item;
}

ReportReference Follow(const ReportTree& tree, const ReportItem& item) {
  const ReportItem* const meant = tree.At(item.reference);
  const std::string place = "see " + Joined(item.reference, ".");
  if (meant == nullptr) return {.value = place};
  return {.name = Quoted(meant->name), .value = place + ": " + Quoted(meant->value)};
}

Result<ReportTree> ReadReport(Bytes file, const ReadLimits& limits) {
  ReportTree tree;
  TreeReader reader(&tree);
  Inflated inflated;
  HILUM_RETURN_IF_ERROR(Read(file, limits, reader, &inflated).status());
  return tree;
}

}  // namespace hilum::dicom
