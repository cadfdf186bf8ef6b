// JPEG-LS (ISO/IEC 14495-1) by CharLS.
#include <charls/charls.h>

#include <exception>
#include <string>

#include "codecs/pixel/frame_codecs.h"
#include "codecs/pixel/jpeg_header.h"
#include "codecs/pixel/samples.h"

namespace hilum::pixel {
namespace {

template <typename Sample>
void Spread(const std::string& bytes, bool by_plane, unsigned precision, const FrameFormat& format,
            std::span<char> out) {
  const auto* samples = reinterpret_cast<const Sample*>(bytes.data());
  const size_t plane = size_t{format.rows} * format.columns;
  SampleSink sink(format, precision, /*codestream_signed=*/false, out);
  for (uint32_t s = 0; s < format.samples; ++s) {
    for (uint32_t row = 0; row < format.rows; ++row) {
      const size_t first = size_t{row} * format.columns;
      if (by_plane) {
        sink.PutRow(row, s, samples + s * plane + first);
      } else {
        sink.PutRow(row, s, samples + first * format.samples + s, format.samples);
      }
    }
  }
}

Result<FrameFormat> DecodeChecked(Bytes frame, const FrameFormat& expected, std::span<char> out) {
  const charls::jpegls_decoder decoder(frame.data(), frame.size());
  const charls::frame_info& info = decoder.frame_info();
  const auto precision = static_cast<unsigned>(info.bits_per_sample);
  HILUM_RETURN_IF_ERROR(CheckAgreement("JPEG-LS", expected, info.height, info.width,
                                       static_cast<uint32_t>(info.component_count), precision));
  FrameFormat format = DecodedFormat(expected);
  const bool by_plane = format.samples > 1 && decoder.interleave_mode() == charls::interleave_mode::none;
  const bool wide = precision > 8;
  const size_t bytes = size_t{format.rows} * format.columns * format.samples * (wide ? 2 : 1);
  if (decoder.destination_size() != bytes) return Invalid("JPEG-LS: components of different sizes");
  // Cells that are full need no second look.
  if (!by_plane && precision == format.bits_allocated && bytes == out.size()) {
    decoder.decode(out.data(), out.size());
  } else {
    std::string samples(bytes, '\0');
    decoder.decode(samples);
    if (wide) {
      Spread<uint16_t>(samples, by_plane, precision, format, out);
    } else {
      Spread<uint8_t>(samples, by_plane, precision, format, out);
    }
  }
  if (decoder.near_lossless() > 0) KeepToStoredBits(format, precision, out);
  return format;
}

template <typename Sample>
std::string SamplesOf(const Image& image, unsigned precision) {
  const size_t count = size_t{image.format.rows} * image.format.columns * image.format.samples;
  std::string bytes(count * sizeof(Sample), '\0');
  auto* samples = reinterpret_cast<Sample*>(bytes.data());
  const SampleSource source(image);
  const uint32_t mask = (1u << precision) - 1;
  for (size_t i = 0; i < count; ++i) samples[i] = static_cast<Sample>(static_cast<uint32_t>(source.At(i)) & mask);
  return bytes;
}

}  // namespace

Result<FrameFormat> DecodeJpegLs(Bytes frame, const FrameFormat& expected, std::span<char> out) {
  const auto decode = [&](Bytes codestream) -> Result<FrameFormat> {
    try {
      return DecodeChecked(codestream, expected, out);
    } catch (const std::exception& error) {
      return Invalid("JPEG-LS: " + std::string(error.what()));
    }
  };
  constexpr Bytes kEnd("\xFF\xD9");
  while (frame.ends_with('\0')) frame.remove_suffix(1);
  // Without an end marker the library looks for bits behind the end for many seconds before it gives up.
  std::string ended;
  if (!frame.ends_with(kEnd)) frame = ended.append(frame).append(kEnd);
  Result<FrameFormat> format = decode(frame);
  if (format.ok() || !frame.ends_with(Bytes("\0\xFF\xD9", 3))) return format;
  // Some writers pad before the end marker instead of after it; the library then misses the marker.
  std::string unpadded(frame.substr(0, frame.size() - kEnd.size()));
  while (unpadded.ends_with('\0')) unpadded.pop_back();
  Result<FrameFormat> second = decode(unpadded.append(kEnd));
  return second.ok() ? second : format;
}

Result<EncodedFrame> EncodeJpegLs(const Image& image, int near_lossless) {
  const FrameFormat& format = image.format;
  // A small difference in two's complement is a large one where the sign changes: signed samples stay as they are.
  if (format.is_signed) near_lossless = 0;
  const unsigned precision = std::max(2u, NeededPrecision(image));
  const std::string samples =
      precision > 8 ? SamplesOf<uint16_t>(image, precision) : SamplesOf<uint8_t>(image, precision);
  try {
    charls::jpegls_encoder encoder;
    encoder.frame_info({.width = format.columns,
                        .height = format.rows,
                        .bits_per_sample = static_cast<int32_t>(precision),
                        .component_count = format.samples});
    encoder.near_lossless(near_lossless);
    encoder.interleave_mode(format.samples == 1 ? charls::interleave_mode::none : charls::interleave_mode::line);
    // The library's estimate is short for noise in small images.
    std::string bytes(encoder.estimated_destination_size() + samples.size() / 2 + 1024, '\0');
    encoder.destination(bytes);
    bytes.resize(encoder.encode(samples));
    return EncodedFrame{.bytes = std::move(bytes), .format = format, .lossy = near_lossless > 0};
  } catch (const std::exception& error) {
    return Internal("JPEG-LS: " + std::string(error.what()));
  }
}

}  // namespace hilum::pixel
