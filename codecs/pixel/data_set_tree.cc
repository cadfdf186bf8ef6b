#include "codecs/pixel/data_set_tree.h"

#include <charconv>
#include <cmath>
#include <cstring>

#include "codecs/dicom/padding.h"

namespace hilum::pixel {
namespace {

using dicom::Element;
using dicom::Vr;

constexpr size_t kMaxElements = 200'000;

class TreeBuilder : public dicom::Visitor {
 public:
  explicit TreeBuilder(DataSetItem* root) : open_{root} {}

  Status OnElement(const Element& element) override {
    HILUM_RETURN_IF_ERROR(Count());
    open_.back()->elements.emplace(element.tag, element);
    return Status::Ok();
  }
  Status OnSequenceBegin(const Element& element) override {
    sequences_.push_back(element.tag);
    return Count();
  }
  Status OnSequenceEnd(uint32_t) override {
    sequences_.pop_back();
    return Status::Ok();
  }
  // Only the last item of a list is open, so that none moves while something points to it.
  Status OnItemBegin(uint32_t) override {
    open_.push_back(&open_.back()->sequences[sequences_.back()].emplace_back());
    return Count();
  }
  Status OnItemEnd(uint32_t) override {
    open_.pop_back();
    return Status::Ok();
  }

 private:
  Status Count() {
    return ++count_ > kMaxElements ? LimitExceeded("more than " + std::to_string(kMaxElements) + " elements and items")
                                   : Status::Ok();
  }

  std::vector<DataSetItem*> open_;
  std::vector<dicom::Tag> sequences_;
  size_t count_ = 0;
};

template <typename Bits, typename Number>
void AppendNumbers(const Element& element, std::vector<double>* numbers) {
  for (size_t at = 0; at + sizeof(Bits) <= element.value.size(); at += sizeof(Bits)) {
    const char* from = element.value.data() + at;
    const Bits bits = element.big_endian ? LoadBe<Bits>(from) : LoadLe<Bits>(from);
    Number number;
    std::memcpy(&number, &bits, sizeof(number));
    const auto wide = static_cast<double>(number);
    numbers->push_back(std::isfinite(wide) ? wide : 0);
  }
}

void AppendDecimals(std::string_view text, std::vector<double>* numbers) {
  while (!dicom::Unpadded(text).empty()) {
    const size_t end = text.find('\\');
    std::string_view one = dicom::Unpadded(text.substr(0, end));
    if (one.starts_with('+')) one.remove_prefix(1);
    double number = 0;
    const auto [stop, error] = std::from_chars(one.data(), one.data() + one.size(), number);
    numbers->push_back(error == std::errc() && std::isfinite(number) ? number : 0);
    if (end == std::string_view::npos) return;
    text.remove_prefix(end + 1);
  }
}

}  // namespace

const Element* DataSetItem::Find(dicom::Tag tag) const {
  const auto found = elements.find(tag);
  return found == elements.end() ? nullptr : &found->second;
}

std::string_view DataSetItem::Text(dicom::Tag tag) const {
  const Element* element = Find(tag);
  return element == nullptr ? std::string_view() : dicom::Unpadded(element->value);
}

std::vector<double> DataSetItem::Numbers(dicom::Tag tag) const {
  std::vector<double> numbers;
  const Element* element = Find(tag);
  if (element == nullptr) return numbers;
  const Vr vr = element->vr;
  if (vr == Vr("FL"))
    AppendNumbers<uint32_t, float>(*element, &numbers);
  else if (vr == Vr("FD"))
    AppendNumbers<uint64_t, double>(*element, &numbers);
  else if (vr == Vr("US"))
    AppendNumbers<uint16_t, uint16_t>(*element, &numbers);
  else if (vr == Vr("SS"))
    AppendNumbers<uint16_t, int16_t>(*element, &numbers);
  else if (vr == Vr("UL"))
    AppendNumbers<uint32_t, uint32_t>(*element, &numbers);
  else if (vr == Vr("SL"))
    AppendNumbers<uint32_t, int32_t>(*element, &numbers);
  else if (vr == Vr("DS") || vr == Vr("IS"))
    AppendDecimals(element->value, &numbers);
  return numbers;
}

double DataSetItem::Number(dicom::Tag tag, double otherwise) const {
  const std::vector<double> numbers = Numbers(tag);
  return numbers.empty() ? otherwise : numbers.front();
}

std::span<const DataSetItem> DataSetItem::Items(dicom::Tag sequence) const {
  const auto found = sequences.find(sequence);
  if (found == sequences.end()) return {};
  return found->second;
}

Result<DataSetItem> ReadTree(Bytes file, const dicom::ReadLimits& limits, dicom::Inflated* inflated) {
  DataSetItem root;
  TreeBuilder builder(&root);
  HILUM_RETURN_IF_ERROR(dicom::Read(file, limits, builder, inflated).status());
  return root;
}

}  // namespace hilum::pixel
