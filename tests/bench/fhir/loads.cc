#include "tests/bench/fhir/loads.h"

#include <simdjson.h>

#include <atomic>
#include <ctime>
#include <filesystem>
#include <fstream>

#include "pipelines/fhir_import/import.h"
#include "tests/bench/fhir/population.h"
#include "tests/bench/fhir/report.h"
#include "tests/fhir/support/examples.h"

namespace hilum::bench {
namespace {

constexpr int kLoaders = 2;
constexpr uint64_t kBatch = 5000;
constexpr int kClients = 32;
// Bundles of hospitals and practitioners; their file names come first.
constexpr size_t kReferredTo = 2;

// Hands out 0..count-1, each once.
class Turns {
 public:
  explicit Turns(uint64_t count) : count_(count) {}
  bool Take(uint64_t* turn) {
    *turn = next_.fetch_add(1);
    return *turn < count_;
  }

 private:
  const uint64_t count_;
  std::atomic<uint64_t> next_{0};
};

// Wall time, and the processor time of all threads, compactions included.
struct Cost {
  double seconds = 0;
  double cpu_seconds = 0;
};
Cost Measure(int threads, const std::function<void(int)>& work) {
  const std::clock_t cpu = std::clock();
  const double seconds = Seconds(threads, work);
  return {seconds, static_cast<double>(std::clock() - cpu) / CLOCKS_PER_SEC};
}

void ReportLoad(const char* what, uint64_t count, const Cost& ours, const Cost& bare, double json_bytes) {
  const auto total = static_cast<double>(count);
  Report(what, {{"count", total},
                {"seconds", ours.seconds},
                {"per_s", total / ours.seconds},
                {"cpu_us", 1e6 * ours.cpu_seconds / total},
                {"limit_per_s", total / bare.seconds},
                {"limit_cpu_us", 1e6 * bare.cpu_seconds / total},
                {"json_bytes", json_bytes / total}});
}

// Looks at the type of a document that simdjson has parsed, so that nothing is left out.
void ParseBare(simdjson::dom::parser& parser, const std::string& text) {
  std::string_view type;
  if (parser.parse(text)["resourceType"].get(type) == simdjson::SUCCESS) return;
  std::fprintf(stderr, "simdjson does not read what the benchmark made\n");
  std::exit(1);
}

// Bodies of `count` turns on `threads` threads, parsed and appended, but not indexed or compressed. Adds their bytes
// to `bytes`.
using GiveBodies = std::function<void(uint64_t turn, const std::function<void(const std::string&)>& give)>;
Cost MeasureBare(Server& server, const std::string& scratch, int threads, uint64_t count, const GiveBodies& bodies,
                 std::atomic<uint64_t>* bytes) {
  Cost cost;
  {
    BareFile file(server.disk(), scratch);
    Turns turns(count);
    cost = Measure(threads, [&](int) {
      simdjson::dom::parser parser;
      for (uint64_t turn; turns.Take(&turn);) {
        std::string record;
        bodies(turn, [&](const std::string& body) {
          ParseBare(parser, body);
          record += body;
        });
        file.Append(record);
        *bytes += record.size();
      }
    });
  }
  std::filesystem::remove(scratch);
  return cost;
}

uint64_t ResourcesIn(const std::string& bundle) {
  const auto document = fhir::json::Document::Parse(bundle);
  Require(document.status());
  const auto entries = fhir::json::Find(document->root(), "entry");
  return entries ? entries->size() : 0;
}

}  // namespace

void LoadPopulation(Server& server, uint64_t count, const std::string& scratch) {
  const std::string path = scratch + ".ndjson";
  {
    std::ofstream file(path, std::ios::binary);
    for (uint64_t i = 0; i < count; ++i) file << Population::Resource(i) << '\n';
    if (!file.flush()) Require(IoError("cannot write " + path));
  }
  const Cost ours = Measure(1, [&](int) {
    FhirImport import(server.resources(), server.interactions(), {.threads = kLoaders});
    Require(import.Add(path));
    Require(import.Finish());
    if (import.report().written != count) Require(Internal("not everything was imported"));
  });
  std::filesystem::remove(path);
  const uint64_t batches = (count + kBatch - 1) / kBatch;
  std::atomic<uint64_t> bytes{0};
  const auto bodies = [&](uint64_t batch, const auto& give) {
    for (uint64_t i = batch * kBatch; i < std::min(count, (batch + 1) * kBatch); ++i) give(Population::Resource(i));
  };
  const Cost bare = MeasureBare(server, scratch, kLoaders, batches, bodies, &bytes);
  ReportLoad("import", count, ours, bare, static_cast<double>(bytes));
}

void RunSmallTransactions(Server& server, uint64_t count, const std::string& scratch) {
  Turns turns(count);
  const Cost ours = Measure(kClients, [&](int) {
    for (uint64_t turn; turns.Take(&turn);) server.Post(Population::PatientTransaction(turn));
  });
  std::atomic<uint64_t> bytes{0};
  const auto bodies = [](uint64_t turn, const auto& give) { give(Population::PatientTransaction(turn)); };
  const Cost bare = MeasureBare(server, scratch, kClients, count, bodies, &bytes);
  ReportLoad("small transactions", count, ours, bare, static_cast<double>(bytes));
}

void LoadSynthea(Server& server, const std::string& folder, const std::string& scratch) {
  std::vector<std::string> bundles;
  uint64_t resources = 0;
  for (const auto& path : fhir::FilesBelow(folder)) {
    bundles.push_back(fhir::ReadAll(path));
    resources += ResourcesIn(bundles.back());
  }
  if (resources == 0) return;
  const size_t alone = std::min(kReferredTo, bundles.size());
  const Cost ours = Measure(1, [&](int) {
    for (size_t i = 0; i < alone; ++i) server.Post(bundles[i]);
    Turns turns(bundles.size() - alone);
    Seconds(kLoaders, [&](int) {
      for (uint64_t turn; turns.Take(&turn);) server.Post(bundles[alone + turn]);
    });
  });
  std::atomic<uint64_t> bytes{0};
  const auto bodies = [&](uint64_t turn, const auto& give) { give(bundles[turn]); };
  const Cost bare = MeasureBare(server, scratch, kLoaders, bundles.size(), bodies, &bytes);
  ReportLoad("synthea", resources, ours, bare, static_cast<double>(bytes));
}

}  // namespace hilum::bench
