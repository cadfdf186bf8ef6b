// Whether the index of a collection holds exactly what its documents put into it: every posting, column row and long
// text, and no more. One scan of the collection's keys, whatever the order in which documents are given; 8 bytes of
// memory for each document that was ever numbered. Not thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "storage/index/bitmap.h"
#include "storage/index/index.h"

namespace hilum::storage {

class IndexEntries;

class IndexAudit {
 public:
  // All outlive the audit. kCorruption when the collection's document counter is damaged.
  static Result<IndexAudit> Begin(const Kv& kv, const Schema& schema, Tenant tenant, const Snapshot* snapshot,
                                  CollectionId collection);

  // The document is live and has these values. Once for each document that is.
  Status Expect(Doc doc, const DocumentValues& values);
  // The same with values that were worked out beforehand (entries.h).
  void Expect(Doc doc, IndexEntries* entries);

  struct Differences {
    Bitmap documents;                  // whose entries are not the expected ones
    std::vector<FieldId> fields;       // in which they differ, ascending
    std::vector<std::string> damaged;  // keys that cannot be read, in words; the first 100
  };
  // After all documents were given.
  Result<Differences> Compare();

 private:
  IndexAudit(const Kv& kv, const Schema& schema, Tenant tenant, const Snapshot* snapshot, CollectionId collection,
             uint32_t documents);
  // Counts an entry, `key` with `value`, for the document (`times` 1) or against it (-1). What is expected and found
  // adds up to zero.
  void Count(Doc doc, Bytes key, Bytes value, uint64_t times);
  bool CountStored(Bytes key, Bytes value);

  const Kv& kv_;
  const Schema& schema_;
  const Tenant tenant_;
  const Snapshot* snapshot_;
  const CollectionId collection_;
  std::vector<uint64_t> documents_;  // sums of hashes, by document
  std::vector<uint64_t> fields_;     // likewise, by field
  Bitmap beyond_;                    // documents that the counter never gave out
};

}  // namespace hilum::storage
