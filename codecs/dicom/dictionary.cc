#include <algorithm>
#include <iterator>

#include "codecs/dicom/tag.h"

namespace hilum::dicom {
namespace {

#include "dicom_dictionary.inc"

const DictionaryEntry* FindExact(uint32_t packed) {
  constexpr uint32_t kMask = (1u << kSlotBits) - 1;
  for (uint32_t slot = (packed * 0x9E3779B1u) >> (32 - kSlotBits); kSlots[slot] != 0; slot = (slot + 1) & kMask) {
    const DictionaryEntry& entry = kEntries[kSlots[slot] - 1];
    if (entry.tag.packed() == packed) return &entry;
  }
  return nullptr;
}

}  // namespace

const DictionaryEntry* FindTag(Tag tag) {
  if (tag.is_private()) return nullptr;
  if (const DictionaryEntry* entry = FindExact(tag.packed())) return entry;
  const uint16_t hundred = tag.group & 0xFF00;
  if (hundred == 0x5000 || hundred == 0x6000 || hundred == 0x7F00) return FindExact(Tag(hundred, tag.element).packed());
  if (tag.group == 0x0020 && (tag.element & 0xFF00) == 0x3100) return FindExact(Tag(0x0020, 0x3100).packed());
  return nullptr;
}

const DictionaryEntry* FindKeyword(std::string_view keyword) {
  const auto found =
      std::lower_bound(std::begin(kByKeyword), std::end(kByKeyword), keyword,
                       [](uint16_t index, std::string_view key) { return kEntries[index].keyword < key; });
  if (found == std::end(kByKeyword) || kEntries[*found].keyword != keyword) return nullptr;
  return &kEntries[*found];
}

}  // namespace hilum::dicom
