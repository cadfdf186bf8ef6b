// The list of what the viewer folder holds, written by prepare.mjs when the folder is made. Pure, thread-safe.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace hilum::viewer {

struct Asset {
  bool immutable = false;  // its name changes with its content
  bool gzip = false;       // NAME.gz lies beside it
  std::string sha256;      // of the identity form, in hex
};

struct Manifest {
  std::string version;                              // "ohif 3.13.2"
  std::vector<std::string> inline_scripts;          // "sha256-...", as a Content-Security-Policy names them
  std::map<std::string, Asset, std::less<>> files;  // by path below the folder
};

// kInvalid names the line. No path of the result leads out of the folder.
Result<Manifest> ParseManifest(std::string_view text);

}  // namespace hilum::viewer
