// Sample images for a first look: three small studies of phantoms, made by computation. The same on every machine and
// every time.
#pragma once

#include <functional>
#include <string>

#include "base/result.h"

namespace hilum {

// Calls `store` with each sample instance as Part 10 bytes; stops at its first error.
Status MakeDemoInstances(const std::function<Status(const std::string& part10)>& store);

}  // namespace hilum
