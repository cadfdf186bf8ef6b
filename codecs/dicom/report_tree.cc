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
    kReferencedInstance{0x0008, 0x1155};
constexpr Tag kVerifyingObserver{0x0040, 0xA073}, kObserverName{0x0040, 0xA075}, kVerificationTime{0x0040, 0xA030};
constexpr Tag kCompletion{0x0040, 0xA491}, kVerification{0x0040, 0xA493};
// DATETIME, DATE, TIME, PNAME, UIDREF, TEXT and the coordinates (PS3.3 table C.17.3-5), in space and time: what they
// are, then offsets or moments.
constexpr Tag kValues[] = {{0x0040, 0xA120}, {0x0040, 0xA121}, {0x0040, 0xA122}, {0x0040, 0xA123}, {0x0040, 0xA124},
                           {0x0040, 0xA130}, {0x0040, 0xA138}, {0x0040, 0xA13A}, {0x0040, 0xA160}, {0x0070, 0x0023}};
constexpr Tag kSamplePositions{0x0040, 0xA132}, kReferencedItem{0x0040, 0xDB73};

struct Heading {
  Tag tag;
  std::string_view label;
};
constexpr Heading kHeadings[] = {{tags::kPatientName, "Patient"},   {tags::kPatientId, "Patient ID"},
                                 {tags::kPatientBirthDate, "Born"}, {tags::kPatientSex, "Sex"},
                                 {tags::kStudyDate, "Study date"},  {tags::kAccessionNumber, "Accession number"},
                                 {kCompletion, "Completion"},       {kVerification, "Verification"}};

constexpr size_t kMaxNumbers = 1000;  // of one value
constexpr size_t kMaxQuoted = 200;    // bytes of a text that is repeated: any number of items may refer to it

std::string Joined(const std::vector<uint32_t>& numbers, std::string_view separator) {
  std::string text;
  for (const uint32_t number : numbers) {
    if (!text.empty()) text += separator;
    text += std::to_string(number);
  }
  return text;
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

// An item of Verifying Observer Sequence (PS3.3 table C.17-2): who, and when.
struct Observer {
  std::string name, verified;
};

class TreeReader : public Visitor {
 public:
  explicit TreeReader(ReportTree* tree) : tree_(*tree) {}

  Status OnElement(const Element& written) override {
    charset_.Note(written);
    const Element element = WithKnownVr(written);
    ReportItem& item = tree_.items[path_.back()];
    const Tag place = open_.empty() ? kContentSequence : open_.back();
    if (place == kContentSequence && element.tag == kReferencedItem && element.vr == Vr("UL"))
      item.reference = Numbers(element);
    if (place == kContentSequence && element.tag == kSamplePositions && element.vr == Vr("UL"))
      AppendWord(Joined(Numbers(element), ", "), &item.value);
    if (!element.vr.is_text()) return Status::Ok();
    if (place == kContentSequence) {
      NoteHeading(element);
      if (element.tag == kValueType) item.type = Text(element);
      if (std::find(std::begin(kValues), std::end(kValues), element.tag) != std::end(kValues))
        AppendWord(Text(element), &item.value);
    } else if (place == kVerifyingObserver && element.tag == kObserverName) {
      observer_.name = Text(element);
    } else if (place == kVerifyingObserver && element.tag == kVerificationTime) {
      observer_.verified = Text(element);
    } else if (place == kConceptName && element.tag == kCodeMeaning) {
      item.name = Text(element);
    } else if (place == kConceptCode && element.tag == kCodeMeaning) {
      AppendWord(Text(element), &item.value);
    } else if (place == kQualifier && element.tag == kCodeMeaning) {
      AppendWord("[" + Text(element) + "]", &item.value);
    } else if (place == kMeasuredValue && element.tag == kNumericValue) {
      measured_.number = Text(element);
    } else if (place == kUnits && element.tag == kCodeMeaning) {
      measured_.unit_meaning = Text(element);
    } else if (place == kUnits &&
               (element.tag == kCodeValue || element.tag == kLongCodeValue || element.tag == kUrnCodeValue)) {
      if (measured_.unit_code.empty()) measured_.unit_code = Text(element);
    } else if (place == kReferencedSop && element.tag == kReferencedInstance) {
      AppendWord(Text(element), &item.value);
    }
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
      const std::string_view comma = observer_.name.empty() || observer_.verified.empty() ? "" : ", ";
      tree_.headings.emplace_back("Verified by", observer_.name.append(comma).append(observer_.verified));
    }
    if (open_.back() == kContentSequence) path_.pop_back();
    return Status::Ok();
  }

 private:
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
