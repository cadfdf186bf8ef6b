#include "codecs/dicom/reader.h"

#include "codecs/dicom/byte_order.h"
#include "codecs/dicom/element_header.h"
#include "codecs/dicom/inflate.h"
#include "codecs/dicom/padding.h"
#include "codecs/dicom/parser.h"
#include "codecs/dicom/transfer_syntax.h"
#include "codecs/dicom/vr_table.h"

namespace hilum::dicom {
namespace {

constexpr size_t kPreambleSize = 128;
constexpr size_t kMaxMetaElements = 1000;

bool IsDeflated(std::string_view uid) {
  return uid == kDeflatedExplicitLittleEndian || uid == "1.2.840.10008.1.2.4.95" /* JPIP Referenced Deflate */ ||
         uid == "1.2.840.10008.1.2.4.205" /* JPIP HTJ2K Referenced Deflate */;
}

bool IsImplicit(std::string_view uid) {
  return uid == kImplicitLittleEndian || uid == "1.2.840.113619.5.2" /* GE: implicit, big-endian pixels */ ||
         uid == "1.2.840.10008.1.20" /* Papyrus 3 */;
}

// Data sets that are not sequences of data elements: MIME and XML encapsulation.
bool IsUnparsable(std::string_view uid) {
  return uid.starts_with("1.2.840.10008.1.2.6.");
}

// Reads group 0002 from `position`. The group ends with its last element: its length (0002,0000) is often wrong, and
// only believed where a deflated data set follows, whose bytes might look like another element.
Result<uint64_t> ReadMeta(Bytes file, uint64_t position, Layout* layout) {
  Syntax syntax;
  if (file.size() - position < 8) return position;
  // Some writers have File Meta Information in the syntax of the data set.
  const Vr first_vr(file[position + 4], file[position + 5]);
  syntax.explicit_vr = VrFlags(first_vr) != 0;
  syntax.big_endian = LoadTag(file.data() + position, true).group == 0x0002;
  uint64_t declared_end = 0;
  while (file.size() - position >= 8 && LoadTag(file.data() + position, syntax.big_endian).group == 0x0002) {
    if (position == declared_end && IsDeflated(layout->transfer_syntax)) break;
    ElementHeader header;
    const Bytes rest = file.substr(position);
    if (!ReadElementHeader(rest, syntax, false, &header) || header.length > rest.size() - header.size) {
      return Invalid("DICOM File Meta Information: " + ToString(LoadTag(rest.data(), syntax.big_endian)) +
                     " at offset " + std::to_string(position) + " breaks off");
    }
    if (layout->meta.size() == kMaxMetaElements) return LimitExceeded("DICOM File Meta Information: too many elements");
    if (layout->meta.empty()) layout->meta.reserve(12);
    layout->has_meta = true;
    const Element element{.tag = header.tag,
                          .vr = header.vr,
                          .big_endian = syntax.big_endian,
                          .depth = 0,
                          .offset = position + header.size,
                          .length = header.length,
                          .value = rest.substr(header.size, header.length),
                          .reversed = syntax.big_endian ? static_cast<uint32_t>(WordSize(header.vr)) : 1};
    layout->meta.push_back(element);
    position = element.offset + element.length;
    if (element.tag.element == 0 && element.length == 4) {
      declared_end = position + Load32(element.value.data(), syntax.big_endian);
    }
    if (element.tag == tags::kTransferSyntaxUid && layout->transfer_syntax.empty()) {
      layout->transfer_syntax = Unpadded(element.value);
    }
  }
  return position;
}

// What the bytes say goes before what was declared; without a declaration they have to look like a data set.
Result<Syntax> DetermineSyntax(Bytes data_set, Layout* layout) {
  const std::string_view declared = layout->transfer_syntax;
  Syntax guess;
  if (!declared.empty()) {
    const Syntax syntax{.explicit_vr = !IsImplicit(declared), .big_endian = declared == kExplicitBigEndian};
    if (!GuessSyntax(data_set, /*known_to_be_dicom=*/false, &guess)) return syntax;
    return guess;
  }
  if (!GuessSyntax(data_set, layout->has_meta || layout->has_preamble, &guess)) {
    if (layout->has_meta && data_set.empty()) return Syntax{};
    return Invalid("not a DICOM file: no data element at offset " + std::to_string(layout->data_set_offset));
  }
  layout->transfer_syntax = guess.big_endian    ? kExplicitBigEndian
                            : guess.explicit_vr ? kExplicitLittleEndian
                                                : kImplicitLittleEndian;
  return guess;
}

}  // namespace

Result<Layout> Read(Bytes file, const ReadLimits& limits, Visitor& visitor, Inflated* inflated) {
  Layout layout;
  inflated->Clear();
  uint64_t position = 0;
  if (file.size() >= kPreambleSize + 4 && file.substr(kPreambleSize, 4) == "DICM") {
    layout.has_preamble = true;
    position = kPreambleSize + 4;
  } else if (file.starts_with("DICM")) {
    position = 4;
  }
  HILUM_ASSIGN_OR_RETURN(position, ReadMeta(file, position, &layout));
  layout.data_set_offset = position;
  const bool declared = !layout.transfer_syntax.empty();
  if (IsUnparsable(layout.transfer_syntax)) {
    return Unsupported("transfer syntax " + layout.transfer_syntax + " has no data set that can be read");
  }
  layout.deflated = IsDeflated(layout.transfer_syntax);
  Bytes bytes = file;
  if (layout.deflated) {
    HILUM_RETURN_IF_ERROR(Inflate(file.substr(position), limits, inflated));
    bytes = inflated->bytes();
    position = 0;
  }
  HILUM_ASSIGN_OR_RETURN(const Syntax syntax, DetermineSyntax(bytes.substr(position), &layout));
  layout.explicit_vr = syntax.explicit_vr;
  layout.big_endian = syntax.big_endian;
  Parser parser(bytes, limits, visitor, &layout);
  HILUM_RETURN_IF_ERROR(parser.Walk(position, syntax));
  if (layout.encapsulated && !declared) layout.transfer_syntax.clear();
  return layout;
}

}  // namespace hilum::dicom
