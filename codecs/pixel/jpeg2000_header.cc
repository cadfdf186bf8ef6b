#include "codecs/pixel/jpeg2000_header.h"

#include <string>

namespace hilum::pixel {
namespace {

constexpr uint16_t kCap = 0xFF50, kSiz = 0xFF51, kCod = 0xFF52, kSot = 0xFF90;

Status ReadSiz(Bytes body, Jpeg2000Header* header) {
  if (body.size() < 36) return Invalid("JPEG 2000: the SIZ segment breaks off");
  const auto at = [&](size_t i) { return LoadBe<uint32_t>(body.data() + 2 + i * 4); };
  if (at(0) <= at(2) || at(1) <= at(3) || at(4) == 0 || at(5) == 0) {
    return Invalid("JPEG 2000: the SIZ segment describes an empty image");
  }
  header->columns = at(0) - at(2);
  header->rows = at(1) - at(3);
  header->components = LoadBe<uint16_t>(body.data() + 34);
  if (header->components == 0 || body.size() < 36 + size_t{header->components} * 3) {
    return Invalid("JPEG 2000: the SIZ segment breaks off");
  }
  const auto depth = static_cast<uint8_t>(body[36]);
  header->precision = (depth & 0x7F) + 1;
  header->is_signed = depth & 0x80;
  for (size_t i = 0; i < header->components; ++i) {
    const Bytes component = body.substr(36 + i * 3, 3);
    if (static_cast<uint8_t>(component[0]) != depth || component[1] != 1 || component[2] != 1) {
      return Unsupported("JPEG 2000: components that are subsampled or differ in depth");
    }
  }
  return Status::Ok();
}

}  // namespace

Result<Bytes> StripBoxes(Bytes frame) {
  if (!frame.starts_with(kJp2Signature)) return frame;
  while (frame.size() >= 8) {
    uint64_t length = LoadBe<uint32_t>(frame.data());
    const Bytes type = frame.substr(4, 4);
    size_t header = 8;
    if (length == 1 && frame.size() >= 16) {
      length = LoadBe<uint64_t>(frame.data() + 8);
      header = 16;
    }
    if (length == 0) length = frame.size();
    if (length < header || length > frame.size()) break;
    if (type == "jp2c") return frame.substr(header, length - header);
    frame.remove_prefix(length);
  }
  return Invalid("JPEG 2000: the boxes of a JP2 file hold no codestream");
}

Result<Jpeg2000Header> ReadJpeg2000Header(Bytes frame) {
  Jpeg2000Header header;
  HILUM_ASSIGN_OR_RETURN(header.codestream, StripBoxes(frame));
  Bytes rest = header.codestream;
  if (!rest.starts_with("\xFF\x4F")) return Invalid("JPEG 2000: the codestream does not begin with SOC");
  rest.remove_prefix(2);
  bool has_size = false;
  while (rest.size() >= 4) {
    const auto marker = LoadBe<uint16_t>(rest.data());
    if (marker == kSot) {
      if (!has_size) break;
      return header;
    }
    const size_t length = LoadBe<uint16_t>(rest.data() + 2);
    if (length < 2 || length > rest.size() - 2) break;
    const Bytes body = rest.substr(4, length - 2);
    if (marker == kSiz) {
      HILUM_RETURN_IF_ERROR(ReadSiz(body, &header));
      has_size = true;
    }
    if (marker == kCap) header.high_throughput = true;
    if (marker == kCod && body.size() >= 6) {
      header.colour_transform = body[4] & 1;
      header.decompositions = static_cast<uint8_t>(body[5]);
      header.irreversible = body.size() >= 10 && body[9] == 0;
    }
    rest.remove_prefix(2 + length);
  }
  return Invalid("JPEG 2000: the main header breaks off");
}

}  // namespace hilum::pixel
