// Requests of the URI service (PS3.18 9, "WADO-URI"): one object named by query parameters. Each is put in terms of
// WADO-RS, so that both give the same answers. Safe for concurrent use.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "server/dicomweb/instances.h"
#include "server/dicomweb/options.h"
#include "server/dicomweb/rendered.h"
#include "server/dicomweb/resource.h"
#include "server/http/http.h"
#include "storage/store/store.h"

namespace hilum::dicomweb {

// Where clients of before DICOMweb look for it; it is also below the service root.
inline constexpr std::string_view kWadoUri = "/wado";

struct UriRequest {
  Resource object;           // study, series and instance
  std::string content_type;  // as asked, empty when not; `*/*` and lists are possible
  std::string transfer_syntax;
  std::optional<uint32_t> frame;   // from 1
  uint32_t rows = 0, columns = 0;  // of the picture at most; 0: not limited
  // Left, top, right, bottom as fractions of the image.
  std::optional<std::array<double, 4>> region;
  // Of a picture, or of what a lossy transfer syntax leaves.
  std::string quality;
  // What /rendered takes under the same or another name: window, annotation, presentation state.
  QueryParameters rendering;

  // What only makes sense for pictures was asked for.
  bool WantsPicture() const {
    const bool of_picture = !quality.empty() && transfer_syntax.empty();
    return frame || rows > 0 || columns > 0 || region || of_picture || !rendering.empty();
  }
};

// kInvalid names the parameter that is missing or wrong, or that asks for what is not done (anonymize). Unknown
// parameters are ignored.
Result<UriRequest> ParseUriRequest(const QueryParameters& query);

// The `viewport` of WADO-RS that shows what was asked for of an image of that size; empty: all of it.
std::string ViewportOf(const UriRequest& request, uint32_t image_rows, uint32_t image_columns);

class UriService {
 public:
  // References outlive the service.
  UriService(storage::Store& store, const ServiceOptions& options, InstanceService& instances, PictureService& pictures)
      : store_(store), options_(options), instances_(instances), pictures_(pictures) {}

  Status Retrieve(http::Request& request, const QueryParameters& query, http::Responder& responder);

 private:
  storage::Store& store_;
  const ServiceOptions& options_;
  InstanceService& instances_;
  PictureService& pictures_;
};

}  // namespace hilum::dicomweb
