// The background work of ExtendedTags.
#include <sys/resource.h>

#include <algorithm>

#include "storage/catalogue/attribute_values.h"
#include "storage/catalogue/stored_header.h"
#include "storage/store/extended_tags.h"

namespace hilum::storage {
namespace {

constexpr int kNiceness = 10;             // behind the threads that answer requests
constexpr size_t kInstancesAtATime = 64;  // read, then written in one commit
constexpr size_t kRowsAtATime = 500;      // without reading objects
constexpr std::chrono::seconds kPauseAfterFailure{5};

// Rows of a level from `next` on.
std::unique_ptr<Iterator> RowsFrom(const Kv& kv, const CatalogueReader& reader, Level level, Doc next) {
  const std::string first = RowKey(Tenant::kDefault, level, next);
  const std::string end = PrefixEnd(Bytes(first).substr(0, first.size() - sizeof(Doc)));
  return kv.NewIterator(Family::kCatalogue, first, end, &reader.snapshot());
}

Doc DocOfKey(Bytes key) {
  return LoadBe<uint32_t>(key.data() + key.size() - sizeof(Doc));
}

bool Has(const KeptAttributes& kept, const dicom::TagPath& path) {
  return std::any_of(kept.begin(), kept.end(), [&](const KeptAttribute& attribute) {
    return attribute.path == path && !(attribute.values.empty() && attribute.json.empty());
  });
}

}  // namespace

struct ExtendedTags::Reading {
  struct Error {
    dicom::TagPath path;  // of the tag
    std::string message;
  };
  struct Instance {
    Doc doc = 0;
    InstanceRow row;
    InstanceName name;
    dicom::Header header;
    bool readable = false;
    std::vector<Error> errors;
  };
  std::vector<Instance> instances;
};

ExtendedTags::ExtendedTags(Store& store, const Clock& clock, Random& random, Registry& metrics, Logger log)
    : store_(store),
      catalogue_(store.schema(), store.attributes(), Tenant::kDefault, clock, store.kv(), store.objects()),
      clock_(clock),
      random_(random),
      log_(std::move(log)),
      reindexed_(metrics.counter("hilum_reindexed_instances_total",
                                 "Stored instances that were read again for extended query tags",
                                 {{"outcome", "indexed"}})),
      failed_(metrics.counter("hilum_reindexed_instances_total",
                              "Stored instances that were read again for extended query tags",
                              {{"outcome", "failed"}})) {
  if (const Status status = NoteGeneration(); !status.ok())
    log_.Error("older instances may lack attributes", {{"reason", status.message()}});
  thread_ = std::thread([this] { Work(); });
}

ExtendedTags::~ExtendedTags() {
  {
    const std::lock_guard lock(mu_);
    stop_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

bool ExtendedTags::stopping() const {
  const std::lock_guard lock(mu_);
  return stop_;
}

// A store that an older version filled lacks the attributes that were built in since.
Status ExtendedTags::NoteGeneration() {
  HILUM_ASSIGN_OR_RETURN(const uint8_t generation, ReadAttributeGeneration(store_.kv(), Tenant::kDefault));
  if (generation == kAttributeGeneration) return Status::Ok();
  CatalogueReader reader = store_.Read();
  HILUM_ASSIGN_OR_RETURN(const Bitmap instances, reader.index().Live(CollectionOf(Level::kInstance)));
  TagOperation operation{.id = random_.Hex(16)};
  operation.created_micros = operation.updated_micros = clock_.Now().count();
  return Commit([&](CatalogueTxn& catalogue, std::vector<ExtendedTag>*) {
    Txn& txn = catalogue.txn();
    if (!instances.empty()) PutOperation(txn, Tenant::kDefault, operation);
    PutAttributeGeneration(txn, Tenant::kDefault, kAttributeGeneration);
    return Status::Ok();
  });
}

void ExtendedTags::Work() {
  setpriority(PRIO_PROCESS, 0, kNiceness);  // of this thread alone, on Linux; as before when it is refused
  std::unique_lock lock(mu_);
  while (!stop_) {
    poked_ = false;
    lock.unlock();
    bool found = false;
    const Status status = RunNext(&found);
    if (!status.ok()) log_.Error("extended query tags wait", {{"reason", status.message()}});
    lock.lock();
    if (!status.ok()) {
      wake_.wait_for(lock, kPauseAfterFailure, [this] { return stop_; });
    } else if (!found && !poked_) {
      idle_ = true;
      wake_.notify_all();
      wake_.wait(lock, [this] { return stop_ || poked_; });
    }
  }
}

Status ExtendedTags::RunNext(bool* found) {
  HILUM_ASSIGN_OR_RETURN(const std::vector<TagOperation> operations, ReadOperations(store_.kv(), Tenant::kDefault));
  for (const TagOperation& operation : operations) {
    if (operation.status == OperationStatus::kCompleted) continue;
    *found = true;
    return RunOperation(operation);
  }
  return Status::Ok();
}

Status ExtendedTags::RunOperation(TagOperation operation) {
  // Instances that were put with the table of before are committed once this is; the scan sees them.
  HILUM_RETURN_IF_ERROR(store_.writer().Run([](Txn&) { return Status::Ok(); }).status());
  if (operation.level == Level::kPatient) {
    CatalogueReader reader = store_.Read();
    operation.total = 0;
    for (const Level level : {Level::kInstance, Level::kSeries, Level::kStudy}) {
      HILUM_ASSIGN_OR_RETURN(const Bitmap live, reader.index().Live(CollectionOf(level)));
      if (level == Level::kInstance || operation.removes) operation.total += live.Count();
    }
    operation.level = Level::kInstance;
    operation.status = OperationStatus::kRunning;
  }
  while (!stopping()) {
    HILUM_ASSIGN_OR_RETURN(const bool more, operation.removes ? StripSome(&operation) : FillSome(&operation));
    if (!more) return Finish(std::move(operation));
  }
  return Status::Ok();
}

Result<bool> ExtendedTags::FillSome(TagOperation* operation) {
  HILUM_ASSIGN_OR_RETURN(const std::vector<ExtendedTag> all, List());
  std::vector<ExtendedTag> tags;
  for (const ExtendedTag& tag : all)
    if (tag.operation == operation->id) tags.push_back(tag);
  const auto table = store_.attributes().Current();
  const bool every_instance = operation->tags.empty() || std::any_of(tags.begin(), tags.end(), [](const auto& tag) {
                                return tag.level == Level::kInstance;
                              });
  Reading reading;
  size_t rows = 0;
  {
    const CatalogueReader reader = store_.Read();
    std::optional<std::pair<Doc, bool>> last_series;  // and whether it has all values
    const auto it = RowsFrom(store_.kv(), reader, Level::kInstance, operation->next);
    for (it->SeekToFirst(); it->Valid() && rows < kRowsAtATime && reading.instances.size() < kInstancesAtATime;
         it->Next(), ++rows) {
      operation->next = DocOfKey(it->key()) + 1;
      std::optional<InstanceRow> row = DecodeInstance(it->value());
      if (!row) continue;  // hilum verify tells, here and below
      const auto series = reader.Series(row->series);
      const auto study = series.ok() ? reader.Study(series->study) : series.status();
      if (study.status().code() == Code::kNotFound || study.status().code() == Code::kCorruption) continue;
      if (!study.ok()) return study.status();
      if (!every_instance && (!last_series || last_series->first != row->series)) {
        const bool complete = std::all_of(tags.begin(), tags.end(), [&](const ExtendedTag& tag) {
          return Has(tag.level == Level::kSeries ? series->attributes : study->attributes, tag.path);
        });
        last_series = {row->series, complete};
      }
      if (!every_instance && last_series->second) continue;
      Reading::Instance& instance = reading.instances.emplace_back();
      instance.doc = DocOfKey(it->key());
      instance.name = {study->uid, series->uid, row->uid};
      instance.row = *std::move(row);
    }
    HILUM_RETURN_IF_ERROR(it->status());
  }
  if (rows == 0) return false;
  Read(*table, tags, &reading);
  operation->done += rows;
  operation->updated_micros = clock_.Now().count();
  HILUM_RETURN_IF_ERROR(Commit([&](CatalogueTxn& catalogue, std::vector<ExtendedTag>* now) -> Status {
    Txn& txn = catalogue.txn();
    for (const Reading::Instance& instance : reading.instances) {
      if (instance.readable)
        HILUM_RETURN_IF_ERROR(catalogue.Supplement(instance.doc, instance.row.version, instance.header));
      if (instance.errors.empty()) continue;
      HILUM_ASSIGN_OR_RETURN(const bool as_read, catalogue.IsCurrent(VersionOf(instance.doc, instance.row)));
      if (!as_read) continue;  // deleted or replaced meanwhile
      for (const Reading::Error& error : instance.errors) {
        const auto tag =
            std::find_if(now->begin(), now->end(), [&](const auto& one) { return one.path == error.path; });
        if (tag == now->end()) continue;
        if (tag->errors++ < kMaxTagErrors)
          PutTagError(txn, Tenant::kDefault, error.path, instance.doc,
                      {instance.name, operation->updated_micros, error.message});
        PutTag(txn, Tenant::kDefault, *tag);
      }
    }
    PutOperation(txn, Tenant::kDefault, *operation);
    return Status::Ok();
  }));
  return true;
}

void ExtendedTags::Read(const AttributeTable& table, const std::vector<ExtendedTag>& tags, Reading* reading) {
  for (Reading::Instance& instance : reading->instances) {
    const auto read = [&]() -> Result<dicom::Header> {
      auto found = ReadStoredHeader(store_.objects(), instance.row.object, table);
      if (found.ok()) return found;
      // Compaction may have moved it meanwhile.
      const CatalogueReader reader = store_.Read();
      HILUM_ASSIGN_OR_RETURN(InstanceRow now, reader.Instance(instance.doc));
      if (now.object == instance.row.object) return found;
      instance.row = std::move(now);
      return ReadStoredHeader(store_.objects(), instance.row.object, table);
    };
    auto header = read();
    if (header.status().code() == Code::kNotFound) continue;  // deleted meanwhile
    if (!header.ok()) {
      failed_.Add();
      for (const ExtendedTag& tag : tags)
        instance.errors.push_back({tag.path, "the instance could not be read: " + header.status().message()});
      continue;
    }
    instance.header = *std::move(header);
    instance.readable = true;
    for (const ExtendedTag& tag : tags) {
      const CatalogueAttribute* attribute = table.Find(tag.level, tag.path);
      if (!attribute) continue;
      for (const dicom::Attribute& found : instance.header.attributes) {
        if (found.path != tag.path) continue;
        DocumentValues ignored;
        const bool good = std::all_of(found.values.begin(), found.values.end(), [&](const std::string& value) {
          return AddIndexValue(*attribute, value, &ignored);
        });
        if (!good) instance.errors.push_back({tag.path, "the value is none of VR " + std::string(tag.vr.text())});
      }
    }
    (instance.errors.empty() ? reindexed_ : failed_).Add();
  }
}

Result<bool> ExtendedTags::StripSome(TagOperation* operation) {
  const CatalogueReader reader = store_.Read();
  std::vector<std::pair<Level, Doc>> docs;
  while (docs.size() < kRowsAtATime) {
    const auto it = RowsFrom(store_.kv(), reader, operation->level, operation->next);
    for (it->SeekToFirst(); it->Valid() && docs.size() < kRowsAtATime; it->Next()) {
      docs.emplace_back(operation->level, DocOfKey(it->key()));
      operation->next = docs.back().second + 1;
    }
    HILUM_RETURN_IF_ERROR(it->status());
    if (it->Valid() || operation->level == Level::kStudy) break;
    operation->level = operation->level == Level::kInstance ? Level::kSeries : Level::kStudy;
    operation->next = 0;
  }
  if (docs.empty()) return false;
  operation->done += docs.size();
  operation->updated_micros = clock_.Now().count();
  HILUM_RETURN_IF_ERROR(store_.writer()
                            .Run([&](Txn& txn) -> Status {
                              for (const auto& [level, doc] : docs)
                                HILUM_RETURN_IF_ERROR(catalogue_.Strip(txn, level, doc, operation->tags));
                              PutOperation(txn, Tenant::kDefault, *operation);
                              return Status::Ok();
                            })
                            .status());
  return true;
}

Status ExtendedTags::Finish(TagOperation operation) {
  operation.status = OperationStatus::kCompleted;
  operation.updated_micros = clock_.Now().count();
  return CommitTable([&](CatalogueTxn& catalogue, std::vector<ExtendedTag>* tags) -> Status {
    Txn& txn = catalogue.txn();
    for (ExtendedTag& tag : *tags) {
      if (tag.operation != operation.id) continue;
      if (operation.removes) {
        HILUM_RETURN_IF_ERROR(DeleteTag(txn, Tenant::kDefault, tag.path));
        continue;
      }
      tag.status = TagStatus::kReady;
      tag.operation.clear();
      if (tag.errors > 0) tag.enabled = false;
      PutTag(txn, Tenant::kDefault, tag);
    }
    PutOperation(txn, Tenant::kDefault, operation);
    return Status::Ok();
  });
}

}  // namespace hilum::storage
