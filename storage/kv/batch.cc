#include "storage/kv/batch.h"

namespace hilum::storage {

void BatchOperations::Add(Operation operation, Family family, Bytes key, Bytes value) {
  if (ordered && !operations.empty()) {
    ByteReader in(Bytes(operations).substr(last_at_));
    Bytes head, last;
    ordered = in.ReadBytes(2, &head) && in.ReadSized(&last) &&
              (static_cast<Family>(head[1]) < family || (static_cast<Family>(head[1]) == family && last < key));
  }
  if (operation == Operation::kMerge) merged_families |= 1u << static_cast<size_t>(family);
  last_at_ = operations.size();
  operations.push_back(static_cast<char>(operation));
  operations.push_back(static_cast<char>(family));
  AppendSized(&operations, key);
  AppendSized(&operations, value);
  bytes += key.size() + value.size() + kOperationBytes;
  if (key.size() > kMaxKeyBytes || value.size() > kMaxValueBytes) oversized = true;
}

Batch::Batch(size_t bytes) : rep_(std::make_unique<Rep>()) {
  rep_->operations.reserve(bytes);
}
Batch::~Batch() = default;
Batch::Batch(Batch&&) noexcept = default;
Batch& Batch::operator=(Batch&&) noexcept = default;

void Batch::Put(Family family, Bytes key, Bytes value) {
  rep_->Add(Operation::kPut, family, key, value);
}
void Batch::Delete(Family family, Bytes key) {
  rep_->Add(Operation::kDelete, family, key, {});
}
void Batch::Merge(Family family, Bytes key, Bytes operand) {
  rep_->Add(Operation::kMerge, family, key, operand);
}

bool Batch::empty() const {
  return rep_->operations.empty();
}
size_t Batch::bytes() const {
  return rep_->bytes;
}

std::string PrefixEnd(Bytes prefix) {
  std::string end(prefix);
  while (!end.empty() && end.back() == '\xFF') end.pop_back();
  if (!end.empty()) ++end.back();
  return end;
}

}  // namespace hilum::storage
