// Which representation to answer with (PS3.18 8.7). Lenient, because real clients write malformed Accept headers:
// whatever listed type can be served is served, and only a list with none gets 406. A type that has q=0 is left out of
// what a range takes (multipart::Refuses). Pure functions, thread-safe.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "codecs/multipart/media_type.h"
#include "server/http/http.h"

namespace hilum::dicomweb {

inline constexpr std::string_view kAnyType = "*/*", kAnyImage = "image/*", kOctetStream = "application/octet-stream";

// "a, b or c": what can be had, for who takes none of it.
std::string Listed(const std::vector<std::string>& media_types);

enum class Packing : uint8_t { kMultipart, kSinglePart, kZip };

// One way that the client would take instances or frames.
struct InstanceChoice {
  Packing packing = Packing::kMultipart;
  bool any = false;             // nothing in particular was asked for: packing and type are ours to choose
  std::string media_type;       // of a part; kAnyImage for frames in whatever image type; kAnyType: but no bytes
  std::string transfer_syntax;  // "*": as stored; "": nothing said
  int q = 1000;                 // how much frames are wanted so, in thousandths
  // Of the client (q=0): what its media type does not stand for.
  std::shared_ptr<const std::vector<multipart::AcceptEntry>> refusals;

  // Whether an answer, or its parts, of type `type` are what it names, or are of the kind it names ("text/*").
  bool Takes(std::string_view type) const;
  bool Refuses(std::string_view type) const;
  // What was asked for alone comes in parts where there are several, unless these are refused.
  bool CanComeInParts() const;
};

// What the client accepts: the `accept` query parameter when there is one, else the Accept fields. Empty: anything.
class Accepted {
 public:
  Accepted(const http::Request& request, const http::QueryParameters& query);

  // The most wanted form of attributes; nullopt: none that we can make. The Native DICOM Model may be asked for as
  // multipart/related; type="application/dicom+xml" or, as clients do, as application/dicom+xml.
  enum class Listing : uint8_t { kJson, kXml, kCsv };
  std::optional<Listing> Search() const { return BestListing(/*with_csv=*/true); }
  std::optional<Listing> Metadata() const { return BestListing(/*with_csv=*/false); }

  // The ways it would take DICOM instances, most wanted first; `single` says that there is but one instance.
  std::vector<InstanceChoice> Instances(bool single) const;
  // The same for frames and bulk data, which are in single parts where that is asked for and possible. Behind a range
  // of types stand the image types it takes, one by one: which of them has room for an image is not known here.
  std::vector<InstanceChoice> Frames() const;

  // The most wanted of some media types; nullopt when it wants none of them. Anything goes: the first.
  std::optional<std::string> FirstOf(const std::vector<std::string>& media_types) const;
  // The same; pictures may also be asked for in parts, as multipart/related; type="image/jpeg". `several` pictures can
  // be had in parts only: one image is not what was asked for, nor are parts an image. PNG may be asked for by depth,
  // "image/png; depth=16", of 8 bits (without it) or 16.
  struct Rendition {
    std::string media_type;
    bool in_parts = false;
    bool sixteen_bits = false;
  };
  std::optional<Rendition> Rendered(const std::vector<std::string>& media_types, bool several) const;

 private:
  std::optional<Listing> BestListing(bool with_csv) const;
  // The first that the range takes and nothing refuses; nullptr: none.
  const std::string* Offered(const multipart::MediaType& range, const std::vector<std::string>& media_types,
                             bool in_parts) const;
  bool Refuses(Packing packing, std::string_view media_type) const;

  std::vector<multipart::AcceptEntry> entries_;
  std::shared_ptr<const std::vector<multipart::AcceptEntry>> refusals_;  // those with q=0
};

}  // namespace hilum::dicomweb
