#include "base/config/toml_file.h"

#define TOML_EXCEPTIONS 0
#define TOML_HEADER_ONLY 1
#include <toml++/toml.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string_view>
#include <utility>

namespace hilum {

namespace {

struct Flattener {
  const std::string& path;
  std::vector<std::pair<uint32_t, TomlEntry>> entries;  // with their lines

  void Table(const toml::table& table, const std::string& prefix) {
    for (const auto& [name, node] : table) {
      const std::string key = prefix + std::string(name.str());
      if (const toml::table* inner = node.as_table()) {
        Table(*inner, key + ".");
        continue;
      }
      const uint32_t line = node.source().begin.line;
      entries.emplace_back(line, TomlEntry{key, path + ":" + std::to_string(line), Value(node)});
    }
  }

  static decltype(TomlEntry::value) Value(const toml::node& node) {
    if (const auto* text = node.as_string()) return text->get();
    if (const auto* number = node.as_integer()) return number->get();
    if (const auto* boolean = node.as_boolean()) return boolean->get();
    const toml::array* array = node.as_array();
    if (array == nullptr) return std::monostate();
    std::vector<std::string> items;
    for (const toml::node& item : *array) {
      if (!item.is_string()) return std::monostate();
      items.push_back(item.as_string()->get());
    }
    return items;
  }
};

}  // namespace

Result<std::vector<TomlEntry>> ReadTomlFile(const std::string& path) {
  // It could be opened, and read as nothing.
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored))
    return Invalid("read configuration " + path + ": it is a folder, name the file in it");
  errno = 0;
  std::ifstream in(path, std::ios::binary);
  std::ostringstream content;
  if (!in.is_open()) return ErrnoStatus("read configuration " + path, errno);
  content << in.rdbuf();
  if (in.bad()) return IoError("read configuration " + path + ": the file cannot be read");

  const toml::parse_result parsed = toml::parse(content.view(), path);
  if (!parsed) {
    const toml::parse_error& error = parsed.error();
    return Invalid(path + ":" + std::to_string(error.source().begin.line) + ": " + std::string(error.description()));
  }
  Flattener flattener{path, {}};
  flattener.Table(parsed.table(), "");
  std::stable_sort(flattener.entries.begin(), flattener.entries.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<TomlEntry> entries;
  for (auto& [line, entry] : flattener.entries) entries.push_back(std::move(entry));
  return entries;
}

}  // namespace hilum
