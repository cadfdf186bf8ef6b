// A server on a free port of the loopback with the routes the tests talk to, and eyes on the process it runs in.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/metrics.h"
#include "base/random.h"
#include "server/http/server.h"
#include "tests/support/eventually.h"

namespace hilum::http {

class TestServer {
 public:
  // Routes of everybody: /inline, /hello (worker), /echo (body back, chunked), /mirror (what the server made of the
  // request).
  TestServer();
  ~TestServer();

  void Add(const std::string& path, Handler handler, uint64_t max_body_bytes = 16 * 1024 * 1024,
           bool inline_handler = false);
  void Start(ServerOptions options = {});

  uint16_t port() const { return server_->port(); }
  Server& server() { return *server_; }
  // The value of a series as /metrics would show it; 0 when there is none.
  uint64_t Metric(const std::string& series) const;

 private:
  std::map<std::string, Route, std::less<>> routes_;
  SystemClock clock_;
  SystemRandom random_;
  Registry metrics_;
  std::unique_ptr<Server> server_;
};

// Resident memory of this process in bytes.
uint64_t ResidentBytes();
// Open descriptors of this process.
size_t OpenDescriptors();
// Whether a new client gets an answer of /hello in the end.
bool AnswersInTheEnd(uint16_t port);
// HILUM_LONG_TESTS=1
bool LongTests();
// Reads a body to its end; nullopt on any error.
std::optional<std::string> ReadAll(BodyReader& body);

}  // namespace hilum::http
