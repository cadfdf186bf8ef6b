// What an error means over HTTP (RFC 9110 15). Pure.
#pragma once

#include "base/status.h"

namespace hilum {

// kUnsupported, well formed but not done here, is 400: services that mean media types by it say 406 themselves.
inline int HttpStatusOf(Code code) {
  switch (code) {
    case Code::kOk:
      return 200;
    case Code::kInvalid:
    case Code::kUnsupported:
      return 400;
    case Code::kNotFound:
      return 404;
    case Code::kConflict:
      return 409;
    case Code::kLimit:
      return 413;
    case Code::kDiskFull:
      return 507;
    case Code::kUnavailable:
      return 503;
    case Code::kCancelled:
    case Code::kCorruption:
    case Code::kIo:
    case Code::kInternal:
      return 500;
  }
  return 500;
}

}  // namespace hilum
