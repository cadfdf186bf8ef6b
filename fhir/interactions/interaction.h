// One RESTful interaction (R4 http.html) without its transport: it came as an HTTP request, as an entry of a Bundle, or
// from a pipeline. Plain data.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "fhir/search/query.h"
#include "fhir/validate/issue.h"

namespace hilum::fhir {

enum class Return : uint8_t { kRepresentation, kMinimal, kOutcome };

struct Interaction {
  std::string method;             // GET, HEAD, POST, PUT, PATCH or DELETE
  std::vector<std::string> path;  // segments below the base, decoded: {"Patient", "1", "_history", "2"}
  std::vector<Parameter> query;   // in order; for POST _search with the parameters of the form behind them
  std::string body;

  std::string if_match;                     // ETag as sent, W/"3"; empty: no such header
  std::string if_none_match;                // ETag or *
  std::string if_none_exist;                // search parameters, still encoded
  std::string if_modified_since;            // HTTP date; an instant in a Bundle
  std::optional<Return> prefer_return;      // nullopt: the resource, and of a Bundle's entries nothing
  std::optional<Handling> prefer_handling;  // nullopt: as configured

  std::string base_url;    // as the client reaches us, for links and fullUrls; no slash at the end
  std::string images_url;  // likewise of the DICOMweb service

  size_t* steps_left = nullptr;  // SearchOptions::steps_left of the Bundle it is an entry of; nullptr: of none
};

struct Answer {
  int status = 200;
  std::string body;                       // JSON; empty for none
  std::optional<uint64_t> version;        // ETag W/"version"
  std::string variant;                    // which of its representations, W/"version-variant"; empty: FHIR
  std::optional<int64_t> updated_micros;  // Last-Modified
  std::string location;                   // absolute URL of the version that was made
  std::string content_location;           // of a 202: where to ask for the answer
  std::string progress;                   // of a 202: how far it is
  // The body is an OperationOutcome with these, about something that went wrong, or about warnings (not a resource that
  // was asked for). Empty: it is none.
  std::vector<Issue> issues;
  bool outcome() const { return !issues.empty(); }
  std::vector<Issue> warnings;  // about what was done as asked

  std::string content_type;      // of an answer that is no FHIR; empty otherwise
  std::string security_context;  // of the Binary whose content that is: a reference
  // For those that may be large: the next piece, empty at the end. `body` is empty then.
  std::function<Result<std::string>()> more;
};

// Whether the value of If-Match or If-None-Match, a list of entity tags, names the version: by W/"3" or "3", or by 3 as
// some clients write it. Weakly (RFC 9110 13.1.2); "*" is none.
bool NamesVersion(std::string_view tags, uint64_t version);

// An answer that is an OperationOutcome.
Answer OutcomeAnswer(int status, const std::vector<Issue>& issues);
// What an error means to a client: 400, 404, 409, 412, 422, ... with an OperationOutcome.
Answer ErrorAnswer(const Status& status);
// The answer of a request that nobody waited for, as a Bundle of one entry (R5 async-bundle.html; R4 async.html knows
// bulk data only).
Answer AsyncAnswer(const Answer& answer);
// The same answer, which says that it is about `place`. REQUIRES: it is an outcome.
Answer AboutPlace(std::string_view place, Answer answer);

}  // namespace hilum::fhir
