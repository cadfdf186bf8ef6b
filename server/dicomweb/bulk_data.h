// WADO-RS: frames and other bulk data (PS3.18 10.4.1.1.4 to .6). Both end in each other: frames are the bulk data of an
// image, and compressed bulk data are frames.
//
// Safe for concurrent use; what is passed by reference outlives it.
#pragma once

#include <string>
#include <vector>

#include "base/random.h"
#include "codecs/pixel/codec.h"
#include "server/dicomweb/codec_failures.h"
#include "server/dicomweb/frame_source.h"
#include "server/dicomweb/made_memory.h"
#include "server/dicomweb/negotiate.h"
#include "server/dicomweb/options.h"
#include "server/dicomweb/resource.h"
#include "server/dicomweb/selection.h"
#include "server/http/http.h"
#include "storage/store/store.h"

namespace hilum::dicomweb {

class BulkDataService {
 public:
  BulkDataService(storage::Store& store, pixel::FrameCodec& codec, Random& random, CodecFailures& failures,
                  MadeMemory& memory, const ServiceOptions& options)
      : store_(store), codec_(codec), random_(random), failures_(failures), memory_(memory), options_(options) {}

  // frames.cc
  Status RetrieveFrames(http::Request& request, const Resource& resource, const QueryParameters& query,
                        http::Responder& responder);
  // bulk_data.cc: one value
  Status RetrieveOne(http::Request& request, const Resource& resource, const QueryParameters& query,
                     http::Responder& responder);
  // all_bulk_data.cc: all of a study, series or instance, or the pixel data alone
  Status RetrieveAll(http::Request& request, const Resource& resource, const QueryParameters& query,
                     http::Responder& responder);

 private:
  // In the first of the choices, which `source` is opened for; pixels of all frames, which come as bulk data, also in
  // the next ones. Of an error that the pixels are to blame for (kUnsupported, kInvalid) nothing was sent, unless the
  // answer was begun.
  Status SendFramesAs(http::Request& request, const Resource& resource, const storage::CatalogueReader& reader,
                      const Selection& selection, const std::vector<InstanceChoice>& choices, const FrameSource& source,
                      http::Responder& responder);
  // One, not packed into parts.
  Status SendFrame(http::Request& request, const FrameSource& source, uint32_t frame, const std::string& sop_uid,
                   http::Headers headers, http::Responder& responder);
  // In parts; as they are stored with the same boundary for the same ETag, where that is strong.
  Status SendFrames(http::Request& request, const FrameSource& source, const std::vector<uint32_t>& frames,
                    const std::string& sop_uid, http::Headers headers, http::Responder& responder);
  // All, one behind the other. REQUIRES: source.StoredValue() or source.MakesValue().
  Status SendPixelValue(http::Request& request, const FrameSource& source, const std::string& sop_uid,
                        http::Headers headers, http::Responder& responder);
  // In parts, pixels in the first of the choices that has room for them, and as they are stored where none has.
  // `resource` is kAllBulkData, or else of the pixel data alone. `reader` made the selection.
  Status SendAll(http::Request& request, const Resource& resource, const storage::CatalogueReader& reader,
                 Selection selection, const std::vector<InstanceChoice>& choices, http::Responder& responder);

  storage::Store& store_;
  pixel::FrameCodec& codec_;
  Random& random_;
  CodecFailures& failures_;
  MadeMemory& memory_;
  const ServiceOptions& options_;
};

}  // namespace hilum::dicomweb
