// Colour profiles (ICC.1) as data sets and pictures carry them. Internal to codecs/pixel. Pure functions, thread-safe.
#pragma once

#include <string>

#include "base/bytes.h"
#include "codecs/pixel/colour_space.h"  // ProfileOf

namespace hilum::pixel {

// The profile in a value of (0028,2000), without what pads it; empty when it is none of RGB colours. Only the header is
// looked at.
Bytes RgbProfileIn(Bytes value);

// Puts a profile into a JPEG file, as ICC.1 Annex B.4 wants it. One of more than 16 MB, which no file holds, is left
// out.
void AddProfile(Bytes profile, std::string* jpeg);

}  // namespace hilum::pixel
