// The colours of a picture reduced to those that a palette has room for. Pure function, thread-safe.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace hilum::pixel {

struct FewColours {
  std::vector<std::array<uint8_t, 3>> colours;  // at most 256
  std::string indices;                          // of each pixel
};

// Of RGB, 8 bits each: colours that are alike become one, their mean, until 256 are left; where most pixels differ most
// the most are kept. The two lowest bits of a channel do not tell colours apart.
FewColours ToFewColours(std::string_view rgb);

}  // namespace hilum::pixel
