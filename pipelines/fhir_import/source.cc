#include "pipelines/fhir_import/source.h"

#include <zlib.h>

#include <algorithm>
#include <cerrno>

namespace hilum {
namespace {

constexpr size_t kPieceBytes = 256 * 1024;

gzFile AsGz(void* file) {
  return static_cast<gzFile>(file);
}

}  // namespace

void FhirSource::Close::operator()(void* file) const {
  gzclose(AsGz(file));
}

Result<FhirSource> FhirSource::Open(const std::string& path) {
  const gzFile file = gzopen(path.c_str(), "rb");
  if (file == nullptr) return ErrnoStatus("open " + path, errno);
  gzbuffer(file, kPieceBytes);
  return FhirSource(file);
}

uint64_t FhirSource::offset() const {
  const auto offset = gzoffset(AsGz(file_.get()));
  return offset < 0 ? 0 : static_cast<uint64_t>(offset);
}

Status FhirSource::Fill() {
  piece_.resize(kPieceBytes);
  at_ = 0;
  const int bytes = gzread(AsGz(file_.get()), piece_.data(), static_cast<unsigned>(piece_.size()));
  int code = Z_OK;
  gzerror(AsGz(file_.get()), &code);
  piece_.resize(bytes > 0 ? static_cast<size_t>(bytes) : 0);
  if (bytes > 0 || (bytes == 0 && code == Z_OK)) return Status::Ok();
  if (code == Z_BUF_ERROR) return Corruption("the compressed file ends in the middle; fetch it again");
  if (code == Z_ERRNO) return ErrnoStatus("read", errno);
  return Corruption("the compressed file is damaged; fetch it again");
}

Result<bool> FhirSource::NextLine(size_t max_bytes, Line* line) {
  line->text.clear();
  line->too_long = false;
  for (bool any = false;; any = true) {
    if (at_ == piece_.size()) HILUM_RETURN_IF_ERROR(Fill());
    if (piece_.empty()) return any;
    const size_t end = std::min(piece_.find('\n', at_), piece_.size());
    if (line->text.size() + (end - at_) > max_bytes) {
      line->too_long = true;
      line->text.clear();
    }
    if (!line->too_long) line->text.append(piece_, at_, end - at_);
    at_ = end;
    if (at_ == piece_.size()) continue;
    ++at_;
    if (line->text.ends_with('\r')) line->text.pop_back();
    return true;
  }
}

Result<std::string> FhirSource::ReadAll(size_t max_bytes) {
  std::string all;
  for (;;) {
    if (at_ == piece_.size()) HILUM_RETURN_IF_ERROR(Fill());
    if (piece_.empty()) return all;
    if (all.size() + (piece_.size() - at_) > max_bytes) {
      return LimitExceeded("a document of more than " + std::to_string(max_bytes >> 20) +
                           " MiB; write its resources as NDJSON instead");
    }
    all.append(piece_, at_);
    at_ = piece_.size();
  }
}

}  // namespace hilum
