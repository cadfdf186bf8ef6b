// The RESTful API of FHIR R4 over HTTP: takes requests apart, has fhir::Interactions run them and writes the answers
// down. No rules of FHIR live here but those of its HTTP (R4 http.html).
//
// Safe for concurrent use. The interactions outlive the service, the service outlives the server that routes to it.
#pragma once

#include <string>
#include <string_view>

#include "base/memory_allowance.h"
#include "base/metrics.h"
#include "fhir/interactions/interactions.h"
#include "server/fhir_rest/async_jobs.h"
#include "server/http/server.h"

namespace hilum::fhir_rest {

struct ServiceOptions {
  std::string root = "/fhir";
  std::string images_root = "/dicom-web";  // of the DICOMweb service, for URLs of images
  uint64_t max_body_bytes = 256 << 20;
  size_t max_parameters = 1000;  // of a query string and form together
  AsyncLimits async;
};

class Service {
 public:
  Service(fhir::Interactions& interactions, ServiceOptions options, Registry& metrics, const Clock& clock,
          Random& random);

  // nullptr when the path is not below our root.
  const http::Route* FindRoute(std::string_view path) const;

 private:
  void Handle(http::Request& request, http::Responder& responder);
  // Nothing when the body did not come: the connection then ends, and says 408 to a client that is still there.
  std::optional<fhir::Answer> Run(http::Request& request, std::vector<std::string> path);
  // Runs it now, or later if the client wants that and it is something that can take long.
  fhir::Answer RunOrStart(fhir::Interaction interaction, bool async);
  // Of a request that was started: [base]/_async/id.
  fhir::Answer AskOrCancel(const http::Request& request, const std::string& id);
  // The whole body, which counts in `held`; kLimit past max_body_bytes, and for a search past what parameters may have.
  Result<std::string> ReadBody(http::Request& request, const fhir::Interaction& interaction,
                               MemoryAllowance::Share* held) const;
  // Adds content type, body and the parameters of a form; an answer when the request cannot be run.
  std::optional<fhir::Answer> AddBody(const http::Request& request, std::string body,
                                      fhir::Interaction* interaction) const;
  Status Send(http::Responder& responder, const fhir::Answer& answer, const std::string& allow) const;

  fhir::Interactions& interactions_;
  const ServiceOptions options_;
  Registry& metrics_;
  MemoryAllowance bodies_;
  http::Route route_;
  AsyncJobs jobs_;
};

}  // namespace hilum::fhir_rest
