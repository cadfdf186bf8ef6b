// Random documents and queries against the reference, through updates, deletions, reopenings and compactions.
#include <random>

#include "storage/index/match_value.h"
#include "tests/storage/index/index_testing.h"
#include "tests/storage/index/random_documents.h"
#include "tests/storage/index/reference_index.h"

namespace hilum::storage {
namespace {

using Documents = ReferenceIndex::Documents;

int Scaled(int count) {
  return getenv("HILUM_LONG_TESTS") != nullptr ? 10 * count : count;
}

class IndexPropertyTest : public ::testing::Test {
 protected:
  IndexPropertyTest() { std::cout << "seed " << seed_ << " (set HILUM_SEED to repeat)\n"; }

  static uint64_t ChooseSeed() {
    const char* given = getenv("HILUM_SEED");
    return given != nullptr ? std::stoull(given) : std::random_device()();
  }

  // Some changes in one task: documents come, change, go and come back, also several times within it.
  void Change(int changes) {
    std::map<std::pair<CollectionId, Doc>, std::optional<DocumentValues>> next;
    HILUM_ASSERT_OK(store_.Run([&](Txn& txn) -> Status {
      const IndexWriter writer(schema_, Tenant::kDefault);
      std::vector<std::pair<CollectionId, Doc>> touched;
      for (int i = 0; i < changes; ++i) {
        std::pair<CollectionId, Doc> which{random_.Chance(75) ? kMain : kOther, random_.RandomDoc()};
        if (!touched.empty() && random_.Chance(20)) {
          which = touched[static_cast<size_t>(random_.Number(0, static_cast<int64_t>(touched.size()) - 1))];
        }
        touched.push_back(which);
        const auto [collection, doc] = which;
        if (!next.contains(which)) {
          const auto found = model_.documents(collection).find(doc);
          if (found != model_.documents(collection).end()) next[which] = found->second;
        }
        std::optional<DocumentValues>& now = next[which];
        std::optional<DocumentValues> after = random_.Document(collection);
        if (now && random_.Chance(15)) after.reset();
        if (now && after && random_.Chance(50)) {
          // A small change only.
          *after = *now;
          if (!after->entries.empty() && random_.Chance(70)) after->entries.pop_back();
          if (!after->entries.empty() && random_.Chance(30)) after->entries.push_back(after->entries.front());
        }
        HILUM_RETURN_IF_ERROR(writer.Update(txn, collection, doc, now ? &*now : nullptr, after ? &*after : nullptr));
        now = after;
      }
      return Status::Ok();
    }));
    for (const auto& [which, values] : next) {
      if (values) {
        model_.documents(which.first)[which.second] = *values;
      } else {
        model_.documents(which.first).erase(which.second);
      }
    }
  }

  // Pages until the end, with whatever limits.
  void ExpectPages(IndexReader& reader, const Bitmap& matches, const std::vector<SortKey>& sort,
                   const std::vector<Doc>& expected, uint64_t offset, const std::vector<MovedDoc>& moved = {}) {
    std::vector<Doc> walked;
    std::optional<Cursor> after;
    const std::string key(32, 'k');
    while (true) {
      const auto limit = static_cast<size_t>(random_.Chance(30) ? random_.Number(1, 5) : random_.Number(20, 700));
      auto page = reader.Walk(kMain, matches, sort, after, after ? 0 : offset, limit, moved);
      HILUM_ASSERT_OK(page);
      ASSERT_LE(page->docs.size(), limit);
      walked.insert(walked.end(), page->docs.begin(), page->docs.end());
      if (!page->next) break;
      ASSERT_EQ(page->docs.size(), limit);
      auto decoded = DecodeCursor(EncodeCursor(*page->next, key), key);
      HILUM_ASSERT_OK(decoded);
      after = *decoded;
      ASSERT_LE(walked.size(), expected.size());
    }
    const std::vector<Doc> rest(expected.begin() + static_cast<ptrdiff_t>(std::min<uint64_t>(offset, expected.size())),
                                expected.end());
    ASSERT_EQ(walked, rest);
  }

  void CheckQueries(int count) {
    std::optional<IndexReader> reader;
    for (int i = 0; i < count; ++i) {
      // One reader for some queries, so that what it remembers is used.
      if (i % 20 == 0) reader.emplace(store_.kv(), schema_, Tenant::kDefault, nullptr);
      const Query query = random_.RandomQuery(kMain, 4);
      const auto found = reader->Evaluate(kMain, query);
      HILUM_ASSERT_OK(found);
      const std::set<Doc> expected = model_.Evaluate(kMain, query);
      ASSERT_EQ(found->ToVector(), std::vector<Doc>(expected.begin(), expected.end()))
          << "query " << i << ": " << Describe(query);
    }
  }

  void CheckWalks(int count) {
    for (int i = 0; i < count; ++i) {
      IndexReader reader = store_.Reader(schema_);
      const Query query = random_.Chance(50) ? Query{All{}} : random_.RandomQuery(kMain, 1);
      const std::vector<SortKey> sort = random_.RandomSort();
      const auto matches = reader.Evaluate(kMain, query);
      HILUM_ASSERT_OK(matches);
      const auto expected = model_.Sort(kMain, model_.Evaluate(kMain, query), sort);
      const uint64_t offset = random_.Chance(50) ? 0 : static_cast<uint64_t>(random_.Number(0, 2000));
      ASSERT_NO_FATAL_FAILURE(ExpectPages(reader, *matches, sort, expected, offset))
          << "walk " << i << " with " << sort.size() << " keys, first "
          << (sort.empty() ? 0 : static_cast<int>(sort[0].field));
    }
  }

  // With some documents where other values put them.
  void CheckWalksOfMoved(int count) {
    for (int i = 0; i < count; ++i) {
      IndexReader reader = store_.Reader(schema_);
      const std::vector<SortKey> sort = random_.RandomSort();
      const auto matches = reader.Evaluate(kMain, random_.Chance(50) ? Query{All{}} : random_.RandomQuery(kMain, 1));
      HILUM_ASSERT_OK(matches);
      std::vector<MovedDoc> moved;
      ReferenceIndex then = model_;
      for (auto& [doc, values] : then.documents(kMain)) {
        if (random_.Chance(95)) continue;
        values = random_.Document(kMain);
        moved.push_back({doc, values});
      }
      const std::vector<Doc> found = matches->ToVector();
      const auto expected = then.Sort(kMain, std::set<Doc>(found.begin(), found.end()), sort);
      ASSERT_NO_FATAL_FAILURE(ExpectPages(reader, *matches, sort, expected, 0, moved)) << "walk " << i;
    }
  }

  // Leaves held against values, without the index.
  void CheckLeaves(int count) {
    const auto& documents = model_.documents(kMain);
    for (int i = 0; i < count;) {
      const Query query = random_.RandomQuery(kMain, 0);
      const auto field = FieldOfLeaf(query);
      if (!field) continue;
      ++i;
      std::set<Doc> found;
      for (const auto& [doc, values] : documents) {
        const bool matches = std::ranges::any_of(
            values.entries, [&](const auto& entry) { return entry.field == *field && Matches(query, entry.value); });
        if (matches) found.insert(doc);
      }
      ASSERT_EQ(found, model_.Evaluate(kMain, query)) << Describe(query);
    }
  }

  void CheckFacets() {
    IndexReader reader = store_.Reader(schema_);
    for (const FieldId field : {kCodeToken, kSortedToken}) {
      const Query query = random_.RandomQuery(kMain, 2);
      const auto within = reader.Evaluate(kMain, query);
      HILUM_ASSERT_OK(within);
      const auto facets = reader.Facets(kMain, field, *within, 10'000);
      HILUM_ASSERT_OK(facets);
      std::map<std::pair<std::string, std::string>, uint64_t> counted;
      for (const auto& [token, number] : *facets) {
        if (token.system.size() < 200) counted[{token.system, token.code}] = number;
      }
      auto expected = model_.Facets(kMain, field, model_.Evaluate(kMain, query));
      std::erase_if(expected, [](const auto& entry) { return entry.first.first.size() >= 200; });
      ASSERT_EQ(counted, expected);
    }
  }

  void CheckEverything() {
    ASSERT_NO_FATAL_FAILURE(CheckQueries(Scaled(250)));
    ASSERT_NO_FATAL_FAILURE(CheckWalks(Scaled(25)));
    ASSERT_NO_FATAL_FAILURE(CheckWalksOfMoved(Scaled(10)));
    ASSERT_NO_FATAL_FAILURE(CheckLeaves(Scaled(50)));
    ASSERT_NO_FATAL_FAILURE(CheckFacets());
  }

  const uint64_t seed_ = ChooseSeed();
  RandomDocuments random_{seed_};
  const Schema schema_ = TestSchema();
  hilum::testing::TempDir directory_;
  IndexStore store_{directory_.path()};
  ReferenceIndex model_;
};

TEST_F(IndexPropertyTest, AnswersLikeALookAtEveryDocument) {
  for (int round = 0; round < 4; ++round) {
    for (int task = 0; task < 30; ++task) {
      ASSERT_NO_FATAL_FAILURE(Change(static_cast<int>(random_.Number(1, 70))));
    }
    ASSERT_NO_FATAL_FAILURE(CheckEverything()) << "round " << round;
    if (round % 2 == 0) store_.Reopen();
    if (round % 2 == 1) HILUM_ASSERT_OK(store_.kv().CompactAll());
    ASSERT_NO_FATAL_FAILURE(CheckQueries(Scaled(50))) << "after reopening or compacting in round " << round;
  }
}

}  // namespace
}  // namespace hilum::storage
