// How far one name is from another, for "did you mean". Pure, thread-safe.
#pragma once

#include <cstddef>
#include <string_view>

namespace hilum {

// How many bytes must be put in, taken out or replaced to make `b` of `a`. Takes time and memory as their lengths
// multiplied and `b`: bound what comes from outside.
size_t EditDistance(std::string_view a, std::string_view b);

}  // namespace hilum
