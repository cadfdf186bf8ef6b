// A small HTTP/1.1 client with a blocking socket, for load tests: cheap on CPU, so that a run measures the server. One
// connection is used by one thread.
#pragma once

#include <sys/uio.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace hilum::load {

struct Url {
  std::string host;
  std::string port = "80";
  std::string path = "/";
};
// "http://host[:port][/path]"
Result<Url> ParseUrl(std::string_view text);

struct Response {
  int status = 0;
  uint64_t bytes = 0;     // of the body, chunk framing removed
  std::string beginning;  // of the body, at most 2 kB: for messages
};

class Connection {
 public:
  // Connects at the first use and again after the server closed.
  explicit Connection(Url server) : server_(std::move(server)) {}
  ~Connection() { Close(); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  const Url& server() const { return server_; }
  bool connected() const { return socket_ >= 0; }
  Status Connect();
  void Close();

  // Sends all of the pieces; the array is used up.
  Status Send(std::vector<iovec>* pieces);
  // Reads a whole answer to a request that was not HEAD.
  Result<Response> Receive();

 private:
  Status Fill();  // reads more bytes behind those not yet used
  Result<std::string_view> Line();
  Status Discard(uint64_t bytes, Response* response);
  Status ReceiveChunks(Response* response);
  void Keep(std::string_view body, Response* response);

  const Url server_;
  int socket_ = -1;
  std::string buffer_;
  size_t used_ = 0;  // bytes of buffer_ that are consumed
};

}  // namespace hilum::load
