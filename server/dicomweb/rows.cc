#include "server/dicomweb/rows.h"

#include "codecs/dicom/json.h"

namespace hilum::dicomweb {
namespace {

void AppendCsvField(std::string_view text, std::string* out) {
  // A leading formula character would be executed by spreadsheets; the apostrophe makes it text.
  const bool formula = !text.empty() && std::string_view("=+-@").find(text[0]) != std::string_view::npos;
  const bool quoted = formula || text.find_first_of(",\"\r\n") != std::string_view::npos;
  if (!quoted) {
    out->append(text);
    return;
  }
  out->push_back('"');
  if (formula) out->push_back('\'');
  for (const char c : text) out->append(c == '"' ? 2 : 1, c);
  out->push_back('"');
}

}  // namespace

void Row::Add(dicom::Tag tag, dicom::Vr vr, std::vector<std::string> values) {
  members_[tag] = {vr, std::move(values), ""};
}

void Row::AddJson(dicom::Tag tag, std::string attribute_object) {
  members_[tag] = {dicom::Vr("SQ"), {}, std::move(attribute_object)};
}

void Row::Add(const storage::KeptAttribute& kept) {
  if (kept.path.size() != 1) return;
  if (kept.vr == dicom::Vr("SQ") && !kept.json.empty())
    AddJson(kept.path[0], kept.json);
  else
    Add(kept.path[0], kept.vr, kept.values);
}

void Row::AddIfMissing(dicom::Tag tag) {
  const dicom::DictionaryEntry* const entry = dicom::FindTag(tag);
  if (entry != nullptr) members_.try_emplace(tag, Member{.vr = entry->vr, .values = {}, .json = ""});
}

void Row::CopyFrom(const Row& other, dicom::Tag tag) {
  const auto found = other.members_.find(tag);
  if (found != other.members_.end()) members_.emplace(tag, found->second);
}

void Row::AppendJson(std::string* out) const {
  out->push_back('{');
  for (const auto& [tag, member] : members_) {
    if (out->back() != '{') out->push_back(',');
    out->append("\"").append(dicom::ToHex(tag)).append("\":");
    if (member.json.empty())
      dicom::AppendAttributeJson(member.vr, member.values, out);
    else
      out->append(member.json);
  }
  out->push_back('}');
}

std::string Row::Text(dicom::Tag tag) const {
  std::string text;
  const auto member = members_.find(tag);
  if (member == members_.end()) return text;
  for (const std::string& value : member->second.values) {
    if (&value != &member->second.values.front()) text.push_back('\\');
    text.append(value);
  }
  return text;
}

void Row::CollectTags(std::map<dicom::Tag, std::string>* names) const {
  for (const auto& [tag, member] : members_) {
    if (member.vr == dicom::Vr("SQ") || names->contains(tag)) continue;
    const dicom::DictionaryEntry* entry = dicom::FindTag(tag);
    (*names)[tag] = entry ? std::string(entry->keyword) : dicom::ToHex(tag);
  }
}

std::string JsonOf(const std::vector<Row>& rows) {
  std::string out = "[";
  for (const Row& row : rows) {
    if (out.size() > 1) out.push_back(',');
    row.AppendJson(&out);
  }
  out.push_back(']');
  return out;
}

std::string CsvOf(const std::vector<Row>& rows, const Row& least) {
  std::map<dicom::Tag, std::string> columns;
  least.CollectTags(&columns);
  for (const Row& row : rows) row.CollectTags(&columns);
  std::string out;
  const auto append_line = [&](const auto& text_of) {
    bool first = true;
    for (const auto& [tag, name] : columns) {
      if (!first) out.push_back(',');
      first = false;
      AppendCsvField(text_of(tag, name), &out);
    }
    out.append("\r\n");
  };
  append_line([](dicom::Tag, const std::string& name) { return name; });
  for (const Row& row : rows) append_line([&](dicom::Tag tag, const std::string&) { return row.Text(tag); });
  return out;
}

}  // namespace hilum::dicomweb
