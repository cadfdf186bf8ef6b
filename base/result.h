// Result<T>: a value or the Status that says why there is none. Same rules as Status (status.h).
#pragma once

#include <cassert>
#include <optional>
#include <utility>

#include "base/status.h"

namespace hilum {

template <typename T>
class [[nodiscard]] Result {
 public:
  // REQUIRES: !status.ok()
  Result(Status status) : status_(AsError(std::move(status))) {}         // NOLINT: implicit by design
  Result(T value) : value_(std::move(value)) { status_.IgnoreError(); }  // NOLINT: implicit by design

  Result(Result&&) noexcept = default;
  Result& operator=(Result&&) noexcept = default;
  Result(const Result&) = default;
  Result& operator=(const Result&) = default;

  bool ok() const { return status_.ok(); }
  const Status& status() const { return status_; }

  // REQUIRES: ok()
  T& value() & {
    assert(ok());
    return *value_;
  }
  const T& value() const& {
    assert(ok());
    return *value_;
  }
  T&& value() && {
    assert(ok());
    return std::move(*value_);
  }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  void IgnoreError() const { status_.IgnoreError(); }

 private:
  // Moving out leaves the error unread, although the assertion has read it.
  static Status AsError(Status status) {
    assert(!status.ok());
    return status;
  }

  Status status_;
  std::optional<T> value_;
};

}  // namespace hilum

#define HILUM_CONCAT_INNER(a, b) a##b
#define HILUM_CONCAT(a, b) HILUM_CONCAT_INNER(a, b)

// HILUM_ASSIGN_OR_RETURN(auto row, Find(key)): declares `row`, or returns the error from the current function.
#define HILUM_ASSIGN_OR_RETURN(declaration, expr) \
  HILUM_ASSIGN_OR_RETURN_INNER(HILUM_CONCAT(hilum_result_, __LINE__), declaration, expr)
#define HILUM_ASSIGN_OR_RETURN_INNER(result, declaration, expr) \
  auto result = (expr);                                         \
  if (!result.ok()) return result.status();                     \
  declaration = std::move(result).value()
