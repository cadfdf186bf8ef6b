#include "tests/layers/rules.h"

#include <algorithm>
#include <optional>
#include <sstream>

namespace hilum::layers {

namespace {

struct Include {
  std::string header;
  bool ours = false;  // written with quotes
};

std::optional<Include> ParseInclude(std::string_view line) {
  const auto skip_blanks = [&] { line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size())); };
  skip_blanks();
  if (!line.starts_with('#')) return std::nullopt;
  line.remove_prefix(1);
  skip_blanks();
  if (!line.starts_with("include")) return std::nullopt;
  line.remove_prefix(std::string_view("include").size());
  skip_blanks();
  if (line.empty() || (line[0] != '"' && line[0] != '<')) return std::nullopt;
  const bool ours = line[0] == '"';
  const size_t end = line.find(ours ? '"' : '>', 1);
  if (end == std::string_view::npos) return std::nullopt;
  return Include{std::string(line.substr(1, end - 1)), ours};
}

// The first `depth` folders of a path.
std::string Folder(std::string_view path, int depth) {
  size_t end = 0;
  for (int i = 0; i < depth; ++i) {
    const size_t slash = path.find('/', end == 0 ? 0 : end + 1);
    if (slash == std::string_view::npos) break;
    end = slash;
  }
  return std::string(path.substr(0, end));
}

bool IsBelow(const std::string& path, const std::string& folder) {
  return path.starts_with(folder + "/");
}

std::string CheckArrow(const Rules& rules, const std::string& from, const std::string& to) {
  const std::string from_top = Folder(from, 1), to_top = Folder(to, 1);
  if (rules.outside.contains(from_top)) return "";
  if (to_top.empty() && to.ends_with(rules.generated)) return "";
  const auto from_at = std::find(rules.order.begin(), rules.order.end(), from_top);
  const auto to_at = std::find(rules.order.begin(), rules.order.end(), to_top);
  if (from_at == rules.order.end()) return "lies in a folder that layers.txt does not order";
  if (to_at == rules.order.end()) return "includes " + to + ", which is in no layer; include from the root";
  if (to_at > from_at) return "includes " + to + ": " + from_top + " lies below " + to_top;
  const std::string from_sub = Folder(from, 2), to_sub = Folder(to, 2);
  if (from_top == to_top && rules.apart.contains(from_top) && from_sub != to_sub &&
      !rules.allowed.contains({from_sub, to_sub})) {
    return "includes " + to + ": folders of " + from_top + " do not include each other";
  }
  return "";
}

std::string CheckFence(const Rules& rules, const std::string& path, const std::string& header) {
  for (const auto& [beginning, folders] : rules.fences) {
    if (!header.starts_with(beginning)) continue;
    if (std::any_of(folders.begin(), folders.end(), [&](const auto& folder) { return IsBelow(path, folder); }))
      continue;
    return "includes " + header + ", which only " + folders.front() + " may";
  }
  return "";
}

}  // namespace

Result<Rules> ParseRules(std::string_view text) {
  Rules rules;
  std::istringstream in{std::string(text)};
  int number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    std::istringstream words(line.substr(0, line.find('#')));
    std::string rule;
    if (!(words >> rule)) continue;
    std::vector<std::string> values;
    for (std::string value; words >> value;) values.push_back(value);
    if (rule == "order") {
      rules.order = values;
    } else if (rule == "outside") {
      rules.outside.insert(values.begin(), values.end());
    } else if (rule == "apart") {
      rules.apart.insert(values.begin(), values.end());
    } else if (rule == "allow" && values.size() == 2) {
      rules.allowed.emplace(values[0], values[1]);
    } else if (rule == "fence" && values.size() >= 2) {
      rules.fences[values[0]].assign(values.begin() + 1, values.end());
    } else if (rule == "generated" && values.size() == 1) {
      rules.generated = values[0];
    } else if (rule == "max_lines" && values.size() == 1) {
      rules.max_lines = static_cast<size_t>(std::atol(values[0].c_str()));
    } else {
      return Invalid("layers.txt:" + std::to_string(number) + ": no such rule");
    }
  }
  if (rules.order.empty() || rules.generated.empty() || rules.max_lines == 0) {
    return Invalid("layers.txt: `order`, `generated` and `max_lines` are needed");
  }
  return rules;
}

std::vector<std::string> Check(const Rules& rules, const std::string& path, std::string_view content) {
  std::vector<std::string> mistakes;
  std::istringstream in{std::string(content)};
  size_t number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    const auto add = [&](const std::string& what) {
      if (!what.empty()) mistakes.push_back(path + ":" + std::to_string(number) + ": " + what);
    };
    if (const auto include = ParseInclude(line)) {
      add(CheckFence(rules, path, include->header));
      if (include->ours) add(CheckArrow(rules, path, include->header));
    }
    // Written in two halves: this file is checked too.
    for (const char* marker : {"TO"
                               "DO",
                               "FIX"
                               "ME",
                               "XX"
                               "X:"}) {
      if (line.find(marker) != std::string::npos)
        add(std::string("holds the marker ") + marker + ": do it, or say why not");
    }
  }
  if (number > rules.max_lines) {
    mistakes.push_back(path + ": " + std::to_string(number) + " lines; split it by reasons to change (at most " +
                       std::to_string(rules.max_lines) + ")");
  }
  return mistakes;
}

}  // namespace hilum::layers
