#include "server/viewer/manifest.h"

#include <algorithm>
#include <sstream>

#include "base/text.h"

namespace hilum::viewer {
namespace {

bool IsOneOf(char c, std::string_view more) {
  return IsAlphanumeric(c) || more.find(c) != std::string_view::npos;
}

// Letters, digits and '_', '-', '.'; no part of it begins with a dot, so none is "..".
bool IsSafePath(std::string_view path) {
  if (path.empty() || path.front() == '/' || path.back() == '/') return false;
  if (!std::all_of(path.begin(), path.end(), [](char c) { return IsOneOf(c, "_-./"); })) return false;
  return path.front() != '.' && path.find("/.") == std::string_view::npos && path.find("//") == std::string_view::npos;
}

bool IsHash(std::string_view text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

bool ParseFile(std::istringstream& words, Manifest* manifest) {
  std::string keep, form, hash, path;
  if (!(words >> keep >> form >> hash >> path) || !IsHash(hash) || !IsSafePath(path)) return false;
  if ((keep != "immutable" && keep != "no-cache") || (form != "gzip" && form != "plain")) return false;
  return manifest->files.emplace(path, Asset{keep == "immutable", form == "gzip", hash}).second;
}

bool ParseLine(const std::string& line, Manifest* manifest) {
  std::istringstream words(line);
  std::string what, value;
  words >> what;
  if (what == "file") return ParseFile(words, manifest);
  if (!(words >> value) || !std::all_of(value.begin(), value.end(), [](char c) { return IsOneOf(c, "_-.+/="); }))
    return false;
  if (what == "ohif")
    manifest->version = what + " " + value;
  else if (what == "script")
    manifest->inline_scripts.push_back(value);
  else
    return false;
  return true;
}

}  // namespace

Result<Manifest> ParseManifest(std::string_view text) {
  Manifest manifest;
  std::istringstream lines{std::string(text)};
  size_t number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    if (!ParseLine(line, &manifest))
      return Invalid("manifest of the viewer: line " + std::to_string(number) + " is damaged; make the folder again");
  }
  if (!manifest.files.contains("index.html"))
    return Invalid("manifest of the viewer: index.html is missing; make the folder again");
  return manifest;
}

}  // namespace hilum::viewer
