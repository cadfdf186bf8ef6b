#include "base/log.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <limits>
#include <sstream>
#include <thread>
#include <vector>

namespace hilum {
namespace {

// A stream to log into and read back from.
class LogStream {
 public:
  LogStream() : descriptor_(memfd_create("log", 0)) {}
  ~LogStream() { close(descriptor_); }
  int descriptor() const { return descriptor_; }

  std::vector<std::string> Lines() const {
    std::string text(static_cast<size_t>(lseek(descriptor_, 0, SEEK_END)), '\0');
    EXPECT_EQ(pread(descriptor_, text.data(), text.size(), 0), static_cast<ssize_t>(text.size()));
    std::vector<std::string> lines;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);) lines.push_back(line);
    return lines;
  }

 private:
  const int descriptor_;
};

TEST(Log, WritesOneJsonObjectALine) {
  LogStream stream;
  const Logger log(stream.descriptor(), LogLevel::kInfo);
  log.Info("stored",
           {{"instances", 3}, {"bytes", uint64_t{1} << 63}, {"seconds", 0.25}, {"repeat", false}, {"who", "x"}});
  const auto lines = stream.Lines();
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_THAT(lines[0], testing::MatchesRegex(
                            R"(\{"time":"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z",.*)"));
  EXPECT_THAT(lines[0], testing::HasSubstr(R"("level":"info","msg":"stored","instances":3,"bytes":9223372036854775808,)"
                                           R"("seconds":0.25,"repeat":false,"who":"x"})"));
}

TEST(Log, EscapesWhatWouldBreakALine) {
  LogStream stream;
  const Logger log(stream.descriptor(), LogLevel::kDebug);
  log.Error("a\"b\\c\nd\x01 \xC3\xA9 \xC3 \xED\xA0\x80", {{"nan", std::numeric_limits<double>::quiet_NaN()}});
  const auto lines = stream.Lines();
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_THAT(lines[0], testing::HasSubstr(
                            "\"msg\":\"a\\\"b\\\\c\\nd\\u0001 \xC3\xA9 \uFFFD \uFFFD\uFFFD\uFFFD\",\"nan\":null}"));
}

TEST(Log, DropsLinesBelowTheThreshold) {
  LogStream stream;
  const Logger log(stream.descriptor(), LogLevel::kWarning);
  log.Debug("no");
  log.Info("no");
  log.Warning("yes");
  log.Error("yes");
  EXPECT_EQ(stream.Lines().size(), 2u);
  EXPECT_FALSE(log.enabled(LogLevel::kInfo));
  EXPECT_TRUE(log.enabled(LogLevel::kError));
}

TEST(Log, TheRequestIsInEveryLineOfItsHandle) {
  LogStream stream;
  const Logger log(stream.descriptor(), LogLevel::kInfo);
  log.WithRequest("r-17").Info("inside");
  log.Info("outside");
  const auto lines = stream.Lines();
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_THAT(lines[0], testing::HasSubstr(R"("request":"r-17")"));
  EXPECT_THAT(lines[1], testing::Not(testing::HasSubstr("request")));
}

TEST(Log, ALoggerWithoutStreamDropsEverything) {
  const Logger log;
  EXPECT_FALSE(log.enabled(LogLevel::kError));
  log.WithRequest("r").Error("nowhere");
}

TEST(Log, LinesOfManyThreadsStayWhole) {
  LogStream stream;
  const Logger log(stream.descriptor(), LogLevel::kInfo);
  const std::string long_text(5000, 'x');
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 50; ++i) log.Info(long_text);
    });
  }
  for (auto& thread : threads) thread.join();
  const auto lines = stream.Lines();
  EXPECT_EQ(lines.size(), 200u);
  for (const auto& line : lines) {
    EXPECT_TRUE(line.starts_with("{\"time\"") && line.ends_with("x\"}")) << line.size();
  }
}

}  // namespace
}  // namespace hilum
