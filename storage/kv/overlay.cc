#include "storage/kv/overlay.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "storage/kv/batch.h"

namespace hilum::storage {

KeyChange& Overlay::ChangeOf(Family family, Bytes key) {
  auto& layer = layers_[static_cast<size_t>(family)];
  const auto [entry, added] = layer.changes.FindOrAdd(key);
  if (added && layer.ordered) layer.ordered->emplace(entry->key, &entry->change);
  return entry->change;
}

size_t Overlay::SizeOf(Bytes key, const KeyChange& change) {
  const size_t operations = change.operand_count + (change.base != KeyChange::Base::kUnchanged ? 1 : 0);
  return operations * (key.size() + kOperationBytes) + change.value.size() + change.operands.size();
}

void Overlay::Set(Family family, Bytes key, KeyChange::Base base, Bytes value) {
  KeyChange& change = ChangeOf(family, key);
  bytes_ -= SizeOf(key, change);
  change = {.base = base, .value = std::string(value)};
  bytes_ += SizeOf(key, change);
}

void Overlay::Put(Family family, Bytes key, Bytes value) {
  Set(family, key, KeyChange::Base::kPut, value);
}
void Overlay::Delete(Family family, Bytes key) {
  Set(family, key, KeyChange::Base::kDelete, {});
}

void Overlay::Merge(Family family, Bytes key, Bytes operand) {
  KeyChange& change = ChangeOf(family, key);
  const size_t before = change.operands.size();
  change.AddOperand(operand);
  bytes_ += key.size() + kOperationBytes + change.operands.size() - before;
}

const KeyChange* Overlay::Find(Family family, Bytes key) const {
  const auto* const entry = layers_[static_cast<size_t>(family)].changes.Find(key);
  return entry == nullptr ? nullptr : &entry->change;
}

std::pair<Overlay::OrderedChanges::const_iterator, Overlay::OrderedChanges::const_iterator> Overlay::Range(
    Family family, Bytes lower, Bytes upper) {
  auto& layer = layers_[static_cast<size_t>(family)];
  if (!layer.ordered) {
    layer.ordered.emplace();
    for (const auto& entry : layer.changes.entries()) layer.ordered->emplace(entry.key, &entry.change);
  }
  const auto& ordered = *layer.ordered;
  if (upper.empty()) return {ordered.lower_bound(lower), ordered.end()};
  if (lower >= upper) return {ordered.end(), ordered.end()};
  return {ordered.lower_bound(lower), ordered.lower_bound(upper)};
}

void Overlay::Absorb(Overlay* newer) {
  if (empty()) {
    std::swap(*this, *newer);
    newer->Clear();
    return;
  }
  for (size_t i = 0; i < kFamilyCount; ++i) {
    auto& layer = layers_[i];
    for (auto& above : newer->layers_[i].changes.entries()) {
      const auto [entry, added] = layer.changes.FindOrAdd(above.key, above.hash);
      KeyChange& change = entry->change;
      if (added && layer.ordered) layer.ordered->emplace(entry->key, &change);
      bytes_ -= SizeOf(entry->key, change);
      if (added || above.change.base != KeyChange::Base::kUnchanged) {
        change = std::move(above.change);
      } else {
        change.operands += above.change.operands;
        change.operand_count += above.change.operand_count;
      }
      bytes_ += SizeOf(entry->key, change);
    }
  }
  newer->Clear();
}

void Overlay::Clear() {
  for (auto& layer : layers_) {
    layer.ordered.reset();
    layer.changes.Clear();
  }
  bytes_ = 0;
}

Status Overlay::AddMerge(const Merger& merger, Family family, Bytes key, const KeyChange& change, Batch* batch) {
  std::vector<Bytes> operands(change.operand_count);
  ByteReader in(change.operands);
  for (Bytes& operand : operands) {
    if (!in.ReadSized(&operand)) return Internal("the operands of a key are not what was added");
  }
  if (operands.size() == 1) {
    batch->Merge(family, key, operands.front());
    return Status::Ok();
  }
  std::string combined;
  if (!merger.Combine(key, operands, &combined)) {
    return Internal(std::string("merger ") + merger.Name() + " does not understand an operand it was given");
  }
  if (combined.size() <= kMaxValueBytes) {
    batch->Merge(family, key, combined);
  } else {
    for (const Bytes operand : operands) batch->Merge(family, key, operand);
  }
  return Status::Ok();
}

// The store finds the place of a key in its memory table from that of the key before: in order that is near.
std::vector<const ChangeTable::Entry*> Overlay::InOrder(const ChangeTable& changes) {
  std::vector<const ChangeTable::Entry*> ordered;
  ordered.reserve(changes.entries().size());
  for (const auto& entry : changes.entries()) ordered.push_back(&entry);
  std::ranges::sort(ordered, {}, [](const ChangeTable::Entry* entry) { return entry->key; });
  return ordered;
}

Result<Batch> Overlay::ToBatch(std::span<const Merger* const> mergers) const {
  Batch batch(bytes_);
  for (size_t i = 0; i < kFamilyCount; ++i) {
    const auto family = static_cast<Family>(i);
    for (const auto* entry : InOrder(layers_[i].changes)) {
      const auto& [key, hash, change] = *entry;
      if (change.base == KeyChange::Base::kPut) batch.Put(family, key, change.value);
      if (change.base == KeyChange::Base::kDelete) batch.Delete(family, key);
      if (change.operand_count == 0) continue;
      assert(mergers[i] != nullptr);
      HILUM_RETURN_IF_ERROR(AddMerge(*mergers[i], family, key, change, &batch));
    }
  }
  return batch;
}

}  // namespace hilum::storage
