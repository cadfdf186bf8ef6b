// Iterator over one column family within bounds. Not thread-safe.
#pragma once

#include <rocksdb/db.h>

#include <memory>
#include <string>

#include "storage/kv/kv.h"

namespace hilum::storage {

class RocksIterator : public Iterator {
 public:
  RocksIterator(rocksdb::DB* db, rocksdb::ColumnFamilyHandle* family, const char* name, rocksdb::ReadOptions read,
                std::string lower, std::string upper);

  void Seek(Bytes key) override;
  void SeekForPrev(Bytes key) override;
  void SeekToFirst() override;
  void SeekToLast() override;
  bool Valid() const override { return iterator_ != nullptr && iterator_->Valid(); }
  void Next() override { iterator_->Next(); }
  void Prev() override { iterator_->Prev(); }
  Bytes key() const override { return iterator_->key().ToStringView(); }
  Bytes value() const override { return iterator_->value().ToStringView(); }
  Status status() const override;

 private:
  const char* const name_;
  const std::string lower_;
  const std::string upper_;
  // RocksDB keeps pointers to these.
  const rocksdb::Slice lower_slice_;
  const rocksdb::Slice upper_slice_;
  std::unique_ptr<rocksdb::Iterator> iterator_;  // null when the range is empty
};

}  // namespace hilum::storage
