// Values of the rows in keys.h. Internal to fhir/store.
#pragma once

#include <optional>
#include <string>

#include "fhir/store/reader.h"

namespace hilum::fhir {

std::string EncodeHead(const Head& head);
std::optional<Head> DecodeHead(Bytes bytes);

// In front of a version's octets.
struct VersionHeader {
  Method method = Method::kCreate;
  int64_t updated_micros = 0;
  uint64_t sequence = 0;
  uint64_t size = 0;  // of the octets, in all chunks
  std::string id;
};
void AppendVersionHeader(std::string* out, const VersionHeader& header);
// `rest`: what follows in the first chunk.
std::optional<VersionHeader> DecodeVersionHeader(Bytes bytes, Bytes* rest);
// Without octets.
Version VersionOf(const VersionHeader& header, TypeId type, storage::Doc doc, uint64_t number);

struct HistoryRow {
  storage::Doc doc = 0;
  uint64_t version = 0;
};
std::string EncodeHistoryRow(const HistoryRow& row);
std::optional<HistoryRow> DecodeHistoryRow(Bytes bytes);

std::string EncodeSequence(uint64_t sequence);
std::optional<uint64_t> DecodeSequence(Bytes bytes);

}  // namespace hilum::fhir
