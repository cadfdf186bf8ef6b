#include "server/http/make_request.h"

#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>

#include "server/http/text.h"

namespace hilum::http {
namespace {

constexpr size_t kMaxRequestId = 64;

bool IsHarmlessId(std::string_view id) {
  return !id.empty() && id.size() <= kMaxRequestId && std::all_of(id.begin(), id.end(), [](char c) {
    return IsAlphanumeric(c) || c == '-' || c == '_' || c == '.';
  });
}

// HOST:PORT that the client connected to.
std::string LocalAddress(int descriptor) {
  sockaddr_storage address{};
  socklen_t length = sizeof(address);
  char host[NI_MAXHOST] = "", port[NI_MAXSERV] = "";
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  if (getsockname(descriptor, generic, &length) != 0 ||
      getnameinfo(generic, length, host, sizeof(host), port, sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV) != 0)
    return "localhost";
  return (address.ss_family == AF_INET6 ? "[" + std::string(host) + "]:" : std::string(host) + ":") + port;
}

// URLs in answers are of where the client found us: HTTP/1.0 may leave out Host, and some clients leave out its port,
// which shows where they name the very address that they came to.
void CompleteHost(int descriptor, Headers* headers) {
  const std::optional<std::string_view> host = headers->First("Host");
  if (host && host->find(':') != std::string_view::npos && !host->ends_with(']')) return;
  const std::string local = LocalAddress(descriptor);
  const std::string_view address = std::string_view(local).substr(0, local.rfind(':'));
  const bool loopback = address == "127.0.0.1" || address == "[::1]";
  if (!host)
    headers->Set("Host", local);
  else if (*host == address || (*host == "localhost" && loopback))
    headers->Set("Host", std::string(*host) + local.substr(address.size()));
}

// Empty segments mean nothing here: they come of a base URL that ends in a slash.
void MergeSlashes(std::string* path) {
  const auto both = [](char a, char b) { return a == '/' && b == '/'; };
  path->erase(std::unique(path->begin(), path->end(), both), path->end());
}

void ReplaceAlias(const std::vector<std::pair<std::string, std::string>>& aliases, std::string* path) {
  for (const auto& [alias, meant] : aliases) {
    if (!path->starts_with(alias) || (path->size() > alias.size() && (*path)[alias.size()] != '/')) continue;
    path->replace(0, alias.size(), meant);
    return;
  }
}

}  // namespace

Request MakeRequest(RequestHead head, const Channel& channel, const std::string& peer, ServerContext& context) {
  Request request;
  request.method = std::move(head.method);
  request.target = std::move(head.target);
  const size_t question = request.target.find('?');
  request.path = request.target.substr(0, question);
  MergeSlashes(&request.path);
  ReplaceAlias(context.options.path_aliases, &request.path);
  if (question != std::string::npos) request.query = request.target.substr(question + 1);
  request.headers = std::move(head.headers);
  request.peer = peer;
  request.secure = channel.secure();
  if (request.secure) request.client_subject = channel.ClientSubject();
  CompleteHost(channel.descriptor(), &request.headers);
  ResolveClient(context.proxies, &request);
  if (const std::string& url = context.options.public_url; !url.empty()) request.base_url = url;
  const std::optional<std::string_view> id = request.headers.First("X-Request-Id");
  request.id = id && IsHarmlessId(*id) ? std::string(*id) : context.NewRequestId();
  request.log = context.log.WithRequest(request.id);
  return request;
}

}  // namespace hilum::http
