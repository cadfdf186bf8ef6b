// While a large group is on its way to the disk, tasks run over its changes, and share its fate.
#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>

#include "storage/kv/writer.h"
#include "tests/storage/kv/kv_testing.h"

namespace hilum::storage {
namespace {

using namespace testing;
using ::testing::ElementsAre;
using ::testing::Pair;

constexpr uint64_t kMiB = 1 << 20;
constexpr auto kPatience = std::chrono::seconds(20);

// Holds those who ask for its free space, as each large commit does before it writes, until it is told what that is.
class HeldDisk : public PosixDisk {
 public:
  void Hold() { Set(std::nullopt); }
  void Release(uint64_t free) { Set(free); }
  bool WaitUntilHolding() {
    std::unique_lock lock(mu_);
    return changed_.wait_for(lock, kPatience, [this] { return holding_ > 0; });
  }
  Result<uint64_t> FreeBytes(const std::string&) const override {
    std::unique_lock lock(mu_);
    ++holding_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return free_.has_value(); });
    --holding_;
    return *free_;
  }

 private:
  void Set(std::optional<uint64_t> free) {
    const std::lock_guard lock(mu_);
    free_ = free;
    changed_.notify_all();
  }

  mutable std::mutex mu_;
  mutable std::condition_variable changed_;
  mutable int holding_ = 0;
  std::optional<uint64_t> free_ = 1024 * kMiB;
};

class LargeGroupTest : public ::testing::Test {
 protected:
  using Outcome = std::optional<Result<uint64_t>>;

  void SetUp() override {
    auto kv = Kv::Open(SmallOptions(directory_ / "kv"), TestMergers(), disk_, clock_, Logger());
    ASSERT_TRUE(kv.ok()) << kv.status().ToString();
    kv_ = *std::move(kv);
    writer_ = Writer::Start(*kv_, TestMergers(), {});
  }

  // Runs it in a thread of its own.
  std::thread Start(Task task, Outcome* outcome, Space space = Space::kUsual) {
    return std::thread([=, this, task = std::move(task)] { outcome->emplace(writer_->Run(task, space)); });
  }

  // So many changes that the disk is asked for its free space.
  static Task Large(const std::string& value) {
    return [=](Txn& txn) {
      txn.Put(Family::kCatalogue, "a", value);
      for (int i = 0; i < 100; ++i) txn.Put(Family::kLog, std::to_string(i), std::string(50'000, 'v'));
      return Status::Ok();
    };
  }

  TempDirectory directory_;
  HeldDisk disk_;
  SystemClock clock_;
  std::unique_ptr<Kv> kv_;
  std::unique_ptr<Writer> writer_;
};

TEST_F(LargeGroupTest, TasksRunMeanwhileAndSeeItsChanges) {
  HILUM_EXPECT_OK(writer_->Run([](Txn& txn) {
    for (const char* key : {"a", "b", "c"}) txn.Put(Family::kCatalogue, key, "stored");
    return Status::Ok();
  }));
  disk_.Hold();
  Outcome large, next;
  std::thread first = Start(
      [](Txn& txn) {
        txn.Delete(Family::kCatalogue, "b");
        return Large("large")(txn);
      },
      &large);
  ASSERT_TRUE(disk_.WaitUntilHolding());

  std::vector<std::optional<std::string>> one, many;
  std::vector<std::pair<std::string, std::string>> all;
  std::mutex mu;
  std::condition_variable ran;
  bool has_run = false;
  std::thread second = Start(
      [&](Txn& txn) -> Status {
        txn.Put(Family::kCatalogue, "d", "next");
        for (const char* key : {"a", "b"}) {
          HILUM_ASSIGN_OR_RETURN(one.emplace_back(), txn.Get(Family::kCatalogue, key));
        }
        HILUM_ASSIGN_OR_RETURN(many, txn.MultiGet(Family::kCatalogue, std::vector<std::string>{"d", "c", "b", "a"}));
        HILUM_ASSIGN_OR_RETURN(all, txn.Scan(Family::kCatalogue, "", ""));
        const std::lock_guard lock(mu);
        has_run = true;
        ran.notify_all();
        return Status::Ok();
      },
      &next);
  {
    std::unique_lock lock(mu);
    EXPECT_TRUE(ran.wait_for(lock, kPatience, [&] { return has_run; })) << "it waits for the large group";
  }
  EXPECT_EQ(Read(*kv_, Family::kCatalogue, "a"), "stored") << "nothing is committed yet";
  disk_.Release(1024 * kMiB);
  first.join();
  second.join();

  EXPECT_THAT(one, ElementsAre("large", std::nullopt));
  EXPECT_THAT(many, ElementsAre("next", "stored", std::nullopt, "large"));
  EXPECT_THAT(all, ElementsAre(Pair("a", "large"), Pair("c", "stored"), Pair("d", "next")));
  ASSERT_TRUE(large->ok() && next->ok());
  EXPECT_EQ(**large + 1, **next);
  EXPECT_EQ(Read(*kv_, Family::kCatalogue, "a"), "large");
  EXPECT_EQ(Read(*kv_, Family::kCatalogue, "d"), "next");
}

TEST_F(LargeGroupTest, WhenItFailsSoDoThoseWhoSawIt) {
  HILUM_EXPECT_OK(writer_->Run([](Txn& txn) {
    txn.Put(Family::kCatalogue, "a", "stored");
    return Status::Ok();
  }));
  disk_.Hold();
  Outcome large, next, deletion;
  std::thread first = Start(Large("large"), &large);
  ASSERT_TRUE(disk_.WaitUntilHolding());
  std::thread second = Start(
      [](Txn& txn) -> Status {
        HILUM_ASSIGN_OR_RETURN(const auto value, txn.Get(Family::kCatalogue, "a"));
        txn.Put(Family::kCatalogue, "copy", value.value_or(""));
        return Status::Ok();
      },
      &next);
  // What may use the reserve has not seen it.
  std::thread third = Start(
      [](Txn& txn) -> Status {
        HILUM_ASSIGN_OR_RETURN(const auto value, txn.Get(Family::kCatalogue, "a"));
        txn.Put(Family::kCatalogue, "deletion", value.value_or(""));
        return Status::Ok();
      },
      &deletion, Space::kReserve);
  disk_.Release(12 * kMiB);  // below the low-water mark, above the reserve's
  for (std::thread* thread : {&first, &second, &third}) thread->join();

  EXPECT_EQ(large->status().code(), Code::kDiskFull);
  EXPECT_EQ(next->status().code(), Code::kDiskFull);
  HILUM_EXPECT_OK(*deletion);
  EXPECT_EQ(Read(*kv_, Family::kCatalogue, "a"), "stored");
  EXPECT_EQ(Read(*kv_, Family::kCatalogue, "copy"), "(absent)");
  EXPECT_EQ(Read(*kv_, Family::kCatalogue, "deletion"), "stored");
  disk_.Release(1024 * kMiB);
  HILUM_EXPECT_OK(writer_->Run(Large("again")));
  EXPECT_EQ(Read(*kv_, Family::kCatalogue, "a"), "again");
}

TEST_F(LargeGroupTest, TheWriterFinishesItBeforeItStops) {
  disk_.Hold();
  Outcome large;
  std::thread first = Start(Large("large"), &large);
  ASSERT_TRUE(disk_.WaitUntilHolding());
  std::thread stopper([this] { writer_.reset(); });
  disk_.Release(1024 * kMiB);
  first.join();
  stopper.join();
  HILUM_EXPECT_OK(*large);
  EXPECT_EQ(Read(*kv_, Family::kCatalogue, "a"), "large");
}

}  // namespace
}  // namespace hilum::storage
