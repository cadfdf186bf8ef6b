// Plain exchanges: methods, targets, bodies, connections that stay or end.
#include "server/http/server.h"

#include <gtest/gtest.h>

#include <thread>

#include "tests/server/http/client.h"
#include "tests/server/http/test_server.h"

namespace hilum::http {
namespace {

using std::chrono::milliseconds;

class ServerTest : public testing::Test {
 protected:
  void SetUp() override { server_.Start(); }

  Reply Exchange(const std::string& request) {
    Client client(server_.port());
    EXPECT_TRUE(client.Send(request));
    const auto reply = client.Read();
    EXPECT_TRUE(reply);
    return reply.value_or(Reply());
  }

  TestServer server_;
};

TEST_F(ServerTest, AnswersFromTheLoopAndFromWorkersOnOneConnection) {
  Client client(server_.port());
  for (const char* path : {"/inline", "/hello", "/inline", "/hello", "/hello"}) {
    ASSERT_TRUE(client.Send(Get(path)));
    const auto reply = client.Read();
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->status, 200);
    EXPECT_EQ(reply->body, "hello");
    EXPECT_EQ(reply->headers.First("Content-Length"), "5");
    EXPECT_EQ(reply->headers.First("X-Content-Type-Options"), "nosniff");
    EXPECT_TRUE(reply->headers.First("Date"));
    EXPECT_FALSE(reply->headers.First("Connection"));
  }
}

TEST_F(ServerTest, KeepsTheConnectionAsTheVersionAndTheClientSay) {
  const struct {
    const char* version;
    const char* connection;
    bool stays;
  } cases[] = {{"1.1", "", true},
               {"1.1", "Connection: close\r\n", false},
               {"1.1", "Connection: foo, Close\r\n", false},
               {"1.1", "Connection: keep-alive\r\n", true},
               {"1.0", "", false},
               {"1.0", "Connection: Keep-Alive\r\n", true},
               {"1.0", "Connection: close\r\n", false}};
  for (const auto& c : cases) {
    SCOPED_TRACE(std::string(c.version) + " " + c.connection);
    for (const std::string path : {"/hello", "/inline"}) {
      Client client(server_.port());
      client.Send("GET " + path + " HTTP/" + c.version + "\r\nHost: x\r\n" + c.connection + "\r\n");
      const auto reply = client.Read();
      ASSERT_TRUE(reply);
      EXPECT_EQ(reply->body, "hello");
      if (c.stays) {
        client.Send(Get(path));
        EXPECT_TRUE(client.Read());
      } else {
        EXPECT_EQ(reply->headers.First("Connection"), "close");
        EXPECT_TRUE(client.ClosedWithin(milliseconds(1000)));
      }
    }
  }
}

TEST_F(ServerTest, TellsAnOldClientThatTheConnectionStays) {
  const Reply reply = Exchange("GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_EQ(reply.headers.First("Connection"), "keep-alive");
}

TEST_F(ServerTest, ItsUrlsAreWhereAnOldClientFoundIt) {
  server_.Add("/base", [](Request& request, Responder& out) { out.Send(200, {}, request.base_url).IgnoreError(); });
  EXPECT_EQ(Exchange("GET /base HTTP/1.0\r\n\r\n").body, "http://127.0.0.1:" + std::to_string(server_.port()));
  EXPECT_EQ(Exchange("GET /base HTTP/1.0\r\nHost: pacs.test\r\n\r\n").body, "http://pacs.test");
  const std::string port = ":" + std::to_string(server_.port());
  for (const std::string own : {"127.0.0.1", "localhost"})
    EXPECT_EQ(Exchange("GET /base HTTP/1.1\r\nHost: " + own + "\r\n\r\n").body, "http://" + own + port)
        << "dicomweb-client for Python leaves out the port";
  EXPECT_EQ(Exchange("GET /base HTTP/1.1\r\nHost: 127.0.0.1:80\r\n\r\n").body, "http://127.0.0.1:80");
  EXPECT_EQ(Exchange("GET //base HTTP/1.1\r\nHost: pacs.test\r\n\r\n").body, "http://pacs.test") << "slashes merge";
}

TEST_F(ServerTest, EndsAStreamForAnOldClientByClosing) {
  Client client(server_.port());
  client.Send("POST /echo HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: 3\r\n\r\nabc");
  const auto reply = client.Read();
  ASSERT_TRUE(reply);
  EXPECT_FALSE(reply->headers.First("Transfer-Encoding"));
  EXPECT_EQ(reply->headers.First("Connection"), "close");
  EXPECT_EQ(reply->body, "abc");
}

TEST_F(ServerTest, AnswersPipelinedRequestsInOrder) {
  Client client(server_.port());
  std::string requests;
  for (int i = 0; i < 200; ++i) {
    requests += i % 3 == 0 ? Get("/inline") : WithBody("POST", "/mirror", "body" + std::to_string(i));
  }
  std::thread sender([&] { EXPECT_TRUE(client.Send(requests)); });
  for (int i = 0; i < 200; ++i) {
    const auto reply = client.Read();
    ASSERT_TRUE(reply) << i;
    EXPECT_TRUE(reply->body.ends_with(i % 3 == 0 ? "hello" : "body" + std::to_string(i))) << i;
  }
  sender.join();
}

TEST_F(ServerTest, SendsNoBodyToHead) {
  Client client(server_.port());
  for (const std::string path : {"/hello", "/inline", "/echo"}) {
    client.Send("HEAD " + path + " HTTP/1.1\r\nHost: x\r\n\r\n");
    const auto reply = client.Read(true);
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->status, 200);
    EXPECT_EQ(reply->headers.First("Content-Length").has_value(), path != "/echo");
  }
  // Nothing of a body is left in front of the next answer.
  client.Send(Get("/hello"));
  EXPECT_EQ(client.Read()->body, "hello");
}

TEST_F(ServerTest, TakesAnyMethodAndContentType) {
  for (const std::string method : {"GET", "OPTIONS", "PATCH", "DELETE", "PROPFIND", "X-ODD!", "get"}) {
    const Reply reply = Exchange(WithBody(method, "/mirror", "[]", "Content-Type: application/json-patch+json\r\n"));
    EXPECT_EQ(reply.status, 200) << method;
    EXPECT_TRUE(reply.body.starts_with(method + "\n/mirror\n")) << reply.body;
    EXPECT_NE(reply.body.find("Content-Type=application/json-patch+json\n"), std::string::npos);
    EXPECT_TRUE(reply.body.ends_with("[]"));
  }
  const char* types[] = {"multipart/related; type=\"application/dicom\"; boundary=\"a b=c\"",
                         "application/x;q",
                         "font/woff2",
                         "x-application/foo",
                         "nonsense",
                         "a/b;;"};
  for (const char* type : types) {
    const Reply reply = Exchange(WithBody("POST", "/mirror", "x", std::string("Content-Type: ") + type + "\r\n"));
    EXPECT_EQ(reply.status, 200) << type;
    EXPECT_NE(reply.body.find(std::string("Content-Type=") + type + "\n"), std::string::npos) << reply.body;
  }
}

TEST_F(ServerTest, LetsHarmlessOddHeaderFieldsThrough) {
  const Reply reply =
      Exchange(Get("/mirror",
                   "Date: nonsense\r\nIf-Modified-Since: never\r\nCookie: =;=\r\nCache-Control: max-age=x\r\n"
                   "Accept: */*;q=7\r\nEmpty:\r\nUtf8: \xC3\xA9\r\n"));
  EXPECT_EQ(reply.status, 200);
  EXPECT_NE(reply.body.find("Empty=\nUtf8=\xC3\xA9\n"), std::string::npos);
}

TEST_F(ServerTest, KeepsRepeatedFieldsAndParametersInOrder) {
  const Reply reply =
      Exchange(Get("/mirror?date=ge2010&date=lt2011&a=1|2,3:x$y&date=", "Via: a\r\nX: 1\r\nvia: b\r\nVia: c\r\n"));
  EXPECT_NE(reply.body.find("\ndate=ge2010&date=lt2011&a=1|2,3:x$y&date=\n"), std::string::npos) << reply.body;
  EXPECT_NE(reply.body.find("Via=a\nX=1\nvia=b\nVia=c\n"), std::string::npos) << reply.body;
}

TEST_F(ServerTest, UnderstandsTheFormsOfATarget) {
  EXPECT_TRUE(Exchange("GET http://example.org:80/mirror?x=1 HTTP/1.1\r\nHost: other\r\n\r\n")
                  .body.starts_with("GET\n/mirror?x=1\n/mirror\nx=1\nHost=example.org:80\n"));
  const Reply whole_server = Exchange("OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(whole_server.status, 204);
  EXPECT_TRUE(whole_server.headers.First("Allow"));
  EXPECT_EQ(Exchange("GET * HTTP/1.1\r\nHost: x\r\n\r\n").status, 400);
  EXPECT_EQ(Exchange("CONNECT example.org:443 HTTP/1.1\r\nHost: x\r\n\r\n").status, 400);
  EXPECT_EQ(Exchange("GET mirror HTTP/1.1\r\nHost: x\r\n\r\n").status, 400);
}

TEST_F(ServerTest, NamesTheRequestInTheAnswer) {
  EXPECT_EQ(Exchange(Get("/hello", "X-Request-Id: abc-1.2_3\r\n")).headers.First("X-Request-Id"), "abc-1.2_3");
  const Reply made_up = Exchange(Get("/hello", "X-Request-Id: a<script>\r\n"));
  ASSERT_TRUE(made_up.headers.First("X-Request-Id"));
  EXPECT_EQ(made_up.headers.First("X-Request-Id")->find('<'), std::string_view::npos);
  const Reply missing = Exchange(Get("/nowhere", "X-Request-Id: me\r\n"));
  EXPECT_EQ(missing.status, 404);
  EXPECT_EQ(missing.body, "{\"error\":\"nothing is served at this path\",\"request\":\"me\"}\n");
}

TEST_F(ServerTest, EchoesChunkedBodiesOfAnySize) {
  Client client(server_.port());
  for (const size_t size : {size_t{0}, size_t{1}, size_t{5000}, size_t{3'000'000}}) {
    std::string body(size, 'x');
    for (size_t i = 0; i < size; ++i) body[i] = static_cast<char>('a' + i * 7 % 26);
    std::string request = "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: Chunked\r\n\r\n";
    for (size_t at = 0; at < size; at += 70'001) {
      const std::string piece = body.substr(at, 70'001);
      char head[32];
      std::snprintf(head, sizeof(head), "%zX;ext=\"v\"\r\n", piece.size());
      request += head + piece + "\r\n";
    }
    request += "0\r\nTrailer: dropped\r\n\r\n";
    std::thread sender([&] { EXPECT_TRUE(client.Send(request)); });
    const auto reply = client.Read();
    sender.join();
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->headers.First("Transfer-Encoding"), "chunked");
    EXPECT_TRUE(reply->body == body) << size;
  }
}

TEST_F(ServerTest, SendsContinueOnlyWhenTheHandlerReads) {
  Client client(server_.port());
  const std::string lines = "Host: x\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n";
  client.Send("POST /mirror HTTP/1.1\r\n" + lines);
  const auto go_on = client.Read();
  ASSERT_TRUE(go_on);
  EXPECT_EQ(go_on->status, 100);
  client.Send("data");
  EXPECT_TRUE(client.Read()->body.ends_with("data"));

  // A handler that does not read answers at once, and the connection ends: whether the body follows is unknown.
  client.Send("POST /hello HTTP/1.1\r\n" + lines);
  const auto reply = client.Read();
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->status, 200);
  EXPECT_EQ(reply->headers.First("Connection"), "close");
}

TEST_F(ServerTest, SendsNoContinueWhenTheBodyIsThereAlready) {
  Client client(server_.port());
  client.Send(WithBody("POST", "/mirror", "data", "Expect: 100-continue\r\n"));
  EXPECT_EQ(client.Read()->status, 200);
}

TEST_F(ServerTest, HearsTheClientAfterARequestThatCameRightBehindALongBody) {
  // given an exchange with a body that ends a little after its answer
  TestServer server;
  server.Add("/slow", [](Request& request, Responder& responder) {
    ReadAll(*request.body);
    responder.Send(200, {}, "stored").IgnoreError();
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
  });
  server.Start();
  Client client(server.port());
  client.Send(WithBody("POST", "/slow", std::string(1 << 20, 'x')));
  ASSERT_EQ(client.Read()->body, "stored");
  // when the next request is there before the connection is listened to again
  client.Send(Get("/hello"));
  ASSERT_EQ(client.Read()->body, "hello");
  // then the one after that is answered too
  client.Send(Get("/hello"));
  const auto reply = client.Read();
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->body, "hello");
}

TEST_F(ServerTest, ListensOnAnIpv6Address) {
  TestServer server;
  ServerOptions options;
  options.address = "::1";
  server.Start(options);
  Client client(server.port(), "::1");
  if (!client.connected()) GTEST_SKIP() << "this machine has no IPv6 loopback";
  client.Send(Get("/hello"));
  EXPECT_EQ(client.Read()->body, "hello");
}

TEST_F(ServerTest, SaysWhyItCannotListen) {
  SystemClock clock;
  SystemRandom random;
  Registry metrics;
  const auto routes = [](std::string_view, std::string_view) -> const Route* { return nullptr; };
  ServerOptions taken;
  taken.port = server_.port();
  const auto in_use = Server::Start(taken, routes, clock, random, metrics, Logger());
  ASSERT_FALSE(in_use.ok());
  EXPECT_EQ(in_use.status().code(), Code::kIo);
  EXPECT_NE(in_use.status().message().find(std::to_string(taken.port)), std::string::npos);
  ServerOptions named;
  named.address = "example.org";
  const auto by_name = Server::Start(named, routes, clock, random, metrics, Logger());
  EXPECT_EQ(by_name.status().code(), Code::kInvalid);
}

}  // namespace
}  // namespace hilum::http
