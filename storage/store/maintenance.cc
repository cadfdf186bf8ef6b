#include "storage/store/maintenance.h"

#include <algorithm>
#include <utility>

#include "base/sleep.h"

namespace hilum::storage {

using std::chrono::steady_clock;

Maintenance::Maintenance(Store& store, const MaintenanceOptions& options, Registry& metrics, Logger log)
    : store_(store),
      options_(options),
      log_(std::move(log)),
      scrubbed_bytes_(
          metrics.counter("hilum_scrubbed_bytes_total", "Bytes of stored objects read and checked in the background")),
      scrub_findings_(
          metrics.counter("hilum_scrub_findings_total", "Damaged objects found in the background, anew in each pass")),
      damaged_objects_(metrics.gauge("hilum_damaged_objects",
                                     "Damaged objects that the last whole pass found, or the one under way if more")),
      scrub_passes_(
          metrics.counter("hilum_scrub_passes_total", "Times all stored objects were checked in the background")),
      reclaimed_bytes_(
          metrics.counter("hilum_reclaimed_bytes_total", "Bytes of deleted objects given back to the disk")),
      thread_([this](const std::stop_token& stop) { Work(stop); }) {}

void Maintenance::Work(const std::stop_token& stop) {
  auto next_compaction = steady_clock::now() + options_.compact_every;
  auto next_scrub = steady_clock::now() + std::chrono::seconds(1);
  while (SleepFor(stop, std::chrono::seconds(1))) {
    if (steady_clock::now() >= next_compaction) {
      const CompactionOutcome outcome = store_.CompactObjects(stop);
      reclaimed_bytes_.Add(outcome.reclaimed_bytes);
      if (!outcome.first_error.ok()) log_.Error("compaction failed", {{"reason", outcome.first_error.message()}});
      next_compaction = steady_clock::now() + options_.compact_every;
    }
    if (options_.scrub_bytes_per_second == 0 || steady_clock::now() < next_scrub) continue;
    const Result<bool> more = ScrubSlice();
    if (more.ok() && *more) continue;
    if (more.ok()) {
      scrub_passes_.Add();
      damaged_objects_.Set(std::exchange(damaged_so_far_, 0));
    } else {
      log_.Error("scrubbing stopped; it is tried again", {{"reason", more.status().message()}});
    }
    next_scrub = steady_clock::now() + options_.scrub_pause;
  }
}

Result<bool> Maintenance::ScrubSlice() {
  const std::string first = RowKey(Tenant::kDefault, Level::kInstance, 0);
  const std::string end = PrefixEnd(Bytes(first).substr(0, first.size() - sizeof(Doc)));
  uint64_t bytes = 0;
  int64_t damaged = 0;
  const auto it = store_.kv().NewIterator(Family::kCatalogue, scrub_position_.empty() ? first : scrub_position_, end);
  for (it->SeekToFirst(); it->Valid() && bytes < options_.scrub_bytes_per_second; it->Next()) {
    Doc doc = 0;
    if (!ByteReader(it->key().substr(it->key().size() - sizeof(Doc))).ReadBe(&doc)) continue;
    const std::optional<InstanceRow> row = DecodeInstance(it->value());
    const Status status = row ? VerifyInstanceObject(store_, doc, *row)
                              : Corruption("the row of instance " + std::to_string(doc) + " is damaged");
    if (!status.ok()) {
      scrub_findings_.Add();
      ++damaged;
      log_.Error("damaged object", {{"instance", row ? row->uid : std::string()}, {"reason", status.message()}});
    }
    if (row) bytes += row->object.length;
  }
  scrubbed_bytes_.Add(bytes);
  HILUM_RETURN_IF_ERROR(it->status());
  damaged_so_far_ += damaged;
  damaged_objects_.Set(std::max(damaged_objects_.value(), damaged_so_far_));
  scrub_position_ = it->Valid() ? std::string(it->key()) : std::string();
  return it->Valid();
}

}  // namespace hilum::storage
