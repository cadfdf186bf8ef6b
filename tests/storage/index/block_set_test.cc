#include "storage/index/block_set.h"

#include <gtest/gtest.h>

#include <random>
#include <set>
#include <vector>

#include "storage/index/block_bits.h"
#include "storage/index/column_block.h"
#include "storage/index/index.h"
#include "storage/index/keys.h"

namespace hilum::storage {
namespace {

std::set<uint16_t> Members(Bytes encoded) {
  BlockSet set;
  EXPECT_TRUE(set.AddEncoded(encoded));
  std::set<uint16_t> members;
  set.ForEach([&](uint16_t member) { members.insert(member); });
  EXPECT_EQ(set.Count(), members.size());
  return members;
}

std::string Encoded(const std::set<uint16_t>& members) {
  BlockSet set;
  for (const uint16_t member : members) set.Add(member);
  std::string out;
  set.Encode(&out);
  return out;
}

TEST(BlockSetTest, ReadsBackSetsOfEveryShape) {
  std::mt19937 random(7);
  std::vector<std::set<uint16_t>> sets = {{}, {0}, {65535}, {0, 65535}, {63, 64, 127, 128}};
  std::set<uint16_t> all, runs, dense, sparse;
  for (int i = 0; i < 65536; ++i) all.insert(static_cast<uint16_t>(i));
  for (int i = 0; i < 65536; ++i) {
    if (i / 1000 % 3 == 0) runs.insert(static_cast<uint16_t>(i));
  }
  for (int i = 0; i < 20000; ++i) dense.insert(static_cast<uint16_t>(random()));
  for (int i = 0; i < 1000; ++i) sparse.insert(static_cast<uint16_t>(random()));
  for (const auto& set : {all, runs, dense, sparse}) sets.push_back(set);

  for (const auto& set : sets) EXPECT_EQ(Members(Encoded(set)), set) << set.size();
  EXPECT_LE(Encoded(all).size(), 5u);
  EXPECT_LE(Encoded(dense).size(), 8193u);
  EXPECT_LE(Encoded(sparse).size(), 2001u);
  EXPECT_LE(Encoded({40000}).size(), 4u);
}

TEST(BlockSetTest, TellsWhetherSetsOfAnyShapeHaveAMemberInCommonWithABitmap) {
  std::mt19937 random(11);
  for (const int members : {1, 3, 60, 3000, 5000, 40000}) {
    for (const Doc place : {0u, 65536u, 7 * 65536u}) {
      Bitmap docs = Bitmap::Range(20 * 65536, 21 * 65536);  // of another form
      std::set<uint16_t> set;
      for (int i = 0; i < members; ++i) {
        docs.Add(place + random() % 32768);
        set.insert(static_cast<uint16_t>(32768 + random() % 32768));
      }
      const BlockBits bits(docs);
      ASSERT_NE(bits.Find(place >> 16), nullptr);
      EXPECT_EQ(bits.Find(19), nullptr);
      EXPECT_EQ(BlockSet::Intersects(Encoded(set), *bits.Find(20)), true);
      EXPECT_EQ(BlockSet::Intersects(Encoded(set), *bits.Find(place >> 16)), false);
      set.insert(static_cast<uint16_t>(*docs.Select(static_cast<uint64_t>(members / 2) % docs.Rank(place + 65535))));
      EXPECT_EQ(BlockSet::Intersects(Encoded(set), *bits.Find(place >> 16)), true);
    }
  }
  EXPECT_EQ(BlockSet::Intersects("\x7f", *BlockBits(Bitmap({1})).Find(0)), std::nullopt);
  EXPECT_EQ(BlockBits(Bitmap()).Find(0), nullptr);
}

TEST(BlockSetTest, AddsOnlyTheMembersInCommonWithABitmap) {
  std::mt19937 random(13);
  for (const size_t members : {1, 60, 3000, 5000, 40000}) {
    Bitmap docs;
    std::set<uint16_t> set, common;
    while (set.size() < members) set.insert(static_cast<uint16_t>(random()));
    for (size_t i = 0; i < 10'000; ++i) {
      const auto doc = static_cast<uint16_t>(random());
      docs.Add(doc);
      if (set.contains(doc)) common.insert(doc);
    }
    BlockSet found;
    EXPECT_TRUE(found.AddCommon(Encoded(set), *BlockBits(docs).Find(0)));
    std::set<uint16_t> all;
    found.ForEach([&](uint16_t member) { all.insert(member); });
    EXPECT_EQ(all, common);
  }
}

TEST(BlockSetTest, FoldsAFewMembersIntoASetOfAnyShapeAsIfItWereMadeAnew) {
  std::mt19937 random(17);
  for (const size_t members : {0, 1, 64, 65, 3000, 4095, 5000, 60000}) {
    for (const bool together : {false, true}) {
      std::set<uint16_t> set;
      while (set.size() < members) {
        set.insert(static_cast<uint16_t>(together ? 100 + set.size() : random()));
      }
      const std::string base = Encoded(set);
      std::vector<std::string> operands(1 + random() % 5);
      for (std::string& operand : operands) {
        const auto member = static_cast<uint16_t>(random() % 3 == 0 ? 99 + random() % 4 : random());
        AppendAddOperand(&operand, member);
        set.insert(member);
      }
      std::string folded;
      EXPECT_TRUE(FoldBlockSet(base, std::vector<Bytes>(operands.begin(), operands.end()), &folded));
      EXPECT_TRUE(folded == Encoded(set)) << members << (together ? " together" : "");
    }
  }
}

TEST(BlockSetTest, KnowsAboutHowManyMembersASetHas) {
  EXPECT_EQ(CountAbout(Encoded({})), 0u);
  EXPECT_EQ(CountAbout(Encoded({1, 40000, 65535})), 3u);
  std::set<uint16_t> together, apart;
  for (int i = 0; i < 2000; ++i) {
    together.insert(static_cast<uint16_t>(i));
    apart.insert(static_cast<uint16_t>(i * 7));
  }
  EXPECT_EQ(CountAbout(Encoded(together)), 2000u);
  EXPECT_EQ(CountAbout(Encoded(apart)), 2000u);
  EXPECT_EQ(CountAbout(""), 0u);
}

TEST(BlockSetTest, FindsTheOnlyMember) {
  EXPECT_EQ(OnlyMember(Encoded({40000})), 40000);
  EXPECT_EQ(OnlyMember(Encoded({1, 2})), std::nullopt);
  EXPECT_EQ(OnlyMember(Encoded({})), std::nullopt);
  EXPECT_EQ(OnlyMember({}), std::nullopt);
}

TEST(BlockSetTest, RefusesDamagedBytes) {
  using namespace std::string_literals;
  const std::vector<std::string> damaged = {
      ""s,                             // no form
      "\x07"s,                         // a form that does not exist
      "\0\x80"s,                       // a varint that does not end
      "\0\xFF\xFF\x7F"s,               // beyond the block
      "\0\xFF\xFF\x03\0"s,             // one more than the last
      "\1\5"s,                         // half a member
      "\1\5\0\5\0"s,                   // not ascending
      "\2"s + std::string(8191, 'x'),  // too few bits
      "\3\1\0\1"s,                     // half a run
      "\3\1\0\xFF\xFF"s,               // a run that leaves the block
      "\3\1\0\5\0\3\0\1\0"s,           // runs that overlap
  };
  for (const auto& bytes : damaged) {
    BlockSet set;
    EXPECT_FALSE(set.AddEncoded(bytes)) << ::testing::PrintToString(bytes);
    std::string out;
    const Bytes operand = bytes;
    EXPECT_FALSE(CombineBlockSets({&operand, 1}, &out));
    EXPECT_FALSE(FoldBlockSet(Bytes(bytes), {}, &out));
  }
  const Bytes cut_removal("\x10\x05\0", 3);
  std::string out;
  EXPECT_FALSE(FoldBlockSet(std::nullopt, {&cut_removal, 1}, &out));
}

std::string PostingKey() {
  std::string key = EntryPrefix(Tenant::kDefault, CollectionId{1}, Entry::kPresent, FieldId{1});
  AppendBe<uint32_t>(&key, 0);
  return key;
}

std::string ColumnBlockKey() {
  std::string key = EntryPrefix(Tenant::kDefault, CollectionId{1}, Entry::kColumn, FieldId{1});
  AppendBe<uint32_t>(&key, 0);
  return key;
}

// Folds a row of operands as the store may: some combined first, in whatever groups, and in whatever steps.
std::string FoldSomehow(const std::string& key, const std::vector<std::string>& operands, std::mt19937* random) {
  const Merger& merger = IndexMerger();
  std::vector<std::string> left = operands;
  while (left.size() > 1 && (*random)() % 4 != 0) {
    const size_t begin = (*random)() % (left.size() - 1);
    const size_t end = begin + 2 + (*random)() % (left.size() - begin - 1);
    std::string combined;
    EXPECT_TRUE(merger.Combine(key, std::vector<Bytes>(left.begin() + begin, left.begin() + end), &combined));
    left.erase(left.begin() + begin, left.begin() + end);
    left.insert(left.begin() + begin, combined);
  }
  std::optional<std::string> value;
  for (size_t begin = 0; begin < left.size();) {
    const size_t end = begin + 1 + (*random)() % (left.size() - begin);
    std::string folded;
    EXPECT_TRUE(merger.Fold(key, value ? std::optional<Bytes>(*value) : std::nullopt,
                            std::vector<Bytes>(left.begin() + begin, left.begin() + end), &folded));
    value = folded;
    begin = end;
  }
  return value.value_or("");
}

TEST(IndexMergerTest, FoldsPostingsTheSameInWhateverGroups) {
  std::mt19937 random(11);
  for (int round = 0; round < 300; ++round) {
    std::vector<std::string> operands;
    std::set<uint16_t> expected;
    for (int i = 1 + random() % 40; i > 0; --i) {
      const auto member = static_cast<uint16_t>(random() % (round % 2 == 0 ? 12 : 65536));
      std::string operand;
      if (random() % 3 == 0) {
        AppendRemoveOperand(&operand, member);
        expected.erase(member);
      } else {
        AppendAddOperand(&operand, member);
        expected.insert(member);
      }
      operands.push_back(operand);
    }
    EXPECT_EQ(Members(FoldSomehow(PostingKey(), operands, &random)), expected);
  }
}

TEST(IndexMergerTest, FoldsColumnsTheSameInWhateverGroups) {
  std::mt19937 random(12);
  for (int round = 0; round < 300; ++round) {
    std::vector<std::string> operands;
    std::map<uint8_t, std::string> expected;
    for (int i = 1 + random() % 40; i > 0; --i) {
      const auto document = static_cast<uint8_t>(random() % 8);
      const std::string row(random() % 4, static_cast<char>('a' + random() % 26));
      expected[document] = row;
      operands.emplace_back();
      AppendColumnRow(&operands.back(), document, row);
    }
    std::erase_if(expected, [](const auto& row) { return row.second.empty(); });
    std::map<uint8_t, std::string> rows;
    EXPECT_TRUE(ForEachColumnRow(FoldSomehow(ColumnBlockKey(), operands, &random),
                                 [&](uint8_t document, Bytes row) { rows[document] = row; }));
    EXPECT_EQ(rows, expected);
  }
}

TEST(IndexMergerTest, RefusesDamagedColumnsAndKeysThatDoNotMerge) {
  std::string out;
  for (const Bytes damaged : {Bytes("\1"), Bytes("\1\5ab"), Bytes("\2\1a\1\1b")}) {
    EXPECT_FALSE(IndexMerger().Combine(ColumnBlockKey(), {&damaged, 1}, &out));
    EXPECT_FALSE(IndexMerger().Fold(ColumnBlockKey(), damaged, {}, &out));
  }
  std::string operand;
  AppendAddOperand(&operand, 1);
  const Bytes view = operand;
  EXPECT_FALSE(IndexMerger().Combine("short", {&view, 1}, &out));
  std::string put = EntryPrefix(Tenant::kDefault, CollectionId{1}, Entry::kLongText, FieldId{1}) + "12345678";
  EXPECT_FALSE(IndexMerger().Fold(put, std::nullopt, {&view, 1}, &out));
}

}  // namespace
}  // namespace hilum::storage
