#include "server/http/cors.h"

#include <algorithm>

#include "server/http/text.h"

namespace hilum::http {
namespace {

constexpr std::string_view kExposed =
    "Access-Control-Expose-Headers: Content-Disposition, Content-Location, Content-Range, ETag, "
    "erroneous-dicom-attributes, Location, Retry-After, Warning, X-Progress, X-Request-Id, X-Total-Count\r\n";

// Asked-for methods and field names are echoed; only what such lists are made of passes.
bool IsTokenList(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return IsAlphanumeric(c) || c == ' ' || c == ',' || c == '-' || c == '_' || c == '.' || c == '!';
  });
}

}  // namespace

Cors::Cors(std::vector<std::string> origins)
    : origins_(std::move(origins)), any_(std::find(origins_.begin(), origins_.end(), "*") != origins_.end()) {}

bool Cors::Allows(std::string_view origin) const {
  return any_ || std::find(origins_.begin(), origins_.end(), origin) != origins_.end();
}

std::string Cors::AnswerLines(std::optional<std::string_view> origin) const {
  if (origins_.empty()) return "";
  // Caches must not hand the answer for one origin to another, not even the answer without permission.
  std::string lines = any_ ? "" : "Vary: Origin\r\n";
  if (!origin || !Allows(*origin)) return lines;
  lines.append("Access-Control-Allow-Origin: ").append(any_ ? "*" : *origin).append("\r\n").append(kExposed);
  return lines;
}

bool Cors::IsPreflight(std::string_view method, const Headers& headers) const {
  return !origins_.empty() && method == "OPTIONS" && headers.First("Origin") &&
         headers.First("Access-Control-Request-Method");
}

std::string Cors::PreflightLines(const Headers& headers) const {
  const std::string_view origin = *headers.First("Origin");
  std::string lines = AnswerLines(origin);
  if (!Allows(origin)) return lines;
  if (const std::string_view method = *headers.First("Access-Control-Request-Method"); IsTokenList(method)) {
    lines.append("Access-Control-Allow-Methods: ").append(method).append("\r\n");
  }
  if (const auto names = headers.First("Access-Control-Request-Headers"); names && IsTokenList(*names)) {
    lines.append("Access-Control-Allow-Headers: ").append(*names).append("\r\n");
  }
  return lines.append("Access-Control-Max-Age: 600\r\n");
}

}  // namespace hilum::http
