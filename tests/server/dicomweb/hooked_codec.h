#pragma once

#include <functional>
#include <utility>

#include "codecs/pixel/codec.h"

namespace hilum::testing {

// Does something before it decodes a frame.
class HookedCodec : public pixel::LocalCodec {
 public:
  explicit HookedCodec(std::function<void()> hook) : hook_(std::move(hook)) {}
  Result<pixel::Image> Decode(std::string_view transfer_syntax, Bytes frame, const pixel::FrameFormat& expected,
                              const pixel::DecodeOptions& options) override {
    hook_();
    return LocalCodec::Decode(transfer_syntax, frame, expected, options);
  }

 private:
  std::function<void()> hook_;
};

}  // namespace hilum::testing
