// Deflated Image Frame Compression (PS3.5 Annex A, since 2024): native pixels of one frame as one raw deflate stream.
#include <zlib.h>

#include <memory>
#include <string>

#include "codecs/pixel/frame_codecs.h"

namespace hilum::pixel {
namespace {

struct EndInflate {
  void operator()(z_stream* stream) const { inflateEnd(stream); }
};

}  // namespace

Result<FrameFormat> DecodeDeflatedFrame(Bytes frame, const FrameFormat& expected, std::span<char> out) {
  FrameFormat native = expected;
  std::string planes;
  std::span<char> to = out;
  const bool direct = !expected.planar && FrameBytes(expected) == out.size();
  if (!direct) {
    planes.resize(FrameBytes(expected));
    to = planes;
  }
  if (frame.size() > UINT32_MAX || to.size() > UINT32_MAX) return LimitExceeded("deflated frame: larger than 4 GiB");
  z_stream stream{};
  if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) return Internal("deflated frame: cannot start zlib");
  const std::unique_ptr<z_stream, EndInflate> end(&stream);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(frame.data()));
  stream.avail_in = static_cast<uInt>(frame.size());
  stream.next_out = reinterpret_cast<Bytef*>(to.data());
  stream.avail_out = static_cast<uInt>(to.size());
  const int state = inflate(&stream, Z_FINISH);
  if (stream.avail_out != 0) {
    return Invalid("deflated frame: " + std::string(state == Z_DATA_ERROR ? "damaged" : "ends too early") + " after " +
                   std::to_string(stream.total_out) + " of " + std::to_string(to.size()) + " bytes");
  }
  return direct ? DecodedFormat(expected) : DecodeNative(planes, native, /*big_endian=*/false, out);
}

Result<std::string> EncodeDeflatedFrame(const Image& image) {
  if (image.pixels.size() > UINT32_MAX) return LimitExceeded("deflated frame: larger than 4 GiB");
  z_stream stream{};
  if (deflateInit2(&stream, 6, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
    return Internal("deflated frame: cannot start zlib");
  }
  std::string out(deflateBound(&stream, image.pixels.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(image.pixels.data()));
  stream.avail_in = static_cast<uInt>(image.pixels.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const int state = deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  if (state != Z_STREAM_END) return Internal("deflated frame: zlib did not finish");
  return out;
}

}  // namespace hilum::pixel
