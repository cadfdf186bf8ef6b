#include "tests/bench/load/stow.h"

#include <chrono>
#include <cstdio>
#include <iostream>
#include <latch>
#include <thread>

#include "tests/bench/load/dicom_template.h"
#include "tests/bench/load/http_client.h"
#include "tests/bench/load/report.h"

namespace hilum::load {

namespace {

using SteadyClock = std::chrono::steady_clock;

const std::string kBoundary = "hilum-load-7d1c0e5b9a3f";
const std::string kPartHead = "\r\n--" + kBoundary + "\r\nContent-Type: application/dicom\r\n\r\n";
const std::string kEnd = "\r\n--" + kBoundary + "--\r\n";

iovec Piece(const std::string& text) {
  return {const_cast<char*>(text.data()), text.size()};
}

// One client's request, built once; the next instances are patched in place.
class Request {
 public:
  Request(const DicomTemplate& instance, const Url& url, const StowOptions& options, uint64_t client)
      : instance_(instance), options_(options), client_(client), headers_(options.batch, instance.header()) {
    const uint64_t part = kPartHead.size() + instance.bytes();
    head_ =
        "POST " + url.path + " HTTP/1.1\r\nHost: " + url.host + ":" + url.port +
        "\r\nContent-Type: multipart/related; type=\"application/dicom\"; boundary=" + kBoundary +
        "\r\nAccept: application/dicom+json\r\nContent-Length: " + std::to_string(options.batch * part + kEnd.size()) +
        "\r\n\r\n";
  }

  // The pieces of the next request; valid until the next call.
  std::vector<iovec> Next() {
    std::vector<iovec> pieces = {Piece(head_)};
    for (std::string& header : headers_) {
      const uint64_t series = next_ / options_.per_series;
      instance_.Patch({options_.run, client_, series / options_.per_study, series % options_.per_study,
                       next_ % options_.per_series},
                      &header);
      ++next_;
      pieces.insert(pieces.end(), {Piece(kPartHead), Piece(header), Piece(instance_.pixels())});
    }
    pieces.push_back(Piece(kEnd));
    return pieces;
  }

 private:
  const DicomTemplate& instance_;
  const StowOptions& options_;
  const uint64_t client_;
  std::string head_;
  std::vector<std::string> headers_;
  uint64_t next_ = 0;
};

// Sends what is left of a request and waits for the acknowledgement.
Status Exchange(Connection& connection, std::vector<iovec> pieces) {
  if (!connection.connected()) HILUM_RETURN_IF_ERROR(connection.Connect());
  const Status sent = connection.Send(&pieces);
  // A server that refuses early answers before it closes: that answer says more than the broken pipe.
  const auto response = connection.Receive();
  if (!response.ok()) return sent.ok() ? response.status() : sent;
  if (response->status == 200) return sent;
  return Unavailable("status " + std::to_string(response->status) + ": " + response->beginning);
}

void Count(const Status& outcome, SteadyClock::time_point start, uint64_t items, uint64_t bytes,
           Report::Figures* figures) {
  if (!outcome.ok()) {
    ++figures->failures;
    if (figures->first_failure.empty()) figures->first_failure = outcome.message();
    return;
  }
  figures->latencies_ms.push_back(std::chrono::duration<double, std::milli>(SteadyClock::now() - start).count());
  figures->items += items;
  figures->bytes += bytes;
}

StowOptions WithRun(StowOptions options) {
  if (options.run == 0)
    options.run = static_cast<uint64_t>(std::chrono::system_clock::now().time_since_epoch().count() / 1000);
  return options;
}

std::vector<std::pair<std::string, std::string>> Describe(const StowOptions& options, const DicomTemplate& instance) {
  return {{"clients", std::to_string(options.clients)},
          {"batch", std::to_string(options.batch)},
          {"instance_bytes", std::to_string(instance.bytes())}};
}

}  // namespace

Result<bool> RunStow(const StowOptions& given) {
  const StowOptions options = WithRun(given);
  HILUM_ASSIGN_OR_RETURN(const Url url, ParseUrl(options.url));
  const DicomTemplate instance(options.size);
  Report report;
  std::latch ready(static_cast<std::ptrdiff_t>(options.clients) + 1);
  std::vector<std::jthread> threads;
  for (uint64_t client = 0; client < options.clients; ++client) {
    threads.emplace_back([&, client] {
      Connection connection(url);
      Request request(instance, url, options, client);
      Report::Figures figures;
      connection.Connect().IgnoreError();  // the first exchange tries again and reports
      ready.arrive_and_wait();
      for (uint64_t i = 0; i < options.requests; ++i) {
        auto pieces = request.Next();
        const auto start = SteadyClock::now();
        const Status outcome = Exchange(connection, std::move(pieces));
        Count(outcome, start, options.batch, options.batch * instance.bytes(), &figures);
        if (!outcome.ok()) connection.Close();
      }
      report.Add(figures);
    });
  }
  ready.arrive_and_wait();
  const auto start = SteadyClock::now();
  threads.clear();
  report.Print("stow", "instances", Describe(options, instance), SteadyClock::now() - start);
  return !report.failed();
}

Result<bool> RunInflight(const StowOptions& given) {
  StowOptions options = WithRun(given);
  options.batch = 1;
  HILUM_ASSIGN_OR_RETURN(const Url url, ParseUrl(options.url));
  const DicomTemplate instance(options.total / options.clients);
  Report report;
  std::latch sent(static_cast<std::ptrdiff_t>(options.clients) + 1), go_on(1);
  std::vector<std::jthread> threads;
  for (uint64_t client = 0; client < options.clients; ++client) {
    threads.emplace_back([&, client] {
      Connection connection(url);
      Request request(instance, url, options, client);
      std::vector<iovec> pieces = request.Next();
      const iovec last = pieces.back();
      pieces.pop_back();
      Status begun = connection.Connect();
      if (begun.ok()) begun = connection.Send(&pieces);
      sent.count_down();
      go_on.wait();
      const auto start = SteadyClock::now();
      Report::Figures figures;
      Count(begun.ok() ? Exchange(connection, {last}) : begun, start, 1, instance.bytes(), &figures);
      report.Add(figures);
    });
  }
  sent.arrive_and_wait();
  std::printf("{\"op\":\"inflight\",\"held\":true,\"uploads\":%llu,\"bytes\":%llu}\n",
              static_cast<unsigned long long>(options.clients),
              static_cast<unsigned long long>(options.clients * instance.bytes()));
  std::fflush(stdout);
  std::string line;
  std::getline(std::cin, line);
  const auto start = SteadyClock::now();
  go_on.count_down();
  threads.clear();
  report.Print("inflight", "instances", Describe(options, instance), SteadyClock::now() - start);
  return !report.failed();
}

}  // namespace hilum::load
