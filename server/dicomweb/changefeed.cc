#include "server/dicomweb/changefeed.h"

#include <algorithm>

#include "base/text.h"
#include "base/time_text.h"
#include "fhir/validate/date_time.h"
#include "server/changes/follow.h"
#include "server/dicomweb/metadata.h"
#include "server/dicomweb/refusal.h"

namespace hilum::dicomweb {
namespace {

using storage::Change;
using storage::Tenant;

constexpr uint64_t kDefaultLimit = 100;
constexpr uint64_t kMaxLimit = 200;
// What is gathered before an answer is sent in pieces.
constexpr size_t kGathered = 1 << 20;

struct FeedQuery {
  uint64_t offset = 0;
  bool from_now = false;  // offset=now: for streams
  uint64_t limit = kDefaultLimit;
  bool metadata = true;
  std::optional<int64_t> start_micros;
  std::optional<int64_t> end_micros;
};

Status ParseNumber(const std::string& name, const std::string& text, uint64_t low, uint64_t high, uint64_t* out) {
  const std::optional<uint64_t> number = ParseDecimal(text);
  if (!number || *number < low || *number > high)
    return Invalid(name + " takes a number from " + std::to_string(low) + " to " + std::to_string(high));
  *out = *number;
  return Status::Ok();
}

Status ParseTime(const std::string& name, std::string text, std::optional<int64_t>* out) {
  // The '+' of a zone is a blank in a query string, unless it was escaped.
  std::replace(text.begin(), text.end(), ' ', '+');
  const auto time = fhir::ParseDateTime(text, fhir::DateTimeForm::kSearch);
  if (!time) return Invalid(name + " takes a time like 2026-11-21T10:00:00Z");
  *out = fhir::RangeOf(*time, /*default_offset_minutes=*/0).low;
  return Status::Ok();
}

// Names are taken in any case, as Azure does; other parameters are ignored, as Azure does.
Result<FeedQuery> ParseFeedQuery(const QueryParameters& query) {
  FeedQuery feed;
  for (const auto& [name, value] : query) {
    if (EqualsIgnoringCase(name, "offset") && value == "now") {
      feed.from_now = true;
    } else if (EqualsIgnoringCase(name, "offset")) {
      HILUM_RETURN_IF_ERROR(ParseNumber(name, value, 0, INT64_MAX, &feed.offset));
    } else if (EqualsIgnoringCase(name, "limit")) {
      HILUM_RETURN_IF_ERROR(ParseNumber(name, value, 1, kMaxLimit, &feed.limit));
    } else if (EqualsIgnoringCase(name, "includemetadata")) {
      feed.metadata = EqualsIgnoringCase(value, "true");
      if (!feed.metadata && !EqualsIgnoringCase(value, "false")) return Invalid(name + " takes true or false");
    } else if (EqualsIgnoringCase(name, "starttime")) {
      HILUM_RETURN_IF_ERROR(ParseTime(name, value, &feed.start_micros));
    } else if (EqualsIgnoringCase(name, "endtime")) {
      HILUM_RETURN_IF_ERROR(ParseTime(name, value, &feed.end_micros));
    }
  }
  if (feed.start_micros && feed.end_micros && *feed.start_micros >= *feed.end_micros)
    return Invalid("startTime must be before endTime");
  return feed;
}

// The instance as it is now; nullopt when it is gone.
Result<std::optional<Found>> FindNow(const storage::CatalogueReader& reader, const Change& change) {
  HILUM_ASSIGN_OR_RETURN(const auto doc, reader.FindInstance({change.path[0], change.path[1], change.path[2]}));
  if (!doc) return std::optional<Found>();
  HILUM_ASSIGN_OR_RETURN(storage::InstanceRow row, reader.Instance(*doc));
  return std::optional(Found{*doc, change.path[1], std::move(row)});
}

}  // namespace

Status ChangeFeed::AppendEntry(const storage::CatalogueReader& reader, const Change& change, const std::string& base,
                               ObjectViews* views, std::string* json) {
  if (change.path.size() != 3) return Corruption("a change of an instance does not name one; restore a backup");
  HILUM_ASSIGN_OR_RETURN(std::optional<Found> found, FindNow(reader, change));
  json->append("{\"Sequence\":").append(std::to_string(change.instance_number));
  const char* const names[] = {"StudyInstanceUid", "SeriesInstanceUid", "SopInstanceUid"};
  for (size_t i = 0; i < 3; ++i)
    json->append(",\"").append(names[i]).append("\":\"").append(change.path[i]).append("\"");
  json->append(",\"Action\":\"").append(NameOf(change.operation));
  json->append("\",\"Timestamp\":\"").append(TimestampText(Micros(change.time_micros), Fraction::kMicros));
  // The time of a change tells it apart from every other one of the instance.
  const bool is_newest = found && found->row.stored_micros == change.time_micros;
  json->append("\",\"State\":\"").append(!found ? "deleted" : is_newest ? "current" : "replaced").append("\"");
  if (found && views != nullptr) {
    std::string metadata;
    const Status status = AppendMetadata(change.path[0], base, *views, options_.ingest.limits, &*found, &metadata);
    if (status.ok()) {
      json->append(",\"Metadata\":").append(metadata);
    } else if (status.code() != Code::kNotFound) {  // gone since `reader` looked
      // One unreadable instance must not keep a client from all that follows.
      log_.Error("metadata of a change could not be made", {{"reason", status.ToString()}});
    }
  }
  json->push_back('}');
  return Status::Ok();
}

Status ChangeFeed::Send(http::Request& request, const QueryParameters& query, http::Responder& responder) {
  HILUM_ASSIGN_OR_RETURN(FeedQuery feed, ParseFeedQuery(query));
  const std::string base = options_.BaseUrl(request);
  const storage::CatalogueReader reader = store_.Read();
  const storage::Snapshot* const snapshot = &reader.snapshot();
  HILUM_ASSIGN_OR_RETURN(uint64_t end, storage::LatestInstanceChange(store_.kv(), Tenant::kDefault, snapshot));
  if (feed.from_now) feed.offset = end;
  if (changes::WantsEvents(request)) {
    if (feed.start_micros || feed.end_micros) return Invalid("a stream of events has no startTime and endTime");
    return Stream(request, feed.offset, feed.metadata, responder);
  }
  uint64_t after = feed.offset;
  if (feed.start_micros) {
    HILUM_ASSIGN_OR_RETURN(const uint64_t before,
                           storage::InstanceChangesBefore(store_.kv(), Tenant::kDefault, *feed.start_micros, snapshot));
    after += before;
  }
  if (feed.end_micros) {
    HILUM_ASSIGN_OR_RETURN(end,
                           storage::InstanceChangesBefore(store_.kv(), Tenant::kDefault, *feed.end_micros, snapshot));
  }
  std::vector<Change> found;
  if (after < end) {
    const Status follows = storage::CheckInstanceChangesFollow(store_.kv(), Tenant::kDefault, after, snapshot);
    if (follows.code() == Code::kNotFound) return SendError(responder, request, 410, follows.message());
    HILUM_RETURN_IF_ERROR(follows);
    const size_t limit = std::min<uint64_t>(feed.limit, end - after);
    HILUM_ASSIGN_OR_RETURN(found, storage::ReadInstanceChanges(store_.kv(), Tenant::kDefault, after, limit, snapshot));
  }
  const http::Headers headers = {{"Content-Type", "application/json"}, {"Cache-Control", "no-store"}};
  std::string json = "[";
  ObjectViews views(store_);
  for (const Change& change : found) {
    if (&change != &found.front()) json.push_back(',');
    HILUM_RETURN_IF_ERROR(AppendEntry(reader, change, base, feed.metadata ? &views : nullptr, &json));
    if (json.size() < kGathered) continue;
    if (!responder.started()) HILUM_RETURN_IF_ERROR(responder.Head(200, headers, std::nullopt));
    HILUM_RETURN_IF_ERROR(responder.Write(json));
    json.clear();
  }
  json.push_back(']');
  if (!responder.started()) return responder.Send(200, headers, json);
  HILUM_RETURN_IF_ERROR(responder.Write(json));
  return responder.Finish();
}

Status ChangeFeed::Stream(http::Request& request, uint64_t after, bool with_metadata, http::Responder& responder) {
  HILUM_ASSIGN_OR_RETURN(const auto last, changes::LastEventId(request));
  const auto read = [this, with_metadata, base = options_.BaseUrl(request)](
                        uint64_t seen, size_t budget, std::string* events) -> Result<changes::Progress> {
    constexpr size_t kAtATime = 100;
    const storage::CatalogueReader reader = store_.Read();
    const storage::Snapshot* const snapshot = &reader.snapshot();
    HILUM_RETURN_IF_ERROR(storage::CheckInstanceChangesFollow(store_.kv(), Tenant::kDefault, seen, snapshot));
    HILUM_ASSIGN_OR_RETURN(const auto found,
                           storage::ReadInstanceChanges(store_.kv(), Tenant::kDefault, seen, kAtATime, snapshot));
    ObjectViews views(store_);
    changes::Progress progress{.seen = seen, .more = found.size() == kAtATime};
    for (const Change& change : found) {
      if (events->size() > budget) {
        progress.more = true;
        break;
      }
      std::string json;
      HILUM_RETURN_IF_ERROR(AppendEntry(reader, change, base, with_metadata ? &views : nullptr, &json));
      changes::AppendEvent(change.instance_number, json, events);
      progress.seen = change.instance_number;
    }
    return progress;
  };
  const Status status = changes::StreamEvents(request, responder, store_.commits(), last.value_or(after), read);
  if (status.code() == Code::kNotFound && !responder.started())
    return SendError(responder, request, 410, status.message());
  return status;
}

Status ChangeFeed::SendLatest(http::Request& request, const QueryParameters& query, http::Responder& responder) {
  HILUM_ASSIGN_OR_RETURN(const FeedQuery feed, ParseFeedQuery(query));
  const storage::CatalogueReader reader = store_.Read();
  const storage::Snapshot* const snapshot = &reader.snapshot();
  HILUM_ASSIGN_OR_RETURN(const uint64_t latest, storage::LatestInstanceChange(store_.kv(), Tenant::kDefault, snapshot));
  if (latest == 0) return responder.Send(204, {}, "");
  HILUM_ASSIGN_OR_RETURN(const auto found,
                         storage::ReadInstanceChanges(store_.kv(), Tenant::kDefault, latest - 1, 1, snapshot));
  if (found.empty()) return responder.Send(204, {}, "");
  std::string json;
  ObjectViews views(store_);
  HILUM_RETURN_IF_ERROR(
      AppendEntry(reader, found[0], options_.BaseUrl(request), feed.metadata ? &views : nullptr, &json));
  return responder.Send(200, {{"Content-Type", "application/json"}, {"Cache-Control", "no-store"}}, json);
}

}  // namespace hilum::dicomweb
