#include "base/config/config.h"

#include <algorithm>
#include <cassert>
#include <optional>
#include <set>
#include <utility>

#include "base/config/toml_file.h"
#include "base/edit_distance.h"
#include "base/text.h"

namespace hilum {

namespace {

constexpr std::string_view kPrefix = "HILUM_";

// Dots, dashes and underscores are one.
std::string Folded(std::string_view text) {
  std::string folded(text);
  std::replace_if(
      folded.begin(), folded.end(), [](char c) { return c == '.' || c == '_'; }, '-');
  return folded;
}

// Kubernetes sets these for a service that is called "hilum"; nobody meant them as settings.
bool IsServiceLink(std::string_view name) {
  name.remove_prefix(kPrefix.size());
  return name == "PORT" || name.starts_with("PORT_") || name == "SERVICE_HOST" || name.starts_with("SERVICE_PORT");
}

// The text form of a file's value; nullopt when the type does not fit the kind.
std::optional<std::string> TextFor(Setting::Kind kind, const TomlEntry& entry) {
  using Kind = Setting::Kind;
  const bool takes_text = kind == Kind::kString || kind == Kind::kSize || kind == Kind::kDuration;
  const bool takes_number = kind == Kind::kInteger || kind == Kind::kSize;
  if (const auto* text = std::get_if<std::string>(&entry.value); text && takes_text) return *text;
  if (const auto* number = std::get_if<int64_t>(&entry.value); number && takes_number) return std::to_string(*number);
  if (const auto* boolean = std::get_if<bool>(&entry.value); boolean && kind == Kind::kBoolean) {
    return *boolean ? "true" : "false";
  }
  return std::nullopt;
}

std::string_view KindName(Setting::Kind kind) {
  switch (kind) {
    case Setting::Kind::kString:
      return "string";
    case Setting::Kind::kInteger:
      return "integer";
    case Setting::Kind::kSize:
      return "size";
    case Setting::Kind::kDuration:
      return "duration";
    case Setting::Kind::kBoolean:
      return "boolean";
    case Setting::Kind::kList:
      return "list of strings";
  }
  return "";
}

}  // namespace

Config::Config(std::vector<Setting> settings) : settings_(std::move(settings)) {
  std::set<std::string> names = {"config"};
  for (const Setting& setting : settings_) {
    [[maybe_unused]] const bool differs = names.insert(Folded(setting.key())).second;
    assert(differs);
  }
}

const Setting* Config::FindKey(std::string_view key) const {
  const auto found = std::find_if(settings_.begin(), settings_.end(), [&](const Setting& s) { return s.key() == key; });
  return found == settings_.end() ? nullptr : &*found;
}

const Setting* Config::FindFlag(std::string_view flag) const {
  const auto found = std::find_if(settings_.begin(), settings_.end(), [&](const Setting& s) {
    return Folded(s.key()) == Folded(flag) || (!s.alias().empty() && s.alias() == flag);
  });
  return found == settings_.end() ? nullptr : &*found;
}

const Setting* Config::FindEnvironment(std::string_view name) const {
  const auto found =
      std::find_if(settings_.begin(), settings_.end(), [&](const Setting& s) { return s.environment_name() == name; });
  return found == settings_.end() ? nullptr : &*found;
}

const std::string& Config::NearestKey(std::string_view text) const {
  static const std::string kConfig = "config";
  const std::string folded = Folded(text);
  const std::string* nearest = &kConfig;
  size_t least = EditDistance(folded, kConfig);
  for (const Setting& setting : settings_) {
    const size_t distance = EditDistance(folded, Folded(setting.key()));
    if (distance < least) nearest = &setting.key();
    least = std::min(least, distance);
  }
  return *nearest;
}

Result<std::vector<std::string>> Config::Parse(std::span<const char* const> arguments, const char* const* environment) {
  ReadEnvironment(environment);
  ReadArguments(arguments);
  if (!file_.empty()) ApplyFile();
  for (const auto* source : {&from_environment_, &from_flags_}) {
    for (const Assignment& given : *source) Apply(*given.setting, given.text, given.place);
  }
  if (mistakes_.empty()) return positional_;
  std::string message;
  for (const std::string& mistake : mistakes_) message.append(message.empty() ? "" : "\n").append(mistake);
  return Invalid(message);
}

void Config::ReadEnvironment(const char* const* environment) {
  for (; *environment != nullptr; ++environment) {
    const std::string_view entry = *environment;
    const std::string_view name = entry.substr(0, entry.find('='));
    if (!name.starts_with(kPrefix) || name.size() == entry.size()) continue;
    const std::string_view value = entry.substr(name.size() + 1);
    if (name == "HILUM_CONFIG") {
      file_ = value;
    } else if (const Setting* setting = FindEnvironment(name)) {
      from_environment_.push_back({setting, "environment " + std::string(name), std::string(value)});
    } else if (!IsServiceLink(name)) {
      const Setting* nearest = FindKey(NearestKey(Lower(name.substr(kPrefix.size()))));
      mistakes_.push_back("environment " + std::string(name) + ": unknown; the nearest known name is " +
                          (nearest == nullptr ? "HILUM_CONFIG" : nearest->environment_name()));
    }
  }
}

void Config::ReadArguments(std::span<const char* const> arguments) {
  bool flags = true;
  for (size_t i = 0; i < arguments.size(); ++i) {
    const std::string_view argument = arguments[i];
    if (!flags || !argument.starts_with("--")) {
      positional_.emplace_back(argument);
      continue;
    }
    if (argument == "--") {
      flags = false;
      continue;
    }
    const size_t equals = argument.find('=');
    const std::string flag(argument.substr(2, equals == std::string_view::npos ? equals : equals - 2));
    const Setting* setting = FindFlag(flag);
    if (setting == nullptr && flag != "config") {
      mistakes_.push_back("--" + flag + ": unknown flag; the nearest known one is --" + NearestKey(flag));
      continue;
    }
    const bool boolean = setting != nullptr && setting->kind() == Setting::Kind::kBoolean;
    std::string value = "true";
    if (equals != std::string_view::npos) {
      value = argument.substr(equals + 1);
    } else if (!boolean) {
      if (++i == arguments.size()) {
        mistakes_.push_back("--" + flag + ": expected " + (setting ? setting->expected() : "a file") + " after it");
        return;
      }
      value = arguments[i];
    }
    if (setting == nullptr) {
      file_ = value;
    } else {
      from_flags_.push_back({setting, "--" + flag, value});
    }
  }
}

void Config::ApplyFile() {
  const auto entries = ReadTomlFile(file_);
  if (!entries.ok()) {
    mistakes_.push_back(entries.status().message());
    return;
  }
  for (const TomlEntry& entry : *entries) {
    const Setting* setting = FindKey(entry.key);
    const auto* items = std::get_if<std::vector<std::string>>(&entry.value);
    if (setting == nullptr) {
      mistakes_.push_back(entry.place + ": unknown key " + entry.key + "; the nearest known one is " +
                          NearestKey(entry.key));
    } else if (setting->kind() == Setting::Kind::kList && items != nullptr) {
      setting->StoreList(*items);
    } else if (const auto text = TextFor(setting->kind(), entry)) {
      Apply(*setting, *text, entry.place + ": " + entry.key);
    } else {
      mistakes_.push_back(entry.place + ": " + entry.key + ": expected " + setting->expected());
    }
  }
}

void Config::Apply(const Setting& setting, std::string_view text, std::string_view place) {
  if (!setting.Store(text)) mistakes_.push_back(std::string(place) + ": expected " + setting.expected());
}

std::string Config::Reference() const {
  std::string table = "| Key | Kind | Default | Unit | Effect |\n|---|---|---|---|---|\n";
  for (const Setting& setting : settings_) {
    table.append("| `").append(setting.key()).append("`");
    if (!setting.alias().empty()) table.append(" (also `--").append(setting.alias()).append("`)");
    table.append(" | ").append(KindName(setting.kind()));
    table.append(" | `").append(setting.default_text());
    table.append("` | ").append(setting.unit());
    table.append(" | ").append(setting.effect()).append(" |\n");
  }
  return table;
}

}  // namespace hilum
