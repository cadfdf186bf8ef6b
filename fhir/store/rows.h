// Values of the rows in keys.h. Internal to fhir/store.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "fhir/store/store.h"

namespace hilum::fhir {

// Behind the head of a resource whose newest version is stored as edits comes that version's header: the next one is
// made of it, without reading more.
std::string EncodeHead(const Head& head);
// `rest`: what follows; may be nullptr.
std::optional<Head> DecodeHead(Bytes bytes, Bytes* rest = nullptr);

// In front of a version's bytes, or in place of them when it is stored as edits.
struct VersionHeader {
  Method method = Method::kCreate;
  bool partial = false;
  int64_t updated_micros = 0;
  uint64_t sequence = 0;
  uint64_t size = 0;  // of the bytes that follow, in all chunks
  std::string id;
  std::optional<EditedVersion> edited;
  std::string note;
};
void AppendVersionHeader(std::string* out, const VersionHeader& header);
// `rest`: what follows in the first chunk.
std::optional<VersionHeader> DecodeVersionHeader(Bytes bytes, Bytes* rest);
// "version 3 of document 17 of ImagingStudy": names a row to whoever mends a store, without what its user calls it.
std::string PlaceOf(TypeId type, storage::Doc doc, uint64_t number);
// Puts the bytes together of a version that is stored as edits of `base`.
Status ApplyEdits(const Version& base, Version* version);
// Without bytes.
Version VersionOf(const VersionHeader& header, TypeId type, storage::Doc doc, uint64_t number);

struct HistoryRow {
  storage::Doc doc = 0;
  uint64_t version = 0;
};
std::string EncodeHistoryRow(const HistoryRow& row);
std::optional<HistoryRow> DecodeHistoryRow(Bytes bytes);

// The rows by which conditional interactions find a resource with these identifiers.
std::set<std::string> IdentifierKeys(storage::CollectionId collection, storage::Doc doc,
                                     const std::vector<storage::TokenValue>& identifiers);

// Local references get documents for their provisional numbers: `docs[number]`; the images get their field.
void BindTargets(const ResourceSchema& schema, const std::vector<storage::Doc>& docs, PreparedValues* prepared);

std::string EncodeSequence(uint64_t sequence);
std::optional<uint64_t> DecodeSequence(Bytes bytes);

}  // namespace hilum::fhir
