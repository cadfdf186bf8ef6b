#include "server/dicomweb/negotiate.h"

#include <algorithm>

namespace hilum::dicomweb {
namespace {

using multipart::AcceptEntry;
using multipart::MediaType;

bool IsAny(const MediaType& type) { return type.type == "*" && type.subtype == "*"; }

bool IsJson(const MediaType& type) {
  return IsAny(type) || (type.type == "application" && (type.subtype == "dicom+json" || type.subtype == "json" || type.subtype == "*"));
}

std::string TransferSyntaxOf(const MediaType& type) {
  return std::string(type.Parameter("transfer-syntax").value_or("*"));
}

}  // namespace

Accepted::Accepted(const http::Request& request, const std::vector<std::pair<std::string, std::string>>& query) {
  for (const auto& [name, value] : query)
    if (multipart::EqualsIgnoreCase(name, "accept")) entries_ = multipart::ParseAccept(value);
  if (entries_.empty()) entries_ = multipart::ParseAccept(request.headers.Joined("Accept"));
}

std::optional<Accepted::Listing> Accepted::Search() const {
  if (entries_.empty()) return Listing::kJson;
  for (const AcceptEntry& entry : entries_) {
    const MediaType& type = entry.media_type;
    if (entry.q == 0) continue;
    if (IsJson(type)) return Listing::kJson;
    if (type.type == "text" && (type.subtype == "csv" || type.subtype == "*")) return Listing::kCsv;
  }
  return std::nullopt;
}

bool Accepted::Json() const {
  return entries_.empty() || std::any_of(entries_.begin(), entries_.end(), [](const AcceptEntry& entry) { return entry.q > 0 && IsJson(entry.media_type); });
}

std::optional<Accepted::Instances> Accepted::Dicom(bool single) const {
  if (entries_.empty()) return Instances{Packing::kMultipart, "*"};
  for (const AcceptEntry& entry : entries_) {
    const MediaType& type = entry.media_type;
    if (entry.q == 0) continue;
    if (type.type == "multipart" && (type.subtype == "related" || type.subtype == "*")) {
      const std::string_view part = type.Parameter("type").value_or("application/dicom");
      if (multipart::EqualsIgnoreCase(part, "application/dicom") || part == "*/*") return Instances{Packing::kMultipart, TransferSyntaxOf(type)};
    }
    if (type.Essence() == "application/dicom" || (type.type == "application" && type.subtype == "*"))
      return Instances{single ? Packing::kSinglePart : Packing::kMultipart, TransferSyntaxOf(type)};
    if (IsAny(type)) return Instances{Packing::kMultipart, TransferSyntaxOf(type)};
  }
  return std::nullopt;
}

std::optional<Accepted::Instances> Accepted::Frames(bool single) const {
  if (entries_.empty()) return Instances{Packing::kMultipart, "*"};
  for (const AcceptEntry& entry : entries_) {
    const MediaType& type = entry.media_type;
    if (entry.q == 0) continue;
    const bool bulk_type = type.Essence() == "application/octet-stream" || type.type == "image" || type.type == "video";
    if (type.type == "multipart" || IsAny(type)) return Instances{Packing::kMultipart, TransferSyntaxOf(type)};
    if (bulk_type) return Instances{single ? Packing::kSinglePart : Packing::kMultipart, TransferSyntaxOf(type)};
  }
  return std::nullopt;
}

}  // namespace hilum::dicomweb
