// STOW-RS of metadata and bulk data (PS3.18 10.5.1): instances that come as DICOM JSON or as Native DICOM Model
// documents, followed by the parts that their bulk data URIs refer to. Used by one request at a time.
//
// A part whose Content-Type is that of the metadata describes instances: an array of them in JSON, one in XML. Any
// other part is bulk data and is known by its Content-Location, compared letter by letter. Its Content-Type tells the
// transfer syntax of compressed Pixel Data, by the `transfer-syntax` parameter or by the default of the media type;
// several parts of one Content-Location are its frames, in order. Of JPEG and JPEG 2000 the metadata need not say how
// the pixels are laid out (stow_pixels.h). Of bulk data that are text, `charset` is heeded.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/memory_allowance.h"
#include "base/result.h"
#include "pipelines/dicom_ingest/ingest.h"
#include "server/http/http.h"

namespace hilum::dicomweb {

enum class ModelForm : uint8_t { kJson, kXml };

struct ModelStoreLimits {
  uint64_t metadata_bytes = 16 << 20;  // of one request, all of it held in memory
  uint64_t bulk_bytes = 256 << 20;     // the same of bulk data
  uint64_t built_bytes = 512 << 20;    // of the instances that one request makes
};

// Hands every instance of the body to `batch`; what is wrong with one is its outcome. kInvalid and kLimit for a body
// that cannot be taken at all; kUnavailable when `memory`, of all requests together, has no room for it. `received`
// counts bytes of the body.
Status StoreModels(http::BodyReader& body, std::string_view boundary, ModelForm form, const ModelStoreLimits& limits,
                   MemoryAllowance& memory, IngestBatch& batch, uint64_t* received);

}  // namespace hilum::dicomweb
