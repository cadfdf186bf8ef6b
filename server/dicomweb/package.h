// Answers that hold instances: one alone, in parts, or as an archive. Which of the instances could be converted to the
// transfer syntax that was asked for shows only while they are added. Used by one request at a time.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "server/dicomweb/selection.h"

namespace hilum::dicomweb {

// An instance on its way into a package. There may be very many; what they share is kept once, and outlives them.
struct Packed {
  std::string uid;
  std::string series_uid;
  std::string_view stored;               // the transfer syntax it is stored in
  std::span<const std::string> targets;  // to send it in the first of them that has room for it; may be none
  StoredRange range;
  bool bare = false;  // its bytes lack the head of a file (PS3.10 7.1), and are to have one

  bool IsStored(std::string_view syntax) const { return syntax == stored && !bare; }
  bool as_stored() const { return !targets.empty() && IsStored(targets.front()); }
  // `all_series`: of the study, with a slash at the end.
  std::string UrlBelow(const std::string& all_series) const { return all_series + series_uid + "/instances/" + uid; }
};

class Package {
 public:
  virtual ~Package() = default;

  // The instance as it is stored. `refused`: another syntax was asked for, and the client is told.
  virtual Status AddStored(const Packed& instance, bool refused) = 0;
  // One that was converted to `syntax`: Begin, its bytes, End. `remark`: what the client is to know of it; empty:
  // nothing.
  virtual Status Begin(const Packed& instance, const std::string& syntax, const std::string& remark) = 0;
  virtual Status Append(Bytes bytes) = 0;
  virtual Status End() = 0;
  // After the last one. Nothing is sent before there is something of an instance to send.
  virtual Status Finish() = 0;
};

// Everything passed by reference outlives the package. `headers` lack the Content-Type.
std::unique_ptr<Package> OneAlone(storage::Store& store, http::Headers headers, http::Responder& responder);
// `all_series`: as of UrlBelow.
std::unique_ptr<Package> InParts(storage::Store& store, Random& random, std::string all_series, http::Headers headers,
                                 http::Responder& responder);
// Files STUDY/SERIES/SOP.dcm (PS3.18 8.7.3.5.1, 10.4.4). `instances`: all that will be added, for the length of an
// archive of what is stored.
std::unique_ptr<Package> AsZip(storage::Store& store, const std::string& study, const std::vector<Packed>& instances,
                               http::Headers headers, http::Responder& responder);

inline constexpr std::string_view kRefused = "sent as it is stored: it cannot be had in the transfer syntax asked for";

}  // namespace hilum::dicomweb
