// Starts our server (routes /inline, /pool, and with an argument /file) and the bare seam under it, prints their URLs
// and serves until its input ends or a signal comes, so that a load generator can compare them in one run:
//   http_hello_bench [file to serve]
#include <csignal>
#include <cstdio>
#include <iostream>
#include <string>

#include "base/clock.h"
#include "base/disk.h"
#include "base/metrics.h"
#include "base/random.h"
#include "server/http/server.h"
#include "tests/bench/http/bare_seam.h"

namespace {

using namespace hilum;        // NOLINT: a program of one file
using namespace hilum::http;  // NOLINT

// What cannot be sent belongs to a client that left.
void Hello(Request&, Responder& out) {
  out.Send(200, {{"Content-Type", "text/plain"}}, "hello").IgnoreError();
}

Route FileRoute(const std::shared_ptr<File>& file, uint64_t size) {
  const auto serve = [=](Request&, Responder& out) {
    if (out.Head(200, {{"Content-Type", "application/octet-stream"}}, size).ok() &&
        out.WriteFile({file, 0, size}).ok()) {
      out.Finish().IgnoreError();
    }
  };
  return Route{0, false, serve};
}

int Fail(const Status& status) {
  std::cerr << status.message() << "\n";
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  const Route inline_route{0, true, Hello};
  const Route pool_route{0, false, Hello};
  Route file_route;
  if (argc > 1) {
    PosixDisk disk;
    auto file = disk.Open(argv[1], OpenMode::kRead);
    if (!file.ok()) return Fail(file.status());
    const auto size = (*file)->Size();
    if (!size.ok()) return Fail(size.status());
    file_route = FileRoute(*file, *size);
  }
  const auto routes = [&](std::string_view, std::string_view path) -> const Route* {
    if (path == "/inline") return &inline_route;
    if (path == "/pool") return &pool_route;
    return path == "/file" && file_route.handler ? &file_route : nullptr;
  };
  SystemClock clock;
  SystemRandom random;
  Registry metrics;
  const auto server = Server::Start({}, routes, clock, random, metrics, Logger());
  if (!server.ok()) return Fail(server.status());
  const auto bare = BareSeam::Start();
  std::printf(
      "inline http://127.0.0.1:%u/inline\npool http://127.0.0.1:%u/pool\nfile http://127.0.0.1:%u/file\nbare "
      "http://127.0.0.1:%u/\n",
      (*server)->port(), (*server)->port(), (*server)->port(), bare->port());
  std::fflush(stdout);
  std::string line;
  while (std::getline(std::cin, line)) {
  }
  (*server)->Stop(std::chrono::seconds(1));
  return 0;
}
