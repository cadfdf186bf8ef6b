// What the hot path costs for each resource: parse, validate, extract.
//   fhir_bench FOLDER   of Bundles (*.json, *.json.gz)
#include <chrono>
#include <iostream>

#include "fhir/search/extract.h"
#include "tests/fhir/support/examples.h"
#include "tests/fhir/support/memory_catalog.h"

namespace {

using namespace hilum::fhir;
using Clock = std::chrono::steady_clock;

double Micros(Clock::duration duration) {
  return std::chrono::duration<double, std::micro>(duration).count();
}

std::vector<std::string> ResourcesBelow(const std::string& folder) {
  std::vector<std::string> resources;
  for (const auto& file : FilesBelow(folder)) {
    const auto bundle = json::Document::Parse(ReadAll(file));
    if (!bundle.ok()) {
      std::cerr << file << ": " << bundle.status().message() << "\n";
      continue;
    }
    const auto entries = json::Find(bundle->root(), "entry");
    if (!entries) continue;
    for (const json::Value entry : entries->children()) resources.emplace_back(json::Find(entry, "resource")->raw());
  }
  return resources;
}

struct Cost {
  double parse = 0, validate = 0, extract = 0, bytes = 0, values = 0;
};

Cost Measure(const std::vector<std::string>& resources) {
  MemoryCatalog catalog;
  const SearchOptions options;
  Cost cost;
  for (const std::string& text : resources) {
    std::string copy = text;
    const auto start = Clock::now();
    const auto document = json::Document::Parse(std::move(copy));
    const auto parsed = Clock::now();
    if (!document.ok()) std::exit(1);
    const Validation validation = Validate(document->root());
    const auto validated = Clock::now();
    const auto values = Extract(document->root(), validation.typing, catalog, options);
    const auto extracted = Clock::now();
    if (!values.ok()) std::exit(1);
    cost.parse += Micros(parsed - start);
    cost.validate += Micros(validated - parsed);
    cost.extract += Micros(extracted - validated);
    cost.bytes += static_cast<double>(text.size());
    cost.values += static_cast<double>(values->entries.size());
  }
  return cost;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: fhir_bench FOLDER\n";
    return 2;
  }
  const auto resources = ResourcesBelow(argv[1]);
  if (resources.empty()) return 1;
  const double n = static_cast<double>(resources.size());
  for (int round = 0; round < 3; ++round) {
    const Cost cost = Measure(resources);
    std::cout << resources.size() << " resources of " << cost.bytes / n << " bytes: parse " << cost.parse / n << " us ("
              << cost.bytes / cost.parse << " MB/s), validate " << cost.validate / n << " us, extract "
              << cost.extract / n << " us, together " << (cost.parse + cost.validate + cost.extract) / n << " us; "
              << cost.values / n << " index values\n";
  }
  return 0;
}
