#include "tests/server/http/test_server.h"

#include <dirent.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <thread>
#include <vector>

#include "tests/server/http/client.h"

namespace hilum::http {
namespace {

void Hello(Request&, Responder& out) {
  out.Send(200, {{"Content-Type", "text/plain"}}, "hello").IgnoreError();  // the client may have left
}

void Echo(Request& request, Responder& out) {
  Headers headers;
  if (const auto type = request.headers.First("Content-Type")) headers.Add("Content-Type", std::string(*type));
  if (!out.Head(200, headers, std::nullopt).ok()) return;
  std::vector<char> block(256 * 1024);
  for (;;) {
    const Result<size_t> got = request.body->Read(block);
    if (!got.ok()) return;
    if (*got == 0) break;
    if (!out.Write(Bytes(block.data(), *got)).ok()) return;
  }
  out.Finish().IgnoreError();  // the client sees whether it worked
}

void Mirror(Request& request, Responder& out) {
  std::string text = request.method + "\n" + request.target + "\n" + request.path + "\n" + request.query + "\n";
  for (const auto& [name, value] : request.headers.fields()) text += name + "=" + value + "\n";
  const auto body = ReadAll(*request.body);
  text += body.value_or("(broken body)");
  out.Send(body ? 200 : 400, {{"Content-Type", "application/octet-stream"}}, text).IgnoreError();  // as above
}

}  // namespace

TestServer::TestServer() {
  Add("/inline", Hello, 0, true);
  Add("/hello", Hello);
  Add("/echo", Echo, UINT64_MAX);
  Add("/mirror", Mirror);
}

TestServer::~TestServer() {
  if (server_) server_->Stop(std::chrono::milliseconds(0));
}

void TestServer::Add(const std::string& path, Handler handler, uint64_t max_body_bytes, bool inline_handler) {
  routes_[path] = Route{max_body_bytes, inline_handler, std::move(handler)};
}

void TestServer::Start(ServerOptions options) {
  const auto find = [this](std::string_view, std::string_view path) -> const Route* {
    const auto found = routes_.find(path);
    return found == routes_.end() ? nullptr : &found->second;
  };
  auto started = Server::Start(std::move(options), find, clock_, random_, metrics_, Logger());
  ASSERT_TRUE(started.ok()) << started.status().message();
  server_ = std::move(started).value();
}

uint64_t TestServer::Metric(const std::string& series) const {
  const std::string text = "\n" + metrics_.Expose();
  const size_t at = text.find("\n" + series + " ");
  return at == std::string::npos ? 0 : std::stoull(text.substr(at + series.size() + 2));
}

uint64_t ResidentBytes() {
  std::ifstream statm("/proc/self/statm");
  uint64_t total = 0, resident = 0;
  statm >> total >> resident;
  return resident * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

size_t OpenDescriptors() {
  DIR* folder = opendir("/proc/self/fd");
  size_t count = 0;
  while (readdir(folder) != nullptr) ++count;
  closedir(folder);
  return count;
}

bool AnswersInTheEnd(uint16_t port) {
  return Eventually([&] {
    Client client(port);
    client.Send(Get("/hello"));
    const auto reply = client.Read();
    return reply && reply->status == 200;
  });
}

bool LongTests() {
  const char* value = std::getenv("HILUM_LONG_TESTS");
  return value != nullptr && std::string_view(value) == "1";
}

std::optional<std::string> ReadAll(BodyReader& body) {
  std::string text;
  std::vector<char> block(64 * 1024);
  for (;;) {
    const Result<size_t> got = body.Read(block);
    if (!got.ok()) return std::nullopt;
    if (*got == 0) return text;
    text.append(block.data(), *got);
  }
}

}  // namespace hilum::http
