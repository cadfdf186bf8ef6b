// How clients reach this server when reverse proxies stand in between: RFC 7239 `Forwarded`, or the older X-Forwarded-
// fields. Immutable or pure, thread-safe.
//
// Anyone can send these fields, and what they say ends up in URLs of answers that are cached and followed: they count
// only when the connection came from a proxy that the operator named.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "server/http/http.h"

namespace hilum::http {

class TrustedProxies {
 public:
  TrustedProxies() = default;  // nobody
  // Items are addresses ("10.1.2.3", "::1") and networks ("10.0.0.0/8", "fd00::/8"). kInvalid names the one that is
  // neither.
  static Result<TrustedProxies> Parse(const std::vector<std::string>& items);

  bool empty() const { return networks_.empty(); }
  // Of a literal address; what is none is not trusted.
  bool Contains(std::string_view address) const;

 private:
  using Address = std::array<uint8_t, 16>;  // IPv4 as ::ffff:a.b.c.d
  struct Network {
    Address address;
    int prefix_bits;
  };
  static bool ParseAddress(std::string_view text, Address* address);

  std::vector<Network> networks_;
};

// Sets `request.base_url`, and `request.peer` to the client behind the proxies. Of a chain of proxies the fields are
// believed from our side on as far as the trusted ones reach. Malformed fields are as good as absent ones.
void ResolveClient(const TrustedProxies& trusted, Request* request);

}  // namespace hilum::http
