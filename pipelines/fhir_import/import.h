// FHIR files into the store: NDJSON (one resource a line), Bundles, single resources; each plain or gzip.
//
// Resources keep their ids (update as create), those without one get one; what is there already with the same content
// is left alone, so that an import which was broken off is simply repeated, unless there are resources without ids, or
// transactions and batches that create. The calling thread reads, `threads` others parse, validate and prepare; commits
// of many resources follow each other in the order of the files. A resource that is refused is reported and the rest
// goes on. What an ImagingStudy says of stored images is judged again at the end, when the Patient whom it names may
// be there, too.
//
// Add and Finish are for one thread. The resource store and the interactions outlive it.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "fhir/interactions/interactions.h"
#include "fhir/store/store.h"

namespace hilum {

struct FhirRefusal {
  std::string file;
  std::string place;   // "line 3", "Bundle.entry[2]"; empty: the whole file
  std::string reason;  // without values of resources
};

struct FhirImportReport {
  uint64_t written = 0;    // entries of transactions and batches that succeeded count here, whatever they did
  uint64_t unchanged = 0;  // were there already
  uint64_t refused = 0;
  uint64_t dangling = 0;              // references that lead nowhere, unless their policy is kOff
  std::vector<FhirRefusal> refusals;  // the first of them
};

struct FhirImportOptions {
  size_t threads = 2;
  // A commit has at most so many resources, and about as many bytes of JSON. In a large one a key of the index is
  // written once for many of them, and the store takes it as tables (storage/kv). Memory: some ten times as many
  // bytes, for each of two at a time.
  size_t commit_resources = 20'000;
  size_t commit_bytes = 24 << 20;
  size_t max_line_bytes = 64 << 20;
  size_t max_document_bytes = 256 << 20;         // of a Bundle or single resource, which is held in memory
  size_t max_judged_again_bytes = 256 << 20;     // held in memory; beyond it a refusal is final
  size_t max_refusals = 100;                     // that are listed; all are counted
  std::string base_url;                          // URLs in Bundles below it are our own; no slash at the end
  std::function<void(uint64_t bytes)> progress;  // bytes of files read so far; called by Add
};

class FhirImport {
 public:
  FhirImport(fhir::ResourceStore& store, fhir::Interactions& interactions, FhirImportOptions options);
  // What was not committed by then is dropped.
  ~FhirImport();

  // By its name: .ndjson, .jsonl or .json, each also with .gz.
  static bool Takes(std::string_view path);

  // What is wrong with the file itself is a refusal. An error means that nothing can be stored any more.
  Status Add(const std::string& path);
  // Commits the rest, and judges again.
  Status Finish();
  // REQUIRES: Finish() returned.
  const FhirImportReport& report() const { return report_; }

 private:
  struct Item;
  struct Batch;
  struct RefusedItem;
  struct Planned;
  struct Prepared;

  void AddLines(const std::string& path);
  void AddDocument(const std::string& path);
  void AddEntries(const std::shared_ptr<const std::string>& file, fhir::json::Value bundle);
  void RunBundle(const std::string& path, std::string text);
  void Enqueue(Item item);
  void Flush();
  void Drain();

  void Work();
  // The first error is the one that is told. REQUIRES: mutex_ is held.
  void SetFailure(Status status);
  // `expect_new`: older versions are not looked for; when there is one, the commit finds itself outdated.
  Planned Plan(fhir::ResourceReader& reader, const Item& item, bool expect_new);
  Prepared Prepare(const Batch& batch, bool expect_new);
  // `may_pass`: batch by batch, others may follow as soon as the place of this one is certain.
  Status Commit(const Batch& batch, Prepared prepared, bool may_pass);
  // The items of a batch that could not be committed as one, in smaller ones: what is wrong with a resource should not
  // be the trouble of many. REQUIRES: it is the turn of the batch.
  Status CommitParts(const Batch& batch, const std::vector<size_t>& items);
  // REQUIRES: it is the turn of this item.
  Status CommitAlone(const Item& item);
  // A resource of a type that is judged (fhir/store/derived.h): refused for now, or not. REQUIRES: it is the turn of
  // its batch.
  void NoteJudged(const Item& item, const std::string& name, const std::string& refusal);
  // The next batch may be committed, after this one.
  void PassTurn(const Batch& batch);
  void Refuse(std::string_view file, std::string_view place, std::string reason);
  void Count(uint64_t FhirImportReport::*counter, uint64_t by);

  fhir::ResourceStore& store_;
  fhir::Interactions& interactions_;
  const FhirImportOptions options_;
  const std::unique_ptr<storage::BulkLoad> bulk_load_;

  std::unique_ptr<Batch> open_;  // the reading thread fills it
  uint64_t next_number_ = 0;     // of a batch
  uint64_t bytes_before_ = 0;    // of the files that are done

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::unique_ptr<Batch>> queue_;
  uint64_t turn_ = 0;                     // number of the batch that is committed next
  uint64_t finished_ = 0;                 // batches
  std::atomic<bool> expect_new_ = false;  // the batch before was all new
  bool stopping_ = false;
  Status failure_;
  FhirImportReport report_;
  // By Type/id, in the order of the files. One that comes later for the same resource takes their place.
  std::map<std::string, std::vector<RefusedItem>> judged_again_;
  size_t judged_again_bytes_ = 0;
  std::vector<std::thread> threads_;
};

}  // namespace hilum
