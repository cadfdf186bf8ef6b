// Bytes and their fixed-width and variable-width encodings.
//
// `Bytes` is a borrowed view of bytes: the owner must outlive it. It is std::string_view because keys, header
// values and bodies cross between text and bytes all the time. All functions are pure and thread-safe.
#pragma once

#include <bit>
#include <cassert>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace hilum {

using Bytes = std::string_view;

static_assert(std::endian::native == std::endian::little, "big-endian hosts are not supported");

// REQUIRES: `from` points at sizeof(T) readable bytes.
template <typename T>
T LoadLe(const char* from) {
  T value;
  std::memcpy(&value, from, sizeof(T));
  return value;
}

template <typename T>
T ByteSwap(T value) {
  if constexpr (sizeof(T) == 2) return static_cast<T>(__builtin_bswap16(static_cast<uint16_t>(value)));
  if constexpr (sizeof(T) == 4) return static_cast<T>(__builtin_bswap32(static_cast<uint32_t>(value)));
  if constexpr (sizeof(T) == 8) return static_cast<T>(__builtin_bswap64(static_cast<uint64_t>(value)));
  return value;
}

template <typename T>
T LoadBe(const char* from) {
  return ByteSwap(LoadLe<T>(from));
}

template <typename T>
void AppendLe(std::string* out, T value) {
  out->append(reinterpret_cast<const char*>(&value), sizeof(T));
}

// Big-endian order makes memcmp order the numeric order: used in keys.
template <typename T>
void AppendBe(std::string* out, T value) {
  AppendLe(out, ByteSwap(value));
}

// LEB128: seven bits a byte, least significant first, at most ten bytes.
inline void AppendVarint(std::string* out, uint64_t value) {
  while (value >= 0x80) {
    out->push_back(static_cast<char>(value | 0x80));
    value >>= 7;
  }
  out->push_back(static_cast<char>(value));
}

// A varint length, then the bytes.
inline void AppendSized(std::string* out, Bytes bytes) {
  AppendVarint(out, bytes.size());
  out->append(bytes);
}

// Reads encodings front to back without ever passing the end. Each Read* returns false and leaves `out` untouched when
// the bytes do not suffice; the position is then undefined.
class ByteReader {
 public:
  explicit ByteReader(Bytes bytes) : rest_(bytes) {}

  bool empty() const { return rest_.empty(); }
  Bytes rest() const { return rest_; }

  template <typename T>
  bool ReadLe(T* out) {
    if (rest_.size() < sizeof(T)) return false;
    *out = LoadLe<T>(rest_.data());
    rest_.remove_prefix(sizeof(T));
    return true;
  }
  template <typename T>
  bool ReadBe(T* out) {
    if (!ReadLe(out)) return false;
    *out = ByteSwap(*out);
    return true;
  }
  bool ReadVarint(uint64_t* out) {
    uint64_t value = 0;
    for (int shift = 0; shift < 64 && !rest_.empty(); shift += 7) {
      const auto byte = static_cast<unsigned char>(rest_.front());
      rest_.remove_prefix(1);
      if (shift == 63 && byte > 1) return false;
      value |= static_cast<uint64_t>(byte & 0x7F) << shift;
      if (byte < 0x80) {
        *out = value;
        return true;
      }
    }
    return false;
  }
  bool ReadBytes(uint64_t length, Bytes* out) {
    if (length > rest_.size()) return false;
    *out = rest_.substr(0, length);
    rest_.remove_prefix(length);
    return true;
  }
  bool ReadSized(Bytes* out) {
    uint64_t length = 0;
    return ReadVarint(&length) && ReadBytes(length, out);
  }
  bool ReadSized(std::string* out) {
    Bytes bytes;
    if (!ReadSized(&bytes)) return false;
    out->assign(bytes);
    return true;
  }

 private:
  Bytes rest_;
};

}  // namespace hilum
