#include "codecs/pixel/jpeg_dcmtk.h"

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmjpeg/djcparam.h>
#include <dcmtk/dcmjpeg/djdijg12.h>
#include <dcmtk/dcmjpeg/djdijg16.h>
#include <dcmtk/dcmjpeg/djdijg8.h>
#include <dcmtk/dcmjpeg/djeijg12.h>
#include <dcmtk/dcmjpeg/djeijg16.h>
#include <dcmtk/dcmjpeg/djeijg8.h>

#include <memory>
#include <string>
#include <vector>

#include "codecs/pixel/samples.h"

namespace hilum::pixel {
namespace {

// The classes below the registered codecs: no global registration, no data set.
DJCodecParameter Parameters(bool convert) {
  return DJCodecParameter(ECC_lossyYCbCr, convert ? EDC_always : EDC_never, EUC_never, EPC_colorByPixel,
                          /*predictor6WorkaroundEnable=*/OFFalse, /*cornellWorkaroundEnable=*/OFTrue);
}

// Counts the library's warnings, which are about damaged data, instead of logging them.
template <typename Base>
class Counting : public Base {
 public:
  using Base::Base;
  void emitMessage(int level) const override { warnings_ += level < 0; }
  int warnings() const { return warnings_; }

 private:
  mutable int warnings_ = 0;
};

template <typename Base>
class Quiet : public Base {
 public:
  using Base::Base;
  void emitMessage(void*, int) const override {}
};

template <typename Decoder, typename Sample>
Status Decode(const std::string& codestream, const JpegHeader& header, bool ybr, const FrameFormat& format,
              std::span<char> out) {
  std::vector<Sample> samples(size_t{format.rows} * format.columns * format.samples);
  const DJCodecParameter parameters = Parameters(ybr);
  Counting<Decoder> decoder(parameters, ybr ? OFTrue : OFFalse);
  OFCondition done = decoder.init();
  if (done.good()) {
    done = decoder.decode(reinterpret_cast<Uint8*>(const_cast<char*>(codestream.data())),
                          static_cast<Uint32>(codestream.size()), reinterpret_cast<Uint8*>(samples.data()),
                          static_cast<Uint32>(samples.size() * sizeof(Sample)), format.is_signed ? OFTrue : OFFalse);
  }
  if (done.bad()) return Invalid("JPEG: " + std::string(done.text()));
  if (decoder.warnings() > 0) return Invalid("JPEG: the codestream is damaged or breaks off");
  SampleSink sink(format, header.precision, /*codestream_signed=*/false, out);
  for (uint32_t row = 0; row < format.rows; ++row) {
    const Sample* from = samples.data() + size_t{row} * format.columns * format.samples;
    for (uint32_t s = 0; s < format.samples; ++s) sink.PutRow(row, s, from + s, format.samples);
  }
  return Status::Ok();
}

template <typename Sample>
std::vector<Sample> SamplesOf(const Image& image, unsigned precision) {
  const FrameFormat& format = image.format;
  std::vector<Sample> samples(size_t{format.rows} * format.columns * format.samples);
  const SampleSource source(image);
  const uint32_t mask = precision >= 32 ? ~0u : (1u << precision) - 1;
  for (size_t i = 0; i < samples.size(); ++i)
    samples[i] = static_cast<Sample>(static_cast<uint32_t>(source.At(i)) & mask);
  return samples;
}

template <typename Sample>
Result<std::string> Run(DJEncoder& encoder, const Image& image, unsigned precision) {
  const FrameFormat& format = image.format;
  std::vector<Sample> samples = SamplesOf<Sample>(image, precision);
  Uint8* data = nullptr;
  Uint32 length = 0;
  const OFCondition done =
      encoder.encode(static_cast<Uint16>(format.columns), static_cast<Uint16>(format.rows),
                     format.samples == 3 ? EPI_RGB : EPI_Monochrome2, format.samples, samples.data(), data, length);
  const std::unique_ptr<Uint8[]> owned(data);
  if (done.bad() || data == nullptr) return Internal("JPEG: " + std::string(done.text()));
  return std::string(reinterpret_cast<char*>(data), length);
}

// Sequential scans cover all coefficients; writers that say otherwise mean the same, but the library would complain as
// loudly as about missing data.
void RepairScanHeader(std::string* codestream) {
  for (size_t at = 2; at + 4 <= codestream->size();) {
    const auto length = LoadBe<uint16_t>(codestream->data() + at + 2);
    if ((*codestream)[at] != '\xFF' || at + 2 + length > codestream->size()) return;
    at += 2 + size_t{length};
    if ((*codestream)[at - length - 1] != '\xDA') continue;
    if (length >= 6) codestream->replace(at - 3, 3, std::string("\0\77\0", 3));
    return;
  }
}

}  // namespace

Status DecodeJpegByDcmtk(Bytes frame, const JpegHeader& header, bool ybr, const FrameFormat& format,
                         std::span<char> out) {
  if (frame.size() > INT32_MAX || FrameBytes(format) > INT32_MAX)
    return LimitExceeded("JPEG: a frame of more than 2 GiB");
  // The library waits for more data where the end marker is missing.
  std::string codestream(frame);
  codestream += "\xFF\xD9";
  if (header.process <= 1) RepairScanHeader(&codestream);
  try {
    if (header.precision <= 8) return Decode<DJDecompressIJG8Bit, uint8_t>(codestream, header, ybr, format, out);
    if (header.precision <= 12) return Decode<DJDecompressIJG12Bit, uint16_t>(codestream, header, ybr, format, out);
    return Decode<DJDecompressIJG16Bit, uint16_t>(codestream, header, ybr, format, out);
  } catch (const std::exception& error) {
    return Invalid("JPEG: " + std::string(error.what()));
  }
}

Result<EncodedFrame> EncodeJpeg12(const Image& image, int quality) {
  const FrameFormat& format = image.format;
  if (NeededPrecision(image) > 12) return Unsupported("JPEG extended holds 12 bits, the image has more");
  const DJCodecParameter parameters = Parameters(false);
  Quiet<DJCompressIJG12Bit> encoder(parameters, EJM_sequential, static_cast<Uint8>(quality));
  HILUM_ASSIGN_OR_RETURN(std::string bytes, Run<uint16_t>(encoder, image, 12));
  return EncodedFrame{.bytes = std::move(bytes), .format = format, .lossy = true};
}

// Codestreams have the precision their copy of the library is built for: 10 bits are kept in 12, negative ones
// continued.
Result<EncodedFrame> EncodeJpegLossless(const Image& image, int predictor) {
  const unsigned precision = NeededPrecision(image);
  const DJCodecParameter parameters = Parameters(false);
  std::string bytes;
  if (precision <= 8) {
    Quiet<DJCompressIJG8Bit> encoder(parameters, EJM_lossless, predictor, 0);
    HILUM_ASSIGN_OR_RETURN(bytes, Run<uint8_t>(encoder, image, 8));
  } else if (precision <= 12) {
    Quiet<DJCompressIJG12Bit> encoder(parameters, EJM_lossless, predictor, 0);
    HILUM_ASSIGN_OR_RETURN(bytes, Run<uint16_t>(encoder, image, 12));
  } else {
    Quiet<DJCompressIJG16Bit> encoder(parameters, EJM_lossless, predictor, 0);
    HILUM_ASSIGN_OR_RETURN(bytes, Run<uint16_t>(encoder, image, 16));
  }
  return EncodedFrame{.bytes = std::move(bytes), .format = image.format};
}

}  // namespace hilum::pixel
