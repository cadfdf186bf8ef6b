// A file, gzip or plain, read from its beginning in pieces. Not thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"

namespace hilum {

class FhirSource {
 public:
  static Result<FhirSource> Open(const std::string& path);

  // The next line without its end; `too_long` instead of its text when it has more than `max_bytes`. false: no more.
  struct Line {
    std::string text;
    bool too_long = false;
  };
  Result<bool> NextLine(size_t max_bytes, Line* line);
  // Everything that is left; kLimit when that is more.
  Result<std::string> ReadAll(size_t max_bytes);

  // Bytes of the file, as it is on disk, that were read.
  uint64_t offset() const;

 private:
  struct Close {
    void operator()(void* file) const;
  };
  explicit FhirSource(void* file) : file_(file) {}
  // Replaces `piece_`; leaves it empty at the end.
  Status Fill();

  std::unique_ptr<void, Close> file_;  // gzFile
  std::string piece_;
  size_t at_ = 0;  // in piece_
};

}  // namespace hilum
