// The least a server on Pistache's Tcp layer can do: receive, look for the end of a header, send a fixed answer. No
// validation, no timeouts, no limits. What our server costs above this is the price of being one.
#pragma once

#include <cstdint>
#include <memory>

namespace hilum::http {

class BareSeam {
 public:
  virtual ~BareSeam() = default;
  virtual uint16_t port() const = 0;

  // Listens on a free port of the loopback with one event thread.
  static std::unique_ptr<BareSeam> Start();
};

}  // namespace hilum::http
