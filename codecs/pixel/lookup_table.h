// Look-up tables as data sets hold them (PS3.3 C.11.1.1.1, C.7.6.3.1.5, C.7.9.2). Internal to codecs/pixel.
#pragma once

#include <optional>
#include <span>

#include "codecs/dicom/reader.h"
#include "codecs/pixel/instance.h"

namespace hilum::pixel {

// The three numbers of a LUT descriptor.
struct LutDescriptor {
  uint32_t entries = 0;  // 1 to 65536
  int32_t first = 0;
  uint16_t bits = 16;
};

// Nothing when it is not three numbers that make sense.
std::optional<LutDescriptor> ReadLutDescriptor(const dicom::Element& element);

// Entries of 8 bits may have a byte or a word each. Nothing when there are fewer than half of them; the last one is
// repeated where some are missing.
std::optional<LookupTable> ReadLut(const LutDescriptor& descriptor, const dicom::Element& data);

// Discrete, linear and indirect segments (C.7.9.2).
std::optional<LookupTable> ReadSegmentedLut(const LutDescriptor& descriptor, const dicom::Element& data);

// Writers that say 16 bits and mean 8 are common enough; what they look up would be black. Of tables that go together,
// as those of the three colours do, the entries of all of them tell.
void CorrectBits(std::span<LookupTable> tables);

}  // namespace hilum::pixel
