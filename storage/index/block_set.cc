#include "storage/index/block_set.h"

#include <algorithm>

namespace hilum::storage {
namespace {

enum Form : unsigned char { kGaps = 0, kArray = 1, kBits = 2, kRuns = 3, kRemoveAndAdd = 0x10 };

constexpr uint32_t kMaxGaps = 64;
constexpr size_t kBitsBytes = BlockSet::kWords * sizeof(uint64_t);

// What a row of operands does, whatever was there before: disjoint sets.
struct Change {
  BlockSet add, remove;

  bool Apply(Bytes operand) {
    if (operand.empty()) return false;
    if (static_cast<unsigned char>(operand[0]) != kRemoveAndAdd) {
      BlockSet added;
      if (!added.AddEncoded(operand)) return false;
      Then(added, {});
      return true;
    }
    ByteReader in(operand.substr(1));
    Bytes removed_bytes;
    BlockSet removed, added;
    if (!in.ReadSized(&removed_bytes) || !removed.AddEncoded(removed_bytes) || !added.AddEncoded(in.rest())) {
      return false;
    }
    Then(added, removed);
    return true;
  }

 private:
  void Then(const BlockSet& added, const BlockSet& removed) {
    add -= removed;
    add |= added;
    remove |= removed;
    remove -= added;
  }
};

// Short operands are applied in place: the usual case, one document each.
bool ApplyShort(Bytes operand, Change* change) {
  const auto added = OnlyMember(operand);
  if (added) {
    change->add.Add(*added);
    change->remove.Remove(*added);
    return true;
  }
  return change->Apply(operand);
}

}  // namespace

uint32_t BlockSet::Count() const {
  uint32_t count = 0;
  for (const uint64_t word : words_) count += std::popcount(word);
  return count;
}

void BlockSet::operator|=(const BlockSet& other) {
  for (size_t i = 0; i < kWords; ++i) words_[i] |= other.words_[i];
}

void BlockSet::operator-=(const BlockSet& other) {
  for (size_t i = 0; i < kWords; ++i) words_[i] &= ~other.words_[i];
}

uint32_t BlockSet::CountRuns() const {
  uint32_t runs = 0;
  uint64_t before = 0;
  for (const uint64_t word : words_) {
    runs += std::popcount(word & ~(word << 1 | before));
    before = word >> 63;
  }
  return runs;
}

void BlockSet::AddRange(uint32_t first, uint32_t last) {
  const uint64_t from = ~uint64_t{0} << (first & 63);
  const uint64_t to = ~uint64_t{0} >> (63 - (last & 63));
  const uint32_t first_word = first >> 6, last_word = last >> 6;
  if (first_word == last_word) {
    words_[first_word] |= from & to;
    return;
  }
  words_[first_word] |= from;
  for (uint32_t i = first_word + 1; i < last_word; ++i) words_[i] = ~uint64_t{0};
  words_[last_word] |= to;
}

bool BlockSet::AddEncoded(Bytes encoded) {
  if (encoded.empty()) return false;
  const auto form = static_cast<unsigned char>(encoded[0]);
  ByteReader in(encoded.substr(1));
  if (form == kGaps) {
    uint64_t next = 0;
    while (!in.empty()) {
      uint64_t gap = 0;
      if (!in.ReadVarint(&gap) || gap > 0xFFFF || next + gap > 0xFFFF) return false;
      Add(static_cast<uint16_t>(next + gap));
      next += gap + 1;
    }
    return true;
  }
  if (form == kArray) {
    if (in.rest().size() % 2 != 0) return false;
    int32_t last = -1;
    for (uint16_t member = 0; in.ReadLe(&member); last = member) {
      if (member <= last) return false;
      Add(member);
    }
    return true;
  }
  if (form == kBits) {
    if (in.rest().size() != kBitsBytes) return false;
    const char* from = in.rest().data();
    for (size_t i = 0; i < kWords; ++i) words_[i] |= LoadLe<uint64_t>(from + i * sizeof(uint64_t));
    return true;
  }
  if (form == kRuns) {
    if (in.rest().size() % 4 != 0) return false;
    int64_t last = -1;
    uint16_t first = 0, more = 0;
    while (in.ReadLe(&first) && in.ReadLe(&more)) {
      if (first <= last || first + more > 0xFFFF) return false;
      AddRange(first, first + more);
      last = first + more;
    }
    return true;
  }
  return false;
}

void BlockSet::Encode(std::string* out) const {
  const uint32_t count = Count(), runs = CountRuns();
  if (count <= kMaxGaps) {
    std::string gaps;
    uint32_t next = 0;
    ForEach([&](uint16_t member) {
      AppendVarint(&gaps, member - next);
      next = member + 1;
    });
    if (gaps.size() <= 4 * runs) {
      out->push_back(kGaps);
      *out += gaps;
      return;
    }
  }
  if (4 * runs <= std::min<size_t>(2 * count, kBitsBytes)) {
    out->push_back(kRuns);
    int32_t first = -1, last = -1;
    const auto append_run = [&] {
      if (first < 0) return;
      AppendLe<uint16_t>(out, first);
      AppendLe<uint16_t>(out, last - first);
    };
    ForEach([&](uint16_t member) {
      if (first < 0 || member != last + 1) {
        append_run();
        first = member;
      }
      last = member;
    });
    append_run();
  } else if (2 * count <= kBitsBytes) {
    out->push_back(kArray);
    ForEach([&](uint16_t member) { AppendLe(out, member); });
  } else {
    out->push_back(kBits);
    out->append(reinterpret_cast<const char*>(words_.data()), kBitsBytes);
  }
}

std::optional<uint16_t> OnlyMember(Bytes encoded) {
  if (encoded.size() < 2 || encoded.size() > 4 || encoded[0] != kGaps) return std::nullopt;
  ByteReader in(encoded.substr(1));
  uint64_t member = 0;
  if (!in.ReadVarint(&member) || !in.empty() || member > 0xFFFF) return std::nullopt;
  return static_cast<uint16_t>(member);
}

void AppendAddOperand(std::string* out, uint16_t member) {
  out->push_back(kGaps);
  AppendVarint(out, member);
}

void AppendRemoveOperand(std::string* out, uint16_t member) {
  std::string removed;
  AppendAddOperand(&removed, member);
  out->push_back(kRemoveAndAdd);
  AppendSized(out, removed);
  out->push_back(kGaps);
}

bool FoldBlockSet(std::optional<Bytes> base, std::span<const Bytes> operands, std::string* out) {
  if (!base && operands.size() == 1 && OnlyMember(operands[0])) {
    *out = operands[0];
    return true;
  }
  Change change;
  if (base && !change.add.AddEncoded(*base)) return false;
  for (const Bytes operand : operands) {
    if (!ApplyShort(operand, &change)) return false;
  }
  out->clear();
  change.add.Encode(out);
  return true;
}

bool CombineBlockSets(std::span<const Bytes> operands, std::string* out) {
  Change change;
  for (const Bytes operand : operands) {
    if (!ApplyShort(operand, &change)) return false;
  }
  out->clear();
  if (change.remove.Count() != 0) {
    std::string removed;
    change.remove.Encode(&removed);
    out->push_back(kRemoveAndAdd);
    AppendSized(out, removed);
  }
  change.add.Encode(out);
  return true;
}

}  // namespace hilum::storage
