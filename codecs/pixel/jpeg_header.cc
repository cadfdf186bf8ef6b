#include "codecs/pixel/jpeg_header.h"

#include <algorithm>
#include <string>

namespace hilum::pixel {
namespace {

// SOF0..15 without DHT (C4), JPG (C8) and DAC (CC).
bool IsFrameHeader(uint8_t marker) {
  return marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC;
}

Status ReadFrameHeader(Bytes body, JpegHeader* header) {
  if (body.size() < 6) return Invalid("JPEG: the frame header breaks off");
  header->precision = static_cast<uint8_t>(body[0]);
  header->rows = LoadBe<uint16_t>(body.data() + 1);
  header->columns = LoadBe<uint16_t>(body.data() + 3);
  header->components = static_cast<uint8_t>(body[5]);
  if (body.size() < 6 + size_t{header->components} * 3) return Invalid("JPEG: the frame header breaks off");
  std::string ids;
  for (size_t i = 0; i < header->components; ++i) {
    const char* component = body.data() + 6 + i * 3;
    ids.push_back(component[0]);
    if (component[1] != body[7]) header->subsampled = true;
  }
  header->rgb_ids = ids == "RGB";
  return Status::Ok();
}

// The selection value of the first scan (ISO/IEC 10918-1 H.1.1), -1 when there is none. `rest`: what follows the frame
// header.
int Predictor(Bytes rest) {
  while (rest.size() >= 4 && rest[0] == '\xFF') {
    const size_t length = LoadBe<uint16_t>(rest.data() + 2);
    if (rest[1] == '\xDA') {
      const size_t at = rest.size() > 4 ? 5 + size_t{static_cast<uint8_t>(rest[4])} * 2 : rest.size();
      return at < rest.size() ? static_cast<uint8_t>(rest[at]) : -1;
    }
    rest.remove_prefix(std::min(rest.size(), length + 2));
  }
  return -1;
}

}  // namespace

std::string_view SyntaxOfJpeg(Bytes codestream) {
  const auto header = ReadJpegHeader(codestream);
  if (!header.ok()) return "";
  switch (header->process) {
    case 0:
      return "1.2.840.10008.1.2.4.50";
    case 1:
      return "1.2.840.10008.1.2.4.51";
    case 2:
      return "1.2.840.10008.1.2.4.55";
    case 3:
      return Predictor(codestream.substr(header->length)) == 1 ? "1.2.840.10008.1.2.4.70" : "1.2.840.10008.1.2.4.57";
    default:
      return "";
  }
}

bool JpegHeader::IsYbr(Photometric declared) const {
  if (components != 3) return false;
  if (adobe_transform >= 0) return adobe_transform == 1;
  if (subsampled) return true;
  if (rgb_ids) return false;
  return jfif || declared != Photometric::kRgb;
}

Result<JpegHeader> ReadJpegHeader(Bytes codestream) {
  if (!codestream.starts_with("\xFF\xD8")) return Invalid("JPEG: the codestream does not begin with SOI");
  JpegHeader header;
  size_t at = 2;
  while (true) {
    while (at < codestream.size() && codestream[at] == '\xFF') ++at;  // fill bytes
    if (at >= codestream.size() || codestream[at - 1] != '\xFF' || codestream.size() - at < 3) {
      return Invalid("JPEG: no frame header before byte " + std::to_string(at));
    }
    const auto marker = static_cast<uint8_t>(codestream[at++]);
    if (marker == 0x00) return Invalid("JPEG: no marker at byte " + std::to_string(at - 1));
    if (marker == 0x01 || (marker >= 0xD0 && marker <= 0xD8)) continue;
    const size_t length = LoadBe<uint16_t>(codestream.data() + at);
    if (length < 2 || length > codestream.size() - at) {
      return Invalid("JPEG: the marker segment at byte " + std::to_string(at) + " breaks off");
    }
    const Bytes body = codestream.substr(at + 2, length - 2);
    at += length;
    if (marker == 0xE0 && body.starts_with("JFIF")) header.jfif = true;
    if (marker == 0xEE && body.starts_with("Adobe") && body.size() >= 12) {
      header.adobe_transform = static_cast<uint8_t>(body[11]);
    }
    if (marker == 0xDA || marker == 0xD9) return Invalid("JPEG: a scan or the end comes before the frame header");
    if (IsFrameHeader(marker)) {
      header.process = marker & 0x0F;
      header.length = at;
      HILUM_RETURN_IF_ERROR(ReadFrameHeader(body, &header));
      return header;
    }
  }
}

Status CheckAgreement(std::string_view codec, const FrameFormat& expected, uint32_t rows, uint32_t columns,
                      uint32_t components, unsigned precision) {
  const auto differs = [&](std::string_view what, uint64_t found, uint64_t wanted) {
    return Invalid(std::string(codec) + ": the codestream has " + std::to_string(found) + " " + std::string(what) +
                   ", the data set says " + std::to_string(wanted));
  };
  if (rows != expected.rows) return differs("rows", rows, expected.rows);
  if (columns != expected.columns) return differs("columns", columns, expected.columns);
  if (components != expected.samples) return differs("samples per pixel", components, expected.samples);
  if (precision == 0 || precision > expected.bits_allocated || precision > 32) {
    return differs("bits a sample", precision, expected.bits_allocated);
  }
  if (expected.is_float) return Invalid(std::string(codec) + ": floating point pixels are native only");
  return Status::Ok();
}

}  // namespace hilum::pixel
