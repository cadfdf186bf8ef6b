#include "codecs/dicom/report.h"

#include <algorithm>
#include <vector>

#include "base/markup.h"
#include "codecs/dicom/charset_scope.h"
#include "codecs/dicom/values.h"

namespace hilum::dicom {
namespace {

constexpr Tag kContentSequence{0x0040, 0xA730}, kConceptName{0x0040, 0xA043}, kConceptCode{0x0040, 0xA168},
    kMeasuredValue{0x0040, 0xA300}, kUnits{0x0040, 0x08EA}, kReferencedSop{0x0008, 0x1199};
constexpr Tag kValueType{0x0040, 0xA040}, kNumericValue{0x0040, 0xA30A}, kCodeValue{0x0008, 0x0100},
    kCodeMeaning{0x0008, 0x0104}, kReferencedInstance{0x0008, 0x1155};
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

struct Item {
  std::string type, name, value;
  std::vector<size_t> children;     // in Tree::items
  std::vector<uint32_t> reference;  // by-reference: to the item of that place, from 1, the root's first (C.17.3.2.5)
};

struct Tree {
  std::vector<Item> items = std::vector<Item>(1);  // the first one is the root
  std::vector<std::pair<std::string_view, std::string>> headings;

  // nullptr: there is none.
  const Item* At(const std::vector<uint32_t>& place) const {
    const Item* item = &items.front();
    for (size_t i = 1; i < place.size(); ++i) {
      if (place[i] == 0 || place[i] > item->children.size()) return nullptr;
      item = &items[item->children[place[i] - 1]];
    }
    return item;
  }
};

constexpr size_t kMaxNumbers = 1000;  // of one value

std::string Joined(const std::vector<uint32_t>& numbers, std::string_view separator) {
  std::string text;
  for (const uint32_t number : numbers) {
    if (!text.empty()) text += separator;
    text += std::to_string(number);
  }
  return text;
}

class TreeReader : public Visitor {
 public:
  explicit TreeReader(Tree* tree) : tree_(*tree) {}

  Status OnElement(const Element& written) override {
    charset_.Note(written);
    const Element element = WithKnownVr(written);
    Item& item = tree_.items[path_.back()];
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
    } else if (place == kConceptName && element.tag == kCodeMeaning) {
      item.name = Text(element);
    } else if (place == kConceptCode && element.tag == kCodeMeaning) {
      AppendWord(Text(element), &item.value);
    } else if (place == kMeasuredValue && element.tag == kNumericValue) {
      // Units stand before the value in the file: (0040,08EA).
      item.value = Text(element) + (item.value.empty() ? "" : " " + item.value);
    } else if ((place == kUnits && element.tag == kCodeValue) ||
               (place == kReferencedSop && element.tag == kReferencedInstance)) {
      AppendWord(Text(element), &item.value);
    }
    return Status::Ok();
  }

  bool WantsSequence(const Element& element) override {
    const Tag place = open_.empty() ? kContentSequence : open_.back();
    if (place == kMeasuredValue) return element.tag == kUnits;
    return place == kContentSequence &&
           (element.tag == kContentSequence || element.tag == kConceptName || element.tag == kConceptCode ||
            element.tag == kMeasuredValue || element.tag == kReferencedSop);
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
    if (open_.back() != kContentSequence) return Status::Ok();
    tree_.items[path_.back()].children.push_back(tree_.items.size());
    path_.push_back(tree_.items.size());
    tree_.items.emplace_back();
    return Status::Ok();
  }
  Status OnItemEnd(uint32_t depth) override {
    charset_.EndItem();
    if (open_.back() == kContentSequence) path_.pop_back();
    return Status::Ok();
  }

 private:
  std::string Text(const Element& element) {
    std::string decoded;
    return std::string(TrimPadding(element.vr, TextOf(element, charset_.current(), &decoder_, &decoded)));
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

  static void AppendWord(const std::string& word, std::string* out) {
    if (!out->empty() && !word.empty()) out->push_back(' ');
    out->append(word);
  }

  Tree& tree_;
  CharsetScope charset_;
  TextDecoder decoder_;
  std::vector<Tag> open_;        // sequences
  std::vector<size_t> path_{0};  // content items from the root to the one at hand
};

void AppendEscaped(std::string_view text, std::string* out) {
  for (const char c : text) {
    if (const std::string_view entity = EntityOf(c); !entity.empty())
      out->append(entity);
    else if (static_cast<unsigned char>(c) >= 0x20 || c == '\n' || c == '\t')
      out->push_back(c);  // HTML has no other control characters
  }
}

void AppendRow(std::string_view name, std::string_view value, std::string* out) {
  out->append("<tr><th>");
  AppendEscaped(name, out);
  out->append("</th><td>");
  AppendEscaped(value, out);
}

// As deep as the sequences of the data set at most.
void AppendChildren(const Tree& tree, const Item& parent, int level, std::string* out) {
  bool in_table = false;
  const auto table = [&](bool wanted) {
    if (wanted != in_table) out->append(wanted ? "<table>\n" : "</table>\n");
    in_table = wanted;
  };
  for (const size_t index : parent.children) {
    const Item& item = tree.items[index];
    const bool section = item.type == "CONTAINER";
    table(!section);
    if (!section) {
      const Item* const meant = item.reference.empty() ? nullptr : tree.At(item.reference);
      if (item.reference.empty())
        AppendRow(item.name, item.value, out);
      else
        AppendRow(meant ? meant->name : "", "see " + Joined(item.reference, ".") + (meant ? ": " + meant->value : ""),
                  out);
      AppendChildren(tree, item, level, out);
      out->append("</td></tr>\n");
      continue;
    }
    const std::string heading = "h" + std::to_string(std::min(level, 6));
    out->append("<section><" + heading + ">");
    AppendEscaped(item.name, out);
    out->append("</" + heading + ">\n");
    AppendChildren(tree, item, level + 1, out);
    out->append("</section>\n");
  }
  table(false);
}

}  // namespace

bool IsReport(std::string_view sop_class_uid) {
  return sop_class_uid.starts_with("1.2.840.10008.5.1.4.1.1.88.");
}

Result<std::string> ReportHtml(Bytes file, const ReadLimits& limits) {
  Tree tree;
  TreeReader reader(&tree);
  Inflated inflated;
  HILUM_RETURN_IF_ERROR(Read(file, limits, reader, &inflated).status());
  const Item& root = tree.items.front();
  const std::string_view title = root.name.empty() ? std::string_view("Report") : std::string_view(root.name);
  std::string html = "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>";
  AppendEscaped(title, &html);
  html +=
      "</title>\n<style>body{font:15px/1.4 sans-serif;max-width:60em;margin:2em auto;padding:0 1em}"
      "table{border-collapse:collapse;margin:.4em 0}th,td{border:1px solid #bbb;padding:.2em .6em;text-align:left;"
      "vertical-align:top;white-space:pre-wrap}th{background:#f2f2f2;font-weight:600}section{margin-left:1em}</style>"
      "</head>\n<body><h1>";
  AppendEscaped(title, &html);
  html += "</h1>\n<table>\n";
  for (const auto& [label, value] : tree.headings) {
    AppendRow(label, value, &html);
    html += "</td></tr>\n";
  }
  html += "</table>\n";
  AppendChildren(tree, root, 2, &html);
  return html + "</body></html>\n";
}

}  // namespace hilum::dicom
