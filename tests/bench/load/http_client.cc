#include "tests/bench/load/http_client.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <climits>
#include <optional>

#include "base/text.h"
#include "codecs/multipart/media_type.h"

namespace hilum::load {

namespace {

constexpr size_t kReadSize = 64 * 1024;
constexpr size_t kKeptBytes = 2048;

struct AddressList {
  addrinfo* first = nullptr;
  ~AddressList() {
    if (first != nullptr) freeaddrinfo(first);
  }
};

iovec Advance(iovec piece, size_t by) {
  return {static_cast<char*>(piece.iov_base) + by, piece.iov_len - by};
}

}  // namespace

Result<Url> ParseUrl(std::string_view text) {
  constexpr std::string_view kScheme = "http://";
  if (!text.starts_with(kScheme)) return Invalid("URL: expected http://HOST[:PORT][/PATH]");
  text.remove_prefix(kScheme.size());
  Url url;
  const size_t slash = std::min(text.find('/'), text.size());
  const std::string_view authority = text.substr(0, slash);
  if (slash < text.size()) url.path = text.substr(slash);
  const size_t colon = authority.rfind(':');
  url.host = authority.substr(0, colon);
  if (colon != std::string_view::npos) url.port = authority.substr(colon + 1);
  if (url.host.empty() || url.port.empty()) return Invalid("URL: host or port is empty");
  return url;
}

Status Connection::Connect() {
  Close();
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  AddressList addresses;
  if (const int error = getaddrinfo(server_.host.c_str(), server_.port.c_str(), &hints, &addresses.first); error != 0) {
    return IoError("resolve " + server_.host + ": " + gai_strerror(error));
  }
  socket_ = socket(addresses.first->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (socket_ < 0) return ErrnoStatus("socket", errno);
  const int on = 1;
  setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  if (connect(socket_, addresses.first->ai_addr, addresses.first->ai_addrlen) != 0) {
    const int error = errno;
    Close();
    return ErrnoStatus("connect to " + server_.host + ":" + server_.port, error);
  }
  return Status::Ok();
}

void Connection::Close() {
  if (socket_ >= 0) close(socket_);
  socket_ = -1;
  buffer_.clear();
  used_ = 0;
}

Status Connection::Send(std::vector<iovec>* pieces) {
  size_t from = 0;
  while (from < pieces->size()) {
    msghdr message{};
    message.msg_iov = pieces->data() + from;
    message.msg_iovlen = std::min<size_t>(pieces->size() - from, IOV_MAX);
    const ssize_t sent = sendmsg(socket_, &message, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return ErrnoStatus("send", errno);
    auto left = static_cast<size_t>(sent);
    while (from < pieces->size() && left >= (*pieces)[from].iov_len) left -= (*pieces)[from++].iov_len;
    if (left > 0) (*pieces)[from] = Advance((*pieces)[from], left);
  }
  return Status::Ok();
}

Status Connection::Fill() {
  buffer_.erase(0, used_);
  used_ = 0;
  const size_t had = buffer_.size();
  buffer_.resize(had + kReadSize);
  ssize_t got;
  do {
    got = recv(socket_, buffer_.data() + had, kReadSize, 0);
  } while (got < 0 && errno == EINTR);
  const int error = errno;
  buffer_.resize(had + static_cast<size_t>(std::max<ssize_t>(got, 0)));
  if (got < 0) return ErrnoStatus("receive", error);
  if (got == 0) return Cancelled("the server closed the connection");
  return Status::Ok();
}

Result<std::string_view> Connection::Line() {
  while (true) {
    const size_t end = buffer_.find("\r\n", used_);
    if (end != std::string::npos) {
      const std::string_view line = std::string_view(buffer_).substr(used_, end - used_);
      used_ = end + 2;
      return line;
    }
    if (buffer_.size() - used_ > kReadSize) return Invalid("the server sent a line without an end");
    HILUM_RETURN_IF_ERROR(Fill());
  }
}

void Connection::Keep(std::string_view body, Response* response) {
  response->bytes += body.size();
  response->beginning.append(body.substr(0, kKeptBytes - std::min(kKeptBytes, response->beginning.size())));
}

Status Connection::Discard(uint64_t bytes, Response* response) {
  while (bytes > 0) {
    if (used_ == buffer_.size()) {
      if (bytes > kReadSize && response->beginning.size() >= kKeptBytes) {
        // TCP drops the bytes in the kernel: a client that copied them would compete with the server for memory.
        const ssize_t dropped = recv(socket_, nullptr, std::min<uint64_t>(bytes, 1 << 20), MSG_TRUNC);
        if (dropped < 0 && errno == EINTR) continue;
        if (dropped < 0) return ErrnoStatus("receive", errno);
        if (dropped == 0) return Cancelled("the server closed the connection inside a body");
        response->bytes += static_cast<uint64_t>(dropped);
        bytes -= static_cast<uint64_t>(dropped);
        continue;
      }
      HILUM_RETURN_IF_ERROR(Fill());
    }
    const std::string_view part = std::string_view(buffer_).substr(used_, bytes);
    Keep(part, response);
    used_ += part.size();
    bytes -= part.size();
  }
  return Status::Ok();
}

Status Connection::ReceiveChunks(Response* response) {
  while (true) {
    const auto line = Line();
    if (!line.ok()) return line.status();
    uint64_t size = 0;
    const auto [end, error] = std::from_chars(line->data(), line->data() + line->size(), size, 16);
    if (error != std::errc()) return Invalid("the server sent a bad chunk size");
    if (size == 0) break;
    HILUM_RETURN_IF_ERROR(Discard(size, response));
    const auto after = Line();
    if (!after.ok()) return after.status();
  }
  while (true) {  // trailer fields
    const auto line = Line();
    if (!line.ok()) return line.status();
    if (line->empty()) return Status::Ok();
  }
}

Result<Response> Connection::Receive() {
  Response response;
  HILUM_ASSIGN_OR_RETURN(const std::string_view status_line, Line());
  if (status_line.size() < 12 || !status_line.starts_with("HTTP/1."))
    return Invalid("the server does not speak HTTP/1.1");
  std::from_chars(status_line.data() + 9, status_line.data() + 12, response.status);
  std::optional<uint64_t> length;
  bool chunked = false, closes = status_line.starts_with("HTTP/1.0");
  while (true) {
    HILUM_ASSIGN_OR_RETURN(const std::string_view line, Line());
    if (line.empty()) break;
    const size_t colon = std::min(line.find(':'), line.size());
    const std::string_view name = line.substr(0, colon);
    std::string_view value = line.substr(std::min(colon + 1, line.size()));
    value.remove_prefix(std::min(value.find_first_not_of(' '), value.size()));
    if (EqualsIgnoringCase(name, "Content-Length")) {
      uint64_t bytes = 0;
      std::from_chars(value.data(), value.data() + value.size(), bytes);
      length = bytes;
    }
    if (EqualsIgnoringCase(name, "Transfer-Encoding")) chunked = EqualsIgnoringCase(value, "chunked");
    if (EqualsIgnoringCase(name, "Connection")) closes = EqualsIgnoringCase(value, "close");
  }
  if (response.status == 100) return Receive();
  if (chunked) {
    HILUM_RETURN_IF_ERROR(ReceiveChunks(&response));
  } else if (length.has_value()) {
    HILUM_RETURN_IF_ERROR(Discard(*length, &response));
  } else if (response.status != 204 && response.status != 304) {
    return Invalid("the server sent a body without a length");
  }
  if (closes) Close();
  return response;
}

}  // namespace hilum::load
