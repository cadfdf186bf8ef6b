// Cross-origin resource sharing (WHATWG Fetch 3.2) for a fixed list of origins. Immutable, thread-safe.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/http/http.h"

namespace hilum::http {

class Cors {
 public:
  // "*" for any origin; empty: none.
  explicit Cors(std::vector<std::string> origins);

  // Header lines ("Name: value\r\n"...) an answer to this Origin needs; empty when there is nothing to say.
  std::string AnswerLines(std::optional<std::string_view> origin) const;

  // Whether the request only asks for permission; the server then answers 204 with PreflightLines().
  bool IsPreflight(std::string_view method, const Headers& headers) const;
  std::string PreflightLines(const Headers& headers) const;

 private:
  bool Allows(std::string_view origin) const;

  const std::vector<std::string> origins_;
  const bool any_;
};

}  // namespace hilum::http
