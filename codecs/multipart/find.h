// Where some bytes occur for the first time. Of a large upload every byte goes through here.
#pragma once

#include "base/bytes.h"

namespace hilum::multipart {

// Bytes::npos when they do not. REQUIRES: `wanted` has two bytes or more.
size_t Find(Bytes text, Bytes wanted);

}  // namespace hilum::multipart
