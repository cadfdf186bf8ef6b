// Answers in the Native DICOM Model (PS3.19 A.1), made from the DICOM JSON that we have of everything. Pure functions,
// thread-safe, except that the responder is used by one thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "base/result.h"
#include "server/http/http.h"

namespace hilum::dicomweb {

inline constexpr char kNativeXml[] = "application/dicom+xml";

// One data set of DICOM JSON, made by us, as an XML document.
Result<std::string> XmlOf(std::string_view json);

// Documents as multipart/related; type="application/dicom+xml", one a part; 204 without any (PS3.18 10.6.3.1).
Status SendXmlParts(http::Responder& responder, Random& random, const std::vector<std::string>& documents,
                    http::Headers headers);

}  // namespace hilum::dicomweb
