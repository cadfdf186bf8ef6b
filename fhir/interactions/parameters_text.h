// The answer of an operation. Internal to fhir/interactions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "fhir/json/edits.h"

namespace hilum::fhir {

// Parameters, written from front to back.
class ParametersText {
 public:
  void Add(std::string_view name, std::string_view value_name, std::string_view value) {
    text_.append(text_.empty() || text_.ends_with('[') ? "{\"name\":\"" : ",{\"name\":\"").append(name).append("\",\"");
    text_.append(value_name).append("\":").append(value).append("}");
  }
  void AddText(std::string_view name, std::string_view text) { Add(name, "valueString", json::Quoted(text)); }
  void AddCount(std::string_view name, uint64_t count) {
    // An unsignedInt of FHIR ends at 2^31 - 1.
    Add(name, count <= INT32_MAX ? "valueUnsignedInt" : "valueDecimal", std::to_string(count));
  }
  void AddReference(std::string_view name, std::string_view reference) {
    Add(name, "valueReference", "{\"reference\":" + json::Quoted(reference) + "}");
  }
  void AddParts(std::string_view name, const ParametersText& parts) { Add(name, "part", "[" + parts.text_ + "]"); }
  // R4 has no empty lists.
  std::string Finish() const {
    const std::string list = text_.empty() ? "" : ",\"parameter\":[" + text_ + "]";
    return R"({"resourceType":"Parameters")" + list + "}";
  }

 private:
  std::string text_;
};

}  // namespace hilum::fhir
