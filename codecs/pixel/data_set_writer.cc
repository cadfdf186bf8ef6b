#include "codecs/pixel/data_set_writer.h"

#include <algorithm>

namespace hilum::pixel {

using dicom::Element;
using dicom::Tag;
using dicom::Vr;

size_t OrderUnit(Vr vr) {
  if (vr == Vr("OW") || vr == Vr("AT")) return 2;
  if (vr == Vr("OL") || vr == Vr("OF")) return 4;
  if (vr == Vr("OD") || vr == Vr("OV")) return 8;
  return std::max<size_t>(1, vr.number_size());
}

char PaddingOf(Vr vr) {
  return vr.is_text() && vr != Vr("UI") ? ' ' : '\0';
}

void AppendReversed(Bytes value, size_t unit, std::string* out) {
  const size_t begin = out->size();
  out->append(value);
  if (unit < 2) return;
  for (size_t at = begin; at + unit <= out->size(); at += unit) {
    std::reverse(out->begin() + static_cast<ptrdiff_t>(at), out->begin() + static_cast<ptrdiff_t>(at + unit));
  }
}

void DataSetWriter::AddItemTag(Tag tag, uint32_t length) {
  AppendLe(out_, tag.group);
  AppendLe(out_, tag.element);
  AppendLe(out_, length);
}

void DataSetWriter::AddHeader(Tag tag, Vr vr, uint32_t length) {
  if (!explicit_vr_) return AddItemTag(tag, length);
  AppendLe(out_, tag.group);
  AppendLe(out_, tag.element);
  if (!vr.known() || (!vr.has_long_length() && length > 0xFFFF)) vr = Vr("UN");
  out_->append(vr.text());
  if (vr.has_long_length()) {
    AppendLe<uint16_t>(out_, 0);
    AppendLe(out_, length);
  } else {
    AppendLe(out_, static_cast<uint16_t>(length));
  }
}

void DataSetWriter::Add(Tag tag, Vr vr, Bytes value) {
  AddHeader(tag, vr, static_cast<uint32_t>(value.size() + value.size() % 2));
  out_->append(value);
  if (value.size() % 2 != 0) out_->push_back(PaddingOf(vr));
}

void DataSetWriter::Add(const Element& e) {
  const size_t unit = e.big_endian ? OrderUnit(e.vr) : 1;
  if (unit == 1) return Add(e.tag, e.vr, e.value);
  std::string value;
  AppendReversed(e.value, unit, &value);
  Add(e.tag, e.vr, value);
}

}  // namespace hilum::pixel
