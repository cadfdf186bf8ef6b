#include "codecs/pixel/codestream.h"

#include <string>

#include "codecs/pixel/jpeg2000_header.h"
#include "codecs/pixel/jpeg_header.h"

namespace hilum::pixel {
namespace {

// Boxes around it do no harm.
bool IsJpeg2000(Bytes bytes) {
  return bytes.starts_with(std::string_view("\xFF\x4F\xFF\x51", 4)) || bytes.starts_with(kJp2Signature);
}

FrameFormat FormatOf(uint32_t rows, uint32_t columns, uint16_t samples, uint8_t precision) {
  FrameFormat format{.rows = rows, .columns = columns, .samples = samples};
  format.bits_allocated = precision <= 8 ? 8 : precision <= 16 ? 16 : 32;
  format.bits_stored = precision;
  format.high_bit = static_cast<uint16_t>(precision - 1);
  return format;
}

Status CheckSamples(unsigned samples, unsigned precision) {
  if (samples != 1 && samples != 3)
    return Unsupported("the codestream has " + std::to_string(samples) + " samples a pixel, images have 1 or 3");
  if (precision == 0 || precision > 32)
    return Unsupported("the codestream has samples of " + std::to_string(precision) + " bits");
  return Status::Ok();
}

Result<CodestreamDescription> DescribeJpeg2000(Bytes codestream) {
  HILUM_ASSIGN_OR_RETURN(const Jpeg2000Header header, ReadJpeg2000Header(codestream));
  HILUM_RETURN_IF_ERROR(CheckSamples(header.components, header.precision));
  CodestreamDescription description{
      .format = FormatOf(header.rows, header.columns, header.components, header.precision),
      .lossy = header.irreversible};
  description.format.is_signed = header.is_signed;
  if (header.components == 3)
    description.format.photometric = !header.colour_transform ? Photometric::kRgb
                                     : header.irreversible    ? Photometric::kYbrIct
                                                              : Photometric::kYbrRct;
  return description;
}

Result<CodestreamDescription> DescribeJpeg(Bytes codestream) {
  HILUM_ASSIGN_OR_RETURN(const JpegHeader header, ReadJpegHeader(codestream));
  HILUM_RETURN_IF_ERROR(CheckSamples(header.components, header.precision));
  CodestreamDescription description{
      .format = FormatOf(header.rows, header.columns, header.components, header.precision),
      .lossy = !header.lossless()};
  if (header.components == 3) {
    // Without a mark lossless processes keep the colours they are given, and all others turn them.
    const bool ybr = header.IsYbr(header.lossless() ? Photometric::kRgb : Photometric::kOther);
    description.format.photometric = !ybr                ? Photometric::kRgb
                                     : header.subsampled ? Photometric::kYbrFull422
                                                         : Photometric::kYbrFull;
  }
  return description;
}

}  // namespace

std::string_view SyntaxOfCodestream(Bytes codestream) {
  if (!IsJpeg2000(codestream)) return SyntaxOfJpeg(codestream);
  const auto header = ReadJpeg2000Header(codestream);
  if (!header.ok()) return "";
  if (header->high_throughput) return header->irreversible ? "1.2.840.10008.1.2.4.203" : "1.2.840.10008.1.2.4.201";
  return header->irreversible ? "1.2.840.10008.1.2.4.91" : "1.2.840.10008.1.2.4.90";
}

Bytes WithoutBoxes(Bytes file) {
  if (!file.starts_with(kJp2Signature)) return file;
  const auto codestream = StripBoxes(file);
  return codestream.ok() ? *codestream : file;
}

Result<CodestreamDescription> DescribeCodestream(Bytes codestream) {
  HILUM_ASSIGN_OR_RETURN(const CodestreamDescription description,
                         IsJpeg2000(codestream) ? DescribeJpeg2000(codestream) : DescribeJpeg(codestream));
  const FrameFormat& format = description.format;
  if (format.rows == 0 || format.columns == 0 || format.rows > 0xFFFF || format.columns > 0xFFFF)
    return Unsupported("the codestream has " + std::to_string(format.rows) + " rows and " +
                       std::to_string(format.columns) + " columns; images have 1 to 65535");
  return description;
}

}  // namespace hilum::pixel
