#include "base/config/setting.h"

#include <gtest/gtest.h>

namespace hilum {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(Setting, ReadsSizesWithUnits) {
  uint64_t target = 7;
  const Setting setting = Setting::Size("a", &target, "");
  const std::pair<const char*, uint64_t> table[] = {{"0", 0},
                                                    {"4096", 4096},
                                                    {"1B", 1},
                                                    {"2kB", 2000},
                                                    {"2KiB", 2048},
                                                    {"64MiB", 64 << 20},
                                                    {"10 GB", 10'000'000'000},
                                                    {"3TiB", 3ULL << 40},
                                                    {"18446744073709551615", UINT64_MAX}};
  for (const auto& [text, bytes] : table) {
    EXPECT_TRUE(setting.Store(text)) << text;
    EXPECT_EQ(target, bytes) << text;
  }
  target = 7;
  for (const char* text :
       {"", "MiB", "-1", "1.5MiB", "1 MiB ", "1mib", "1  MiB", "99999999TiB", "18446744073709551616"}) {
    EXPECT_FALSE(setting.Store(text)) << text;
  }
  EXPECT_EQ(target, 7u);
}

TEST(Setting, ReadsDurationsWithUnits) {
  milliseconds target{};
  const Setting setting("a", &target, "");
  const std::pair<const char*, int64_t> table[] = {{"0s", 0},       {"250ms", 250},      {"30s", 30'000},
                                                   {"5m", 300'000}, {"12h", 43'200'000}, {"7 d", 604'800'000}};
  for (const auto& [text, millis] : table) {
    EXPECT_TRUE(setting.Store(text)) << text;
    EXPECT_EQ(target.count(), millis) << text;
  }
  for (const char* text : {"", "30", "-1s", "1.5s", "1w", "99999999999999999999s", "9223372036854775807s"}) {
    EXPECT_FALSE(setting.Store(text)) << text;
  }
}

TEST(Setting, DoesNotRoundDurations) {
  seconds target{9};
  const Setting setting("a", &target, "");
  EXPECT_FALSE(setting.Store("1500ms"));
  EXPECT_EQ(target, seconds(9));
  EXPECT_TRUE(setting.Store("2000ms"));
  EXPECT_EQ(target, seconds(2));
}

TEST(Setting, KeepsIntegersInsideTheirTypeAndBounds) {
  uint16_t port = 1;
  const Setting typed("a", &port, "");
  EXPECT_TRUE(typed.Store("65535"));
  for (const char* text : {"65536", "-1", "", "1x", " 1", "1e3", "0x10"}) EXPECT_FALSE(typed.Store(text)) << text;
  EXPECT_EQ(port, 65535);
  EXPECT_EQ(typed.expected(), "an integer from 0 to 65535");

  size_t threads = 4;
  const Setting bounded("a", &threads, "", "threads", 1, 64);
  EXPECT_FALSE(bounded.Store("0"));
  EXPECT_FALSE(bounded.Store("65"));
  EXPECT_TRUE(bounded.Store("64"));
  EXPECT_EQ(threads, 64u);
}

TEST(Setting, ReadsBooleansStringsAndLists) {
  bool flag = false;
  const Setting boolean("a", &flag, "");
  EXPECT_TRUE(boolean.Store("true"));
  EXPECT_TRUE(flag);
  for (const char* text : {"", "yes", "1", "True"}) EXPECT_FALSE(boolean.Store(text)) << text;

  std::string text = "x";
  EXPECT_TRUE(Setting("a", &text, "").Store(""));
  EXPECT_EQ(text, "");

  std::vector<std::string> list = {"old"};
  const Setting items("a", &list, "");
  EXPECT_TRUE(items.Store("a, b ,c"));
  EXPECT_EQ(list, (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_TRUE(items.Store(""));
  EXPECT_EQ(list, std::vector<std::string>{});
}

TEST(Setting, TheDefaultIsWhatTheTargetHolds) {
  uint64_t bytes = 64 << 20, odd = 1025, decimal = 5'000'000;
  milliseconds minute{60'000}, zero{0}, odd_time{1500};
  std::string text = "here";
  std::vector<std::string> list = {"a", "b"}, empty;
  bool flag = true;
  int number = -5;
  EXPECT_EQ(Setting::Size("a", &bytes, "").default_text(), "\"64MiB\"");
  EXPECT_EQ(Setting::Size("a", &decimal, "").default_text(), "\"5MB\"");
  EXPECT_EQ(Setting::Size("a", &odd, "").default_text(), "\"1025B\"");
  EXPECT_EQ(Setting("a", &minute, "").default_text(), "\"1m\"");
  EXPECT_EQ(Setting("a", &zero, "").default_text(), "\"0s\"");
  EXPECT_EQ(Setting("a", &odd_time, "").default_text(), "\"1500ms\"");
  EXPECT_EQ(Setting("a", &text, "").default_text(), "\"here\"");
  EXPECT_EQ(Setting("a", &list, "").default_text(), "[\"a\", \"b\"]");
  EXPECT_EQ(Setting("a", &empty, "").default_text(), "[]");
  EXPECT_EQ(Setting("a", &flag, "").default_text(), "true");
  EXPECT_EQ(Setting("a", &number, "").default_text(), "-5");
}

TEST(Setting, NamesItsEnvironmentVariable) {
  bool flag = false;
  EXPECT_EQ(Setting("http.body_timeout2", &flag, "").environment_name(), "HILUM_HTTP_BODY_TIMEOUT2");
}

}  // namespace
}  // namespace hilum
