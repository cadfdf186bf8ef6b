#include "storage/index/keys.h"
#include "tests/storage/index/index_testing.h"

namespace hilum::storage {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

constexpr CollectionId kPatients{1}, kStudies{2}, kSeries{3};
constexpr FieldId kName{1}, kId{2}, kBirth{3};                // of patients
constexpr FieldId kPatient{1}, kModality{2}, kDate{3};        // of studies
constexpr FieldId kStudy{1}, kMembers{2}, kText{3}, kUid{4};  // of series
constexpr int64_t kDay = 86'400'000'000;

class IndexTest : public ::testing::Test {
 protected:
  IndexTest() {
    schema_.Add(kPatients, {kName, FieldKind::kString, true, false, true});
    schema_.Add(kPatients, {kId, FieldKind::kToken, false, true});
    schema_.Add(kPatients, {kBirth, FieldKind::kDate, true});
    schema_.Add(kStudies, {kPatient, FieldKind::kReference});
    schema_.Add(kStudies, {kModality, FieldKind::kToken, false, true});
    schema_.Add(kStudies, {kDate, FieldKind::kDate, true});
    schema_.Add(kSeries, {kStudy, FieldKind::kReference});
    schema_.Add(kSeries, {kMembers, FieldKind::kReference});
    schema_.Add(kSeries, {kText, FieldKind::kString});
    schema_.Add(kSeries, {kUid, FieldKind::kToken});
  }

  void Put(CollectionId collection, Doc doc, const DocumentValues& values) {
    HILUM_ASSERT_OK(store_.Update(schema_, collection, doc, nullptr, &values));
  }

  static DocumentValues Patient(const std::string& name, const std::string& id = "1") {
    DocumentValues values;
    values.Add(kName, StringValue{name});
    values.Add(kId, TokenValue{"", id});
    return values;
  }
  static DocumentValues Study(Doc patient, const std::string& modality) {
    DocumentValues values;
    values.Add(kPatient, ReferenceValue{ReferenceValue::Target{kPatients, patient}, ""});
    values.Add(kModality, TokenValue{"", modality});
    return values;
  }
  static DocumentValues SeriesOf(Doc study) {
    DocumentValues values;
    values.Add(kStudy, ReferenceValue{ReferenceValue::Target{kStudies, study}, ""});
    return values;
  }

  std::vector<Doc> Find(CollectionId collection, const Query& query) {
    IndexReader reader = store_.Reader(schema_);
    const auto found = reader.Evaluate(collection, query);
    EXPECT_TRUE(found.ok()) << TextOf(found);
    return found.ok() ? found->ToVector() : std::vector<Doc>{404};
  }
  Code CodeOf(CollectionId collection, const Query& query) {
    IndexReader reader = store_.Reader(schema_);
    return reader.Evaluate(collection, query).status().code();
  }

  Schema schema_;
  hilum::testing::TempDir directory_;
  IndexStore store_{directory_.path()};
};

Query NameIs(StringMatch::How how, const std::string& text) {
  return MakeQuery(StringMatch{kName, how, text});
}
Query ModalityIs(const std::string& code) {
  return MakeQuery(TokenIs{kModality, std::nullopt, code});
}

TEST_F(IndexTest, NumbersDocumentsOnAcrossReopenings) {
  std::vector<Doc> docs;
  const auto number = [&](CollectionId collection) {
    HILUM_ASSERT_OK(store_.Run([&](Txn& txn) -> Status {
      const IndexWriter writer(schema_, Tenant::kDefault);
      for (int i = 0; i < 2; ++i) {
        HILUM_ASSIGN_OR_RETURN(const Doc doc, writer.NewDoc(txn, collection));
        docs.push_back(doc);
      }
      return Status::Ok();
    }));
  };
  number(kPatients);
  store_.Reopen();
  number(kPatients);
  number(kStudies);
  EXPECT_THAT(docs, ElementsAre(0, 1, 2, 3, 0, 1));
}

TEST_F(IndexTest, FollowsChainsBothWaysAndThroughTwoSteps) {
  Put(kPatients, 0, Patient("Smith^Anna"));
  Put(kPatients, 1, Patient("Jones^Bob"));
  Put(kStudies, 10, Study(0, "CT"));
  Put(kStudies, 11, Study(1, "MR"));
  Put(kStudies, 12, Study(0, "MR"));
  Put(kSeries, 20, SeriesOf(10));
  Put(kSeries, 21, SeriesOf(11));
  Put(kSeries, 22, SeriesOf(12));

  using How = StringMatch::How;
  const auto of_smith = [] {
    return MakeQueryPtr(RefersTo{kPatient, kPatients, std::make_unique<Query>(NameIs(How::kPrefix, "smith"))});
  };
  EXPECT_THAT(Find(kStudies, *of_smith()), ElementsAre(10, 12));
  EXPECT_THAT(Find(kSeries, MakeQuery(RefersTo{kStudy, kStudies, of_smith()})), ElementsAre(20, 22));
  EXPECT_THAT(Find(kPatients, MakeQuery(ReferredToBy{kStudies, kPatient, std::make_unique<Query>(ModalityIs("MR"))})),
              ElementsAre(0, 1));
  EXPECT_THAT(Find(kPatients, MakeQuery(ReferredToBy{kStudies, kPatient, std::make_unique<Query>(ModalityIs("CT"))})),
              ElementsAre(0));

  // A deleted document is no link of a chain any more.
  const DocumentValues study = Study(0, "CT");
  HILUM_ASSERT_OK(store_.Update(schema_, kStudies, 10, &study, nullptr));
  EXPECT_THAT(Find(kSeries, MakeQuery(RefersTo{kStudy, kStudies, of_smith()})), ElementsAre(22));
  EXPECT_THAT(Find(kPatients, MakeQuery(ReferredToBy{kStudies, kPatient, std::make_unique<Query>(ModalityIs("CT"))})),
              IsEmpty());

  IndexReader reader = store_.Reader(schema_);
  EXPECT_THAT(reader.Referrers(kStudies, kPatient, kPatients, Bitmap({0, 1}))->ToVector(), ElementsAre(11, 12));
  EXPECT_THAT(reader.Referees(kSeries, kStudy, kStudies, Bitmap({21, 22}))->ToVector(), ElementsAre(11, 12));
  EXPECT_THAT(*reader.References(kSeries, kStudy, 21),
              ElementsAre(ReferenceValue{ReferenceValue::Target{kStudies, 11}, ""}));
}

TEST_F(IndexTest, ReadsTargetsAndDatesOfManyDocuments) {
  DocumentValues study = Study(7, "CT");
  study.Add(kPatient, ReferenceValue{ReferenceValue::Target{kSeries, 8}, ""});
  study.Add(kDate, DateValue{kDay, 2 * kDay});
  study.Add(kDate, DateValue{INT64_MIN, 5 * kDay});
  Put(kStudies, 10, study);
  Put(kStudies, 400, Study(9, "CT"));
  Put(kStudies, 401, Study(7, "CT"));

  IndexReader reader = store_.Reader(schema_);
  std::vector<std::pair<Doc, Doc>> targets;
  HILUM_ASSERT_OK(reader.ForEachTarget(kStudies, kPatient, kPatients, Bitmap({10, 11, 400}),
                                       [&](Doc from, Doc to) { targets.emplace_back(from, to); }));
  EXPECT_THAT(targets, ElementsAre(Pair(10, 7), Pair(400, 9)));

  std::vector<std::pair<Doc, DateValue>> dates;
  HILUM_ASSERT_OK(reader.ForEachDate(kStudies, kDate, Bitmap({10, 400}),
                                     [&](Doc doc, const DateValue& date) { dates.emplace_back(doc, date); }));
  EXPECT_THAT(dates,
              UnorderedElementsAre(Pair(10, DateValue{kDay, 2 * kDay}), Pair(10, DateValue{INT64_MIN, 5 * kDay})));
  const auto ignore = [](Doc, const DateValue&) {};
  EXPECT_EQ(reader.ForEachDate(kStudies, kModality, Bitmap({10}), ignore).code(), Code::kInvalid);
}

TEST_F(IndexTest, HoldsAGroupOfManyMembers) {
  DocumentValues group;
  for (Doc i = 0; i < 10'000; ++i) group.Add(kMembers, ReferenceValue{ReferenceValue::Target{kPatients, i * 3}, ""});
  Put(kSeries, 5, group);
  IndexReader reader = store_.Reader(schema_);
  EXPECT_EQ(reader.References(kSeries, kMembers, 5)->size(), 10'000u);
  EXPECT_EQ(reader.Referees(kSeries, kMembers, kPatients, Bitmap({5}))->Count(), 10'000u);
  EXPECT_THAT(reader.Referrers(kSeries, kMembers, kPatients, Bitmap({27'000}))->ToVector(), ElementsAre(5));

  DocumentValues fewer = group;
  fewer.entries.resize(3);
  HILUM_ASSERT_OK(store_.Update(schema_, kSeries, 5, &group, &fewer));
  IndexReader after = store_.Reader(schema_);
  EXPECT_EQ(after.References(kSeries, kMembers, 5)->size(), 3u);
  EXPECT_THAT(after.Referrers(kSeries, kMembers, kPatients, Bitmap({27'000}))->ToVector(), IsEmpty());
}

TEST_F(IndexTest, FindsNamesAsPeopleAskForThem) {
  using How = StringMatch::How;
  Put(kPatients, 0, Patient("MÜLLER^Jürgen=ミューラー"));
  Put(kPatients, 1, Patient("Muller^Anna"));
  Put(kPatients, 2, Patient("Smith^Muller"));
  EXPECT_THAT(Find(kPatients, NameIs(How::kPrefix, "mull")), ElementsAre(0, 1));
  EXPECT_THAT(Find(kPatients, NameIs(How::kWordPrefix, "Müll")), ElementsAre(0, 1, 2));
  EXPECT_THAT(Find(kPatients, NameIs(How::kSoundsLike, "Moeller")), ElementsAre(0, 1, 2));
  EXPECT_THAT(Find(kPatients, NameIs(How::kSoundsLike, "smyth")), ElementsAre(2));
  EXPECT_THAT(Find(kPatients, NameIs(How::kSoundsLike, "ミューラー")), IsEmpty());
  EXPECT_THAT(Find(kPatients, NameIs(How::kContains, "ER^")), ElementsAre(0, 1));
  EXPECT_THAT(Find(kPatients, NameIs(How::kContains, "r")), ElementsAre(0, 1, 2));
  EXPECT_THAT(Find(kPatients, NameIs(How::kPattern, "*^a??a")), ElementsAre(1));
  EXPECT_THAT(Find(kPatients, NameIs(How::kEqualsFolded, "müller^ANNA")), ElementsAre(1));
  EXPECT_THAT(Find(kPatients, NameIs(How::kExact, "müller^ANNA")), IsEmpty());
  EXPECT_THAT(Find(kPatients, NameIs(How::kExact, "Muller^Anna")), ElementsAre(1));
}

TEST_F(IndexTest, FindsNamesByThePartsOfTheirWords) {
  using How = StringMatch::How;
  Put(kPatients, 0, Patient("Meyer-Müller^Anna"));
  Put(kPatients, 1, Patient("O'Brien^Pat"));
  Put(kPatients, 2, Patient("O’Brian^Kim-Lee"));
  Put(kPatients, 3, Patient("Mueller^Brit"));
  EXPECT_THAT(Find(kPatients, NameIs(How::kWordPrefix, "müller")), ElementsAre(0));
  EXPECT_THAT(Find(kPatients, NameIs(How::kWordPrefix, "m")), ElementsAre(0, 3));
  EXPECT_THAT(Find(kPatients, NameIs(How::kWordPrefix, "brien")), ElementsAre(1));
  EXPECT_THAT(Find(kPatients, NameIs(How::kWordPrefix, "b")), ElementsAre(1, 2, 3));
  EXPECT_THAT(Find(kPatients, NameIs(How::kWordPrefix, "le")), ElementsAre(2));
  EXPECT_THAT(Find(kPatients, NameIs(How::kWordPrefix, "meyer-m")), ElementsAre(0)) << "the whole word";
  EXPECT_THAT(Find(kPatients, NameIs(How::kWordPrefix, "rien")), IsEmpty());
  EXPECT_THAT(Find(kPatients, NameIs(How::kSoundsLike, "miller")), ElementsAre(0, 3));
  EXPECT_THAT(Find(kPatients, NameIs(How::kSoundsLike, "maier")), ElementsAre(0)) << "the first part";
  EXPECT_THAT(Find(kPatients, NameIs(How::kSoundsLike, "bryan")), ElementsAre(1, 2));
  EXPECT_THAT(Find(kPatients, NameIs(How::kSoundsLike, "obrien")), ElementsAre(1, 2));
}

TEST_F(IndexTest, SearchesTextsLongerThanKeys) {
  using How = StringMatch::How;
  const std::string start(500, 'x');
  DocumentValues a, b;
  a.Add(kText, StringValue{start + " alpha"});
  b.Add(kText, StringValue{start + " Beta"});
  Put(kSeries, 0, a);
  Put(kSeries, 1, b);
  const auto text_is = [](How how, const std::string& text) { return MakeQuery(StringMatch{kText, how, text}); };
  EXPECT_THAT(Find(kSeries, text_is(How::kEqualsFolded, start + " beta")), ElementsAre(1));
  EXPECT_THAT(Find(kSeries, text_is(How::kPrefix, start + " a")), ElementsAre(0));
  EXPECT_THAT(Find(kSeries, text_is(How::kContains, "BETA")), ElementsAre(1));
  EXPECT_THAT(Find(kSeries, text_is(How::kPattern, "x*alpha")), ElementsAre(0));
  EXPECT_THAT(Find(kSeries, text_is(How::kWordPrefix, start)), ElementsAre(0, 1));

  HILUM_ASSERT_OK(store_.Update(schema_, kSeries, 0, &a, nullptr));
  EXPECT_THAT(Find(kSeries, text_is(How::kPrefix, start)), ElementsAre(1));
}

TEST_F(IndexTest, CountsTheMostFrequentCodes) {
  for (Doc i = 0; i < 6; ++i) Put(kStudies, i, Study(0, i < 3 ? "CT" : i < 5 ? "MR" : "US"));
  IndexReader reader = store_.Reader(schema_);
  const Bitmap live = *reader.Live(kStudies);
  EXPECT_THAT(*reader.Facets(kStudies, kModality, live, 2),
              ElementsAre(Pair(TokenValue{"", "CT"}, 3), Pair(TokenValue{"", "MR"}, 2)));
  EXPECT_THAT(*reader.Facets(kStudies, kModality, Bitmap({4, 5}), 9),
              ElementsAre(Pair(TokenValue{"", "MR"}, 1), Pair(TokenValue{"", "US"}, 1)));
}

TEST_F(IndexTest, KeepsTenantsApart) {
  const DocumentValues values = Patient("Smith");
  HILUM_ASSERT_OK(store_.Run(
      [&](Txn& txn) { return IndexWriter(schema_, Tenant{7}).Update(txn, kPatients, 1, nullptr, &values); }));
  EXPECT_THAT(Find(kPatients, MakeQuery(All{})), IsEmpty());
  IndexReader other(store_.kv(), schema_, Tenant{7}, nullptr);
  EXPECT_THAT(other.Evaluate(kPatients, NameIs(StringMatch::How::kPrefix, "s"))->ToVector(), ElementsAre(1));
}

TEST_F(IndexTest, FollowsNoChainFromWhereNothingRefersToAnything) {
  const auto chain = [] {
    return MakeQuery(RefersTo{kStudy, kStudies, MakeQueryPtr(TokenIs{FieldId{99}, std::nullopt, "x"})});
  };
  EXPECT_EQ(CodeOf(kSeries, chain()), Code::kOk) << "what is at its end is not looked at";
  Put(kSeries, 20, SeriesOf(10));
  EXPECT_EQ(CodeOf(kSeries, chain()), Code::kInvalid);
}

TEST_F(IndexTest, ReadsItsSnapshotOnly) {
  Put(kPatients, 0, Patient("Smith"));
  const auto snapshot = store_.kv().NewSnapshot();
  Put(kPatients, 1, Patient("Smith"));
  IndexReader reader(store_.kv(), schema_, Tenant::kDefault, snapshot.get());
  EXPECT_THAT(reader.Evaluate(kPatients, NameIs(StringMatch::How::kPrefix, "s"))->ToVector(), ElementsAre(0));
}

TEST_F(IndexTest, RefusesWhatTheSchemaDoesNotAllow) {
  EXPECT_EQ(CodeOf(kPatients, MakeQuery(TokenIs{FieldId{99}, std::nullopt, "x"})), Code::kInvalid);
  EXPECT_EQ(CodeOf(kPatients, MakeQuery(TokenIs{kName, std::nullopt, "x"})), Code::kInvalid);
  EXPECT_EQ(CodeOf(kSeries, MakeQuery(TokenPattern{kUid, "1.2*"})), Code::kInvalid);
  EXPECT_EQ(CodeOf(kPatients, MakeQuery(Present{FieldId{99}})), Code::kInvalid);
  EXPECT_EQ(CodeOf(kPatients, MakeQuery(RefersTo{kName, kStudies, MakeQueryPtr(All{})})), Code::kInvalid);

  IndexReader reader = store_.Reader(schema_);
  EXPECT_EQ(reader.Facets(kSeries, kUid, Bitmap(), 1).status().code(), Code::kInvalid);
  EXPECT_EQ(reader.Walk(kSeries, Bitmap(), {{kUid}}, std::nullopt, 0, 1).status().code(), Code::kInvalid);
  EXPECT_EQ(reader.References(kPatients, kName, 1).status().code(), Code::kInvalid);

  DocumentValues wrong_kind, no_field;
  wrong_kind.Add(kName, TokenValue{"", "x"});
  no_field.Add(FieldId{99}, TokenValue{"", "x"});
  EXPECT_EQ(store_.Update(schema_, kPatients, 0, nullptr, &wrong_kind).code(), Code::kInternal);
  EXPECT_EQ(store_.Update(schema_, kPatients, 0, nullptr, &no_field).code(), Code::kInternal);
}

TEST_F(IndexTest, RefusesQueriesNestedTooDeep) {
  const auto nested = [](int depth) {
    Query query = MakeQuery(All{});
    for (int i = 0; i < depth; ++i) query = MakeQuery(Not{std::make_unique<Query>(std::move(query))});
    return query;
  };
  EXPECT_EQ(CodeOf(kPatients, nested(63)), Code::kOk);
  EXPECT_EQ(CodeOf(kPatients, nested(64)), Code::kLimit);
}

TEST_F(IndexTest, PagesInDocumentOrderLoseNothingWhileDocumentsAreAdded) {
  for (Doc i = 0; i < 10; ++i) Put(kPatients, i, Patient("P"));
  std::vector<Doc> ascending, descending;
  std::optional<Cursor> after_ascending, after_descending;
  for (int page = 0; page < 4; ++page) {
    IndexReader reader = store_.Reader(schema_);
    const Bitmap all = *reader.Live(kPatients);
    auto up = reader.Walk(kPatients, all, {}, after_ascending, 0, 3);
    auto down = reader.Walk(kPatients, all, {{kDocOrder, true}}, after_descending, 0, 3);
    HILUM_ASSERT_OK(up);
    HILUM_ASSERT_OK(down);
    ascending.insert(ascending.end(), up->docs.begin(), up->docs.end());
    descending.insert(descending.end(), down->docs.begin(), down->docs.end());
    after_ascending = up->next;
    after_descending = down->next;
    if (page == 0) Put(kPatients, 10, Patient("new"));
  }
  EXPECT_THAT(ascending, ElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10));
  EXPECT_THAT(descending, ElementsAre(9, 8, 7, 6, 5, 4, 3, 2, 1, 0));
}

TEST_F(IndexTest, RefusesACursorOfAnotherOrder) {
  for (Doc i = 0; i < 3; ++i) Put(kPatients, i, Patient("P"));
  IndexReader reader = store_.Reader(schema_);
  const Bitmap all = *reader.Live(kPatients);
  const auto by_name = reader.Walk(kPatients, all, {{kName}}, std::nullopt, 0, 1);
  HILUM_ASSERT_OK(by_name);
  EXPECT_EQ(reader.Walk(kPatients, all, {{kName}, {kBirth}}, by_name->next, 0, 1).status().code(), Code::kInvalid);
  EXPECT_EQ(reader.Walk(kPatients, all, {{kBirth}}, by_name->next, 0, 1).status().code(), Code::kInvalid);
  EXPECT_EQ(reader.Walk(kPatients, all, {}, by_name->next, 0, 1).status().code(), Code::kInvalid);
}

// More documents than are sorted by column at once, all within one second, and names whose first 20,000 do not match.
TEST_F(IndexTest, WalksManyEqualDatesAndManyNamesThatDoNotMatch) {
  constexpr Doc kCount = 26'000, kBoring = 21'000, kGroup = 1000;
  const auto make = [&](Doc doc) {
    DocumentValues values = Patient("n" + std::to_string(100'000 + doc), doc < kBoring ? "boring" : "wanted");
    values.Add(kBirth, DateValue{kDay + 5 + doc % 7, kDay + 50});
    return values;
  };
  for (Doc begin = 0; begin < kCount; begin += kGroup) {
    HILUM_ASSERT_OK(store_.Run([&](Txn& txn) -> Status {
      for (Doc doc = begin; doc < begin + kGroup; ++doc) {
        const DocumentValues values = make(doc);
        HILUM_RETURN_IF_ERROR(IndexWriter(schema_, Tenant::kDefault).Update(txn, kPatients, doc, nullptr, &values));
      }
      return Status::Ok();
    }));
  }
  IndexReader reader = store_.Reader(schema_);
  const Bitmap wanted = *reader.Evaluate(kPatients, MakeQuery(TokenIs{kId, std::nullopt, "wanted"}));
  auto page = reader.Walk(kPatients, wanted, {{kName}}, std::nullopt, 10, 3);
  HILUM_ASSERT_OK(page);
  EXPECT_THAT(page->docs, ElementsAre(21'010, 21'011, 21'012));
  page = reader.Walk(kPatients, wanted, {{kName}}, page->next, 0, 2);
  HILUM_ASSERT_OK(page);
  EXPECT_THAT(page->docs, ElementsAre(21'013, 21'014));

  page = reader.Walk(kPatients, *reader.Live(kPatients), {{kBirth}, {kName, true}}, std::nullopt, 2, 2);
  HILUM_ASSERT_OK(page);
  EXPECT_THAT(page->docs, ElementsAre(25'998 - 14, 25'998 - 21));
  page = reader.Walk(kPatients, *reader.Live(kPatients), {{kBirth}, {kName, true}}, page->next, 0, 2);
  HILUM_ASSERT_OK(page);
  EXPECT_THAT(page->docs, ElementsAre(25'998 - 28, 25'998 - 35));
}

// Each at a second of its own, so that whoever looks for the last ones meets thousands of others first.
TEST_F(IndexTest, WalksDatesThatAreFarBehindManyThatDoNotMatch) {
  constexpr Doc kCount = 4000, kWanted = 700;
  HILUM_ASSERT_OK(store_.Run([&](Txn& txn) -> Status {
    for (Doc doc = 0; doc < kCount; ++doc) {
      DocumentValues values = Patient("n", doc < kWanted ? "early" : doc < kCount - kWanted ? "boring" : "late");
      values.Add(kBirth, DateValue{kDay + doc * 1'000'000, kDay + doc * 1'000'000 + 1});
      HILUM_RETURN_IF_ERROR(IndexWriter(schema_, Tenant::kDefault).Update(txn, kPatients, doc, nullptr, &values));
    }
    return Status::Ok();
  }));
  IndexReader reader = store_.Reader(schema_);
  const auto pages = [&](const char* code, bool descending) {
    const Bitmap wanted = *reader.Evaluate(kPatients, MakeQuery(TokenIs{kId, std::nullopt, code}));
    const auto first = reader.Walk(kPatients, wanted, {{kBirth, descending}}, std::nullopt, 1, 2);
    const auto second = reader.Walk(kPatients, wanted, {{kBirth, descending}}, first->next, 0, 2);
    std::vector<Doc> docs = first->docs;
    docs.insert(docs.end(), second->docs.begin(), second->docs.end());
    return docs;
  };
  EXPECT_THAT(pages("late", false), ElementsAre(3301, 3302, 3303, 3304));
  EXPECT_THAT(pages("late", true), ElementsAre(3998, 3997, 3996, 3995));
  EXPECT_THAT(pages("early", false), ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(pages("early", true), ElementsAre(698, 697, 696, 695));
}

// Values of one entry and field, as the query that reads them would meet them.
class DamagedIndexTest : public IndexTest {
 protected:
  using Values = std::vector<std::pair<std::string, std::string>>;

  Values Read(Entry entry, FieldId field) {
    const std::string prefix = EntryPrefix(Tenant::kDefault, kPatients, entry, field);
    const auto iterator = store_.kv().NewIterator(Family::kIndex, prefix, PrefixEnd(prefix));
    Values values;
    for (iterator->SeekToFirst(); iterator->Valid(); iterator->Next()) {
      values.emplace_back(iterator->key(), iterator->value());
    }
    return values;
  }

  void Write(const Values& values) {
    Batch batch;
    for (const auto& [key, value] : values) batch.Put(Family::kIndex, key, value);
    HILUM_ASSERT_OK(store_.kv().Commit(std::move(batch)));
  }
};

TEST_F(DamagedIndexTest, IsReportedNeverBelieved) {
  using namespace std::string_literals;
  using How = StringMatch::How;
  DocumentValues patient = Patient("Smith");
  patient.Add(kBirth, DateValue{kDay + 1, kDay + 2});
  Put(kPatients, 0, patient);

  struct Case {
    Entry entry;
    FieldId field;
    Query query;
  };
  std::vector<Case> cases;
  cases.push_back({Entry::kLive, FieldId{0}, MakeQuery(All{})});
  cases.push_back({Entry::kPresent, kName, MakeQuery(Present{kName})});
  cases.push_back({Entry::kCode, kId, MakeQuery(TokenIs{kId, std::nullopt, "1"})});
  cases.push_back({Entry::kCode, kId, MakeQuery(TokenPattern{kId, "*"})});
  cases.push_back({Entry::kText, kName, NameIs(How::kPrefix, "s")});
  cases.push_back({Entry::kText, kName, NameIs(How::kPattern, "s*h")});
  cases.push_back({Entry::kTrigram, kName, NameIs(How::kContains, "mit")});
  cases.push_back({Entry::kColumn, kName, NameIs(How::kContains, "mit")});
  cases.push_back({Entry::kStart, kBirth, MakeQuery(DateMatch{kBirth, Comparison::kEqual, {0, 9 * kDay}})});
  cases.push_back({Entry::kColumn, kBirth, MakeQuery(DateMatch{kBirth, Comparison::kEqual, {kDay + 1, kDay + 2}})});
  for (const auto& [entry, field, query] : cases) {
    const Values intact = Read(entry, field);
    ASSERT_FALSE(intact.empty());
    for (const std::string& damage : {"\x66garbage"s, "\0\x80"s, "\0\1\7"s, "\0\2\0\xFF"s, ""s}) {
      if (entry != Entry::kColumn && damage == "\0\1\7"s) continue;  // a set of two documents
      if (entry == Entry::kColumn && damage.empty()) continue;       // a block without rows
      Values damaged = intact;
      for (auto& [key, value] : damaged) value = damage;
      ASSERT_NO_FATAL_FAILURE(Write(damaged));
      EXPECT_EQ(CodeOf(kPatients, query), Code::kCorruption)
          << "entry " << static_cast<int>(entry) << ", " << ::testing::PrintToString(damage);
    }
    ASSERT_NO_FATAL_FAILURE(Write(intact));
    EXPECT_THAT(Find(kPatients, query), ElementsAre(0));
  }
}

}  // namespace
}  // namespace hilum::storage
