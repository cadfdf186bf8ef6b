#include "storage/index/match_value.h"

#include <algorithm>

#include "storage/index/match_range.h"
#include "storage/index/position.h"
#include "storage/index/soundex.h"
#include "storage/index/text.h"

namespace hilum::storage {
namespace {

bool HoldsOf(const NumberValue& value, Comparison comparison, const NumberValue& asked) {
  const auto extent = ExtentOf(value), wanted = ExtentOf(asked);
  return extent && wanted && Holds(comparison, *extent, *wanted);
}

bool IsOrAbsent(const std::optional<std::string>& asked, const std::string& part) {
  return !asked || *asked == part;
}

bool AnyWord(const std::string& folded, const auto& fits) {
  const auto words = WordsAndParts(folded);
  return std::ranges::any_of(words, fits);
}

// How a leaf meets a value of its own kind; there is none for what is no leaf about values.
struct Meets {
  const IndexValue& value;

  bool operator()(const TokenIs& asked) const {
    const auto& token = std::get<TokenValue>(value);
    return IsOrAbsent(asked.system, token.system) && IsOrAbsent(asked.code, token.code);
  }
  bool operator()(const TokenPattern& asked) const {
    const std::string& code = std::get<TokenValue>(value).code;
    return Pattern(asked.pattern, asked.fold).Matches(asked.fold ? Fold(code) : code);
  }
  bool operator()(const StringMatch& asked) const {
    using How = StringMatch::How;
    const std::string& text = std::get<StringValue>(value).text;
    if (asked.how == How::kExact) return text == asked.text;
    const std::string folded = FoldForIndex(text);
    if (asked.how == How::kPattern) return Pattern(asked.text, /*fold=*/true).Matches(folded);
    const std::string wanted = FoldForIndex(asked.text);
    switch (asked.how) {
      case How::kPrefix:
        return folded.starts_with(wanted);
      case How::kContains:
        return folded.find(wanted) != std::string::npos;
      case How::kWordPrefix:
        return AnyWord(folded, [&](std::string_view word) { return word.starts_with(wanted); });
      case How::kSoundsLike: {
        const std::string sound = Soundex(wanted);
        return !sound.empty() && AnyWord(folded, [&](std::string_view word) { return Soundex(word) == sound; });
      }
      default:
        return folded == wanted;
    }
  }
  bool operator()(const DateMatch& asked) const {
    return Holds(asked.comparison, ExtentOf(std::get<DateValue>(value)), ExtentOf(asked.asked));
  }
  bool operator()(const NumberMatch& asked) const {
    return HoldsOf(std::get<NumberValue>(value), asked.comparison, asked.asked);
  }
  bool operator()(const QuantityMatch& asked) const {
    const auto& quantity = std::get<QuantityValue>(value);
    return IsOrAbsent(asked.system, quantity.system) && IsOrAbsent(asked.code, quantity.code) &&
           HoldsOf(NumberValue{quantity.low, quantity.high}, asked.comparison, asked.asked);
  }
  bool operator()(const ReferenceIs& asked) const {
    const auto& reference = std::get<ReferenceValue>(value);
    if (asked.value.target) return reference.target == asked.value.target;
    return !reference.target && reference.text == asked.value.text;
  }
  bool operator()(const UriMatch& asked) const {
    const std::string& uri = std::get<UriValue>(value).uri;
    if (asked.how == UriMatch::How::kExact) return uri == asked.uri;
    if (asked.how == UriMatch::How::kBelow) return uri.starts_with(asked.uri);
    if (uri.empty() || !asked.uri.starts_with(uri)) return false;
    return uri.size() == asked.uri.size() || uri.back() == '/' ||
           std::string_view("/?#|").find(asked.uri[uri.size()]) != std::string_view::npos;
  }
  bool operator()(const Present& asked) const {
    if (!asked.target) return true;
    const auto& target = std::get<ReferenceValue>(value).target;
    return target && target->collection == *asked.target;
  }
};

}  // namespace

std::optional<FieldId> FieldOfLeaf(const Query& query) {
  return std::visit(
      [](const auto& node) -> std::optional<FieldId> {
        if constexpr (requires(Meets meets) { meets(node); }) {
          return node.field;
        } else {
          return std::nullopt;
        }
      },
      query.node);
}

bool Matches(const Query& leaf, const IndexValue& value) {
  return std::visit(
      [&](const auto& node) {
        if constexpr (requires(Meets meets) { meets(node); }) {
          return Meets{value}(node);
        } else {
          return false;
        }
      },
      leaf.node);
}

}  // namespace hilum::storage
