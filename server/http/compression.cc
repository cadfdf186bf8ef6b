#include "server/http/compression.h"

#include <isa-l/crc.h>
#include <isa-l/igzip_lib.h>
#include <libdeflate.h>
#include <zstd.h>

#include <algorithm>
#include <memory>
#include <optional>

#include "base/in_parallel.h"
#include "server/http/text.h"

namespace hilum::http {
namespace {

constexpr int kGzipLevel = 6;
constexpr size_t kGzipPiece = size_t{256} << 10;
constexpr size_t kWorthAThread = size_t{512} << 10;
constexpr int kZstdLevel = 3;
constexpr int kLowZstdLevel = 1;

// Appends `body` as deflate blocks (RFC 1951) that others may follow, unless it is the last. ISA-L takes half the time
// of libdeflate's lowest level, for a twentieth more bytes.
Status Deflate(Bytes body, bool last, std::string* packed) {
  const std::unique_ptr<uint8_t[]> level_buffer(new uint8_t[ISAL_DEF_LVL1_DEFAULT]);
  const auto stream = std::make_unique<isal_zstream>();
  isal_deflate_init(stream.get());
  stream->level = 1;
  stream->level_buf = level_buffer.get();
  stream->level_buf_size = ISAL_DEF_LVL1_DEFAULT;
  stream->flush = last ? NO_FLUSH : SYNC_FLUSH;
  const std::unique_ptr<uint8_t[]> piece(new uint8_t[kGzipPiece]);
  do {
    if (stream->avail_in == 0) {
      const size_t size = std::min<size_t>(body.size(), size_t{1} << 30);
      stream->next_in = reinterpret_cast<uint8_t*>(const_cast<char*>(body.data()));  // it is only read
      stream->avail_in = static_cast<uint32_t>(size);
      body.remove_prefix(size);
      stream->end_of_stream = last && body.empty() ? 1 : 0;
    }
    stream->next_out = piece.get();
    stream->avail_out = kGzipPiece;
    if (const int error = isal_deflate(stream.get()); error != COMP_OK) {
      return Internal("compress answer with gzip: error " + std::to_string(error));
    }
    packed->append(reinterpret_cast<const char*>(piece.get()), kGzipPiece - stream->avail_out);
  } while (stream->avail_out == 0 || stream->avail_in > 0 || !body.empty());
  return Status::Ok();
}

// One member (RFC 1952). The halves of a long body are packed at the same time.
Result<std::string> GzipFast(Bytes body) {
  constexpr std::string_view kHeader("\x1f\x8b\x08\0\0\0\0\0\0\xff", 10);
  std::string packed(kHeader), rest;
  const Bytes second = body.substr(body.size() < kWorthAThread ? body.size() : body.size() / 2);
  const Bytes first = body.substr(0, body.size() - second.size());
  const auto pack_first = [&] { return Deflate(first, /*last=*/second.empty(), &packed); };
  const auto pack_second = [&] { return Deflate(second, /*last=*/true, &rest); };
  HILUM_RETURN_IF_ERROR(second.empty() ? pack_first() : InParallel(pack_first, pack_second));
  packed += rest;
  AppendLe<uint32_t>(&packed, crc32_gzip_refl(0, reinterpret_cast<const uint8_t*>(body.data()), body.size()));
  AppendLe<uint32_t>(&packed, static_cast<uint32_t>(body.size()));  // modulo 2^32
  return packed;
}

Result<std::string> Zstd(Bytes body, int level) {
  // Most of the room is never touched: it is not cleared, and what is returned takes no more than it needs.
  const size_t room = ZSTD_compressBound(body.size());
  const std::unique_ptr<char[]> packed(new char[room]);
  const size_t size = ZSTD_compress(packed.get(), room, body.data(), body.size(), level);
  if (ZSTD_isError(size)) return Internal(std::string("compress answer with zstd: ") + ZSTD_getErrorName(size));
  return std::string(packed.get(), size);
}

}  // namespace

Coding ChooseCoding(std::string_view accept_encoding, bool have_zstd) {
  std::optional<int> gzip, zstd, identity, any;
  while (!accept_encoding.empty()) {
    std::string_view item = TakeUntil(&accept_encoding, ',');
    const std::string_view name = TakeUntil(&item, ';');
    int quality = 1000;
    while (!item.empty()) {
      const std::string_view parameter = TakeUntil(&item, ';');
      if (parameter.size() > 2 && LowerCase(parameter[0]) == 'q' && parameter[1] == '=') {
        quality = ParseQuality(parameter.substr(2)).value_or(0);  // what is malformed counts as refused
      }
    }
    if (EqualsIgnoringCase(name, "gzip") || EqualsIgnoringCase(name, "x-gzip")) gzip = quality;
    if (EqualsIgnoringCase(name, "zstd")) zstd = quality;
    if (EqualsIgnoringCase(name, "identity")) identity = quality;
    if (name == "*") any = quality;
  }
  const int of_gzip = gzip.value_or(any.value_or(0));
  const int of_zstd = have_zstd ? zstd.value_or(any.value_or(0)) : 0;
  // Without being named, the identity form is as good as any.
  const int of_identity = identity.value_or(0);
  if (of_zstd > 0 && of_zstd >= of_gzip && of_zstd >= of_identity) return Coding::kZstd;
  if (of_gzip > 0 && of_gzip >= of_identity) return Coding::kGzip;
  return Coding::kIdentity;
}

bool IsCompressibleType(std::string_view content_type) {
  const std::string_view type = TakeUntil(&content_type, ';');
  const auto has_prefix = [&](std::string_view prefix) {
    return EqualsIgnoringCase(type.substr(0, prefix.size()), prefix);
  };
  const auto has_suffix = [&](std::string_view suffix) {
    return type.size() >= suffix.size() && EqualsIgnoringCase(type.substr(type.size() - suffix.size()), suffix);
  };
  return has_prefix("text/") || has_suffix("json") || has_suffix("xml") || has_suffix("javascript");
}

std::string_view CodingName(Coding coding) {
  return coding == Coding::kZstd ? "zstd" : "gzip";
}

Result<std::string> Compress(Coding coding, Bytes body, Effort effort) {
  if (coding == Coding::kZstd) return Zstd(body, effort == Effort::kLow ? kLowZstdLevel : kZstdLevel);
  if (effort == Effort::kLow) return GzipFast(body);
  const std::unique_ptr<libdeflate_compressor, decltype(&libdeflate_free_compressor)> compressor(
      libdeflate_alloc_compressor(kGzipLevel), libdeflate_free_compressor);
  if (!compressor) return Internal("compress answer with gzip: out of memory");
  const size_t room = libdeflate_gzip_compress_bound(compressor.get(), body.size());
  const std::unique_ptr<char[]> packed(new char[room]);
  const size_t size = libdeflate_gzip_compress(compressor.get(), body.data(), body.size(), packed.get(), room);
  if (size == 0) return Internal("compress answer with gzip: the bound was too small");
  return std::string(packed.get(), size);
}

Status DecompressZstd(Bytes packed, uint64_t size, const std::function<Status(Bytes)>& take) {
  const std::unique_ptr<ZSTD_DCtx, decltype(&ZSTD_freeDCtx)> context(ZSTD_createDCtx(), ZSTD_freeDCtx);
  if (!context) return Internal("decompress answer with zstd: out of memory");
  const size_t room = ZSTD_DStreamOutSize();
  const std::unique_ptr<char[]> piece(new char[room]);
  ZSTD_inBuffer in{packed.data(), packed.size(), 0};
  uint64_t made = 0;
  size_t expected = 1;  // bytes of input; 0 at the end
  while (expected != 0) {
    ZSTD_outBuffer out{piece.get(), room, 0};
    expected = ZSTD_decompressStream(context.get(), &out, &in);
    if (ZSTD_isError(expected)) return Internal(std::string("decompress answer: ") + ZSTD_getErrorName(expected));
    if (out.pos == 0 && in.pos == in.size && expected != 0) return Internal("decompress answer: it breaks off");
    made += out.pos;
    if (out.pos > 0) HILUM_RETURN_IF_ERROR(take({piece.get(), out.pos}));
  }
  if (made != size) return Internal("decompress answer: it has another size");
  return Status::Ok();
}

std::string CodedEntityTag(std::string_view tag, Coding coding) {
  tag = Trimmed(tag);
  if (tag.size() < 2 || tag.front() != '"' || tag.back() != '"') return std::string(tag);
  return std::string(tag.substr(0, tag.size() - 1)) + "-" + std::string(CodingName(coding)) + "\"";
}

std::string PlainEntityTags(std::string_view tags) {
  std::string plain(tags);
  for (const std::string_view suffix : {"-gzip\"", "-zstd\""}) {
    for (size_t at = plain.find(suffix); at != std::string::npos; at = plain.find(suffix, at))
      plain.erase(at, suffix.size() - 1);
  }
  return plain;
}

}  // namespace hilum::http
