// Turns what a reader reports into lines of text, to be compared in tests.
#pragma once

#include <string>

#include "codecs/dicom/reader.h"

namespace hilum::dicom::testing {

// "00080060 CS CT", "00400275 SQ", "  item", "    00400009 SH A", "7FE00010 OB encapsulated 16". Values as hexadecimal
// digits where they are no text.
class Trace : public Visitor {
 public:
  Status OnElement(const Element& element) override {
    Line(element) += " " + (element.vr.is_text() ? std::string(element.value) : Hex(element.value)) + "\n";
    return Status::Ok();
  }
  Status OnSequenceBegin(const Element& element) override {
    Line(element) += "\n";
    return Status::Ok();
  }
  Status OnItemBegin(uint32_t depth) override {
    text_ += std::string(depth * 4 + 2, ' ') + "item\n";
    return Status::Ok();
  }
  Status OnEncapsulated(const Element& element) override {
    Line(element) += " encapsulated " + std::to_string(element.length) + "\n";
    return Status::Ok();
  }

  const std::string& text() const { return text_; }

  static std::string Hex(std::string_view bytes) {
    std::string hex;
    for (const char c : bytes) {
      constexpr char kDigits[] = "0123456789abcdef";
      hex.append({kDigits[static_cast<unsigned char>(c) >> 4], kDigits[c & 15]});
    }
    return hex;
  }

 private:
  std::string& Line(const Element& element) {
    return text_ += std::string(element.depth * 4, ' ') + ToHex(element.tag) + " " + std::string(element.vr.text());
  }

  std::string text_;
};

// The trace, or "!" and the message.
inline std::string TraceOf(Bytes file, Layout* layout = nullptr, const ReadLimits& limits = {}) {
  Trace trace;
  Inflated inflated;
  auto result = Read(file, limits, trace, &inflated);
  if (!result.ok()) return "!" + std::string(CodeName(result.status().code())) + ": " + result.status().message();
  if (layout != nullptr) *layout = *result;
  return trace.text();
}

}  // namespace hilum::dicom::testing
