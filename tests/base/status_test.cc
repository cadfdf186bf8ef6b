#include "base/status.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <cstdlib>
#include <utility>

#include "base/result.h"

namespace hilum {
namespace {

TEST(Status, IsOkWithoutMessageByDefault) {
  const Status status;
  EXPECT_TRUE(status.ok());
  EXPECT_EQ(status.code(), Code::kOk);
  EXPECT_EQ(status.message(), "");
  EXPECT_EQ(status.ToString(), "ok");
}

TEST(Status, CarriesCodeAndMessage) {
  const Status status = Corruption("segment 3 at offset 4096: checksum differs");
  EXPECT_FALSE(status.ok());
  EXPECT_EQ(status.code(), Code::kCorruption);
  EXPECT_EQ(status.ToString(), "corruption: segment 3 at offset 4096: checksum differs");
}

TEST(Status, ContextGoesInFrontAndKeepsTheCode) {
  const Status status = NotFound("no such file").WithContext("open segment 3");
  EXPECT_EQ(status.code(), Code::kNotFound);
  EXPECT_EQ(status.message(), "open segment 3: no such file");
  EXPECT_TRUE(Status().WithContext("anything").ok());
}

TEST(Status, CopyAndMoveKeepTheError) {
  Status first = Invalid("bad");
  const Status copy = first;
  EXPECT_EQ(copy.message(), "bad");
  const Status moved = std::move(first);
  EXPECT_EQ(moved.message(), "bad");
  Status assigned = Status::Ok();
  ASSERT_TRUE(assigned.ok());
  assigned = moved;
  EXPECT_EQ(assigned.message(), "bad");
}

TEST(Status, ErrnoTellsFullDisksAndMissingFilesAndWhatWillPassApart) {
  EXPECT_EQ(ErrnoStatus("write x", ENOSPC).code(), Code::kDiskFull);
  EXPECT_EQ(ErrnoStatus("write x", EDQUOT).code(), Code::kDiskFull);
  EXPECT_EQ(ErrnoStatus("open x", ENOENT).code(), Code::kNotFound);
  for (const int used_up : {EMFILE, ENFILE, ENOMEM})
    EXPECT_EQ(ErrnoStatus("open x", used_up).code(), Code::kUnavailable);
  EXPECT_EQ(ErrnoStatus("sync x", EIO).code(), Code::kIo);
  EXPECT_EQ(ErrnoStatus("sync x", EIO).message(), "sync x: Input/output error");
}

TEST(Status, EveryCodeHasAName) {
  for (int code = 0; code <= static_cast<int>(Code::kInternal); ++code) {
    EXPECT_NE(CodeName(static_cast<Code>(code)), "unknown") << code;
  }
}

Status FailWhen(bool fail) {
  return fail ? Unavailable("overloaded") : Status::Ok();
}

Status PassOn(bool fail, bool* reached_end) {
  HILUM_RETURN_IF_ERROR(FailWhen(fail));
  *reached_end = true;
  return Status::Ok();
}

TEST(Status, ReturnIfErrorReturnsOnlyErrors) {
  bool reached_end = false;
  EXPECT_EQ(PassOn(true, &reached_end).code(), Code::kUnavailable);
  EXPECT_FALSE(reached_end);
  EXPECT_TRUE(PassOn(false, &reached_end).ok());
  EXPECT_TRUE(reached_end);
}

#ifdef HILUM_CHECK_STATUS
TEST(StatusDeathTest, AbortsWhenDestroyedUnread) {
  EXPECT_DEATH({ Status status = IoError("sync failed"); }, "destroyed unread: sync failed");
  EXPECT_DEATH({ Status status = Status::Ok(); }, "destroyed unread: OK");
}

TEST(StatusDeathTest, AbortsWhenOverwrittenUnread) {
  EXPECT_DEATH(
      {
        Status status = IoError("first");
        status = Status::Ok();
        status.IgnoreError();
      },
      "destroyed unread: first");
}

TEST(StatusDeathTest, AResultMustBeReadToo) {
  EXPECT_DEATH({ Result<int> result = Invalid("bad number"); }, "destroyed unread: bad number");
}
#endif

TEST(Status, OneThatIsNoOutcomeYetNeedNotBeRead) {
  Status member;
  member = Invalid("first outcome");
  EXPECT_EQ(member.code(), Code::kInvalid);
  { const Status unused; }
}

TEST(StatusDeathTest, IgnoringIsReading) {
  EXPECT_EXIT(
      {
        { IoError("close failed").IgnoreError(); }
        std::exit(0);
      },
      ::testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace hilum
