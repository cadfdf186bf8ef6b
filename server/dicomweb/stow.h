// STOW-RS: storing instances (PS3.18 10.5). Safe for concurrent use; what is passed by reference outlives it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/memory_allowance.h"
#include "base/metrics.h"
#include "pipelines/dicom_ingest/ingest.h"
#include "server/dicomweb/options.h"
#include "server/dicomweb/resource.h"
#include "server/dicomweb/usual_base.h"
#include "server/http/http.h"
#include "server/http/server.h"
#include "storage/store/store.h"

namespace hilum::dicomweb {

// The body of an answer of the HTTP layer to a request that would store; nullopt for any other. `reason`: of that
// layer.
std::optional<http::ErrorBody> StoreRefusal(std::string_view root, std::string_view method, std::string_view path,
                                            int status, std::string_view reason);

class StoreService {
 public:
  StoreService(storage::Store& store, const ServiceOptions& options, UsualBase& usual_base, Registry& metrics);

  Status Store(http::Request& request, const Resource& resource, http::Responder& responder);
  // A request that cannot be taken at all is answered in the form of one failed instance: clients read nothing else.
  Status Refuse(const http::Request& request, int code, std::string explanation, http::Responder& responder) const;

 private:
  Status Answer(const http::Request& request, int code, const std::vector<InstanceOutcome>& outcomes,
                http::Responder& responder) const;

  storage::Store& store_;
  const ServiceOptions& options_;
  UsualBase& usual_base_;
  MemoryAllowance model_memory_;
  Counter& stored_instances_;
  Counter& stored_bytes_;
  Counter& refused_instances_;
};

}  // namespace hilum::dicomweb
