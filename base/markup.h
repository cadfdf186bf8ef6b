// Text in XML and HTML. Pure, thread-safe.
#pragma once

#include <string_view>

namespace hilum {

// What stands for a character that has a meaning in markup, also between double quotes; empty for any other.
constexpr std::string_view EntityOf(char c) {
  switch (c) {
    case '&':
      return "&amp;";
    case '<':
      return "&lt;";
    case '>':
      return "&gt;";
    case '"':
      return "&quot;";
    default:
      return "";
  }
}

}  // namespace hilum
