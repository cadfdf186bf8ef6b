// What the server adds to answers by itself: cross-origin permission, compression, metrics.
#include <gtest/gtest.h>
#include <libdeflate.h>
#include <zstd.h>

#include "tests/server/http/client.h"
#include "tests/server/http/test_server.h"

namespace hilum::http {
namespace {

Reply Exchange(TestServer& server, const std::string& request, bool to_head = false) {
  Client client(server.port());
  EXPECT_TRUE(client.Send(request));
  return client.Read(to_head).value_or(Reply());
}

std::string Unpack(const Reply& reply) {
  std::string plain(1'000'000, '\0');
  size_t size = 0;
  if (reply.headers.First("Content-Encoding") == "zstd") {
    size = ZSTD_decompress(plain.data(), plain.size(), reply.body.data(), reply.body.size());
    EXPECT_FALSE(ZSTD_isError(size));
  } else if (reply.headers.First("Content-Encoding") == "gzip") {
    libdeflate_decompressor* unpacker = libdeflate_alloc_decompressor();
    EXPECT_EQ(
        libdeflate_gzip_decompress(unpacker, reply.body.data(), reply.body.size(), plain.data(), plain.size(), &size),
        LIBDEFLATE_SUCCESS);
    libdeflate_free_decompressor(unpacker);
  } else {
    return reply.body;
  }
  plain.resize(size);
  return plain;
}

TEST(CorsTest, AnswersPreflightsForAllowedOriginsOnly) {
  TestServer server;
  ServerOptions options;
  options.cors_origins = {"https://viewer.test"};
  server.Start(options);
  const std::string ask =
      "Access-Control-Request-Method: PUT\r\nAccess-Control-Request-Headers: content-type, x-odd\r\n\r\n";
  const Reply yes = Exchange(server, "OPTIONS /anything HTTP/1.1\r\nHost: x\r\nOrigin: https://viewer.test\r\n" + ask);
  EXPECT_EQ(yes.status, 204);
  EXPECT_EQ(yes.headers.First("Access-Control-Allow-Origin"), "https://viewer.test");
  EXPECT_EQ(yes.headers.First("Access-Control-Allow-Methods"), "PUT");
  EXPECT_EQ(yes.headers.First("Access-Control-Allow-Headers"), "content-type, x-odd");
  EXPECT_EQ(yes.headers.First("Vary"), "Origin");
  const Reply no = Exchange(server, "OPTIONS /anything HTTP/1.1\r\nHost: x\r\nOrigin: https://evil.test\r\n" + ask);
  EXPECT_FALSE(no.headers.First("Access-Control-Allow-Origin"));
  EXPECT_FALSE(no.headers.First("Access-Control-Allow-Methods"));
}

TEST(CorsTest, ExposesFieldsToAllowedOrigins) {
  TestServer server;
  ServerOptions options;
  options.cors_origins = {"https://viewer.test", "https://other.test"};
  server.Start(options);
  for (const std::string path : {"/hello", "/inline", "/nowhere"}) {
    const Reply reply = Exchange(server, Get(path, "Origin: https://other.test\r\n"));
    EXPECT_EQ(reply.headers.First("Access-Control-Allow-Origin"), "https://other.test");
    EXPECT_EQ(reply.headers.First("Vary"), "Origin");
    for (const char* name :
         {"Content-Range", "ETag", "Location", "Warning", "X-Total-Count", "X-Request-Id", "Content-Location",
          "Content-Disposition", "Retry-After", "X-Progress", "erroneous-dicom-attributes"}) {
      EXPECT_NE(reply.headers.Joined("Access-Control-Expose-Headers").find(name), std::string::npos) << name;
    }
  }
  EXPECT_FALSE(
      Exchange(server, Get("/hello", "Origin: https://evil.test\r\n")).headers.First("Access-Control-Allow-Origin"));
  EXPECT_EQ(Exchange(server, Get("/hello")).headers.First("Vary"), "Origin");
}

TEST(CorsTest, AllowsAnyOriginWithAStarAndNoneByDefault) {
  TestServer open;
  ServerOptions options;
  options.cors_origins = {"*"};
  open.Start(options);
  EXPECT_EQ(Exchange(open, Get("/hello", "Origin: https://a.test\r\n")).headers.First("Access-Control-Allow-Origin"),
            "*");
  TestServer closed;
  closed.Start();
  EXPECT_FALSE(
      Exchange(closed, Get("/hello", "Origin: https://a.test\r\n")).headers.First("Access-Control-Allow-Origin"));
  const Reply options_reply = Exchange(
      closed,
      "OPTIONS /mirror HTTP/1.1\r\nHost: x\r\nOrigin: https://a.test\r\nAccess-Control-Request-Method: PUT\r\n\r\n");
  EXPECT_TRUE(options_reply.body.starts_with("OPTIONS\n"));
}

class CompressedAnswersTest : public testing::Test {
 protected:
  void SetUp() override {
    for (int i = 0; i < 2000; ++i) text_ += "{\"value\": " + std::to_string(i) + "},";
    Serve("/json", {{"Content-Type", "application/fhir+json; charset=utf-8"}, {"ETag", "\"v1\""}}, text_);
    Serve("/weak", {{"Content-Type", "text/html"}, {"ETag", "W/\"v1\""}}, text_);
    Serve("/dicom", {{"Content-Type", "application/dicom"}}, text_);
    Serve("/short", {{"Content-Type", "application/json"}}, "{}");
    Serve("/packed", {{"Content-Type", "application/json"}, {"Content-Encoding", "br"}}, text_);
    server_.Add("/tags", [](Request& request, Responder& out) {
      out.Send(200, {}, request.headers.Joined("If-None-Match") + " " + request.headers.Joined("If-Match"))
          .IgnoreError();
    });
    server_.Start();
  }
  void Serve(const std::string& path, Headers headers, std::string body) {
    server_.Add(path, [=](Request&, Responder& out) { EXPECT_TRUE(out.Send(200, headers, body).ok()); });
  }
  std::string text_;
  TestServer server_;
};

TEST_F(CompressedAnswersTest, CodesTextAsTheClientLikesIt) {
  const struct {
    const char* accept;
    const char* coding;
    const char* tag;
  } cases[] = {{"gzip", "gzip", "\"v1-gzip\""},
               {"gzip;q=0.5, zstd", "zstd", "\"v1-zstd\""},
               {"gzip, br", "gzip", "\"v1-gzip\""}};
  for (const auto& c : cases) {
    const Reply reply = Exchange(server_, Get("/json", std::string("Accept-Encoding: ") + c.accept + "\r\n"));
    EXPECT_EQ(reply.headers.First("Content-Encoding"), c.coding);
    EXPECT_EQ(reply.headers.First("ETag"), c.tag);
    EXPECT_EQ(reply.headers.First("Vary"), "Accept-Encoding");
    EXPECT_LT(reply.body.size(), text_.size() / 3);
    EXPECT_TRUE(Unpack(reply) == text_);
  }
}

TEST_F(CompressedAnswersTest, LeavesAloneWhatMustNotOrNeedNotShrink) {
  const Reply plain = Exchange(server_, Get("/json"));
  EXPECT_TRUE(plain.body == text_);
  EXPECT_EQ(plain.headers.First("ETag"), "\"v1\"");
  EXPECT_EQ(plain.headers.First("Vary"), "Accept-Encoding");
  for (const char* path : {"/dicom", "/short"}) {
    EXPECT_FALSE(Exchange(server_, Get(path, "Accept-Encoding: gzip, zstd\r\n")).headers.First("Content-Encoding"))
        << path;
  }
  const Reply packed = Exchange(server_, Get("/packed", "Accept-Encoding: gzip\r\n"));
  EXPECT_EQ(packed.headers.First("Content-Encoding"), "br");
  EXPECT_TRUE(packed.body == text_);
  EXPECT_EQ(Exchange(server_, Get("/weak", "Accept-Encoding: gzip\r\n")).headers.First("ETag"), "W/\"v1\"");
}

TEST_F(CompressedAnswersTest, TellsHeadWhatGetWouldGet) {
  const std::string lines = "Host: x\r\nAccept-Encoding: gzip\r\n\r\n";
  const Reply get = Exchange(server_, "GET /json HTTP/1.1\r\n" + lines);
  const Reply head = Exchange(server_, "HEAD /json HTTP/1.1\r\n" + lines, true);
  for (const char* name : {"Content-Length", "Content-Encoding", "ETag", "Vary"}) {
    EXPECT_EQ(head.headers.First(name), get.headers.First(name)) << name;
  }
}

// RFC 9110 15.4.5: the ETag and Vary of the 200 that it stands for.
TEST_F(CompressedAnswersTest, SaysInA304WhatThe200Would) {
  server_.Add("/known", [](Request&, Responder& out) {
    EXPECT_TRUE(out.Send(304, {{"ETag", "\"v1\""}, {"Vary", "Accept"}}, "").ok());
  });
  for (const std::string tag : {"\"v1\"", "\"v1-gzip\"", "\"v1-zstd\""}) {
    const Reply reply = Exchange(server_, Get("/known", "If-None-Match: \"v0-gzip\", " + tag + "\r\n"));
    EXPECT_EQ(reply.status, 304);
    EXPECT_EQ(reply.headers.First("ETag"), tag);
    EXPECT_EQ(reply.headers.Joined("Vary"), "Accept, Accept-Encoding");
  }
  EXPECT_EQ(Exchange(server_, Get("/known", "If-None-Match: *\r\n")).headers.First("ETag"), "\"v1\"");
}

TEST_F(CompressedAnswersTest, ShowsHandlersTheTagsTheyGave) {
  EXPECT_EQ(Exchange(server_,
                     Get("/tags", "If-None-Match: \"v1-gzip\"\r\nIf-None-Match: W/\"2\"\r\nIf-Match: \"x-zstd\"\r\n"))
                .body,
            "\"v1\", W/\"2\" \"x\"");
}

TEST(HttpMetricsTest, CountWhatHappens) {
  TestServer server;
  server.Start();
  {
    Client client(server.port());
    for (const char* path : {"/hello", "/inline", "/nowhere"}) {
      client.Send(Get(path));
      ASSERT_TRUE(client.Read());
    }
    EXPECT_EQ(server.Metric("hilum_http_connections"), 1u);
  }
  EXPECT_TRUE(Eventually([&] { return server.Metric("hilum_http_connections") == 0; }));
  EXPECT_EQ(server.Metric("hilum_http_requests_total{class=\"2xx\"}"), 2u);
  EXPECT_EQ(server.Metric("hilum_http_requests_total{class=\"4xx\"}"), 1u);
  EXPECT_EQ(server.Metric("hilum_http_request_seconds_count"), 3u);
  EXPECT_GT(server.Metric("hilum_http_received_bytes_total"), 100u);
  EXPECT_GT(server.Metric("hilum_http_sent_bytes_total"), 300u);
}

TEST(PathAliasTest, APathThatBeginsWithAnAliasIsTheOneItStandsFor) {
  ServerOptions options;
  options.path_aliases = {{"/v1", ""}, {"/v2", "/below"}};
  TestServer server;
  for (const char* path : {"/url", "/below/url", "/v11/url"}) {
    server.Add(path, [](Request& request, Responder& responder) {
      EXPECT_TRUE(responder.Send(200, {}, request.path + "?" + request.query).ok());
    });
  }
  server.Start(options);
  Client client(server.port());
  const auto path_of = [&](const std::string& target) {
    EXPECT_TRUE(client.Send(Get(target)));
    return client.Read().value_or(Reply()).body;
  };
  EXPECT_EQ(path_of("/v1/url?a=/v1"), "/url?a=/v1");
  EXPECT_EQ(path_of("/v2/url"), "/below/url?");
  EXPECT_EQ(path_of("/v11/url"), "/v11/url?");
}

}  // namespace
}  // namespace hilum::http
