#include "pipelines/fhir_import/import.h"

#include <algorithm>
#include <array>
#include <optional>
#include <unordered_set>
#include <utility>

#include "base/text.h"
#include "fhir/interactions/plan.h"
#include "pipelines/fhir_import/source.h"

namespace hilum {

using fhir::TypeId;
using fhir::json::MaybeValue;

struct FhirImport::Item {
  std::shared_ptr<const std::string> file;
  std::string place;
  std::string text;
  bool last_time = false;  // a refusal is final
};

struct FhirImport::RefusedItem {
  Item item;
  std::string reason;
};

struct FhirImport::Batch {
  uint64_t number = 0;
  size_t bytes = 0;
  std::vector<Item> items;
};

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
constexpr std::array<std::string_view, 2> kLineNames = {".ndjson", ".jsonl"};

std::string PlainName(std::string_view path) {
  std::string name = Lower(path);
  if (name.ends_with(".gz")) name.resize(name.size() - 3);
  return name;
}

bool HasLines(std::string_view path) {
  const std::string name = PlainName(path);
  return std::ranges::any_of(kLineNames, [&](std::string_view ending) { return name.ends_with(ending); });
}

std::string Describe(std::string_view diagnostics, std::string_view expression) {
  std::string text;
  if (!expression.empty()) text.append(expression).append(": ");
  return text.append(diagnostics);
}

std::string ReasonOf(const std::vector<fhir::Issue>& issues) {
  const auto error = std::ranges::find_if(issues, [](const fhir::Issue& issue) {
    return issue.severity == fhir::Severity::kError || issue.severity == fhir::Severity::kFatal;
  });
  return error == issues.end() ? "not valid" : Describe(error->diagnostics, error->expression);
}

// Of an OperationOutcome.
std::string ReasonOf(MaybeValue outcome) {
  const MaybeValue issues = outcome["issue"];
  if (!issues || !issues->is_array() || issues->empty()) return "refused without a reason";
  const MaybeValue issue = issues->At(0);
  const MaybeValue places = issue["expression"];
  const bool placed = places && places->is_array() && !places->empty();
  return Describe(issue["diagnostics"].TextOr("refused"), placed ? MaybeValue(places->At(0)).TextOr("") : "");
}

std::string ReasonOf(const fhir::Answer& answer) {
  const auto document = fhir::json::Document::Parse(answer.body);
  return document.ok() ? ReasonOf(MaybeValue(document->root())) : "refused with " + std::to_string(answer.status);
}

std::string NameOf(TypeId type, const std::string& id) {
  return std::string(fhir::TypeOf(type).name).append("/").append(id);
}

// The error is about what is written; another resource may do better.
bool IsOfTheResource(const Status& status) {
  return status.code() == Code::kConflict || status.code() == Code::kInvalid || status.code() == Code::kLimit;
}

}  // namespace

FhirImport::FhirImport(fhir::ResourceStore& store, fhir::Interactions& interactions, FhirImportOptions options)
    : store_(store),
      interactions_(interactions),
      options_(std::move(options)),
      bulk_load_(store.store().kv().BeginBulkLoad()) {
  for (size_t i = 0; i < std::max<size_t>(options_.threads, 1); ++i) threads_.emplace_back([this] { Work(); });
}

FhirImport::~FhirImport() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    failure_.IgnoreError();  // Finish gives it
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

bool FhirImport::Takes(std::string_view path) {
  return HasLines(path) || PlainName(path).ends_with(".json");
}

// -- reading ---------------------------------------------------------------------------------------------------------

Status FhirImport::Add(const std::string& path) {
  HasLines(path) ? AddLines(path) : AddDocument(path);
  const std::lock_guard lock(mutex_);
  return failure_;
}

Status FhirImport::Finish() {
  Drain();
  for (auto& [name, refused] : std::exchange(judged_again_, {})) {
    for (RefusedItem& one : refused) {
      one.item.last_time = true;
      Enqueue(std::move(one.item));
    }
  }
  Drain();
  const std::lock_guard lock(mutex_);
  return failure_;
}

void FhirImport::AddLines(const std::string& path) {
  auto source = FhirSource::Open(path);
  if (!source.ok()) return Refuse(path, "", source.status().message());
  const auto file = std::make_shared<const std::string>(path);
  FhirSource::Line line;
  for (uint64_t number = 1;; ++number) {
    const auto more = source->NextLine(options_.max_line_bytes, &line);
    const std::string place = "line " + std::to_string(number);
    if (!more.ok()) {
      Refuse(path, place, more.status().message());
      break;
    }
    if (!*more) break;
    if (line.too_long)
      Refuse(path, place, "more than " + std::to_string(options_.max_line_bytes >> 20) + " MiB");
    else if (!IsWhiteSpace(line.text))
      Enqueue({file, place, std::move(line.text)});
    if (options_.progress) options_.progress(bytes_before_ + source->offset());
    const std::lock_guard lock(mutex_);
    if (!failure_.ok()) break;
  }
  bytes_before_ += source->offset();
}

void FhirImport::AddDocument(const std::string& path) {
  auto source = FhirSource::Open(path);
  if (!source.ok()) return Refuse(path, "", source.status().message());
  auto text = source->ReadAll(options_.max_document_bytes);
  bytes_before_ += source->offset();
  if (options_.progress) options_.progress(bytes_before_);
  if (!text.ok()) return Refuse(path, "", text.status().message());
  const auto document = fhir::json::Document::Parse(*text);
  if (!document.ok()) return Refuse(path, "", document.status().message());

  const auto file = std::make_shared<const std::string>(path);
  const MaybeValue root = document->root();
  const std::string_view type =
      root["resourceType"].TextOr("") == "Bundle" ? root["type"].TextOr("") : std::string_view();
  if (type == "transaction" || type == "batch") return RunBundle(path, *std::move(text));
  if (type == "collection" || type == "searchset") return AddEntries(file, document->root());
  Enqueue({file, "", *std::move(text)});
}

void FhirImport::AddEntries(const std::shared_ptr<const std::string>& file, fhir::json::Value bundle) {
  const MaybeValue entries = MaybeValue(bundle)["entry"];
  if (!entries) return;
  size_t number = 0;
  for (const fhir::json::Value entry : entries->children()) {
    const std::string place = "Bundle.entry[" + std::to_string(number++) + "]";
    const MaybeValue resource = MaybeValue(entry)["resource"];
    if (!resource) {
      Refuse(*file, place, "has no resource");
    } else if (MaybeValue(entry)["search"]["mode"].TextOr("") != "outcome") {
      Enqueue({file, place, std::string(resource->raw())});
    }
  }
}

void FhirImport::RunBundle(const std::string& path, std::string text) {
  Drain();  // what the Bundle refers to may be in the files before
  const fhir::Answer answer = interactions_.Run({.method = "POST",
                                                 .body = std::move(text),
                                                 .prefer_return = fhir::Return::kMinimal,
                                                 .base_url = options_.base_url});
  if (answer.status >= 300) return Refuse(path, "", ReasonOf(answer));
  const auto document = fhir::json::Document::Parse(answer.body);
  if (!document.ok()) return Refuse(path, "", document.status().message());
  const MaybeValue entries = MaybeValue(document->root())["entry"];
  if (!entries) return;
  size_t number = 0;
  for (const fhir::json::Value entry : entries->children()) {
    const std::string place = "Bundle.entry[" + std::to_string(number++) + "]";
    const MaybeValue response = MaybeValue(entry)["response"];
    if (response["status"].TextOr("").starts_with('2'))
      Count(&FhirImportReport::written, 1);
    else
      Refuse(path, place, ReasonOf(response["outcome"]));
  }
}

void FhirImport::Enqueue(Item item) {
  if (open_ == nullptr) open_ = std::make_unique<Batch>();
  open_->bytes += item.text.size();
  open_->items.push_back(std::move(item));
  if (open_->items.size() >= options_.commit_resources || open_->bytes >= options_.commit_bytes) Flush();
}

void FhirImport::Flush() {
  if (open_ == nullptr) return;
  open_->number = next_number_++;
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return queue_.size() < threads_.size(); });
  queue_.push_back(std::move(open_));
  changed_.notify_all();
}

void FhirImport::Drain() {
  Flush();
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return finished_ == next_number_; });
}

// -- preparing and committing ----------------------------------------------------------------------------------------

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

void FhirImport::Refuse(std::string_view file, std::string_view place, std::string reason) {
  const std::lock_guard lock(mutex_);
  ++report_.refused;
  if (report_.refusals.size() < options_.max_refusals) {
    report_.refusals.push_back({std::string(file), std::string(place), std::move(reason)});
  }
}

void FhirImport::Count(uint64_t FhirImportReport::*counter, uint64_t by) {
  const std::lock_guard lock(mutex_);
  report_.*counter += by;
}

}  // namespace hilum
