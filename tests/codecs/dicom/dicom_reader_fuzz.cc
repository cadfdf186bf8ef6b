// Everything that reads DICOM bytes, on any bytes. What one reader accepts the other ones must not contradict.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "codecs/dicom/frames.h"
#include "codecs/dicom/json.h"

namespace {

using namespace hilum;         // NOLINT: a program of its own
using namespace hilum::dicom;  // NOLINT

const AttributeSelection& Selection() {
  static const AttributeSelection selection({{tags::kPatientName},
                                             {tags::kModality},
                                             {tags::kRows},
                                             {tags::kRequestAttributesSequence},
                                             {tags::kRequestAttributesSequence, tags::kScheduledProcedureStepId},
                                             {tags::kStudyInstanceUid}});
  return selection;
}

void CheckFrames(Bytes file, const Header& header) {
  const auto table = ReadFrameTable(file, header);
  if (!table.ok()) return;
  for (const FrameRange& range : table->ranges) {
    if (range.offset > file.size() || range.length > file.size() - range.offset) std::abort();
  }
  std::string stored;
  AppendFrameTable(*table, &stored);
  ByteReader in(stored);
  FrameTable back;
  if (!ReadFrameTable(&in, &back) || back.first_range != table->first_range || !in.empty()) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const Bytes file(reinterpret_cast<const char*>(data), size);
  const ReadLimits limits{.max_inflated_bytes = 4 << 20};
  const auto header = ReadHeader(file, Selection(), limits);
  std::string json;
  const JsonOptions options{.bulk_data_uri = [](const std::string& path) { return path; }};
  const Status status = AppendJson(file, options, limits, &json);
  // Both check the whole file.
  if (header.ok() != status.ok()) std::abort();
  if (json.empty() == status.ok()) std::abort();
  if (header.ok()) CheckFrames(file, *header);
  FrameTable table;
  ByteReader in(file);
  // The stored form is read from our own database; it still must not be able to do harm.
  static_cast<void>(ReadFrameTable(&in, &table));
  return 0;
}
