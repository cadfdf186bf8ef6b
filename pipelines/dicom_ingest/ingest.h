// Takes DICOM instances in and stores them: STOW-RS and `hilum import` come through here.
//
// An IngestBatch serves one request: instances arrive one after another in pieces of any size, and Finish() answers for
// each. What it reports as stored is durable. Small instances are held in memory while they arrive, larger ones go to a
// segment at once: memory is bounded by `memory_bytes` whatever the size. Not thread-safe; any number of batches may
// work on one Store at a time. The store outlives the batch.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/log.h"
#include "codecs/dicom/reader.h"
#include "storage/store/store.h"

namespace hilum {

enum class DuplicatePolicy : uint8_t {
  kReject,   // other bytes under a stored name are refused
  kReplace,  // they become the next version
};

struct IngestOptions {
  size_t memory_bytes = 1 << 20;
  DuplicatePolicy duplicates = DuplicatePolicy::kReject;
  dicom::ReadLimits limits;
};

// Failure Reason (0008,1197), PS3.18 table I.2-2 and PS3.4 B.2.3. The numbers go to clients.
enum class FailureReason : uint16_t {
  kNone = 0,
  kProcessingFailure = 0x0110,
  kDuplicate = 0x0111,
  kOutOfResources = 0xA700,
  kDataSetMismatch = 0xA900,   // required UIDs are missing or unusable
  kStudyMismatch = 0xA901,     // not of the study the request names
  kCannotUnderstand = 0xC000,  // not DICOM, or damaged
};

// Every reason but kNone, for documents.
struct FailureMeaning {
  FailureReason reason;
  std::string_view meaning;
};
inline constexpr FailureMeaning kFailureMeanings[] = {
    {FailureReason::kProcessingFailure,
     "something broke in the server, a limit of its store was met, or other requests keep storing under the same UID"},
    {FailureReason::kDuplicate,
     "other bytes are stored under this SOP Instance UID, and `store.duplicates` is `reject`"},
    {FailureReason::kOutOfResources, "the disk is full, or the store takes nothing more for now"},
    {FailureReason::kDataSetMismatch, "a UID that is needed is missing or cannot be one"},
    {FailureReason::kStudyMismatch, "the instance is not of the study in the path"},
    {FailureReason::kCannotUnderstand,
     "not DICOM, broken off, or past a limit; also the reason given for a request that cannot be taken at all"},
};

struct InstanceOutcome {
  enum class Kind : uint8_t { kStored, kIdentical /* was there already, byte for byte */, kReplaced, kFailed };
  Kind kind = Kind::kFailed;
  storage::InstanceName name;  // as far as it could be read
  std::string sop_class_uid;
  FailureReason reason = FailureReason::kNone;
  std::string explanation;            // for the client: step and place of the failure; never patient data
  std::vector<std::string> warnings;  // stored nevertheless

  bool stored() const { return kind != Kind::kFailed; }
};

class IngestBatch {
 public:
  // With `study_uid`, instances of other studies are refused (PS3.18 10.5.1).
  IngestBatch(storage::Store& store, const IngestOptions& options, std::optional<std::string> study_uid, Logger log);
  ~IngestBatch();

  void BeginInstance();
  void Append(Bytes bytes);
  // `received_whole` is false when the instance broke off: nothing of it is kept.
  void EndInstance(bool received_whole = true);
  // An instance that cannot be taken for a reason outside of its bytes (content type of its part, ...).
  void Refuse(FailureReason reason, std::string explanation);

  // Makes everything durable. One outcome for each instance, in the order they came. Call once.
  std::vector<InstanceOutcome> Finish();
  // Instead of Finish, when the request turns out to be broken: what is not committed yet is forgotten. How many
  // instances of it are stored nevertheless.
  size_t Abandon();

 private:
  struct Pending;

  void Fail(InstanceOutcome* outcome, FailureReason reason, std::string explanation);
  void FailBy(InstanceOutcome* outcome, const Status& status);
  void Take(InstanceOutcome* outcome);
  Status ReadInstance(Bytes bytes, InstanceOutcome* outcome, storage::NewInstance* instance);
  Result<bool> IsStoredAt(const storage::ObjectRef& ref, Bytes bytes) const;
  // These three are false when the outcome is settled; it says why.
  bool CheckName(InstanceOutcome* outcome);
  bool CheckContent(const dicom::Header& header, InstanceOutcome* outcome);
  // Of an instance that is not in a segment yet.
  bool Write(InstanceOutcome* outcome, storage::ObjectRef* object);
  // Finds what the store holds under the name now. False when the outcome is settled: it is these bytes, or it cannot
  // be told.
  bool FindHeld(Bytes bytes, InstanceOutcome* outcome, std::optional<storage::ObjectRef>* held);
  // Whether it may be stored where `held` is; by policy.
  bool MayStore(const std::optional<storage::ObjectRef>& held, InstanceOutcome* outcome);
  void Commit();
  void CommitChunk(std::span<Pending> chunk);
  void CommitOne(Pending& pending);

  storage::Store& store_;
  const IngestOptions options_;
  const std::optional<std::string> study_uid_;
  Logger log_;
  storage::UploadTicket ticket_;

  storage::ObjectBuffer buffer_;                   // of the instance that is arriving, while it is small
  std::unique_ptr<storage::ObjectWriter> writer_;  // once it is large
  Status write_status_;
  std::vector<InstanceOutcome> outcomes_;
  std::vector<Pending> pending_;  // written, not committed
  std::set<std::string> pending_names_;
};

}  // namespace hilum
