#include "server/http/range.h"

#include <algorithm>
#include <string>

#include "server/http/text.h"

namespace hilum::http {
namespace {

using Range = std::optional<std::pair<uint64_t, uint64_t>>;

Status Unsatisfiable(uint64_t total) {
  return Invalid("range: no byte of the " + std::to_string(total) + " bytes lies in it");
}

// A place beyond the end lies beyond it however many digits it has.
std::optional<uint64_t> ParsePlace(std::string_view text) {
  if (const auto place = ParseDecimal(text)) return place;
  if (text.empty() || text.find_first_not_of("0123456789") != std::string_view::npos) return std::nullopt;
  return UINT64_MAX;
}

}  // namespace

Result<Range> ParseRange(std::string_view header, uint64_t total) {
  static constexpr std::string_view kUnit = "bytes=";
  header = Trimmed(header);
  if (!EqualsIgnoringCase(header.substr(0, kUnit.size()), kUnit)) return Range();
  const std::string_view spec = Trimmed(header.substr(kUnit.size()));
  const size_t dash = spec.find('-');
  if (dash == std::string_view::npos) return Range();
  const std::string_view first_text = spec.substr(0, dash);
  const std::string_view last_text = spec.substr(dash + 1);

  if (first_text.empty()) {
    const std::optional<uint64_t> suffix = ParsePlace(last_text);
    if (!suffix) return Range();
    if (*suffix == 0 || total == 0) return Unsatisfiable(total);
    const uint64_t length = std::min(*suffix, total);
    return Range(std::in_place, total - length, length);
  }
  const std::optional<uint64_t> first = ParsePlace(first_text);
  if (!first) return Range();
  uint64_t last = UINT64_MAX;
  if (!last_text.empty()) {
    const std::optional<uint64_t> parsed = ParsePlace(last_text);
    if (!parsed || *parsed < *first) return Range();
    last = *parsed;
  }
  if (*first >= total) return Unsatisfiable(total);
  return Range(std::in_place, *first, std::min(last, total - 1) - *first + 1);
}

}  // namespace hilum::http
