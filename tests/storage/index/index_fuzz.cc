// Feeds stored bytes to the decoders of postings, columns, keys and rows: they refuse or read, never leave their
// bounds, and what they read they write back the same.
#include <cstdint>
#include <string>
#include <vector>

#include "storage/index/bitmap_builder.h"
#include "storage/index/column_block.h"
#include "storage/index/index.h"
#include "storage/index/rows.h"
#include "tests/fuzz/require.h"

namespace {

using namespace hilum::storage;  // NOLINT: the module under test
using hilum::ByteReader;
using hilum::Bytes;
using hilum::fuzz::Require;

void ReadSet(Bytes input) {
  BlockSet set;
  if (!set.AddEncoded(input)) return;
  std::string encoded, again;
  set.Encode(&encoded);
  BlockSet read;
  Require(read.AddEncoded(encoded));
  read.Encode(&again);
  Require(encoded == again);
  BitmapBuilder builder;
  Require(builder.Add(1, input));
  Require(builder.Build().Count() == set.Count());
}

void Merge(Bytes input, Entry entry) {
  std::string key = EntryPrefix(Tenant::kDefault, CollectionId{1}, entry, FieldId{1}) + "1234";
  const Bytes half = input.substr(0, input.size() / 2), rest = input.substr(input.size() / 2);
  const std::vector<Bytes> operands = {half, rest};
  std::string combined, folded, folded_combined;
  const bool combines = IndexMerger().Combine(key, operands, &combined);
  const bool folds = IndexMerger().Fold(key, std::nullopt, operands, &folded);
  if (!combines || !folds) return;
  const Bytes one = combined;
  Require(IndexMerger().Fold(key, std::nullopt, {&one, 1}, &folded_combined));
  // A set of one has a form of its own when nothing was folded; compare what they hold.
  BlockSet a, b;
  if (entry == Entry::kColumn) {
    Require(folded == folded_combined);
  } else {
    Require(a.AddEncoded(folded) && b.AddEncoded(folded_combined));
    std::string of_a, of_b;
    a.Encode(&of_a);
    b.Encode(&of_b);
    Require(of_a == of_b);
  }
}

void ReadCells(Bytes input) {
  for (const FieldKind kind : {FieldKind::kString, FieldKind::kDate, FieldKind::kNumber, FieldKind::kQuantity}) {
    const auto position = SortPosition(kind, input, false);
    Require(!position || position->size() <= kMaxKeyTextBytes);
  }
  ByteReader references(input);
  ReferenceValue value;
  while (!references.empty() && ReadReferenceCell(&references, &value)) Require(value.text.size() <= input.size());
  Bytes rest = input;
  KeyText text;
  if (ReadText(&rest, &text)) Require(text.text.size() <= kMaxKeyTextBytes);
  const std::string key(32, 'k');
  DecodeCursor(input, key).IgnoreError();  // refusing is fine
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const Bytes input(reinterpret_cast<const char*>(data), size);
  ReadSet(input);
  Merge(input, Entry::kPresent);
  Merge(input, Entry::kColumn);
  ReadCells(input);
  return 0;
}
