// Whatever the query string: no crash, and what is used comes back the same after a round through the self link.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "fhir/search/query.h"
#include "tests/fhir/support/memory_catalog.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace hilum::fhir;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto parameters = SplitQuery(text, 100);
  if (!parameters.ok()) {
    parameters.IgnoreError();  // refusing is fine
    return 0;
  }
  const auto again = SplitQuery(JoinQuery(*parameters), 100);
  if (!again.ok() || *again != *parameters) std::abort();
  MemoryCatalog catalog;
  MemoryIndex index;
  const SearchOptions options{.now = 1'600'000'000'000'000, .max_steps = 1000};
  for (const char* name : {"Observation", "Patient", "Location", "Questionnaire"}) {
    const auto type = FindResourceType(name);
    auto request = CompileSearch({*type}, *parameters, Handling::kLenient, {}, catalog, options);
    if (request.ok()) index.Count(catalog.CollectionOf(*type), request->searches[0].query);
    request.IgnoreError();  // refusing is fine
  }
  return 0;
}
