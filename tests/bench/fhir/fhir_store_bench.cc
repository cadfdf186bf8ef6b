// FHIR on the store without HTTP: loads, transactions, reads, searches, sizes. One line of JSON for each.
//
//   fhir_store_bench FOLDER [--resources 200000] [--synthea DIR] [--loads-only 1] [--keep 1] [--reads-only 1]
//                    [--searches URLS] [--rounds 40]
//
// FOLDER must not exist. With --keep the store stays there, in `population`, and `paths` names resources of it, one a
// line as a server has them: for measuring through HTTP, or again with --reads-only. --searches asks only these of such
// a store, separated by blanks: for a profile, or to compare two programs.
#include <charconv>
#include <filesystem>
#include <fstream>

#include "tests/bench/fhir/listed.h"
#include "tests/bench/fhir/loads.h"
#include "tests/bench/fhir/population.h"
#include "tests/bench/fhir/report.h"
#include "tests/bench/fhir/searches.h"

namespace {

using namespace hilum::bench;  // NOLINT: a program

struct Options {
  std::string folder;
  uint64_t resources = 200'000;
  std::string synthea;
  uint64_t loads_only = 0;
  uint64_t keep = 0;
  uint64_t reads_only = 0;
  std::string searches;
  uint64_t rounds = 40;
};

constexpr uint64_t kPaths = 100'000;

bool ParseNumber(std::string_view text, uint64_t* number) {
  return std::from_chars(text.begin(), text.end(), *number).ec == std::errc();
}

bool Parse(int argc, char** argv, Options* options) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (!argument.starts_with("--")) {
      options->folder = argument;
      continue;
    }
    if (++i == argc) return false;
    const std::string_view value = argv[i];
    if (argument == "--synthea" || argument == "--searches") {
      (argument == "--synthea" ? options->synthea : options->searches) = value;
      continue;
    }
    uint64_t* const number = argument == "--resources"    ? &options->resources
                             : argument == "--loads-only" ? &options->loads_only
                             : argument == "--keep"       ? &options->keep
                             : argument == "--reads-only" ? &options->reads_only
                             : argument == "--rounds"     ? &options->rounds
                                                          : nullptr;
    if (number == nullptr || !ParseNumber(value, number)) return false;
  }
  return !options->folder.empty() && options->resources >= 1000;
}

void ReadAll(Server& server, uint64_t resources) {
  ReadById(server, resources);
  CountObservations(server);
  ReadPages(server);
  ReadListedPages(server, resources);
  FollowReferences(server);
}

// Megabytes, of a line of /proc/self/status.
double Memory(const std::string& name) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(name + ":")) return std::stod(line.substr(name.size() + 1)) / 1024;
  }
  return 0;
}

void ReportSize(Server& server, const Options& options, const std::string& folder) {
  const double seconds = Seconds(1, [&](int) { Require(server.kv().CompactAll()); });
  uint64_t bytes = 0;
  for (const auto& file : std::filesystem::recursive_directory_iterator(folder)) {
    const auto extension = file.path().extension();
    if (extension == ".sst" || extension == ".blob") bytes += file.file_size();
  }
  Report("disk", {{"bytes_per_resource", static_cast<double>(bytes) / static_cast<double>(options.resources)},
                  {"compaction_s", seconds}});
}

// Evenly among all, in no order that the store has.
void WritePaths(const std::string& file, uint64_t resources) {
  std::ofstream out(file);
  const uint64_t count = std::min(kPaths, resources);
  for (uint64_t i = 0; i < count; ++i) {
    const uint64_t number = i * resources / count;
    out << "/fhir/" << Population::TypeOf(number) << '/' << Population::IdOf(number) << '\n';
  }
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  if (!Parse(argc, argv, &options)) {
    std::fprintf(stderr,
                 "usage: fhir_store_bench FOLDER [--resources 200000] [--synthea DIR] [--loads-only 1] [--keep 1] "
                 "[--reads-only 1] [--searches URLS] [--rounds 40]\n");
    return 2;
  }
  const std::string& folder = options.folder;
  if (options.reads_only != 0 || !options.searches.empty()) {
    Server server(folder + "/population");
    if (options.searches.empty()) {
      ReadAll(server, options.resources);
    } else {
      ReadSearches(server, options.searches, options.rounds);
    }
    return 0;
  }
  if (!std::filesystem::create_directories(folder)) {
    std::fprintf(stderr, "%s must not exist\n", folder.c_str());
    return 2;
  }
  if (!options.synthea.empty()) {
    Server server(folder + "/synthea");
    LoadSynthea(server, options.synthea, folder + "/bare");
  }
  {
    const std::string data = folder + "/population";
    Server server(data);
    LoadPopulation(server, options.resources, folder + "/bare");
    if (options.loads_only == 0) ReadAll(server, options.resources);
    Report("memory", {{"resident_mb", Memory("VmRSS")}, {"peak_mb", Memory("VmHWM")}});
    ReportSize(server, options, data);
    RunSmallTransactions(server, 6000, folder + "/bare");
  }
  if (options.keep == 0) {
    std::filesystem::remove_all(folder);
  } else {
    WritePaths(folder + "/paths", options.resources);
  }
  return 0;
}
