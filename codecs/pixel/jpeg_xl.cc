// JPEG XL (ISO/IEC 18181) by libjxl, decoding only.
#include <jxl/decode.h>

#include <memory>
#include <string>

#include "codecs/pixel/frame_codecs.h"
#include "codecs/pixel/jpeg_header.h"
#include "codecs/pixel/samples.h"

namespace hilum::pixel {
namespace {

struct Destroy {
  void operator()(JxlDecoder* decoder) const { JxlDecoderDestroy(decoder); }
};

Status Damaged() {
  return Invalid("JPEG XL: the codestream is damaged or breaks off");
}

// The library scales samples to the full range of their cells; `precision` bits come back exactly.
template <typename Cell>
void Unscale(const std::string& bytes, unsigned precision, const FrameFormat& format, std::span<char> out) {
  const auto* cells = reinterpret_cast<const Cell*>(bytes.data());
  const uint64_t full = (uint64_t{1} << 8 * sizeof(Cell)) - 1, range = (uint64_t{1} << precision) - 1;
  SampleSink sink(format, precision, /*codestream_signed=*/false, out);
  std::string line(size_t{format.columns} * sizeof(uint32_t), '\0');
  auto* samples = reinterpret_cast<uint32_t*>(line.data());
  for (uint32_t row = 0; row < format.rows; ++row) {
    for (uint32_t s = 0; s < format.samples; ++s) {
      const Cell* from = cells + size_t{row} * format.columns * format.samples + s;
      for (uint32_t x = 0; x < format.columns; ++x, from += format.samples) {
        samples[x] = static_cast<uint32_t>((*from * range + full / 2) / full);
      }
      sink.PutRow(row, s, samples);
    }
  }
}

}  // namespace

Result<FrameFormat> DecodeJpegXl(Bytes frame, const FrameFormat& expected, bool lossless, std::span<char> out) {
  const std::unique_ptr<JxlDecoder, Destroy> decoder(JxlDecoderCreate(nullptr));
  if (decoder == nullptr) return LimitExceeded("JPEG XL: out of memory");
  if (JxlDecoderSubscribeEvents(decoder.get(), JXL_DEC_BASIC_INFO | JXL_DEC_FULL_IMAGE) != JXL_DEC_SUCCESS ||
      JxlDecoderSetKeepOrientation(decoder.get(), JXL_TRUE) != JXL_DEC_SUCCESS ||
      JxlDecoderSetInput(decoder.get(), reinterpret_cast<const uint8_t*>(frame.data()), frame.size()) !=
          JXL_DEC_SUCCESS) {
    return Internal("JPEG XL: the decoder cannot be set up");
  }
  JxlDecoderCloseInput(decoder.get());
  if (JxlDecoderProcessInput(decoder.get()) != JXL_DEC_BASIC_INFO) return Damaged();
  JxlBasicInfo info;
  if (JxlDecoderGetBasicInfo(decoder.get(), &info) != JXL_DEC_SUCCESS) return Damaged();
  HILUM_RETURN_IF_ERROR(
      CheckAgreement("JPEG XL", expected, info.ysize, info.xsize, info.num_color_channels, info.bits_per_sample));
  if (info.bits_per_sample > 16 || info.exponent_bits_per_sample != 0) {
    return Unsupported("JPEG XL: samples of more than 16 bits");
  }
  FrameFormat format = DecodedFormat(expected);
  if (format.samples == 3) format.photometric = Photometric::kRgb;
  const bool wide = info.bits_per_sample > 8;
  const JxlPixelFormat layout{.num_channels = format.samples,
                              .data_type = wide ? JXL_TYPE_UINT16 : JXL_TYPE_UINT8,
                              .endianness = JXL_LITTLE_ENDIAN,
                              .align = 0};
  std::string bytes(size_t{format.rows} * format.columns * format.samples * (wide ? 2 : 1), '\0');
  size_t needed = 0;
  bool decoded = false;
  while (!decoded) {
    switch (JxlDecoderProcessInput(decoder.get())) {
      case JXL_DEC_NEED_IMAGE_OUT_BUFFER:
        if (JxlDecoderImageOutBufferSize(decoder.get(), &layout, &needed) != JXL_DEC_SUCCESS ||
            needed != bytes.size() ||
            JxlDecoderSetImageOutBuffer(decoder.get(), &layout, bytes.data(), bytes.size()) != JXL_DEC_SUCCESS) {
          return Damaged();
        }
        break;
      case JXL_DEC_FULL_IMAGE:
        decoded = true;
        break;
      default:
        return Damaged();
    }
  }
  if (wide) {
    Unscale<uint16_t>(bytes, info.bits_per_sample, format, out);
  } else {
    Unscale<uint8_t>(bytes, info.bits_per_sample, format, out);
  }
  if (!lossless) KeepToStoredBits(format, info.bits_per_sample, out);
  return format;
}

}  // namespace hilum::pixel
