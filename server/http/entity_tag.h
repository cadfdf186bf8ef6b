// Entity tags and the fields that list them (RFC 9110 8.8.3, 13.1). Pure functions.
#pragma once

#include <functional>
#include <string_view>

namespace hilum::http {

inline bool IsWeakTag(std::string_view tag) {
  return tag.starts_with("W/");
}

// Whether a list of tags, of the form of If-Match and If-None-Match, has one that `fits`; "*" always does. Tags come
// with their quotes and W/. What is no list of tags ends it.
bool AnyTag(std::string_view list, const std::function<bool(std::string_view)>& fits);

// The comparisons of RFC 9110 8.8.3.2.
inline bool EqualStrongly(std::string_view a, std::string_view b) {
  return a == b && !IsWeakTag(a);
}
inline bool EqualWeakly(std::string_view a, std::string_view b) {
  return a.substr(IsWeakTag(a) ? 2 : 0) == b.substr(IsWeakTag(b) ? 2 : 0);
}

}  // namespace hilum::http
