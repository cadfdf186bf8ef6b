// Messages between the pool and its workers: one datagram each way over a SOCK_SEQPACKET socket, bytes in shared
// memory. Internal to codecs/pixel.
//
// The pool does not trust what a worker sends: replies are plain integers, checked before they mean anything.
#pragma once

#include <cstdint>
#include <optional>
#include <type_traits>

#include "base/result.h"
#include "codecs/pixel/codec.h"

namespace hilum::pixel {

inline constexpr uint32_t kSetupMagic = 0x48435331, kRequestMagic = 0x48435235, kReplyMagic = 0x48435035;

struct WireFormat {
  uint32_t rows, columns;
  uint16_t samples, bits_allocated, bits_stored, high_bit;
  uint8_t is_signed, is_float, planar, embeds_overlays, photometric;
};

inline WireFormat ToWire(const FrameFormat& f) {
  return {f.rows,
          f.columns,
          f.samples,
          f.bits_allocated,
          f.bits_stored,
          f.high_bit,
          f.is_signed,
          f.is_float,
          f.planar,
          f.embeds_overlays,
          static_cast<uint8_t>(f.photometric)};
}

// Nothing for values that no format has.
inline std::optional<FrameFormat> FromWire(const WireFormat& w) {
  if ((w.is_signed | w.is_float | w.planar | w.embeds_overlays) > 1 ||
      w.photometric > static_cast<uint8_t>(Photometric::kOther)) {
    return std::nullopt;
  }
  return FrameFormat{.rows = w.rows,
                     .columns = w.columns,
                     .samples = w.samples,
                     .bits_allocated = w.bits_allocated,
                     .bits_stored = w.bits_stored,
                     .high_bit = w.high_bit,
                     .is_signed = w.is_signed == 1,
                     .is_float = w.is_float == 1,
                     .planar = w.planar == 1,
                     .embeds_overlays = w.embeds_overlays == 1,
                     .photometric = static_cast<Photometric>(w.photometric)};
}

// First message of the pool; answered by a Reply.
struct Setup {
  uint32_t magic = kSetupMagic;
  uint64_t address_space;
};

enum class Operation : uint8_t { kDecode, kEncode, kConvertColours };

// A descriptor comes with it when `shared_bytes` is not 0: the memory from now on. Input lies at 0, output at
// `output_offset`.
struct Request {
  uint32_t magic = kRequestMagic;
  uint64_t number;  // from 1 in each worker
  Operation operation;
  uint8_t release;  // unmap the memory afterwards
  char syntax[64];
  WireFormat format;
  DecodeOptions decode;
  EncodeOptions encode;
  ColourSpace space;  // of kConvertColours, whose input is the profile, then the pixels
  uint64_t profile_bytes;
  uint64_t cpu_seconds;
  uint64_t input_bytes;
  uint64_t output_offset;
  uint64_t output_capacity;
  uint64_t shared_bytes;
};

struct Reply {
  uint32_t magic = kReplyMagic;
  uint64_t number;  // of the request that it answers, so that none is taken for another's; 0: the setup
  uint8_t code;     // of Status
  uint8_t lossy;
  WireFormat format;
  uint64_t output_bytes;
  char message[256];
};

static_assert(std::is_trivially_copyable_v<Request> && std::is_trivially_copyable_v<Reply>);

}  // namespace hilum::pixel
