// The Txn of one task: its own changes, over those of earlier tasks of the group, over the store. Not thread-safe.
#pragma once

#include <span>
#include <string>
#include <utility>
#include <vector>

#include "storage/kv/overlay.h"
#include "storage/kv/writer.h"

namespace hilum::storage {

class GroupTxn : public Txn {
 public:
  // All outlive the Txn. `task` is empty and receives the changes; `group` is only read.
  GroupTxn(const Kv& kv, std::span<const Merger* const> mergers, Overlay* group, Overlay* task)
      : kv_(kv), mergers_(mergers), group_(*group), task_(*task) {}

  Result<std::optional<std::string>> Get(Family family, Bytes key) override;
  Result<std::vector<std::pair<std::string, std::string>>> Scan(Family family, Bytes lower, Bytes upper,
                                                                size_t limit) override;
  void Put(Family family, Bytes key, Bytes value) override;
  void Delete(Family family, Bytes key) override;
  void Merge(Family family, Bytes key, Bytes operand) override;

  // kLimit when a key, a value or all changes together exceed the envelope; the task has failed then.
  Status limits() const;

 private:
  bool Merges(Family family) const;
  bool Fits(Bytes key, Bytes value);

  const Kv& kv_;
  const std::span<const Merger* const> mergers_;
  Overlay& group_;
  Overlay& task_;
  bool oversized_ = false;
};

}  // namespace hilum::storage
