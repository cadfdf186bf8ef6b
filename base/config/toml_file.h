// The part of TOML that settings need: a flat list of keys with their places. The only file that knows toml++ is
// toml_file.cc.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "base/result.h"

namespace hilum {

struct TomlEntry {
  std::string key;    // "http.body_timeout"
  std::string place;  // "hilum.toml:3"
  // monostate: something that no setting takes (a float, a date, a mixed array).
  std::variant<std::monostate, std::string, int64_t, bool, std::vector<std::string>> value;
};

// In the order of the file's lines. kInvalid, with the place, for what is no TOML; kNotFound or kIo when the file
// cannot be read.
Result<std::vector<TomlEntry>> ReadTomlFile(const std::string& path);

}  // namespace hilum
