#include "server/http/server_context.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace hilum::http {

ServerMetrics::ServerMetrics(Registry& registry)
    : connections(registry.gauge("hilum_http_connections", "Open client connections")),
      received_bytes(registry.counter("hilum_http_received_bytes_total", "Bytes received from clients")),
      sent_bytes(registry.counter("hilum_http_sent_bytes_total", "Bytes sent to clients")),
      overloaded(registry.counter("hilum_http_overloaded_total", "Requests and connections refused with 503")),
      aborted(registry.counter("hilum_http_aborted_total", "Connections cut off inside an exchange")),
      seconds(registry.histogram("hilum_http_request_seconds", "Time from the request header to the end of the handler",
                                 RequestSeconds())) {
  static constexpr std::array<const char*, 5> kClasses = {"1xx", "2xx", "3xx", "4xx", "5xx"};
  for (size_t i = 0; i < kClasses.size(); ++i) {
    by_class_[i] = &registry.counter("hilum_http_requests_total", "Answers by status class", {{"class", kClasses[i]}});
  }
}

void ServerMetrics::CountAnswer(int status, double elapsed) {
  by_class_[std::clamp(status / 100, 1, 5) - 1]->Add();
  seconds.Observe(elapsed);
}

ServerContext::ServerContext(ServerOptions server_options, RouteFinder route_finder, Clock& server_clock,
                             Random& random, Registry& registry, Logger logger, TrustedProxies trusted_proxies,
                             std::unique_ptr<Tls> server_tls)
    : options(std::move(server_options)),
      head_limits{options.max_header_bytes, options.max_header_fields, options.max_header_bytes / 2},
      routes(std::move(route_finder)),
      clock(server_clock),
      log(std::move(logger)),
      cors(options.cors_origins),
      proxies(std::move(trusted_proxies)),
      metrics(registry),
      tls(std::move(server_tls)),
      unsent(options.unsent_bytes),
      pool("http", options.worker_threads, options.worker_queue),
      uploads("http-upload", options.upload_threads, options.worker_queue),
      id_prefix_(random.Hex(3)),
      next_tls_check_((clock.Monotonic() + options.tls.reload_check).count()) {}

// Short enough to live inside a std::string without an allocation.
std::string ServerContext::NewRequestId() {
  std::array<char, 24> text;
  const uint64_t number = next_id_.fetch_add(1, std::memory_order_relaxed);
  const auto [end, error] = std::to_chars(text.data(), text.data() + text.size(), number, 36);
  std::string id = id_prefix_;
  id.append("-").append(text.data(), end);
  return id;
}

void ServerContext::CheckTlsFiles(Micros now) {
  if (!tls || options.tls.reload_check.count() == 0) return;
  int64_t due = next_tls_check_.load(std::memory_order_relaxed);
  if (now.count() < due) return;
  if (!next_tls_check_.compare_exchange_strong(due, (now + options.tls.reload_check).count())) return;
  // An overloaded pool looks at the next check.
  pool.TrySubmit([this] {
    const Result<bool> read = tls->ReloadIfChanged();
    if (!read.ok())
      log.Error("changed TLS files are not usable, the old ones stay", {{"reason", read.status().message()}});
    else if (*read)
      log.Info("changed TLS files are in use");
  });
}

}  // namespace hilum::http
