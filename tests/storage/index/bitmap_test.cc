#include "storage/index/bitmap.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <utility>

#include "storage/index/bitmap_builder.h"

namespace hilum::storage {
namespace {

using ::testing::ElementsAre;

std::vector<Doc> From(const Bitmap& bitmap, Doc start, bool descending, size_t limit = 100) {
  std::vector<Doc> docs;
  bitmap.ForEachFrom(start, descending, [&](Doc doc) {
    docs.push_back(doc);
    return docs.size() < limit;
  });
  return docs;
}

TEST(BitmapTest, WalksFromAnywhereBothWays) {
  const Bitmap bitmap({3, 70'000, 70'001, UINT32_MAX});
  EXPECT_THAT(From(bitmap, 0, false), ElementsAre(3, 70'000, 70'001, UINT32_MAX));
  EXPECT_THAT(From(bitmap, 70'000, false, 2), ElementsAre(70'000, 70'001));
  EXPECT_THAT(From(bitmap, 70'002, false), ElementsAre(UINT32_MAX));
  EXPECT_THAT(From(bitmap, UINT32_MAX, true), ElementsAre(UINT32_MAX, 70'001, 70'000, 3));
  EXPECT_THAT(From(bitmap, 70'000, true), ElementsAre(70'000, 3));
  EXPECT_THAT(From(bitmap, 69'999, true), ElementsAre(3));
  EXPECT_THAT(From(bitmap, 2, true), ElementsAre());
  EXPECT_THAT(From(Bitmap(), 0, false), ElementsAre());
  EXPECT_THAT(From(Bitmap(), UINT32_MAX, true), ElementsAre());
}

TEST(BitmapTest, CountsRanksAndSelects) {
  const Bitmap bitmap = Bitmap::Range(10, 20);
  EXPECT_EQ(bitmap.Count(), 10u);
  EXPECT_EQ(bitmap.Rank(9), 0u);
  EXPECT_EQ(bitmap.Rank(10), 1u);
  EXPECT_EQ(bitmap.Rank(UINT32_MAX), 10u);
  EXPECT_EQ(bitmap.Select(0), 10u);
  EXPECT_EQ(bitmap.Select(9), 19u);
  EXPECT_EQ(bitmap.Select(10), std::nullopt);
  EXPECT_TRUE(Bitmap::Range(5, 5).empty());
  EXPECT_EQ(Bitmap::Range(0, uint64_t{1} << 32).Count(), uint64_t{1} << 32);
}

TEST(BitmapTest, CopiesAreIndependentAndMovedFromCanBeAssigned) {
  Bitmap a({1, 2});
  Bitmap b = a;
  b.Add(3);
  a -= std::as_const(a);
  EXPECT_TRUE(a.empty());
  Bitmap c = std::move(b);
  b = c;
  c.Remove(1);
  EXPECT_THAT(b.ToVector(), ElementsAre(1, 2, 3));
  EXPECT_THAT(c.ToVector(), ElementsAre(2, 3));
  b &= std::as_const(b);
  b |= std::as_const(b);
  EXPECT_EQ(b.Count(), 3u);
  EXPECT_TRUE(b.Intersects(c));
  EXPECT_FALSE(a.Intersects(c));
}

TEST(BitmapBuilderTest, BuildsFromBlocksInAnyOrder) {
  BitmapBuilder builder;
  BlockSet dense;
  for (int i = 0; i < 10'000; ++i) dense.Add(static_cast<uint16_t>(i * 3));
  std::string encoded;
  dense.Encode(&encoded);
  ASSERT_TRUE(builder.Add(9, encoded));
  ASSERT_TRUE(builder.Add(2, Bytes("\0\5", 2)));
  ASSERT_TRUE(builder.Add(9, Bytes("\0\1", 2)));
  ASSERT_TRUE(builder.Add(65'535, Bytes("\0\1", 2)));
  ASSERT_TRUE(builder.Add(4, Bytes("\0", 1)));
  builder.Add(7);
  EXPECT_FALSE(BitmapBuilder().Add(1, Bytes("\7")));

  const Bitmap bitmap = builder.Build();
  EXPECT_EQ(bitmap.Count(), 10'004u);
  for (const Doc doc : {7u, (2u << 16) + 5, (9u << 16) + 1, (9u << 16) + 29'997, (65'535u << 16) + 1}) {
    EXPECT_TRUE(bitmap.Contains(doc)) << doc;
  }
  EXPECT_FALSE(bitmap.Contains((9u << 16) + 2));
  EXPECT_TRUE(BitmapBuilder().Build().empty());
}

}  // namespace
}  // namespace hilum::storage
