// Bulk data, of one or of many instances, as the parts of one answer (PS3.18 10.4.3.3.5, 10.4.3.3.6): each says what it
// is and where it is had alone. The answer begins with its first part. Used by one request at a time.
#pragma once

#include <string>
#include <vector>

#include "codecs/multipart/writer.h"
#include "server/dicomweb/selection.h"

namespace hilum::dicomweb {

class BulkParts {
 public:
  // `headers` lack the Content-Type, which names that of the first part (RFC 2387 3.1). References outlive the parts.
  BulkParts(storage::Store& store, Random& random, http::Headers headers, http::Responder& responder)
      : store_(store), responder_(responder), writer_(random), headers_(std::move(headers)) {}

  // Heads begin with Content-Type. A part of stored bytes, in several places maybe: nothing of it is sent when they
  // are damaged.
  Status AddStored(const multipart::PartHeaders& head, const std::vector<StoredRange>& ranges);
  // A part that is made: Begin, then Append. Nothing may fail in between: it cannot be told any more.
  Status Begin(const multipart::PartHeaders& head);
  Status Append(Bytes bytes) { return responder_.Write(bytes); }
  // REQUIRES: begun().
  Status Finish();

  bool begun() const { return responder_.started(); }

 private:
  storage::Store& store_;
  http::Responder& responder_;
  multipart::Writer writer_;
  http::Headers headers_;
};

}  // namespace hilum::dicomweb
