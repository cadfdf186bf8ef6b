// Attributes that a store was told to take from instances besides those built in ("extended query tags"), as they are
// on disk: rows of Family::kCatalogue. storage/store/extended_tags.h is what changes them. Plain values and stateless
// functions; thread safety is that of the Txn or Kv.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "storage/catalogue/catalogue.h"

namespace hilum::storage {

inline constexpr size_t kMaxExtendedTags = 128;
// The first so many errors of a tag can be listed; all are counted, and those that cannot be listed count for good.
inline constexpr uint64_t kMaxTagErrors = 10'000;

// Numbers are on disk.
enum class TagStatus : uint8_t {
  kAdding = 1,   // instances that arrive are indexed, stored ones are being read
  kReady = 2,    // all are indexed
  kDeleting = 3  // it is being taken out of rows and index
};

struct ExtendedTag {
  dicom::TagPath path;  // unique
  dicom::Vr vr;
  std::string private_creator;  // of a private one
  Level level = Level::kInstance;
  uint16_t slot = 0;  // of its field
  TagStatus status = TagStatus::kAdding;
  bool enabled = true;    // searches may ask for it once it is ready
  uint64_t errors = 0;    // stored instances that could not be indexed, and are as they were then
  std::string operation;  // what brings it to its next status; empty when it is ready
};

// A stored instance that could not be indexed.
struct TagError {
  InstanceName name;
  int64_t time_micros = 0;
  std::string message;
};

// Numbers are on disk.
enum class OperationStatus : uint8_t { kNotStarted = 1, kRunning = 2, kCompleted = 3 };

// Long work over all stored instances, in order of documents. It goes on where it was after a crash.
struct TagOperation {
  std::string id;
  OperationStatus status = OperationStatus::kNotStarted;
  bool removes = false;              // takes the tags out of rows; else fills them in
  std::vector<dicom::TagPath> tags;  // empty: those built in that an older version did not have
  int64_t created_micros = 0;
  int64_t updated_micros = 0;
  Level level = Level::kPatient;  // where it is: next document of that level (kPatient: not begun)
  Doc next = 0;
  uint64_t done = 0;   // documents looked at
  uint64_t total = 0;  // about

  uint32_t percent() const;
};

// "00400275.00400009"
std::string PathText(const dicom::TagPath& path);
// What `tags` make of the built-in table.
std::shared_ptr<const AttributeTable> TableOf(std::span<const ExtendedTag> tags);

// In order of paths.
Result<std::vector<ExtendedTag>> ReadTags(const Kv& kv, Tenant tenant);
Result<std::vector<ExtendedTag>> ReadTags(Txn& txn, Tenant tenant);
// nullopt when there is none.
Result<std::optional<ExtendedTag>> ReadTag(const Kv& kv, Tenant tenant, const dicom::TagPath& path);
void PutTag(Txn& txn, Tenant tenant, const ExtendedTag& tag);
// With its errors.
Status DeleteTag(Txn& txn, Tenant tenant, const dicom::TagPath& path);

// In order of creation.
Result<std::vector<TagOperation>> ReadOperations(const Kv& kv, Tenant tenant);
Result<std::optional<TagOperation>> ReadOperation(const Kv& kv, Tenant tenant, const std::string& id);
void PutOperation(Txn& txn, Tenant tenant, const TagOperation& operation);

void PutTagError(Txn& txn, Tenant tenant, const dicom::TagPath& path, Doc instance, const TagError& error);
// The instance is another one now, or none: what could not be indexed of it does not count any more.
Status ForgetTagErrors(Txn& txn, Tenant tenant, const AttributeTable& table, Doc instance);
// From the `offset`-th on, at most `limit`.
Result<std::vector<TagError>> ReadTagErrors(const Kv& kv, Tenant tenant, const dicom::TagPath& path, uint64_t offset,
                                            size_t limit);

// Which built-in attributes the rows of a store have; 0: not known.
inline constexpr uint8_t kAttributeGeneration = 4;
Result<uint8_t> ReadAttributeGeneration(const Kv& kv, Tenant tenant);
void PutAttributeGeneration(Txn& txn, Tenant tenant, uint8_t generation);

}  // namespace hilum::storage
