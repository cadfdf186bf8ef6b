#include "storage/store/extended_tags.h"

#include <algorithm>
#include <set>

namespace hilum::storage {
namespace {

constexpr size_t kMaxPathDepth = 8;
constexpr auto kPatienceOfRemove = std::chrono::seconds(5);

std::vector<ExtendedTag>::iterator FindTag(std::vector<ExtendedTag>* tags, const dicom::TagPath& path) {
  return std::find_if(tags->begin(), tags->end(), [&](const ExtendedTag& tag) { return tag.path == path; });
}

Status NoSuchTag(const dicom::TagPath& path) {
  return NotFound("there is no extended query tag " + PathText(path));
}

// The VR of the last tag, or why the path cannot be one.
Result<dicom::Vr> CheckedVr(const NewTag& tag) {
  const std::string name = PathText(tag.path);
  if (tag.path.empty() || tag.path.size() > kMaxPathDepth)
    return Invalid("a path has between one and " + std::to_string(kMaxPathDepth) + " tags");
  for (const dicom::Tag& part : tag.path) {
    if (part.group < 8 || part.group >= 0xFFFC || part.element == 0) return Invalid(name + " is no tag of a data set");
    const dicom::DictionaryEntry* entry = dicom::FindTag(part);
    if (&part != &tag.path.back() && entry && entry->vr != dicom::Vr("SQ"))
      return Invalid(dicom::ToHex(part) + " in " + name + " is no sequence");
  }
  const dicom::Tag last = tag.path.back();
  if (last.is_private() && (tag.path.size() != 1 || last.element < 0x1000))
    return Invalid(name + ": a private tag is (gggg,1000) or higher, and stands alone");
  if (last.is_private() == tag.private_creator.empty() || tag.private_creator.size() > 64)
    return Invalid(name + ": private tags, and no others, have a private creator of at most 64 characters");
  const dicom::DictionaryEntry* entry = dicom::FindTag(last);
  if (!entry && !tag.vr) return Invalid(name + " is not in the data dictionary: name its VR");
  const dicom::Vr vr = tag.vr ? *tag.vr : entry->vr;
  if (entry && entry->choice == dicom::VrChoice::kOne && vr != entry->vr)
    return Invalid(name + " has the VR " + std::string(entry->vr.text()));
  if (!vr.known()) return Invalid(name + ": the VR must be one of PS3.5 6.2");
  if (MatchingOf(vr) == Matching::kNone)
    return Invalid(name + ": values of the VR " + std::string(vr.text()) + " cannot be indexed");
  return vr;
}

}  // namespace

Result<TagOperation> ExtendedTags::Add(const std::vector<NewTag>& wanted) {
  if (wanted.empty()) return Invalid("name at least one tag");
  TagOperation operation{.id = random_.Hex(16)};
  operation.created_micros = operation.updated_micros = clock_.Now().count();
  std::vector<ExtendedTag> added;
  for (const NewTag& tag : wanted) {
    HILUM_ASSIGN_OR_RETURN(const dicom::Vr vr, CheckedVr(tag));
    if (FindTag(&added, tag.path) != added.end()) return Invalid(PathText(tag.path) + " is named twice");
    if (tag.level == Level::kPatient) return Invalid("the level is Study, Series or Instance");
    if (AttributeTable::BuiltIn()->Find(tag.level, tag.path))
      return Conflict(PathText(tag.path) + " is kept at this level already");
    added.push_back({.path = tag.path,
                     .vr = vr,
                     .private_creator = tag.private_creator,
                     .level = tag.level,
                     .operation = operation.id});
    operation.tags.push_back(tag.path);
  }
  HILUM_RETURN_IF_ERROR(CommitTable([&](CatalogueTxn& catalogue, std::vector<ExtendedTag>* tags) -> Status {
    Txn& txn = catalogue.txn();
    if (tags->size() + added.size() > kMaxExtendedTags)
      return LimitExceeded("there can be " + std::to_string(kMaxExtendedTags) + " extended query tags; remove some");
    std::set<uint16_t> used;
    for (const ExtendedTag& tag : *tags) used.insert(tag.slot);
    for (ExtendedTag& tag : added) {
      if (const auto there = FindTag(tags, tag.path); there != tags->end())
        return Conflict(PathText(tag.path) + (there->status == TagStatus::kDeleting
                                                  ? " is still being removed; try again later"
                                                  : " is an extended query tag already"));
      while (!used.insert(tag.slot).second) ++tag.slot;
      PutTag(txn, Tenant::kDefault, tag);
    }
    PutOperation(txn, Tenant::kDefault, operation);
    return Status::Ok();
  }));
  return operation;
}

Result<std::vector<ExtendedTag>> ExtendedTags::List() const {
  return ReadTags(store_.kv(), Tenant::kDefault);
}

Result<ExtendedTag> ExtendedTags::Get(const dicom::TagPath& path) const {
  HILUM_ASSIGN_OR_RETURN(std::vector<ExtendedTag> tags, List());
  const auto tag = FindTag(&tags, path);
  if (tag == tags.end()) return NoSuchTag(path);
  return *tag;
}

Result<ExtendedTag> ExtendedTags::SetEnabled(const dicom::TagPath& path, bool enabled) {
  HILUM_RETURN_IF_ERROR(CommitTable([&](CatalogueTxn& catalogue, std::vector<ExtendedTag>* tags) -> Status {
    Txn& txn = catalogue.txn();
    const auto tag = FindTag(tags, path);
    if (tag == tags->end()) return NoSuchTag(path);
    tag->enabled = enabled;
    PutTag(txn, Tenant::kDefault, *tag);
    return Status::Ok();
  }));
  return Get(path);
}

Status ExtendedTags::Remove(const dicom::TagPath& path) {
  TagOperation operation{.id = random_.Hex(16), .removes = true, .tags = {path}};
  operation.created_micros = operation.updated_micros = clock_.Now().count();
  HILUM_RETURN_IF_ERROR(CommitTable([&](CatalogueTxn& catalogue, std::vector<ExtendedTag>* tags) -> Status {
    Txn& txn = catalogue.txn();
    const auto tag = FindTag(tags, path);
    if (tag == tags->end()) return NoSuchTag(path);
    if (tag->status == TagStatus::kDeleting) return Status::Ok();
    if (tag->status == TagStatus::kAdding)
      return Conflict(PathText(path) + " is being added; it can be removed once operation " + tag->operation +
                      " is done");
    tag->status = TagStatus::kDeleting;
    tag->operation = operation.id;
    PutTag(txn, Tenant::kDefault, *tag);
    PutOperation(txn, Tenant::kDefault, operation);
    return Status::Ok();
  }));
  WaitUntilIdle(kPatienceOfRemove);
  return Status::Ok();
}

Result<std::vector<TagError>> ExtendedTags::Errors(const dicom::TagPath& path, uint64_t offset, size_t limit) const {
  HILUM_RETURN_IF_ERROR(Get(path).status());
  return ReadTagErrors(store_.kv(), Tenant::kDefault, path, offset, limit);
}

Result<TagOperation> ExtendedTags::Operation(const std::string& id) const {
  HILUM_ASSIGN_OR_RETURN(std::optional<TagOperation> operation, ReadOperation(store_.kv(), Tenant::kDefault, id));
  if (!operation) return NotFound("there is no operation " + id.substr(0, 64));
  return *std::move(operation);
}

Status ExtendedTags::Commit(const Change& change) {
  const std::lock_guard one_at_a_time(change_mu_);
  return Run(change);
}

Status ExtendedTags::Run(const Change& change) {
  const auto run = [&](CatalogueTxn& catalogue) -> Status {
    // In the transaction: what changes instances changes numbers of errors, too.
    HILUM_ASSIGN_OR_RETURN(std::vector<ExtendedTag> tags, ReadTags(catalogue.txn(), Tenant::kDefault));
    return change(catalogue, &tags);
  };
  return store_.ChangeCatalogue(run).status();
}

Status ExtendedTags::CommitTable(const Change& change) {
  {
    const std::lock_guard one_at_a_time(change_mu_);
    HILUM_RETURN_IF_ERROR(Run(change));
    // What is stored between the commit and this is found by the operation, which begins afterwards.
    HILUM_RETURN_IF_ERROR(store_.LoadAttributes());
  }
  const std::lock_guard lock(mu_);
  poked_ = true;
  idle_ = false;
  wake_.notify_all();
  return Status::Ok();
}

bool ExtendedTags::WaitUntilIdle(std::chrono::milliseconds patience) {
  std::unique_lock lock(mu_);
  return wake_.wait_for(lock, patience, [this] { return idle_; });
}

}  // namespace hilum::storage
