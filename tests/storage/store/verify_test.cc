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

TEST_F(Verify, FindsAnObjectThatItsOwnerDoesNotKnowOf) {
  ASSERT_TRUE(Ingest(InstanceSpec{}).stored());
  EXPECT_TRUE(Findings().empty());
  ASSERT_TRUE(store_->writer()
                  .Run([&](storage::Txn& txn) {
                    for (const storage::Doc owner : {0, 9})
                      txn.Put(storage::Family::kObject, storage::ObjectKey({7, 4096 * (1 + owner), 0}),
                              Encode(storage::ObjectOwner{.instance = owner}));
                    return Status::Ok();
                  })
                  .ok());
  EXPECT_EQ(Findings(), (std::vector<std::string>{
                            "segment 7, object at offset 4096: its owner, instance 0, does not know of it",
                            "segment 7, object at offset 40960: its owner, instance 9, does not know of it"}));
}

}  // namespace
}  // namespace hilum::testing
