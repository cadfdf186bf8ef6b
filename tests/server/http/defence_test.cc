// What hostile, broken, slow and too many clients must not achieve.
#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "tests/server/http/client.h"
#include "tests/server/http/test_server.h"

namespace hilum::http {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// A door that handlers wait at until the test opens it.
class Door {
 public:
  void Open() {
    const std::lock_guard lock(mu_);
    open_ = true;
    opened_.notify_all();
  }
  void Pass() {
    std::unique_lock lock(mu_);
    ++waiting_;
    opened_.wait(lock, [&] { return open_; });
  }
  int waiting() {
    const std::lock_guard lock(mu_);
    return waiting_;
  }

 private:
  std::mutex mu_;
  std::condition_variable opened_;
  bool open_ = false;
  int waiting_ = 0;
};

void SendHello(Responder& out) {
  out.Send(200, {{"Content-Type", "text/plain"}}, "hello").IgnoreError();
}

Handler WaitAt(Door& door) {
  return [&door](Request&, Responder& out) {
    door.Pass();
    SendHello(out);
  };
}

TEST(DefenceTest, RefusesSmugglingFormsAndTakesNoSecondRequestFromThem) {
  TestServer server;
  server.Start();
  const std::string second = Get("/inline");
  const std::string lines[] = {"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n",
                               "Content-Length: 3\r\nContent-Length: 3\r\n",
                               "Content-Length: +3\r\n",
                               "Content-Length : 3\r\n",
                               "Transfer-Encoding: gzip, chunked\r\n",
                               "A: b\r\n c\r\n",
                               "A: b\n"};
  for (const std::string& line : lines) {
    Client client(server.port());
    client.Send("POST /hello HTTP/1.1\r\nHost: x\r\n" + line + "\r\n" + second);
    const auto reply = client.Read();
    ASSERT_TRUE(reply) << line;
    EXPECT_GE(reply->status, 400) << line;
    EXPECT_EQ(reply->headers.First("Connection"), "close");
    EXPECT_TRUE(reply->body.starts_with("{\"error\":\"")) << reply->body;
    EXPECT_EQ(client.ReadToEnd(milliseconds(4000)).value_or("still open"), "") << line;
  }
}

TEST(DefenceTest, ParsesNoRequestOutOfABodyNobodyRead) {
  TestServer server;
  server.Add(
      "/small", [](Request&, Responder& out) { SendHello(out); }, 100);
  server.Start();
  const std::string inner = Get("/inline", "X-Request-Id: smuggled\r\n");
  // Refused for its size, unknown path, and a handler that does not look at the body: with short and long bodies, sized
  // and chunked.
  for (const std::string path : {"/small", "/nowhere", "/hello"}) {
    for (const size_t padding : {size_t{0}, size_t{200}, size_t{600'000}}) {
      for (const bool chunked : {false, true}) {
        SCOPED_TRACE(path + " " + std::to_string(padding) + (chunked ? " chunked" : ""));
        const std::string body = inner + std::string(padding, '\n') + inner;
        char size[32];
        std::snprintf(size, sizeof(size), "%zx\r\n", body.size());
        Client client(server.port());
        client.Send(chunked ? "POST " + path + " HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + size +
                                  body + "\r\n0\r\n\r\n"
                            : WithBody("POST", path, body));
        const auto reply = client.Read();
        ASSERT_TRUE(reply);
        EXPECT_NE(reply->headers.First("X-Request-Id"), "smuggled");
        client.Send(Get("/hello", "X-Request-Id: next\r\n"));
        const auto next = client.Read();
        ASSERT_EQ(next.has_value(), !reply->headers.First("Connection").has_value());
        EXPECT_EQ(next ? next->headers.First("X-Request-Id") : "next", "next");
      }
    }
  }
}

TEST(DefenceTest, TellsAnUploaderWhyItsBodyIsRefused) {
  TestServer server;
  server.Add(
      "/small", [](Request&, Responder& out) { SendHello(out); }, 100);
  server.Start();
  Client client(server.port());
  // A client that sends all before it reads.
  client.Send(WithBody("POST", "/small", std::string(20'000'000, 'x')));
  const auto reply = client.Read();
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->status, 413);
  // With Expect it is spared the sending.
  Client polite(server.port());
  polite.Send("POST /small HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 101\r\n\r\n");
  EXPECT_EQ(polite.Read()->status, 413);
}

TEST(DefenceTest, BoundsChunkedBodiesWhileTheyArrive) {
  TestServer server;
  std::atomic<int> code{-1};
  server.Add(
      "/small",
      [&](Request& request, Responder& out) {
        std::vector<char> block(64);
        for (;;) {
          const auto got = request.body->Read(block);
          if (!got.ok()) code = static_cast<int>(got.status().code());
          if (!got.ok() || *got == 0) break;
        }
        out.Send(413, {}, "").IgnoreError();
      },
      100);
  server.Start();
  Client client(server.port());
  client.Send("POST /small HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n65\r\n" + std::string(101, 'x') +
              "\r\n0\r\n\r\n");
  EXPECT_EQ(client.Read()->status, 413);
  EXPECT_EQ(code, static_cast<int>(Code::kLimit));
}

TEST(DefenceTest, UnderstandsAChunkedBodySplitAtEveryByte) {
  TestServer server;
  server.Start();
  const std::string head = "POST /mirror HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
  const std::string body = "5;a\r\nhello\r\n1\r\n!\r\n0\r\nT: u\r\n\r\n";
  const std::string request = head + body + Get("/inline");
  for (size_t split = 1; split < request.size(); ++split) {
    Client client(server.port());
    ASSERT_TRUE(client.Send(request.substr(0, split)));
    std::this_thread::sleep_for(milliseconds(1));
    ASSERT_TRUE(client.Send(request.substr(split)));
    const auto reply = client.Read();
    ASSERT_TRUE(reply) << split;
    EXPECT_TRUE(reply->body.ends_with("hello!")) << split;
    const auto next = client.Read();
    ASSERT_TRUE(next) << split;
    EXPECT_EQ(next->body, "hello") << split;
  }
}

TEST(DefenceTest, RefusesBadChunksWithoutHanging) {
  TestServer server;
  server.Start();
  for (const std::string body : {"5\nhello", "5\r\nhelloX", "zz\r\n", "FFFFFFFFFFFFFFFFF\r\n"}) {
    Client client(server.port());
    client.Send("POST /mirror HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + body + "\r\n" +
                Get("/inline"));
    EXPECT_EQ(client.Read()->status, 400) << body;
    EXPECT_EQ(client.ReadToEnd(milliseconds(4000)).value_or("still open"), "") << body;
  }
}

TEST(DefenceTest, RefusesInTheWordsOfWhoeverServesThePath) {
  TestServer server;
  server.Add(
      "/echo/little", [](Request&, Responder&) {}, /*max_body_bytes=*/4);
  ServerOptions options;
  options.max_header_bytes = 4096;
  options.error_body = [](std::string_view method, std::string_view path, int status,
                          std::string_view) -> std::optional<ErrorBody> {
    if (!path.starts_with("/echo")) return std::nullopt;
    return ErrorBody{.content_type = "text/plain", .text = std::string(method) + " ours " + std::to_string(status)};
  };
  server.Start(options);
  const struct {
    std::string request, expected;
  } cases[] = {{"GET /echo?" + std::string(10'000, 'a'), "ours 414"},
               {Get("/echo?" + std::string(3000, 'a')), "ours 414"},
               {"GET /echo HTTP/1.1\r\n\r\n", "ours 400"},
               {WithBody("POST", "/echo/little", "too long"), "POST ours 413"},
               {Get("/echo", "A: " + std::string(10'000, 'a') + "\r\n"), "ours 431"},
               {Get("/" + std::string(3000, 'a')), "request target too long"},
               {"nothing\r\n\r\n", "malformed request line"}};
  for (const auto& [request, expected] : cases) {
    Client client(server.port());
    client.Send(request);
    const auto response = client.Read();
    ASSERT_TRUE(response) << expected;
    EXPECT_NE(response->body.find(expected), std::string::npos) << response->body;
  }
}

TEST(DefenceTest, LimitsHeaderSizes) {
  TestServer server;
  ServerOptions options;
  options.max_header_bytes = 4096;
  options.max_header_fields = 10;
  server.Start(options);
  const struct {
    int status;
    std::string request;
  } cases[] = {{414, "GET /" + std::string(10'000, 'a')},
               {414, Get("/" + std::string(3000, 'a'))},
               {431, Get("/hello", "A: " + std::string(10'000, 'a') + "\r\n")},
               {431, Get("/hello", "A:\r\nB:\r\nC:\r\nD:\r\nE:\r\nF:\r\nG:\r\nH:\r\nI:\r\nJ:\r\n")},
               {417, WithBody("POST", "/hello", "x", "Expect: more\r\n")}};
  for (const auto& c : cases) {
    Client client(server.port());
    client.Send(c.request);
    const auto reply = client.Read();
    ASSERT_TRUE(reply) << c.status;
    EXPECT_EQ(reply->status, c.status);
  }
}

TEST(DefenceTest, EndsSlowAndSilentClients) {
  TestServer server;
  ServerOptions options;
  options.header_timeout = milliseconds(200);
  options.body_timeout = milliseconds(200);
  options.idle_timeout = milliseconds(400);
  server.Start(options);

  Client silent(server.port());
  Client idle(server.port());
  idle.Send(Get("/hello"));
  EXPECT_EQ(idle.Read()->status, 200);
  Client trickle(server.port());
  std::thread drip([&] {
    for (const char c : std::string("GET /hello HTTP/1.1\r\nHost: x\r\nA: bbbbbbbbbbbbbbbb")) {
      if (!trickle.Send(std::string(1, c))) break;
      std::this_thread::sleep_for(milliseconds(10));
    }
  });
  Client half_body(server.port());
  half_body.Send("POST /mirror HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc");

  const auto late_head = trickle.Read();
  ASSERT_TRUE(late_head);
  EXPECT_EQ(late_head->status, 408);
  drip.join();
  const auto late_body = half_body.Read();
  ASSERT_TRUE(late_body);
  EXPECT_EQ(late_body->status, 400);  // the handler's word: its body was broken
  EXPECT_TRUE(silent.ClosedWithin(milliseconds(2000)));
  EXPECT_TRUE(idle.ClosedWithin(milliseconds(2000)));
}

TEST(DefenceTest, SlowUploadsHoldUpNothingElseAndEnd) {
  TestServer server;
  ServerOptions options;
  options.worker_threads = 2;
  options.upload_threads = 2;
  options.body_timeout = milliseconds(500);
  server.Start(options);
  std::vector<std::unique_ptr<Client>> slow;
  for (int i = 0; i < 4; ++i) {
    slow.push_back(std::make_unique<Client>(server.port()));
    slow.back()->Send("POST /mirror HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n");
  }
  std::atomic<bool> over{false};
  std::thread drip([&] {
    while (!over) {
      for (const auto& client : slow) client->Send("x");
      std::this_thread::sleep_for(milliseconds(50));
    }
  });
  for (int i = 0; i < 10; ++i) {
    Client other(server.port());
    other.Send(Get("/hello"));
    EXPECT_EQ(other.Read()->status, 200);
    other.Send(WithBody("POST", "/mirror", "all of it at once"));
    EXPECT_EQ(other.Read()->status, 200);
  }
  // Never silent for long, but two bytes a second are no upload: the next ones have their turn, and end as well.
  for (const auto& client : slow) {
    const auto reply = client->Read();
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->status, 400);  // the handler's word: its body was broken
  }
  over = true;
  drip.join();
}

TEST(DefenceTest, Answers408ForAHandlerThatGaveUpOnASilentBody) {
  TestServer server;
  ServerOptions options;
  options.body_timeout = milliseconds(100);
  server.Add("/quiet", [](Request& request, Responder&) { EXPECT_FALSE(ReadAll(*request.body)); });
  server.Start(options);
  Client client(server.port());
  client.Send("POST /quiet HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc");
  EXPECT_EQ(client.Read()->status, 408);
}

TEST(DefenceTest, AbortsClientsThatNeverRead) {
  TestServer server;
  ServerOptions options;
  options.write_timeout = milliseconds(300);
  std::atomic<int> code{-1};
  server.Add("/flood", [&](Request&, Responder& out) {
    const std::string block(1'000'000, 'x');
    ASSERT_TRUE(out.Head(200, {}, std::nullopt).ok());
    for (;;) {
      const Status status = out.Write(block);
      code = static_cast<int>(status.code());
      if (!status.ok()) return;
    }
  });
  server.Add("/large", [](Request&, Responder& out) { out.Send(200, {}, std::string(20'000'000, 'x')).IgnoreError(); });
  server.Start(options);
  Client writer(server.port());
  writer.SetReceiveBuffer(4096);
  writer.Send(Get("/flood"));
  EXPECT_TRUE(Eventually([&] { return code == static_cast<int>(Code::kCancelled); }, milliseconds(5000)));
  // The same for what was left to the event loop.
  Client reader(server.port());
  reader.SetReceiveBuffer(4096);
  reader.Send(Get("/large"));
  EXPECT_TRUE(Eventually([&] { return server.Metric("hilum_http_aborted_total") >= 2; }, milliseconds(5000)));
}

TEST(DefenceTest, SaysBusyWhenTheQueueIsFullAndRecovers) {
  TestServer server;
  ServerOptions options;
  options.worker_threads = 2;
  options.worker_queue = 2;
  Door door;
  server.Add("/wait", WaitAt(door));
  server.Start(options);
  std::vector<std::unique_ptr<Client>> patient;
  for (int i = 0; i < 2; ++i) {
    patient.push_back(std::make_unique<Client>(server.port()));
    patient.back()->Send(Get("/wait"));
    ASSERT_TRUE(Eventually([&] { return door.waiting() == i + 1; }));
  }
  for (int i = 0; i < 2; ++i) {
    patient.push_back(std::make_unique<Client>(server.port()));
    patient.back()->Send(Get("/wait"));
  }
  std::this_thread::sleep_for(milliseconds(50));
  for (int i = 0; i < 5; ++i) {
    Client refused(server.port());
    refused.Send(WithBody("POST", "/wait", "some body"));
    const auto reply = refused.Read();
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->status, 503);
    EXPECT_EQ(reply->headers.First("Retry-After"), "1");
    EXPECT_EQ(reply->headers.First("Connection"), "close");
  }
  // The event loop stays free meanwhile.
  Client inline_client(server.port());
  inline_client.Send(Get("/inline"));
  EXPECT_EQ(inline_client.Read()->status, 200);
  door.Open();
  for (const auto& client : patient) EXPECT_EQ(client->Read()->status, 200);
  EXPECT_EQ(server.Metric("hilum_http_overloaded_total"), 5u);
}

TEST(DefenceTest, RefusesConnectionsBeyondTheLimitAndRecovers) {
  TestServer server;
  ServerOptions options;
  options.max_connections = 3;
  server.Start(options);
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 3; ++i) {
    clients.push_back(std::make_unique<Client>(server.port()));
    clients.back()->Send(Get("/hello"));
    ASSERT_EQ(clients.back()->Read()->status, 200);
  }
  {
    Client refused(server.port());
    refused.Send(Get("/hello"));
    const auto reply = refused.Read();
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->status, 503);
    EXPECT_TRUE(refused.ClosedWithin(milliseconds(3000)));
  }
  clients.pop_back();
  EXPECT_TRUE(AnswersInTheEnd(server.port()));
}

TEST(DefenceTest, AbortsWhenAHandlerDoesNotFinish) {
  TestServer server;
  server.Add("/silent", [](Request&, Responder&) {});
  server.Add("/half", [](Request&, Responder& out) {
    EXPECT_TRUE(out.Head(200, {}, std::nullopt).ok());
    EXPECT_TRUE(out.Write("half").ok());
  });
  server.Add("/short", [](Request&, Responder& out) {
    EXPECT_TRUE(out.Head(200, {}, 10).ok());
    EXPECT_TRUE(out.Write("half").ok());
    EXPECT_EQ(out.Finish().code(), Code::kInternal);
  });
  server.Add("/long", [](Request&, Responder& out) {
    EXPECT_TRUE(out.Head(200, {}, 3).ok());
    EXPECT_EQ(out.Write("half").code(), Code::kInternal);
    EXPECT_FALSE(out.Finish().ok());
  });
  server.Add("/throws", [](Request&, Responder&) { throw std::runtime_error("oops"); });
  server.Start();
  for (const char* path : {"/silent", "/half", "/short", "/long"}) {
    Client client(server.port());
    client.Send(Get(path));
    const auto reply = client.Read();
    EXPECT_FALSE(reply && reply->complete) << path;
  }
  Client client(server.port());
  client.Send(Get("/throws"));
  EXPECT_EQ(client.Read()->status, 500);
}

TEST(DefenceTest, LetsASlowHandlerStopNobodyElse) {
  TestServer server;
  Door door;
  server.Add("/wait", WaitAt(door));
  server.Start();
  Client slow(server.port());
  slow.Send(Get("/wait"));
  ASSERT_TRUE(Eventually([&] { return door.waiting() == 1; }));
  for (int i = 0; i < 20; ++i) {
    Client quick(server.port());
    quick.Send(Get("/hello"));
    EXPECT_EQ(quick.Read()->status, 200);
  }
  door.Open();
  EXPECT_EQ(slow.Read()->status, 200);
}

TEST(DefenceTest, NoticesClientsThatLeaveWhileTheirHandlerRuns) {
  TestServer server;
  Door door;
  std::atomic<int> ended{0};
  server.Add("/wait", [&](Request&, Responder& out) {
    door.Pass();
    SendHello(out);
    ++ended;
  });
  server.Start();
  const size_t before = OpenDescriptors();
  for (int i = 0; i < 10; ++i) {
    Client client(server.port());
    client.Send(Get("/wait") + Get("/hello"));
    ASSERT_TRUE(Eventually([&] { return door.waiting() == i + 1; }));
    if (i % 2 == 0) client.Abort();
  }
  door.Open();
  EXPECT_TRUE(Eventually([&] { return ended == 10 && OpenDescriptors() == before; }));
}

TEST(DefenceTest, DrainsBeforeItStops) {
  TestServer server;
  Door door;
  server.Add("/wait", WaitAt(door));
  server.Start();
  Client idle(server.port());
  idle.Send(Get("/hello"));
  ASSERT_EQ(idle.Read()->status, 200);
  Client busy(server.port());
  busy.Send(Get("/wait"));
  ASSERT_TRUE(Eventually([&] { return door.waiting() == 1; }));
  std::thread stopper([&] { server.server().Stop(milliseconds(5000)); });
  EXPECT_TRUE(idle.ClosedWithin(milliseconds(2000)));
  EXPECT_TRUE(Eventually([&] { return !Client(server.port()).connected(); }));
  const auto opened = steady_clock::now();
  door.Open();
  const auto reply = busy.Read();
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->body, "hello");
  EXPECT_EQ(reply->headers.First("Connection"), "close");
  stopper.join();
  EXPECT_LT(steady_clock::now() - opened, milliseconds(2000));
}

TEST(DefenceTest, StopsAfterTheGraceEvenWhenClientsHangOn) {
  TestServer server;
  server.Start();
  Client uploading(server.port());
  uploading.Send("POST /mirror HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc");
  std::this_thread::sleep_for(milliseconds(50));
  const auto start = steady_clock::now();
  server.server().Stop(milliseconds(100));
  EXPECT_LT(steady_clock::now() - start, milliseconds(2000));
}

}  // namespace
}  // namespace hilum::http
