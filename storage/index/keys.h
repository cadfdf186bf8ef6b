// Keys of the index: tenant (4) | collection (2) | entry (1) | field (2) | value | block (4), all big-endian. Pure
// functions.
//
// Fixed-length values need no delimiter. Texts are cut, escaped and terminated (AppendText), so that keys sort like
// texts and no text is a prefix of another. Layout of each value: Entry.
#pragma once

#include <cstdint>
#include <string>

#include "base/bytes.h"
#include "storage/index/values.h"
#include "storage/tenant.h"

namespace hilum::storage {

// Numbers are on disk. Where no value is given the key has none.
enum class Entry : uint8_t {
  // Postings.
  kLive = 1,     // every document of the collection that exists; field 0
  kPresent = 2,  // has a value of the field
  kMulti = 3,    // has several
  kWide = 4,     // has a range that does not begin and end in the same finest bucket
  kToken =
      5,  // hash of the code (8) | hash of the system (8, none without a system); also texts of references, and units
  kCode = 6,       // tokens with patterns or sorting: code as text | system as text
  kSystem = 7,     // hash of the system (8)
  kText = 8,       // strings: folded text | hash of the original (8); uris: text
  kWord = 9,       // strings: a word of the folded text, as text
  kTrigram = 10,   // strings: three bytes of the folded text
  kStart = 11,     // ranges: level (1) | bucket (8) the range begins in
  kEnd = 12,       // ranges: level (1) | bucket (8) the range ends in, where it is not the one it begins in
  kReferrer = 13,  // references: target collection (2) | target document (4)
  // Columns.
  kColumn = 14,          // blocks of rows; the block counts 256 documents
  kColumnOverflow = 15,  // document (4) | chunk (4): a row too long for its block; put, not merged; no block
  kLongText =
      16,  // document (4) | hash of the folded text (8): a text longer than keys hold; put, not merged; no block
};

inline constexpr size_t kEntryPrefixBytes = 9;
inline constexpr size_t kBlockBytes = 4;

// Texts are kept in keys and columns up to here; longer ones are told apart by a hash.
inline constexpr size_t kMaxKeyTextBytes = 200;

void AppendEntryPrefix(std::string* key, Tenant tenant, CollectionId collection, Entry entry, FieldId field);
std::string EntryPrefix(Tenant tenant, CollectionId collection, Entry entry, FieldId field);

// Stable and on disk. 64 bits are not checked against the original: among ten million codes of a field the chance that
// one asked for meets another's hash is 5e-13.
uint64_t HashOf(Bytes bytes);

// What a key (or a column) keeps of a text.
struct KeyText {
  std::string text;
  bool cut = false;
  uint64_t hash = 0;  // of the whole text; 0 unless cut
};

// Sorts like the kept text. The kept text, escaped, a zero, and the hash when it was cut.
void AppendText(std::string* key, Bytes text);
// Every key whose text starts with `prefix` (cut as texts are) starts with this.
void AppendTextPrefix(std::string* key, Bytes prefix);
// Reads what AppendText wrote from the front of `rest`. False when the bytes are damaged.
bool ReadText(Bytes* rest, KeyText* out);

void AppendTokenKey(std::string* key, Bytes system, Bytes code);

}  // namespace hilum::storage
