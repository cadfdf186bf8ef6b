// Which representation to answer with (PS3.18 8.7). Lenient, because real clients write malformed Accept headers: whatever listed type can be served is served,
// and only a list with none gets 406. Pure functions, thread-safe.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "codecs/multipart/media_type.h"
#include "server/http/http.h"

namespace hilum::dicomweb {

// What the client accepts: the `accept` query parameter when there is one, else the Accept fields. Empty: anything.
class Accepted {
 public:
  Accepted(const http::Request& request, const std::vector<std::pair<std::string, std::string>>& query);

  // DICOM JSON (application/dicom+json, application/json, any).
  bool Json() const;
  // The most wanted form of search results; nullopt: none that we can make.
  enum class Listing : uint8_t { kJson, kCsv };
  std::optional<Listing> Search() const;

  // How stored instances may be sent.
  enum class Packing : uint8_t { kMultipart, kSinglePart };
  struct Instances {
    Packing packing;
    std::string transfer_syntax;  // "*": as stored
  };
  // The most wanted representation of DICOM instances; `single` says that there is but one instance. nullopt: none that we can make.
  std::optional<Instances> Dicom(bool single) const;
  // The same for pixel data in its stored syntax.
  std::optional<Instances> Frames(bool single) const;

 private:
  std::vector<multipart::AcceptEntry> entries_;
};

}  // namespace hilum::dicomweb
