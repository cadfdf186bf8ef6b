#include "codecs/pixel/worker.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <random>
#include <thread>

#include "base/sanitized.h"
#include "codecs/pixel/sandbox.h"
#include "codecs/pixel/worker_protocol.h"
#include "tests/codecs/pixel/generated.h"
#include "tests/support/temp_dir.h"

namespace hilum::pixel {
namespace {

using testing::ImageSpec;
using testing::MakeImage;
using namespace std::chrono_literals;

constexpr std::string_view kJpeg2000 = "1.2.840.10008.1.2.4.90", kHtj2k = "1.2.840.10008.1.2.4.201";

// Counts of events, and the pool that reports them.
struct Fixture {
  explicit Fixture(CodecPoolOptions options = {}) {
    options.on_event = [this](WorkerEvent event) { ++counts[static_cast<size_t>(event)]; };
    pool = std::make_unique<CodecPool>(std::move(options));
  }
  int count(WorkerEvent event) const { return counts[static_cast<size_t>(event)]; }

  std::array<std::atomic<int>, 5> counts{};
  std::unique_ptr<CodecPool> pool;
};

// Process identifiers of our children.
std::vector<pid_t> Children() {
  std::vector<pid_t> children;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const std::string name = entry.path().filename();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    std::ifstream stat(entry.path() / "stat");
    std::string text((std::istreambuf_iterator<char>(stat)), {});
    const size_t end = text.rfind(')');
    if (end == std::string::npos) continue;
    char state = 0;
    pid_t parent = 0;
    if (std::sscanf(text.c_str() + end + 1, " %c %d", &state, &parent) == 2 && parent == getpid() && state != 'Z') {
      children.push_back(std::stoi(name));
    }
  }
  return children;
}

void WaitUntil(const std::function<bool()>& holds) {
  const auto deadline = std::chrono::steady_clock::now() + 30s;
  while (!holds()) {
    ASSERT_LT(std::chrono::steady_clock::now(), deadline);
    std::this_thread::sleep_for(1ms);
  }
}

bool IsAsleep(pid_t thread) {
  std::ifstream stat("/proc/self/task/" + std::to_string(thread) + "/stat");
  const std::string text((std::istreambuf_iterator<char>(stat)), {});
  return text.find(") S ") != std::string::npos;
}

Result<Image> RoundTrip(FrameCodec& codec, const Image& image, std::string_view syntax) {
  HILUM_ASSIGN_OR_RETURN(const EncodedFrame encoded, codec.Encode(image, syntax, {}));
  return codec.Decode(syntax, encoded.bytes, encoded.format, {});
}

TEST(CodecPool, ColoursAreConvertedAsHere) {
  Fixture fixture;
  LocalCodec here;
  std::string rgb;
  for (int i = 0; i < 3 * 4000; ++i) rgb.push_back(static_cast<char>(i * 7));
  const std::string profile = ProfileOf(ColourSpace::kSrgb);
  const auto converted = fixture.pool->ConvertColours(rgb, profile, ColourSpace::kDisplayP3);
  const auto expected = here.ConvertColours(rgb, profile, ColourSpace::kDisplayP3);
  ASSERT_TRUE(converted.ok()) << converted.status().ToString();
  ASSERT_TRUE(expected.ok());
  EXPECT_TRUE(*converted == *expected);
  EXPECT_TRUE(*converted != rgb);
  EXPECT_EQ(fixture.pool->ConvertColours(rgb, "no profile", ColourSpace::kSrgb).status().code(), Code::kInvalid);
  EXPECT_TRUE(fixture.pool->ConvertColours("", profile, ColourSpace::kSrgb).ok()) << "the worker lives";
  EXPECT_EQ(fixture.count(WorkerEvent::kStarted), 1);
}

TEST(CodecPool, GivesWhatTheCodecsGive) {
  Fixture f;
  for (const TransferSyntax& syntax : TransferSyntaxes()) {
    if (!syntax.can_encode || syntax.lossy_only) continue;
    for (const uint32_t columns : {5u, 700u, 64u}) {
      Image image = MakeImage({.rows = 300, .columns = columns, .is_signed = true});
      image.format.embeds_overlays = columns == 64;
      const Result<Image> back = RoundTrip(*f.pool, image, syntax.uid);
      ASSERT_TRUE(back.ok()) << syntax.name << ": " << back.status().message();
      EXPECT_EQ(back->pixels, image.pixels) << syntax.name;
      EXPECT_EQ(back->format, image.format) << syntax.name;
    }
  }
  const Image rgb = MakeImage({.bits_allocated = 8, .bits_stored = 8, .samples = 3, .photometric = Photometric::kRgb});
  const Result<EncodedFrame> lossy = f.pool->Encode(rgb, "1.2.840.10008.1.2.4.50", {});
  ASSERT_TRUE(lossy.ok()) << lossy.status().message();
  EXPECT_TRUE(lossy->lossy);
  EXPECT_EQ(lossy->format.photometric, Photometric::kYbrFull422);
  EXPECT_EQ(f.count(WorkerEvent::kStarted), 1);
}

TEST(CodecPool, AWorkerAloneStaysOnTheProcessorOfItsCaller) {
  Fixture f;
  const Image image = MakeImage({.rows = 64, .columns = 64});
  cpu_set_t usual;
  ASSERT_EQ(sched_getaffinity(0, sizeof(usual), &usual), 0);
  for (int processor = 0, tried = 0; processor < CPU_SETSIZE && tried < 4; ++processor) {
    if (!CPU_ISSET(processor, &usual)) continue;
    ++tried;
    std::thread caller([&] {
      cpu_set_t one;
      CPU_ZERO(&one);
      CPU_SET(processor, &one);
      ASSERT_EQ(sched_setaffinity(0, sizeof(one), &one), 0);
      EXPECT_TRUE(RoundTrip(*f.pool, image, kHtj2k).ok());
    });
    caller.join();
    ASSERT_EQ(Children().size(), 1u);
    cpu_set_t allowed;
    ASSERT_EQ(sched_getaffinity(Children()[0], sizeof(allowed), &allowed), 0);
    EXPECT_EQ(CPU_COUNT(&allowed), 1);
    EXPECT_TRUE(CPU_ISSET(processor, &allowed));
  }
}

TEST(CodecPool, PassesOnTheCodecsReasons) {
  Fixture f;
  const FrameFormat format = testing::FormatOf({});
  const Status status = f.pool->Decode(kJpeg2000, "no codestream", format, {}).status();
  EXPECT_EQ(status.code(), Code::kInvalid);
  EXPECT_NE(status.message().find("SOC"), std::string::npos) << status.message();
  EXPECT_EQ(f.count(WorkerEvent::kCrashed), 0);
  EXPECT_EQ(f.pool->Decode(kJpeg2000, "", format, {.max_frame_bytes = 100}).status().code(), Code::kLimit);
  EXPECT_EQ(f.pool->Decode("1.2.3", "", format, {}).status().code(), Code::kUnsupported);
}

TEST(CodecPool, ManyThreadsShareFewWorkers) {
  Fixture f({.workers = 2});
  const Image image = MakeImage({.rows = 100, .columns = 100});
  std::atomic<int> good = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 6; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 10; ++i) {
        const Result<Image> back = RoundTrip(*f.pool, image, kHtj2k);
        if (back.ok() && back->pixels == image.pixels) ++good;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(good, 60);
  EXPECT_LE(f.count(WorkerEvent::kStarted), 2);
}

TEST(CodecPool, FramesAtHandShareTheirMemory) {
  // Given memory for two frames of 100 by 100 in 16 bits, each decoded and encoded
  Fixture f({.queue_timeout = 200ms, .frame_memory = 80'000});
  const FrameFormat format = testing::FormatOf({.rows = 100, .columns = 100});
  const FrameFormat large = testing::FormatOf({.rows = 400, .columns = 400});
  {
    const auto first = f.pool->BeginFrame(format);
    const auto second = f.pool->BeginFrame(format);
    ASSERT_TRUE(first.ok() && second.ok());
    EXPECT_EQ(f.pool->BeginFrame(format).status().code(), Code::kUnavailable);
    EXPECT_EQ(f.pool->BeginFrame(large).status().code(), Code::kUnavailable);
  }
  {
    const auto alone = f.pool->BeginFrame(large);
    EXPECT_TRUE(alone.ok()) << "what takes more than there is has it all";
    EXPECT_EQ(f.pool->BeginFrame(format).status().code(), Code::kUnavailable);
  }
  std::atomic<int> good = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 6; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 5; ++i) {
        const auto turn = f.pool->BeginFrame(i % 2 == 0 ? format : large);
        good += turn.ok();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(good, 30);
}

TEST(CodecPool, RefusesWhenNoWorkerIsFree) {
  Fixture f({.workers = 1, .queue_timeout = 20ms});
  const Image small = MakeImage({});
  ASSERT_TRUE(RoundTrip(*f.pool, small, kHtj2k).ok());
  const std::vector<pid_t> children = Children();
  ASSERT_EQ(children.size(), 1u);
  kill(children[0], SIGSTOP);
  // One of the two gets the worker, which answers once the other was refused.
  std::atomic<int> served = 0, refused = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back([&] {
      const Code code = f.pool->Encode(small, kHtj2k, {}).status().code();
      served += code == Code::kOk;
      refused += code == Code::kUnavailable;
    });
  }
  WaitUntil([&] { return refused == 1; });
  kill(children[0], SIGCONT);
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(served, 1);
  EXPECT_EQ(refused, 1);
}

TEST(CodecPool, ADeathCostsOneRequest) {
  Fixture f({.workers = 1});
  const Image image = MakeImage({});
  ASSERT_TRUE(RoundTrip(*f.pool, image, kHtj2k).ok());
  const std::vector<pid_t> children = Children();
  ASSERT_EQ(children.size(), 1u);
  kill(children[0], SIGSTOP);
  std::atomic<pid_t> waiting = 0;
  std::thread unlucky([&] {
    waiting = gettid();
    const Status status = f.pool->Encode(image, kHtj2k, {}).status();
    EXPECT_EQ(status.code(), Code::kInvalid);
    EXPECT_NE(status.message().find("signal 6"), std::string::npos) << status.message();
  });
  // The only thing it sleeps for is the stopped worker's reply.
  WaitUntil([&] { return waiting != 0 && IsAsleep(waiting); });
  kill(children[0], SIGABRT);  // which sanitizers leave alone
  kill(children[0], SIGCONT);
  unlucky.join();
  EXPECT_EQ(f.count(WorkerEvent::kCrashed), 1);
  const Result<Image> back = RoundTrip(*f.pool, image, kHtj2k);
  ASSERT_TRUE(back.ok()) << back.status().message();
  EXPECT_EQ(back->pixels, image.pixels);
  EXPECT_EQ(f.count(WorkerEvent::kStarted), 2);
}

TEST(CodecPool, ADeathBetweenRequestsCostsNothing) {
  Fixture f({.workers = 1});
  const Image image = MakeImage({});
  ASSERT_TRUE(RoundTrip(*f.pool, image, kHtj2k).ok());
  for (const pid_t child : Children()) kill(child, SIGKILL);
  WaitUntil([] { return Children().empty(); });
  EXPECT_TRUE(RoundTrip(*f.pool, image, kHtj2k).ok());
  EXPECT_EQ(f.count(WorkerEvent::kCrashed), 0);
}

TEST(CodecPool, AHangEndsAfterTheTimeout) {
  Fixture f({.workers = 1, .timeout = 800ms});
  const Image image = MakeImage({});
  ASSERT_TRUE(RoundTrip(*f.pool, image, kHtj2k).ok());
  for (const pid_t child : Children()) kill(child, SIGSTOP);
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(f.pool->Encode(image, kHtj2k, {}).status().code(), Code::kLimit);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 10s);
  EXPECT_EQ(f.count(WorkerEvent::kTimedOut), 1);
  EXPECT_TRUE(RoundTrip(*f.pool, image, kHtj2k).ok());
}

TEST(CodecPool, CpuTimeIsLimited) {
  Fixture f({.workers = 1, .cpu_limit = 0s});
  // Seconds of work where one is allowed.
  const Image image = MakeImage({.rows = 2200, .columns = 2200, .bits_stored = 16, .noise = 30000});
  EXPECT_EQ(f.pool->Encode(image, kJpeg2000, {}).status().code(), Code::kLimit);
  EXPECT_EQ(f.count(WorkerEvent::kCpuLimit), 1);
}

TEST(CodecPool, MemoryIsLimited) {
  if (kSanitized) GTEST_SKIP() << "sanitizers need address space";
  Fixture f({.workers = 1, .address_space = 400 << 20});
  const Image image = MakeImage({.rows = 64, .columns = 64, .bits_allocated = 8, .bits_stored = 8});
  Result<EncodedFrame> encoded = LocalCodec().Encode(image, kJpeg2000, {});
  ASSERT_TRUE(encoded.ok());
  // The same codestream claims 20,000 by 20,000 pixels: 1.6 GB as the decoder counts.
  for (const size_t at : {8, 12, 24, 28}) encoded->bytes.replace(at, 4, std::string("\0\0\x4E\x20", 4));
  FrameFormat huge = encoded->format;
  huge.rows = huge.columns = 20000;
  const Status status = f.pool->Decode(kJpeg2000, encoded->bytes, huge, {}).status();
  EXPECT_FALSE(status.ok());
  const Result<Image> back = RoundTrip(*f.pool, image, kJpeg2000);
  ASSERT_TRUE(back.ok()) << back.status().message();
  EXPECT_EQ(back->pixels, image.pixels);
}

TEST(CodecPool, LargeMemoryIsGivenBack) {
  Fixture f({.workers = 1, .keep_shared = 1 << 20});
  const Image large = MakeImage({.rows = 1200, .columns = 1000, .noise = 0}), small = MakeImage({});
  for (const Image* image : {&large, &small, &large}) {
    const Result<Image> back = RoundTrip(*f.pool, *image, kHtj2k);
    ASSERT_TRUE(back.ok()) << back.status().message();
    EXPECT_EQ(back->pixels, image->pixels);
  }
  std::ifstream maps("/proc/self/maps");
  const std::string text((std::istreambuf_iterator<char>(maps)), {});
  EXPECT_EQ(text.find("memfd:codec"), std::string::npos);
}

TEST(CodecPool, SaysWhyItCannotStart) {
  Fixture f({.executable = "/nonexistent/binary"});
  Status status = f.pool->Encode(MakeImage({}), kHtj2k, {}).status();
  EXPECT_EQ(status.code(), Code::kUnavailable);
  EXPECT_NE(status.message().find("/nonexistent/binary"), std::string::npos);
  Fixture g({.executable = "/bin/true"});
  status = g.pool->Encode(MakeImage({}), kHtj2k, {}).status();
  EXPECT_EQ(status.code(), Code::kUnavailable);
}

TEST(CodecPool, LeavesNoProcessBehind) {
  {
    Fixture f;
    ASSERT_TRUE(RoundTrip(*f.pool, MakeImage({}), kHtj2k).ok());
    EXPECT_EQ(Children().size(), 1u);
  }
  EXPECT_TRUE(Children().empty());
}

// Damaged codestreams of every codec: the parent lives, every answer comes in time, good frames still decode.
TEST(CodecPool, DamagedCodestreamsHarmNobody) {
  const int rounds = std::getenv("HILUM_LONG_TESTS") != nullptr ? 3000 : 60;
  Fixture f({.workers = 2, .timeout = 20s, .cpu_limit = 1s});
  std::mt19937 random(7);
  const std::vector<ImageSpec> kinds = {
      {.bits_allocated = 8, .bits_stored = 8},
      {.is_signed = true},
      {.bits_allocated = 8, .bits_stored = 8, .samples = 3, .photometric = Photometric::kRgb},
  };
  for (const TransferSyntax& syntax : TransferSyntaxes()) {
    if (!syntax.can_encode || syntax.coding == Coding::kNative) continue;
    for (const ImageSpec& kind : kinds) {
      const Image image = MakeImage(kind);
      const Result<EncodedFrame> encoded = LocalCodec().Encode(image, syntax.uid, {});
      if (!encoded.ok()) continue;
      for (int i = 0; i < rounds; ++i) {
        std::string bytes = encoded->bytes;
        if (i % 3 == 0) bytes.resize(random() % bytes.size());
        for (size_t n = random() % 4 + (i % 3 != 0); n > 0 && !bytes.empty(); --n) {
          // Half of the damage hits the headers.
          const size_t at = random() % (random() % 2 != 0 ? std::min<size_t>(bytes.size(), 200) : bytes.size());
          bytes[at] = static_cast<char>(random());
        }
        const auto begin = std::chrono::steady_clock::now();
        const Result<Image> back = f.pool->Decode(syntax.uid, bytes, encoded->format, {.max_frame_bytes = 1 << 24});
        EXPECT_LT(std::chrono::steady_clock::now() - begin, 25s) << syntax.name;
        if (back.ok()) {
          EXPECT_EQ(back->pixels.size(), image.pixels.size());
        }
      }
      const Result<Image> good = f.pool->Decode(syntax.uid, encoded->bytes, encoded->format, {});
      ASSERT_TRUE(good.ok()) << syntax.name << ": " << good.status().message();
    }
  }
  EXPECT_EQ(f.count(WorkerEvent::kTimedOut), 0);
}

// What a worker is that answers each request twice: with no bytes, but well-formed.
constexpr std::string_view kAnswersTwice = "answers_twice";

int AnswerTwice() {
  Setup setup;
  if (read(kCodecWorkerDescriptor, &setup, sizeof(setup)) != sizeof(setup)) return 2;
  Reply reply{};
  reply.magic = kReplyMagic;
  const auto send = [&] { return write(kCodecWorkerDescriptor, &reply, sizeof(reply)) == sizeof(reply); };
  if (!send()) return 3;
  Request request;
  while (read(kCodecWorkerDescriptor, &request, sizeof(request)) == sizeof(request)) {
    reply.number = request.number;
    reply.format = request.format;
    if (!send() || !send()) return 4;
  }
  return 0;
}

TEST(CodecPool, AReplyToAnEarlierRequestIsNeverTakenForAnAnswer) {
  const hilum::testing::TempDir directory;
  const std::string executable = directory.path() + "/" + std::string(kAnswersTwice);
  std::filesystem::create_symlink(std::filesystem::read_symlink("/proc/self/exe"), executable);
  Fixture f({.workers = 1, .executable = executable});
  EXPECT_TRUE(f.pool->Encode(MakeImage({}), kHtj2k, {}).ok());
  EXPECT_FALSE(f.pool->Encode(MakeImage({}), kHtj2k, {}).ok()) << "the first one's second reply waited for it";
  EXPECT_EQ(f.count(WorkerEvent::kExited), 1);
  EXPECT_TRUE(f.pool->Encode(MakeImage({}), kHtj2k, {}).ok()) << "a new worker";
}

// In the sandbox, what is not allowed fails with EPERM: the exit code tells which step was wrong.
int ProbeSandbox() {
  if (!EnterSandbox(kCodecWorkerDescriptor, uint64_t{1} << 30).ok()) return 1;
  if (open("/etc/passwd", O_RDONLY) >= 0 || errno != EPERM) return 2;
  if (socket(AF_INET, SOCK_STREAM, 0) >= 0 || errno != EPERM) return 3;
  if (fork() >= 0 || errno != EPERM) return 4;
  if (mmap(nullptr, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED || errno != EPERM)
    return 5;
  if (kill(getppid(), SIGTERM) == 0 || errno != EPERM) return 6;
  if (mmap(nullptr, size_t{2} << 30, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED) return 7;
  if (write(1, "x", 1) >= 0 || errno != EPERM) return 8;
  return 0;
}

TEST(Sandbox, RefusesWhatDecodingDoesNotNeed) {
  if (kSanitized) GTEST_SKIP() << "sanitizers need system calls";
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) _exit(ProbeSandbox());
  int state = 0;
  ASSERT_EQ(waitpid(child, &state, 0), child);
  ASSERT_TRUE(WIFEXITED(state));
  EXPECT_EQ(WEXITSTATUS(state), 0);
}

}  // namespace
}  // namespace hilum::pixel

int main(int argc, char** argv) {
  if (hilum::pixel::IsCodecWorker(argc, argv) && std::string_view(argv[0]).ends_with(hilum::pixel::kAnswersTwice))
    return hilum::pixel::AnswerTwice();
  if (hilum::pixel::IsCodecWorker(argc, argv))
    return hilum::pixel::RunCodecWorker(hilum::pixel::kCodecWorkerDescriptor);
  ::testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
