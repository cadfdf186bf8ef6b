#include <algorithm>
#include <map>

#include "storage/catalogue/extended_tags.h"
#include "storage/catalogue/stored_header.h"
#include "storage/index/audit.h"
#include "storage/log/change_log.h"
#include "storage/object/format.h"
#include "storage/store/store.h"

namespace hilum::storage {
namespace {

constexpr size_t kMaxFindings = 1000;
constexpr Level kLevels[] = {Level::kPatient, Level::kStudy, Level::kSeries, Level::kInstance};

// Whether `own`, with what the series says, is what the header says of the image. A value may be there although the
// series has the same: the series took it over later.
bool SaysOfItsImage(const KeptAttributes& own, const KeptAttributes& of_series, const AttributeTable& table,
                    const dicom::Header& header) {
  const KeptAttributes said = ImageAttributes(table, header);
  const auto is_right = [&](const KeptAttribute& mine) {
    return mine.values.empty() ? std::ranges::find(said, mine.path, &KeptAttribute::path) == said.end()
                               : std::ranges::find(said, mine) != said.end();
  };
  const auto is_there = [&](const KeptAttribute& other) { return std::ranges::find(own, other) != own.end(); };
  return std::ranges::all_of(own, is_right) && std::ranges::all_of(DifferencesFrom(of_series, table, header), is_there);
}

class Verifier {
 public:
  Verifier(Store& store, const VerifyOptions& options) : store_(store), options_(options), reader_(store.Read()) {}

  Result<VerifyReport> Run() {
    if (const Status files = store_.kv().VerifyFiles(); !files.ok()) Finding(files.ToString());
    for (const Level level : kLevels) {
      HILUM_ASSIGN_OR_RETURN(IndexAudit audit, IndexAudit::Begin(store_.kv(), store_.schema(), Tenant::kDefault,
                                                                 &reader_.snapshot(), CollectionOf(level)));
      audits_.emplace(level, std::move(audit));
    }
    HILUM_ASSIGN_OR_RETURN(images_known_, AllImagesRead());
    HILUM_RETURN_IF_ERROR(Patients());
    if (!stopped_) HILUM_RETURN_IF_ERROR(Studies());
    if (!stopped_) HILUM_RETURN_IF_ERROR(IndexAgreesWithRows());
    if (!stopped_) HILUM_RETURN_IF_ERROR(Accounting());
    if (!stopped_) HILUM_RETURN_IF_ERROR(Owners());
    if (!stopped_) HILUM_RETURN_IF_ERROR(ChangeLog());
    return std::move(report_);
  }

 private:
  void Finding(std::string text) { report_.findings.Add(std::move(text)); }

  // A damaged row is a finding, anything else ends the run.
  Status FindingOrError(const Status& status) {
    if (status.code() != Code::kCorruption && status.code() != Code::kNotFound) return status;
    Finding(status.ToString());
    return Status::Ok();
  }

  // Whether every instance was compared with its series: those that an older release stored are read anew at start.
  Result<bool> AllImagesRead() {
    HILUM_ASSIGN_OR_RETURN(const uint8_t generation, ReadAttributeGeneration(store_.kv(), Tenant::kDefault));
    HILUM_ASSIGN_OR_RETURN(const auto operations, ReadOperations(store_.kv(), Tenant::kDefault));
    return generation == kAttributeGeneration && std::ranges::all_of(operations, [](const TagOperation& operation) {
             return !operation.tags.empty() || operation.status == OperationStatus::kCompleted;
           });
  }

  template <typename Row>
  Status Expect(Level level, Doc doc, const Row& row) {
    return audits_.at(level).Expect(doc, IndexValues(reader_.table(), row));
  }

  Status Patients() {
    const std::string first = RowKey(Tenant::kDefault, Level::kPatient, 0);
    const std::string prefix = first.substr(0, first.size() - sizeof(Doc));
    const auto it = store_.kv().NewIterator(Family::kCatalogue, prefix, PrefixEnd(prefix), &reader_.snapshot());
    for (it->SeekToFirst(); it->Valid(); it->Next()) {
      const std::optional<PatientRow> row = DecodePatient(it->value());
      const Doc doc = LoadBe<uint32_t>(it->key().data() + prefix.size());
      if (row)
        HILUM_RETURN_IF_ERROR(Expect(Level::kPatient, doc, *row));
      else
        Finding("the row of patient " + std::to_string(doc) + " is damaged");
    }
    return it->status();
  }

  Status Studies() {
    std::string first = StudyKey(Tenant::kDefault, "");
    const auto it = store_.kv().NewIterator(Family::kCatalogue, first, PrefixEnd(first), &reader_.snapshot());
    for (it->SeekToFirst(); it->Valid() && !stopped_; it->Next()) {
      const std::optional<Doc> doc = DecodeDoc(it->value());
      if (!doc)
        Finding("a study name points nowhere");
      else
        HILUM_RETURN_IF_ERROR(Study(*doc));
    }
    return it->status();
  }

  Status Study(Doc doc) {
    const auto row = reader_.Study(doc);
    if (!row.ok()) return FindingOrError(row.status());
    ++report_.studies;
    HILUM_RETURN_IF_ERROR(Expect(Level::kStudy, doc, *row));
    HILUM_ASSIGN_OR_RETURN(const std::vector<Doc> all, reader_.SeriesOfStudy(doc));
    std::vector<Doc> of_study;
    patients_ = row->patients;
    for (const Doc series : all) {
      HILUM_RETURN_IF_ERROR(Series(series, doc, &of_study));
      if (stopped_) return Status::Ok();
    }
    std::ranges::sort(of_study);
    Backed("study " + row->uid, Level::kStudy, *row, of_study);
    const size_t instances = of_study.size();
    if (std::ranges::any_of(patients_, [](const NamedPatient& patient) { return patient.instances != 0; }))
      Finding("study " + row->uid + " counts other instances of its patients than there are");
    if (row->series != all.size() || row->instances != instances) {
      Finding("study " + row->uid + " counts " + std::to_string(row->series) + " series and " +
              std::to_string(row->instances) + " instances, but has " + std::to_string(all.size()) + " and " +
              std::to_string(instances));
    }
    return Status::Ok();
  }

  Status Series(Doc doc, Doc study, std::vector<Doc>* of_study) {
    const auto row = reader_.Series(doc);
    if (!row.ok()) return FindingOrError(row.status());
    ++report_.series;
    HILUM_RETURN_IF_ERROR(Expect(Level::kSeries, doc, *row));
    if (row->study != study) Finding("series " + row->uid + " is listed under a study that is not its own");
    HILUM_ASSIGN_OR_RETURN(const std::vector<Doc> all, reader_.InstancesOfSeries(doc));
    if (row->instances != all.size())
      Finding("series " + row->uid + " counts " + std::to_string(row->instances) + " instances, but has " +
              std::to_string(all.size()));
    of_study->insert(of_study->end(), all.begin(), all.end());
    Backed("series " + row->uid, Level::kSeries, *row, all);
    std::map<dicom::Tag, uint64_t> differing;
    for (const Doc instance : all) {
      HILUM_RETURN_IF_ERROR(Instance(instance, doc, *row, &differing));
      if (stopped_) return Status::Ok();
    }
    if (row->differing != differing)
      Finding("series " + row->uid + " counts other instances that differ from it than there are");
    return Status::Ok();
  }

  // Whether the instances, in order of arrival, say what the row of their study or series does.
  template <typename Row>
  void Backed(const std::string& name, Level level, const Row& row, const std::vector<Doc>& instances) {
    const Sources& sources = row.sources;
    const auto stored = [&](Doc source) { return std::ranges::binary_search(instances, source); };
    if (sources && (!std::ranges::all_of(*sources, stored) || sources->empty() || instances.empty() ||
                    sources->front() != instances.front()))
      return Finding(name + " says what no instance does that is stored now");
    KeptAttributes claims, said;
    for (const KeptAttribute& attribute : row.attributes) {
      const CatalogueAttribute* spec = reader_.table().Find(level, attribute.path);
      if (spec && spec->kept && !spec->varies) claims.push_back(attribute);
    }
    for (const Doc source : sources ? *sources : instances) {
      if (!sources && Covers(said, claims)) break;
      const auto instance = reader_.Instance(source);
      if (!instance.ok()) continue;
      const auto header = ReadStoredHeader(store_.objects(), instance->object, reader_.table());
      if (!header.ok()) return;  // damage is found at the instance; what was moved meanwhile is none
      FillGaps(reader_.table(), level, *header, &said);
    }
    const auto differs = [&](const KeptAttribute& claim) {
      return (!claim.values.empty() || !claim.json.empty()) && std::ranges::find(said, claim) == said.end();
    };
    if (std::ranges::any_of(claims, differs)) Finding(name + " says something else than its instances");
  }

  Status Instance(Doc doc, Doc series, const SeriesRow& series_row, std::map<dicom::Tag, uint64_t>* differing) {
    const auto row = reader_.Instance(doc);
    if (!row.ok()) return FindingOrError(row.status());
    ++report_.instances;
    HILUM_RETURN_IF_ERROR(Expect(Level::kInstance, doc, *row));
    if (row->series != series) Finding("instance " + row->uid + " is listed under a series that is not its own");
    live_[row->object.segment] += ObjectStore::RecordBytes(row->object.length);
    HILUM_ASSIGN_OR_RETURN(const auto owner_bytes,
                           store_.kv().Get(Family::kObject, ObjectKey(row->object), &reader_.snapshot()));
    const std::optional<ObjectOwner> owner = owner_bytes ? DecodeObjectOwner(*owner_bytes) : std::nullopt;
    if (!owner || owner->instance != doc)
      Finding("the bytes of instance " + row->uid + " are not accounted as its own");
    if (const Status table = reader_.FrameTable(doc, *row).status(); !table.ok())
      HILUM_RETURN_IF_ERROR(FindingOrError(table));
    for (const KeptAttribute& attribute : row->own) ++(*differing)[attribute.path.front()];
    NamedPatient* const named = row->named < patients_.size() ? &patients_[row->named] : nullptr;
    if (named != nullptr) --named->instances;
    if (options_.objects) HILUM_RETURN_IF_ERROR(Object(doc, *row));
    if (options_.objects && images_known_) {
      const auto header = ReadStoredHeader(store_.objects(), row->object, reader_.table());
      if (header.ok() && !SaysOfItsImage(row->own, series_row.attributes, reader_.table(), *header))
        Finding("instance " + row->uid + " says something else of its image than the catalogue");
      if (header.ok() && named != nullptr && row->named > 0 &&
          PatientNamedBy(reader_.table(), *header) != named->values)
        Finding("instance " + row->uid + " names another patient than the catalogue");
    }
    if (options_.progress && report_.instances % 256 == 0 && !options_.progress(report_)) stopped_ = true;
    return Status::Ok();
  }

  Status Object(Doc doc, const InstanceRow& row) {
    if (const Status status = VerifyInstanceObject(store_, doc, row); !status.ok())
      Finding("instance " + row.uid + ": " + status.ToString());
    report_.bytes += row.object.length;
    return Status::Ok();
  }

  Status IndexAgreesWithRows() {
    for (auto& [level, audit] : audits_) {
      HILUM_ASSIGN_OR_RETURN(const IndexAudit::Differences differences, audit.Compare());
      const std::string where = "the index of level " + std::to_string(static_cast<int>(level));
      if (!differences.documents.empty())
        Finding(where + " is not what the rows give, for " + std::to_string(differences.documents.Count()) +
                " documents");
      for (const std::string& damaged : differences.damaged) Finding(where + ": " + damaged);
    }
    return Status::Ok();
  }

  Status Accounting() {
    const std::string first = SegmentKey(0).substr(0, 1);
    const auto it = store_.kv().NewIterator(Family::kObject, first, PrefixEnd(first), &reader_.snapshot());
    for (it->SeekToFirst(); it->Valid(); it->Next()) {
      uint32_t segment = 0;
      const std::optional<SegmentAccount> account = DecodeSegmentAccount(it->value());
      if (!ByteReader(it->key().substr(1)).ReadBe(&segment) || !account) {
        Finding("the accounting of a segment is damaged");
        continue;
      }
      const auto counted = live_.find(segment);
      const uint64_t expected = counted == live_.end() ? 0 : counted->second;
      if (account->live != expected)
        Finding("segment " + std::to_string(segment) + " is accounted with " + std::to_string(account->live) +
                " live bytes, but has " + std::to_string(expected));
      live_.erase(segment);
    }
    for (const auto& [segment, bytes] : live_) Finding("segment " + std::to_string(segment) + " has no accounting");
    return it->status();
  }

  // Whether every object that has an owner is the one of that instance: others keep their segment for good.
  Status Owners() {
    const std::string first = ObjectKey({}).substr(0, 1);
    const auto it = store_.kv().NewIterator(Family::kObject, first, PrefixEnd(first), &reader_.snapshot());
    for (it->SeekToFirst(); it->Valid(); it->Next()) {
      ByteReader key(it->key().substr(first.size()));
      ObjectRef object;
      const std::optional<ObjectOwner> owner = DecodeObjectOwner(it->value());
      if (!owner || !key.ReadBe(&object.segment) || !key.ReadBe(&object.offset)) {
        Finding("the owner of an object is damaged");
        continue;
      }
      const auto row = reader_.Instance(owner->instance);
      if (row.status().code() == Code::kCorruption) continue;  // found where the instance was checked
      if (!row.ok() && row.status().code() != Code::kNotFound) return row.status();
      if (!row.ok() || ObjectKey(row->object) != it->key())
        Finding("segment " + std::to_string(object.segment) + ", object at offset " + std::to_string(object.offset) +
                ": its owner, instance " + std::to_string(owner->instance) + ", does not know of it");
    }
    return it->status();
  }

  Status ChangeLog() {
    return FindingOrError(CheckChangeLog(store_.kv(), Tenant::kDefault, &reader_.snapshot(),
                                         [&](std::string text) { Finding(std::move(text)); }));
  }

  Store& store_;
  const VerifyOptions& options_;
  CatalogueReader reader_;
  bool stopped_ = false;
  bool images_known_ = false;
  std::vector<NamedPatient> patients_;  // of the study at hand, less the instances that were seen
  VerifyReport report_;
  std::map<Level, IndexAudit> audits_;
  std::map<uint32_t, uint64_t> live_;
};

// Of the object whose record begins at `place`, by the row of its owner. 0 where these are damaged, which is for Verify
// to find.
uint64_t LengthOfObject(const CatalogueReader& reader, Bytes owner_row, const ObjectRef& place) {
  const std::optional<ObjectOwner> owner = DecodeObjectOwner(owner_row);
  if (!owner) return 0;
  const auto row = reader.Instance(owner->instance);
  const bool is_its_own = row.ok() && row->object.segment == place.segment && row->object.offset == place.offset;
  return is_its_own ? row->object.length : 0;
}

Status CannotServe(uint32_t segment, const std::string& why) {
  return Corruption("segment " + std::to_string(segment) + " of the stored objects " + why +
                    "; restore a backup, or start with --store.accept_loss to serve what is left");
}

}  // namespace

void Findings::Add(std::string text) {
  if (texts.size() < kMaxFindings) {
    texts.push_back(std::move(text));
  } else {
    ++left_out;
  }
}

Status CheckSegments(Store& store) {
  std::map<uint32_t, uint64_t> ends;  // of records
  for (const SegmentInfo& segment : store.objects().Segments())
    ends.emplace(segment.segment, segment.bytes - (segment.sealed ? segment::kPageBytes : 0));
  const CatalogueReader reader = store.Read();
  const std::string all = ObjectKey({}).substr(0, 1);
  const auto it = store.kv().NewIterator(Family::kObject, all, PrefixEnd(all), &reader.snapshot());
  // From the last object of each segment to that of the one before.
  for (it->SeekToLast(); it->Valid();) {
    ByteReader key(it->key().substr(all.size()));
    ObjectRef last;
    if (!key.ReadBe(&last.segment) || !key.ReadBe(&last.offset)) return Corruption("the key of an object is damaged");
    last.length = LengthOfObject(reader, it->value(), last);
    const auto end = ends.find(last.segment);
    if (end == ends.end()) return CannotServe(last.segment, "is missing");
    // The end is that of a page, also where the file ends before.
    HILUM_ASSIGN_OR_RETURN(const auto place, store.objects().Locate(last));
    HILUM_ASSIGN_OR_RETURN(const uint64_t size, place.file->Size());
    if (std::min(size, end->second) < last.offset + ObjectStore::RecordBytes(last.length))
      return CannotServe(last.segment, "is too short");
    const std::string first = ObjectKey({last.segment, 0, 0});
    it->SeekForPrev(first);
    if (it->Valid() && it->key() == first) it->Prev();
  }
  return it->status();
}

Status VerifyInstanceObject(Store& store, Doc doc, const InstanceRow& row) {
  const Status status = store.objects().VerifyObject(row.uid, row.object);
  if (status.ok()) return status;
  const CatalogueReader now = store.Read();
  const auto current = now.Instance(doc);
  if (current.status().code() == Code::kNotFound) return Status::Ok();
  if (!current.ok() || current->object == row.object) return status;
  return store.objects().VerifyObject(current->uid, current->object);
}

Result<VerifyReport> Verify(Store& store, const VerifyOptions& options) {
  return Verifier(store, options).Run();
}

}  // namespace hilum::storage
