#include "tests/bench/load/get.h"

#include <chrono>
#include <latch>
#include <thread>

#include "tests/bench/load/http_client.h"
#include "tests/bench/load/report.h"

namespace hilum::load {

namespace {

using SteadyClock = std::chrono::steady_clock;

Result<Response> Fetch(Connection& connection, const std::string& request) {
  if (!connection.connected()) HILUM_RETURN_IF_ERROR(connection.Connect());
  std::vector<iovec> pieces = {{const_cast<char*>(request.data()), request.size()}};
  HILUM_RETURN_IF_ERROR(connection.Send(&pieces));
  HILUM_ASSIGN_OR_RETURN(Response response, connection.Receive());
  if (response.status == 200 || response.status == 206) return response;
  return Unavailable("status " + std::to_string(response.status) + ": " + response.beginning);
}

}  // namespace

Result<bool> RunGet(const GetOptions& options) {
  if (options.urls.empty()) return Invalid("no URL to fetch");
  HILUM_ASSIGN_OR_RETURN(const Url server, ParseUrl(options.urls.front()));
  std::vector<std::string> requests;
  for (const std::string& text : options.urls) {
    HILUM_ASSIGN_OR_RETURN(const Url url, ParseUrl(text));
    requests.push_back("GET " + url.path + " HTTP/1.1\r\nHost: " + url.host + ":" + url.port +
                       "\r\nAccept: " + options.accept + "\r\n\r\n");
  }
  Report report;
  std::latch ready(static_cast<std::ptrdiff_t>(options.clients) + 1);
  std::vector<std::jthread> threads;
  for (uint64_t client = 0; client < options.clients; ++client) {
    threads.emplace_back([&, client] {
      Connection connection(server);
      Report::Figures figures;
      connection.Connect().IgnoreError();  // the first fetch tries again and reports
      ready.arrive_and_wait();
      const auto begin = SteadyClock::now();
      for (uint64_t i = 0; i < options.requests; ++i) {
        // Clients begin at different places, so that they do not fetch in step.
        const std::string& request = requests[(i + client * requests.size() / options.clients) % requests.size()];
        auto start = SteadyClock::now();
        if (options.rate > 0) {
          // Clients ask at different moments.
          const double turns =
              static_cast<double>(i) + static_cast<double>(client) / static_cast<double>(options.clients);
          const std::chrono::duration<double> due(turns / static_cast<double>(options.rate));
          start = begin + std::chrono::duration_cast<SteadyClock::duration>(due);
          std::this_thread::sleep_until(start);
        }
        const auto response = Fetch(connection, request);
        if (!response.ok()) {
          ++figures.failures;
          if (figures.first_failure.empty()) figures.first_failure = response.status().message();
          connection.Close();
          continue;
        }
        figures.latencies_ms.push_back(std::chrono::duration<double, std::milli>(SteadyClock::now() - start).count());
        figures.bytes += response->bytes;
        ++figures.items;
      }
      report.Add(figures);
    });
  }
  ready.arrive_and_wait();
  const auto start = SteadyClock::now();
  threads.clear();
  report.Print("get", "answers",
               {{"clients", std::to_string(options.clients)}, {"urls", std::to_string(options.urls.size())}},
               SteadyClock::now() - start);
  return !report.failed();
}

}  // namespace hilum::load
