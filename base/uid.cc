#include "base/uid.h"

#include <algorithm>

#include "base/text.h"

namespace hilum {

bool IsValidUid(std::string_view uid) {
  if (uid.empty() || uid.size() > kMaxUidLength) return false;
  size_t component = 0;  // digits seen of the current component
  bool zero_first = false;
  for (const char c : uid) {
    if (c == '.') {
      if (component == 0) return false;
      component = 0;
      continue;
    }
    if (!IsDigit(c)) return false;
    if (component == 0) zero_first = c == '0';
    if (component > 0 && zero_first) return false;
    ++component;
  }
  return component > 0;
}

bool IsStorableUid(std::string_view uid) {
  return uid.size() <= kMaxUidLength && std::ranges::any_of(uid, IsDigit) &&
         std::ranges::all_of(uid, [](char c) { return IsDigit(c) || c == '.'; });
}

}  // namespace hilum
