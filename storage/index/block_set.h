// A set of documents within one block of 65,536, as postings store it, and the merge operands that change it. Value
// type.
//
// Stored as one byte for the form, then: 0 gaps as varints (short lists); 1 ascending uint16; 2 a bit for each of the
// 65,536; 3 runs of (first, length - 1) as uint16 pairs: forms 1 to 3 are Roaring's containers. All little-endian.
// A merge operand is a stored set (add these) or 0x10, the sized set to remove, and the set to add. Disjoint.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "base/bytes.h"

namespace hilum::storage {

class BlockSet {
 public:
  static constexpr size_t kWords = 1024;

  void Add(uint16_t member) {
    Touch(member >> 6, member >> 6);
    words_[member >> 6] |= uint64_t{1} << (member & 63);
  }
  void Remove(uint16_t member) { words_[member >> 6] &= ~(uint64_t{1} << (member & 63)); }
  bool Contains(uint16_t member) const { return words_[member >> 6] >> (member & 63) & 1; }
  uint32_t Count() const;

  // Adds or removes the members of a stored set. False when the bytes are damaged; what was done is then undefined.
  bool AddEncoded(Bytes encoded);
  bool RemoveEncoded(Bytes encoded);
  // Adds those members of a stored set that are among `words`, which has a bit for each.
  bool AddCommon(Bytes encoded, std::span<const uint64_t, kWords> words);
  // Whether a stored set has a member among `words`; nullopt when the bytes before it are damaged.
  static std::optional<bool> Intersects(Bytes encoded, std::span<const uint64_t, kWords> words);
  // Appends the smallest form.
  void Encode(std::string* out) const;
  // Calls visit(uint16_t) for each member, ascending.
  template <typename Visit>
  void ForEach(Visit visit) const {
    for (size_t i = begin_; i < end_; ++i) {
      for (uint64_t word = words_[i]; word != 0; word &= word - 1) {
        visit(static_cast<uint16_t>(i * 64 + std::countr_zero(word)));
      }
    }
  }

  // Calls visit(uint16_t first, uint16_t last) for each run of members, ascending.
  template <typename Visit>
  void ForEachRun(Visit visit) const {
    constexpr uint32_t kNone = UINT32_MAX;
    uint32_t first = kNone;  // of a run that reaches the end of the word before
    for (size_t i = begin_; i < end_; ++i) {
      const auto base = static_cast<uint32_t>(i * 64);
      uint64_t word = words_[i];
      if (first != kNone) {
        const int more = std::countr_one(word);
        if (more == 64) continue;
        visit(static_cast<uint16_t>(first), static_cast<uint16_t>(base + more - 1));
        first = kNone;
        word &= ~uint64_t{0} << more;
      }
      while (word != 0) {
        const int begin = std::countr_zero(word), end = begin + std::countr_one(word >> begin);
        if (end == 64) {
          first = base + begin;
          break;
        }
        visit(static_cast<uint16_t>(base + begin), static_cast<uint16_t>(base + end - 1));
        word &= ~uint64_t{0} << end;
      }
    }
    if (first != kNone) visit(static_cast<uint16_t>(first), static_cast<uint16_t>(end_ * 64 - 1));
  }

  std::span<const uint64_t, kWords> words() const { return words_; }

 private:
  uint32_t CountRuns() const;
  bool AddArray(Bytes members);
  void Touch(size_t first, size_t last) {
    if (first < begin_) begin_ = first;
    if (last >= end_) end_ = last + 1;
  }
  // Calls visit(word, bits) for the words that the members of `encoded` stand in, until it is false. False when the
  // bytes are damaged.
  template <typename Visit>
  static bool ForEachEncodedWord(Bytes encoded, Visit visit);

  std::array<uint64_t, kWords> words_{};
  // Words outside [begin_, end_) are zero: most sets are small, and their members close together.
  size_t begin_ = kWords;
  size_t end_ = 0;
};

// The only member of a stored set that has one and is in its short form: far cheaper than AddEncoded.
std::optional<uint16_t> OnlyMember(Bytes encoded);

// About how many members a stored set has, at a glance.
uint32_t CountAbout(Bytes encoded);

// Appends a member to an operand that adds ascending ones; `next`: the last of them + 1, 0 when `out` is empty.
void AppendMember(std::string* out, uint32_t next, uint16_t member);
void AppendAddOperand(std::string* out, uint16_t member);
void AppendRemoveOperand(std::string* out, uint16_t member);

// Whether a stored set has no member.
bool IsEmptyBlockSet(Bytes encoded);

// The set after the operands, oldest first, on top of a stored set. False when bytes are damaged.
bool FoldBlockSet(std::optional<Bytes> base, std::span<const Bytes> operands, std::string* out);
// One operand with the effect of all. False when bytes are damaged.
bool CombineBlockSets(std::span<const Bytes> operands, std::string* out);

}  // namespace hilum::storage
