// Much data, many clients, little memory.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <random>
#include <thread>

#include "base/disk.h"
#include "base/memory_allowance.h"
#include "base/sanitized.h"
#include "tests/server/http/client.h"
#include "tests/server/http/test_server.h"

namespace hilum::http {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr uint64_t kMegabyte = 1'000'000;
// Sanitizers keep shadows and quarantines that count as well.
constexpr uint64_t kAllowedGrowth = (kSanitized ? 512 : 32) * kMegabyte;

// A sparse file that is gone when the test is.
class SparseFile {
 public:
  explicit SparseFile(uint64_t size) {
    std::string path = testing::TempDir() + "sparse-XXXXXX";
    const int descriptor = mkstemp(path.data());
    EXPECT_EQ(ftruncate(descriptor, static_cast<off_t>(size)), 0);
    PosixDisk disk;
    auto opened = disk.Open(path, OpenMode::kReadWrite);
    EXPECT_TRUE(opened.ok());
    file_ = std::move(opened).value();
    close(descriptor);
    unlink(path.c_str());
  }
  std::shared_ptr<File> file() const { return file_; }

 private:
  std::shared_ptr<File> file_;
};

TEST(VolumeTest, TakesLongUploadsInFlatMemory) {
  const uint64_t size = (LongTests() ? 500 : 100) * kMegabyte;
  TestServer server;
  std::atomic<uint64_t> received{0};
  server.Add(
      "/upload",
      [&](Request& request, Responder& out) {
        std::vector<char> block(256 * 1024);
        for (;;) {
          const auto got = request.body->Read(block);
          if (!got.ok() || *got == 0) break;
          received += *got;
        }
        out.Send(200, {}, "").IgnoreError();
      },
      UINT64_MAX);
  server.Start();
  for (const bool chunked : {false, true}) {
    received = 0;
    const uint64_t before = ResidentBytes();
    Client client(server.port());
    client.Send("POST /upload HTTP/1.1\r\nHost: x\r\n" +
                (chunked ? "Transfer-Encoding: chunked" : "Content-Length: " + std::to_string(size)) + "\r\n\r\n");
    const std::string block(kMegabyte, 'u');
    const auto start = steady_clock::now();
    for (uint64_t sent = 0; sent < size; sent += block.size()) {
      ASSERT_TRUE(client.Send(chunked ? "F4240\r\n" : ""));
      ASSERT_TRUE(client.Send(block));
      ASSERT_TRUE(client.Send(chunked ? "\r\n" : ""));
    }
    ASSERT_TRUE(client.Send(chunked ? "0\r\n\r\n" : ""));
    EXPECT_EQ(client.Read()->status, 200);
    const std::chrono::duration<double> seconds = steady_clock::now() - start;
    EXPECT_EQ(received, size);
    EXPECT_LT(ResidentBytes(), before + kAllowedGrowth);
    RecordProperty(chunked ? "chunked_mb_per_second" : "sized_mb_per_second",
                   static_cast<int>(static_cast<double>(size) / kMegabyte / seconds.count()));
  }
}

TEST(VolumeTest, SendsLongFilesInFlatMemory) {
  const uint64_t size = (LongTests() ? 2000 : 400) * kMegabyte;
  const SparseFile sparse(size);
  TestServer server;
  server.Add("/file", [&](Request& request, Responder& out) {
    const bool sized = request.query.empty();
    ASSERT_TRUE(out.Head(200, {}, sized ? std::optional(size) : std::nullopt).ok());
    ASSERT_TRUE(out.WriteFile({sparse.file(), 0, size}).ok());
    EXPECT_TRUE(out.Finish().ok());
  });
  server.Start();
  const uint64_t before = ResidentBytes();
  Client client(server.port());
  client.Send(Get("/file"));
  const auto start = steady_clock::now();
  EXPECT_GT(client.Discard(size), size - 1);
  const std::chrono::duration<double> seconds = steady_clock::now() - start;
  RecordProperty("mb_per_second", static_cast<int>(static_cast<double>(size) / kMegabyte / seconds.count()));
  EXPECT_LT(ResidentBytes(), before + kAllowedGrowth);
}

TEST(VolumeTest, SendsFileRangesBetweenBytesInOrder) {
  const SparseFile sparse(1000);
  ASSERT_TRUE(sparse.file()->WriteAt(0, "0123456789").ok());
  TestServer server;
  server.Add("/parts", [&](Request&, Responder& out) {
    ASSERT_TRUE(out.Head(200, {}, std::nullopt).ok());
    for (uint64_t i = 0; i < 10; ++i) {
      ASSERT_TRUE(out.Write("<").ok());
      ASSERT_TRUE(out.WriteFile({sparse.file(), i, 1}).ok());
      ASSERT_TRUE(out.WriteFile({sparse.file(), 0, 0}).ok());
      ASSERT_TRUE(out.Write("").ok());
    }
    EXPECT_TRUE(out.Finish().ok());
  });
  server.Add("/beyond", [&](Request&, Responder& out) {
    ASSERT_TRUE(out.Head(200, {}, 10).ok());
    out.WriteFile({sparse.file(), 995, 10}).IgnoreError();
    out.Finish().IgnoreError();  // the client must see a broken transfer, whoever notices
  });
  server.Start();
  Client client(server.port());
  client.Send(Get("/parts"));
  EXPECT_EQ(client.Read()->body, "<0<1<2<3<4<5<6<7<8<9");
  client.Send(Get("/beyond"));
  const auto broken = client.Read();
  EXPECT_FALSE(broken && broken->complete);
}

TEST(VolumeTest, SendsBytesGivenAwayBetweenOthersInOrder) {
  const std::string large(300'000, 'l');
  const std::string expected = "<" + large + "=" + large + "small>";
  TestServer server;
  server.Add("/owned", [&](Request& request, Responder& out) {
    const bool sized = request.query.empty();
    ASSERT_TRUE(out.Head(200, {}, sized ? std::optional(expected.size()) : std::nullopt).ok());
    ASSERT_TRUE(out.Write("<").ok());
    ASSERT_TRUE(out.WriteOwned(large).ok());
    ASSERT_TRUE(out.Write("=").ok());
    ASSERT_TRUE(out.WriteOwned(large).ok());
    ASSERT_TRUE(out.WriteOwned("small").ok());
    ASSERT_TRUE(out.Write(">").ok());
    EXPECT_TRUE(out.Finish().ok());
  });
  server.Start();
  Client client(server.port());
  for (const char* target : {"/owned", "/owned?chunked"}) {
    client.Send(Get(target));
    EXPECT_TRUE(client.Read()->body == expected) << target;
  }
}

TEST(VolumeTest, FreesTheWorkerOfASlowReaderAndBoundsItsMemory) {
  TestServer server;
  ServerOptions options;
  options.worker_threads = 2;
  options.write_buffer_bytes = 4 * kMegabyte;
  const uint64_t size = 16 * kMegabyte;  // more than the socket buffers hold
  const SparseFile sparse(size);
  const std::string body(6 * kMegabyte, 'm');
  std::atomic<int> finished{0};
  server.Add("/memory", [&](Request&, Responder& out) {
    // More than the socket takes (some 4 MB), little enough for the connection to keep the rest.
    EXPECT_TRUE(out.Send(200, {}, body).ok());
    ++finished;
  });
  server.Add("/file", [&](Request&, Responder& out) {
    ASSERT_TRUE(out.Head(200, {}, size).ok());
    ASSERT_TRUE(out.WriteFile({sparse.file(), 0, size}).ok());
    EXPECT_TRUE(out.Finish().ok());
    ++finished;
  });
  server.Start(options);
  const uint64_t before = ResidentBytes();
  std::vector<std::unique_ptr<Client>> slow;
  for (int i = 0; i < 20; ++i) {
    slow.push_back(std::make_unique<Client>(server.port()));
    slow.back()->SetReceiveBuffer(100'000);
    slow.back()->Send(Get(i % 2 == 0 ? "/file" : "/memory"));
  }
  EXPECT_TRUE(Eventually([&] { return finished == 20; })) << finished;
  Client other(server.port());
  other.Send(Get("/hello"));
  EXPECT_EQ(other.Read()->status, 200);
  EXPECT_LT(ResidentBytes(), before + kAllowedGrowth);
  // Slow is not lost: what waits on the connection arrives.
  EXPECT_EQ(slow[0]->Read()->body.size(), size);
  EXPECT_EQ(slow[1]->Read()->body.size(), 6 * kMegabyte);
}

// Clients that ask for `path` and read nothing of it.
std::vector<std::unique_ptr<Client>> SlowReaders(const TestServer& server, int count, const std::string& path) {
  std::vector<std::unique_ptr<Client>> slow;
  for (int i = 0; i < count; ++i) {
    slow.push_back(std::make_unique<Client>(server.port()));
    slow.back()->SetReceiveBuffer(100'000);
    slow.back()->Send(Get(path));
  }
  return slow;
}

TEST(VolumeTest, SlowReadersOfALongAnswerHoldNoWorkerWhileThereIsRoomForIt) {
  // given two workers, and room for what two clients have not read, but no third
  TestServer server;
  ServerOptions options;
  options.worker_threads = 2;
  options.unsent_bytes = 22 * kMegabyte;
  options.unsent_timeout = milliseconds(500);
  const std::string body(12 * kMegabyte, 'm');
  std::atomic<int> finished{0};
  server.Add("/long", [&](Request&, Responder& out) {
    EXPECT_TRUE(out.Send(200, {}, body).ok());
    ++finished;
  });
  server.Start(options);
  // when two clients read none of it
  auto slow = SlowReaders(server, 2, "/long");
  EXPECT_TRUE(Eventually([&] { return finished == 2; })) << finished;
  // then others are answered, only not with as much, and the two get what is theirs
  Client other(server.port());
  other.Send(Get("/hello"));
  EXPECT_EQ(other.Read()->status, 200);
  other.Send(Get("/long"));
  EXPECT_EQ(other.Read()->status, 503);
  for (const auto& client : slow) EXPECT_EQ(client->Read()->body.size(), body.size());
  other.Send(Get("/long"));
  EXPECT_EQ(other.Read()->status, 200);
}

TEST(VolumeTest, SlowReadersOfStreamsLeaveTheirPlacesToOthers) {
  TestServer server;
  ServerOptions options;
  options.worker_threads = 2;
  std::atomic<int> waiting{0};
  server.Add("/stream", [&](Request&, Responder& out) {
    const std::string block(8 * kMegabyte, 'x');
    ASSERT_TRUE(out.Head(200, {}, std::nullopt).ok());
    ++waiting;
    while (out.Write(block).ok()) continue;
  });
  server.Start(options);
  auto slow = SlowReaders(server, 6, "/stream");
  EXPECT_TRUE(Eventually([&] { return waiting == 6; })) << waiting;
  Client other(server.port());
  other.Send(Get("/hello"));
  EXPECT_EQ(other.Read()->status, 200);
  for (const auto& client : slow) client->Abort();
}

// A file on a disk that stops answering when told to.
class StallingFile final : public File {
 public:
  Status ReadAt(uint64_t, std::span<char> out) const override {
    ++waiting;
    stalled.wait(true);
    --waiting;
    std::memset(out.data(), 's', out.size());
    return Status::Ok();
  }
  Status WriteAt(uint64_t, Bytes) override { return Unsupported("write"); }
  Status Sync() override { return Status::Ok(); }
  Status Truncate(uint64_t) override { return Unsupported("truncate"); }
  Status Preallocate(uint64_t, uint64_t) override { return Unsupported("preallocate"); }
  Result<uint64_t> Size() const override { return Unsupported("size"); }
  int descriptor() const override { return -1; }

  std::atomic<bool> stalled{false};
  mutable std::atomic<int> waiting{0};
};

TEST(VolumeTest, ADiskThatStallsHoldsUpNobodyButItsReader) {
  // given a client that reads slowly, so that its handler has ended while much of the file is still to be sent
  const uint64_t size = 32 * kMegabyte;
  const auto file = std::make_shared<StallingFile>();
  TestServer server;
  std::atomic<bool> finished{false};
  server.Add("/file", [&](Request&, Responder& out) {
    ASSERT_TRUE(out.Head(200, {}, 2 * size).ok());
    ASSERT_TRUE(out.WriteFile({file, 0, size}).ok());
    ASSERT_TRUE(out.WriteFile({file, 0, size}).ok());
    EXPECT_TRUE(out.Finish().ok());
    finished = true;
  });
  server.Start();
  Client slow(server.port());
  slow.SetReceiveBuffer(100'000);
  slow.Send(Get("/file"));
  ASSERT_TRUE(Eventually([&] { return finished.load(); }));
  // when the disk stalls, and that client reads on
  file->stalled = true;
  std::jthread reader([&] { EXPECT_EQ(slow.Read()->body.size(), 2 * size); });
  EXPECT_TRUE(Eventually([&] { return file->waiting > 0; }));
  // then others are answered
  Client other(server.port());
  other.Send(Get("/hello"));
  EXPECT_EQ(other.Read()->status, 200);
  // and the reader gets all of it once the disk is well again
  file->stalled = false;
  file->stalled.notify_all();
}

TEST(VolumeTest, HoldsAFastHandlerBackForASlowReader) {
  TestServer server;
  std::atomic<uint64_t> written{0};
  std::atomic<bool> gone{false};
  server.Add("/stream", [&](Request& request, Responder& out) {
    const std::string block(100'000, 'x');
    const bool given_away = !request.query.empty();
    ASSERT_TRUE(out.Head(200, {}, std::nullopt).ok());
    while ((given_away ? out.WriteOwned(block) : out.Write(block)).ok()) written += block.size();
    gone = true;
  });
  server.Start();
  for (const char* target : {"/stream", "/stream?given-away"}) {
    written = 0;
    gone = false;
    Client slow(server.port());
    slow.SetReceiveBuffer(64 * 1024);
    slow.Send(Get(target));
    ASSERT_TRUE(Eventually([&] { return written > 0; }));
    std::this_thread::sleep_for(milliseconds(200));
    const uint64_t at_rest = written;
    // Socket buffers (some MB on the loopback) and our own megabyte.
    EXPECT_LT(at_rest, 12 * kMegabyte);
    slow.Discard(2 * at_rest);
    EXPECT_TRUE(Eventually([&] { return written > at_rest; }));
    slow.Abort();
    EXPECT_TRUE(Eventually([&] { return gone.load(); }));
  }
}

TEST(VolumeTest, LeaksNoDescriptorWhenDownloadsAreAborted) {
  const SparseFile sparse(50 * kMegabyte);
  TestServer server;
  server.Add("/file", [&](Request&, Responder& out) {
    if (!out.Head(200, {}, 50 * kMegabyte).ok()) return;
    if (!out.WriteFile({sparse.file(), 0, 50 * kMegabyte}).ok()) return;
    out.Finish().IgnoreError();  // the client is about to leave
  });
  server.Start();
  const size_t before = OpenDescriptors();
  for (int i = 0; i < 50; ++i) {
    Client client(server.port());
    client.Send(Get("/file"));
    EXPECT_EQ(client.Discard(100'000), 100'000u);
    client.Abort();
  }
  EXPECT_TRUE(Eventually([&] { return OpenDescriptors() == before; })) << OpenDescriptors() << " " << before;
  EXPECT_TRUE(Eventually([&] { return server.Metric("hilum_http_connections") == 0; }));
}

TEST(VolumeTest, SurvivesWithoutDescriptorsAndDoesNotSpin) {
  TestServer server;
  server.Start();
  rlimit old{};
  getrlimit(RLIMIT_NOFILE, &old);
  {
    Client kept(server.port());
    kept.Send(Get("/hello"));
    ASSERT_EQ(kept.Read()->status, 200);
    std::vector<std::unique_ptr<Client>> clients;
    for (int i = 0; i < 8; ++i) clients.push_back(std::make_unique<Client>(server.port()));
    ASSERT_TRUE(Eventually([&] { return server.Metric("hilum_http_connections") == 9; }));
    const rlimit tight{OpenDescriptors() + 5, old.rlim_max};
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &tight), 0);
    // Connecting needs a descriptor here as well: one is left for the client, none for the server.
    while (clients.back()->connected()) clients.push_back(std::make_unique<Client>(server.port()));
    rusage start{}, end{};
    getrusage(RUSAGE_SELF, &start);
    std::this_thread::sleep_for(milliseconds(300));
    getrusage(RUSAGE_SELF, &end);
    const auto used = (end.ru_utime.tv_sec - start.ru_utime.tv_sec) * 1'000'000 + end.ru_utime.tv_usec -
                      start.ru_utime.tv_usec + (end.ru_stime.tv_sec - start.ru_stime.tv_sec) * 1'000'000 +
                      end.ru_stime.tv_usec - start.ru_stime.tv_usec;
    EXPECT_LT(used, 150'000);
    kept.Send(Get("/hello"));
    EXPECT_EQ(kept.Read()->status, 200);
  }
  setrlimit(RLIMIT_NOFILE, &old);
  EXPECT_TRUE(AnswersInTheEnd(server.port()));
}

// On plain Pistache, answers were delivered to clients that got the descriptor number of one that had left.
TEST(VolumeTest, NeverAnswersTheWrongClient) {
  TestServer server;
  server.Add("/work", [](Request& request, Responder& out) {
    const std::string mark = std::string(*request.headers.First("X-Mark"));
    const int kind = mark.back() % 4;
    if (kind == 0) std::this_thread::sleep_for(std::chrono::microseconds(300));
    if (kind == 1) return out.Send(200, {{"X-Mark", mark}}, mark + std::string(200'000, '.')).IgnoreError();
    out.Send(200, {{"X-Mark", mark}}, mark + std::string(100, '.')).IgnoreError();
  });
  server.Start();
  const auto end = steady_clock::now() + std::chrono::seconds(LongTests() ? 15 : 3);
  std::atomic<uint64_t> right{0}, wrong{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 12; ++t) {
    threads.emplace_back([&, t] {
      std::mt19937 random(static_cast<unsigned>(t));
      for (uint64_t n = 0; steady_clock::now() < end; ++n) {
        Client client(server.port());
        if (!client.connected()) continue;
        for (int i = 0; i < 3; ++i) {
          const std::string mark =
              std::to_string(t) + "-" + std::to_string(n) + "-" + std::to_string(i) + "-" + std::to_string(random());
          if (!client.Send(WithBody("POST", "/work", mark, "X-Mark: " + mark + "\r\n"))) break;
          if (random() % 10 < 6) {
            if (random() % 2 == 0) std::this_thread::sleep_for(std::chrono::microseconds(random() % 500));
            client.Abort();
            break;
          }
          const auto reply = client.Read();
          if (!reply) break;
          const bool ours = reply->headers.First("X-Mark") == mark && reply->body.starts_with(mark + ".");
          ++(ours ? right : wrong);
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0u);
  EXPECT_GT(right, 500u);
  RecordProperty("right_answers", static_cast<int>(right));
}

TEST(VolumeTest, WhatTheClientHasNotTakenCountsAfterTheHandlerToo) {
  constexpr uint64_t kBody = 24 * kMegabyte;
  MemoryAllowance allowance(kBody);
  std::atomic<int> handled{0};
  TestServer server;
  server.Add("/counted", [&](Request&, Responder& out) {
    auto share = std::make_unique<MemoryAllowance::Share>(&allowance);
    EXPECT_TRUE(share->Grow(kBody));
    EXPECT_TRUE(out.Head(200, {}, kBody).ok());
    EXPECT_TRUE(out.Write(std::string(kBody, 'x')).ok());
    out.CountUnsent(std::move(share));
    EXPECT_TRUE(out.Finish().ok());
    ++handled;
  });
  ServerOptions options;
  options.write_buffer_bytes = kBody;  // the handler waits for nobody
  server.Start(options);
  const auto all_is_left = [&] { return allowance.left() == kBody; };
  for (const bool reads : {true, false}) {
    const int before = handled;
    Client client(server.port());
    client.SetReceiveBuffer(64 * 1024);
    client.Send(Get("/counted"));
    ASSERT_TRUE(Eventually([&] { return handled > before; }));
    EXPECT_GT(allowance.left(), 0u) << "what the system took no longer counts";
    EXPECT_FALSE(all_is_left());
    if (reads)
      EXPECT_GE(client.Discard(kBody), kBody);
    else
      client.Abort();
    EXPECT_TRUE(Eventually(all_is_left)) << reads;
  }
}

}  // namespace
}  // namespace hilum::http
