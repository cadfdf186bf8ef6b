#include "codecs/dicom/byte_order.h"

#include <algorithm>

namespace hilum::dicom {

size_t WordSize(Vr vr) {
  if (vr.is_binary_number() && vr != Vr("AT")) return vr.number_size();
  if (vr == Vr("OW") || vr == Vr("AT")) return 2;
  if (vr == Vr("OF") || vr == Vr("OL")) return 4;
  if (vr == Vr("OD") || vr == Vr("OV")) return 8;
  return 1;
}

void AppendReversed(Bytes value, size_t word, std::string* out) {
  const size_t begin = out->size();
  out->append(value);
  if (word < 2) return;
  for (size_t at = begin; at + word <= out->size(); at += word) std::reverse(&(*out)[at], &(*out)[at] + word);
}

std::string LittleEndian(Bytes value, size_t word) {
  std::string turned;
  AppendReversed(value, word, &turned);
  return turned;
}

}  // namespace hilum::dicom
