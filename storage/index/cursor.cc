#include "base/mac.h"
#include "storage/index/index.h"

namespace hilum::storage {
namespace {

constexpr char kVersion = 1;
constexpr size_t kMaxCursorText = 8192;
constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

// RFC 4648 5, without padding.
std::string ToBase64Url(Bytes bytes) {
  std::string text;
  uint32_t bits = 0;
  int count = 0;
  for (const char byte : bytes) {
    bits = bits << 8 | static_cast<unsigned char>(byte);
    for (count += 8; count >= 6; count -= 6) text.push_back(kAlphabet[bits >> (count - 6) & 63]);
  }
  if (count > 0) text.push_back(kAlphabet[bits << (6 - count) & 63]);
  return text;
}

std::optional<std::string> FromBase64Url(std::string_view text) {
  std::string bytes;
  uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    const size_t value = kAlphabet.find(c);
    if (value == std::string_view::npos) return std::nullopt;
    bits = bits << 6 | static_cast<uint32_t>(value);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    bytes.push_back(static_cast<char>(bits >> count));
  }
  return bytes;
}

}  // namespace

std::string EncodeCursor(const Cursor& cursor, Bytes key) {
  std::string message(1, kVersion);
  AppendLe(&message, cursor.fingerprint);
  AppendLe(&message, cursor.last_doc);
  message += cursor.last_key;
  return ToBase64Url(message.append(BytesOf(MacOf(key, message))));
}

Result<Cursor> DecodeCursor(std::string_view text, Bytes key) {
  const auto refused = [] {
    return Invalid("the page cursor was not given out by this server: start again at the first page");
  };
  if (text.size() > kMaxCursorText) return refused();
  const auto bytes = FromBase64Url(text);
  // Written differently, the last character may decode to the same bytes: there is one text for each cursor.
  if (!bytes || bytes->size() < Mac().size() || ToBase64Url(*bytes) != text) return refused();
  const Bytes message = Bytes(*bytes).substr(0, bytes->size() - Mac().size());
  if (!Equal(MacOf(key, message), Bytes(*bytes).substr(message.size()))) return refused();

  Cursor cursor;
  ByteReader in(message);
  Bytes version;
  if (!in.ReadBytes(1, &version) || version[0] != kVersion || !in.ReadLe(&cursor.fingerprint) ||
      !in.ReadLe(&cursor.last_doc)) {
    return refused();
  }
  cursor.last_key = in.rest();
  return cursor;
}

}  // namespace hilum::storage
