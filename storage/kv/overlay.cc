#include "storage/kv/overlay.h"

#include <cassert>
#include <iterator>
#include <utility>

#include "storage/kv/batch.h"

namespace hilum::storage {

Overlay::Change& Overlay::ChangeOf(Family family, Bytes key) {
  auto& layer = layers_[static_cast<size_t>(family)];
  auto found = layer.changes.find(key);
  if (found == layer.changes.end()) {
    found = layer.changes.try_emplace(std::string(key)).first;
    if (layer.ordered) layer.ordered->emplace(found->first, &found->second);
  }
  return found->second;
}

size_t Overlay::SizeOf(Bytes key, const Change& change) {
  size_t size = 0;
  if (change.base != Change::Base::kUnchanged) size += key.size() + change.value.size() + kOperationBytes;
  for (const auto& operand : change.operands) size += key.size() + operand.size() + kOperationBytes;
  return size;
}

void Overlay::Set(Family family, Bytes key, Change::Base base, Bytes value) {
  Change& change = ChangeOf(family, key);
  bytes_ -= SizeOf(key, change);
  change.base = base;
  change.value = value;
  change.operands.clear();
  bytes_ += SizeOf(key, change);
}

void Overlay::Put(Family family, Bytes key, Bytes value) {
  Set(family, key, Change::Base::kPut, value);
}
void Overlay::Delete(Family family, Bytes key) {
  Set(family, key, Change::Base::kDelete, {});
}

void Overlay::Merge(Family family, Bytes key, Bytes operand) {
  ChangeOf(family, key).operands.emplace_back(operand);
  bytes_ += key.size() + operand.size() + kOperationBytes;
}

const Overlay::Change* Overlay::Find(Family family, Bytes key) const {
  const auto& changes = layers_[static_cast<size_t>(family)].changes;
  const auto found = changes.find(key);
  return found == changes.end() ? nullptr : &found->second;
}

std::pair<Overlay::OrderedChanges::const_iterator, Overlay::OrderedChanges::const_iterator> Overlay::Range(
    Family family, Bytes lower, Bytes upper) {
  auto& layer = layers_[static_cast<size_t>(family)];
  if (!layer.ordered) {
    layer.ordered.emplace();
    for (const auto& [key, change] : layer.changes) layer.ordered->emplace(key, &change);
  }
  const auto& ordered = *layer.ordered;
  if (upper.empty()) return {ordered.lower_bound(lower), ordered.end()};
  if (lower >= upper) return {ordered.end(), ordered.end()};
  return {ordered.lower_bound(lower), ordered.lower_bound(upper)};
}

void Overlay::Absorb(Overlay* newer) {
  for (size_t i = 0; i < kFamilyCount; ++i) {
    auto& layer = layers_[i];
    auto& from = newer->layers_[i].changes;
    while (!from.empty()) {
      auto inserted = layer.changes.insert(from.extract(from.begin()));
      auto& [key, change] = *inserted.position;
      if (inserted.inserted) {
        bytes_ += SizeOf(key, change);
        if (layer.ordered) layer.ordered->emplace(key, &change);
        continue;
      }
      Change& above = inserted.node.mapped();
      bytes_ -= SizeOf(key, change);
      if (above.base != Change::Base::kUnchanged) {
        change = std::move(above);
      } else {
        std::move(above.operands.begin(), above.operands.end(), std::back_inserter(change.operands));
      }
      bytes_ += SizeOf(key, change);
    }
  }
  newer->Clear();
}

void Overlay::Clear() {
  for (auto& layer : layers_) {
    layer.ordered.reset();
    layer.changes.clear();
  }
  bytes_ = 0;
}

Status Overlay::AddMerge(const Merger& merger, Family family, Bytes key, const Change& change, Batch* batch) {
  const auto& operands = change.operands;
  if (operands.size() == 1) {
    batch->Merge(family, key, operands.front());
    return Status::Ok();
  }
  const std::vector<Bytes> views(operands.begin(), operands.end());
  std::string combined;
  if (!merger.Combine(key, views, &combined)) {
    return Internal(std::string("merger ") + merger.Name() + " does not understand an operand it was given");
  }
  if (combined.size() <= kMaxValueBytes) {
    batch->Merge(family, key, combined);
  } else {
    for (const auto& operand : operands) batch->Merge(family, key, operand);
  }
  return Status::Ok();
}

Result<Batch> Overlay::ToBatch(std::span<const Merger* const> mergers) const {
  Batch batch;
  for (size_t i = 0; i < kFamilyCount; ++i) {
    const auto family = static_cast<Family>(i);
    for (const auto& [key, change] : layers_[i].changes) {
      if (change.base == Change::Base::kPut) batch.Put(family, key, change.value);
      if (change.base == Change::Base::kDelete) batch.Delete(family, key);
      if (change.operands.empty()) continue;
      assert(mergers[i] != nullptr);
      HILUM_RETURN_IF_ERROR(AddMerge(*mergers[i], family, key, change, &batch));
    }
  }
  return batch;
}

}  // namespace hilum::storage
