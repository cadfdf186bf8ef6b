// What OHIF is told about this server: the script app-config.js. Pure, thread-safe.
#pragma once

#include <string>
#include <string_view>

namespace hilum::viewer {

// Where the viewer is served, without the last slash. The build of OHIF is patched to lie there (ohif.json).
inline constexpr std::string_view kRoot = "/viewer";

// `dicomweb_root` is a path such as "/dicom-web": relative, so that the page works behind any name and proxy.
std::string AppConfig(std::string_view dicomweb_root);

}  // namespace hilum::viewer
