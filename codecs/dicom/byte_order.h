// The order of bytes in values. Pure functions, thread-safe.
#pragma once

#include <string>

#include "base/bytes.h"
#include "codecs/dicom/tag.h"

namespace hilum::dicom {

// The bytes of one word of a value, which stand in the order of the byte ordering; 1 where there are no words.
size_t WordSize(Vr vr);
// Appends `value` with the bytes of every word reversed; what is left over at the end stays.
void AppendReversed(Bytes value, size_t word, std::string* out);
// A big endian value with words of that many bytes, in little endian, as values are given out whatever the transfer
// syntax (PS3.18 F.2.7, 8.7.3.2).
std::string LittleEndian(Bytes value, size_t word);

}  // namespace hilum::dicom
