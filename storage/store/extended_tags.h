// Changes which attributes a store takes from instances ("extended query tags"): adds and removes them, and brings the
// instances that are stored already up to it in the background, going on where it was after a crash.
//
// From the moment Add returns, instances that arrive are indexed; stored ones follow. While a tag is not ready, or
// while it is disabled, searches do not know it.
//
// Safe for concurrent use. One thread of low priority, started by the constructor and joined by the destructor after
// the instances at hand. The store, random source and registry outlive it; one for each store.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

#include "base/log.h"
#include "base/metrics.h"
#include "base/random.h"
#include "storage/catalogue/extended_tags.h"
#include "storage/store/store.h"

namespace hilum::storage {

// A tag as somebody asks for it.
struct NewTag {
  dicom::TagPath path;
  std::optional<dicom::Vr> vr;  // needed for what the dictionary does not know
  std::string private_creator;  // needed for private ones
  Level level = Level::kInstance;
};

class ExtendedTags {
 public:
  ExtendedTags(Store& store, const Clock& clock, Random& random, Registry& metrics, Logger log);
  ~ExtendedTags();
  ExtendedTags(const ExtendedTags&) = delete;
  ExtendedTags& operator=(const ExtendedTags&) = delete;

  // All or none. kInvalid for what cannot be a tag, kConflict for one that is there already or built in at its level,
  // kLimit past kMaxExtendedTags. Returns the operation that reads the stored instances.
  Result<TagOperation> Add(const std::vector<NewTag>& tags);
  Result<std::vector<ExtendedTag>> List() const;
  // kNotFound when there is none; so do the others.
  Result<ExtendedTag> Get(const dicom::TagPath& path) const;
  // Whether searches may ask for it.
  Result<ExtendedTag> SetEnabled(const dicom::TagPath& path, bool enabled);
  // Waits a little for the work to end. kConflict while the tag is being added.
  Status Remove(const dicom::TagPath& path);
  Result<std::vector<TagError>> Errors(const dicom::TagPath& path, uint64_t offset, size_t limit) const;
  // kNotFound when there is none.
  Result<TagOperation> Operation(const std::string& id) const;

  // True when nothing is left to do; false when that takes longer.
  bool WaitUntilIdle(std::chrono::milliseconds patience);

 private:
  struct Reading;  // instances on their way from disk to rows
  using Change = std::function<Status(CatalogueTxn&, std::vector<ExtendedTag>* tags)>;

  // Runs the change in one transaction.
  Status Commit(const Change& change);
  // The same, then makes the tags as they are now the store's table, before another change begins.
  Status CommitTable(const Change& change);
  // REQUIRES: change_mu_ is held.
  Status Run(const Change& change);
  Status NoteGeneration();
  void Work();
  Status RunNext(bool* found);
  Status RunOperation(TagOperation operation);
  // The next instances, or rows, of the operation; false at its end.
  Result<bool> FillSome(TagOperation* operation);
  Result<bool> StripSome(TagOperation* operation);
  void Read(const AttributeTable& table, const std::vector<ExtendedTag>& tags, Reading* reading);
  Status Finish(TagOperation operation);
  bool stopping() const;

  Store& store_;
  const CatalogueWriter catalogue_;
  const Clock& clock_;
  Random& random_;
  Logger log_;
  Counter& reindexed_;
  Counter& failed_;
  std::mutex change_mu_;  // one change of the tags at a time
  mutable std::mutex mu_;
  std::condition_variable wake_;
  bool stop_ = false;  // guarded by mu_
  bool poked_ = true;  // guarded by mu_: there may be work
  bool idle_ = false;  // guarded by mu_
  std::thread thread_;
};

}  // namespace hilum::storage
