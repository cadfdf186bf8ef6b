// WADO-RS: instances as a zip archive (PS3.18 8.7.3.5.1, 10.4.4), one file STUDY/SERIES/SOP.dcm each.
#include "codecs/zip/writer.h"

#include <algorithm>

#include "server/dicomweb/package.h"

namespace hilum::dicomweb {
namespace {

// The pages of a mapping that were summed stay in memory at most for this long a piece.
constexpr uint64_t kSumBytes = 8 << 20;

Result<uint32_t> Sum(const StoredRange& range) {
  uint32_t crc = 0;
  for (uint64_t at = 0; at < range.length; at += kSumBytes) {
    const uint64_t length = std::min(kSumBytes, range.length - at);
    HILUM_ASSIGN_OR_RETURN(const Mapping piece, Mapping::Map(range.file, range.body + at, length));
    crc = zip::Crc32(piece.bytes(), crc);
  }
  return crc;
}

class ZipPackage : public Package {
 public:
  // `length`: of the archive, where it is known ahead.
  ZipPackage(storage::Store& store, std::string study, std::optional<uint64_t> length, http::Headers headers,
             http::Responder& responder)
      : store_(store), study_(std::move(study)), length_(length), headers_(std::move(headers)), responder_(responder) {}

  Status AddStored(const Packed& instance, bool refused) override {
    const StoredRange& range = instance.range;
    HILUM_RETURN_IF_ERROR(store_.objects().Check(range.object, 0, range.length));
    HILUM_ASSIGN_OR_RETURN(const uint32_t crc, Sum(range));
    // An archive has no place for it further in.
    if (refused && !responder_.started()) headers_.Set("Warning", http::WarningOf(kRefused));
    HILUM_RETURN_IF_ERROR(Send(writer_.BeginKnown(NameOf(instance), range.length, crc)));
    return responder_.WriteFile({range.file, range.body, range.length});
  }
  Status Begin(const Packed& instance, const std::string&, const std::string& remark) override {
    if (!remark.empty() && !responder_.started()) headers_.Set("Warning", http::WarningOf(remark));
    size_ = 0;
    crc_ = 0;
    return Send(writer_.BeginStreamed(NameOf(instance)));
  }
  Status Append(Bytes bytes) override {
    size_ += bytes.size();
    crc_ = zip::Crc32(bytes, crc_);
    return responder_.Write(bytes);
  }
  Status End() override { return Send(writer_.EndStreamed(size_, crc_)); }
  Status Finish() override {
    HILUM_RETURN_IF_ERROR(Send(writer_.End()));
    return responder_.Finish();
  }

  static std::string NameOf(const std::string& study, const Packed& instance) {
    return study + "/" + instance.series_uid + "/" + instance.uid + ".dcm";
  }

 private:
  std::string NameOf(const Packed& instance) const { return NameOf(study_, instance); }
  Status Send(Bytes bytes) {
    if (!responder_.started()) HILUM_RETURN_IF_ERROR(responder_.Head(200, headers_, length_));
    return responder_.Write(bytes);
  }

  storage::Store& store_;
  const std::string study_;
  const std::optional<uint64_t> length_;
  http::Headers headers_;
  http::Responder& responder_;
  zip::Writer writer_;
  uint64_t size_ = 0;  // of the entry that is being converted
  uint32_t crc_ = 0;
};

}  // namespace

std::unique_ptr<Package> AsZip(storage::Store& store, const std::string& study, const std::vector<Packed>& instances,
                               http::Headers headers, http::Responder& responder) {
  headers.Set("Content-Type", "application/zip");
  headers.Set("Content-Disposition", "attachment; filename=\"" + study + ".zip\"");
  // Bytes that are sent as stored have a known length; of converted ones it shows at their end.
  std::optional<uint64_t> length;
  if (std::ranges::all_of(instances, &Packed::as_stored)) {
    std::vector<zip::Writer::EntrySize> entries;
    for (const Packed& one : instances) entries.push_back({ZipPackage::NameOf(study, one), one.range.length});
    length = zip::Writer::ArchiveLength(entries);
  }
  return std::make_unique<ZipPackage>(store, study, length, std::move(headers), responder);
}

}  // namespace hilum::dicomweb
