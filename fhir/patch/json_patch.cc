#include "fhir/patch/json_patch.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "fhir/patch/tree.h"

namespace hilum::fhir {
namespace {

using patch::Budget;
using patch::Tree;

constexpr size_t kShownPointer = 200;

// For errors: whole characters, and not more than a line of them.
std::string Shown(std::string_view pointer) {
  if (pointer.size() <= kShownPointer) return "'" + std::string(pointer) + "'";
  size_t end = kShownPointer;
  while (end > 0 && (static_cast<unsigned char>(pointer[end]) & 0xC0) == 0x80) --end;
  return "'" + std::string(pointer.substr(0, end)) + "...'";
}

// RFC 6901 4: "~1" is '/', "~0" is '~'.
Result<std::vector<std::string>> ReadPointer(std::string_view pointer) {
  std::vector<std::string> tokens;
  if (pointer.empty()) return tokens;
  if (pointer[0] != '/') return Invalid("the pointer must be empty or begin with '/'");
  for (size_t i = 0; i < pointer.size(); ++i) {
    if (pointer[i] == '/') {
      if (tokens.size() > json::kMaxDepth) return LimitExceeded("the pointer leads deeper than resources may be");
      tokens.emplace_back();
    } else if (pointer[i] != '~') {
      tokens.back() += pointer[i];
    } else {
      const char escape = i + 1 < pointer.size() ? pointer[++i] : '\0';
      if (escape != '0' && escape != '1') return Invalid("in a pointer '~' must be followed by 0 or 1");
      tokens.back() += escape == '0' ? '~' : '/';
    }
  }
  return tokens;
}

Status OverBudget() {
  return LimitExceeded("the patch takes too much work; send fewer operations, or the whole resource with PUT");
}

// Whether a pointer names a member that is there, or a place where one can be put.
enum class Wanted : uint8_t { kMember, kPlace };

class Patcher {
 public:
  Patcher(json::Value resource, const PatchLimits& limits)
      : root_(std::make_unique<Tree>(resource)), budget_{limits.steps}, copied_left_(limits.copied_bytes) {}

  Status Run(json::Value operation);
  std::string Text() const {
    std::string text;
    root_->Write(&text);
    return text;
  }

 private:
  // The holder of what a pointer names and its place there; size() of the holder's members is behind the last.
  struct Place {
    Tree* holder = nullptr;
    size_t index = 0;
    std::string name;
  };

  Result<Place> FindMember(Tree* holder, const std::string& token, Wanted wanted);
  Result<Place> FindPlace(const std::vector<std::string>& tokens, Wanted wanted);
  Result<Tree*> Find(const std::vector<std::string>& tokens);

  Status Add(const std::vector<std::string>& tokens, std::unique_ptr<Tree> value);
  Result<std::unique_ptr<Tree>> Take(const std::vector<std::string>& tokens);
  Status Replace(const std::vector<std::string>& tokens, std::unique_ptr<Tree> value);
  Status Move(const std::vector<std::string>& from, const std::vector<std::string>& to);
  Status Copy(const std::vector<std::string>& from, const std::vector<std::string>& to);
  Status Test(const std::vector<std::string>& tokens, json::Value expected);
  Status CheckDepth(const std::vector<std::string>& tokens, const Tree& value);

  std::unique_ptr<Tree> root_;
  Budget budget_;
  size_t copied_left_;
};

Result<Patcher::Place> Patcher::FindMember(Tree* holder, const std::string& token, Wanted wanted) {
  if (!holder->is_object() && !holder->is_array()) return Invalid("there is no such element");
  if (!holder->Open(&budget_)) return OverBudget();
  const std::vector<Tree::Member>& members = holder->members();
  if (holder->is_object()) {
    if (!budget_.Take(members.size())) return OverBudget();
    const auto found =
        std::find_if(members.begin(), members.end(), [&](const Tree::Member& member) { return member.name == token; });
    if (found == members.end() && wanted == Wanted::kMember) return Invalid("there is no such element");
    return Place{holder, static_cast<size_t>(found - members.begin()), token};
  }
  const size_t end = members.size() + (wanted == Wanted::kPlace ? 1 : 0);
  if (token == "-" && wanted == Wanted::kPlace) return Place{holder, members.size(), {}};
  // RFC 6901 4: no leading zeros.
  const bool is_index = !token.empty() && token.size() <= 9 && (token.size() == 1 || token[0] != '0') &&
                        token.find_first_not_of("0123456789") == std::string::npos;
  if (!is_index) return Invalid("an item of an array is named by its number, counted from 0");
  const size_t index = std::stoul(token);
  if (index >= end) return Invalid("the array has no such item");
  return Place{holder, index, {}};
}

Result<Patcher::Place> Patcher::FindPlace(const std::vector<std::string>& tokens, Wanted wanted) {
  Tree* at = root_.get();
  for (size_t i = 0;; ++i) {
    const bool is_last = i + 1 == tokens.size();
    HILUM_ASSIGN_OR_RETURN(Place place, FindMember(at, tokens[i], is_last ? wanted : Wanted::kMember));
    if (is_last) return place;
    at = at->members()[place.index].value.get();
  }
}

Result<Tree*> Patcher::Find(const std::vector<std::string>& tokens) {
  if (tokens.empty()) return root_.get();
  HILUM_ASSIGN_OR_RETURN(const Place place, FindPlace(tokens, Wanted::kMember));
  return place.holder->members()[place.index].value.get();
}

Status Patcher::CheckDepth(const std::vector<std::string>& tokens, const Tree& value) {
  const auto depth = value.Depth(&budget_);
  if (!depth) return OverBudget();
  if (tokens.size() + *depth <= json::kMaxDepth) return Status::Ok();
  return LimitExceeded("the result would be deeper than resources may be");
}

Status Patcher::Add(const std::vector<std::string>& tokens, std::unique_ptr<Tree> value) {
  HILUM_RETURN_IF_ERROR(CheckDepth(tokens, *value));
  if (tokens.empty()) {
    root_ = std::move(value);
    return Status::Ok();
  }
  HILUM_ASSIGN_OR_RETURN(Place place, FindPlace(tokens, Wanted::kPlace));
  auto& members = place.holder->members();
  if (place.holder->is_object() && place.index < members.size()) {
    members[place.index].value = std::move(value);
    return Status::Ok();
  }
  if (!budget_.Take(members.size() - place.index)) return OverBudget();
  members.insert(members.begin() + static_cast<std::ptrdiff_t>(place.index), {place.name, std::move(value)});
  return Status::Ok();
}

Result<std::unique_ptr<Tree>> Patcher::Take(const std::vector<std::string>& tokens) {
  if (tokens.empty()) return Invalid("the whole resource cannot be taken away; use DELETE");
  HILUM_ASSIGN_OR_RETURN(const Place place, FindPlace(tokens, Wanted::kMember));
  auto& members = place.holder->members();
  if (!budget_.Take(members.size() - place.index)) return OverBudget();
  auto value = std::move(members[place.index].value);
  members.erase(members.begin() + static_cast<std::ptrdiff_t>(place.index));
  return value;
}

Status Patcher::Replace(const std::vector<std::string>& tokens, std::unique_ptr<Tree> value) {
  if (tokens.empty()) return Add(tokens, std::move(value));
  HILUM_RETURN_IF_ERROR(CheckDepth(tokens, *value));
  HILUM_ASSIGN_OR_RETURN(const Place place, FindPlace(tokens, Wanted::kMember));
  place.holder->members()[place.index].value = std::move(value);
  return Status::Ok();
}

Status Patcher::Move(const std::vector<std::string>& from, const std::vector<std::string>& to) {
  // RFC 6902 4.4: not into one of its children.
  if (from.size() < to.size() && std::equal(from.begin(), from.end(), to.begin()))
    return Invalid("nothing can be moved into itself");
  if (from == to) return Find(from).status();
  HILUM_ASSIGN_OR_RETURN(std::unique_ptr<Tree> value, Take(from));
  return Add(to, std::move(value));
}

Status Patcher::Copy(const std::vector<std::string>& from, const std::vector<std::string>& to) {
  HILUM_ASSIGN_OR_RETURN(const Tree* const source, Find(from));
  const size_t size = source->Size();
  if (size > copied_left_) return LimitExceeded("the patch copies too much; send the whole resource with PUT");
  copied_left_ -= size;
  auto copy = source->Copy(&budget_);
  if (!copy) return OverBudget();
  return Add(to, std::move(copy));
}

Status Patcher::Test(const std::vector<std::string>& tokens, json::Value expected) {
  HILUM_ASSIGN_OR_RETURN(Tree* const found, Find(tokens));
  Tree wanted(expected);
  if (patch::AreEqual(*found, wanted, &budget_)) return Status::Ok();
  if (!budget_.Take(1)) return OverBudget();
  return Conflict("the test does not hold: the resource has another value there");
}

Status Patcher::Run(json::Value operation) {
  const std::string_view op = json::Find(operation, "op")->text();
  HILUM_ASSIGN_OR_RETURN(const std::vector<std::string> path, ReadPointer(json::Find(operation, "path")->text()));
  if (op == "remove") return Take(path).status();
  if (op == "move" || op == "copy") {
    const json::MaybeValue from_text = json::Find(operation, "from");
    if (!from_text || !from_text->is_string()) return Invalid("'" + std::string(op) + "' needs 'from', a pointer");
    const auto from = ReadPointer(from_text->text());
    if (!from.ok()) return from.status().WithContext("from");
    return op == "move" ? Move(*from, path) : Copy(*from, path);
  }
  if (op != "add" && op != "replace" && op != "test")
    return Invalid("'op' must be add, remove, replace, move, copy or test");
  const json::MaybeValue value = json::Find(operation, "value");
  if (!value) return Invalid("'" + std::string(op) + "' needs a 'value'");
  if (op == "add") return Add(path, std::make_unique<Tree>(*value));
  if (op == "replace") return Replace(path, std::make_unique<Tree>(*value));
  return Test(path, *value);
}

}  // namespace

Result<std::string> ApplyJsonPatch(json::Value resource, Bytes patch, const PatchLimits& limits) {
  const auto document = json::Document::Parse(std::string(patch));
  if (!document.ok()) return document.status().WithContext("the JSON Patch");
  if (!document->root().is_array()) return Invalid("a JSON Patch is an array of operations");
  Patcher patcher(resource, limits);
  size_t index = 0;
  for (const json::Value operation : document->root().children()) {
    const std::string which = "operation " + std::to_string(index);
    if (index++ == limits.operations)
      return LimitExceeded("a JSON Patch may have " + std::to_string(limits.operations) + " operations at most");
    const json::MaybeValue maybe(operation);
    if (!maybe["op"] || !maybe["op"]->is_string() || !maybe["path"] || !maybe["path"]->is_string())
      return Invalid(which + ": an operation is an object with 'op' and 'path', both strings");
    const Status status = patcher.Run(operation);
    if (!status.ok()) return status.WithContext(which + " at " + Shown(maybe["path"]->text()));
  }
  return patcher.Text();
}

}  // namespace hilum::fhir
