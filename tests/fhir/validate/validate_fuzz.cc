// Whatever the bytes: validation neither crashes nor finds issues without a place, and its outcome is JSON.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "fhir/validate/validate.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace hilum::fhir;
  const auto document = json::Document::Parse(std::string(reinterpret_cast<const char*>(data), size));
  if (!document.ok()) {
    document.status().IgnoreError();  // refusing is fine
    return 0;
  }
  const Validation validation = Validate(document->root());
  if (validation.typing.size() != document->nodes().size()) std::abort();
  if (!validation.issues.empty() && !json::Document::Parse(OperationOutcome(validation.issues)).ok()) std::abort();
  return 0;
}
