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
  ReplaceAlias(context.options.path_aliases, &request.path);
  if (question != std::string::npos) request.query = request.target.substr(question + 1);
  request.headers = std::move(head.headers);
  request.peer = peer;
  request.secure = channel.secure();
  if (request.secure) request.client_subject = channel.ClientSubject();
  // HTTP/1.0 may leave it out; URLs in the answer are of where the client found us.
  if (!request.headers.First("Host")) request.headers.Set("Host", LocalAddress(channel.descriptor()));
  ResolveClient(context.proxies, &request);
  if (const std::string& url = context.options.public_url; !url.empty()) request.base_url = url;
  const std::optional<std::string_view> id = request.headers.First("X-Request-Id");
  request.id = id && IsHarmlessId(*id) ? std::string(*id) : context.NewRequestId();
  request.log = context.log.WithRequest(request.id);
  return request;
}

}  // namespace hilum::http
