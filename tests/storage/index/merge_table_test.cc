#include "storage/index/merge_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

#include "storage/index/block_set.h"
#include "storage/index/column_block.h"

namespace hilum::storage {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;

// Keeps the operands of each key, oldest first.
class MergesOnly : public Txn {
 public:
  Result<std::optional<std::string>> Get(Family, Bytes) override { return Internal("not read"); }
  Result<std::vector<std::optional<std::string>>> MultiGet(Family, std::span<const std::string>) override {
    return Internal("not read");
  }
  Result<std::vector<std::pair<std::string, std::string>>> Scan(Family, Bytes, Bytes, size_t) override {
    return Internal("not read");
  }
  void Put(Family, Bytes, Bytes) override { ADD_FAILURE() << "only merges"; }
  void Delete(Family, Bytes) override { ADD_FAILURE() << "only merges"; }
  void Merge(Family family, Bytes key, Bytes operand) override {
    EXPECT_EQ(family, Family::kIndex);
    operands[std::string(key)].emplace_back(operand);
  }

  std::set<uint16_t> SetOf(const std::string& key) const {
    const auto& list = operands.at(key);
    const std::vector<Bytes> views(list.begin(), list.end());
    std::string folded;
    BlockSet set;
    EXPECT_TRUE(FoldBlockSet(std::nullopt, views, &folded) && set.AddEncoded(folded));
    std::set<uint16_t> members;
    set.ForEach([&](uint16_t member) { members.insert(member); });
    return members;
  }
  std::map<int, std::string> RowsOf(const std::string& key) const {
    const auto& list = operands.at(key);
    const std::vector<Bytes> views(list.begin(), list.end());
    std::string folded;
    EXPECT_TRUE(FoldColumnBlock(std::nullopt, views, &folded));
    std::map<int, std::string> rows;
    EXPECT_TRUE(ForEachColumnRow(folded, [&](uint8_t document, Bytes row) { rows.emplace(document, row); }));
    return rows;
  }

  std::map<std::string, std::vector<std::string>> operands;
};

TEST(MergeTableTest, MembersThatAscendBecomeOneOperand) {
  MergeTable table;
  for (const int member : {0, 7, 7, 300, 65535}) table.AddMember("key", static_cast<uint16_t>(member));
  MergesOnly txn;
  table.MergeInto(txn);
  EXPECT_THAT(txn.operands.at("key"), SizeIs(1));
  EXPECT_THAT(txn.SetOf("key"), ElementsAre(0, 7, 300, 65535));
}

TEST(MergeTableTest, MembersInAnyOrderAreAllThere) {
  MergeTable table;
  for (const int member : {9, 3, 3, 20, 1}) table.AddMember("key", static_cast<uint16_t>(member));
  MergesOnly txn;
  table.MergeInto(txn);
  EXPECT_THAT(txn.SetOf("key"), ElementsAre(1, 3, 9, 20));
}

TEST(MergeTableTest, ManyMembersTakeTheirSmallestForm) {
  MergeTable table;
  for (int member = 0; member <= 0xFFFF; ++member) table.AddMember("all", static_cast<uint16_t>(member));
  MergesOnly txn;
  table.MergeInto(txn);
  BlockSet all;
  for (int member = 0; member <= 0xFFFF; ++member) all.Add(static_cast<uint16_t>(member));
  std::string encoded;
  all.Encode(&encoded);
  EXPECT_EQ(txn.operands.at("all").front(), encoded);
}

TEST(MergeTableTest, TheLastRowOfADocumentHolds) {
  MergeTable table;
  table.AddRow("column", 4, "four");
  table.AddRow("column", 9, "nine");
  table.AddRow("column", 4, "other");
  table.AddRow("column", 9, "");
  table.AddRow("column", 255, "last");
  MergesOnly txn;
  table.MergeInto(txn);
  EXPECT_EQ(txn.RowsOf("column"), (std::map<int, std::string>{{4, "other"}, {255, "last"}}));
}

TEST(MergeTableTest, KeysAreKeptApartAndForgottenOnceMerged) {
  std::mt19937 random(20261121);
  std::map<std::string, std::set<uint16_t>> model;
  MergeTable table;
  for (int i = 0; i < 20'000; ++i) {
    const std::string key(random() % 40, static_cast<char>('a' + random() % 26));
    const auto member = static_cast<uint16_t>(random());
    table.AddMember(key, member);
    model[key].insert(member);
  }
  MergesOnly txn, nothing;
  table.MergeInto(txn);
  table.MergeInto(nothing);
  EXPECT_TRUE(nothing.operands.empty());
  ASSERT_EQ(txn.operands.size(), model.size());
  for (const auto& [key, members] : model) EXPECT_EQ(txn.SetOf(key), members) << key;
}

}  // namespace
}  // namespace hilum::storage
