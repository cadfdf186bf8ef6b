// A raw-socket HTTP client for the tests: sends exactly the bytes it is given and reads answers one by one.
#pragma once

#include <openssl/ssl.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "server/http/http.h"

namespace hilum::http {

struct Reply {
  int status = 0;
  Headers headers;
  std::string body;
  bool complete = false;  // the body ended as its framing says
};

class Client {
 public:
  explicit Client(uint16_t port, const std::string& address = "127.0.0.1");
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  bool connected() const { return descriptor_ >= 0; }
  int descriptor() const { return descriptor_; }
  // Speaks TLS from here on; false when the handshake fails.
  bool StartTls(SSL_CTX* context, const std::string& server_name = "");
  SSL* ssl() const { return ssl_; }

  // False when the server no longer takes it all.
  bool Send(std::string_view bytes);
  // One answer. `to_head`: it has no body, as the request was HEAD. nullopt when the server closed before or 10 s
  // passed.
  std::optional<Reply> Read(bool to_head = false);
  // Reads and drops `bytes` bytes; how many came.
  uint64_t Discard(uint64_t bytes);
  // What is already read or comes until the server closes; nullopt when it does not within `limit`.
  std::optional<std::string> ReadToEnd(std::chrono::milliseconds limit = std::chrono::seconds(10));
  // Whether the server closes within `limit` without sending anything more.
  bool ClosedWithin(std::chrono::milliseconds limit);
  // Ends with a TCP reset.
  void Abort();
  void FinishSending();
  void Close();
  // The size of the socket's receive buffer, so that a slow reader is slow.
  void SetReceiveBuffer(int bytes);

 private:
  bool Fill(std::chrono::milliseconds limit);
  bool FillTo(size_t bytes);
  std::optional<std::string> ReadLine();
  bool ReadChunks(std::string* body);

  int descriptor_ = -1;
  SSL* ssl_ = nullptr;
  std::string buffer_;
  bool ended_ = false;
};

// "GET path HTTP/1.1" with Host and the given further lines ("Name: value\r\n").
std::string Get(std::string_view path, std::string_view lines = "");
// The same with another method and a body with its length.
std::string WithBody(std::string_view method, std::string_view path, std::string_view body,
                     std::string_view lines = "");

}  // namespace hilum::http
