// Random searches, and the resources each of them means when R4 (search.html) is read plainly: by looking at every
// resource. For tests only.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "fhir/search/query.h"
#include "tests/fhir/interactions/random_resources.h"

namespace hilum::fhir {

using Models = std::vector<Model>;  // those that exist

struct Asked {
  Parameter parameter;
  std::function<bool(const Model&)> holds;
};

class SearchMaker {
 public:
  // `models` outlive it. `now_micros`: for `ap` on dates.
  SearchMaker(Dice& dice, const Models& models, int64_t now_micros)
      : dice_(dice), models_(models), now_micros_(now_micros) {}

  // One parameter of a search of `type`; chains and _has up to `depth` levels deep.
  Asked Make(const std::string& type, int depth);

 private:
  using Holds = std::function<bool(const Model&)>;
  struct Value {
    std::string text;
    Holds holds;
  };

  Asked Chain(const std::string& type, int depth);
  Asked Has(const std::string& type, int depth);
  Asked Plain(const std::string& type);
  Value Token(const std::string& param, const std::string& modifier);
  Value String(const std::string& param, const std::string& modifier);
  Value Uri(const std::string& param, const std::string& modifier);
  Value Date(const std::string& param);
  Value Number(const std::string& param);
  Value Quantity(const std::string& param);
  Value Reference(const std::string& param, const std::string& modifier);
  Value Composite(const std::string& param);
  // A quantity as it is asked for, and who meets it.
  std::pair<std::string, std::function<bool(const ModelQuantity&)>> AskedQuantity();

  Dice& dice_;
  const Models& models_;
  const int64_t now_micros_;
};

}  // namespace hilum::fhir
