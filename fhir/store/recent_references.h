// Which resources were referred to lately: by this a deletion knows that nobody began to refer to what it deletes
// between its search for referrers and its commit. Not thread-safe; the writer thread's.
#pragma once

#include <cstdint>
#include <deque>

#include "fhir/definitions/definitions.h"
#include "storage/index/values.h"

namespace hilum::fhir {

class RecentReferences {
 public:
  // The change `sequence` refers to the resource, unless the change is undone: then its number is given out again.
  void Note(uint64_t sequence, TypeId type, storage::Doc doc) {
    if (notes_.size() == kRemembered) {
      forgotten_ = notes_.front().sequence;
      notes_.pop_front();
    }
    notes_.push_back({sequence, type, doc});
  }

  // Whether a change behind `sequence`, up to `last`, may refer to it; true when it is not remembered so far back.
  bool MayRefer(uint64_t sequence, uint64_t last, TypeId type, storage::Doc doc) const {
    if (sequence < forgotten_) return true;
    for (auto note = notes_.rbegin(); note != notes_.rend() && note->sequence > sequence; ++note) {
      if (note->sequence <= last && note->type == type && note->doc == doc) return true;
    }
    return false;
  }

 private:
  static constexpr size_t kRemembered = 100'000;  // 1.6 MB
  struct Entry {
    uint64_t sequence = 0;
    TypeId type = kNoType;
    storage::Doc doc = 0;
  };
  std::deque<Entry> notes_;
  uint64_t forgotten_ = 0;  // sequence of the newest note that was dropped
};

}  // namespace hilum::fhir
