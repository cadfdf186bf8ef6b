// Metadata and thumbnails that are kept ready: never stale, in every coding, made once for many, ready before the first
// request.
#include <libdeflate.h>
#include <zstd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "server/dicomweb/preparer.h"
#include "tests/server/dicomweb/service_fixture.h"

namespace hilum::dicomweb {
namespace {

using nlohmann::json;
using testing::Fetch;
using testing::HttpAnswer;
using testing::InstanceSpec;
using testing::MakeInstance;

constexpr const char* kSeries = "/dicom-web/studies/1.2.1/series/1.2.1.1";
constexpr const char* kMetadata = "/dicom-web/studies/1.2.1/series/1.2.1.1/metadata";
constexpr const char* kStudyMetadata = "/dicom-web/studies/1.2.1/metadata";

std::string Gunzip(const std::string& packed) {
  const std::unique_ptr<libdeflate_decompressor, decltype(&libdeflate_free_decompressor)> decompressor(
      libdeflate_alloc_decompressor(), libdeflate_free_decompressor);
  std::string text(16 << 20, '\0');
  size_t read = 0, made = 0;
  if (libdeflate_gzip_decompress_ex(decompressor.get(), packed.data(), packed.size(), text.data(), text.size(), &read,
                                    &made) != LIBDEFLATE_SUCCESS ||
      read != packed.size())
    return "(not one whole gzip member)";  // browsers ignore a second member
  text.resize(made);
  return text;
}

std::string Unzstd(const std::string& packed) {
  std::string text(16 << 20, '\0');
  const size_t made = ZSTD_decompress(text.data(), text.size(), packed.data(), packed.size());
  if (ZSTD_isError(made)) return ZSTD_getErrorName(made);
  text.resize(made);
  return text;
}

class PreparedTest : public testing::ServiceFixture {
 protected:
  void Put(const InstanceSpec& spec) { EXPECT_TRUE(Ingest(spec).stored()); }
  void Replace(const InstanceSpec& spec) {
    EXPECT_TRUE(Ingest(MakeInstance(spec), {.duplicates = DuplicatePolicy::kReplace}).stored());
  }
  size_t InstancesIn(const std::string& path) {
    const json document = json::parse(Get(path).body, nullptr, false);
    return document.is_array() ? document.size() : SIZE_MAX;
  }
  void SpoilObjects() {
    for (const auto& file : std::filesystem::recursive_directory_iterator(directory_.path() + "/data/objects")) {
      if (!file.is_regular_file()) continue;
      std::fstream out(file.path(), std::ios::in | std::ios::out | std::ios::binary);
      out << std::string(file.file_size(), 'x');
    }
  }
  uint64_t Prepared() {
    return metrics_
        .counter("hilum_prepared_series_total",
                 "Series whose metadata and thumbnail were looked after in the background", {{"outcome", "ready"}})
        .value();
  }
  bool WaitForPrepared(uint64_t count) {
    for (int i = 0; i < 1000 && Prepared() < count; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    return Prepared() >= count;
  }
};

// The clock of these tests stands still: what tells versions apart is not the time.
TEST_F(PreparedTest, FollowsEveryPutReplaceAndDelete) {
  Put({.sop = "1.1"});
  EXPECT_EQ(InstancesIn(kMetadata), 1u);
  EXPECT_EQ(InstancesIn(kStudyMetadata), 1u);

  Put({.sop = "1.2"});
  EXPECT_EQ(InstancesIn(kMetadata), 2u);
  Put({.series = "1.2.1.2", .sop = "1.3"});
  EXPECT_EQ(InstancesIn(kMetadata), 2u);
  EXPECT_EQ(InstancesIn(kStudyMetadata), 3u);

  EXPECT_EQ(json::parse(Get(kMetadata).body)[1]["00200013"]["Value"][0], 1);
  Replace({.sop = "1.2", .instance_number = "9"});
  EXPECT_EQ(json::parse(Get(kMetadata).body)[1]["00200013"]["Value"][0], 9);
  EXPECT_EQ(json::parse(Get(kStudyMetadata).body)[1]["00200013"]["Value"][0], 9);

  EXPECT_EQ(Fetch("DELETE", base_ + kSeries + "/instances/1.1").status, 204);
  EXPECT_EQ(InstancesIn(kMetadata), 1u);
  EXPECT_EQ(Fetch("DELETE", base_ + kSeries).status, 204);
  EXPECT_EQ(Get(kMetadata).status, 404);
  EXPECT_EQ(InstancesIn(kStudyMetadata), 1u);

  Put({.sop = "1.4"});
  EXPECT_EQ(json::parse(Get(kMetadata).body)[0]["00080018"]["Value"][0], "1.4") << "the series is another one now";
}

TEST_F(PreparedTest, ComesInEveryCodingWithATagOfItsOwn) {
  for (int i = 0; i < 20; ++i) Put({.sop = "1." + std::to_string(i)});
  const HttpAnswer plain = Get(kMetadata);
  const HttpAnswer gzip = Get(kMetadata, {"Accept-Encoding: gzip"});
  const HttpAnswer zstd = Get(kMetadata, {"Accept-Encoding: gzip;q=0.5, zstd"});
  EXPECT_FALSE(plain.Header("Content-Encoding"));
  EXPECT_EQ(gzip.Header("Content-Encoding"), "gzip");
  EXPECT_EQ(zstd.Header("Content-Encoding"), "zstd");
  EXPECT_EQ(json::parse(plain.body).size(), 20u);
  EXPECT_TRUE(Gunzip(gzip.body) == plain.body);
  EXPECT_TRUE(Unzstd(zstd.body) == plain.body);
  EXPECT_LT(gzip.body.size() * 5, plain.body.size());
  EXPECT_NE(plain.Header("ETag"), gzip.Header("ETag"));
  EXPECT_NE(gzip.Header("ETag"), zstd.Header("ETag"));
  for (const HttpAnswer& answer : {plain, gzip, zstd}) {
    EXPECT_EQ(answer.Header("Vary"), "Accept, Accept-Encoding");
    EXPECT_EQ(answer.Header("Content-Type"), "application/dicom+json");
    EXPECT_EQ(answer.Header("ETag")->front(), '"') << "strong";
  }
}

TEST_F(PreparedTest, LongSeriesTellWhatEachInstanceTellsInOrderOfArrival) {
  constexpr int kInstances = 75;
  json expected = json::array();
  for (int i = 0; i < kInstances; ++i) Put({.sop = "1." + std::to_string(i), .instance_number = std::to_string(i)});
  for (int i = 0; i < kInstances; ++i) {
    const json one = json::parse(Get(kSeries + ("/instances/1." + std::to_string(i)) + "/metadata").body);
    ASSERT_EQ(one.size(), 1u);
    expected.push_back(one[0]);
  }
  EXPECT_TRUE(json::parse(Get(kMetadata).body) == expected);
  EXPECT_TRUE(json::parse(Get(kStudyMetadata).body) == expected);
}

TEST_F(PreparedTest, KnownTagsAre304UntilSomethingChanges) {
  Put({.sop = "1.1"});
  int number = 1;
  for (const char* coding : {"identity", "gzip", "zstd"}) {
    const std::string accepts = std::string("Accept-Encoding: ") + coding;
    for (const char* path : {kMetadata, kStudyMetadata}) {
      const std::string tag = Get(path, {accepts}).Header("ETag").value_or("");
      const HttpAnswer again = Get(path, {accepts, "If-None-Match: " + tag});
      EXPECT_EQ(again.status, 304) << path << " " << coding;
      EXPECT_EQ(again.Header("ETag"), tag);
      EXPECT_EQ(again.body, "");
      Replace({.sop = "1.1", .instance_number = std::to_string(++number)});
      const HttpAnswer changed = Get(path, {accepts, "If-None-Match: " + tag});
      EXPECT_EQ(changed.status, 200) << path << " " << coding;
      EXPECT_NE(changed.Header("ETag"), tag);
    }
  }
}

TEST_F(PreparedTest, TellsTheSameInEveryCodingAsOftenAsItIsAsked) {
  for (const char* sop : {"1.1", "1.2"}) Put({.sop = sop});
  const std::string plain = Get(kMetadata, {"Accept-Encoding: identity"}).body;
  EXPECT_EQ(json::parse(plain).size(), 2u);
  for (int time = 0; time < 3; ++time) {
    EXPECT_TRUE(Get(kMetadata, {"Accept-Encoding: identity"}).body == plain);
    EXPECT_TRUE(json::parse(Gunzip(Get(kMetadata, {"Accept-Encoding: gzip"}).body)) == json::parse(plain));
  }
  Replace({.sop = "1.1", .instance_number = "77"});
  EXPECT_TRUE(Get(kMetadata, {"Accept-Encoding: identity"}).body != plain);
}

TEST_F(PreparedTest, HeadSaysWhatGetSends) {
  Put({.sop = "1.1"});
  for (const char* coding : {"identity", "gzip", "zstd"}) {
    const std::string accepts = std::string("Accept-Encoding: ") + coding;
    const HttpAnswer got = Get(kMetadata, {accepts});
    const HttpAnswer head = Fetch("HEAD", base_ + kMetadata, {accepts});
    EXPECT_EQ(head.status, 200);
    EXPECT_EQ(head.body, "");
    EXPECT_EQ(head.Header("Content-Length"), std::to_string(got.body.size())) << coding;
    EXPECT_EQ(head.Header("ETag"), got.Header("ETag"));
  }
}

TEST_F(PreparedTest, NamesBulkDataByTheHostOfEachRequest) {
  Put({.sop = "1.1"});
  for (const char* host : {"one.example", "two.example", "one.example"}) {
    const HttpAnswer answer = Get(kMetadata, {std::string("Host: ") + host});
    EXPECT_EQ(json::parse(answer.body)[0]["7FE00010"]["BulkDataURI"],
              std::string("http://") + host + kSeries + "/instances/1.1/bulkdata/7FE00010");
  }
}

TEST_F(PreparedTest, AnswersTheSameWithoutRoomForAnything) {
  server_->Stop(std::chrono::seconds(1));
  Start({.thumbnail_cache_bytes = 0, .metadata_cache_bytes = 0});
  Put({.sop = "1.1"});
  EXPECT_EQ(InstancesIn(kMetadata), 1u);
  EXPECT_EQ(Get(std::string(kSeries) + "/thumbnail").status, 200);
  Put({.sop = "1.2"});
  EXPECT_EQ(InstancesIn(kMetadata), 2u);
}

TEST_F(PreparedTest, ReadersSeeWholeVersionsWhileInstancesArrive) {
  Put({.sop = "1.0"});
  std::atomic<bool> done = false;
  std::atomic<int> wrong = 0;
  std::vector<std::thread> readers;
  for (int reader = 0; reader < 4; ++reader) {
    readers.emplace_back([&] {
      size_t before = 1;
      while (!done) {
        const size_t now = InstancesIn(kMetadata);
        if (now == SIZE_MAX || now < before) ++wrong;
        before = now;
      }
    });
  }
  for (int i = 1; i < 60; ++i) {
    Put({.sop = "1." + std::to_string(i)});
    EXPECT_EQ(InstancesIn(kMetadata), static_cast<size_t>(i) + 1) << "what was acknowledged is there";
  }
  done = true;
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(wrong, 0);
}

TEST_F(PreparedTest, MakesADocumentOnceForAllWhoWantIt) {
  DocumentCache cache(1 << 20);
  std::atomic<int> made = 0;
  std::atomic<int> good = 0;
  std::vector<std::thread> readers;
  for (int reader = 0; reader < 8; ++reader) {
    readers.emplace_back([&] {
      const auto document = cache.FindOrMake("key", [&]() -> Result<Document> {
        ++made;
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
        return Document{.packed = "made"};
      });
      if (document.ok() && (*document)->packed == "made") ++good;
    });
  }
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(made, 1);
  EXPECT_EQ(good, 8);
}

TEST_F(PreparedTest, MakingThatThrowsKeepsNobodyWaiting) {
  DocumentCache cache(1 << 20);
  std::vector<std::thread> readers;
  std::atomic<int> refused = 0;
  for (int reader = 0; reader < 4; ++reader) {
    readers.emplace_back([&] {
      const auto document = cache.FindOrMake("key", []() -> Result<Document> { throw std::bad_alloc(); });
      refused += document.status().code() == Code::kInternal;
    });
  }
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(refused, 4);
  EXPECT_TRUE(cache.FindOrMake("key", []() -> Result<Document> { return Document{}; }).ok());
}

TEST_F(PreparedTest, FailuresAreNotKeptAndRoomIsBounded) {
  DocumentCache cache(10'000);
  int made = 0;
  const auto ask = [&](const std::string& key, size_t bytes) {
    return cache
        .FindOrMake(key,
                    [&]() -> Result<Document> {
                      ++made;
                      if (bytes == 0) return Unavailable("not now");
                      return Document{.packed = std::string(bytes, 'x')};
                    })
        .ok();
  };
  EXPECT_FALSE(ask("a", 0));
  EXPECT_TRUE(ask("a", 4000));
  EXPECT_EQ(made, 2);
  EXPECT_TRUE(ask("b", 4000));
  EXPECT_TRUE(ask("huge", 20'000)) << "more than there is room for is made and not kept";
  EXPECT_TRUE(ask("a", 4000));
  EXPECT_EQ(made, 4);
  EXPECT_TRUE(ask("c", 4000)) << "b was used longest ago and goes";
  EXPECT_TRUE(ask("a", 4000));
  EXPECT_EQ(made, 5);
  EXPECT_TRUE(ask("b", 4000));
  EXPECT_EQ(made, 6);
}

TEST_F(PreparedTest, IsReadyBeforeTheFirstRequest) {
  Preparer preparer(*service_, *store_, std::chrono::milliseconds(20), metrics_, Logger());
  for (const char* sop : {"1.1", "1.2"})
    EXPECT_EQ(Post("/dicom-web/studies", "application/dicom", MakeInstance({.sop = sop})).status, 200);
  ASSERT_TRUE(WaitForPrepared(1));
  SpoilObjects();
  EXPECT_NE(Get(std::string(kSeries) + "/instances/1.1/metadata").status, 200) << "nothing can be made any more";
  EXPECT_EQ(InstancesIn(kMetadata), 2u);
  EXPECT_EQ(Get(std::string(kSeries) + "/thumbnail").status, 200);
  EXPECT_EQ(Get("/dicom-web/studies/1.2.1/thumbnail").status, 200);
}

TEST_F(PreparedTest, PreparingASeriesThatIsGoneIsFine) {
  Put({.sop = "1.1"});
  EXPECT_TRUE(store_->Delete("1.2.1", std::nullopt, std::nullopt).ok());
  EXPECT_TRUE(service_->Prepare("1.2.1", "1.2.1.1").ok());
}

TEST_F(PreparedTest, ThumbnailsFollowTheirSeries) {
  const std::string path = std::string(kSeries) + "/thumbnail";
  Put({.sop = "1.1"});
  const HttpAnswer first = Get(path);
  const HttpAnswer ready = Get(path);
  EXPECT_EQ(first.status, 200);
  EXPECT_TRUE(ready.body == first.body);
  EXPECT_EQ(ready.Header("ETag"), first.Header("ETag"));
  EXPECT_EQ(ready.Header("Content-Type"), "image/jpeg");
  EXPECT_EQ(Get(path, {"If-None-Match: " + *first.Header("ETag")}).status, 304);
  EXPECT_EQ(Get(path, {"Accept: image/bmp"}).status, 406) << "also when one is ready";
  const HttpAnswer png = Get(path, {"Accept: image/png, image/jpeg;q=0.5"});
  EXPECT_EQ(png.Header("Content-Type"), "image/png") << "also when a JPEG is ready";
  EXPECT_TRUE(png.body.starts_with("\x89PNG"));
  EXPECT_NE(png.Header("ETag"), first.Header("ETag"));
  EXPECT_TRUE(Get(path, {"Accept: image/jpeg, image/png"}).body == ready.body);
  EXPECT_TRUE(Get(path + "?viewport=8,8").body != ready.body) << "another size is another picture";

  Replace({.sop = "1.1", .pixel_bytes = 1024});
  const HttpAnswer changed = Get(path);
  EXPECT_NE(changed.Header("ETag"), first.Header("ETag"));
  EXPECT_TRUE(changed.body != first.body);
  EXPECT_EQ(Fetch("DELETE", base_ + kSeries).status, 204);
  EXPECT_EQ(Get(path).status, 404);
}

}  // namespace
}  // namespace hilum::dicomweb
