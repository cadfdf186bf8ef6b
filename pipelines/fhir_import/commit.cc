// How FhirImport prepares and commits batches: many at a time, each in its turn.
#include <algorithm>
#include <optional>
#include <unordered_set>
#include <utility>

#include "fhir/interactions/plan.h"
#include "pipelines/fhir_import/batch.h"
#include "pipelines/fhir_import/reasons.h"

namespace hilum {

using fhir::TypeId;
using fhir::json::MaybeValue;

// What a resource comes to: refused, a write, or nothing (unchanged).
struct FhirImport::Planned {
  std::string refusal;
  bool judged = false;  // in view of what is stored
  std::optional<fhir::Write> write;
  TypeId type = fhir::kNoType;
  std::string id;
  uint64_t seen_version = 0;
};

struct FhirImport::Prepared {
  struct Unchanged {
    size_t item;
    TypeId type;
    std::string id;
    uint64_t version;
  };
  uint64_t sequence = 0;  // that the preparation saw
  std::vector<fhir::Write> writes;
  std::vector<size_t> written;  // the item of each write
  std::vector<Unchanged> unchanged;
  std::vector<size_t> repeated;  // items of resources that the batch writes already
  struct Judged {
    size_t item;
    std::string name;
    std::string refusal;
  };
  std::vector<Judged> judged;
  bool all_new = true;  // no item has an older version, as far as was looked
};

namespace {

constexpr int kAttempts = 100;
// A batch that fails is cut into so many.
constexpr size_t kParts = 16;

std::string NameOf(TypeId type, const std::string& id) {
  return std::string(fhir::TypeOf(type).name).append("/").append(id);
}

// The error is about what is written; another resource may do better.
bool IsOfTheResource(const Status& status) {
  return status.code() == Code::kConflict || status.code() == Code::kInvalid || status.code() == Code::kLimit;
}

}  // namespace

void FhirImport::Work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
    if (stopping_) return;
    const std::unique_ptr<Batch> batch = std::move(queue_.front());
    queue_.pop_front();
    changed_.notify_all();
    const bool useless = !failure_.ok();
    lock.unlock();
    Prepared prepared;
    if (!useless) prepared = Prepare(*batch, expect_new_);

    lock.lock();
    changed_.wait(lock, [&] { return stopping_ || turn_ == batch->number; });
    if (stopping_) return;
    if (failure_.ok() && !useless) {
      lock.unlock();
      expect_new_ = prepared.all_new;
      Status status = Commit(*batch, std::move(prepared), /*may_pass=*/true);
      PassTurn(*batch);
      lock.lock();
      if (!status.ok()) SetFailure(std::move(status));
    } else {
      turn_ = batch->number + 1;
    }
    ++finished_;
    changed_.notify_all();
  }
}

void FhirImport::PassTurn(const Batch& batch) {
  {
    const std::lock_guard lock(mutex_);
    turn_ = std::max(turn_, batch.number + 1);
  }
  changed_.notify_all();
}

void FhirImport::SetFailure(Status status) {
  if (failure_.ok())
    failure_ = std::move(status);
  else
    status.IgnoreError();  // it follows from the first
}

FhirImport::Planned FhirImport::Plan(fhir::ResourceReader& reader, const Item& item, bool expect_new) {
  Planned planned;
  const auto refused = [&](std::string reason) {
    planned.refusal = std::move(reason);
    return std::move(planned);
  };
  const auto document = fhir::json::Document::Parse(item.text);
  if (!document.ok()) return refused(document.status().message());
  const fhir::json::Value resource = document->root();
  const fhir::Validation validation = fhir::Validate(resource);
  if (!validation.ok()) return refused(ReasonOf(validation.issues));
  const std::optional<TypeId> type = fhir::ResourceTypeOf(resource);
  if (!type) return refused("the resourceType is missing or not known");
  planned.type = *type;
  planned.id = MaybeValue(resource)["id"].TextOr("");
  if (planned.id.empty()) planned.id = store_.NewId();

  const bool derived = store_.JudgeOf(planned.type) != nullptr;
  if (!expect_new || derived) {
    const auto head = reader.FindHead(planned.type, planned.id);
    if (!head.ok()) return refused(head.status().message());
    planned.seen_version = *head ? (*head)->version : 0;
  }
  // Nothing to compare with, and nothing that images could say otherwise.
  if (planned.seen_version == 0 && !derived) {
    auto after = store_.Prepare(resource, validation.typing, planned.id, 1);
    if (!after.ok()) return refused(after.status().message());
    planned.write = fhir::Write{
        .method = fhir::Method::kUpdate, .type = planned.type, .id = planned.id, .after = *std::move(after)};
    return planned;
  }
  planned.judged = derived;
  fhir::Plan plan = fhir::Planner(store_, reader)
                        .Put(planned.type, planned.id, resource, validation.typing, fhir::Method::kUpdate, {});
  if (plan.answer && plan.answer->status >= 300) return refused(ReasonOf(*plan.answer));
  planned.write = std::move(plan.write);
  return planned;
}

FhirImport::Prepared FhirImport::Prepare(const Batch& batch, bool expect_new) {
  Prepared prepared;
  const auto reader = store_.Read();
  const auto sequence = reader->Sequence();
  if (!sequence.ok()) {
    const std::lock_guard lock(mutex_);
    SetFailure(sequence.status());
    return prepared;
  }
  prepared.sequence = *sequence;
  std::unordered_set<std::string> taken;
  for (size_t i = 0; i < batch.items.size(); ++i) {
    Planned planned = Plan(*reader, batch.items[i], expect_new);
    prepared.all_new &= planned.seen_version == 0;
    if (!planned.refusal.empty() && !planned.judged) {
      Refuse(*batch.items[i].file, batch.items[i].place, std::move(planned.refusal));
      continue;
    }
    std::string name = NameOf(planned.type, planned.id);
    if (planned.judged) prepared.judged.push_back({i, name, planned.refusal});
    if (!planned.refusal.empty()) continue;
    if (taken.contains(name)) {
      prepared.repeated.push_back(i);
    } else if (planned.write) {
      taken.insert(std::move(name));
      prepared.writes.push_back(*std::move(planned.write));
      prepared.written.push_back(i);
    } else {
      prepared.unchanged.push_back({i, planned.type, std::move(planned.id), planned.seen_version});
    }
  }
  return prepared;
}

Status FhirImport::Commit(const Batch& batch, Prepared prepared, bool may_pass) {
  for (const Prepared::Judged& one : prepared.judged) NoteJudged(batch.items[one.item], one.name, one.refusal);
  std::vector<size_t> alone = std::move(prepared.repeated);
  // What must be looked at again comes after the batches before, and before those after.
  may_pass &= alone.empty();
  if (!prepared.unchanged.empty() || !alone.empty()) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return stopping_ || finished_ == batch.number; });
    if (stopping_) return Status::Ok();
  }
  const auto reader = store_.Read();
  HILUM_ASSIGN_OR_RETURN(const uint64_t sequence, reader->Sequence());
  uint64_t unchanged = 0;
  for (const Prepared::Unchanged& same : prepared.unchanged) {
    bool holds = sequence == prepared.sequence;
    if (!holds) {
      HILUM_ASSIGN_OR_RETURN(const auto head, reader->FindHead(same.type, same.id));
      holds = head && head->version == same.version;
    }
    if (holds)
      ++unchanged;
    else
      alone.push_back(same.item);
  }
  Count(&FhirImportReport::unchanged, unchanged);

  if (!prepared.writes.empty()) {
    const auto on_placed = [&] {
      if (may_pass) PassTurn(batch);
    };
    const auto committed = store_.Commit(std::move(prepared.writes), {}, on_placed);
    if (!committed.ok() && !IsOfTheResource(committed.status())) return committed.status();
    if (committed.ok() && !committed->outdated) {
      Count(&FhirImportReport::written, prepared.written.size());
      Count(&FhirImportReport::dangling, committed->dangling.size());
    } else {
      expect_new_ = false;
      alone.insert(alone.end(), prepared.written.begin(), prepared.written.end());
    }
  }
  std::ranges::sort(alone);
  return CommitParts(batch, alone);
}

Status FhirImport::CommitParts(const Batch& batch, const std::vector<size_t>& items) {
  if (items.size() <= kParts) {
    for (const size_t item : items) HILUM_RETURN_IF_ERROR(CommitAlone(batch.items[item]));
    return Status::Ok();
  }
  for (size_t part = 0; part < kParts; ++part) {
    Batch smaller{.number = batch.number};
    for (size_t i = part * items.size() / kParts; i < (part + 1) * items.size() / kParts; ++i) {
      smaller.items.push_back(batch.items[items[i]]);
    }
    HILUM_RETURN_IF_ERROR(Commit(smaller, Prepare(smaller, /*expect_new=*/false), /*may_pass=*/false));
  }
  return Status::Ok();
}

Status FhirImport::CommitAlone(const Item& item) {
  for (int i = 0; i < kAttempts; ++i) {
    const auto reader = store_.Read();
    Planned planned = Plan(*reader, item, /*expect_new=*/false);
    if (planned.judged) {
      NoteJudged(item, NameOf(planned.type, planned.id), planned.refusal);
    } else if (!planned.refusal.empty()) {
      Refuse(*item.file, item.place, planned.refusal);
    }
    if (!planned.refusal.empty()) return Status::Ok();
    if (!planned.write) {
      Count(&FhirImportReport::unchanged, 1);
      return Status::Ok();
    }
    std::vector<fhir::Write> writes;
    writes.push_back(*std::move(planned.write));
    const auto committed = store_.Commit(std::move(writes), {});
    if (!committed.ok()) {
      if (!IsOfTheResource(committed.status())) return committed.status();
      Refuse(*item.file, item.place, committed.status().message());
      return Status::Ok();
    }
    if (committed->outdated) continue;
    Count(&FhirImportReport::written, 1);
    Count(&FhirImportReport::dangling, committed->dangling.size());
    return Status::Ok();
  }
  Refuse(*item.file, item.place, "is being changed by others at this moment; import it again");
  return Status::Ok();
}

void FhirImport::NoteJudged(const Item& item, const std::string& name, const std::string& refusal) {
  if (item.last_time) {
    if (!refusal.empty()) Refuse(*item.file, item.place, refusal);
    return;
  }
  std::vector<RefusedItem> final;
  {
    const std::lock_guard lock(mutex_);
    const auto earlier = judged_again_.find(name);
    if (earlier != judged_again_.end() && refusal.empty()) {
      final = std::move(earlier->second);
      judged_again_.erase(earlier);
      for (const RefusedItem& one : final) judged_again_bytes_ -= one.item.text.size();
    }
    if (!refusal.empty()) {
      if (judged_again_bytes_ + item.text.size() <= options_.max_judged_again_bytes) {
        judged_again_bytes_ += item.text.size();
        judged_again_[name].push_back({item, refusal});
      } else {
        final.push_back({item, refusal});
      }
    }
  }
  for (const RefusedItem& one : final) Refuse(*one.item.file, one.item.place, one.reason);
}

}  // namespace hilum
