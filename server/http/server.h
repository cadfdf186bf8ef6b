// The listening HTTP server: Pistache's Tcp layer for accepting and event loops, our own connections above it.
//
// Thread safety: Start and Stop from one thread; the rest from any. Handlers run on bounded worker pools, never on an
// event loop, except those of routes marked `inline_handler`.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/random.h"
#include "server/http/http.h"

namespace hilum::http {

struct TlsOptions {
  std::string certificate_file;  // PEM chain; TLS is on when this is not empty
  std::string key_file;          // PEM
  // Further certificates chosen by server name (SNI): files of the same form.
  struct Named {
    std::string server_name;
    std::string certificate_file;
    std::string key_file;
  };
  std::vector<Named> named;
  std::string client_ca_file;  // PEM; empty: no client certificate is asked for
  bool require_client_certificate = false;
  std::chrono::seconds reload_check{10};  // how often changed files are looked for; 0: only on ReloadTls()
};

// A body of the server's own answers.
struct ErrorBody {
  std::string content_type;
  std::string text;
};
// Who writes it; nullopt: {"error": reason}. Of a request that could not be read there is no method, and its path may
// be cut short or empty. Called on event loops and workers: must be quick.
using ErrorWriter = std::function<std::optional<ErrorBody>(std::string_view method, std::string_view path, int status,
                                                           std::string_view reason)>;

struct ServerOptions {
  std::string address = "127.0.0.1";
  uint16_t port = 0;  // 0: any free one
  size_t event_threads = 1;
  size_t worker_threads = 64;           // requests handled at a time whose body is there when the header is
  size_t upload_threads = 64;           // and those whose body is still to come: slow ones hold up one another alone
  size_t worker_queue = 1024;           // more waiting requests of either kind are answered 503 + Retry-After
  size_t max_connections = 10000;       // further ones are answered 503 and closed
  size_t max_header_bytes = 32 * 1024;  // request line + header fields: 431 beyond
  size_t max_header_fields = 128;
  size_t write_buffer_bytes = 1024 * 1024;           // unsent bytes of memory per connection before Write waits
  uint64_t unsent_bytes = 256 << 20;                 // of longer bodies given to Send, of all connections; else 503
  std::chrono::milliseconds unsent_timeout{1'000};   // how long Send waits for room there
  std::chrono::milliseconds header_timeout{10'000};  // from the first byte of a request to the end of its header: 408
  std::chrono::milliseconds body_timeout{30'000};    // without any body byte: 408 or abort
  uint64_t body_bytes_per_second = 1024;             // on average after body_timeout: 408 or abort below; 0: any
  std::chrono::milliseconds write_timeout{60'000};   // without the client taking any byte: abort
  std::chrono::milliseconds idle_timeout{75'000};    // keep-alive connection without a request: close
  TlsOptions tls;
  // scheme://host[:port][/prefix] that clients reach us by; empty: what their request says, or the proxies before us.
  std::string public_url;
  // Beginnings of paths, whole segments, that stand for others: {"/v1", "/dicom-web"}. The first that fits.
  std::vector<std::pair<std::string, std::string>> path_aliases;
  // Addresses and networks whose Forwarded and X-Forwarded- fields are believed.
  std::vector<std::string> trusted_proxies;
  // Origins allowed by CORS; "*" for any; empty: none. Preflights are answered by the server itself.
  std::vector<std::string> cors_origins;
  size_t compress_min_bytes = 1024;
  ErrorWriter error_body;
};

struct Route {
  uint64_t max_body_bytes = 16 * 1024 * 1024;  // 413 beyond; UINT64_MAX: no limit
  bool inline_handler = false;  // runs on the event loop: must not block, read a body or write more than a few kB
  Handler handler;
};

// Chooses the route from method and path before the body is read. Called on the event loop: must be quick and must not
// block.
using RouteFinder = std::function<const Route*(std::string_view method, std::string_view path)>;  // nullptr: 404

class Server {
 public:
  // Binds an IPv4 or IPv6 literal (or "localhost"), listens, serves. From then on the process ignores SIGPIPE, unless
  // it handles it. kIo when the address cannot be bound, kInvalid for unusable TLS files (naming the file) or proxies
  // that are no addresses. The results of `routes` must stay valid as long as the server. `clock`, `random` and
  // `metrics` outlive the server.
  static Result<std::unique_ptr<Server>> Start(ServerOptions options, RouteFinder routes, Clock& clock, Random& random,
                                               Registry& metrics, Logger log);
  virtual ~Server() = default;

  virtual uint16_t port() const = 0;
  // Reads the TLS files again; the old ones stay in use when the new ones are unusable.
  virtual Status ReloadTls() = 0;
  // Stops accepting, lets running exchanges finish for at most `grace`, closes idle connections at once, then stops.
  virtual void Stop(std::chrono::milliseconds grace) = 0;
};

}  // namespace hilum::http
