#include "fhir/store/keys.h"

#include <xxhash.h>

namespace hilum::fhir {
namespace {

std::string KeyOf(storage::Tenant tenant, char kind) {
  std::string key;
  storage::AppendTenant(&key, tenant);
  key.push_back(kind);
  return key;
}

std::string KeyOf(storage::Tenant tenant, char kind, storage::CollectionId collection) {
  std::string key = KeyOf(tenant, kind);
  AppendBe<uint16_t>(&key, static_cast<uint16_t>(collection));
  return key;
}

}  // namespace

std::string NumberKey(storage::Tenant tenant, std::string_view name) {
  return KeyOf(tenant, 'n').append(name);
}

std::string HeadKey(storage::Tenant tenant, storage::CollectionId collection, std::string_view id) {
  return KeyOf(tenant, 'i', collection).append(id);
}

std::string VersionsPrefix(storage::Tenant tenant) {
  return KeyOf(tenant, 'r');
}

std::string VersionsPrefix(storage::Tenant tenant, storage::CollectionId collection) {
  return KeyOf(tenant, 'r', collection);
}

std::string VersionsPrefix(storage::Tenant tenant, storage::CollectionId collection, storage::Doc doc) {
  std::string key = VersionsPrefix(tenant, collection);
  AppendBe<uint32_t>(&key, doc);
  return key;
}

std::string VersionKey(storage::Tenant tenant, storage::CollectionId collection, storage::Doc doc, uint64_t version,
                       uint16_t chunk) {
  std::string key = VersionsPrefix(tenant, collection, doc);
  AppendBe<uint64_t>(&key, ~version);
  AppendBe<uint16_t>(&key, chunk);
  return key;
}

std::string HistoryPrefix(storage::Tenant tenant, storage::CollectionId collection) {
  return KeyOf(tenant, 'h', collection);
}

std::string HistoryKey(storage::Tenant tenant, storage::CollectionId collection, uint64_t sequence) {
  std::string key = HistoryPrefix(tenant, collection);
  AppendBe<uint64_t>(&key, sequence);
  return key;
}

std::string IdentifiersPrefix(storage::Tenant tenant, storage::CollectionId collection) {
  return KeyOf(tenant, 'k', collection);
}

std::string IdentifierPrefix(storage::Tenant tenant, storage::CollectionId collection,
                             const storage::TokenValue& identifier) {
  std::string key = IdentifiersPrefix(tenant, collection);
  std::string text;
  AppendSized(&text, identifier.system);
  text += identifier.code;
  const XXH128_hash_t hash = XXH3_128bits(text.data(), text.size());
  AppendBe<uint64_t>(&key, hash.high64);
  AppendBe<uint64_t>(&key, hash.low64);
  return key;
}

std::string IdentifierKey(storage::Tenant tenant, storage::CollectionId collection,
                          const storage::TokenValue& identifier, storage::Doc doc) {
  std::string key = IdentifierPrefix(tenant, collection, identifier);
  AppendBe<uint32_t>(&key, doc);
  return key;
}

std::string SettingsKey(storage::Tenant tenant) {
  return KeyOf(tenant, 'b');
}

std::string SettingsChangeKey(storage::Tenant tenant) {
  return KeyOf(tenant, 'c');
}

std::string SequenceKey(storage::Tenant tenant, storage::CollectionId collection) {
  return KeyOf(tenant, 's', collection);
}

}  // namespace hilum::fhir
