// Searches over a small clinic, page by page.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "tests/fhir/interactions/store_fixture.h"

namespace hilum::fhir {

class SearchTest : public StoreFixture {
 protected:
  BundleView Search(std::string_view url, Interaction request = {}) { return BundleView(Get(url, std::move(request))); }

  // Every page from `url` on.
  std::vector<std::string> Follow(std::string url, std::string_view relation = "next") {
    std::vector<std::string> all;
    for (size_t pages = 0; !url.empty() && pages < 1000; ++pages) {
      const BundleView page = Search(url);
      all.insert(all.end(), page.matches.begin(), page.matches.end());
      url = page.Link(relation);
    }
    return all;
  }

  void PutClinic() {
    Put(R"({"resourceType":"Organization","id":"parent","name":"Parent"})");
    Put(R"({"resourceType":"Organization","id":"org","name":"Clinic","partOf":{"reference":"Organization/parent"}})");
    Put(Patient("1", "Doe", R"(,"gender":"male","managingOrganization":{"reference":"Organization/org"})"));
    Put(Patient("2", "Roe", R"(,"gender":"female")"));
    Put(Observation("a", "1", "8480-6"));
    Put(Observation("b", "1", "8462-4", R"(,"derivedFrom":[{"reference":"Observation/a"}])"));
    Put(Observation("c", "2", "8480-6"));
  }
};

}  // namespace hilum::fhir
