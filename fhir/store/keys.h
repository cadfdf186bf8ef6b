// Keys and rows of Family::kResource. Everything here is on disk: docs/on-disk-format.md. Internal to fhir/store.
//
//   tenant 'n' type name                       -> collection number (BE16)
//   tenant 'n' type name NUL field name        -> field number (BE16)
//   tenant 'i' collection id                   -> Head; when the newest version is stored as edits, its VersionHeader
//   tenant 'r' collection doc ~version chunk   -> a version: VersionHeader and its bytes, 60 kB a chunk; newest first
//   tenant 'h' collection sequence             -> doc (BE32), version (varint): the history of a type
//   tenant 'k' collection hash(identifier) doc -> nothing: who has an identifier, for conditional interactions
//   tenant 's' collection                      -> sequence (BE64) of the last change of the type; collection 0 of any
//   tenant 'b'                                 -> the settings that the index was built with (settings.h)
//   tenant 'c'                                 -> SettingsChange, while the index is brought to others
#pragma once

#include <string>

#include "base/bytes.h"
#include "storage/index/values.h"
#include "storage/tenant.h"

namespace hilum::fhir {

inline constexpr size_t kChunkBytes = 60 * 1024;
inline constexpr storage::CollectionId kAnyCollection{0};

std::string NumberKey(storage::Tenant tenant, std::string_view name);
std::string HeadKey(storage::Tenant tenant, storage::CollectionId collection, std::string_view id);
// Of all versions; of a type; of a document.
std::string VersionsPrefix(storage::Tenant tenant);
std::string VersionsPrefix(storage::Tenant tenant, storage::CollectionId collection);
std::string VersionsPrefix(storage::Tenant tenant, storage::CollectionId collection, storage::Doc doc);
std::string VersionKey(storage::Tenant tenant, storage::CollectionId collection, storage::Doc doc, uint64_t version,
                       uint16_t chunk);
std::string HistoryPrefix(storage::Tenant tenant, storage::CollectionId collection);
std::string HistoryKey(storage::Tenant tenant, storage::CollectionId collection, uint64_t sequence);
// Of all identifiers of a type; of who has this one.
std::string IdentifiersPrefix(storage::Tenant tenant, storage::CollectionId collection);
std::string IdentifierPrefix(storage::Tenant tenant, storage::CollectionId collection,
                             const storage::TokenValue& identifier);
std::string IdentifierKey(storage::Tenant tenant, storage::CollectionId collection,
                          const storage::TokenValue& identifier, storage::Doc doc);
std::string SettingsKey(storage::Tenant tenant);
std::string SettingsChangeKey(storage::Tenant tenant);
std::string SequenceKey(storage::Tenant tenant, storage::CollectionId collection);

}  // namespace hilum::fhir
