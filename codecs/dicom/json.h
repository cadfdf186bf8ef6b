// The DICOM JSON model (PS3.18 Annex F) of an instance, in UTF-8. Pure functions, thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "base/result.h"
#include "codecs/dicom/reader.h"

namespace hilum::dicom {

struct JsonOptions {
  // Binary values longer than this become a BulkDataURI, shorter ones InlineBinary. Pixel data is always a BulkDataURI.
  uint64_t inline_binary_bytes = 1024;
  // URI of the bulk data at a path such as "7FE00010" or "00291010/0/00291020"; without it such values are left out.
  std::function<std::string(const std::string& path)> bulk_data_uri;
};

// Appends the data set as one JSON object, group 0002 left out, keys in tag order. On error `out` is as before.
Status AppendJson(Bytes file, const JsonOptions& options, const ReadLimits& limits, std::string* out);

// Appends the attribute object of values that are decoded already, as Attribute::values holds them: {"vr":"DA","Value":["20200101"]}.
void AppendAttributeJson(Vr vr, std::span<const std::string> values, std::string* out);

// Appends `text` as a JSON string, quotes included. Text that is not UTF-8 has its bad octets replaced by U+FFFD.
void AppendJsonString(std::string_view text, std::string* out);

}  // namespace hilum::dicom
