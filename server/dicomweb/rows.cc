#include "server/dicomweb/rows.h"

#include <charconv>
#include <utility>

#include "codecs/dicom/json.h"

namespace hilum::dicomweb {
namespace {

bool IsNumber(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

void AppendCsvField(std::string_view text, bool numeric, std::string* out) {
  // A leading formula character would be executed by spreadsheets, where it is not the sign of a number; the apostrophe
  // makes it text.
  const bool formula =
      !text.empty() && std::string_view("=+-@").find(text[0]) != std::string_view::npos && !numeric && !IsNumber(text);
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

std::string JoinedByBackslash(const std::vector<std::string>& values) {
  std::string text;
  const char* separator = "";
  for (const std::string& value : values) text.append(std::exchange(separator, "\\")).append(value);
  return text;
}

}  // namespace

void Row::Add(dicom::Tag tag, dicom::Vr vr, std::vector<std::string> values) {
  members_[tag] = {vr, std::move(values), ""};
}

void Row::AddJson(dicom::Tag tag, dicom::Vr vr, std::string attribute_object) {
  members_[tag] = {vr, {}, std::move(attribute_object)};
}

void Row::Add(const storage::KeptAttribute& kept) {
  if (kept.path.size() != 1) return;
  if (kept.vr == dicom::Vr("SQ") && !kept.json.empty())
    AddJson(kept.path[0], kept.vr, kept.json);
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

void CsvTable::AddColumnsOf(const Row& row) {
  for (const auto& [tag, member] : row.members_) {
    if (member.vr == dicom::Vr("SQ") || !member.json.empty() || columns_.contains(tag)) continue;
    const dicom::DictionaryEntry* const entry = dicom::FindTag(tag);
    columns_.emplace(tag, entry ? std::string(entry->keyword) : dicom::ToHex(tag));
  }
}

void CsvTable::AppendHead(std::string* out) const {
  const char* separator = "";
  for (const auto& [tag, name] : columns_) {
    out->append(std::exchange(separator, ","));
    AppendCsvField(name, /*numeric=*/false, out);
  }
  out->append("\r\n");
}

void CsvTable::AppendLine(const Row& row, std::string* out) const {
  const char* separator = "";
  for (const auto& [tag, name] : columns_) {
    out->append(std::exchange(separator, ","));
    const auto member = row.members_.find(tag);
    if (member != row.members_.end()) {
      const dicom::Vr vr = member->second.vr;
      const bool numeric = vr.is_binary_number() || vr == dicom::Vr("DS") || vr == dicom::Vr("IS");
      AppendCsvField(JoinedByBackslash(member->second.values), numeric, out);
    }
  }
  out->append("\r\n");
}

}  // namespace hilum::dicomweb
