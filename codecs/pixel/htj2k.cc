// High-Throughput JPEG 2000 (ISO/IEC 15444-15) by OpenJPH.
#include "codecs/pixel/htj2k.h"

#include <openjph/ojph_arch.h>
// In this order: the library's headers lean on each other.
#include <openjph/ojph_codestream.h>
#include <openjph/ojph_file.h>
#include <openjph/ojph_mem.h>
#include <openjph/ojph_message.h>
#include <openjph/ojph_params.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <exception>
#include <mutex>
#include <string>
#include <vector>

#include "codecs/pixel/samples.h"

namespace hilum::pixel {
namespace {

// The library prints what it throws, and has process-wide streams for it; its handlers cannot be replaced in this
// version. A stream that swallows everything needs no file.
void SetUpLibrary() {
  static std::once_flag once;
  std::call_once(once, [] {
    const cookie_io_functions_t swallow{
        .read = nullptr, .write = [](void*, const char*, size_t size) { return static_cast<ssize_t>(size); }};
    FILE* nowhere = fopencookie(nullptr, "w", swallow);
    if (nowhere == nullptr) return;
    setvbuf(nowhere, nullptr, _IONBF, 0);
    ojph::set_warning_stream(nowhere);
    ojph::set_error_stream(nowhere);
  });
}

// What the library throws is no std::exception when memory runs out.
template <typename F>
auto Guarded(F&& run) -> decltype(run()) {
  SetUpLibrary();
  try {
    return run();
  } catch (const std::exception& error) {
    return Invalid("HTJ2K: " + std::string(error.what()));
  } catch (const char* what) {
    return LimitExceeded("HTJ2K: " + std::string(what));
  }
}

Result<FrameFormat> Pull(const Jpeg2000Header& header, FrameFormat format, unsigned reduce, std::span<char> out) {
  ojph::mem_infile file;
  file.open(reinterpret_cast<const ojph::ui8*>(header.codestream.data()), header.codestream.size());
  ojph::codestream codestream;
  codestream.read_headers(&file);
  reduce = std::min<unsigned>(reduce, codestream.access_cod().get_num_decompositions());
  codestream.restrict_input_resolution(reduce, reduce);
  codestream.create();
  ojph::param_siz size = codestream.access_siz();
  if (size.get_num_components() != format.samples) return Invalid("HTJ2K: the number of components changed");
  const uint32_t columns = size.get_recon_width(0), rows = size.get_recon_height(0);
  if (columns == 0 || rows == 0 || columns > format.columns || rows > format.rows) {
    return Invalid("HTJ2K: the decoded size is not that of the header");
  }
  format.columns = columns;
  format.rows = rows;
  SampleSink sink(format, header.precision, header.is_signed, out);
  std::vector<uint32_t> next_row(format.samples, 0);
  const uint64_t lines = uint64_t{rows} * format.samples;
  for (uint64_t i = 0; i < lines; ++i) {
    ojph::ui32 component = 0;
    const ojph::line_buf* line = codestream.pull(component);
    if (line == nullptr || component >= format.samples || next_row[component] >= rows || line->size < columns) {
      return Invalid("HTJ2K: the codestream ends before the image does");
    }
    sink.PutRow(next_row[component]++, component, line->i32);
  }
  codestream.close();
  return format;
}

// One tile-part a tile, lengths of 32 bits (ISO/IEC 15444-1 A.7.1). The RPCL transfer syntax wants it so that a client
// can find its way without the packets; the library does not write it.
void InsertTlm(std::string* codestream) {
  size_t at = 2;
  while (at + 12 <= codestream->size()) {
    const auto marker = LoadBe<uint16_t>(codestream->data() + at);
    const auto length = LoadBe<uint16_t>(codestream->data() + at + 2);
    if (marker == 0xFF90) {
      auto part = LoadBe<uint32_t>(codestream->data() + at + 6);
      if (part == 0) part = static_cast<uint32_t>(codestream->size() - at - 2);  // up to EOC
      std::string tlm("\xFF\x55\x00\x08\x00\x40", 6);
      AppendBe(&tlm, part);
      codestream->insert(at, tlm);
      return;
    }
    at += 2 + size_t{length};
  }
}

struct Plan {
  unsigned precision;
  bool rpcl;
  float step;  // of the quantisation, 0: reversible
};

std::string Push(const Image& image, const Plan& plan) {
  const FrameFormat& format = image.format;
  ojph::codestream codestream;
  ojph::param_siz size = codestream.access_siz();
  size.set_image_extent(ojph::point(format.columns, format.rows));
  size.set_num_components(format.samples);
  for (uint32_t s = 0; s < format.samples; ++s) {
    size.set_component(s, ojph::point(1, 1), plan.precision, format.is_signed);
  }
  size.set_image_offset(ojph::point(0, 0));
  size.set_tile_size(ojph::size(format.columns, format.rows));
  size.set_tile_offset(ojph::point(0, 0));
  ojph::param_cod cod = codestream.access_cod();
  // Five levels decorrelate well; more until the smallest picture has at most 64 pixels a side; never below one pixel.
  const uint32_t longer = std::max(format.rows, format.columns), shorter = std::min(format.rows, format.columns);
  uint32_t levels = 0;
  while ((levels < 5 || longer >> levels > 64) && shorter >> (levels + 1) > 0) ++levels;
  cod.set_num_decomposition(levels);
  cod.set_block_dims(64, 64);
  cod.set_progression_order(plan.rpcl ? "RPCL" : "LRCP");
  const bool colour_transform = format.samples == 3 && format.photometric == Photometric::kRgb;
  cod.set_color_transform(colour_transform);
  cod.set_reversible(plan.step == 0);
  if (plan.step > 0) codestream.access_qcd().set_irrev_quant(plan.step);
  codestream.set_planar(!colour_transform && format.samples > 1);
  ojph::mem_outfile file;
  file.open(size_t{1} << 16);
  codestream.write_headers(&file);
  const SampleSource source(image);
  std::vector<uint32_t> next_row(format.samples, 0);
  ojph::ui32 component = 0;
  ojph::line_buf* line = codestream.exchange(nullptr, component);
  for (uint64_t i = 0; i < uint64_t{format.rows} * format.samples; ++i) {
    source.GetRow(next_row[component]++, component, line->i32);
    line = codestream.exchange(line, component);
  }
  codestream.flush();
  std::string bytes(reinterpret_cast<const char*>(file.get_data()), static_cast<size_t>(file.tell()));
  codestream.close();
  if (plan.rpcl) InsertTlm(&bytes);
  return bytes;
}

// The library quantises by step, not by size: the finest of a few steps whose result is small enough.
std::string PushToRatio(const Image& image, Plan plan, float ratio) {
  const auto budget = static_cast<uint64_t>(static_cast<double>(image.pixels.size()) / ratio);
  float fine = std::ldexp(1.0f, -static_cast<int>(plan.precision) - 2), coarse = 0.25f;
  std::string best;
  for (int i = 0; i < 6; ++i) {
    plan.step = std::sqrt(fine * coarse);
    std::string bytes = Push(image, plan);
    const bool fits = bytes.size() <= budget;
    (fits ? coarse : fine) = plan.step;
    if (best.empty() || fits || (best.size() > budget && bytes.size() < best.size())) best = std::move(bytes);
  }
  return best;
}

}  // namespace

Result<FrameFormat> DecodeHtj2k(const Jpeg2000Header& header, FrameFormat format, unsigned reduce,
                                std::span<char> out) {
  return Guarded([&] { return Pull(header, format, reduce, out); });
}

Result<EncodedFrame> EncodeHtj2k(const Image& image, float ratio, bool rpcl) {
  Plan plan{.precision = NeededPrecision(image), .rpcl = rpcl, .step = 0};
  HILUM_RETURN_IF_ERROR(CheckJpeg2000Precision(plan.precision));
  return Guarded([&]() -> Result<EncodedFrame> {
    EncodedFrame encoded{.format = image.format, .lossy = ratio > 0};
    encoded.bytes = ratio > 0 ? PushToRatio(image, plan, ratio) : Push(image, plan);
    SetJpeg2000Photometric(encoded.lossy, &encoded.format);
    return encoded;
  });
}

}  // namespace hilum::pixel
