#include "base/fail_stop.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>

namespace hilum {
namespace {

TEST(FailStop, WhoMeetsTheErrorIsToldWhatEverybodyIsToldAndTheLogHasTheCause) {
  const int log = memfd_create("log", 0);
  std::string fatal;
  FailStop stop(
      "the store", [&](const Status& cause) { fatal += cause.message(); }, Logger(log, LogLevel::kInfo));
  EXPECT_TRUE(stop.status().ok());
  for (const char* const path : {"/data/kv/watermark", "/data/kv/other"}) {
    const Status met = stop.Trip(IoError(std::string("write ") + path));
    EXPECT_EQ(met.code(), Code::kUnavailable);
    EXPECT_EQ(met.message(), stop.status().message());
    EXPECT_EQ(met.message().find("/data"), std::string::npos) << met.message();
  }
  EXPECT_EQ(fatal, "write /data/kv/watermark") << "the first cause, once";
  std::array<char, 4096> text{};
  EXPECT_GT(pread(log, text.data(), text.size() - 1, 0), 0);
  EXPECT_NE(std::string(text.data()).find("/data/kv/watermark"), std::string::npos);
  close(log);
}

TEST(FailStop, WhereStoredBytesAreDamagedNobodyIsToldToStartAgain) {
  FailStop stop("the store", nullptr, Logger());
  const Status met = stop.Trip(Corruption("a block of /data/kv/000012.sst"));
  EXPECT_EQ(met.code(), Code::kUnavailable);
  EXPECT_NE(met.message().find("starting again does not help: keep the folder, restore a backup"), std::string::npos);
  EXPECT_EQ(met.message().find("restart to recover"), std::string::npos) << met.message();
}

}  // namespace
}  // namespace hilum
