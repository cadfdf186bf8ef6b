// WADO-RS: instances as a zip archive (PS3.18 8.7.3.5.1, 10.4.4), one file STUDY/SERIES/SOP.dcm each.
#include "codecs/zip/writer.h"

#include "codecs/pixel/transcode.h"
#include "server/dicomweb/negotiate.h"
#include "server/dicomweb/service.h"

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

}  // namespace

Status Service::SendZip(const std::string& study, Selection& selection, const std::vector<std::string>& syntaxes,
                        const std::vector<Part>& parts, http::Headers headers, http::Responder& responder) {
  headers.Set("Content-Type", "application/zip");
  headers.Set("Content-Disposition", "attachment; filename=\"" + study + ".zip\"");
  std::vector<zip::Writer::EntrySize> entries;
  bool as_stored = true;
  for (size_t i = 0; i < syntaxes.size(); ++i) {
    const Found& found = selection.instances[i];
    entries.push_back({study + "/" + found.series_uid + "/" + found.row.uid + ".dcm", parts[i].ranges[0].length});
    as_stored = as_stored && syntaxes[i] == found.row.transfer_syntax;
  }
  // Octets that are sent as stored have a known length; of transcoded ones it shows at their end.
  std::optional<uint64_t> length;
  if (as_stored) length = zip::Writer::ArchiveLength(entries);

  zip::Writer writer;
  const auto send = [&](Bytes bytes) -> Status {
    if (!responder.started()) HILUM_RETURN_IF_ERROR(responder.Head(200, headers, length));
    return responder.Write(bytes);
  };
  for (size_t i = 0; i < syntaxes.size(); ++i) {
    Found& found = selection.instances[i];
    if (syntaxes[i] == found.row.transfer_syntax) {
      const StoredRange& range = parts[i].ranges[0];
      HILUM_RETURN_IF_ERROR(store_.objects().Check(range.object, 0, range.length));
      HILUM_ASSIGN_OR_RETURN(const uint32_t crc, Sum(range));
      HILUM_RETURN_IF_ERROR(send(writer.BeginKnown(entries[i].name, range.length, crc)));
      HILUM_RETURN_IF_ERROR(responder.WriteFile({range.file, range.body, range.length}));
      continue;
    }
    HILUM_ASSIGN_OR_RETURN(const Mapping mapping, MapObject(store_, &found));
    uint64_t size = 0;
    uint32_t crc = 0;
    bool begun = false;
    const auto add = [&](Bytes bytes) -> Status {
      if (!begun) HILUM_RETURN_IF_ERROR(send(writer.BeginStreamed(entries[i].name)));
      begun = true;
      size += bytes.size();
      crc = zip::Crc32(bytes, crc);
      return responder.Write(bytes);
    };
    const Status status = pixel::Transcode(mapping.bytes(), syntaxes[i], {.read = options_.ingest.limits}, codec_, add);
    if (!status.ok()) return CodecFailure(status, found.row.uid);
    HILUM_RETURN_IF_ERROR(send(writer.EndStreamed(size, crc)));
  }
  HILUM_RETURN_IF_ERROR(send(writer.End()));
  return responder.Finish();
}

}  // namespace hilum::dicomweb
