#include "storage/index/block_set.h"

#include <algorithm>

namespace hilum::storage {
namespace {

enum Form : unsigned char { kGaps = 0, kArray = 1, kBits = 2, kRuns = 3, kRemoveAndAdd = 0x10 };

constexpr uint32_t kMaxGaps = 64;
constexpr size_t kBitsBytes = BlockSet::kWords * sizeof(uint64_t);

// Remove these, then add those.
struct Operand {
  std::optional<Bytes> remove;
  Bytes add;

  static std::optional<Operand> Parse(Bytes bytes) {
    if (bytes.empty()) return std::nullopt;
    if (static_cast<unsigned char>(bytes[0]) != kRemoveAndAdd) return Operand{std::nullopt, bytes};
    ByteReader in(bytes.substr(1));
    Bytes removed;
    if (!in.ReadSized(&removed)) return std::nullopt;
    return Operand{removed, in.rest()};
  }
};

// A few members, each added alone: what most operands of a key come to. Far cheaper than a set of 65,536 bits.
class FewMembers {
 public:
  // False: it is another kind of operand, or too many.
  bool Add(Bytes operand) {
    if (operand.empty() || operand[0] != kGaps) return false;
    ByteReader in(operand.substr(1));
    for (uint64_t gap = 0, next = 0; !in.empty(); next += gap + 1) {
      if (count_ == members_.size() || !in.ReadVarint(&gap) || gap > 0xFFFF || next + gap > 0xFFFF) return false;
      members_[count_++] = static_cast<uint16_t>(next + gap);
    }
    return true;
  }

  // Ascending, each once.
  std::span<const uint16_t> Sorted() {
    std::sort(members_.begin(), members_.begin() + count_);
    const auto end = std::unique(members_.begin(), members_.begin() + count_);
    count_ = static_cast<size_t>(end - members_.begin());
    return {members_.data(), count_};
  }

  // As BlockSet::Encode does.
  void Encode(std::string* out) {
    Sorted();
    const auto end = members_.begin() + count_;
    const size_t before = out->size();
    out->push_back(kGaps);
    uint32_t next = 0, runs = 0;
    for (auto member = members_.begin(); member != end; ++member) {
      if (*member != next || runs == 0) ++runs;
      AppendVarint(out, *member - next);
      next = *member + 1u;
    }
    if (out->size() - before - 1 <= 4 * runs) return;
    out->resize(before);
    out->push_back(kRuns);
    for (auto first = members_.begin(); first != end;) {
      auto last = first;
      while (last + 1 != end && last[1] == *last + 1) ++last;
      AppendLe<uint16_t>(out, *first);
      AppendLe<uint16_t>(out, *last - *first);
      first = last + 1;
    }
  }

 private:
  std::array<uint16_t, kMaxGaps> members_;
  size_t count_ = 0;
};

bool CombineFew(std::optional<Bytes> base, std::span<const Bytes> operands, std::string* out) {
  if (operands.size() > kMaxGaps) return false;
  FewMembers few;
  if (base && !few.Add(*base)) return false;
  for (const Bytes operand : operands) {
    if (!few.Add(operand)) return false;
  }
  out->clear();
  few.Encode(out);
  return true;
}

uint16_t MemberAt(const char* members, size_t index) {
  return LoadLe<uint16_t>(members + index * sizeof(uint16_t));
}

// A list of many members and a few more: copied around them rather than taken apart. False: it is something else, or
// another form would be smaller.
bool AddFewToArray(Bytes base, std::span<const Bytes> operands, std::string* out) {
  if (operands.size() > kMaxGaps || base.size() % 2 == 0 || base[0] != kArray) return false;
  FewMembers few;
  for (const Bytes operand : operands) {
    if (!few.Add(operand)) return false;
  }
  const char* const old = base.data() + 1;
  const size_t old_count = base.size() / sizeof(uint16_t);
  out->clear();
  out->reserve(base.size() + kMaxGaps * sizeof(uint16_t));
  out->push_back(kArray);
  size_t copied = 0;
  const auto copy_to = [&](size_t end) {
    out->append(old + copied * sizeof(uint16_t), (end - copied) * sizeof(uint16_t));
    copied = end;
  };
  for (const uint16_t member : few.Sorted()) {
    size_t place = copied;
    for (size_t end = old_count; place < end;) {
      const size_t middle = place + (end - place) / 2;
      MemberAt(old, middle) < member ? place = middle + 1 : end = middle;
    }
    copy_to(place);
    if (place == old_count || MemberAt(old, place) != member) AppendLe(out, member);
  }
  copy_to(old_count);

  const char* const members = out->data() + 1;
  const size_t count = (out->size() - 1) / sizeof(uint16_t);
  uint32_t runs = 1, disorders = 0;
  for (size_t i = 1; i < count; ++i) {
    const uint32_t before = MemberAt(members, i - 1), member = MemberAt(members, i);
    runs += member != before + 1;
    disorders += member <= before;
  }
  return disorders == 0 && count > kMaxGaps && 2 * count <= kBitsBytes && 4 * runs > 2 * count;
}

// std::popcount is a call and a table where the processor may lack the instruction.
uint32_t CountBits(uint64_t word) {
  word -= word >> 1 & 0x5555555555555555u;
  word = (word & 0x3333333333333333u) + (word >> 2 & 0x3333333333333333u);
  word = (word + (word >> 4)) & 0x0F0F0F0F0F0F0F0Fu;
  return static_cast<uint32_t>(word * 0x0101010101010101u >> 56);
}

// Most lists that a search goes by have nothing in common with it: a few members are looked at before asking.
std::optional<bool> ArrayIntersects(Bytes members, std::span<const uint64_t, BlockSet::kWords> words) {
  constexpr size_t kAtOnce = 16;
  if (members.size() % 2 != 0) return std::nullopt;
  const size_t count = members.size() / 2;
  for (size_t i = 0; i < count;) {
    uint64_t common = 0;
    for (const size_t end = std::min(count, i + kAtOnce); i < end; ++i) {
      const uint16_t member = MemberAt(members.data(), i);
      common |= words[member >> 6] >> (member & 63);
    }
    if ((common & 1) != 0) return true;
  }
  return false;
}

}  // namespace

uint32_t BlockSet::Count() const {
  uint32_t count = 0;
  for (size_t i = begin_; i < end_; ++i) count += CountBits(words_[i]);
  return count;
}

uint32_t BlockSet::CountRuns() const {
  uint32_t runs = 0;
  uint64_t before = 0;
  for (size_t i = begin_; i < end_; ++i) {
    runs += CountBits(words_[i] & ~(words_[i] << 1 | before));
    before = words_[i] >> 63;
  }
  return runs;
}

template <typename Visit>
bool BlockSet::ForEachEncodedWord(Bytes encoded, Visit visit) {
  if (encoded.empty()) return false;
  const auto visit_one = [&](uint32_t member) { return visit(member >> 6, uint64_t{1} << (member & 63)); };
  ByteReader in(encoded.substr(1));
  switch (static_cast<unsigned char>(encoded[0])) {
    case kGaps: {
      uint64_t next = 0;
      while (!in.empty()) {
        uint64_t gap = 0;
        if (!in.ReadVarint(&gap) || gap > 0xFFFF || next + gap > 0xFFFF) return false;
        if (!visit_one(static_cast<uint32_t>(next + gap))) return true;
        next += gap + 1;
      }
      return true;
    }
    case kArray: {
      const Bytes members = in.rest();
      if (members.size() % 2 != 0) return false;
      int32_t last = -1;
      for (size_t i = 0; i < members.size() / 2; ++i) {
        const uint16_t member = MemberAt(members.data(), i);
        if (member <= last) return false;
        if (!visit_one(member)) return true;
        last = member;
      }
      return true;
    }
    case kBits: {
      if (in.rest().size() != kBitsBytes) return false;
      const char* from = in.rest().data();
      for (size_t i = 0; i < kWords; ++i) {
        if (!visit(i, LoadLe<uint64_t>(from + i * sizeof(uint64_t)))) return true;
      }
      return true;
    }
    case kRuns: {
      if (in.rest().size() % 4 != 0) return false;
      int64_t last = -1;
      uint16_t first = 0, more = 0;
      while (in.ReadLe(&first) && in.ReadLe(&more)) {
        if (first <= last || first + more > 0xFFFF) return false;
        last = first + more;
        const size_t first_word = first >> 6, last_word = static_cast<size_t>(last) >> 6;
        for (size_t i = first_word; i <= last_word; ++i) {
          uint64_t bits = ~uint64_t{0};
          if (i == first_word) bits &= ~uint64_t{0} << (first & 63);
          if (i == last_word) bits &= ~uint64_t{0} >> (63 - (last & 63));
          if (!visit(i, bits)) return true;
        }
      }
      return true;
    }
    default:
      return false;
  }
}

// What most members of large unions come by: nothing is done for each that can be done once.
bool BlockSet::AddArray(Bytes members) {
  const size_t count = members.size() / sizeof(uint16_t);
  if (members.size() % sizeof(uint16_t) != 0) return false;
  if (count == 0) return true;
  uint64_t* const words = words_.data();
  int last = -1;
  bool ascending = true;
  for (size_t i = 0; i < count; ++i) {
    const uint16_t member = MemberAt(members.data(), i);
    words[member >> 6] |= uint64_t{1} << (member & 63);
    ascending &= member > last;
    last = member;
  }
  Touch(MemberAt(members.data(), 0) >> 6, static_cast<size_t>(last) >> 6);
  return ascending;
}

// The limits are kept in locals: the words might be they, as far as the compiler knows.
bool BlockSet::AddEncoded(Bytes encoded) {
  if (!encoded.empty() && encoded[0] == kArray) return AddArray(encoded.substr(1));
  size_t begin = begin_, end = end_;
  const bool intact = ForEachEncodedWord(encoded, [&](size_t word, uint64_t bits) {
    begin = std::min(begin, word);
    end = std::max(end, word + 1);
    words_[word] |= bits;
    return true;
  });
  begin_ = begin;
  end_ = end;
  return intact;
}

bool BlockSet::AddCommon(Bytes encoded, std::span<const uint64_t, kWords> words) {
  size_t begin = begin_, end = end_;
  const bool intact = ForEachEncodedWord(encoded, [&](size_t word, uint64_t bits) {
    begin = std::min(begin, word);
    end = std::max(end, word + 1);
    words_[word] |= words[word] & bits;
    return true;
  });
  begin_ = begin;
  end_ = end;
  return intact;
}

bool BlockSet::RemoveEncoded(Bytes encoded) {
  return ForEachEncodedWord(encoded, [this](size_t word, uint64_t bits) {
    words_[word] &= ~bits;
    return true;
  });
}

std::optional<bool> BlockSet::Intersects(Bytes encoded, std::span<const uint64_t, kWords> words) {
  if (encoded.size() > 1 && encoded[0] == kArray) return ArrayIntersects(encoded.substr(1), words);
  bool common = false;
  const bool intact = ForEachEncodedWord(encoded, [&](size_t word, uint64_t bits) {
    common = (words[word] & bits) != 0;
    return !common;
  });
  return intact ? std::optional(common) : std::nullopt;
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
    ForEachRun([&](uint16_t first, uint16_t last) {
      AppendLe<uint16_t>(out, first);
      AppendLe<uint16_t>(out, last - first);
    });
  } else if (2 * count <= kBitsBytes) {
    const size_t before = out->size();
    out->resize(before + 1 + count * sizeof(uint16_t));
    char* to = out->data() + before;
    *to++ = kArray;
    ForEach([&](uint16_t member) {
      std::memcpy(to, &member, sizeof(member));
      to += sizeof(member);
    });
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

uint32_t CountAbout(Bytes encoded) {
  if (encoded.empty()) return 0;
  const Bytes members = encoded.substr(1);
  switch (static_cast<unsigned char>(encoded[0])) {
    case kGaps:
      return static_cast<uint32_t>(
          std::ranges::count_if(members, [](char byte) { return (static_cast<unsigned char>(byte) & 0x80) == 0; }));
    case kArray:
      return static_cast<uint32_t>(members.size() / 2);
    case kBits:
      return BlockSet::kWords * 32;
    default: {
      uint32_t count = 0;
      for (size_t i = 1; i < members.size() / 2; i += 2) count += MemberAt(members.data(), i) + 1u;
      return count;
    }
  }
}

void AppendMember(std::string* out, uint32_t next, uint16_t member) {
  if (out->empty()) out->push_back(kGaps);
  AppendVarint(out, member - next);
}

void AppendAddOperand(std::string* out, uint16_t member) {
  AppendMember(out, 0, member);
}

void AppendRemoveOperand(std::string* out, uint16_t member) {
  std::string removed;
  AppendAddOperand(&removed, member);
  out->push_back(kRemoveAndAdd);
  AppendSized(out, removed);
  out->push_back(kGaps);
}

bool FoldBlockSet(std::optional<Bytes> base, std::span<const Bytes> operands, std::string* out) {
  if (CombineFew(base, operands, out) || (base && AddFewToArray(*base, operands, out))) return true;
  BlockSet set;
  if (base && !set.AddEncoded(*base)) return false;
  for (const Bytes bytes : operands) {
    const auto operand = Operand::Parse(bytes);
    if (!operand || (operand->remove && !set.RemoveEncoded(*operand->remove)) || !set.AddEncoded(operand->add)) {
      return false;
    }
  }
  out->clear();
  set.Encode(out);
  return true;
}

bool IsEmptyBlockSet(Bytes encoded) {
  return encoded.size() == 1 && encoded.front() == kGaps;
}

bool CombineBlockSets(std::span<const Bytes> operands, std::string* out) {
  if (CombineFew(std::nullopt, operands, out)) return true;
  BlockSet added, removed;
  bool removes = false;
  for (const Bytes bytes : operands) {
    const auto operand = Operand::Parse(bytes);
    if (!operand) return false;
    if (operand->remove) {
      removes = true;
      if (!added.RemoveEncoded(*operand->remove) || !removed.AddEncoded(*operand->remove)) return false;
    }
    if (!added.AddEncoded(operand->add)) return false;
    if (removes && !removed.RemoveEncoded(operand->add)) return false;
  }
  out->clear();
  if (removes) {
    std::string encoded;
    removed.Encode(&encoded);
    out->push_back(kRemoveAndAdd);
    AppendSized(out, encoded);
  }
  added.Encode(out);
  return true;
}

}  // namespace hilum::storage
