#include "fhir/patch/tree.h"

#include <algorithm>
#include <charconv>

#include "base/json_text.h"

namespace hilum::fhir::patch {
namespace {

// A number as its digits without zeros at either end, times a power of ten. Exponents have at most kMaxNumberSize
// digits; those that do not fit into 64 bits are as large as can be.
struct Number {
  bool negative = false;
  std::string digits;
  int64_t exponent = 0;
  bool operator==(const Number&) const = default;
};

Number Read(std::string_view text) {
  constexpr int64_t kHuge = INT64_MAX / 4;
  Number number;
  if (text.starts_with('-')) {
    number.negative = true;
    text.remove_prefix(1);
  }
  const size_t e = text.find_first_of("eE");
  if (e != std::string_view::npos) {
    std::string_view exponent = text.substr(e + 1);
    if (exponent.starts_with('+')) exponent.remove_prefix(1);
    const auto [end, error] = std::from_chars(exponent.data(), exponent.data() + exponent.size(), number.exponent);
    if (error != std::errc()) number.exponent = exponent.starts_with('-') ? -kHuge : kHuge;
    number.exponent = std::clamp(number.exponent, -kHuge, kHuge);
    text = text.substr(0, e);
  }
  for (const char c : text)
    if (c != '.') number.digits += c;
  if (const size_t point = text.find('.'); point != std::string_view::npos)
    number.exponent -= static_cast<int64_t>(text.size() - point - 1);
  while (!number.digits.empty() && number.digits.back() == '0') {
    number.digits.pop_back();
    ++number.exponent;
  }
  number.digits.erase(0, std::min(number.digits.find_first_not_of('0'), number.digits.size()));
  return number.digits.empty() ? Number() : number;
}

size_t DepthOf(json::Value value) {
  if (!value.is_object() && !value.is_array()) return 0;
  size_t deepest = 0;
  for (const json::Value child : value.children()) deepest = std::max(deepest, DepthOf(child));
  return deepest + 1;
}

}  // namespace

bool AreEqualNumbers(std::string_view a, std::string_view b) {
  return a == b || Read(a) == Read(b);
}

bool Tree::Open(Budget* budget) {
  if (open_) return true;
  for (const json::Value child : source_.children()) {
    if (!budget->Take(1)) return false;
    members_.push_back({std::string(child.key()), std::make_unique<Tree>(child)});
  }
  open_ = true;
  return true;
}

std::unique_ptr<Tree> Tree::Copy(Budget* budget) const {
  auto copy = std::make_unique<Tree>(source_);
  copy->open_ = open_;
  for (const Member& member : members_) {
    if (!budget->Take(1)) return nullptr;
    auto child = member.value->Copy(budget);
    if (!child) return nullptr;
    copy->members_.push_back({member.name, std::move(child)});
  }
  return copy;
}

std::optional<size_t> Tree::Depth(Budget* budget) const {
  if (!open_) {
    const size_t values = source_.document().nodes()[source_.index()].next - source_.index();
    if (!budget->Take(values)) return std::nullopt;
    return DepthOf(source_);
  }
  size_t deepest = 0;
  for (const Member& member : members_) {
    const auto depth = member.value->Depth(budget);
    if (!depth) return std::nullopt;
    deepest = std::max(deepest, *depth);
  }
  return deepest + 1;
}

size_t Tree::Size() const {
  if (!open_) return source_.raw().size();
  size_t size = 2;
  for (const Member& member : members_) size += member.name.size() + member.value->Size() + 4;
  return size;
}

void Tree::Write(std::string* out) const {
  if (!open_) {
    out->append(source_.raw());
    return;
  }
  out->push_back(is_object() ? '{' : '[');
  for (const Member& member : members_) {
    if (&member != members_.data()) out->push_back(',');
    if (is_object()) {
      AppendJsonString(member.name, out);
      out->push_back(':');
    }
    member.value->Write(out);
  }
  out->push_back(is_object() ? '}' : ']');
}

bool AreEqual(Tree& a, Tree& b, Budget* budget) {
  if (a.kind() != b.kind() || !budget->Take(1)) return false;
  if (a.kind() == json::Kind::kNumber) return AreEqualNumbers(a.text(), b.text());
  if (!a.is_object() && !a.is_array()) return a.text() == b.text();
  if (!a.Open(budget) || !b.Open(budget) || a.members().size() != b.members().size()) return false;
  // Members of a, found in b near where they are in a: equal objects mostly have equal orders.
  for (size_t i = 0; i < a.members().size(); ++i) {
    Tree::Member& of_a = a.members()[i];
    Tree::Member* of_b = &b.members()[i];
    if (of_b->name != of_a.name) {
      if (!budget->Take(b.members().size())) return false;
      const auto found = std::find_if(b.members().begin(), b.members().end(),
                                      [&](const Tree::Member& member) { return member.name == of_a.name; });
      if (found == b.members().end()) return false;
      of_b = &*found;
    }
    if (!AreEqual(*of_a.value, *of_b->value, budget)) return false;
  }
  return true;
}

}  // namespace hilum::fhir::patch
