// Media types with parameters (RFC 9110 8.3.1) and Accept lists (RFC 9110 12.5.1), read as clients really write them:
// names in any case, values quoted or not (`type=application/dicom`), stray semicolons, junk entries. Pure functions,
// thread-safe.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace hilum::multipart {

struct MediaType {
  std::string type;     // lower case; "*" in a range
  std::string subtype;  // lower case; "*" in a range
  // In the order they came, repeats kept. Names in lower case, values without quotes and escapes.
  std::vector<std::pair<std::string, std::string>> parameters;

  // "application/dicom"
  std::string Essence() const { return type + "/" + subtype; }
  // The first value of that name. REQUIRES: `name` in lower case.
  std::optional<std::string_view> Parameter(std::string_view name) const;
  // Quotes the values that need it.
  std::string ToString() const;

  bool operator==(const MediaType&) const = default;
};

// kInvalid without `type/subtype` and for a quoted value that does not end. Parameters without a name or a '=' are
// skipped.
Result<MediaType> ParseMediaType(std::string_view text);

struct AcceptEntry {
  MediaType media_type;  // without the q parameter
  int q = 1000;          // thousandths; 0 means "not this"
};

// The entries of an Accept field (values of repeated fields joined by commas), best q first, otherwise in the order
// they came. Entries that are no media type are skipped; "*" means "*/*"; a q that is no number from 0 to 1 counts
// as 1. What comes behind kMaxAcceptEntries, junk among them, is not read: answering holds each against all others.
inline constexpr size_t kMaxAcceptEntries = 64;
std::vector<AcceptEntry> ParseAccept(std::string_view text);

// Whether q=0 leaves a media type out of what wider ranges take: of the entries that name it, or its kind, the closest
// one counts (RFC 9110 12.5.1). Entries with parameters speak of a variant of it only. `entries`: of ParseAccept.
bool Refuses(const std::vector<AcceptEntry>& entries, std::string_view media_type);
// The same of an answer in multipart/related: it is left out by its own name, with or without that of its parts, or by
// that of its parts.
bool RefusesParts(const std::vector<AcceptEntry>& entries, std::string_view media_type);

}  // namespace hilum::multipart
