// The OHIF viewer below /viewer/: static files of a folder that prepare.mjs made, and the configuration that points
// OHIF at this server.
//
// Only what the folder's manifest lists is ever opened. The manifest is read once: after the folder changed, start the
// server again. Safe for concurrent use; the disk outlives the viewer, the viewer outlives the server that routes to
// it.
#pragma once

#include <string>
#include <string_view>

#include "base/disk.h"
#include "base/log.h"
#include "server/http/server.h"
#include "server/viewer/manifest.h"

namespace hilum::viewer {

class Viewer {
 public:
  // Without a usable folder every path answers 404 with what to do; a damaged manifest is also logged.
  Viewer(Disk& disk, std::string directory, std::string_view dicomweb_root, const Logger& log);

  // nullptr when the path is neither /viewer nor below it.
  const http::Route* FindRoute(std::string_view path) const;
  bool available() const { return !manifest_.files.empty(); }

 private:
  void Handle(const http::Request& request, http::Responder& responder) const;
  Status Answer(const http::Request& request, http::Responder& responder) const;
  Status SendAsset(const http::Request& request, const std::string& name, const Asset& asset,
                   http::Responder& responder) const;
  // Content-Type, policy and caching of an answer with content.
  http::Headers HeadersOf(std::string_view name, bool immutable) const;

  Disk& disk_;
  const std::string directory_;
  const std::string app_config_;
  Manifest manifest_;
  std::string policy_;
  http::Route route_;
};

// Where the build puts the folder: `viewer` beside the running program.
std::string DirectoryBesideProgram();

}  // namespace hilum::viewer
