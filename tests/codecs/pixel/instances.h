// Part 10 instances with pixels, for tests.
#pragma once

#include <fstream>
#include <functional>
#include <string>

#include "codecs/dicom/writer.h"
#include "codecs/pixel/image.h"
#include "codecs/pixel/transcode.h"

namespace hilum::pixel::testing {

struct InstanceSpec {
  FrameFormat format;
  uint32_t frames = 1;
  std::string pixels;
  std::function<void(dicom::Part10Writer*)> before_pixels = [](dicom::Part10Writer*) {};  // from (0028,0106) on
  std::string sop_class = "1.2.840.10008.5.1.4.1.1.7";
};

// Explicit VR little endian.
inline std::string MakeInstance(const InstanceSpec& spec) {
  using dicom::Tag;
  using dicom::Vr;
  const FrameFormat& f = spec.format;
  dicom::Part10Writer out(spec.sop_class, "1.2.3.4");
  out.Add({0x0008, 0x0016}, Vr("UI"), spec.sop_class);
  out.Add({0x0008, 0x0018}, Vr("UI"), "1.2.3.4");
  out.Add({0x0010, 0x0010}, Vr("PN"), "Doe^Jane");
  out.AddUint16({0x0028, 0x0002}, f.samples);
  out.Add({0x0028, 0x0004}, Vr("CS"), PhotometricName(f.photometric));
  if (f.samples > 1) out.AddUint16({0x0028, 0x0006}, f.planar);
  out.Add({0x0028, 0x0008}, Vr("IS"), std::to_string(spec.frames));
  out.AddUint16({0x0028, 0x0010}, static_cast<uint16_t>(f.rows));
  out.AddUint16({0x0028, 0x0011}, static_cast<uint16_t>(f.columns));
  out.AddUint16({0x0028, 0x0100}, f.bits_allocated);
  out.AddUint16({0x0028, 0x0101}, f.bits_stored);
  out.AddUint16({0x0028, 0x0102}, f.high_bit);
  out.AddUint16({0x0028, 0x0103}, f.is_signed);
  spec.before_pixels(&out);
  out.Add({0x7FE0, 0x0010}, Vr(f.bits_allocated > 8 ? "OW" : "OB"), spec.pixels);
  return out.Take();
}

inline Result<std::string> TranscodeToString(Bytes file, std::string_view to, const TranscodeOptions& options = {}) {
  LocalCodec codec;
  std::string out;
  HILUM_RETURN_IF_ERROR(Transcode(file, to, options, codec, [&](Bytes bytes) {
    out.append(bytes);
    return Status::Ok();
  }));
  return out;
}

inline std::string ReadFileOrEmpty(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace hilum::pixel::testing
