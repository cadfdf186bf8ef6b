// 8-bit JPEG (ISO/IEC 10918-1) by libjpeg-turbo; other depths and lossless go to jpeg_dcmtk.cc.
#include <algorithm>
#include <csetjmp>
#include <cstdio>
#include <cstdlib>
#include <string>

// After <cstdio>: the header needs FILE.
#include <jerror.h>
#include <jpeglib.h>

#include "codecs/pixel/frame_codecs.h"
#include "codecs/pixel/jpeg_dcmtk.h"
#include "codecs/pixel/jpeg_header.h"
#include "codecs/pixel/samples.h"

namespace hilum::pixel {
namespace {

// libjpeg reports errors by a function that must not return.
struct ErrorManager {
  jpeg_error_mgr base;  // first: the library knows only this
  std::jmp_buf escape;
  char message[JMSG_LENGTH_MAX] = {};
};

[[noreturn]] void OnError(j_common_ptr info) {
  auto* errors = reinterpret_cast<ErrorManager*>(info->err);
  info->err->format_message(info, errors->message);
  std::longjmp(errors->escape, 1);
}

// Missing data are made up by the library with no more than a warning: a picture that is half invented is an error
// here.
void OnMessage(j_common_ptr info, int level) {
  if (level >= 0) return;
  const int code = info->err->msg_code;
  if (code == JWRN_HIT_MARKER || code == JWRN_HUFF_BAD_CODE || code == JWRN_BOGUS_PROGRESSION) OnError(info);
}

jpeg_error_mgr* Install(ErrorManager* errors) {
  jpeg_error_mgr* base = jpeg_std_error(&errors->base);
  base->error_exit = OnError;
  base->emit_message = OnMessage;
  base->output_message = [](j_common_ptr) {};
  return base;
}

// The functions with setjmp hold nothing that has a destructor. `out` has room for an image of `format`, which the
// library may understand to be another one than its header was read for.
bool DecodeRows(Bytes codestream, bool ybr, const FrameFormat& format, unsigned char* out, ErrorManager* errors) {
  jpeg_decompress_struct info;
  info.err = Install(errors);
  if (setjmp(errors->escape) != 0) {
    jpeg_destroy_decompress(&info);
    return false;
  }
  jpeg_create_decompress(&info);
  jpeg_mem_src(&info, reinterpret_cast<const unsigned char*>(codestream.data()), codestream.size());
  jpeg_read_header(&info, TRUE);
  if (info.image_height != format.rows || info.image_width != format.columns ||
      info.num_components != static_cast<int>(format.samples)) {
    std::snprintf(errors->message, sizeof(errors->message), "the frame header that counts is another one");
    jpeg_destroy_decompress(&info);
    return false;
  }
  if (format.samples == 3) {
    info.jpeg_color_space = ybr ? JCS_YCbCr : JCS_RGB;
    info.out_color_space = JCS_RGB;
  } else {
    info.jpeg_color_space = info.out_color_space = JCS_GRAYSCALE;
  }
  info.dct_method = JDCT_ISLOW;
  jpeg_start_decompress(&info);
  while (info.output_scanline < info.output_height) {
    JSAMPROW row = out + size_t{info.output_scanline} * format.columns * format.samples;
    jpeg_read_scanlines(&info, &row, 1);
  }
  jpeg_destroy_decompress(&info);
  return true;
}

struct Encoding {
  const unsigned char* pixels;
  unsigned rows, columns;
  J_COLOR_SPACE from, to;
  int samples;
  int quality;
  bool subsample;
};

bool EncodeRows(const Encoding& what, unsigned char** out, unsigned long* size, ErrorManager* errors) {
  jpeg_compress_struct info;
  info.err = Install(errors);
  if (setjmp(errors->escape) != 0) {
    jpeg_destroy_compress(&info);
    return false;
  }
  jpeg_create_compress(&info);
  jpeg_mem_dest(&info, out, size);
  info.image_width = what.columns;
  info.image_height = what.rows;
  info.input_components = what.samples;
  info.in_color_space = what.from;
  jpeg_set_defaults(&info);
  jpeg_set_colorspace(&info, what.to);
  jpeg_set_quality(&info, what.quality, TRUE);
  info.dct_method = JDCT_ISLOW;
  info.optimize_coding = FALSE;
  if (what.samples == 3) {
    info.comp_info[0].h_samp_factor = what.subsample ? 2 : 1;
    info.comp_info[0].v_samp_factor = 1;
  }
  jpeg_start_compress(&info, TRUE);
  while (info.next_scanline < info.image_height) {
    JSAMPROW row = const_cast<unsigned char*>(what.pixels) + size_t{info.next_scanline} * what.columns * what.samples;
    jpeg_write_scanlines(&info, &row, 1);
  }
  jpeg_finish_compress(&info);
  jpeg_destroy_compress(&info);
  return true;
}

}  // namespace

Result<FrameFormat> DecodeJpeg(Bytes frame, const FrameFormat& expected, std::span<char> out) {
  HILUM_ASSIGN_OR_RETURN(const JpegHeader header, ReadJpegHeader(frame));
  HILUM_RETURN_IF_ERROR(
      CheckAgreement("JPEG", expected, header.rows, header.columns, header.components, header.precision));
  if (std::max(header.rows, header.columns) > kLongestJpegSide)
    return Unsupported("JPEG: a side of more than " + std::to_string(kLongestJpegSide) + " pixels");
  FrameFormat format = DecodedFormat(expected);
  const bool ybr = !header.lossless() && header.IsYbr(expected.photometric);
  if (format.samples == 3 && !header.lossless()) format.photometric = Photometric::kRgb;
  if (header.lossless() || header.precision != 8) {
    HILUM_RETURN_IF_ERROR(DecodeJpegByDcmtk(frame, header, ybr, format, out));
    if (!header.lossless()) KeepToStoredBits(format, header.precision, out);
    return format;
  }
  const size_t row_bytes = size_t{format.columns} * format.samples;
  ErrorManager errors;
  std::string bytes;
  auto* to = reinterpret_cast<unsigned char*>(out.data());
  if (format.bits_allocated != 8) {
    bytes.resize(row_bytes * format.rows);
    to = reinterpret_cast<unsigned char*>(bytes.data());
  }
  if (!DecodeRows(frame, ybr, format, to, &errors)) {
    return Invalid("JPEG: " + std::string(errors.message));
  }
  if (format.bits_allocated != 8) {
    SampleSink sink(format, 8, /*codestream_signed=*/false, out);
    for (uint32_t row = 0; row < format.rows; ++row) {
      for (uint32_t s = 0; s < format.samples; ++s) sink.PutRow(row, s, to + row * row_bytes + s, format.samples);
    }
  }
  KeepToStoredBits(format, header.precision, out);
  return format;
}

Result<EncodedFrame> EncodeJpeg8(const Image& image, int quality) {
  const FrameFormat& format = image.format;
  const bool colour = format.samples == 3;
  const bool rgb = format.photometric == Photometric::kRgb;
  if (colour && !rgb && format.photometric != Photometric::kYbrFull) {
    return Unsupported("JPEG: colour has to be RGB or YBR_FULL");
  }
  Encoding what{.pixels = reinterpret_cast<const unsigned char*>(image.pixels.data()),
                .rows = format.rows,
                .columns = format.columns,
                .from = !colour ? JCS_GRAYSCALE
                        : rgb   ? JCS_RGB
                                : JCS_YCbCr,
                .to = colour ? JCS_YCbCr : JCS_GRAYSCALE,
                .samples = format.samples,
                .quality = quality,
                .subsample = colour};
  ErrorManager errors;
  unsigned char* data = nullptr;
  unsigned long size = 0;
  // Where it fails `data` is what the library has freed already, or still holds, which is lost.
  if (!EncodeRows(what, &data, &size, &errors)) return Internal("JPEG: " + std::string(errors.message));
  EncodedFrame encoded{.bytes = std::string(reinterpret_cast<char*>(data), size), .format = format, .lossy = true};
  std::free(data);
  if (colour) encoded.format.photometric = Photometric::kYbrFull422;
  return encoded;
}

}  // namespace hilum::pixel
