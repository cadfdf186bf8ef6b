// JSON text (RFC 8259), written piece by piece. Pure functions, thread-safe.
#pragma once

#include <string>
#include <string_view>

namespace hilum {

// Appends `text` as a JSON string, quotes included. Of text that is not UTF-8 each bad byte becomes U+FFFD.
void AppendJsonString(std::string_view text, std::string* out);

}  // namespace hilum
