#include "server/http/forwarded.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>
#include <optional>

#include "server/http/text.h"

namespace hilum::http {
namespace {

// What one proxy says of the request it got.
struct Hop {
  std::string client;  // the address it came from; empty when it does not say
  std::string scheme;
  std::string host;  // with port
  std::string port;
  std::string prefix;  // of the path, taken off by the proxy
};

// Takes a token or quoted-string (RFC 9110 5.6) off the front.
std::string TakeValue(std::string_view* rest) {
  std::string value;
  if (!rest->starts_with('"')) {
    const std::string_view token = rest->substr(0, rest->find_first_of(",;"));
    rest->remove_prefix(token.size());
    return std::string(Trimmed(token));
  }
  rest->remove_prefix(1);
  while (!rest->empty() && rest->front() != '"') {
    if (rest->front() == '\\' && rest->size() > 1) rest->remove_prefix(1);
    value.push_back(rest->front());
    rest->remove_prefix(1);
  }
  if (!rest->empty()) rest->remove_prefix(1);
  return value;
}

// RFC 7239 6: an address, perhaps with a port, IPv6 in brackets. "unknown" and "_names" are no addresses.
std::string AddressOf(std::string_view node) {
  if (node.starts_with('[')) return std::string(node.substr(1, node.find(']') - 1));
  if (std::count(node.begin(), node.end(), ':') == 1) node = node.substr(0, node.find(':'));
  return std::string(node);
}

// RFC 7239 4; the proxy next to us last. Empty when there is no such field or it is malformed.
std::vector<Hop> ParseForwarded(std::string_view rest) {
  std::vector<Hop> hops;
  if (Trimmed(rest).empty()) return hops;
  hops.emplace_back();
  while (!rest.empty()) {
    const size_t equals = rest.find('=');
    if (equals == std::string_view::npos) return {};
    const std::string_view name = Trimmed(rest.substr(0, equals));
    rest.remove_prefix(equals + 1);
    std::string value = TakeValue(&rest);
    if (EqualsIgnoringCase(name, "for")) hops.back().client = AddressOf(value);
    if (EqualsIgnoringCase(name, "proto")) hops.back().scheme = std::move(value);
    if (EqualsIgnoringCase(name, "host")) hops.back().host = std::move(value);
    while (!rest.empty() && IsBlank(rest.front())) rest.remove_prefix(1);
    if (rest.empty()) break;
    if (rest.front() == ',')
      hops.emplace_back();
    else if (rest.front() != ';')
      return {};
    rest.remove_prefix(1);
  }
  return hops;
}

std::vector<std::string> Items(std::string_view list) {
  std::vector<std::string> items;
  while (!list.empty()) items.emplace_back(TakeUntil(&list, ','));
  return items;
}

// The X- fields are lists of their own, one item for each proxy; many proxies write only one item whatever came before.
std::vector<Hop> ParseXForwarded(const Headers& headers) {
  std::vector<Hop> hops;
  const auto spread = [&hops](std::string_view list, std::string Hop::*member) {
    const std::vector<std::string> items = Items(list);
    if (items.empty()) return;
    if (hops.size() < items.size()) hops.insert(hops.begin(), items.size() - hops.size(), Hop());
    for (size_t back = 1; back <= hops.size(); ++back)
      hops[hops.size() - back].*member = items[back < items.size() ? items.size() - back : 0];
  };
  spread(headers.Joined("X-Forwarded-For"), &Hop::client);
  spread(headers.Joined("X-Forwarded-Proto"), &Hop::scheme);
  spread(headers.Joined("X-Forwarded-Host"), &Hop::host);
  spread(headers.Joined("X-Forwarded-Port"), &Hop::port);
  spread(headers.Joined("X-Forwarded-Prefix"), &Hop::prefix);
  for (Hop& hop : hops) hop.client = AddressOf(hop.client);
  return hops;
}

bool HasPort(std::string_view host) {
  const size_t colon = host.rfind(':');
  return colon != std::string_view::npos && host.find(']', colon) == std::string_view::npos;
}

bool IsPlainPath(std::string_view path) {
  return path.starts_with('/') && !path.starts_with("//") && std::all_of(path.begin(), path.end(), [](char c) {
           return IsAlphanumeric(c) || std::string_view("/-._~%").find(c) != std::string_view::npos;
         });
}

void Apply(const Hop& hop, std::string* scheme, std::string* host, std::string* prefix) {
  if (EqualsIgnoringCase(hop.scheme, "https")) *scheme = "https";
  if (EqualsIgnoringCase(hop.scheme, "http")) *scheme = "http";
  if (!hop.host.empty() && IsHostText(hop.host)) *host = hop.host;
  const std::string_view usual_port = *scheme == "https" ? "443" : "80";
  const auto port = ParseDecimal(hop.port);
  if (port && *port > 0 && *port <= 65535 && hop.port != usual_port && !HasPort(*host))
    host->append(":").append(std::to_string(*port));
  std::string_view path = hop.prefix;
  while (path.ends_with('/')) path.remove_suffix(1);
  if (IsPlainPath(path)) *prefix = path;
}

}  // namespace

bool TrustedProxies::ParseAddress(std::string_view text, Address* address) {
  const std::string literal(text);
  in_addr v4{};
  if (inet_pton(AF_INET6, literal.c_str(), address->data()) == 1) return true;
  if (inet_pton(AF_INET, literal.c_str(), &v4) != 1) return false;
  *address = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
  std::memcpy(address->data() + 12, &v4, sizeof(v4));
  return true;
}

Result<TrustedProxies> TrustedProxies::Parse(const std::vector<std::string>& items) {
  TrustedProxies trusted;
  for (const std::string& item : items) {
    const size_t slash = item.find('/');
    Network network{.prefix_bits = 128};
    if (!ParseAddress(std::string_view(item).substr(0, slash), &network.address))
      return Invalid("'" + item + "' is no address such as 10.1.2.3 or ::1, nor a network such as 10.0.0.0/8");
    if (slash != std::string::npos) {
      const bool v4 = item.find(':') == std::string::npos;
      const auto bits = ParseDecimal(std::string_view(item).substr(slash + 1));
      if (!bits || *bits > (v4 ? 32 : 128))
        return Invalid("'" + item + "': after the slash stands a number of bits, 0 to " + (v4 ? "32" : "128"));
      network.prefix_bits = static_cast<int>(*bits) + (v4 ? 96 : 0);
    }
    trusted.networks_.push_back(network);
  }
  return trusted;
}

bool TrustedProxies::Contains(std::string_view text) const {
  Address address{};
  if (networks_.empty() || !ParseAddress(text, &address)) return false;
  return std::any_of(networks_.begin(), networks_.end(), [&](const Network& network) {
    for (int bit = 0; bit < network.prefix_bits; bit += 8) {
      const int left = std::min(8, network.prefix_bits - bit);
      const auto mask = static_cast<uint8_t>(0xFF << (8 - left));
      const auto at = static_cast<size_t>(bit / 8);
      if (((address[at] ^ network.address[at]) & mask) != 0) return false;
    }
    return true;
  });
}

void ResolveClient(const TrustedProxies& trusted, Request* request) {
  std::string scheme = request->secure ? "https" : "http";
  std::string host(request->headers.First("Host").value_or("localhost"));
  std::string prefix;
  if (trusted.Contains(request->peer)) {
    std::vector<Hop> hops = ParseForwarded(request->headers.Joined("Forwarded"));
    if (hops.empty()) hops = ParseXForwarded(request->headers);
    // The last hop was written by the peer. The one before it was written by the last hop's client, if that is one of
    // our proxies; else by anybody.
    size_t at = hops.size();
    while (at > 1 && trusted.Contains(hops[at - 1].client)) --at;
    if (at > 0) {
      Apply(hops[at - 1], &scheme, &host, &prefix);
      if (IsAddressLiteral(hops[at - 1].client)) request->peer = hops[at - 1].client;
    }
  }
  request->base_url = scheme.append("://").append(host).append(prefix);
}

}  // namespace hilum::http
