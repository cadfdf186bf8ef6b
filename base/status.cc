#include "base/status.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <system_error>
#include <utility>

namespace hilum {

std::string_view CodeName(Code code) {
  switch (code) {
    case Code::kOk:
      return "ok";
    case Code::kInvalid:
      return "invalid";
    case Code::kNotFound:
      return "not found";
    case Code::kConflict:
      return "conflict";
    case Code::kUnsupported:
      return "unsupported";
    case Code::kLimit:
      return "limit exceeded";
    case Code::kDiskFull:
      return "disk full";
    case Code::kCorruption:
      return "corruption";
    case Code::kIo:
      return "input/output error";
    case Code::kUnavailable:
      return "unavailable";
    case Code::kCancelled:
      return "cancelled";
    case Code::kInternal:
      return "internal error";
  }
  return "unknown";
}

Status::Status(Code code, std::string message) {
  if (code != Code::kOk) error_ = std::make_unique<Error>(Error{code, std::move(message)});
  MarkUnchecked();
}

Status::Status(const Status& other) : error_(other.error_ ? std::make_unique<Error>(*other.error_) : nullptr) {
  other.MarkChecked();
  MarkUnchecked();
}

Status& Status::operator=(const Status& other) {
  if (this == &other) return *this;
  AssertChecked();
  other.MarkChecked();
  error_ = other.error_ ? std::make_unique<Error>(*other.error_) : nullptr;
  MarkUnchecked();
  return *this;
}

Status::Status(Status&& other) noexcept : error_(std::move(other.error_)) {
  other.MarkChecked();
  MarkUnchecked();
}

Status& Status::operator=(Status&& other) noexcept {
  if (this == &other) return *this;
  AssertChecked();
  other.MarkChecked();
  error_ = std::move(other.error_);
  MarkUnchecked();
  return *this;
}

#ifdef HILUM_CHECK_STATUS
void Status::AssertChecked() const {
  if (checked_) return;
  std::fprintf(stderr, "a Status was destroyed unread: %s\n", error_ ? error_->message.c_str() : "OK");
  std::abort();
}
#endif

const std::string& Status::message() const {
  static const std::string kEmpty;
  MarkChecked();
  return error_ ? error_->message : kEmpty;
}

std::string Status::ToString() const {
  if (ok()) return "ok";
  return std::string(CodeName(error_->code)) + ": " + error_->message;
}

Status Status::WithContext(std::string_view context) const {
  if (ok()) return Ok();
  return Status(error_->code, std::string(context) + ": " + error_->message);
}

Status Invalid(std::string message) {
  return {Code::kInvalid, std::move(message)};
}
Status NotFound(std::string message) {
  return {Code::kNotFound, std::move(message)};
}
Status Conflict(std::string message) {
  return {Code::kConflict, std::move(message)};
}
Status Unsupported(std::string message) {
  return {Code::kUnsupported, std::move(message)};
}
Status LimitExceeded(std::string message) {
  return {Code::kLimit, std::move(message)};
}
Status DiskFull(std::string message) {
  return {Code::kDiskFull, std::move(message)};
}
Status Corruption(std::string message) {
  return {Code::kCorruption, std::move(message)};
}
Status IoError(std::string message) {
  return {Code::kIo, std::move(message)};
}
Status Unavailable(std::string message) {
  return {Code::kUnavailable, std::move(message)};
}
Status Cancelled(std::string message) {
  return {Code::kCancelled, std::move(message)};
}
Status Internal(std::string message) {
  return {Code::kInternal, std::move(message)};
}

Status ErrnoStatus(std::string_view what, int errno_value) {
  Code code = Code::kIo;
  if (errno_value == ENOSPC || errno_value == EDQUOT) code = Code::kDiskFull;
  if (errno_value == EMFILE || errno_value == ENFILE || errno_value == ENOMEM) code = Code::kUnavailable;
  if (errno_value == ENOENT) code = Code::kNotFound;
  return {code, std::string(what) + ": " + std::generic_category().message(errno_value)};
}

}  // namespace hilum
