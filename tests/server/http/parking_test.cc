// Exchanges that wait without a worker: long polls and streams of events.
#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>
#include <set>
#include <thread>

#include "tests/server/http/client.h"
#include "tests/server/http/test_server.h"

namespace hilum::http {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// Something to wait for, as the change log will be: streams send every value it had.
class Bell {
 public:
  void Ring() {
    const std::lock_guard lock(mu_);
    ++rings_;
    for (const auto& [number, waker] : wakers_) waker();
  }
  int rings() const {
    const std::lock_guard lock(mu_);
    return rings_;
  }
  size_t listeners() const {
    const std::lock_guard lock(mu_);
    return wakers_.size();
  }

  struct Listening {
    Listening(Bell& b, std::function<void()> waker) : bell(b) {
      const std::lock_guard lock(bell.mu_);
      number = ++bell.next_;
      bell.wakers_.emplace(number, std::move(waker));
    }
    ~Listening() {
      const std::lock_guard lock(bell.mu_);
      bell.wakers_.erase(number);
    }
    Bell& bell;
    int number = 0;
    int seen = 0;
  };

 private:
  mutable std::mutex mu_;
  std::map<int, std::function<void()>> wakers_;
  int next_ = 0;
  int rings_ = 0;
};

constexpr milliseconds kHeartbeat{60'000};

void Stream(std::shared_ptr<Bell::Listening> state, Responder& responder, milliseconds heartbeat, Resumed why) {
  if (why == Resumed::kTimeout && !responder.Write("beat\n").ok()) return;
  while (state->seen < state->bell.rings()) {
    if (!responder.Write(std::to_string(++state->seen) + "\n").ok()) return;
  }
  if (why == Resumed::kDraining) return responder.Write("end").ok() ? responder.Finish().IgnoreError() : void();
  responder.Park(heartbeat, [state, heartbeat](Request&, Responder& again, Resumed reason) {
    Stream(state, again, heartbeat, reason);
  });
}

class ParkingTest : public testing::Test {
 protected:
  void SetUp() override {
    AddStream("/stream", kHeartbeat);
    AddStream("/beating", milliseconds(100));
    server_.Add("/poll", [this](Request&, Responder& responder) {
      const auto state = std::make_shared<Bell::Listening>(bell_, responder.Waker());
      const auto answer = [state](Responder& to) {
        to.Send(200, {}, std::to_string(state->bell.rings())).IgnoreError();
      };
      if (bell_.rings() > 0) return answer(responder);
      responder.Park(seconds(1), [answer](Request&, Responder& again, Resumed) { answer(again); });
    });
  }
  void AddStream(const std::string& path, milliseconds heartbeat) {
    server_.Add(path, [this, heartbeat](Request&, Responder& responder) {
      const auto state = std::make_shared<Bell::Listening>(bell_, responder.Waker());
      if (!responder.Head(200, {{"Content-Type", "text/plain"}}, std::nullopt).ok()) return;
      Stream(state, responder, heartbeat, Resumed::kWoken);
    });
  }
  void Start(size_t workers, milliseconds write_timeout = seconds(60)) {
    ServerOptions options;
    options.worker_threads = workers;
    options.write_timeout = write_timeout;
    server_.Start(options);
  }

  Bell bell_;
  TestServer server_;
};

TEST_F(ParkingTest, AnswersAPollWhenSomethingHappens) {
  Start(1);
  Client client(server_.port());
  client.Send(Get("/poll"));
  ASSERT_TRUE(Eventually([&] { return bell_.listeners() == 1; }));
  bell_.Ring();
  EXPECT_EQ(client.Read()->body, "1");
  // and the connection goes on
  client.Send(Get("/poll"));
  EXPECT_EQ(client.Read()->body, "1");
  EXPECT_TRUE(Eventually([&] { return bell_.listeners() == 0; }));
}

TEST_F(ParkingTest, AnswersAPollAtItsLimitWhenNothingHappens) {
  Start(1);
  Client client(server_.port());
  const auto begin = std::chrono::steady_clock::now();
  client.Send(Get("/poll"));
  EXPECT_EQ(client.Read()->body, "0");
  const auto waited = std::chrono::steady_clock::now() - begin;
  EXPECT_GE(waited, seconds(1));
  EXPECT_LT(waited, seconds(5));
}

TEST_F(ParkingTest, ServesRequestsThatWereSentBehindAPoll) {
  Start(1);
  Client client(server_.port());
  client.Send(Get("/poll") + Get("/hello"));
  ASSERT_TRUE(Eventually([&] { return bell_.listeners() == 1; }));
  client.Send(Get("/inline"));
  bell_.Ring();
  EXPECT_EQ(client.Read()->body, "1");
  EXPECT_EQ(client.Read()->body, "hello");
  EXPECT_EQ(client.Read()->body, "hello");
}

TEST_F(ParkingTest, KeepsTwoHundredListenersWithTwoWorkers) {
  // given many streams that wait
  Start(2);
  std::vector<std::unique_ptr<Client>> listeners;
  for (int i = 0; i < 200; ++i) {
    listeners.push_back(std::make_unique<Client>(server_.port()));
    ASSERT_TRUE(listeners.back()->Send(Get("/stream")));
  }
  ASSERT_TRUE(Eventually([&] { return bell_.listeners() == 200; }));
  // then others are served as if they were not there
  for (int i = 0; i < 20; ++i) {
    Client client(server_.port());
    client.Send(Get("/hello"));
    const auto reply = client.Read();
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->body, "hello");
  }
  // and each gets everything in order
  for (int i = 0; i < 30; ++i) bell_.Ring();
  std::string all;
  for (int i = 1; i <= 30; ++i) all.append(std::to_string(i)).append("\n");
  server_.server().Stop(seconds(5));
  for (const auto& listener : listeners) {
    const auto reply = listener->Read();
    ASSERT_TRUE(reply);
    EXPECT_TRUE(reply->complete);
    EXPECT_EQ(reply->body, all + "end");
  }
}

TEST_F(ParkingTest, LosesNoWakeThatComesWhileTheHandlerRuns) {
  Start(2);
  Client client(server_.port());
  client.Send(Get("/stream"));
  std::thread ringer([&] {
    for (int i = 0; i < 3000; ++i) {
      bell_.Ring();
      if (i % 50 == 0) std::this_thread::sleep_for(milliseconds(1));
    }
  });
  ringer.join();
  // The head and 3000 lines; the heartbeat is far away.
  ASSERT_TRUE(Eventually([&] { return server_.Metric("hilum_http_sent_bytes_total") > 3000 * 5; }));
  server_.server().Stop(seconds(5));
  const auto reply = client.Read();
  ASSERT_TRUE(reply);
  EXPECT_TRUE(reply->body.ends_with("\n2999\n3000\nend")) << reply->body.size();
}

TEST_F(ParkingTest, BeatsWhileNothingHappens) {
  Start(1);
  Client client(server_.port());
  client.Send(Get("/beating"));
  const uint64_t two_beats = 2 * (5 + 5);
  EXPECT_GE(client.Discard(150 + two_beats), two_beats);
}

TEST_F(ParkingTest, ForgetsAListenerThatWentAway) {
  Start(1);
  for (const bool reset : {false, true}) {
    Client client(server_.port());
    client.Send(Get("/stream"));
    ASSERT_TRUE(Eventually([&] { return bell_.listeners() == 1; }));
    std::this_thread::sleep_for(milliseconds(20));
    reset ? client.Abort() : client.Close();
    EXPECT_TRUE(Eventually([&] { return bell_.listeners() == 0; }));
  }
}

TEST_F(ParkingTest, CutsOffAListenerThatDoesNotRead) {
  // given a stream that has much to say, to a client that takes nothing
  server_.Add("/flood", [this](Request&, Responder& responder) {
    const auto state = std::make_shared<Bell::Listening>(bell_, responder.Waker());
    if (!responder.Head(200, {}, std::nullopt).ok()) return;
    struct Flood {
      static void Go(const std::shared_ptr<Bell::Listening>& state, Responder& to) {
        state->seen += 1;
        if (!to.Write(std::string(64 * 1024, 'x')).ok()) return;
        to.Park(milliseconds(0), [state](Request&, Responder& again, Resumed) { Go(state, again); });
      }
    };
    Flood::Go(state, responder);
  });
  Start(1, milliseconds(500));
  const uint64_t before = ResidentBytes();
  Client client(server_.port());
  client.SetReceiveBuffer(4096);
  client.Send(Get("/flood"));
  ASSERT_TRUE(Eventually([&] { return bell_.listeners() == 1; }));
  // then a worker is free for others, memory stays what it was, and the stream ends
  Client other(server_.port());
  other.Send(Get("/hello"));
  EXPECT_EQ(other.Read()->body, "hello");
  EXPECT_TRUE(Eventually([&] { return bell_.listeners() == 0; }));
  EXPECT_LT(ResidentBytes(), before + (16 << 20));
}

TEST_F(ParkingTest, EndsTheConnectionOfAHandlerThatParksWhileTheServerEnds) {
  server_.Add("/stubborn", [this](Request&, Responder& responder) {
    const auto state = std::make_shared<Bell::Listening>(bell_, responder.Waker());
    if (!responder.Head(200, {}, std::nullopt).ok()) return;
    struct Stubborn {
      static void Wait(const std::shared_ptr<Bell::Listening>& state, Responder& to) {
        to.Park(kHeartbeat, [state](Request&, Responder& again, Resumed) { Wait(state, again); });
      }
    };
    Stubborn::Wait(state, responder);
  });
  Start(1);
  Client client(server_.port());
  client.Send(Get("/stubborn"));
  ASSERT_TRUE(Eventually([&] { return bell_.listeners() == 1; }));
  const auto begin = std::chrono::steady_clock::now();
  server_.server().Stop(seconds(30));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, seconds(10));
  EXPECT_EQ(bell_.listeners(), 0u);
}

}  // namespace
}  // namespace hilum::http
