#include "server/dicomweb/negotiate.h"

#include <algorithm>

#include "base/text.h"

namespace hilum::dicomweb {
namespace {

using multipart::AcceptEntry;
using multipart::MediaType;

bool IsAny(const MediaType& type) {
  return type.type == "*" && type.subtype == "*";
}

bool IsJson(const MediaType& type) {
  return IsAny(type) || (type.type == "application" &&
                         (type.subtype == "dicom+json" || type.subtype == "json" || type.subtype == "*"));
}

// Of the parts of a multipart type.
struct PartType {
  std::string essence;          // lower case; `usual` when it is not named
  std::string transfer_syntax;  // beside it or, as some write it, within: type="application/dicom; transfer-syntax=*"
};

PartType PartOf(const MediaType& type, std::string_view usual) {
  const std::string_view text = type.Parameter("type").value_or(usual);
  PartType part{.essence = Lower(Trimmed(text.substr(0, text.find(';')))),
                .transfer_syntax = std::string(type.Parameter("transfer-syntax").value_or(""))};
  if (part.transfer_syntax.empty()) {
    const auto within = multipart::ParseMediaType(text);
    if (within.ok()) part.transfer_syntax = within->Parameter("transfer-syntax").value_or("");
  }
  return part;
}

bool IsCsv(const MediaType& type) {
  return IsAny(type) || (type.type == "text" && (type.subtype == "csv" || type.subtype == "*"));
}

bool IsXml(const MediaType& type) {
  if (IsAny(type)) return true;
  if (type.type == "multipart" && (type.subtype == "related" || type.subtype == "*"))
    return PartOf(type, "application/dicom+xml").essence == "application/dicom+xml";
  return type.Essence() == "application/dicom+xml";
}

constexpr std::string_view kPng = "image/png";

bool HasPossibleDepth(const MediaType& wanted) {
  const std::string_view depth = wanted.Parameter("depth").value_or("8");
  return wanted.Essence() != kPng || depth == "8" || depth == "16";
}

bool WantsSixteenBits(const MediaType& wanted) {
  return wanted.Essence() == kPng && wanted.Parameter("depth") == "16";
}

// In a query '+' is a blank; inside of a media type there are none.
std::string WithPlus(std::string text) {
  const auto is_name = [](char c) { return IsAlphanumeric(c); };
  for (size_t i = 1; i + 1 < text.size(); ++i)
    if (text[i] == ' ' && is_name(text[i - 1]) && is_name(text[i + 1])) text[i] = '+';
  return text;
}

}  // namespace

std::string Listed(const std::vector<std::string>& media_types) {
  std::string list;
  for (size_t i = 0; i < media_types.size(); ++i) {
    if (i > 0) list += i + 1 < media_types.size() ? ", " : " or ";
    list += media_types[i];
  }
  return list;
}

bool InstanceChoice::Refuses(std::string_view type) const {
  return packing == Packing::kMultipart ? multipart::RefusesParts(*refusals, type)
                                        : multipart::Refuses(*refusals, type);
}

bool InstanceChoice::CanComeInParts() const {
  return packing == Packing::kMultipart || !multipart::RefusesParts(*refusals, media_type);
}

bool InstanceChoice::Takes(std::string_view type) const {
  if (type.empty()) return false;
  if (media_type == type) return true;
  const bool in_range = media_type == kAnyType || media_type == std::string(type.substr(0, type.find('/'))) + "/*";
  return in_range && !Refuses(type);
}

Accepted::Accepted(const http::Request& request, const http::QueryParameters& query) {
  for (const auto& [name, value] : query)
    if (EqualsIgnoringCase(name, "accept")) entries_ = multipart::ParseAccept(WithPlus(value));
  if (entries_.empty()) entries_ = multipart::ParseAccept(request.headers.Joined("Accept"));
  std::vector<AcceptEntry> refusals;
  std::ranges::copy_if(entries_, std::back_inserter(refusals), [](const AcceptEntry& entry) { return entry.q == 0; });
  refusals_ = std::make_shared<const std::vector<AcceptEntry>>(std::move(refusals));
}

bool Accepted::Refuses(Packing packing, std::string_view media_type) const {
  return packing == Packing::kMultipart ? multipart::RefusesParts(entries_, media_type)
                                        : multipart::Refuses(entries_, media_type);
}

const std::string* Accepted::Offered(const MediaType& range, const std::vector<std::string>& media_types,
                                     bool in_parts) const {
  const auto found = std::ranges::find_if(media_types, [&](const std::string& offered) {
    const bool any_of_type = range.subtype == "*" && range.type == offered.substr(0, offered.find('/'));
    return (IsAny(range) || any_of_type || range.Essence() == offered) &&
           !Refuses(in_parts ? Packing::kMultipart : Packing::kSinglePart, offered);
  });
  return found == media_types.end() ? nullptr : &*found;
}

std::optional<Accepted::Listing> Accepted::BestListing(bool with_csv) const {
  if (entries_.empty()) return Listing::kJson;
  const bool json = !Refuses(Packing::kSinglePart, "application/dicom+json");
  const bool xml = !Refuses(Packing::kMultipart, "application/dicom+xml");
  const bool csv = with_csv && !Refuses(Packing::kSinglePart, "text/csv");
  for (const AcceptEntry& entry : entries_) {
    const MediaType& type = entry.media_type;
    if (entry.q == 0) continue;
    if (json && IsJson(type)) return Listing::kJson;
    if (xml && IsXml(type)) return Listing::kXml;
    if (csv && IsCsv(type)) return Listing::kCsv;
  }
  return std::nullopt;
}

std::vector<InstanceChoice> Accepted::Instances(bool single) const {
  std::vector<InstanceChoice> choices;
  const auto add = [&](Packing packing, const MediaType& type) {
    if (Refuses(packing, packing == Packing::kZip ? "application/zip" : "application/dicom")) return false;
    choices.push_back({.packing = packing,
                       .any = IsAny(type),
                       .media_type = "application/dicom",
                       .transfer_syntax = PartOf(type, "").transfer_syntax,
                       .refusals = refusals_});
    return true;
  };
  if (entries_.empty()) add(Packing::kMultipart, {"*", "*", {}});
  for (const AcceptEntry& entry : entries_) {
    const MediaType& type = entry.media_type;
    if (entry.q == 0) continue;
    if (type.type == "multipart" && (type.subtype == "related" || type.subtype == "*")) {
      const std::string part = PartOf(type, "application/dicom").essence;
      if (part == "application/dicom" || part == "*/*") add(Packing::kMultipart, type);
    } else if (type.Essence() == "application/dicom" || (type.type == "application" && type.subtype == "*")) {
      const bool added = add(single ? Packing::kSinglePart : Packing::kMultipart, type);
      if (!added && type.subtype == "*") add(Packing::kZip, type);
    } else if (type.Essence() == "application/zip") {
      add(Packing::kZip, type);
    } else if (IsAny(type)) {
      if (!add(Packing::kMultipart, type) && !(single && add(Packing::kSinglePart, type))) add(Packing::kZip, type);
    }
  }
  return choices;
}

std::vector<InstanceChoice> Accepted::Frames() const {
  std::vector<InstanceChoice> choices;
  const auto add = [&](Packing packing, std::string media_type, const MediaType& type, int q) {
    if (media_type == "image/") media_type = kAnyImage;  // as dicomweb-client writes it
    const bool any = media_type.empty() || media_type == kAnyType;
    if (any || media_type == "application/*") media_type = kOctetStream;
    // Who takes anything takes one alone rather than parts that it refuses, and other types rather than bytes.
    if (IsAny(type) && multipart::RefusesParts(*refusals_, kAnyType)) packing = Packing::kSinglePart;
    if (any && Refuses(packing, media_type)) media_type = kAnyType;
    if (Refuses(packing, media_type)) return;
    choices.push_back({packing, IsAny(type), media_type, PartOf(type, "").transfer_syntax, q, refusals_});
    if (media_type != kAnyImage && media_type != kAnyType) return;
    for (const std::string_view image : {"image/jpeg", "image/jls", "image/jp2", "image/jphc", "image/dicom-rle"})
      if (!Refuses(packing, image)) choices.push_back({packing, IsAny(type), std::string(image), "", q, refusals_});
  };
  if (entries_.empty()) add(Packing::kMultipart, std::string(kOctetStream), {"*", "*", {}}, 1000);
  for (const AcceptEntry& entry : entries_) {
    const MediaType& type = entry.media_type;
    if (entry.q == 0) continue;
    if (type.type == "multipart")
      add(Packing::kMultipart, PartOf(type, kOctetStream).essence, type, entry.q);
    else
      add(IsAny(type) ? Packing::kMultipart : Packing::kSinglePart, type.Essence(), type, entry.q);
  }
  return choices;
}

std::optional<std::string> Accepted::FirstOf(const std::vector<std::string>& media_types) const {
  if (entries_.empty()) return media_types.front();
  for (const AcceptEntry& entry : entries_)
    if (entry.q > 0)
      if (const std::string* offered = Offered(entry.media_type, media_types, /*in_parts=*/false)) return *offered;
  return std::nullopt;
}

std::optional<Accepted::Rendition> Accepted::Rendered(const std::vector<std::string>& media_types, bool several) const {
  if (entries_.empty()) return Rendition{media_types.front(), several};
  std::vector<std::string> pictures = media_types;
  std::erase_if(pictures, [](const std::string& type) { return !type.starts_with("image/"); });
  for (const AcceptEntry& entry : entries_) {
    const MediaType& wanted = entry.media_type;
    if (entry.q == 0) continue;
    if ((!several || IsAny(wanted)) && HasPossibleDepth(wanted))
      if (const std::string* offered = Offered(wanted, media_types, several))
        return Rendition{*offered, several, WantsSixteenBits(wanted)};
    if (wanted.type != "multipart") continue;
    const auto part = multipart::ParseMediaType(wanted.Parameter("type").value_or("*/*"));
    if (!part.ok() || !HasPossibleDepth(*part)) continue;
    if (const std::string* offered = Offered(*part, pictures, /*in_parts=*/true))
      return Rendition{*offered, /*in_parts=*/true, WantsSixteenBits(*part)};
  }
  return std::nullopt;
}

}  // namespace hilum::dicomweb
