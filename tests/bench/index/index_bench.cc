// The index against the same store with one key for each posting: writing, counting, sorting, chains. Prints what was
// measured and the ratio.
//
//   index_bench FOLDER [documents]      FOLDER must not exist; default 200,000 documents of 15 values
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/disk.h"
#include "storage/index/index.h"
#include "tests/bench/support/figures.h"
#include "tests/bench/support/require.h"

namespace {

using namespace hilum;           // NOLINT: a program
using namespace hilum::storage;  // NOLINT
using hilum::bench::Must;
using hilum::bench::Require;

constexpr CollectionId kRecords{1}, kPatients{2};
constexpr FieldId kUid{1}, kCode{2}, kCategory{3}, kStatus{4}, kSubject{5}, kDay{6}, kUpdated{7}, kValue{8}, kScore{9},
    kName{10}, kProfile{11}, kDevice{12}, kMethod{13}, kSite{14};
constexpr FieldId kGender{1}, kFamily{2}, kBirth{3};
constexpr Doc kGroup = 200;
constexpr int64_t kMicrosPerDay = 86'400'000'000;

double Seconds(const std::function<void()>& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

Schema MakeSchema() {
  Schema schema;
  const auto add = [&](FieldId id, FieldKind kind, bool sortable = false, bool patterns = false) {
    schema.Add(kRecords, {id, kind, sortable, patterns});
  };
  for (const FieldId id : {kUid, kCode, kStatus, kDevice, kMethod, kSite}) add(id, FieldKind::kToken);
  add(kCategory, FieldKind::kToken, false, true);
  add(kSubject, FieldKind::kReference);
  add(kDay, FieldKind::kDate, true);
  add(kUpdated, FieldKind::kDate, true);
  add(kValue, FieldKind::kQuantity);
  add(kScore, FieldKind::kNumber, true);
  add(kName, FieldKind::kString, true);
  add(kProfile, FieldKind::kUri);
  schema.Add(kPatients, {kGender, FieldKind::kToken});
  schema.Add(kPatients, {kFamily, FieldKind::kString, true, false, true});
  schema.Add(kPatients, {kBirth, FieldKind::kDate, true});
  return schema;
}

// The same document for the same number.
class Documents {
 public:
  explicit Documents(Doc count) : patients_(std::max<Doc>(1, count / 100)) {}

  Doc patients() const { return patients_; }

  static std::string Uid(Doc doc) { return "1.2.840.113619.2.5.1762583153." + std::to_string(doc); }

  DocumentValues Record(Doc doc) const {
    std::mt19937 random(doc);
    // One in five has the first code, one in ten the second, ...
    const int spread = static_cast<int>(random() % 10);
    const std::string code = spread < 2 ? "8867-4" : spread < 3 ? "718-7" : std::to_string(random() % 1000);
    DocumentValues values;
    values.Add(kUid, TokenValue{"", Uid(doc)});
    values.Add(kCode, TokenValue{"http://loinc.org", code});
    values.Add(kCategory, TokenValue{"http://category", random() % 4 == 0 ? "laboratory" : "vital-signs"});
    values.Add(kStatus, TokenValue{"", "final"});
    values.Add(kSubject, ReferenceValue{ReferenceValue::Target{kPatients, static_cast<Doc>(random() % patients_)}, ""});
    const int64_t day = (10'000 + random() % 8'000) * kMicrosPerDay;
    values.Add(kDay, DateValue{day, day + kMicrosPerDay});
    const int64_t instant = 20'000 * kMicrosPerDay + int64_t{doc} * 1000;
    values.Add(kUpdated, DateValue{instant, instant + 1000});
    const double amount = static_cast<double>(random() % 2000) / 10;
    values.Add(kValue, QuantityValue{amount, amount, "http://unitsofmeasure.org", "mg"});
    const auto score = static_cast<double>(random() % 100);
    values.Add(kScore, NumberValue{score, score});
    values.Add(kName, StringValue{"Observation " + std::to_string(random() % 500)});
    values.Add(kProfile, UriValue{"http://hl7.org/fhir/StructureDefinition/vitalsigns"});
    values.Add(kDevice, TokenValue{"", "device" + std::to_string(random() % 50)});
    values.Add(kMethod, TokenValue{"http://snomed.info/sct", std::to_string(random() % 20)});
    values.Add(kSite, TokenValue{"http://snomed.info/sct", std::to_string(random() % 30)});
    values.Add(kSite, TokenValue{"http://snomed.info/sct", std::to_string(random() % 30)});
    return values;
  }

  DocumentValues Patient(Doc doc) const {
    std::mt19937 random(doc);
    DocumentValues values;
    values.Add(kGender, TokenValue{"", random() % 2 == 0 ? "male" : "female"});
    values.Add(kFamily, StringValue{"Family" + std::to_string(doc) + "^Given" + std::to_string(random() % 100)});
    const int64_t day = static_cast<int64_t>(random() % 20'000) * kMicrosPerDay;
    values.Add(kBirth, DateValue{day, day + kMicrosPerDay});
    return values;
  }

 private:
  const Doc patients_;
};

class Bench {
 public:
  Bench(const std::string& folder, Doc count) : folder_(folder), count_(count), documents_(count) {
    KvOptions options;
    options.directory = folder;
    kv_ = Must(Kv::Open(options, mergers_, disk_, clock_, Logger()));
    writer_ = Writer::Start(*kv_, mergers_, {});
  }

  void Run() {
    WriteIndex();
    WriteSingleKeys();
    for (const bool compacted : {false, true}) {
      if (compacted) Require(kv_->CompactAll());
      std::printf("%s\n", compacted ? "after compaction" : "as written");
      ReadAll();
    }
    uintmax_t bytes = 0;
    for (const auto& file : std::filesystem::recursive_directory_iterator(folder_)) {
      if (file.path().extension() == ".sst") bytes += file.file_size();
    }
    std::printf("tables: %.0f bytes a document (single keys of one field included)\n", double(bytes) / count_);
  }

 private:
  void WriteGroups(CollectionId collection, Doc count, const std::function<DocumentValues(Doc)>& make) {
    const IndexWriter index(schema_, Tenant::kDefault);
    for (Doc begin = 0; begin < count; begin += kGroup) {
      const Doc end = std::min(count, begin + kGroup);
      std::vector<DocumentValues> group;
      for (Doc i = begin; i < end; ++i) group.push_back(make(i));
      const std::clock_t cpu = std::clock();
      write_seconds_ += Seconds([&] {
        Require(writer_
                    ->Run([&](Txn& txn) -> Status {
                      for (const DocumentValues& values : group) {
                        HILUM_ASSIGN_OR_RETURN(const Doc doc, index.NewDoc(txn, collection));
                        HILUM_RETURN_IF_ERROR(index.Update(txn, collection, doc, nullptr, &values));
                      }
                      return Status::Ok();
                    })
                    .status());
      });
      write_cpu_seconds_ += static_cast<double>(std::clock() - cpu) / CLOCKS_PER_SEC;
    }
  }

  void WriteIndex() {
    WriteGroups(kPatients, documents_.patients(), [&](Doc doc) { return documents_.Patient(doc); });
    write_seconds_ = write_cpu_seconds_ = 0;
    WriteGroups(kRecords, count_, [&](Doc doc) { return documents_.Record(doc); });
    std::printf("write: %u documents of 15 values, groups of %u, synced: %.0f documents/s, %.0f a second of one core\n",
                count_, kGroup, count_ / write_seconds_, count_ / write_cpu_seconds_);
  }

  // What the index would cost with a key for each posting: the code and the day, in a family that does not merge.
  void WriteSingleKeys() {
    const double seconds = Seconds([&] {
      for (Doc begin = 0; begin < count_; begin += kGroup) {
        Require(writer_
                    ->Run([&](Txn& txn) -> Status {
                      for (Doc doc = begin; doc < std::min(count_, begin + kGroup); ++doc) {
                        const DocumentValues values = documents_.Record(doc);
                        for (const auto& entry : values.entries) {
                          if (entry.field == kCode)
                            txn.Put(Family::kResource, SingleKey(std::get<TokenValue>(entry.value).code, doc), {});
                        }
                      }
                      return Status::Ok();
                    })
                    .status());
      }
    });
    std::printf("write: one key a posting, one field of the 15: %.0f documents/s\n", count_ / seconds);
  }

  static std::string SingleKey(const std::string& code, Doc doc) {
    std::string key = "posting " + code + '\0';
    AppendBe(&key, doc);
    return key;
  }

  uint64_t CountSingleKeys(const std::string& code) {
    const std::string prefix = "posting " + code + '\0';
    uint64_t count = 0;
    const auto iterator = kv_->NewIterator(Family::kResource, prefix, PrefixEnd(prefix));
    for (iterator->SeekToFirst(); iterator->Valid(); iterator->Next()) ++count;
    return count;
  }

  // Median and 99th percentile in ms of `work`, a new reader each time.
  double Measure(const char* what, const std::function<uint64_t(IndexReader&)>& work) {
    std::vector<double> times;
    uint64_t hits = 0;
    for (int i = 0; i < 100; ++i) {
      times.push_back(1e3 * Seconds([&] {
                        const auto snapshot = kv_->NewSnapshot();
                        IndexReader reader(*kv_, schema_, Tenant::kDefault, snapshot.get());
                        hits = work(reader);
                      }));
      if (i >= 10 && times.back() > 500) break;
    }
    const double median = bench::Median(times);
    std::printf("  %-58s %9llu hits  %8.3f ms  p99 %8.3f ms\n", what, static_cast<unsigned long long>(hits), median,
                bench::Quantile(times, 0.99));
    return median;
  }

  static Query Code(const std::string& code) { return Query{TokenIs{kCode, "http://loinc.org", code}}; }
  static Query Year() {
    return Query{DateMatch{kDay, Comparison::kEqual, {12'053 * kMicrosPerDay, 12'418 * kMicrosPerDay}}};  // 2003
  }
  template <typename... Queries>
  static Query Both(Queries... queries) {
    And all;
    (all.parts.push_back(std::move(queries)), ...);
    return Query{std::move(all)};
  }

  double Count(const char* what, const std::function<Query()>& make, CollectionId collection = kRecords) {
    return Measure(what, [&](IndexReader& reader) { return Must(reader.Evaluate(collection, make())).Count(); });
  }
  void Walk(const char* what, const std::function<Query()>& make, const std::vector<SortKey>& sort,
            uint64_t offset = 0) {
    Measure(what, [&](IndexReader& reader) {
      const Bitmap matches = Must(reader.Evaluate(kRecords, make()));
      return Must(reader.Walk(kRecords, matches, sort, std::nullopt, offset, 50)).docs.size();
    });
  }

  void ReadAll() {
    const double counted = Count("count by code", [] { return Code("8867-4"); });
    uint64_t hits = 0;
    const double single = 1e3 * Seconds([&] { hits = CountSingleKeys("8867-4"); });
    std::printf("  %-58s %9llu hits  %8.3f ms  = %.0f times the index\n", "count by code, one key a posting",
                static_cast<unsigned long long>(hits), single, single / counted);
    Count("count by code without system", [] { return Query{TokenIs{kCode, std::nullopt, "8867-4"}}; });
    const double dated = Count("count by code and year", [] { return Both(Code("8867-4"), Year()); });
    std::printf("  %-58s %.1f times\n", "  against the code alone", dated / counted);
    Count("count by code and 3 days, partly", [] {
      return Both(
          Code("8867-4"),
          Query{DateMatch{kDay, Comparison::kOverlaps, {12'053 * kMicrosPerDay + 5, 12'056 * kMicrosPerDay + 5}}});
    });
    const double valued = Count("count by code and quantity >= 150.05", [] {
      return Both(Code("8867-4"),
                  Query{QuantityMatch{kValue, Comparison::kGreaterEqual, {150.05, 150.05}, std::nullopt, "mg"}});
    });
    std::printf("  %-58s %.1f times\n", "  against the code alone", valued / counted);
    Count("date >= 2000", [] {
      return Query{DateMatch{kDay, Comparison::kGreaterEqual, {10'957 * kMicrosPerDay, 10'958 * kMicrosPerDay}}};
    });
    Count("one by UID", [] { return Query{TokenIs{kUid, std::nullopt, Documents::Uid(777)}}; });
    Count("not code", [] { return Query{Not{std::make_unique<Query>(Code("8867-4"))}}; });
    Count("chain: records of female patients", [] {
      return Query{
          RefersTo{kSubject, kPatients, std::make_unique<Query>(Query{TokenIs{kGender, std::nullopt, "female"}})}};
    });
    Count("chain: records of one patient", [] {
      return Query{
          RefersTo{kSubject, kPatients,
                   std::make_unique<Query>(Query{StringMatch{kFamily, StringMatch::How::kPrefix, "family77^"}})}};
    });
    Count(
        "reverse chain: patients with the code",
        [] {
          return Query{ReferredToBy{kRecords, kSubject, std::make_unique<Query>(Code("8867-4"))}};
        },
        kPatients);
    Count(
        "contains, by trigrams",
        [] {
          return Query{StringMatch{kFamily, StringMatch::How::kContains, "given77"}};
        },
        kPatients);
    Walk("first page by day, all", [] { return Query{All{}}; }, {{kDay}});
    Walk("first page by day descending, one code", [] { return Code("718-7"); }, {{kDay, true}});
    Walk("first page by instant descending, all", [] { return Query{All{}}; }, {{kUpdated, true}});
    Walk("first page by name and number, one code", [] { return Code("8867-4"); }, {{kName}, {kScore, true}});
    Walk(
        "page in the middle by day, all", [] { return Query{All{}}; }, {{kDay}}, count_ / 2);
    Walk("first page by name, a rare code", [] { return Code("77"); }, {{kName}});
    Walk("newest first, all", [] { return Query{All{}}; }, {{kDocOrder, true}});
    Measure("counts of each category, all", [](IndexReader& reader) {
      return Must(reader.Facets(kRecords, kCategory, Must(reader.Live(kRecords)), 100)).size();
    });
  }

  const std::string folder_;
  const Doc count_;
  const Documents documents_;
  const Schema schema_ = MakeSchema();
  std::array<const Merger*, kFamilyCount> mergers_{nullptr, nullptr, nullptr, &IndexMerger(), nullptr, nullptr};
  PosixDisk disk_;
  SystemClock clock_;
  std::unique_ptr<Kv> kv_;
  std::unique_ptr<Writer> writer_;
  double write_seconds_ = 0;
  double write_cpu_seconds_ = 0;  // of all threads, flushes and compactions included
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: index_bench FOLDER [documents]\n");
    return 2;
  }
  Bench(argv[1], argc > 2 ? static_cast<Doc>(std::stoul(argv[2])) : 200'000).Run();
  return 0;
}
