// Memory for what is made of instances and not sent yet, of all requests together. Safe for concurrent use.
#pragma once

#include <chrono>
#include <memory>

#include "base/memory_allowance.h"
#include "base/result.h"

namespace hilum::dicomweb {

struct MadeMemory {
  MemoryAllowance allowance;
  std::chrono::milliseconds timeout;  // of those who wait for room

  // Room for one frame or picture of an answer that is not begun, and for making it. kUnavailable when others, whose
  // clients read slowly, do not give it back in time.
  Result<std::unique_ptr<MemoryAllowance::Share>> ForFrame(uint64_t bytes) {
    auto share = std::make_unique<MemoryAllowance::Share>(&allowance);
    if (share->GrowTo(bytes, timeout)) return share;
    return Unavailable(
        "frames and pictures made for other clients take all the memory there is for them; try again later");
  }
};

}  // namespace hilum::dicomweb
