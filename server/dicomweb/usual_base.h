// The URL that metadata made ahead of requests holds: the public one, or else the one that readers, or else storers,
// reached the service by last. Safe for concurrent use.
#pragma once

#include <mutex>
#include <string>
#include <utility>

namespace hilum::dicomweb {

class UsualBase {
 public:
  // `known`: empty when it is not known ahead.
  explicit UsualBase(std::string known) : known_(std::move(known)) {}

  void Note(const std::string& base, bool reads) {
    const std::lock_guard lock(mu_);
    if (!reads && of_reader_) return;
    last_ = base;
    of_reader_ = of_reader_ || reads;
  }

  // Empty: none yet.
  std::string Get() const {
    if (!known_.empty()) return known_;
    const std::lock_guard lock(mu_);
    return last_;
  }

 private:
  const std::string known_;
  mutable std::mutex mu_;
  std::string last_;        // guarded by mu_
  bool of_reader_ = false;  // guarded by mu_
};

}  // namespace hilum::dicomweb
