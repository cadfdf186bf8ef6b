// What `hilum verify` finds about images.
#include "storage/store/store.h"
#include "tests/support/instances.h"

namespace hilum::testing {
namespace {

class Verify : public StoreFixture {
 protected:
  std::vector<std::string> Findings() {
    const auto report = storage::Verify(*store_, {});
    EXPECT_TRUE(report.ok()) << report.status().ToString();
    return report.ok() ? report->findings.texts : std::vector<std::string>();
  }
};

TEST_F(Verify, FindsAGapInTheChangeLog) {
  for (const char* sop : {"1.2.3.1", "1.2.3.2", "1.2.3.3"}) ASSERT_TRUE(Ingest(InstanceSpec{.sop = sop}).stored());
  EXPECT_TRUE(Findings().empty());
  const std::string row = std::string(11, '\0') + '\2';
  ASSERT_TRUE(store_->writer()
                  .Run([&](storage::Txn& txn) {
                    txn.Delete(storage::Family::kLog, row);
                    return Status::Ok();
                  })
                  .ok());
  ASSERT_FALSE(Findings().empty());
  EXPECT_EQ(Findings().front(), "change log: sequence 2 is missing");
}

}  // namespace
}  // namespace hilum::testing
