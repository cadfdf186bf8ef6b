#include "storage/index/keys.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>

namespace hilum::storage {
namespace {

// 0 ends a text, so 0 and the escape itself are written as two octets that sort the same way.
constexpr char kEscape = 1;

}  // namespace

void AppendEntryPrefix(std::string* key, Tenant tenant, CollectionId collection, Entry entry, FieldId field) {
  // In one piece: every posting begins with it.
  const auto octet = [](auto number, int place) {
    return static_cast<char>(static_cast<uint32_t>(number) >> 8 * place);
  };
  const char prefix[kEntryPrefixBytes] = {octet(tenant, 3), octet(tenant, 2),     octet(tenant, 1),
                                          octet(tenant, 0), octet(collection, 1), octet(collection, 0),
                                          octet(entry, 0),  octet(field, 1),      octet(field, 0)};
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
  const auto is_plain = [](char octet) { return static_cast<unsigned char>(octet) > kEscape; };
  if (std::ranges::all_of(prefix, is_plain)) {
    key->append(prefix);
    return;
  }
  for (const char octet : prefix) {
    if (is_plain(octet)) {
      key->push_back(octet);
    } else {
      key->push_back(kEscape);
      key->push_back(static_cast<char>(octet + 1));
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
    char octet = (*rest)[i];
    if (octet == kEscape) {
      if (++i == end) return false;
      octet = static_cast<char>((*rest)[i] - 1);
    }
    out->text.push_back(octet);
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
