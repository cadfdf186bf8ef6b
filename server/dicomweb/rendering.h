// The query of rendered resources and thumbnails (PS3.18 8.3.5.1). Pure functions, thread-safe.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "codecs/pixel/render.h"
#include "server/http/http.h"

namespace hilum::dicomweb {

// A presentation state, of the study that is rendered.
struct StateName {
  std::string series, instance;
};

struct Rendering {
  pixel::RenderOptions options;
  std::optional<StateName> state;           // to be applied
  bool patient = false, technique = false;  // annotations to burn in
  bool wants_profile = false;               // of colour, whatever it is or that of `options.space`
  std::vector<std::string> warnings;        // what was ignored
};

// The media types that pictures can have; what a client that takes any gets is first.
std::vector<std::string> PictureTypes();

// kInvalid names the parameter that is wrong; unknown ones are ignored.
Result<Rendering> ParseRendering(const http::QueryParameters& query, std::string_view media_type);

}  // namespace hilum::dicomweb
