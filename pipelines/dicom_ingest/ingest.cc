#include "pipelines/dicom_ingest/ingest.h"

#include <algorithm>
#include <cstdio>
#include <map>
#include <utility>

#include "base/mapping.h"
#include "base/uid.h"
#include "codecs/dicom/frames.h"
#include "pipelines/dicom_ingest/remarks.h"

namespace hilum {

using storage::NewInstance;
using storage::ObjectRef;
using storage::PutOutcome;

namespace {

// Instances of one request that may wait for its end: a request that breaks off before leaves nothing behind.
constexpr size_t kMaxPending = 2048;
// Instances of one commit: bounds its size and how much one failure spoils.
constexpr size_t kCommitChunk = 64;
// A name that several requests fight over is settled by whoever comes last; this many turns are plenty.
constexpr int kMaxTurns = 8;

// The SOP Instance UID, which stands near the begin of a data set; empty when these first bytes of it do not tell.
std::string SopUidIn(Bytes beginning, const dicom::ReadLimits& limits) {
  struct : dicom::Visitor {
    Status OnElement(const dicom::Element& element) override {
      if (element.depth == 0 && element.tag == dicom::tags::kSopInstanceUid) uid = element.value;
      return Status::Ok();
    }
    bool WantsBeyond(dicom::Tag last) override { return last < dicom::tags::kSopInstanceUid; }
    std::string uid;
  } visitor;
  dicom::Inflated inflated;
  if (!dicom::Read(beginning, limits, visitor, &inflated).ok()) return "";
  while (!visitor.uid.empty() && (visitor.uid.back() == '\0' || visitor.uid.back() == ' ')) visitor.uid.pop_back();
  return IsStorableUid(visitor.uid) ? visitor.uid : "";
}

// What somebody who runs the server has to do something about is more than a remark.
LogLevel LevelOf(FailureReason reason) {
  if (reason == FailureReason::kProcessingFailure) return LogLevel::kError;
  return reason == FailureReason::kOutOfResources ? LogLevel::kWarning : LogLevel::kInfo;
}

// One line of all that a request brought and that was refused: it may be thousands.
void LogRefusals(const Logger& log, const std::vector<InstanceOutcome>& outcomes) {
  std::map<FailureReason, uint64_t> counts;
  const InstanceOutcome* worst = nullptr;
  for (const InstanceOutcome& outcome : outcomes) {
    if (outcome.stored()) continue;
    ++counts[outcome.reason];
    if (!worst || LevelOf(outcome.reason) > LevelOf(worst->reason)) worst = &outcome;
  }
  if (!worst) return;
  std::string reasons;
  uint64_t refused = 0;
  for (const auto& [reason, count] : counts) {
    char text[40];
    std::snprintf(text, sizeof(text), "%s%04X: %llu", reasons.empty() ? "" : ", ", static_cast<unsigned>(reason),
                  static_cast<unsigned long long>(count));
    reasons += text;
    refused += count;
  }
  // What should be a UID and is none may be anything, a patient's name too.
  const bool named = IsStorableUid(worst->name.sop_uid);
  log.Log(LevelOf(worst->reason), "instances refused",
          {{"refused", refused},
           {"of", static_cast<uint64_t>(outcomes.size())},
           {"reasons", reasons},
           {"worst", worst->explanation},
           {"sop", named ? std::string_view(worst->name.sop_uid) : "(no UID)"}});
}

std::string NameKey(const storage::InstanceName& name) {
  return name.study_uid + '/' + name.series_uid + '/' + name.sop_uid;
}

}  // namespace

struct IngestBatch::Pending {
  size_t outcome;  // index into outcomes_
  NewInstance instance;
  std::optional<ObjectRef> held;  // what the name held when we looked
};

IngestBatch::IngestBatch(storage::Store& store, const IngestOptions& options, std::optional<std::string> study_uid,
                         Logger log)
    : store_(store),
      options_(options),
      study_uid_(std::move(study_uid)),
      log_(std::move(log)),
      ticket_(store.BeginUpload()),
      buffer_(options.memory_bytes) {}

IngestBatch::~IngestBatch() {
  write_status_.IgnoreError();
}

void IngestBatch::BeginInstance() {
  buffer_.Clear();
  writer_.reset();
  write_status_ = Status::Ok();
  write_status_.IgnoreError();
}

void IngestBatch::Append(Bytes bytes) {
  if (!write_status_.ok()) return;
  if (!writer_ && bytes.size() <= buffer_.capacity() - buffer_.size()) {
    buffer_.Append(bytes);
    return;
  }
  if (!writer_) {
    auto writer = store_.objects().NewWriter(SopUidIn(buffer_.body(), options_.limits));
    if (!writer.ok()) {
      write_status_ = writer.status();
      return;
    }
    writer_ = *std::move(writer);
    write_status_ = writer_->Append(buffer_.body());
    buffer_.Clear();
    if (!write_status_.ok()) return;
  }
  write_status_ = writer_->Append(bytes);
}

void IngestBatch::Fail(InstanceOutcome* outcome, FailureReason reason, std::string explanation) {
  outcome->kind = InstanceOutcome::Kind::kFailed;
  outcome->reason = reason;
  outcome->explanation = std::move(explanation);
}

void IngestBatch::FailBy(InstanceOutcome* outcome, const Status& status) {
  switch (status.code()) {
    case Code::kDiskFull:
      return Fail(outcome, FailureReason::kOutOfResources, status.message());
    case Code::kInvalid:
    case Code::kLimit:
    case Code::kUnsupported:
      return Fail(outcome, FailureReason::kCannotUnderstand, status.message());
    case Code::kUnavailable:
      return Fail(outcome, FailureReason::kOutOfResources, status.message());
    default:
      return Fail(outcome, FailureReason::kProcessingFailure, status.message());
  }
}

void IngestBatch::Refuse(FailureReason reason, std::string explanation) {
  Fail(&outcomes_.emplace_back(), reason, std::move(explanation));
}

void IngestBatch::EndInstance(bool received_whole) {
  InstanceOutcome outcome;
  if (!received_whole)
    Fail(&outcome, FailureReason::kCannotUnderstand, "the instance broke off before its end; send it again");
  else if (!write_status_.ok())
    FailBy(&outcome, write_status_);
  else
    Take(&outcome);
  writer_.reset();
  outcomes_.push_back(std::move(outcome));
  if (pending_.size() >= kMaxPending) Commit();
}

Status IngestBatch::ReadInstance(Bytes bytes, InstanceOutcome* outcome, NewInstance* instance) {
  instance->table = store_.attributes().Current();
  HILUM_ASSIGN_OR_RETURN(instance->header, dicom::ReadHeader(bytes, instance->table->selection(), options_.limits));
  dicom::Header& header = instance->header;
  outcome->name = {header.study_uid, header.series_uid, header.sop_uid};
  outcome->sop_class_uid = header.sop_class_uid;
  auto frames = dicom::ReadFrameTable(bytes, header);
  if (frames.ok()) {
    dicom::AppendFrameTable(*frames, &instance->frame_table);
  } else if (frames.status().code() == Code::kInvalid || frames.status().code() == Code::kLimit) {
    outcome->warnings.push_back("frames cannot be told apart: " + frames.status().message());
  }
  return Status::Ok();
}

void IngestBatch::Take(InstanceOutcome* outcome) {
  Pending pending;
  pending.outcome = outcomes_.size();
  Mapping mapping;
  Bytes bytes = buffer_.body();
  if (writer_) {
    auto ref = ticket_.Place([&] { return writer_->Finish(); });
    if (!ref.ok()) return FailBy(outcome, ref.status());
    pending.instance.object = *ref;
    auto location = store_.objects().Locate(*ref);
    if (!location.ok()) return FailBy(outcome, location.status());
    auto mapped = Mapping::Map(location->file, location->offset, ref->length);
    if (!mapped.ok()) return FailBy(outcome, mapped.status());
    mapping = *std::move(mapped);
    bytes = mapping.bytes();
  }
  Status read = ReadInstance(bytes, outcome, &pending.instance);
  if (writer_) read = mapping.Judge(std::move(read));
  if (!read.ok()) return FailBy(outcome, read);
  AddRemarks(pending.instance.header, &outcome->warnings);
  if (!CheckName(outcome)) return;

  const std::string key = NameKey(outcome->name);
  if (!pending_names_.insert(key).second) {  // twice in one request: the first one comes first
    Commit();
    pending_names_.insert(key);
  }
  // What is stored already was taken once, whatever is asked of instances since.
  if (FindHeld(bytes, outcome, &pending.held) && CheckContent(pending.instance.header, outcome) &&
      MayStore(pending.held, outcome) && Write(outcome, &pending.instance.object)) {
    pending_.push_back(std::move(pending));
  } else {
    pending_names_.erase(key);
  }
}

bool IngestBatch::CheckName(InstanceOutcome* outcome) {
  const storage::InstanceName& name = outcome->name;
  const auto fail = [&](FailureReason reason, std::string explanation) {
    Fail(outcome, reason, std::move(explanation));
    return false;
  };
  for (const auto& [what, uid] :
       {std::pair("Study", &name.study_uid), {"Series", &name.series_uid}, {"SOP", &name.sop_uid}}) {
    if (uid->empty()) return fail(FailureReason::kDataSetMismatch, std::string(what) + " Instance UID is missing");
    if (!IsStorableUid(*uid))
      return fail(FailureReason::kDataSetMismatch, std::string(what) + " Instance UID is not a UID");
    if (!IsValidUid(*uid))
      outcome->warnings.push_back(std::string(what) + " Instance UID breaks the rules of PS3.5 9.1");
  }
  if (study_uid_ && *study_uid_ != name.study_uid)
    return fail(FailureReason::kStudyMismatch, "the instance belongs to study " + name.study_uid);
  return true;
}

bool IngestBatch::CheckContent(const dicom::Header& header, InstanceOutcome* outcome) {
  const auto fail = [&](FailureReason reason, std::string explanation) {
    Fail(outcome, reason, std::move(explanation));
    return false;
  };
  if (header.sop_class_uid.empty()) return fail(FailureReason::kDataSetMismatch, "SOP Class UID is missing");
  if (!IsStorableUid(header.sop_class_uid)) return fail(FailureReason::kDataSetMismatch, "SOP Class UID is not a UID");
  // PS3.5 A.4 wants the delimiter. How many fragments there should be is said nowhere: a file that was cut off between
  // two of them would be taken for whole.
  if (header.layout.lacks_delimiter)
    return fail(FailureReason::kCannotUnderstand,
                "the file ends inside the pixel data: no sequence delimiter follows the last fragment");
  return true;
}

bool IngestBatch::Write(InstanceOutcome* outcome, ObjectRef* object) {
  if (writer_) return true;  // it was written while it came
  const auto ref = ticket_.Place([&] { return store_.objects().Put(outcome->name.sop_uid, buffer_); });
  if (ref.ok())
    *object = *ref;
  else
    FailBy(outcome, ref.status());
  return ref.ok();
}

Result<bool> IngestBatch::IsStoredAt(const ObjectRef& ref, Bytes bytes) const {
  bool identical = ref.length == bytes.size();
  std::string stored(std::min<size_t>(bytes.size(), 1 << 20), '\0');
  for (uint64_t at = 0; identical && at < bytes.size(); at += stored.size()) {
    const size_t piece = std::min<size_t>(stored.size(), bytes.size() - at);
    HILUM_RETURN_IF_ERROR(store_.objects().Read(ref, at, {stored.data(), piece}));
    identical = bytes.substr(at, piece) == Bytes(stored.data(), piece);
  }
  return identical;
}

bool IngestBatch::FindHeld(Bytes bytes, InstanceOutcome* outcome, std::optional<ObjectRef>* held) {
  const auto settle = [&](const Status& status) {
    FailBy(outcome, status);
    return false;
  };
  for (bool again = false;; again = true) {
    held->reset();
    const storage::CatalogueReader reader = store_.Read();
    const auto doc = reader.FindInstance(outcome->name);
    if (!doc.ok()) return settle(doc.status());
    if (!*doc) return true;
    const auto row = reader.Instance(**doc);
    if (!row.ok()) return settle(row.status());
    *held = row->object;
    const auto same = IsStoredAt(row->object, bytes);
    // Compaction may have moved it, or somebody deleted it, since the row was read.
    if (same.status().code() == Code::kNotFound && !again) continue;
    if (!same.ok()) return settle(same.status());
    if (*same) outcome->kind = InstanceOutcome::Kind::kIdentical;
    return !*same;
  }
}

bool IngestBatch::MayStore(const std::optional<ObjectRef>& held, InstanceOutcome* outcome) {
  if (!held || options_.duplicates == DuplicatePolicy::kReplace) return true;
  Fail(outcome, FailureReason::kDuplicate,
       "another instance is stored under this SOP Instance UID; delete it first, or allow replacing");
  return false;
}

void IngestBatch::Commit() {
  pending_names_.clear();
  std::vector<Pending> pending = std::exchange(pending_, {});
  if (pending.empty()) return;
  std::vector<ObjectRef> refs;
  for (const Pending& one : pending) refs.push_back(one.instance.object);
  if (const Status synced = store_.SyncBeforeCommit(refs); !synced.ok()) {
    for (const Pending& one : pending) FailBy(&outcomes_[one.outcome], synced);
    return;
  }
  for (std::span<Pending> rest(pending); !rest.empty();) {
    const auto chunk = rest.first(std::min(kCommitChunk, rest.size()));
    CommitChunk(chunk);
    rest = rest.subspan(chunk.size());
  }
}

void IngestBatch::CommitChunk(std::span<Pending> chunk) {
  std::vector<PutOutcome> put(chunk.size());
  const auto put_all = [&](storage::CatalogueTxn& catalogue) -> Status {
    for (size_t i = 0; i < chunk.size(); ++i) {
      HILUM_ASSIGN_OR_RETURN(put[i], catalogue.Put(chunk[i].instance, chunk[i].held));
    }
    return Status::Ok();
  };
  if (!store_.ChangeCatalogue(put_all).ok()) {  // one of them spoilt it for all: each for itself
    for (Pending& one : chunk) CommitOne(one);
    return;
  }
  for (size_t i = 0; i < chunk.size(); ++i)
    outcomes_[chunk[i].outcome].kind =
        put[i] == PutOutcome::kCreated ? InstanceOutcome::Kind::kStored : InstanceOutcome::Kind::kReplaced;
}

void IngestBatch::CommitOne(Pending& pending) {
  InstanceOutcome& outcome = outcomes_[pending.outcome];
  for (int turn = 0; turn < kMaxTurns; ++turn) {
    PutOutcome put{};
    const auto put_one = [&](storage::CatalogueTxn& catalogue) -> Status {
      HILUM_ASSIGN_OR_RETURN(put, catalogue.Put(pending.instance, pending.held));
      return Status::Ok();
    };
    const Status status = store_.ChangeCatalogue(put_one).status();
    if (status.ok()) {
      outcome.kind = put == PutOutcome::kCreated ? InstanceOutcome::Kind::kStored : InstanceOutcome::Kind::kReplaced;
      return;
    }
    if (status.code() == Code::kLimit)  // of the store: nothing is wrong with the instance
      return Fail(&outcome, FailureReason::kProcessingFailure, status.message());
    if (status.code() != Code::kConflict) return FailBy(&outcome, status);
    // Somebody else stored under this name meanwhile, or other attributes are kept now: look again.
    auto location = store_.objects().Locate(pending.instance.object);
    if (!location.ok()) return FailBy(&outcome, location.status());
    auto mapped = Mapping::Map(location->file, location->offset, pending.instance.object.length);
    if (!mapped.ok()) return FailBy(&outcome, mapped.status());
    if (pending.instance.table != store_.attributes().Current()) {
      pending.instance.frame_table.clear();
      const Status read = mapped->Judge(ReadInstance(mapped->bytes(), &outcome, &pending.instance));
      if (!read.ok()) return FailBy(&outcome, read);
    }
    if (!FindHeld(mapped->bytes(), &outcome, &pending.held) || !MayStore(pending.held, &outcome)) return;
  }
  Fail(&outcome, FailureReason::kProcessingFailure,
       "other requests keep storing under this SOP Instance UID; send it again");
}

size_t IngestBatch::Abandon() {
  const auto stored = std::ranges::count_if(outcomes_, &InstanceOutcome::stored);
  pending_.clear();
  outcomes_.clear();
  return static_cast<size_t>(stored);
}

std::vector<InstanceOutcome> IngestBatch::Finish() {
  Commit();
  LogRefusals(log_, outcomes_);
  return std::move(outcomes_);
}

}  // namespace hilum
