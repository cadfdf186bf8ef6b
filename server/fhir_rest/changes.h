// GET [base]/changes: the changes of resources, in the order of their commits, from a place of the change log on. As
// NDJSON, at once or when there is something to tell (wait=), or as a stream of Server-Sent Events. What clients see:
// docs/changes.md.
//
// Safe for concurrent use. The stores outlive the service, the service outlives the server that routes to it.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <string_view>

#include "base/metrics.h"
#include "fhir/store/store.h"
#include "server/changes/follow.h"
#include "server/http/server.h"
#include "storage/store/store.h"

namespace hilum::fhir_rest {

class ChangeService {
 public:
  // `root`: of the FHIR service, "/fhir".
  ChangeService(storage::Store& store, fhir::ResourceStore& resources, std::string_view root, Registry& metrics);

  // nullptr when the path is not ours.
  const http::Route* FindRoute(std::string_view path) const { return path == path_ ? &route_ : nullptr; }

 private:
  // What a client asks for.
  struct Wanted {
    uint64_t after = 0;
    size_t count = 1000;
    std::set<std::string, std::less<>> types;  // empty: all
    bool with_resource = false;
    std::chrono::seconds wait{0};
  };
  // One change in JSON, without line breaks.
  using Tell = std::function<void(uint64_t sequence, std::string_view json)>;

  void Handle(http::Request& request, http::Responder& responder);
  Status Answer(http::Request& request, http::Responder& responder);
  Result<Wanted> ParseWanted(const http::Request& request) const;
  Status Stream(const http::Request& request, http::Responder& responder, const Wanted& wanted);
  // Tells at most `count` changes behind `after`, until `full` says that it is enough.
  Result<changes::Progress> Read(const Wanted& wanted, uint64_t after, size_t count, const std::function<bool()>& full,
                                 const Tell& tell) const;

  storage::Store& store_;
  fhir::ResourceStore& resources_;
  const std::string path_;
  http::Route route_;
  Counter& requests_;
};

}  // namespace hilum::fhir_rest
