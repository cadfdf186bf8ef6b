#include "codecs/multipart/media_type.h"

#include <algorithm>

#include "base/text.h"

namespace hilum::multipart {

namespace {

// RFC 9110 5.6.2.
bool IsTokenChar(char c) {
  return IsAlphanumeric(c) || std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

bool IsToken(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), IsTokenChar);
}

// Index after the quoted string that begins at `from`, npos when it does not end.
size_t AfterQuoted(std::string_view text, size_t from) {
  for (size_t i = from + 1; i < text.size(); ++i) {
    if (text[i] == '"') return i + 1;
    if (text[i] == '\\') ++i;
  }
  return std::string_view::npos;
}

// The end of the item that begins at `from`: the next `separator` outside quotes. A quote that does not end is an
// ordinary character.
size_t ItemEnd(std::string_view text, size_t from, char separator) {
  bool quotes = true;
  for (size_t i = from; i < text.size();) {
    if (text[i] == separator) return i;
    const size_t after = quotes && text[i] == '"' ? AfterQuoted(text, i) : i + 1;
    quotes = quotes && after != std::string_view::npos;
    i = quotes ? after : i + 1;
  }
  return text.size();
}

// REQUIRES: `quoted` begins and ends with a quote.
std::string Unquote(std::string_view quoted) {
  std::string value;
  for (size_t i = 1; i + 1 < quoted.size(); ++i) {
    if (quoted[i] == '\\' && i + 2 < quoted.size()) ++i;
    value.push_back(quoted[i]);
  }
  return value;
}

Status AddParameter(std::string_view text, MediaType* out) {
  const size_t equals = text.find('=');
  if (equals == std::string_view::npos) return Status::Ok();
  const std::string_view name = Trimmed(text.substr(0, equals));
  const std::string_view value = Trimmed(text.substr(equals + 1));
  if (!IsToken(name)) return Status::Ok();
  if (!value.starts_with('"')) {
    out->parameters.emplace_back(Lower(name), value);
    return Status::Ok();
  }
  const size_t after = AfterQuoted(value, 0);
  if (after == std::string_view::npos) return Invalid("media type: a quoted parameter value does not end");
  out->parameters.emplace_back(Lower(name), Unquote(value.substr(0, after)));
  return Status::Ok();
}

constexpr std::string_view kInParts = "multipart/related";

// How closely a range names a type: 2 itself, 1 its kind, 0 not or as anything.
int Closeness(const MediaType& range, std::string_view media_type) {
  if (range.Essence() == media_type) return 2;
  const bool of_kind = range.subtype == "*" && range.type != "*" && media_type.starts_with(range.type + "/");
  return of_kind ? 1 : 0;
}

// Of multipart/related with such parts.
int ClosenessOfParts(const MediaType& range, std::string_view media_type) {
  const int named = Closeness(range, kInParts);
  const auto parts = range.Parameter("type");
  if (named == 0 || !parts || *parts == "*/*") return named;
  const auto part = ParseMediaType(*parts);
  return part.ok() && Closeness(*part, media_type) > 0 ? named + 1 : 0;
}

bool IsOfVariant(const MediaType& range) {
  return std::ranges::any_of(range.parameters, [](const auto& parameter) { return parameter.first != "type"; });
}

template <typename ClosenessOf>
bool ClosestRefuses(const std::vector<AcceptEntry>& entries, const ClosenessOf& closeness_of) {
  int closest = 0, q = 1000;
  for (const AcceptEntry& entry : entries) {  // the best first: among equals it counts
    const int closeness = entry.q == 0 && IsOfVariant(entry.media_type) ? 0 : closeness_of(entry.media_type);
    if (closeness > closest) {
      closest = closeness;
      q = entry.q;
    }
  }
  return q == 0;
}

}  // namespace

std::optional<std::string_view> MediaType::Parameter(std::string_view name) const {
  for (const auto& [key, value] : parameters) {
    if (key == name) return value;
  }
  return std::nullopt;
}

std::string MediaType::ToString() const {
  std::string text = Essence();
  for (const auto& [name, value] : parameters) {
    text.append("; ").append(name).append("=");
    if (IsToken(value)) {
      text.append(value);
      continue;
    }
    text.push_back('"');
    for (const char c : value) {
      if (c == '"' || c == '\\') text.push_back('\\');
      text.push_back(c);
    }
    text.push_back('"');
  }
  return text;
}

Result<MediaType> ParseMediaType(std::string_view text) {
  size_t end = ItemEnd(text, 0, ';');
  const std::string_view essence = Trimmed(text.substr(0, end));
  const size_t slash = essence.find('/');
  if (slash == std::string_view::npos || !IsToken(essence.substr(0, slash)) || !IsToken(essence.substr(slash + 1))) {
    return Invalid("media type: expected type/subtype");
  }
  MediaType media_type{Lower(essence.substr(0, slash)), Lower(essence.substr(slash + 1)), {}};
  while (end < text.size()) {
    const size_t from = end + 1;
    end = ItemEnd(text, from, ';');
    HILUM_RETURN_IF_ERROR(AddParameter(Trimmed(text.substr(from, end - from)), &media_type));
  }
  return media_type;
}

std::vector<AcceptEntry> ParseAccept(std::string_view text) {
  std::vector<AcceptEntry> entries;
  size_t from = 0;
  for (size_t read = 0; from <= text.size() && read < kMaxAcceptEntries; ++read) {
    const size_t end = ItemEnd(text, from, ',');
    std::string item(Trimmed(text.substr(from, end - from)));
    from = end + 1;
    if (item == "*" || item.starts_with("*;") || item.starts_with("* ")) item.insert(1, "/*");
    auto media_type = ParseMediaType(item);
    if (!media_type.ok()) continue;
    AcceptEntry entry{*std::move(media_type)};
    auto& parameters = entry.media_type.parameters;
    const auto weight =
        std::find_if(parameters.begin(), parameters.end(), [](const auto& p) { return p.first == "q"; });
    if (weight != parameters.end()) {
      entry.q = ParseQuality(weight->second).value_or(1000);
      parameters.erase(weight);
    }
    entries.push_back(std::move(entry));
  }
  std::stable_sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) { return a.q > b.q; });
  return entries;
}

bool Refuses(const std::vector<AcceptEntry>& entries, std::string_view media_type) {
  return ClosestRefuses(entries, [&](const MediaType& range) { return Closeness(range, media_type); });
}

bool RefusesParts(const std::vector<AcceptEntry>& entries, std::string_view media_type) {
  const auto as_multipart = [&](const MediaType& range) { return ClosenessOfParts(range, media_type); };
  const auto by_any_name = [&](const MediaType& range) {
    return std::max(Closeness(range, media_type), ClosenessOfParts(range, media_type));
  };
  return ClosestRefuses(entries, as_multipart) || ClosestRefuses(entries, by_any_name);
}

}  // namespace hilum::multipart
