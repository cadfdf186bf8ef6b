// Writes multipart/related bodies (RFC 2387, PS3.18 8.6.1.2) piece by piece: a head before every part, an end after the
// last one.
//
//   multipart::Writer writer(random);
//   responder.Head(200, {{"Content-Type", writer.ContentType("application/dicom")}}, writer.BodyLength(parts, size));
//   for (...) { responder.Write(writer.PartHead(headers)); responder.WriteFile(range); }
//   responder.Write(writer.End());
//
// Not thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/random.h"
#include "codecs/multipart/parser.h"

namespace hilum::multipart {

// `media_type; transfer-syntax=uid`, in the spelling that viewers search for.
std::string WithTransferSyntax(std::string_view media_type, std::string_view uid);

class Writer {
 public:
  // Chooses a boundary that no content can hold by accident or foresight.
  explicit Writer(Random& random);
  // Chooses the same one for the same entity every time, known to nobody ahead who does not know `key`, a secret.
  Writer(Bytes key, Bytes entity);

  const std::string& boundary() const { return boundary_; }
  // Of the whole body; `part_type` is the media type of the parts, without parameters.
  std::string ContentType(std::string_view part_type) const;

  // What goes before the bytes of the next part. Names are written as given: viewers compare "Content-Type" with case.
  // REQUIRES: no line end in a name or value.
  std::string PartHead(const PartHeaders& headers);
  // What goes after the bytes of the last part.
  std::string End() const;

  struct PartSize {
    PartHeaders headers;
    uint64_t bytes = 0;
  };
  // Bytes of a whole body of so many parts.
  uint64_t BodyLength(size_t parts, const std::function<PartSize(size_t)>& part) const;

 private:
  const std::string boundary_;
  bool first_ = true;
};

}  // namespace hilum::multipart
