#include "storage/store/store.h"

#include <sys/file.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <condition_variable>
#include <filesystem>
#include <set>

#include "storage/catalogue/extended_tags.h"
#include "storage/log/change_log.h"

namespace hilum::storage {
namespace {

// Instances changed in one commit by long jobs: keeps batches small and other writers going.
constexpr size_t kCommitChunk = 200;

// So many times smaller than a full one, a segment that is still written to is not worth to be compacted.
constexpr uint64_t kSmallSegments = 16;

const std::array<const Merger*, kFamilyCount>& Mergers() {
  static const std::array<const Merger*, kFamilyCount> mergers = [] {
    std::array<const Merger*, kFamilyCount> by_family{};
    by_family[static_cast<size_t>(Family::kIndex)] = &IndexMerger();
    return by_family;
  }();
  return mergers;
}

std::string KvFolder(const std::string& directory) {
  return directory + "/kv";
}

std::string ObjectFolder(const std::string& directory) {
  return directory + "/objects";
}

// `how`: of flock.
Status Lock(const File& file, int how, const std::string& directory) {
  if (file.descriptor() < 0 || flock(file.descriptor(), how | LOCK_NB) == 0) return Status::Ok();
  if (errno == EWOULDBLOCK) return Unavailable(directory + " is in use by another hilum process; stop it first");
  return ErrnoStatus("lock " + directory, errno);
}

}  // namespace

// Rows are made before the first segment, so a start that was cut short leaves no such folder.
Result<bool> HasStore(Disk& disk, const std::string& directory) {
  HILUM_RETURN_IF_ERROR(CheckRowsAreThere(disk, directory));
  HILUM_ASSIGN_OR_RETURN(const bool rows, Kv::IsThere(disk, KvFolder(directory)));
  HILUM_ASSIGN_OR_RETURN(const bool folder, disk.Exists(KvFolder(directory)));
  if (rows || !folder) return rows;
  return Corruption(KvFolder(directory) +
                    " holds no rows: they are gone, or what would have written them, a backup or a first start, was "
                    "cut short; take another backup");
}

Status CheckRowsAreThere(Disk& disk, const std::string& directory) {
  HILUM_ASSIGN_OR_RETURN(const bool there, Kv::IsThere(disk, KvFolder(directory)));
  if (there) return Status::Ok();
  HILUM_ASSIGN_OR_RETURN(const std::vector<std::string> files,
                         ObjectStore::FilesWithObjects(disk, ObjectFolder(directory)));
  if (files.empty()) return Status::Ok();
  const std::string which =
      files.size() == 1 ? "a segment (" + files.front() + ")"
                        : std::to_string(files.size()) + " segments (" + files.front() + " to " + files.back() + ")";
  return Corruption(ObjectFolder(directory) + " holds " + which + " of stored images, but " + KvFolder(directory) +
                    ", which says what they are, is gone or empty: put that folder back, or restore a backup into "
                    "another folder (hilum restore); for a new store name an empty folder with --data");
}

struct UploadTicket::Tickets {
  struct Upload {
    uint64_t write = 0;           // the number of the one under way; 0: none
    std::set<uint32_t> segments;  // that it wrote to
  };
  std::mutex mu;
  std::condition_variable written;
  uint64_t next = 1;
  uint64_t writes = 0;
  std::map<uint64_t, Upload> active;

  // Whether a row may come yet for an object in the segment, which was sealed before: nobody begins to write there.
  // Waits for the writes under way, since where they went shows at their end: somebody always writes on a busy server.
  bool AwaitRowsOf(uint32_t segment) {
    std::unique_lock lock(mu);
    written.wait(lock, [&, last = writes] {
      return std::ranges::none_of(
          active, [&](const auto& upload) { return upload.second.write != 0 && upload.second.write <= last; });
    });
    return std::ranges::any_of(active, [&](const auto& upload) { return upload.second.segments.contains(segment); });
  }
};

Result<std::unique_ptr<Store>> Store::Open(const StoreOptions& options, Disk& disk, const Clock& clock, Random& random,
                                           Logger log) {
  std::unique_ptr<Store> store(new Store);
  store->disk_ = &disk;
  store->clock_ = &clock;
  store->keep_deleted_ = options.keep_deleted;
  store->segment_bytes_ = options.segment_bytes;
  store->log_ = log;
  HILUM_RETURN_IF_ERROR(disk.CreateDirectories(options.directory));
  HILUM_ASSIGN_OR_RETURN(store->lock_, disk.Open(options.directory + "/lock", OpenMode::kReadWriteCreate));
  HILUM_RETURN_IF_ERROR(Lock(*store->lock_, LOCK_EX, options.directory));

  HILUM_RETURN_IF_ERROR(CheckRowsAreThere(disk, options.directory));

  KvOptions kv;
  kv.directory = KvFolder(options.directory);
  kv.block_cache_bytes = options.block_cache_bytes;
  kv.write_buffer_bytes = options.write_buffer_bytes;
  kv.low_water_bytes = options.low_water_bytes;
  kv.accept_loss = options.accept_loss;
  kv.on_fatal = options.on_fatal;
  HILUM_ASSIGN_OR_RETURN(store->kv_, Kv::Open(kv, Mergers(), disk, clock, log));
  HILUM_RETURN_IF_ERROR(NumberInstanceChanges(*store->kv_, Tenant::kDefault));

  ObjectStoreOptions objects;
  objects.directory = ObjectFolder(options.directory);
  objects.segment_bytes = options.segment_bytes;
  objects.low_water_bytes = options.low_water_bytes;
  objects.reserve_bytes = ReserveMark(options.low_water_bytes, options.write_buffer_bytes);
  objects.direct_writes = options.direct_writes;
  objects.room_ahead_bytes = options.room_ahead_bytes;
  objects.accept_loss = options.accept_loss;
  objects.on_fatal = options.on_fatal;
  HILUM_ASSIGN_OR_RETURN(store->objects_, ObjectStore::Open(objects, disk, log));

  AddCatalogueFields(&store->schema_);
  HILUM_RETURN_IF_ERROR(store->LoadAttributes());
  store->catalogue_ = std::make_unique<CatalogueWriter>(store->schema_, store->tables_, Tenant::kDefault, clock,
                                                        *store->kv_, *store->objects_);
  store->object_syncs_ = std::make_unique<ObjectSyncs>(*store->objects_);
  store->writer_ = Writer::Start(*store->kv_, Mergers(),
                                 {.before_commit = [syncs = store->object_syncs_.get()] { return syncs->Sync(); },
                                  .on_commit = [signal = &store->commits_] { signal->Notify(); }});
  return store;
}

Result<std::shared_ptr<File>> LockForCopy(Disk& disk, const std::string& directory) {
  const std::string path = directory + "/lock";
  HILUM_ASSIGN_OR_RETURN(const bool exists, disk.Exists(path));
  if (!exists) return std::shared_ptr<File>();
  HILUM_ASSIGN_OR_RETURN(std::shared_ptr<File> file, disk.Open(path, OpenMode::kRead));
  HILUM_RETURN_IF_ERROR(Lock(*file, LOCK_SH, directory));
  return file;
}

Store::Store() : tickets_(std::make_unique<UploadTicket::Tickets>()) {}
Store::~Store() = default;

UploadTicket Store::BeginUpload() {
  const std::lock_guard lock(tickets_->mu);
  const uint64_t number = tickets_->next++;
  tickets_->active[number];
  return {tickets_.get(), number};
}

UploadTicket::~UploadTicket() {
  if (!tickets_) return;
  const std::lock_guard lock(tickets_->mu);
  tickets_->active.erase(number_);
}

Result<ObjectRef> UploadTicket::Place(const std::function<Result<ObjectRef>()>& write) {
  if (!tickets_) return write();
  const auto upload = [&]() -> Tickets::Upload& { return tickets_->active.at(number_); };
  {
    const std::lock_guard lock(tickets_->mu);
    upload().write = ++tickets_->writes;
  }
  auto written = write();
  {
    const std::lock_guard lock(tickets_->mu);
    upload().write = 0;
    if (written.ok()) upload().segments.insert(written->segment);
  }
  tickets_->written.notify_all();
  return written;
}

Result<PutOutcome> CatalogueTxn::Put(const NewInstance& instance, const std::optional<ObjectRef>& expected) {
  return catalogue_.Put(txn_, instance, expected, changes());
}

Status CatalogueTxn::Delete(const InstanceName& name) {
  return catalogue_.Delete(txn_, name, changes());
}

Status CatalogueTxn::Supplement(Doc instance, uint64_t version, const dicom::Header& header) {
  return catalogue_.Supplement(txn_, instance, version, header, changes());
}

Result<uint64_t> Store::ChangeCatalogue(const std::function<Status(CatalogueTxn&)>& task, Space space) {
  const auto run = [&](Txn& txn) -> Status {
    CatalogueTxn catalogue(*catalogue_, txn, observer_ != nullptr);
    HILUM_RETURN_IF_ERROR(task(catalogue));
    if (catalogue.changes_.studies().empty()) return Status::Ok();
    return observer_->OnChanges(txn, catalogue.changes_);
  };
  return writer_->Run(run, space);
}

Status Store::LoadAttributes() {
  HILUM_ASSIGN_OR_RETURN(const std::vector<ExtendedTag> tags, ReadTags(*kv_, Tenant::kDefault));
  tables_.Set(TableOf(tags));
  return Status::Ok();
}

Status Store::health() const {
  HILUM_RETURN_IF_ERROR(kv_->health());
  return objects_->health();
}

Result<Store::Doomed> Store::FindDoomed(const std::string& study_uid, const std::optional<std::string>& series_uid,
                                        const std::optional<std::string>& sop_uid) {
  Doomed doomed;
  const CatalogueReader reader = Read();
  HILUM_ASSIGN_OR_RETURN(const std::optional<Doc> study, reader.FindStudy(study_uid));
  if (!study) return NotFound("there is no study " + study_uid);
  HILUM_ASSIGN_OR_RETURN(const StudyRow study_row, reader.Study(*study));
  doomed.whole = VersionOf(*study, study_row);
  std::vector<Doc> all_series;
  if (series_uid) {
    HILUM_ASSIGN_OR_RETURN(const std::optional<Doc> series, reader.FindSeries(*study, *series_uid));
    if (!series) return NotFound("there is no series " + *series_uid + " in that study");
    all_series.push_back(*series);
  } else {
    HILUM_ASSIGN_OR_RETURN(all_series, reader.SeriesOfStudy(*study));
  }
  for (const Doc series : all_series) {
    HILUM_ASSIGN_OR_RETURN(const SeriesRow row, reader.Series(series));
    if (series_uid) doomed.whole = VersionOf(series, row);
    std::vector<Doc> instances;
    if (sop_uid) {
      HILUM_ASSIGN_OR_RETURN(const std::optional<Doc> one, reader.FindInstance({study_uid, row.uid, *sop_uid}));
      if (!one) return NotFound("there is no instance " + *sop_uid + " in that series");
      instances.push_back(*one);
    } else {
      HILUM_ASSIGN_OR_RETURN(instances, reader.InstancesOfSeries(series));
    }
    for (const Doc instance : instances) {
      HILUM_ASSIGN_OR_RETURN(const InstanceRow instance_row, reader.Instance(instance));
      doomed.instances.push_back({{study_uid, row.uid, instance_row.uid}, VersionOf(instance, instance_row)});
    }
  }
  if (sop_uid) doomed.whole = doomed.instances.front().version;
  // The first one, which most of what study and series say comes from, goes last: nothing has to be looked up again.
  std::ranges::reverse(doomed.instances);
  return doomed;
}

Status Store::Delete(const std::string& study_uid, const std::optional<std::string>& series_uid,
                     const std::optional<std::string>& sop_uid, const std::function<bool(const Version&)>& is_meant) {
  HILUM_ASSIGN_OR_RETURN(const Doomed doomed, FindDoomed(study_uid, series_uid, sop_uid));
  const auto another = [] { return Conflict("another version is stored than the one that is to be deleted"); };
  if (is_meant && !is_meant(doomed.whole)) return another();
  const auto& all = doomed.instances;
  for (size_t begin = 0; begin < all.size(); begin += kCommitChunk) {
    const size_t end = std::min(begin + kCommitChunk, all.size());
    const auto remove = [&](CatalogueTxn& catalogue) -> Status {
      if (is_meant && begin == 0) {
        HILUM_ASSIGN_OR_RETURN(const bool current, catalogue.IsCurrent(doomed.whole));
        if (!current) return another();
      }
      for (size_t i = begin; i < end; ++i) {
        if (is_meant) {
          HILUM_ASSIGN_OR_RETURN(const bool current, catalogue.IsCurrent(all[i].version));
          if (!current) continue;
        }
        const Status status = catalogue.Delete(all[i].name);
        // Gone meanwhile is what was wanted, except for the one instance that was named.
        if (!status.ok() && (sop_uid || status.code() != Code::kNotFound)) return status;
      }
      return Status::Ok();
    };
    HILUM_RETURN_IF_ERROR(ChangeCatalogue(remove, Space::kReserve).status());
  }
  return Status::Ok();
}

Result<std::vector<ObjectStore::LiveObject>> Store::LiveObjects(uint32_t segment) {
  const CatalogueReader reader = Read();
  const std::string prefix = ObjectKey({segment, 0, 0}).substr(0, SegmentKey(segment).size());
  std::vector<ObjectStore::LiveObject> live;
  const auto it = kv_->NewIterator(Family::kObject, prefix, PrefixEnd(prefix), &reader.snapshot());
  for (it->SeekToFirst(); it->Valid(); it->Next()) {
    const std::optional<ObjectOwner> owner = DecodeObjectOwner(it->value());
    if (!owner) return Corruption("the owner of an object in segment " + std::to_string(segment) + " is damaged");
    auto row = reader.Instance(owner->instance);
    if (row.status().code() == Code::kNotFound || (row.ok() && ObjectKey(row->object) != it->key()))
      return Corruption("segment " + std::to_string(segment) + " has an object that its owner, instance " +
                        std::to_string(owner->instance) + ", does not know of; run hilum verify");
    HILUM_RETURN_IF_ERROR(row.status());
    live.push_back({std::move(row->uid), row->object});
  }
  HILUM_RETURN_IF_ERROR(it->status());
  return live;
}

Status Store::CompactSegment(const SegmentInfo& segment) {
  HILUM_ASSIGN_OR_RETURN(const std::vector<ObjectStore::LiveObject> live, LiveObjects(segment.segment));
  const auto relocate = [&](std::span<const ObjectStore::Move> moves) -> Status {
    for (size_t begin = 0; begin < moves.size(); begin += kCommitChunk) {
      const auto chunk = moves.subspan(begin, std::min(kCommitChunk, moves.size() - begin));
      const auto switch_refs = [&](Txn& txn) -> Status {
        for (const ObjectStore::Move& move : chunk) {
          HILUM_ASSIGN_OR_RETURN(const std::optional<std::string> found,
                                 txn.Get(Family::kObject, ObjectKey(move.from)));
          if (!found) continue;  // deleted meanwhile
          const std::optional<ObjectOwner> owner = DecodeObjectOwner(*found);
          if (!owner)
            return Corruption("the owner of an object in segment " + std::to_string(segment.segment) + " is damaged");
          HILUM_RETURN_IF_ERROR(catalogue_->Relocate(txn, owner->instance, move.from, move.to));
        }
        return Status::Ok();
      };
      HILUM_RETURN_IF_ERROR(writer_->Run(switch_refs, Space::kReserve).status());
    }
    // The segment goes only when no row points into it any more.
    HILUM_ASSIGN_OR_RETURN(const auto left, LiveObjects(segment.segment));
    if (!left.empty())
      return Corruption("segment " + std::to_string(segment.segment) +
                        " got an object although it was sealed; run hilum verify");
    return Status::Ok();
  };
  HILUM_RETURN_IF_ERROR(objects_->Compact(segment.segment, live, relocate));
  const auto forget = [&](Txn& txn) {
    txn.Delete(Family::kObject, SegmentKey(segment.segment));
    return Status::Ok();
  };
  return writer_->Run(forget, Space::kReserve).status();
}

bool Store::IsKept(uint32_t segment, Micros freed) {
  if (freed <= clock_->Now()) return clock_->Now() - freed < keep_deleted_;
  const auto [noticed, first_time] = freed_ahead_.emplace(segment, clock_->Monotonic());
  return clock_->Monotonic() - noticed->second < keep_deleted_;
}

Result<uint64_t> Store::CompactIfWorthIt(const SegmentInfo& segment) {
  if (!segment.sealed && segment.bytes < segment_bytes_ / kSmallSegments) return 0;
  HILUM_ASSIGN_OR_RETURN(const std::optional<std::string> found,
                         kv_->Get(Family::kObject, SegmentKey(segment.segment)));
  const std::optional<SegmentAccount> account = found ? DecodeSegmentAccount(*found) : SegmentAccount();
  if (!account) return Corruption("the accounting of segment " + std::to_string(segment.segment) + " is damaged");
  if (account->live * 2 >= segment.bytes) return 0;
  if (IsKept(segment.segment, Micros(account->freed_micros))) return 0;
  // What was damaged is damaged still, unless that object is gone.
  const auto damaged = damaged_at_.find(segment.segment);
  if (damaged != damaged_at_.end() && damaged->second == account->live) return 0;
  HILUM_ASSIGN_OR_RETURN(const bool sealed, objects_->SealEarly(segment.segment));
  if (!sealed || tickets_->AwaitRowsOf(segment.segment)) return 0;
  // Copies of a part would be garbage, made anew at every attempt, and take the room that other segments need for
  // theirs.
  if (account->live > 0) {
    const Status room = objects_->CheckSpace(Space::kReserve, account->live);
    if (!room.ok()) return room.WithContext("compact segment " + std::to_string(segment.segment));
  }
  if (Status status = CompactSegment(segment); !status.ok()) {
    if (status.code() == Code::kCorruption) damaged_at_[segment.segment] = account->live;
    return status;
  }
  freed_ahead_.erase(segment.segment);
  damaged_at_.erase(segment.segment);
  log_.Info("segment compacted",
            {{"segment", static_cast<uint64_t>(segment.segment)}, {"bytes", segment.bytes}, {"live", account->live}});
  return segment.bytes - std::min(segment.bytes, account->live);
}

CompactionOutcome Store::CompactObjects(const std::stop_token& stop) {
  CompactionOutcome outcome;
  for (const SegmentInfo& segment : objects_->Segments()) {
    if (stop.stop_requested()) break;
    const std::lock_guard lock(maintenance_);  // of one segment: a backup need not wait for all
    const Result<uint64_t> reclaimed = CompactIfWorthIt(segment);
    if (reclaimed.ok())
      outcome.reclaimed_bytes += *reclaimed;
    else if (outcome.first_error.ok())
      outcome.first_error = reclaimed.status();
  }
  return outcome;
}

Status Store::Backup(const std::string& directory) {
  const std::lock_guard lock(maintenance_);
  std::filesystem::path whole = std::filesystem::absolute(directory).lexically_normal();
  if (!whole.has_filename()) whole = whole.parent_path();  // it was written with a slash at its end
  const std::string part = whole.string() + kPartOfBackup;
  for (const std::string& taken : {whole.string(), part}) {
    HILUM_ASSIGN_OR_RETURN(const bool exists, disk_->Exists(taken));
    if (exists && taken == part) return Conflict(part + " is what a backup left that was cut short; delete it");
    if (exists) return Conflict(directory + " exists already; name a folder that does not");
  }
  const auto copy = [&]() -> Status {
    HILUM_RETURN_IF_ERROR(disk_->CreateDirectories(part + "/objects"));
    // Rows first, objects after: every object a copied row points at was durable before the row, so it is in the copy.
    HILUM_RETURN_IF_ERROR(kv_->Checkpoint(part + "/kv").status());
    HILUM_RETURN_IF_ERROR(objects_->Backup(part + "/objects"));
    HILUM_RETURN_IF_ERROR(disk_->SyncDirectory(part));
    HILUM_RETURN_IF_ERROR(disk_->Rename(part, whole.string()));
    return disk_->SyncDirectory(whole.parent_path().string());
  };
  const Status status = copy();
  if (status.ok()) return status;
  return status.WithContext("the backup is not whole; delete " + part + " and try again");
}

}  // namespace hilum::storage
