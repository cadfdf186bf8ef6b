// What all connections of one server share. Thread-safe as its parts are.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "base/memory_allowance.h"
#include "base/worker_pool.h"
#include "server/http/cors.h"
#include "server/http/forwarded.h"
#include "server/http/request_head.h"
#include "server/http/server.h"
#include "server/http/tls.h"

namespace hilum::http {

struct ServerMetrics {
  explicit ServerMetrics(Registry& registry);
  void CountAnswer(int status, double seconds);

  Gauge& connections;
  Counter& received_bytes;
  Counter& sent_bytes;
  Counter& overloaded;  // answered 503 by the server itself
  Counter& aborted;     // connections cut off inside an answer
  Histogram& seconds;

 private:
  Counter* by_class_[5];
};

enum class Mode : uint8_t { kServing, kDraining, kStopping };

struct ServerContext {
  ServerContext(ServerOptions server_options, RouteFinder route_finder, Clock& server_clock, Random& random,
                Registry& registry, Logger logger, TrustedProxies trusted_proxies, std::unique_ptr<Tls> server_tls);

  std::string NewRequestId();
  // Has a worker look for changed TLS files when that is due. Cheap; called by every tick.
  void CheckTlsFiles(Micros now);

  const ServerOptions options;
  const HeadLimits head_limits;
  const RouteFinder routes;
  Clock& clock;
  const Logger log;
  const Cors cors;
  const TrustedProxies proxies;
  ServerMetrics metrics;
  const std::unique_ptr<Tls> tls;  // null: plain
  std::atomic<Mode> mode{Mode::kServing};
  std::atomic<size_t> open_connections{0};
  MemoryAllowance unsent;
  WorkerPool pool;
  WorkerPool uploads;  // wait for their clients

 private:
  const std::string id_prefix_;
  std::atomic<uint64_t> next_id_{1};
  std::atomic<int64_t> next_tls_check_;
};

}  // namespace hilum::http
