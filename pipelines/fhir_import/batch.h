// What FhirImport reads and what it commits: resources, in the order of the files. Internal to pipelines/fhir_import.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "pipelines/fhir_import/import.h"

namespace hilum {

struct FhirImport::Item {
  std::shared_ptr<const std::string> file;
  std::string place;
  std::string text;
  bool last_time = false;  // a refusal is final
};

struct FhirImport::RefusedItem {
  Item item;
  std::string reason;
};

struct FhirImport::Batch {
  uint64_t number = 0;
  size_t bytes = 0;
  std::vector<Item> items;
};

}  // namespace hilum
