#include "server/viewer/viewer.h"

#include <filesystem>

#include "server/http/compression.h"
#include "server/viewer/app_config.h"

namespace hilum::viewer {
namespace {

constexpr uint64_t kMaxManifestBytes = 1 << 20;
constexpr std::string_view kAppConfigName = "app-config.js";
constexpr char kMethods[] = "GET, HEAD, OPTIONS";

// Browsers refuse WebAssembly and modules of other types, all the more with nosniff.
std::string_view TypeOf(std::string_view name) {
  static constexpr std::pair<std::string_view, std::string_view> kTypes[] = {
      {".html", "text/html; charset=utf-8"},
      {".js", "text/javascript; charset=utf-8"},
      {".css", "text/css; charset=utf-8"},
      {".json", "application/json"},
      {".jsonc", "application/json"},
      {".wasm", "application/wasm"},
      {".woff2", "font/woff2"},
      {".svg", "image/svg+xml"},
      {".png", "image/png"},
      {".ico", "image/x-icon"},
      {".txt", "text/plain; charset=utf-8"},
  };
  for (const auto& [ending, type] : kTypes)
    if (name.ends_with(ending)) return type;
  return "application/octet-stream";
}

// Everything from this server, and no inline script but the page's own. The loader of the codecs (in its worker, which
// has the policy of its file) and the view of segmentations (in the page) generate code: without 'unsafe-eval', which
// covers WebAssembly too, neither works. Blobs are workers, pictures and documents that the page makes itself.
std::string PolicyOf(const Manifest& manifest) {
  std::string scripts;
  for (const std::string& hash : manifest.inline_scripts) scripts += " '" + hash + "'";
  return "default-src 'self'; script-src 'self'" + scripts +
         " 'unsafe-eval'; worker-src 'self' blob:; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
         "media-src 'self' data: blob:; "
         "object-src 'self' blob:; frame-src 'self' blob:; connect-src 'self' data: blob:; font-src 'self' data:; "
         "base-uri 'self'; form-action 'self'; "
         "frame-ancestors 'self'";
}

// A page of the application (its router knows what it means) rather than a file that is not there.
bool IsPage(std::string_view name) {
  return name.substr(name.rfind('/') + 1).find('.') == std::string_view::npos;
}

Status SendText(http::Responder& responder, int status, std::string_view text, http::Headers headers = {}) {
  headers.Set("Content-Type", "text/plain; charset=utf-8");
  return responder.Send(status, std::move(headers), std::string(text) + "\n");
}

}  // namespace

Viewer::Viewer(Disk& disk, std::string directory, std::string_view dicomweb_root, const Logger& log)
    : disk_(disk), directory_(std::move(directory)), app_config_(AppConfig(dicomweb_root)) {
  route_ = {0, false, [this](http::Request& request, http::Responder& responder) { Handle(request, responder); }};
  const std::string path = directory_ + "/manifest.txt";
  const auto exists = disk_.Exists(path);
  if (exists.ok() && !*exists) return;
  const auto text = ReadWholeFile(disk_, path, kMaxManifestBytes);
  auto manifest = text.ok() ? ParseManifest(*text) : Result<Manifest>(text.status());
  if (!manifest.ok()) {
    log.Error("the viewer is not served", {{"folder", directory_}, {"reason", manifest.status().message()}});
    return;
  }
  manifest_ = *std::move(manifest);
  policy_ = PolicyOf(manifest_);
}

const http::Route* Viewer::FindRoute(std::string_view path) const {
  if (!path.starts_with(kRoot)) return nullptr;
  path.remove_prefix(kRoot.size());
  return path.empty() || path[0] == '/' ? &route_ : nullptr;
}

void Viewer::Handle(const http::Request& request, http::Responder& responder) const {
  const Status status = Answer(request, responder);
  if (status.ok() || status.code() == Code::kCancelled) return;
  request.log.Error("the viewer could not be sent", {{"reason", status.message()}});
  // The connection is gone if this fails.
  if (!responder.started())
    SendText(responder, 500, "a file of the viewer could not be read; the log of the server has the reason")
        .IgnoreError();
}

Status Viewer::Answer(const http::Request& request, http::Responder& responder) const {
  if (request.method == "OPTIONS") return responder.Send(204, {{"Allow", kMethods}}, {});
  if (request.method != "GET" && request.method != "HEAD")
    return SendText(responder, 405, "the viewer can only be read", {{"Allow", kMethods}});
  if (!available()) {
    return SendText(responder, 404,
                    "There is no viewer. `./dev viewer` in the sources makes it (it fetches OHIF from npm), "
                    "or let viewer.directory name a folder made that way; then start the server again.");
  }
  std::string_view name = std::string_view(request.path).substr(kRoot.size());
  if (name.empty())
    return SendText(responder, 308, "the viewer is below this path", {{"Location", std::string(kRoot) + "/"}});
  name.remove_prefix(1);
  if (name == kAppConfigName) return responder.Send(200, HeadersOf(name, false), app_config_);
  auto found = manifest_.files.find(name);
  if (found == manifest_.files.end() && IsPage(name)) found = manifest_.files.find("index.html");
  if (found == manifest_.files.end()) return SendText(responder, 404, "the viewer has no such file");
  return SendAsset(request, found->first, found->second, responder);
}

http::Headers Viewer::HeadersOf(std::string_view name, bool immutable) const {
  return {{"Content-Type", std::string(TypeOf(name))},
          {"Cache-Control", immutable ? "public, max-age=31536000, immutable" : "no-cache"},
          {"Content-Security-Policy", policy_},
          {"Referrer-Policy", "same-origin"}};
}

Status Viewer::SendAsset(const http::Request& request, const std::string& name, const Asset& asset,
                         http::Responder& responder) const {
  http::Headers headers = HeadersOf(name, asset.immutable);
  std::string path = directory_ + "/" + name;
  // The HTTP layer takes the "-gzip" off again before a client's tag comes here.
  const std::string tag = asset.sha256.substr(0, 32);
  bool packed = false;
  if (asset.gzip) {
    headers.Add("Vary", "Accept-Encoding");
    packed = http::ChooseCoding(request.headers.Joined("Accept-Encoding"), /*have_zstd=*/false) == http::Coding::kGzip;
  }
  headers.Add("ETag", "\"" + tag + (packed ? "-gzip\"" : "\""));
  const auto known = request.headers.First("If-None-Match");
  if (known && (*known == "*" || known->find(tag) != std::string_view::npos))
    return responder.Send(304, std::move(headers), "");
  if (packed) {
    headers.Add("Content-Encoding", "gzip");
    path += ".gz";
  }
  HILUM_ASSIGN_OR_RETURN(const std::shared_ptr<File> file, disk_.Open(path, OpenMode::kRead));
  HILUM_ASSIGN_OR_RETURN(const uint64_t size, file->Size());
  HILUM_RETURN_IF_ERROR(responder.Head(200, headers, size));
  HILUM_RETURN_IF_ERROR(responder.WriteFile({file, 0, size}));
  return responder.Finish();
}

std::string DirectoryBesideProgram() {
  std::error_code error;
  const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", error);
  return (error ? std::filesystem::path(".") : program.parent_path()) / "viewer";
}

}  // namespace hilum::viewer
