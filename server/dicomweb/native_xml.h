// Answers in the Native DICOM Model (PS3.19 A.1), made from the DICOM JSON that we have of everything. Pure functions,
// thread-safe, except that the responder is used by one thread.
#pragma once

#include <string>
#include <string_view>

#include "base/random.h"
#include "base/result.h"
#include "codecs/multipart/writer.h"
#include "server/http/http.h"

namespace hilum::dicomweb {

inline constexpr char kNativeXml[] = "application/dicom+xml";

// One data set of DICOM JSON, made by us, as an XML document.
Result<std::string> XmlOf(std::string_view json);

// Documents as multipart/related; type="application/dicom+xml", one a part.
class XmlParts {
 public:
  explicit XmlParts(Random& random) : writer_(random) {}
  void Add(std::string_view document);
  // 204 without any document (PS3.18 10.6.3.1).
  Status Send(http::Headers headers, http::Responder& responder);

 private:
  multipart::Writer writer_;
  std::string body_;
};

}  // namespace hilum::dicomweb
