// The rules of layers.txt and what breaks them.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace hilum::layers {

struct Rules {
  std::vector<std::string> order;
  std::set<std::string> outside;
  std::set<std::string> apart;
  std::set<std::pair<std::string, std::string>> allowed;
  std::map<std::string, std::vector<std::string>> fences;  // beginning of a header -> folders
  std::string generated;                                   // how the names of generated tables end
  size_t max_lines = 0;
};

Result<Rules> ParseRules(std::string_view text);

// What is wrong with a source file, one sentence each; empty when nothing is. `path` is relative to the root, with '/'.
std::vector<std::string> Check(const Rules& rules, const std::string& path, std::string_view content);

}  // namespace hilum::layers
