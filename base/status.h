// Status: the outcome of an operation that can fail, below the HTTP edge. Exceptions do not cross a module.
//
// A Status is cheap when OK (no allocation). Not thread-safe; give each thread its own copy.
// In builds with HILUM_CHECK_STATUS a Status that is destroyed without having been looked at aborts the
// process: an ignored error is a bug. Say `.IgnoreError()` where ignoring is right, and why.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace hilum {

enum class Code : uint8_t {
  kOk,
  kInvalid,      // the caller's bytes or arguments are wrong; repeating will not help
  kNotFound,     // what was named does not exist
  kConflict,     // it exists already, or a precondition failed
  kUnsupported,  // well formed, but not something we do
  kLimit,        // larger, deeper or more than a limit allows
  kDiskFull,     // refused before the disk is full; reads go on
  kCorruption,   // stored bytes are not what was written
  kIo,           // the operating system refused a read, write or sync
  kUnavailable,  // not now: overloaded, shutting down, read-only
  kCancelled,    // the other side went away
  kInternal,     // our own mistake
};

std::string_view CodeName(Code code);

class [[nodiscard]] Status {
 public:
  // OK, and no outcome of anything yet: need not be read. Functions return Status::Ok() instead.
  Status() = default;
  Status(Code code, std::string message);
  ~Status() { AssertChecked(); }

  Status(const Status& other);
  Status& operator=(const Status& other);
  Status(Status&& other) noexcept;
  Status& operator=(Status&& other) noexcept;

  static Status Ok() {
    Status status;
    status.MarkUnchecked();
    return status;
  }

  bool ok() const { return code() == Code::kOk; }
  Code code() const {
    MarkChecked();
    return error_ ? error_->code : Code::kOk;
  }
  // What failed, where, and what to do next. Empty when OK. Never holds patient data.
  const std::string& message() const;
  // "kIo: write segment 3 at offset 4096: ..." for logs.
  std::string ToString() const;
  // The same error with `context` and ": " in front of the message: callers add the step, callees the cause.
  Status WithContext(std::string_view context) const;

  void IgnoreError() const { MarkChecked(); }

 private:
  struct Error {
    Code code;
    std::string message;
  };

#ifdef HILUM_CHECK_STATUS
  void MarkChecked() const {
    checked_ = true;
  }
  void MarkUnchecked() const {
    checked_ = false;
  }
  void AssertChecked() const;
  mutable bool checked_ = true;
#else
  void MarkChecked() const {}
  void MarkUnchecked() const {}
  void AssertChecked() const {}
#endif
  std::unique_ptr<Error> error_;
};

Status Invalid(std::string message);
Status NotFound(std::string message);
Status Conflict(std::string message);
Status Unsupported(std::string message);
Status LimitExceeded(std::string message);
Status DiskFull(std::string message);
Status Corruption(std::string message);
Status IoError(std::string message);
// "<what>: <strerror>": kDiskFull, kNotFound, kUnavailable (descriptors or memory are used up), kIo for all others.
Status ErrnoStatus(std::string_view what, int errno_value);
Status Unavailable(std::string message);
Status Cancelled(std::string message);
Status Internal(std::string message);

}  // namespace hilum

// Returns from the current function when `expr` is not OK.
#define HILUM_RETURN_IF_ERROR(expr)                                                        \
  do {                                                                                     \
    if (::hilum::Status hilum_status_ = (expr); !hilum_status_.ok()) return hilum_status_; \
  } while (false)
