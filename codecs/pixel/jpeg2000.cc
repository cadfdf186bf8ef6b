// JPEG 2000 (ISO/IEC 15444-1) by OpenJPEG; codestreams with Part 15 code blocks go to htj2k.cc.
#include <openjpeg.h>

#include <algorithm>
#include <memory>
#include <string>

#include "codecs/pixel/frame_codecs.h"
#include "codecs/pixel/htj2k.h"
#include "codecs/pixel/jpeg2000_header.h"
#include "codecs/pixel/jpeg_header.h"
#include "codecs/pixel/samples.h"

namespace hilum::pixel {
namespace {

// By function: codec and stream are the same type, void*, to the library.
template <auto Function>
struct Call {
  template <typename T>
  void operator()(T* object) const {
    Function(object);
  }
};
using Codec = std::unique_ptr<opj_codec_t, Call<opj_destroy_codec>>;
using Stream = std::unique_ptr<opj_stream_t, Call<opj_stream_destroy>>;
using OpjImage = std::unique_ptr<opj_image_t, Call<opj_image_destroy>>;

// A stream over memory: read from `in`, or written to `out`.
struct Memory {
  Bytes in;
  std::string out;
  uint64_t position = 0;
};

OPJ_SIZE_T ReadMemory(void* to, OPJ_SIZE_T count, void* user) {
  auto* memory = static_cast<Memory*>(user);
  const uint64_t left = memory->in.size() - std::min<uint64_t>(memory->position, memory->in.size());
  if (left == 0) return static_cast<OPJ_SIZE_T>(-1);
  const size_t some = std::min<uint64_t>(count, left);
  std::memcpy(to, memory->in.data() + memory->position, some);
  memory->position += some;
  return some;
}

OPJ_SIZE_T WriteMemory(void* from, OPJ_SIZE_T count, void* user) {
  auto* memory = static_cast<Memory*>(user);
  if (memory->out.size() < memory->position + count) memory->out.resize(memory->position + count);
  std::memcpy(memory->out.data() + memory->position, from, count);
  memory->position += count;
  return count;
}

OPJ_OFF_T SkipMemory(OPJ_OFF_T count, void* user) {
  auto* memory = static_cast<Memory*>(user);
  if (count < 0) return -1;
  memory->position += static_cast<uint64_t>(count);
  return count;
}

OPJ_BOOL SeekMemory(OPJ_OFF_T to, void* user) {
  auto* memory = static_cast<Memory*>(user);
  if (to < 0) return OPJ_FALSE;
  memory->position = static_cast<uint64_t>(to);
  return OPJ_TRUE;
}

Stream MakeStream(Memory* memory, bool read) {
  // The library reads ahead: a buffer of the codestream's size saves it from asking often.
  Stream stream(opj_stream_create(1 << 18, read ? OPJ_TRUE : OPJ_FALSE));
  if (stream == nullptr) return stream;
  opj_stream_set_user_data(stream.get(), memory, nullptr);
  opj_stream_set_user_data_length(stream.get(), memory->in.size());
  opj_stream_set_read_function(stream.get(), ReadMemory);
  opj_stream_set_write_function(stream.get(), WriteMemory);
  opj_stream_set_skip_function(stream.get(), SkipMemory);
  opj_stream_set_seek_function(stream.get(), SeekMemory);
  return stream;
}

// The first complaint is the cause; the later ones follow from it.
void KeepFirst(const char* text, void* user) {
  auto* message = static_cast<std::string*>(user);
  if (!message->empty()) return;
  *message = text;
  while (!message->empty() && message->back() == '\n') message->pop_back();
}

Status Failed(const std::string& message) {
  return Invalid("JPEG 2000: " + (message.empty() ? "the codestream is damaged" : message));
}

Result<OpjImage> Run(Bytes codestream, unsigned reduce) {
  Memory memory{.in = codestream};
  std::string message;
  const Codec codec(opj_create_decompress(OPJ_CODEC_J2K));
  const Stream stream = MakeStream(&memory, /*read=*/true);
  if (codec == nullptr || stream == nullptr) return LimitExceeded("JPEG 2000: out of memory");
  opj_set_error_handler(codec.get(), KeepFirst, &message);
  opj_dparameters_t parameters;
  opj_set_default_decoder_parameters(&parameters);
  parameters.cp_reduce = reduce;
  opj_image_t* raw = nullptr;
  if (!opj_setup_decoder(codec.get(), &parameters) || !opj_read_header(stream.get(), codec.get(), &raw)) {
    opj_image_destroy(raw);
    return Failed(message);
  }
  OpjImage image(raw);
  if (!opj_decode(codec.get(), stream.get(), image.get())) return Failed(message);
  // Whether the end marker is there does not matter once all tiles are decoded.
  opj_end_decompress(codec.get(), stream.get());
  return image;
}

Result<FrameFormat> DecodePart1(const Jpeg2000Header& header, FrameFormat format, unsigned reduce,
                                std::span<char> out) {
  HILUM_ASSIGN_OR_RETURN(const OpjImage image,
                         Run(header.codestream, std::min<unsigned>(reduce, header.decompositions)));
  if (image->numcomps != format.samples) return Failed("the number of components changed");
  const opj_image_comp_t& first = image->comps[0];
  if (first.w == 0 || first.h == 0 || first.w > format.columns || first.h > format.rows) {
    return Failed("the decoded size is not that of the header");
  }
  format.columns = first.w;
  format.rows = first.h;
  SampleSink sink(format, header.precision, header.is_signed, out);
  for (uint32_t s = 0; s < format.samples; ++s) {
    const opj_image_comp_t& component = image->comps[s];
    if (component.data == nullptr || component.w != first.w || component.h != first.h)
      return Failed("a component is missing");
    for (uint32_t row = 0; row < format.rows; ++row) sink.PutRow(row, s, component.data + size_t{row} * first.w);
  }
  return format;
}

Result<OpjImage> Import(const Image& image, unsigned precision) {
  const FrameFormat& format = image.format;
  opj_image_cmptparm_t components[3] = {};
  for (opj_image_cmptparm_t& c : components) {
    c.dx = c.dy = 1;
    c.w = format.columns;
    c.h = format.rows;
    c.prec = precision;
    c.sgnd = format.is_signed;
  }
  OpjImage to(opj_image_create(format.samples, components, format.samples == 3 ? OPJ_CLRSPC_SRGB : OPJ_CLRSPC_GRAY));
  if (to == nullptr) return LimitExceeded("JPEG 2000: out of memory");
  to->x1 = format.columns;
  to->y1 = format.rows;
  const SampleSource source(image);
  for (uint32_t s = 0; s < format.samples; ++s) {
    for (uint32_t row = 0; row < format.rows; ++row) {
      source.GetRow(row, s, to->comps[s].data + size_t{row} * format.columns);
    }
  }
  return to;
}

}  // namespace

Status CheckJpeg2000Precision(unsigned precision) {
  if (precision > 16) {
    return Unsupported("JPEG 2000: images with more than 16 bits are stored native or with RLE");
  }
  return Status::Ok();
}

void SetJpeg2000Photometric(bool lossy, FrameFormat* format) {
  if (format->samples == 3 && format->photometric == Photometric::kRgb) {
    format->photometric = lossy ? Photometric::kYbrIct : Photometric::kYbrRct;
  }
}

Result<FrameFormat> DecodeJpeg2000(Bytes frame, const FrameFormat& expected, unsigned reduce, std::span<char> out) {
  HILUM_ASSIGN_OR_RETURN(const Jpeg2000Header header, ReadJpeg2000Header(frame));
  HILUM_RETURN_IF_ERROR(
      CheckAgreement("JPEG 2000", expected, header.rows, header.columns, header.components, header.precision));
  FrameFormat format = DecodedFormat(expected);
  if (header.colour_transform && expected.photometric != Photometric::kYbrFull && format.samples == 3) {
    format.photometric = Photometric::kRgb;
  }
  HILUM_ASSIGN_OR_RETURN(format, header.high_throughput ? DecodeHtj2k(header, format, reduce, out)
                                                        : DecodePart1(header, format, reduce, out));
  if (header.irreversible) KeepToStoredBits(format, header.precision, out);
  return format;
}

Result<EncodedFrame> EncodeJpeg2000(const Image& image, float ratio) {
  const unsigned precision = NeededPrecision(image);
  HILUM_RETURN_IF_ERROR(CheckJpeg2000Precision(precision));
  HILUM_ASSIGN_OR_RETURN(const OpjImage source, Import(image, precision));
  opj_cparameters_t parameters;
  opj_set_default_encoder_parameters(&parameters);
  const uint32_t shorter = std::min(image.format.rows, image.format.columns);
  while (parameters.numresolution > 1 && shorter >> (parameters.numresolution - 1) == 0) --parameters.numresolution;
  parameters.tcp_numlayers = 1;
  parameters.cp_disto_alloc = 1;
  parameters.tcp_mct = image.format.photometric == Photometric::kRgb && image.format.samples == 3 ? 1 : 0;
  parameters.irreversible = ratio > 0 ? 1 : 0;
  parameters.tcp_rates[0] = ratio > 0 ? std::max(1.0f, ratio * precision / image.format.bits_allocated) : 0;
  Memory memory;
  std::string message;
  const Codec codec(opj_create_compress(OPJ_CODEC_J2K));
  const Stream stream = MakeStream(&memory, /*read=*/false);
  if (codec == nullptr || stream == nullptr) return LimitExceeded("JPEG 2000: out of memory");
  opj_set_error_handler(codec.get(), KeepFirst, &message);
  if (!opj_setup_encoder(codec.get(), &parameters, source.get()) ||
      !opj_start_compress(codec.get(), source.get(), stream.get()) || !opj_encode(codec.get(), stream.get()) ||
      !opj_end_compress(codec.get(), stream.get())) {
    return Internal("JPEG 2000: " + message);
  }
  EncodedFrame encoded{.bytes = std::move(memory.out), .format = image.format, .lossy = ratio > 0};
  SetJpeg2000Photometric(encoded.lossy, &encoded.format);
  return encoded;
}

}  // namespace hilum::pixel
