#include <array>

#include "codecs/pixel/codec.h"

namespace hilum::pixel {
namespace {

constexpr TransferSyntax Native(std::string_view uid, std::string_view name) {
  return {.uid = uid, .name = name, .coding = Coding::kNative};
}

constexpr TransferSyntax Lossless(std::string_view uid, std::string_view name, Coding coding) {
  return {.uid = uid, .name = name, .coding = coding};
}

constexpr TransferSyntax MaybeLossy(std::string_view uid, std::string_view name, Coding coding) {
  return {.uid = uid, .name = name, .coding = coding, .lossless_only = false};
}

constexpr TransferSyntax Lossy(std::string_view uid, std::string_view name) {
  return {.uid = uid, .name = name, .coding = Coding::kJpeg, .lossless_only = false, .lossy_only = true};
}

constexpr TransferSyntax ReadOnly(TransferSyntax syntax) {
  syntax.can_encode = false;
  return syntax;
}

constexpr auto kSyntaxes = [] {
  std::array table = {
      Native(dicom::kExplicitLittleEndian, "Explicit VR Little Endian"),
      Lossless("1.2.840.10008.1.2.4.202", "High-Throughput JPEG 2000 with RPCL Options (Lossless Only)",
               Coding::kHtj2k),
      Lossless("1.2.840.10008.1.2.4.201", "High-Throughput JPEG 2000 (Lossless Only)", Coding::kHtj2k),
      MaybeLossy("1.2.840.10008.1.2.4.203", "High-Throughput JPEG 2000", Coding::kHtj2k),
      Lossless("1.2.840.10008.1.2.4.90", "JPEG 2000 (Lossless Only)", Coding::kJpeg2000),
      MaybeLossy("1.2.840.10008.1.2.4.91", "JPEG 2000", Coding::kJpeg2000),
      Lossless("1.2.840.10008.1.2.4.80", "JPEG-LS Lossless", Coding::kJpegLs),
      MaybeLossy("1.2.840.10008.1.2.4.81", "JPEG-LS Near-Lossless", Coding::kJpegLs),
      Lossless("1.2.840.10008.1.2.4.70", "JPEG Lossless, First-Order Prediction", Coding::kJpegLossless),
      Lossless("1.2.840.10008.1.2.4.57", "JPEG Lossless", Coding::kJpegLossless),
      Lossy("1.2.840.10008.1.2.4.50", "JPEG Baseline"),
      Lossy("1.2.840.10008.1.2.4.51", "JPEG Extended"),
      Lossless("1.2.840.10008.1.2.5", "RLE Lossless", Coding::kRle),
      Lossless("1.2.840.10008.1.2.8.1", "Deflated Image Frame Compression", Coding::kDeflatedFrame),
      Native(dicom::kImplicitLittleEndian, "Implicit VR Little Endian"),
      Native(dicom::kDeflatedExplicitLittleEndian, "Deflated Explicit VR Little Endian"),
      ReadOnly(Native(dicom::kExplicitBigEndian, "Explicit VR Big Endian")),
      ReadOnly(Lossless("1.2.840.10008.1.2.4.110", "JPEG XL Lossless", Coding::kJpegXl)),
      ReadOnly(MaybeLossy("1.2.840.10008.1.2.4.111", "JPEG XL JPEG Recompression", Coding::kJpegXl)),
      ReadOnly(MaybeLossy("1.2.840.10008.1.2.4.112", "JPEG XL", Coding::kJpegXl)),
      // Retired processes that archives still hold.
      ReadOnly(Lossy("1.2.840.10008.1.2.4.53", "JPEG Spectral Selection, Non-Hierarchical (Retired)")),
      ReadOnly(Lossy("1.2.840.10008.1.2.4.55", "JPEG Full Progression, Non-Hierarchical (Retired)")),
  };
  for (TransferSyntax& syntax : table) {
    if (syntax.uid == dicom::kImplicitLittleEndian) syntax.explicit_vr = false;
    if (syntax.uid == dicom::kExplicitBigEndian) syntax.big_endian = true;
    if (syntax.uid == dicom::kDeflatedExplicitLittleEndian) syntax.deflated = true;
  }
  return table;
}();

}  // namespace

std::span<const TransferSyntax> TransferSyntaxes() {
  return kSyntaxes;
}

const TransferSyntax* FindTransferSyntax(std::string_view uid) {
  for (const TransferSyntax& syntax : kSyntaxes) {
    if (syntax.uid == uid) return &syntax;
  }
  return nullptr;
}

bool CanEncode(std::string_view uid) {
  const TransferSyntax* syntax = FindTransferSyntax(uid);
  return syntax != nullptr && syntax->can_encode;
}

std::string_view LossyMethod(Coding coding) {
  switch (coding) {
    case Coding::kJpegLs:
      return "ISO_14495_1";
    case Coding::kJpeg2000:
      return "ISO_15444_1";
    case Coding::kHtj2k:
      return "ISO_15444_15";
    default:
      return "ISO_10918_1";
  }
}

}  // namespace hilum::pixel
