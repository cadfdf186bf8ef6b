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
  // URI of the bulk data at a path such as "7FE00010" or "00291010/0/00291020"; without it such attributes are left
  // out.
  std::function<std::string(const std::string& path)> bulk_data_uri;
};

// Appends the data set as one JSON object, keys in tag order; of elements that come twice the first one. Group 0002,
// group lengths and trailing padding are left out. On error `out` is as before. Linear in the size of the file.
//
// What PS3.18 leaves open: DS and IS are numbers as written ("+07.50" is 7.50) where they are one and a double can hold
// it, else strings; SV and UV are strings past 2^53; NaN and infinities are "NaN", "Infinity", "-Infinity"; bytes that
// do not make up a whole binary number are dropped; known attributes written as UN get the VR of the dictionary; UN
// that holds no whole items, and private UN, stay UN.
Status AppendJson(Bytes file, const JsonOptions& options, const ReadLimits& limits, std::string* out);

// Appends the attribute object of values that are decoded already, as Attribute::values holds them:
// {"vr":"DA","Value":["20200101"]}.
void AppendAttributeJson(Vr vr, std::span<const std::string> values, std::string* out);

}  // namespace hilum::dicom
