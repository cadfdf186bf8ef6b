#include "server/main/admin.h"

#include <curl/curl.h>
#include <openssl/crypto.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/http_status.h"

namespace hilum {
namespace {

using nlohmann::json;

constexpr size_t kMaxRequestBytes = 64 * 1024;
constexpr char kBackupPath[] = "/admin/backup", kReadyPath[] = "/admin/ready";

std::string AnnouncementPath(const std::string& data_directory) {
  return data_directory + "/" + std::string(AdminRoutes::kAnnouncement);
}

// Which file of the machine the lock of a data folder is; empty when it cannot be found out. A copy of the folder has
// another one, a folder that was moved or has several names the same.
std::string IdentityOf(const std::string& data_directory) {
  struct stat lock {};
  if (stat((data_directory + "/lock").c_str(), &lock) != 0) return "";
  return std::to_string(lock.st_dev) + ":" + std::to_string(lock.st_ino);
}

void Answer(http::Responder& responder, int status, const json& body) {
  // The client is gone if this fails; there is nobody to tell.
  responder.Send(status, {{"Content-Type", "application/json"}}, body.dump() + "\n").IgnoreError();
}

// The text of a property; empty when there is none.
std::string TextOf(const json& object, const char* name) {
  if (!object.is_object()) return "";
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

size_t AppendBody(char* data, size_t size, size_t count, void* out) {
  static_cast<std::string*>(out)->append(data, size * count);
  return size * count;
}

}  // namespace

http::Handler ForReading(http::Handler handler) {
  return [handler = std::move(handler)](http::Request& request, http::Responder& responder) {
    if (request.method == "GET" || request.method == "HEAD") return handler(request, responder);
    // The client is gone if this fails; there is nobody to tell.
    responder.Send(request.method == "OPTIONS" ? 204 : 405, {{"Allow", "GET, HEAD, OPTIONS"}}, "").IgnoreError();
  };
}

AdminRoutes::AdminRoutes(storage::Store& store, const std::string& data_directory, Registry& metrics, Random& random)
    : store_(store),
      data_(data_directory),
      metrics_(metrics),
      folder_(IdentityOf(data_directory)),
      token_(random.Hex(32)) {
  health_ = {0, true, ForReading([](http::Request&, http::Responder& responder) {
               Answer(responder, 200, {{"status", "alive"}});
             })};
  ready_ = {0, true,
            ForReading([this](http::Request& request, http::Responder& responder) { Ready(request, responder); })};
  exposition_ = {0, false, ForReading([this](http::Request&, http::Responder& responder) {
                   responder.Send(200, {{"Content-Type", "text/plain; version=0.0.4"}}, metrics_.Expose())
                       .IgnoreError();  // as in Answer
                 })};
  asked_ready_ = {0, false, [this](http::Request& request, http::Responder& responder) {
                    if (MayAsk(request, responder)) Ready(request, responder);
                  }};
  backup_ = {kMaxRequestBytes, false,
             [this](http::Request& request, http::Responder& responder) { Backup(request, responder); }};
}

const http::Route* AdminRoutes::FindRoute(std::string_view method, std::string_view path) const {
  if (path == "/healthz") return &health_;
  if (path == "/readyz") return &ready_;
  if (path == "/metrics") return &exposition_;
  return FindJob(method, path);
}

const http::Route* AdminRoutes::FindJob(std::string_view method, std::string_view path) const {
  if (path == kReadyPath && method == "GET") return &asked_ready_;
  return path == kBackupPath && method == "POST" ? &backup_ : nullptr;
}

void AdminRoutes::Ready(http::Request&, http::Responder& responder) {
  const Status health = store_.health();
  if (health.ok()) return Answer(responder, 200, {{"status", "ready"}});
  Answer(responder, 503, {{"status", "not ready"}, {"reason", health.message()}});
}

bool AdminRoutes::MayAsk(http::Request& request, http::Responder& responder) const {
  const std::string expected = "Bearer " + token_;
  const std::string_view given = request.headers.First("Authorization").value_or("");
  if (given.size() == expected.size() && CRYPTO_memcmp(given.data(), expected.data(), expected.size()) == 0)
    return true;
  Answer(responder, 401, {{"error", "the token of the data folder's admin.json is needed"}});
  return false;
}

void AdminRoutes::Backup(http::Request& request, http::Responder& responder) {
  if (!MayAsk(request, responder)) return;
  const auto body = http::ReadAll(*request.body, kMaxRequestBytes);
  if (!body.ok()) return;
  const json parsed = json::parse(*body, nullptr, false);
  const std::string to = TextOf(parsed, "to");
  if (to.empty() || to[0] != '/') return Answer(responder, 400, {{"error", "\"to\" must be an absolute path"}});
  if (folder_.empty() || TextOf(parsed, "folder") != folder_)
    return Answer(responder, 409, {{"error", "this server has another data folder open; nothing was written"}});
  Status status = RefuseBackupInside(data_, to);
  if (status.ok()) status = store_.Backup(to);
  if (status.ok()) return Answer(responder, 200, {{"backup", to}});
  request.log.Error("backup failed", {{"reason", status.message()}});
  Answer(responder, HttpStatusOf(status.code()), {{"error", status.message()}});
}

Status AdminRoutes::Announce(Disk& disk, const std::string& data_directory, const std::string& url) const {
  const std::string path = AnnouncementPath(data_directory);
  return WriteWholeFile(disk, path, json{{"url", url}, {"token", token_}}.dump() + "\n", FileReaders::kOwner);
}

void AdminRoutes::Withdraw(Disk& disk, const std::string& data_directory) {
  // A file that stays behind points at a port where nobody knows its token.
  disk.Remove(AnnouncementPath(data_directory)).IgnoreError();
}

Status RefuseBackupInside(const std::string& data_directory, const std::string& to) {
  std::error_code error;
  const std::filesystem::path data = std::filesystem::weakly_canonical(data_directory, error);
  if (error) return IoError("find out where " + data_directory + " is: " + error.message());
  const std::filesystem::path target = std::filesystem::weakly_canonical(to, error);
  if (error) return IoError("find out where " + to + " is: " + error.message());
  if (std::mismatch(data.begin(), data.end(), target.begin(), target.end()).first != data.end()) return Status::Ok();
  return Conflict(to + " lies in the data folder " + data_directory +
                  ": name a folder outside of it, best on another disk");
}

namespace {

struct Reply {
  long status = 0;
  json body;
};

// Of the server that has the folder open: a POST of `body`, or a GET where there is none, that may take `seconds` (0:
// any time). kNotFound when none is running.
Result<Reply> Ask(Disk& disk, const std::string& data_directory, const char* path, const json* body, long seconds) {
  HILUM_ASSIGN_OR_RETURN(const std::string text,
                         ReadWholeFile(disk, AnnouncementPath(data_directory), kMaxRequestBytes));
  const json announcement = json::parse(text, nullptr, false);
  const std::string server = TextOf(announcement, "url"), token = TextOf(announcement, "token");
  if (server.empty() || token.empty())
    return Corruption(AnnouncementPath(data_directory) + " is damaged; start the server again");

  const std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> curl(curl_easy_init(), curl_easy_cleanup);
  if (!curl) return Internal("the HTTP client could not be started");
  const std::string url = server + path;
  const std::string sent = body ? body->dump() : "";
  const std::string authorization = "Authorization: Bearer " + token;
  curl_slist* list = curl_slist_append(nullptr, authorization.c_str());
  list = curl_slist_append(list, "Content-Type: application/json");
  const std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)> headers(list, curl_slist_free_all);
  std::string answer;
  curl_easy_setopt(curl.get(), CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl.get(), CURLOPT_HTTPHEADER, headers.get());
  if (body) curl_easy_setopt(curl.get(), CURLOPT_POSTFIELDS, sent.c_str());
  curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION, AppendBody);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEDATA, &answer);
  curl_easy_setopt(curl.get(), CURLOPT_NOPROXY, "*");
  curl_easy_setopt(curl.get(), CURLOPT_TIMEOUT, seconds);
  // The address comes from a file only we can write, and the certificate, if any, is our own server's for another name.
  curl_easy_setopt(curl.get(), CURLOPT_SSL_VERIFYPEER, 0L);
  curl_easy_setopt(curl.get(), CURLOPT_SSL_VERIFYHOST, 0L);
  const CURLcode code = curl_easy_perform(curl.get());
  if (code == CURLE_COULDNT_CONNECT) return NotFound("no server answers at " + url);
  if (code != CURLE_OK) return IoError("asking the server at " + url + ": " + curl_easy_strerror(code));
  Reply reply{.body = json::parse(answer, nullptr, false)};
  curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &reply.status);
  return reply;
}

Status Refusal(const Reply& reply, const char* why) {
  return Unavailable("the server answered " + std::to_string(reply.status) + ": " + TextOf(reply.body, why));
}

}  // namespace

Status RequestBackup(Disk& disk, const std::string& data_directory, const std::string& to) {
  const json wish = {{"to", std::filesystem::absolute(to).string()}, {"folder", IdentityOf(data_directory)}};
  const auto answer = Ask(disk, data_directory, kBackupPath, &wish, /*seconds=*/0);
  if (answer.status().code() == Code::kIo)
    return answer.status().WithContext("the server did not say whether it made the backup: if there is " + to +
                                       " it is whole, and what there is as " + to + storage::kPartOfBackup +
                                       " can be deleted");
  HILUM_ASSIGN_OR_RETURN(const Reply reply, answer);
  return reply.status == 200 ? Status::Ok() : Refusal(reply, "error");
}

Status RequestReady(Disk& disk, const std::string& data_directory) {
  constexpr long kSeconds = 10;
  HILUM_ASSIGN_OR_RETURN(const Reply reply, Ask(disk, data_directory, kReadyPath, nullptr, kSeconds));
  return reply.status == 200 ? Status::Ok() : Refusal(reply, "reason");
}

}  // namespace hilum
