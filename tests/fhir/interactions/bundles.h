// Bundles that tests send.
#pragma once

#include <string>

#include "base/base64.h"

namespace hilum::fhir {

inline std::string Bundle(const std::string& type, const std::string& entries) {
  return R"({"resourceType":"Bundle","type":")" + type + R"(","entry":[)" + entries + "]}";
}

inline const std::string kPatientAndObservation =
    R"({"fullUrl":"urn:uuid:11111111-1111-4111-8111-111111111111","resource":{"resourceType":"Patient","gender":"male"},
        "request":{"method":"POST","url":"Patient"}},
       {"resource":{"resourceType":"Observation","status":"final","code":{"text":"x"},
        "subject":{"reference":"urn:uuid:11111111-1111-4111-8111-111111111111"}},
        "request":{"method":"POST","url":"Observation"}})";

// An entry with the JSON Patch as a Binary.
inline std::string PatchOf(const std::string& url, const std::string& patch, const std::string& more = "") {
  std::string data;
  AppendBase64(patch, &data);
  return R"({"resource":{"resourceType":"Binary","contentType":"application/json-patch+json","data":")" + data +
         R"("},"request":{"method":"PATCH","url":")" + url + "\"" + more + "}}";
}

}  // namespace hilum::fhir
