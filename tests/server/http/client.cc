#include "tests/server/http/client.h"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

namespace hilum::http {
namespace {

constexpr std::chrono::seconds kPatience{10};

}  // namespace

Client::Client(uint16_t port, const std::string& address) {
  const bool v6 = address.find(':') != std::string::npos;
  sockaddr_in v4_address{};
  v4_address.sin_family = AF_INET;
  v4_address.sin_port = htons(port);
  sockaddr_in6 v6_address{};
  v6_address.sin6_family = AF_INET6;
  v6_address.sin6_port = htons(port);
  inet_pton(AF_INET, address.c_str(), &v4_address.sin_addr);
  inet_pton(AF_INET6, address.c_str(), &v6_address.sin6_addr);
  descriptor_ = socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const auto* to = v6 ? reinterpret_cast<const sockaddr*>(&v6_address) : reinterpret_cast<const sockaddr*>(&v4_address);
  if (connect(descriptor_, to, v6 ? sizeof(v6_address) : sizeof(v4_address)) != 0) Close();
}

Client::~Client() {
  Close();
}

void Client::Close() {
  if (ssl_ != nullptr) SSL_free(ssl_);
  ssl_ = nullptr;
  if (descriptor_ >= 0) close(descriptor_);
  descriptor_ = -1;
}

void Client::Abort() {
  const linger abort{1, 0};
  setsockopt(descriptor_, SOL_SOCKET, SO_LINGER, &abort, sizeof(abort));
  Close();
}

void Client::FinishSending() {
  shutdown(descriptor_, SHUT_WR);
}

void Client::SetReceiveBuffer(int bytes) {
  setsockopt(descriptor_, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
}

bool Client::StartTls(SSL_CTX* context, const std::string& server_name) {
  ssl_ = SSL_new(context);
  if (!server_name.empty()) SSL_set_tlsext_host_name(ssl_, server_name.c_str());
  SSL_set_fd(ssl_, descriptor_);
  const timeval limit{10, 0};
  setsockopt(descriptor_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
  return SSL_connect(ssl_) == 1;
}

bool Client::Send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t put = ssl_ != nullptr
                            ? SSL_write(ssl_, bytes.data(), static_cast<int>(std::min<size_t>(bytes.size(), 1 << 20)))
                            : send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (put <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(put));
  }
  return true;
}

bool Client::Fill(std::chrono::milliseconds limit) {
  if (ended_ || descriptor_ < 0) return false;
  pollfd entry{descriptor_, POLLIN, 0};
  if ((ssl_ == nullptr || SSL_pending(ssl_) == 0) && poll(&entry, 1, static_cast<int>(limit.count())) <= 0)
    return false;
  char block[256 * 1024];
  const ssize_t got =
      ssl_ != nullptr ? SSL_read(ssl_, block, sizeof(block)) : recv(descriptor_, block, sizeof(block), 0);
  if (got <= 0) {
    ended_ = true;
    return false;
  }
  buffer_.append(block, static_cast<size_t>(got));
  return true;
}

bool Client::FillTo(size_t bytes) {
  while (buffer_.size() < bytes) {
    if (!Fill(kPatience)) return false;
  }
  return true;
}

std::optional<std::string> Client::ReadLine() {
  size_t end;
  while ((end = buffer_.find("\r\n")) == std::string::npos) {
    if (!Fill(kPatience)) return std::nullopt;
  }
  std::string line = buffer_.substr(0, end);
  buffer_.erase(0, end + 2);
  return line;
}

bool Client::ReadChunks(std::string* body) {
  for (;;) {
    const auto size_line = ReadLine();
    if (!size_line) return false;
    const size_t size = std::stoul(*size_line, nullptr, 16);
    if (!FillTo(size + 2)) return false;
    body->append(buffer_, 0, size);
    if (buffer_.compare(size, 2, "\r\n") != 0) return false;
    buffer_.erase(0, size + 2);
    if (size == 0) return true;
  }
}

std::optional<Reply> Client::Read(bool to_head) {
  const auto status_line = ReadLine();
  if (!status_line || status_line->size() < 12) return std::nullopt;
  Reply reply;
  reply.status = std::stoi(status_line->substr(9, 3));
  for (;;) {
    const auto line = ReadLine();
    if (!line) return std::nullopt;
    if (line->empty()) break;
    const size_t colon = line->find(':');
    reply.headers.Add(line->substr(0, colon), line->substr(colon + 1));
  }
  if (to_head || reply.status < 200 || reply.status == 204 || reply.status == 304) {
    reply.complete = true;
  } else if (reply.headers.Joined("Transfer-Encoding") == "chunked") {
    reply.complete = ReadChunks(&reply.body);
  } else if (const auto length = reply.headers.First("Content-Length")) {
    const size_t size = std::stoul(std::string(*length));
    reply.complete = FillTo(size);
    reply.body = buffer_.substr(0, size);
    buffer_.erase(0, size);
  } else {
    while (Fill(kPatience)) {
    }
    reply.complete = ended_;
    reply.body.swap(buffer_);
  }
  return reply;
}

uint64_t Client::Discard(uint64_t bytes) {
  uint64_t dropped = std::min<uint64_t>(bytes, buffer_.size());
  buffer_.erase(0, dropped);
  while (dropped < bytes && Fill(kPatience)) {
    const uint64_t now = std::min<uint64_t>(bytes - dropped, buffer_.size());
    buffer_.erase(0, now);
    dropped += now;
  }
  return dropped;
}

std::optional<std::string> Client::ReadToEnd(std::chrono::milliseconds limit) {
  const auto end = std::chrono::steady_clock::now() + limit;
  while (Fill(std::chrono::duration_cast<std::chrono::milliseconds>(end - std::chrono::steady_clock::now()))) {
    if (std::chrono::steady_clock::now() > end) return std::nullopt;
  }
  if (!ended_) return std::nullopt;
  return std::exchange(buffer_, {});
}

bool Client::ClosedWithin(std::chrono::milliseconds limit) {
  return buffer_.empty() && !Fill(limit) && ended_;
}

std::string Get(std::string_view path, std::string_view lines) {
  return "GET " + std::string(path) + " HTTP/1.1\r\nHost: test\r\n" + std::string(lines) + "\r\n";
}

std::string WithBody(std::string_view method, std::string_view path, std::string_view body, std::string_view lines) {
  return std::string(method) + " " + std::string(path) +
         " HTTP/1.1\r\nHost: test\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" + std::string(lines) +
         "\r\n" + std::string(body);
}

}  // namespace hilum::http
