// hilum_load: load on a DICOMweb server, measured. Every run prints one JSON line, so that scripts compute ratios
// between servers.
//
//   hilum_load stow --url http://127.0.0.1:8042/dicom-web/studies --clients 8 --requests 200 --size 516KiB
//   hilum_load get --clients 8 --requests 1000 --accept image/jpeg URL...     ('@FILE' reads URLs from a file, one a
//   line) hilum_load inflight --clients 64 --total 4GiB                             (holds until a line comes on
//   standard input)
#include <cstdio>
#include <fstream>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/config/config.h"
#include "tests/bench/load/get.h"
#include "tests/bench/load/stow.h"

namespace {

using hilum::Config;
using hilum::Result;
using hilum::Setting;
using hilum::load::GetOptions;
using hilum::load::StowOptions;

using Arguments = std::span<const char* const>;

constexpr const char* kNoEnvironment[] = {nullptr};

Config StowConfig(StowOptions* options) {
  return Config({
      Setting("url", &options->url, "Where instances are posted."),
      Setting("clients", &options->clients, "Connections, each with a thread.", "", 1, 9000),
      Setting("requests", &options->requests, "Requests of each client."),
      Setting::Size("size", &options->size, "Bytes of an instance, about."),
      Setting("batch", &options->batch, "Instances of one request.", "", 1),
      Setting("per_series", &options->per_series, "Instances of a series.", "", 1),
      Setting("per_study", &options->per_study, "Series of a study.", "", 1),
      Setting("run", &options->run, "Number that makes the UIDs; 0 takes the clock."),
      Setting::Size("total", &options->total, "Bytes of all held uploads together (inflight)."),
  });
}

Result<bool> Stow(Arguments arguments) {
  StowOptions options;
  HILUM_ASSIGN_OR_RETURN(const auto rest, StowConfig(&options).Parse(arguments, kNoEnvironment));
  if (!rest.empty()) return hilum::Invalid("unexpected argument: " + rest.front());
  return RunStow(options);
}

Result<bool> Inflight(Arguments arguments) {
  StowOptions options;
  HILUM_ASSIGN_OR_RETURN(const auto rest, StowConfig(&options).Parse(arguments, kNoEnvironment));
  if (!rest.empty()) return hilum::Invalid("unexpected argument: " + rest.front());
  return RunInflight(options);
}

Result<bool> Get(Arguments arguments) {
  GetOptions options;
  Config config({
      Setting("accept", &options.accept, "The Accept field."),
      Setting("clients", &options.clients, "Connections, each with a thread.", "", 1),
      Setting("requests", &options.requests, "Requests of each client."),
      Setting("rate", &options.rate, "Requests a second of each client; 0: one after the other."),
  });
  HILUM_ASSIGN_OR_RETURN(const auto urls, config.Parse(arguments, kNoEnvironment));
  for (const std::string& url : urls) {
    if (!url.starts_with('@')) {
      options.urls.push_back(url);
      continue;
    }
    std::ifstream in(url.substr(1));
    if (!in.is_open()) return hilum::NotFound("no such file: " + url.substr(1));
    for (std::string line; std::getline(in, line);) {
      if (!line.empty()) options.urls.push_back(line);
    }
  }
  return RunGet(options);
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view command = argc > 1 ? argv[1] : "";
  const Arguments arguments(argv + std::min(argc, 2), argv + argc);
  const auto run = command == "stow" ? Stow : command == "get" ? Get : command == "inflight" ? Inflight : nullptr;
  if (run == nullptr) {
    std::fprintf(stderr, "usage: hilum_load stow|get|inflight [--flags] [URL...]\n");
    return 2;
  }
  const auto outcome = run(arguments);
  if (!outcome.ok()) {
    std::fprintf(stderr, "hilum_load: %s\n", outcome.status().message().c_str());
    return 2;
  }
  return *outcome ? 0 : 1;
}
