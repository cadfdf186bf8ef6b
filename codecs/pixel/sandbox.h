// What a codec worker may do. Internal to codecs/pixel.
#pragma once

#include <cstdint>

#include "base/status.h"

namespace hilum::pixel {

// Takes away from this process, for good, what decoding does not need: core dumps, memory beyond `address_space`
// bytes, standard streams, and every system call but memory, time, futexes and the socket `descriptor`. A call that is
// refused fails with EPERM. One thread only. Sanitizer builds, which need more, keep memory, streams and calls.
Status EnterSandbox(int descriptor, uint64_t address_space);

// Ends the process by SIGXCPU once it has used `seconds` of CPU time more than now.
Status LimitCpu(uint64_t seconds);

}  // namespace hilum::pixel
