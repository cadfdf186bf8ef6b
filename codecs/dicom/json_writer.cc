#include "codecs/dicom/json_writer.h"

#include <algorithm>
#include <charconv>

#include "base/base64.h"
#include "base/json_text.h"
#include "codecs/dicom/bulk.h"
#include "codecs/dicom/byte_order.h"
#include "codecs/dicom/values.h"

namespace hilum::dicom {
namespace {

// Whether a whole number is a double exactly, and so survives every JSON reader.
bool IsExactDouble(std::string_view digits) {
  if (digits.starts_with('-')) digits.remove_prefix(1);
  uint64_t magnitude = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), magnitude);
  return magnitude <= uint64_t{1} << 53;
}

void AppendVr(Vr vr, std::string* out) {
  const char text[] = {'{', '"', 'v', 'r', '"', ':', '"', vr.a, vr.b, '"'};
  out->append(text, sizeof(text));
}

void AppendPersonName(std::string_view name, std::string* out) {
  constexpr std::string_view kGroups[] = {"Alphabetic", "Ideographic", "Phonetic"};
  const size_t begin = out->size();
  for (int i = 0; i < 3; ++i) {
    const size_t end = i < 2 ? std::min(name.find('='), name.size()) : name.size();
    if (const std::string_view group = TrimPadding("PN", name.substr(0, end)); !group.empty()) {
      out->append(out->size() == begin ? "{\"" : ",\"").append(kGroups[i]).append("\":");
      AppendJsonString(group, out);
    }
    if (end == name.size()) break;
    name.remove_prefix(end + 1);
  }
  out->append(out->size() == begin ? "null" : "}");
}

enum class TextForm : uint8_t { kString, kNumber, kPersonName };

TextForm FormOf(Vr vr) {
  if (vr == Vr("PN")) return TextForm::kPersonName;
  const bool numeric = vr == Vr("DS") || vr == Vr("IS") || (vr.is_binary_number() && vr != Vr("AT"));
  return numeric ? TextForm::kNumber : TextForm::kString;
}

void AppendTextValue(TextForm form, std::string_view value, std::string* out) {
  if (value.empty()) {
    out->append("null");
  } else if (form == TextForm::kPersonName) {
    AppendPersonName(value, out);
  } else if (form != TextForm::kNumber || !AppendJsonNumber(value, out)) {
    AppendJsonString(value, out);
  }
}

}  // namespace

bool IsByReference(const Element& written, uint64_t inline_binary_bytes) {
  if (IsEncoding(written.tag) || written.length == 0) return false;
  const Vr vr = WithKnownVr(written).vr;
  if (vr.is_text() || vr.is_binary_number()) return false;
  return IsPixelData(written.tag) || written.length > inline_binary_bytes;
}

void AppendTextAttribute(Vr vr, std::string_view text, std::string* out) {
  AppendVr(vr, out);
  const TextForm form = FormOf(vr);
  bool any = false;
  ForEachValue(vr, text, [&](std::string_view value) {
    out->append(any ? "," : ",\"Value\":[");
    any = true;
    AppendTextValue(form, value, out);
  });
  out->append(any ? "]}" : "}");
}

void AppendAttributeJson(Vr vr, std::span<const std::string> values, std::string* out) {
  AppendVr(vr, out);
  for (size_t i = 0; i < values.size(); ++i) {
    out->append(i > 0 ? "," : ",\"Value\":[");
    AppendTextValue(FormOf(vr), values[i], out);
  }
  out->append(values.empty() ? "}" : "]}");
}

void JsonWriter::BeginObject() {
  if (!sequences_.empty()) out_->append(sequences_.back().items++ == 0 ? ",\"Value\":[" : ",");
  out_->push_back('{');
  objects_.push_back({.begin = out_->size(), .first_member = members_.size()});
}

void JsonWriter::EndObject() {
  const Object object = objects_.back();
  objects_.pop_back();
  if (!object.sorted) SortMembers(object);
  members_.resize(object.first_member);
  out_->push_back('}');
}

void JsonWriter::SortMembers(const Object& object) {
  const auto begin = members_.begin() + object.first_member;
  const auto by_tag = [](const Member& a, const Member& b) { return a.tag < b.tag; };
  std::stable_sort(begin, members_.end(), by_tag);
  const auto end = std::unique(begin, members_.end(), [](const Member& a, const Member& b) { return a.tag == b.tag; });
  std::string sorted;
  for (auto member = begin; member != end; ++member) {
    if (member != begin) sorted.push_back(',');
    sorted.append(*out_, member->begin, member->end - member->begin);
  }
  out_->replace(object.begin, std::string::npos, sorted);
}

void JsonWriter::BeginMember(Tag tag) {
  if (objects_.empty()) return;
  Object& object = objects_.back();
  if (members_.size() > object.first_member) {
    if (tag <= members_.back().tag) object.sorted = false;
    out_->push_back(',');
  }
  members_.push_back({.tag = tag, .begin = out_->size(), .end = 0});
  char name[] = "\"00000000\":";
  WriteHex(tag, name + 1);
  out_->append(name, sizeof(name) - 1);
}

void JsonWriter::EndMember(bool keep) {
  if (objects_.empty()) return;
  if (keep) {
    members_.back().end = out_->size();
    return;
  }
  const bool first = members_.size() == objects_.back().first_member + 1;
  out_->resize(members_.back().begin - (first ? 0 : 1));
  members_.pop_back();
}

void JsonWriter::BeginSequence(Tag tag) {
  BeginMember(tag);
  AppendVr("SQ", out_);
  sequences_.push_back({.tag = tag});
}

void JsonWriter::EndSequence() {
  out_->append(sequences_.back().items == 0 ? "}" : "]}");
  sequences_.pop_back();
  EndMember(/*keep=*/true);
}

void JsonWriter::AddElement(const Element& element, const Charset& charset) {
  if (IsEncoding(element.tag)) return;
  BeginMember(element.tag);
  EndMember(AppendAttribute(element, charset));
}

void JsonWriter::AddEncapsulated(const Element& element) {
  BeginMember(element.tag);
  EndMember(AppendBulk(element, /*by_reference=*/true));
}

bool JsonWriter::AppendAttribute(const Element& written, const Charset& charset) {
  const Element element = WithKnownVr(written);
  if (element.vr.is_text()) {
    AppendTextAttribute(element.vr, TextOf(element, charset, decoder_, &text_), out_);
    return true;
  }
  if (element.vr.is_binary_number()) {
    AppendNumbers(element);
    return true;
  }
  return AppendBulk(element, IsByReference(written, options_.inline_binary_bytes));
}

void JsonWriter::AppendNumbers(const Element& element) {
  AppendVr(element.vr, out_);
  const size_t count = element.length / element.vr.number_size();
  const bool wide = element.vr == Vr("UV") || element.vr == Vr("SV");
  for (size_t i = 0; i < count; ++i) {
    out_->append(i == 0 ? ",\"Value\":[" : ",");
    const size_t begin = out_->size();
    AppendNumber(element, i, out_);
    const std::string_view number = std::string_view(*out_).substr(begin);
    const bool is_word = number.back() > '9';  // "NaN", "Infinity"
    if (element.vr == Vr("AT") || is_word || (wide && !IsExactDouble(number))) {
      out_->insert(begin, 1, '"');
      out_->push_back('"');
    }
  }
  out_->append(count == 0 ? "}" : "]}");
}

bool JsonWriter::AppendBulk(const Element& element, bool by_reference) {
  if (element.length == 0) {
    AppendVr(element.vr, out_);
  } else if (by_reference) {
    if (!options_.bulk_data_uri) return false;
    AppendVr(element.vr, out_);
    out_->append(",\"BulkDataURI\":");
    AppendJsonString(options_.bulk_data_uri(Path(element.tag)), out_);
  } else {
    AppendVr(element.vr, out_);
    out_->append(",\"InlineBinary\":\"");
    AppendBase64(element.reversed > 1 ? LittleEndian(element.value, element.reversed) : element.value, out_);
    out_->push_back('"');
  }
  out_->push_back('}');
  return true;
}

std::string JsonWriter::Path(Tag tag) const {
  std::string path;
  for (const Sequence& sequence : sequences_) {
    path.append(ToHex(sequence.tag)).append("/").append(std::to_string(sequence.items - 1)).append("/");
  }
  return path + ToHex(tag);
}

}  // namespace hilum::dicom
