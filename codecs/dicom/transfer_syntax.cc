#include "codecs/dicom/transfer_syntax.h"

namespace hilum::dicom {
namespace {

struct Row {
  std::string_view media_type;
  std::string_view transfer_syntax;
};

// The first of a media type is its default, the first of a transfer syntax what its frames are sent as.
constexpr Row kRows[] = {
    {"application/octet-stream", kExplicitLittleEndian},
    {"image/jpeg", "1.2.840.10008.1.2.4.70"},
    {"image/jpeg", "1.2.840.10008.1.2.4.50"},
    {"image/jpeg", "1.2.840.10008.1.2.4.51"},
    {"image/jpeg", "1.2.840.10008.1.2.4.57"},
    {"image/jpeg", "1.2.840.10008.1.2.4.53"},  // this one and the next are retired, and in no table
    {"image/jpeg", "1.2.840.10008.1.2.4.55"},
    {"image/jls", "1.2.840.10008.1.2.4.80"},
    {"image/jls", "1.2.840.10008.1.2.4.81"},
    {"image/jp2", "1.2.840.10008.1.2.4.90"},
    {"image/jp2", "1.2.840.10008.1.2.4.91"},
    {"image/jpx", "1.2.840.10008.1.2.4.92"},
    {"image/jpx", "1.2.840.10008.1.2.4.93"},
    {"image/jphc", "1.2.840.10008.1.2.4.201"},
    {"image/jphc", "1.2.840.10008.1.2.4.202"},
    {"image/jphc", "1.2.840.10008.1.2.4.203"},
    {"image/jxl", "1.2.840.10008.1.2.4.110"},
    {"image/jxl", "1.2.840.10008.1.2.4.111"},
    {"image/jxl", "1.2.840.10008.1.2.4.112"},
    {"image/dicom-rle", "1.2.840.10008.1.2.5"},
    {"image/x-jls", "1.2.840.10008.1.2.4.80"},  // of the standard before 2018, and of clients since
    {"image/x-dicom-rle", "1.2.840.10008.1.2.5"},
    {"video/mpeg", "1.2.840.10008.1.2.4.100"},
    {"video/mpeg", "1.2.840.10008.1.2.4.100.1"},
    {"video/mpeg", "1.2.840.10008.1.2.4.101"},
    {"video/mpeg", "1.2.840.10008.1.2.4.101.1"},
    {"video/mp4", "1.2.840.10008.1.2.4.102"},
    {"video/mp4", "1.2.840.10008.1.2.4.102.1"},
    {"video/mp4", "1.2.840.10008.1.2.4.103"},
    {"video/mp4", "1.2.840.10008.1.2.4.103.1"},
    {"video/mp4", "1.2.840.10008.1.2.4.104"},
    {"video/mp4", "1.2.840.10008.1.2.4.104.1"},
    {"video/mp4", "1.2.840.10008.1.2.4.105"},
    {"video/mp4", "1.2.840.10008.1.2.4.105.1"},
    {"video/mp4", "1.2.840.10008.1.2.4.106"},
    {"video/mp4", "1.2.840.10008.1.2.4.106.1"},
    {"video/mp4", "1.2.840.10008.1.2.4.107"},
    {"video/mp4", "1.2.840.10008.1.2.4.108"},
};

}  // namespace

std::string_view MediaTypeOf(std::string_view transfer_syntax) {
  for (const Row& row : kRows)
    if (row.transfer_syntax == transfer_syntax) return row.media_type;
  return kRows[0].media_type;
}

std::string_view DefaultSyntaxOf(std::string_view media_type) {
  for (const Row& row : kRows)
    if (row.media_type == media_type) return row.transfer_syntax;
  return {};
}

}  // namespace hilum::dicom
