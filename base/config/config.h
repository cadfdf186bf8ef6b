// clang-format off
// Settings from a TOML file, the environment and the command line, by one table that is also the documentation.
//
//   ServeOptions options;  // holds the defaults
//   Config config({
//       Setting("data", &options.data, "Folder that holds everything the server keeps."),
//       Setting("http.listen", &options.listen, "Address and port to serve on.").Alias("http"),
//       Setting("http.workers", &options.http.worker_threads, "Requests handled at a time.", "threads"),
//       Setting("http.body_timeout", &options.http.body_timeout, "Silence of a client in the middle of its upload."),
//       Setting::Size("store.cache", &options.store.block_cache_bytes, "Memory for index blocks read from disk."),
//       Setting("http.cors_origins", &options.http.cors_origins, "Origins whose pages may call the server."),
//   });
//   HILUM_ASSIGN_OR_RETURN(const auto positional, config.Parse({argv + 2, argv + argc}, environ));
//
// Every key works in three ways; the later wins: `[http] workers = 8` in the file, HILUM_HTTP_WORKERS=8, and
// `--http.workers 8` (also `--http.workers=8`, with '-' for '.' and '_' if one likes). The file is named by
// `--config FILE` or HILUM_CONFIG. A boolean flag needs no value (`--x` is `--x=true`). A list is an array in the file,
// comma-separated in the environment and in a flag. `--` ends the flags. Not thread-safe.
// clang-format on
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/config/setting.h"
#include "base/result.h"

namespace hilum {

class Config {
 public:
  // REQUIRES: the keys differ, also when '.' and '_' count as the same; none of them is "config".
  explicit Config(std::vector<Setting> settings);

  // Stores into the targets and returns the arguments that are no flags. `environment` is a null-terminated array of
  // NAME=value. kInvalid with a line for every mistake: its place, and what was expected or the nearest known key.
  // Values are not repeated: they may be secrets. The targets are then half set: give up.
  Result<std::vector<std::string>> Parse(std::span<const char* const> arguments, const char* const* environment);

  // A Markdown table of all settings, in their order.
  std::string Reference() const;

 private:
  const Setting* FindKey(std::string_view key) const;
  const Setting* FindFlag(std::string_view flag) const;
  const Setting* FindEnvironment(std::string_view name) const;
  const std::string& NearestKey(std::string_view text) const;

  void ReadArguments(std::span<const char* const> arguments);
  void ReadEnvironment(const char* const* environment);
  void ApplyFile();
  void Apply(const Setting& setting, std::string_view text, std::string_view place);

  struct Assignment {
    const Setting* setting;
    std::string place;
    std::string text;
  };

  const std::vector<Setting> settings_;
  std::string file_;
  std::vector<Assignment> from_environment_;
  std::vector<Assignment> from_flags_;
  std::vector<std::string> positional_;
  std::vector<std::string> mistakes_;
};

}  // namespace hilum
