#include "storage/kv/rocks_iterator.h"

#include "storage/kv/rocks_status.h"

namespace hilum::storage {

RocksIterator::RocksIterator(rocksdb::DB* db, rocksdb::ColumnFamilyHandle* family, const char* name,
                             rocksdb::ReadOptions read, std::string lower, std::string upper)
    : name_(name), lower_(std::move(lower)), upper_(std::move(upper)), lower_slice_(lower_), upper_slice_(upper_) {
  if (!upper_.empty() && lower_ >= upper_) return;
  read.iterate_lower_bound = &lower_slice_;
  if (!upper_.empty()) read.iterate_upper_bound = &upper_slice_;
  iterator_.reset(db->NewIterator(read, family));
}

void RocksIterator::Seek(Bytes key) {
  if (iterator_ != nullptr) iterator_->Seek(key);
}

void RocksIterator::SeekForPrev(Bytes key) {
  if (iterator_ != nullptr) iterator_->SeekForPrev(key);
}

void RocksIterator::SeekToFirst() {
  if (iterator_ != nullptr) iterator_->SeekToFirst();
}

void RocksIterator::SeekToLast() {
  if (iterator_ != nullptr) iterator_->SeekToLast();
}

Status RocksIterator::status() const {
  if (iterator_ == nullptr) return Status::Ok();
  return FromRocks(std::string("scan ") + name_, iterator_->status());
}

}  // namespace hilum::storage
