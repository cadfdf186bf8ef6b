#include "pipelines/fhir_import/import.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/text.h"
#include "pipelines/fhir_import/batch.h"
#include "pipelines/fhir_import/reasons.h"
#include "pipelines/fhir_import/source.h"

namespace hilum {

using fhir::json::MaybeValue;

namespace {

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
