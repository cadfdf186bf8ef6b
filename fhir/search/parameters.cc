// Query strings to parameters and back.
#include "base/hex.h"
#include "base/text.h"
#include "fhir/json/parser.h"
#include "fhir/search/query.h"

namespace hilum::fhir {
namespace {

Result<std::string> Decode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '%') {
      out.push_back(text[at] == '+' ? ' ' : text[at]);
      continue;
    }
    const int high = at + 2 < text.size() ? HexValue(text[at + 1]) : -1;
    const int low = high >= 0 ? HexValue(text[at + 2]) : -1;
    if (low < 0) return Invalid("'%' in a query must be followed by two hexadecimal digits");
    out.push_back(static_cast<char>(high << 4 | low));
    at += 2;
  }
  if (out.find('\0') != out.npos) return Invalid("a query must not hold the character NUL (%00)");
  if (json::FindInvalidUtf8(out) != out.size()) return Invalid("a query must be UTF-8");
  return out;
}

void Encode(std::string_view text, std::string* out) {
  // What RFC 3986 3.4 lets stand in a query and has no meaning in one here. A '|' is not among it.
  constexpr std::string_view kPlain = "-._~:/@!$'()*,;";
  for (const char c : text) {
    const bool plain = IsAlphanumeric(c) || kPlain.find(c) != kPlain.npos;
    if (plain)
      out->push_back(c);
    else
      AppendPercentEncoded(c, out);
  }
}

}  // namespace

Result<std::vector<Parameter>> SplitQuery(std::string_view query, size_t max_parameters) {
  if (query.size() > kMaxQueryBytes) {
    return LimitExceeded("the search parameters have more than " + std::to_string(kMaxQueryBytes) +
                         " bytes; split the search");
  }
  std::vector<Parameter> parameters;
  while (!query.empty()) {
    const size_t end = std::min(query.find('&'), query.size());
    const std::string_view pair = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    if (pair.empty()) continue;
    if (parameters.size() == max_parameters) {
      return LimitExceeded("more than " + std::to_string(max_parameters) + " search parameters; split the search");
    }
    const size_t equals = std::min(pair.find('='), pair.size());
    HILUM_ASSIGN_OR_RETURN(std::string name, Decode(pair.substr(0, equals)));
    HILUM_ASSIGN_OR_RETURN(std::string value,
                           Decode(equals < pair.size() ? pair.substr(equals + 1) : std::string_view()));
    parameters.push_back({std::move(name), std::move(value)});
  }
  return parameters;
}

std::string JoinQuery(const std::vector<Parameter>& parameters) {
  std::string out;
  for (const Parameter& parameter : parameters) {
    if (!out.empty()) out.push_back('&');
    Encode(parameter.name, &out);
    out.push_back('=');
    Encode(parameter.value, &out);
  }
  return out;
}

}  // namespace hilum::fhir
