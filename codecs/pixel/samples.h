// Between the samples of codecs (rows of 32-bit integers) and the pixels of a frame. Internal to codecs/pixel.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <span>
#include <type_traits>

#include "codecs/pixel/image.h"

namespace hilum::pixel {

// Samples of a codestream of `precision` bits into interleaved pixels of `format`.
//
// The bits of a sample are kept. Where the data set says signed the value is continued into the unused bits of its
// cell: always when the codestream is signed; otherwise when it has at least Bits Stored bits (fewer: no value can be
// negative).
class SampleSink {
 public:
  // REQUIRES: precision <= format.bits_allocated <= 32; out.size() >= FrameBytes(format)
  SampleSink(const FrameFormat& format, unsigned precision, bool codestream_signed, std::span<char> out)
      : format_(format), precision_(precision), codestream_signed_(codestream_signed), out_(out) {
    extend_ = format.is_signed && (codestream_signed || precision >= format.bits_stored);
  }

  // Takes `format.columns` samples, `stride` apart. Values beyond the precision are clamped to it.
  // REQUIRES: row < rows, component < samples
  template <typename T>
  void PutRow(uint32_t row, uint32_t component, const T* samples, size_t stride = 1) {
    switch (format_.bits_allocated) {
      case 1:
        return PutBits(row, samples, stride);
      case 8:
        return Put<uint8_t>(row, component, samples, stride);
      case 16:
        return Put<uint16_t>(row, component, samples, stride);
      default:
        return Put<uint32_t>(row, component, samples, stride);
    }
  }

 private:
  template <typename Pixel, typename T>
  void Put(uint32_t row, uint32_t component, const T* samples, size_t stride) {
    char* const to = out_.data() + (uint64_t{row} * format_.columns * format_.samples + component) * sizeof(Pixel);
    using One = std::integral_constant<size_t, 1>;
    if (sizeof(T) > 4 || std::is_same_v<T, uint32_t> || precision_ == 32) {
      PutCells<Pixel, int64_t>(to, format_.samples, samples, stride);
    } else if (format_.samples == 1 && stride == 1) {
      PutCells<Pixel, int32_t>(to, One(), samples, One());
    } else {
      PutCells<Pixel, int32_t>(to, format_.samples, samples, stride);
    }
  }

  // `Integer` has room for every value of T and every sample. A loop that compilers make vector instructions of, for a
  // fast codec spends as much on one without as on decoding: no branch, and steps they know in the most frequent case.
  template <typename Pixel, typename Integer, typename Step, typename T, typename Stride>
  void PutCells(char* to, Step step, const T* samples, Stride stride) const {
    const unsigned value_bits = codestream_signed_ ? precision_ - 1 : precision_;
    const auto low = static_cast<Integer>(codestream_signed_ ? -(int64_t{1} << value_bits) : 0);
    const auto high = static_cast<Integer>((int64_t{1} << value_bits) - 1);
    // Flipping the last bit and taking it away again continues it into the bits above; 0 changes nothing.
    const auto top = static_cast<Integer>(extend_ ? int64_t{1} << (precision_ - 1) : 0);
    const auto mask = static_cast<Integer>((int64_t{1} << precision_) - 1);
    const uint32_t columns = format_.columns;
    for (uint32_t x = 0; x < columns; ++x) {
      const Integer value = std::clamp(static_cast<Integer>(samples[x * stride]), low, high) & mask;
      const auto cell = static_cast<Pixel>((value ^ top) - top);
      std::memcpy(to + x * step * sizeof(Pixel), &cell, sizeof(Pixel));
    }
  }

  template <typename T>
  void PutBits(uint32_t row, const T* samples, size_t stride) {
    uint64_t bit = uint64_t{row} * format_.columns;
    for (uint32_t x = 0; x < format_.columns; ++x, ++bit, samples += stride) {
      char& byte = out_[bit / 8];
      const char mask = static_cast<char>(1 << bit % 8);
      byte = static_cast<char>(*samples != 0 ? byte | mask : byte & ~mask);
    }
  }

  const FrameFormat format_;
  const unsigned precision_;
  const bool codestream_signed_;
  bool extend_;
  const std::span<char> out_;
};

// Reads the samples of an interleaved image as integers.
class SampleSource {
 public:
  // REQUIRES: integer pixels, 1 to 32 bits allocated, as many bytes as the format says.
  explicit SampleSource(const Image& image) : format_(image.format), pixels_(image.pixels.data()) {}

  int64_t At(uint64_t index) const {
    switch (format_.bits_allocated) {
      case 1:
        return pixels_[index / 8] >> index % 8 & 1;
      case 8:
        return Load<uint8_t, int8_t>(index);
      case 16:
        return Load<uint16_t, int16_t>(index);
      default:
        return Load<uint32_t, int32_t>(index);
    }
  }

  // One component of one row.
  template <typename T>
  void GetRow(uint32_t row, uint32_t component, T* to, size_t stride = 1) const {
    uint64_t index = uint64_t{row} * format_.columns * format_.samples + component;
    for (uint32_t x = 0; x < format_.columns; ++x, index += format_.samples, to += stride)
      *to = static_cast<T>(At(index));
  }

 private:
  template <typename Unsigned, typename Signed>
  int64_t Load(uint64_t index) const {
    Unsigned value;
    std::memcpy(&value, pixels_ + index * sizeof(value), sizeof(value));
    return format_.is_signed ? static_cast<int64_t>(static_cast<Signed>(value)) : static_cast<int64_t>(value);
  }

  const FrameFormat format_;
  const char* const pixels_;
};

// Bits a codestream needs to hold every sample as it is: Bits Stored when the samples keep to it, the whole cell when
// something is in the unused bits.
unsigned NeededPrecision(const Image& image);

}  // namespace hilum::pixel
