// A JSON value that can be changed: whatever is not descended into stays a slice of the text it came from. Internal to
// fhir/patch. Not thread-safe; the documents behind the slices outlive it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fhir/json/document.h"

namespace hilum::fhir::patch {

// What is left of the work that one patch may cost; every function that walks takes from it.
struct Budget {
  size_t steps;
  // False when there is not enough left.
  bool Take(size_t count) {
    if (count > steps) return false;
    steps -= count;
    return true;
  }
};

class Tree {
 public:
  struct Member {
    std::string name;  // empty in arrays
    std::unique_ptr<Tree> value;
  };

  explicit Tree(json::Value source) : source_(source) {}

  json::Kind kind() const { return source_.kind(); }
  bool is_object() const { return kind() == json::Kind::kObject; }
  bool is_array() const { return kind() == json::Kind::kArray; }
  // Of a number or string, as json::Value::text(). REQUIRES: neither object nor array.
  std::string_view text() const { return source_.text(); }

  // Takes the slice apart, so that members() is what this object or array holds. False when the budget is used up.
  bool Open(Budget* budget);
  // REQUIRES: Open().
  std::vector<Member>& members() { return members_; }

  // nullptr when the budget is used up.
  std::unique_ptr<Tree> Copy(Budget* budget) const;
  // Levels of objects and arrays; 0 for other values. nullopt when the budget is used up.
  std::optional<size_t> Depth(Budget* budget) const;
  // Bytes that Write would append.
  size_t Size() const;
  void Write(std::string* out) const;

 private:
  json::Value source_;
  bool open_ = false;
  std::vector<Member> members_;
};

// Equal as RFC 6902 4.6 has it: numbers by value, objects in any order. False also when the budget is used up.
bool AreEqual(Tree& a, Tree& b, Budget* budget);

// "1.0", "1" and "10E-1" are the same number.
bool AreEqualNumbers(std::string_view a, std::string_view b);

}  // namespace hilum::fhir::patch
