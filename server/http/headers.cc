#include <algorithm>

#include "server/http/http.h"
#include "server/http/text.h"

namespace hilum::http {

void Headers::Set(std::string_view name, std::string value) {
  const auto same = [&](const auto& field) { return EqualsIgnoringCase(field.first, name); };
  const auto first = std::find_if(fields_.begin(), fields_.end(), same);
  if (first == fields_.end()) return Add(std::string(name), std::move(value));
  first->second = std::move(value);
  fields_.erase(std::remove_if(first + 1, fields_.end(), same), fields_.end());
}

std::optional<std::string_view> Headers::First(std::string_view name) const {
  for (const auto& [field, value] : fields_) {
    if (EqualsIgnoringCase(field, name)) return Trimmed(value);
  }
  return std::nullopt;
}

std::string Headers::Joined(std::string_view name) const {
  std::string joined;
  bool first = true;
  for (const auto& [field, value] : fields_) {
    if (!EqualsIgnoringCase(field, name)) continue;
    if (!first) joined += ", ";
    joined += Trimmed(value);
    first = false;
  }
  return joined;
}

std::string WarningOf(std::string_view text) {
  std::string warning = "299 hilum \"";
  for (const char c : text) warning.push_back(c < 0x20 || c >= 0x7F || c == '"' || c == '\\' ? '?' : c);
  return warning + '"';
}

}  // namespace hilum::http
