#include "storage/index/keys.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>

namespace hilum::storage {
namespace {

// 0 ends a text, so 0 and the escape itself are written as two bytes that sort the same way.
constexpr char kEscape = 1;

}  // namespace

void AppendEntryPrefix(std::string* key, Tenant tenant, CollectionId collection, Entry entry, FieldId field) {
  // In one piece: every posting begins with it.
  const auto byte = [](auto number, int place) {
    return static_cast<char>(static_cast<uint32_t>(number) >> 8 * place);
  };
  const char prefix[kEntryPrefixBytes] = {byte(tenant, 3), byte(tenant, 2),     byte(tenant, 1),
                                          byte(tenant, 0), byte(collection, 1), byte(collection, 0),
                                          byte(entry, 0),  byte(field, 1),      byte(field, 0)};
  key->append(prefix, sizeof(prefix));
}

std::string EntryPrefix(Tenant tenant, CollectionId collection, Entry entry, FieldId field) {
  std::string prefix;
  AppendEntryPrefix(&prefix, tenant, collection, entry, field);
  return prefix;
}

uint64_t HashOf(Bytes bytes) {
  return XXH3_64bits(bytes.data(), bytes.size());
}

void AppendTextPrefix(std::string* key, Bytes prefix) {
  prefix = prefix.substr(0, kMaxKeyTextBytes);
  const auto is_plain = [](char byte) { return static_cast<unsigned char>(byte) > kEscape; };
  if (std::ranges::all_of(prefix, is_plain)) {
    key->append(prefix);
    return;
  }
  for (const char byte : prefix) {
    if (is_plain(byte)) {
      key->push_back(byte);
    } else {
      key->push_back(kEscape);
      key->push_back(static_cast<char>(byte + 1));
    }
  }
}

void AppendText(std::string* key, Bytes text) {
  AppendTextPrefix(key, text);
  key->push_back(0);
  if (text.size() >= kMaxKeyTextBytes) AppendBe(key, HashOf(text));
}

bool ReadText(Bytes* rest, KeyText* out) {
  *out = {};
  const size_t end = rest->find('\0');
  if (end == Bytes::npos) return false;
  for (size_t i = 0; i < end; ++i) {
    char byte = (*rest)[i];
    if (byte == kEscape) {
      if (++i == end) return false;
      byte = static_cast<char>((*rest)[i] - 1);
    }
    out->text.push_back(byte);
  }
  rest->remove_prefix(end + 1);
  out->cut = out->text.size() == kMaxKeyTextBytes;
  if (!out->cut) return out->text.size() < kMaxKeyTextBytes;
  if (rest->size() < sizeof(uint64_t)) return false;
  out->hash = LoadBe<uint64_t>(rest->data());
  rest->remove_prefix(sizeof(uint64_t));
  return true;
}

void AppendTokenKey(std::string* key, Bytes system, Bytes code) {
  AppendBe(key, HashOf(code));
  if (!system.empty()) AppendBe(key, HashOf(system));
}

}  // namespace hilum::storage
