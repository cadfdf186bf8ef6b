// Changes to a JSON text at known places: everything that is not named stays byte for byte.
//
// Plain values, not thread-safe.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fhir/json/document.h"

namespace hilum::fhir::json {

// As AppendJsonString.
std::string Quoted(std::string_view text);

// Replacements of byte ranges of one text, in any order.
class Edits {
 public:
  // Bytes [begin, end) become `with`. Ranges must not overlap; insertions at one place (begin == end) keep their
  // order.
  void Replace(size_t begin, size_t end, std::string with) { edits_.push_back({begin, end, std::move(with)}); }
  void Insert(size_t at, std::string text) { Replace(at, at, std::move(text)); }
  bool empty() const { return edits_.empty(); }

  // Bytes [begin, end) and what they become.
  struct Edit {
    size_t begin, end;
    std::string with;
  };
  // In the order they were added.
  const std::vector<Edit>& list() const { return edits_; }
  // REQUIRES: there is such an edit.
  void SetText(size_t number, std::string with) { edits_.at(number).with = std::move(with); }
  // Whether they are ranges of a text of that size that do not overlap: what Apply requires, for edits that were
  // stored.
  bool Fit(size_t size) const;

  // The bytes [begin, end) of `text` with the edits that lie in them.
  std::string Apply(Bytes text, size_t begin, size_t end) const;
  std::string Apply(Value value) const { return Apply(value.document().bytes(), value.begin(), value.end()); }

 private:
  std::vector<Edit> edits_;
};

// What a server sets in every version of a resource it stores; nullopt leaves the element as it is.
struct Identity {
  std::optional<std::string_view> id;
  std::optional<std::string_view> version_id;
  std::optional<std::string_view> last_updated;  // instant
};
// Adds the edits that set `id`, `meta.versionId` and `meta.lastUpdated`; missing ones go behind resourceType and in
// front of what meta has. REQUIRES: `resource` is an object with a resourceType; `meta`, when present, is an object
// (validated resources are).
void SetIdentity(Value resource, const Identity& identity, Edits* edits);
// Takes `id`, `meta.versionId` and `meta.lastUpdated` away, and a `meta` that has nothing else: what two versions have
// in common when they say the same.
void ClearIdentity(Value resource, Edits* edits);

// Takes these properties away. At least one must stay.
void RemoveProperties(Value object, std::span<const std::string_view> keys, Edits* edits);

}  // namespace hilum::fhir::json
