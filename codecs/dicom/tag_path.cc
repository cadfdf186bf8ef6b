#include "codecs/dicom/tag_path.h"

namespace hilum::dicom {

std::optional<TagPath> ParseTagPath(std::string_view text) {
  TagPath path;
  while (true) {
    const size_t end = text.find('.');
    const std::string_view part = text.substr(0, end);
    if (const auto tag = ParseHexTag(part))
      path.push_back(*tag);
    else if (const DictionaryEntry* entry = FindKeyword(part))
      path.push_back(entry->tag);
    else
      return std::nullopt;
    if (end == std::string_view::npos) return path;
    text.remove_prefix(end + 1);
  }
}

std::string KeywordPath(const TagPath& path) {
  std::string text;
  for (const Tag tag : path) {
    const DictionaryEntry* entry = FindTag(tag);
    text.append(text.empty() ? "" : ".").append(entry ? std::string(entry->keyword) : ToHex(tag));
  }
  return text;
}

}  // namespace hilum::dicom
