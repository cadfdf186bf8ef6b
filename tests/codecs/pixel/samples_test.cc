// Samples of codecs become cells: each value against the rule in codecs/pixel/samples.h, worked out one by one.
#include "codecs/pixel/samples.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

namespace hilum::pixel {
namespace {

struct Case {
  unsigned allocated, stored, precision;
  bool is_signed, codestream_signed;
};

uint64_t Expected(const Case& c, int64_t value) {
  const int64_t half = int64_t{1} << (c.precision - 1);
  const int64_t low = c.codestream_signed ? -half : 0, high = c.codestream_signed ? half - 1 : 2 * half - 1;
  value = value < low ? low : value > high ? high : value;
  uint64_t bits = static_cast<uint64_t>(value) % (uint64_t{1} << c.precision);
  const bool continued = c.is_signed && (c.codestream_signed || c.precision >= c.stored);
  if (continued && bits >= static_cast<uint64_t>(half)) bits -= uint64_t{1} << c.precision;
  return bits % (uint64_t{1} << c.allocated);
}

std::vector<int64_t> Values(unsigned precision) {
  const int64_t full = int64_t{1} << precision;
  std::vector<int64_t> values = {0, 1, -1, 100, -100};
  for (const int64_t edge : {full, full / 2, -full / 2, -full}) values.insert(values.end(), {edge - 1, edge, edge + 1});
  return values;
}

template <typename T>
void ExpectCells(const Case& c, uint16_t samples_per_pixel, size_t stride) {
  std::vector<T> samples;
  std::vector<uint64_t> expected;
  for (const int64_t value : Values(c.precision)) {
    if (value < static_cast<int64_t>(std::numeric_limits<T>::min()) ||
        value > static_cast<int64_t>(std::numeric_limits<T>::max()))
      continue;
    samples.insert(samples.end(), stride, static_cast<T>(value));
    expected.push_back(Expected(c, value));
  }
  const FrameFormat format{.rows = 2,
                           .columns = static_cast<uint32_t>(expected.size()),
                           .samples = samples_per_pixel,
                           .bits_allocated = static_cast<uint16_t>(c.allocated),
                           .bits_stored = static_cast<uint16_t>(c.stored),
                           .high_bit = static_cast<uint16_t>(c.stored - 1),
                           .is_signed = c.is_signed};
  std::string out(FrameBytes(format), '\x5A');
  SampleSink(format, c.precision, c.codestream_signed, out).PutRow(1, samples_per_pixel - 1u, samples.data(), stride);
  const size_t cell_bytes = c.allocated / 8;
  for (size_t x = 0; x < expected.size(); ++x) {
    uint64_t cell = 0;
    const size_t at = ((expected.size() + x) * samples_per_pixel + samples_per_pixel - 1) * cell_bytes;
    std::memcpy(&cell, out.data() + at, cell_bytes);
    ASSERT_EQ(cell, expected[x]) << "sample " << x << " of " << c.precision << " bits, " << c.stored << " of "
                                 << c.allocated << (c.is_signed ? " signed" : "")
                                 << (c.codestream_signed ? ", codestream signed" : "");
  }
}

TEST(SampleSink, ClampsAndContinuesSamplesOfEveryPrecision) {
  for (const unsigned allocated : {8u, 16u, 32u}) {
    for (unsigned precision = 1; precision <= allocated; ++precision) {
      for (const unsigned stored : {precision, allocated}) {
        for (const bool is_signed : {false, true}) {
          for (const bool codestream_signed : {false, true}) {
            const Case c{allocated, stored, precision, is_signed, codestream_signed};
            for (const uint16_t samples : {1, 3}) {
              for (const size_t stride : {size_t{1}, size_t{3}}) {
                ExpectCells<int32_t>(c, samples, stride);
                ExpectCells<uint32_t>(c, samples, stride);
                ExpectCells<uint16_t>(c, samples, stride);
                ExpectCells<uint8_t>(c, samples, stride);
              }
            }
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace hilum::pixel
