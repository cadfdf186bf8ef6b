// The Txn of one task: its own changes, over those of earlier tasks that are not committed yet, over the store. Not
// thread-safe.
#pragma once

#include <array>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "storage/kv/overlay.h"
#include "storage/kv/writer.h"

namespace hilum::storage {

class GroupTxn : public Txn {
 public:
  // Newest first. The first receives the changes and is empty; the others do not change, and may be on their
  // way to disk on another thread meanwhile (Overlay::Range).
  using Layers = std::array<Overlay*, 3>;

  // All outlive the Txn.
  GroupTxn(const Kv& kv, std::span<const Merger* const> mergers, const Layers& layers)
      : kv_(kv), mergers_(mergers), layers_(layers), task_(*layers.front()) {}

  Result<std::optional<std::string>> Get(Family family, Bytes key) override;
  Result<std::vector<std::optional<std::string>>> MultiGet(Family family, std::span<const std::string> keys) override;
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
  const Layers layers_;
  Overlay& task_;
  bool oversized_ = false;
};

}  // namespace hilum::storage
