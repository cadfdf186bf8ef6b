#include "codecs/pixel/lookup_table.h"

#include <algorithm>

namespace hilum::pixel {
namespace {

// Of segments: what they stand for is shorter already (PS3.3 C.7.9.2).
constexpr size_t kMaxSegmentBytes = 1 << 20;

std::vector<uint16_t> WordsOf(const dicom::Element& element) {
  std::vector<uint16_t> words(element.value.size() / 2);
  for (size_t i = 0; i < words.size(); ++i) {
    const char* from = element.value.data() + i * 2;
    words[i] = element.big_endian ? LoadBe<uint16_t>(from) : LoadLe<uint16_t>(from);
  }
  return words;
}

// Bytes in the order of the file, undoing the swap of big-endian words.
std::vector<uint16_t> BytesOf(const dicom::Element& element) {
  const bool swapped = element.big_endian && element.vr != dicom::Vr("OB");
  std::vector<uint16_t> bytes(element.value.size());
  for (size_t i = 0; i < bytes.size(); ++i) {
    const size_t j = swapped && (i ^ 1) < bytes.size() ? i ^ 1 : i;
    bytes[i] = static_cast<uint8_t>(element.value[j]);
  }
  return bytes;
}

// Expands segments of `words` into `out`, up to `limit` entries. `words` has 8-bit or 16-bit units.
class Expander {
 public:
  Expander(const std::vector<uint16_t>& words, bool bytes, size_t limit)
      : words_(words), bytes_(bytes), limit_(limit) {}

  bool Run(std::vector<uint16_t>* out) {
    size_t at = 0;
    while (at + 1 < words_.size() && out->size() < limit_) {
      if (!Segment(&at, /*may_refer=*/true, out)) return false;
    }
    return !out->empty();
  }

 private:
  bool Segment(size_t* at, bool may_refer, std::vector<uint16_t>* out) {
    if (words_.size() - *at < 2) return false;
    const uint16_t kind = words_[*at];
    const uint16_t length = words_[*at + 1];
    *at += 2;
    if (length == 0) return false;  // every segment adds something: `limit_` bounds the work
    if (kind == 0) return Discrete(at, length, out);
    if (kind == 1) return Linear(at, length, out);
    return kind == 2 && may_refer && Indirect(at, length, out);
  }

  bool Discrete(size_t* at, size_t length, std::vector<uint16_t>* out) {
    if (length > words_.size() - *at || length > limit_ - out->size()) return false;
    out->insert(out->end(), words_.begin() + static_cast<ptrdiff_t>(*at),
                words_.begin() + static_cast<ptrdiff_t>(*at + length));
    *at += length;
    return true;
  }

  bool Linear(size_t* at, size_t length, std::vector<uint16_t>* out) {
    if (*at >= words_.size() || out->empty() || length > limit_ - out->size()) return false;
    const int64_t from = out->back(), to = words_[(*at)++];
    const auto steps = static_cast<int64_t>(length);
    for (int64_t i = 1; i <= steps; ++i) {
      const int64_t rise = (to - from) * i * 2;
      out->push_back(static_cast<uint16_t>(from + (rise + (rise < 0 ? -steps : steps)) / (2 * steps)));
    }
    return true;
  }

  // `count` segments again, from an offset in bytes. They refer to no others: no recursion.
  bool Indirect(size_t* at, size_t count, std::vector<uint16_t>* out) {
    const size_t units = bytes_ ? 4 : 2;
    if (words_.size() - *at < units) return false;
    uint64_t offset = 0;
    for (size_t i = 0; i < units; ++i) offset |= uint64_t{words_[*at + i]} << i * (bytes_ ? 8 : 16);
    *at += units;
    size_t position = bytes_ ? offset : offset / 2;
    for (size_t i = 0; i < count; ++i) {
      if (position >= words_.size() || !Segment(&position, /*may_refer=*/false, out)) return false;
    }
    return true;
  }

  const std::vector<uint16_t>& words_;
  const bool bytes_;
  const size_t limit_;
};

}  // namespace

std::optional<LutDescriptor> ReadLutDescriptor(const dicom::Element& element) {
  const std::vector<uint16_t> words = WordsOf(element);
  if (words.size() < 3 || words[2] < 8 || words[2] > 16) return std::nullopt;
  LutDescriptor descriptor{.entries = words[0] == 0 ? 65536u : words[0], .first = words[1], .bits = words[2]};
  if (element.vr == dicom::Vr("SS")) descriptor.first = static_cast<int16_t>(words[1]);
  return descriptor;
}

std::optional<LookupTable> ReadLut(const LutDescriptor& descriptor, const dicom::Element& data) {
  const bool bytes = descriptor.bits == 8 && data.value.size() < size_t{descriptor.entries} * 2;
  std::vector<uint16_t> entries = bytes ? BytesOf(data) : WordsOf(data);
  if (entries.size() < (descriptor.entries + 1) / 2) return std::nullopt;
  entries.resize(descriptor.entries, entries.back());
  return LookupTable{.first = descriptor.first, .bits = descriptor.bits, .entries = std::move(entries)};
}

std::optional<LookupTable> ReadSegmentedLut(const LutDescriptor& descriptor, const dicom::Element& data) {
  if (data.value.size() > kMaxSegmentBytes) return std::nullopt;
  const bool bytes = descriptor.bits == 8;
  const std::vector<uint16_t> words = bytes ? BytesOf(data) : WordsOf(data);
  std::vector<uint16_t> entries;
  if (!Expander(words, bytes, descriptor.entries).Run(&entries)) return std::nullopt;
  entries.resize(descriptor.entries, entries.back());
  return LookupTable{.first = descriptor.first, .bits = descriptor.bits, .entries = std::move(entries)};
}

void CorrectBits(std::span<LookupTable> tables) {
  uint16_t greatest = 0;
  for (const LookupTable& table : tables)
    if (table.bits == 16) greatest = std::max(greatest, std::ranges::max(table.entries));
  if (greatest == 0 || greatest > 0xFF) return;
  for (LookupTable& table : tables)
    if (table.bits == 16) table.bits = 8;
}

}  // namespace hilum::pixel
