// The DICOMweb service behind the real HTTP server on a free loopback port, over a real store.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "server/dicomweb/service.h"
#include "tests/support/http_client.h"
#include "tests/support/instances.h"

namespace hilum::testing {

class ServiceFixture : public StoreFixture {
 protected:
  void SetUp() override {
    StoreFixture::SetUp();
    Start({});
  }
  void TearDown() override { server_->Stop(std::chrono::seconds(1)); }

  void Start(dicomweb::ServiceOptions options) { Start(std::move(options), codec_); }
  void Start(dicomweb::ServiceOptions options, pixel::FrameCodec& codec) {
    if (server_) server_->Stop(std::chrono::seconds(1));  // a handler may still be at work after its last byte was read
    options.boundary_key = boundary_key_;
    service_ = std::make_unique<dicomweb::Service>(*store_, std::move(options), codec, system_clock_, random_, metrics_,
                                                   Logger());
    http::ServerOptions http;
    http.worker_threads = 8;
    http.body_timeout = body_timeout_;
    http.trusted_proxies = {"127.0.0.1"};  // a case that says Forwarded is one of a proxy
    http.error_body = [root = dicomweb::ServiceOptions().root](std::string_view method, std::string_view path,
                                                               int status, std::string_view reason) {
      return dicomweb::StoreRefusal(root, method, path, status, reason);
    };
    auto server = http::Server::Start(
        http, [this](std::string_view method, std::string_view path) { return service_->FindRoute(method, path); },
        system_clock_, random_, metrics_, Logger());
    ASSERT_TRUE(server.ok()) << server.status().ToString();
    server_ = *std::move(server);
    base_ = "http://127.0.0.1:" + std::to_string(server_->port());
  }

  HttpAnswer Get(const std::string& path, const std::vector<std::string>& headers = {}) {
    return Fetch("GET", base_ + path, headers);
  }
  HttpAnswer Post(const std::string& path, const std::string& type, const std::string& body) {
    return Fetch("POST", base_ + path, {"Content-Type: " + type}, body);
  }
  static std::string Multipart(const std::vector<std::string>& parts, const std::string& boundary = "frontier") {
    std::string body;
    for (const std::string& part : parts)
      body += "--" + boundary + "\r\nContent-Type: application/dicom\r\n\r\n" + part + "\r\n";
    return body + "--" + boundary + "--\r\n";
  }
  static constexpr const char* kMultipart = "multipart/related; type=\"application/dicom\"; boundary=frontier";

  std::chrono::milliseconds body_timeout_{30'000};
  std::string boundary_key_ = "a secret of the store that serves";
  SystemClock system_clock_;
  Registry metrics_;
  pixel::LocalCodec codec_;
  std::unique_ptr<dicomweb::Service> service_;
  std::unique_ptr<http::Server> server_;
  std::string base_;
};

}  // namespace hilum::testing
