// Character classes and small text functions of the HTTP grammar (RFC 9110 5.6). Pure, locale-free, thread-safe.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

#include "base/text.h"

namespace hilum::http {

// C0 controls and DEL; a tab counts.
constexpr bool IsControl(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
}

// RFC 9110 5.6.2.
constexpr bool IsTokenCharacter(char c) {
  return IsAlphanumeric(c) || (c != '\0' && std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos);
}

// A host with or without port (RFC 9110 7.2: uri-host [ ":" port ]); names and addresses are checked for their
// characters alone.
bool IsHostText(std::string_view text);

// An IPv4 or IPv6 address, without brackets.
bool IsAddressLiteral(const std::string& text);

}  // namespace hilum::http
