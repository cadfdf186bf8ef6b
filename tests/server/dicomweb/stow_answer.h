// What answers of STOW-RS explain.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>

#include "base/utf8.h"

namespace hilum::testing {

// The sentences of all Error Comments in an answer, one a line; of none is more than LO takes.
inline std::string Explanations(const std::string& body) {
  std::string text;
  const auto visit = [&](const auto& self, const nlohmann::json& value) -> void {
    if (value.is_object() && value.contains("00000902")) {
      const std::string comment = value["00000902"]["Value"][0];
      size_t characters = 0;
      for (std::string_view left = comment; !left.empty(); ++characters)
        left.remove_prefix(std::max<size_t>(1, Utf8SequenceLength(left)));
      EXPECT_LE(characters, 64u) << comment;
      const bool goes_on = comment.ends_with(" ...");
      text += goes_on ? comment.substr(0, comment.size() - 3) : comment + "\n";
    }
    if (value.is_structured())
      for (const nlohmann::json& child : value) self(self, child);
  };
  visit(visit, nlohmann::json::parse(body, nullptr, /*allow_exceptions=*/false));
  return text;
}

}  // namespace hilum::testing
