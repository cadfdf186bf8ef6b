// One setting of the process: its name, where its value goes, and the documentation that is printed from here.
#pragma once

#include <chrono>
#include <concepts>
#include <cstdint>
#include <functional>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/text.h"

namespace hilum {

// The kind follows from the type of the target, the default from the value that the target holds when the setting is
// made. The target must outlive the setting.
class Setting {
 public:
  enum class Kind : uint8_t { kString, kInteger, kSize, kDuration, kBoolean, kList };

  // `key` is lower-case words of letters, digits and '_', parted by dots: "http.body_timeout".
  // `effect` is one sentence: what the value does, and what gets worse when it is raised.
  Setting(std::string key, std::string* target, std::string effect);
  Setting(std::string key, bool* target, std::string effect);
  Setting(std::string key, std::vector<std::string>* target, std::string effect);

  // `unit` says what is counted ("connections").
  template <std::integral T>
  Setting(std::string key, T* target, std::string effect, std::string unit = "",
          std::type_identity_t<T> min = std::numeric_limits<T>::min(),
          std::type_identity_t<T> max = std::numeric_limits<T>::max())
      : Setting(Kind::kInteger, std::move(key), std::move(effect), std::move(unit), std::to_string(*target)) {
    expected_ = "an integer from " + std::to_string(min) + " to " + std::to_string(max);
    store_ = [=](std::string_view text) {
      const std::optional<T> value = ParseDecimal<T>(text);
      if (!value || *value < min || *value > max) return false;
      *target = *value;
      return true;
    };
  }

  // Written with a unit: "250ms", "30s", "5m", "12h", "7d". Never below `min`.
  template <typename Period>
  Setting(std::string key, std::chrono::duration<int64_t, Period>* target, std::string effect,
          std::chrono::milliseconds min = {})
      : Setting(Kind::kDuration, std::move(key), std::move(effect), "", FormatDuration(*target)) {
    if (min.count() > 0) expected_ += ", at least " + FormatDuration(min);
    store_ = [=](std::string_view text) {
      std::chrono::milliseconds value{};
      if (!ParseDuration(text, &value) || value < min) return false;
      const auto converted = std::chrono::duration_cast<std::chrono::duration<int64_t, Period>>(value);
      if (converted != value) return false;
      *target = converted;
      return true;
    };
  }

  // Bytes, written "64MiB", "10GB" or "4096".
  static Setting Size(std::string key, uint64_t* target, std::string effect, uint64_t min = 0);

  // A short flag: the setting "http.listen" with Alias("http") is also `--http`.
  Setting&& Alias(std::string flag) && {
    alias_ = std::move(flag);
    return std::move(*this);
  }

  const std::string& key() const { return key_; }
  const std::string& alias() const { return alias_; }
  Kind kind() const { return kind_; }
  const std::string& unit() const { return unit_; }
  const std::string& effect() const { return effect_; }
  // As one would write it in the file.
  const std::string& default_text() const { return default_text_; }
  // What a value must be, to end the sentence "expected ...".
  const std::string& expected() const { return expected_; }
  // "HILUM_HTTP_BODY_TIMEOUT"
  std::string environment_name() const;

  // Stores the value; false, and the target is untouched, when it is not one. A list replaces its items by the
  // comma-separated ones.
  bool Store(std::string_view text) const { return store_(text); }
  // REQUIRES: kind() == kList
  void StoreList(std::vector<std::string> items) const { *list_ = std::move(items); }

 private:
  Setting(Kind kind, std::string key, std::string effect, std::string unit, std::string default_text);
  static bool ParseDuration(std::string_view text, std::chrono::milliseconds* out);
  static std::string FormatDuration(std::chrono::milliseconds value);

  Kind kind_;
  std::string key_;
  std::string alias_;
  std::string effect_;
  std::string unit_;
  std::string default_text_;
  std::string expected_;
  std::function<bool(std::string_view)> store_;
  std::vector<std::string>* list_ = nullptr;
};

}  // namespace hilum
