#include "server/fhir_rest/changes.h"

#include <algorithm>

#include "base/text.h"
#include "fhir/interactions/interaction.h"
#include "storage/log/change_log.h"

namespace hilum::fhir_rest {
namespace {

using changes::Progress;
using storage::Change;
using storage::Tenant;

constexpr size_t kMaxCount = 10'000;
constexpr size_t kMaxParameters = 100;
constexpr std::chrono::seconds kMaxWait{300};
// Of one page; with whole resources it may end before the count.
constexpr size_t kMaxPageBytes = 4 << 20;
// Rows of the log that one turn looks at, so that a rare type keeps no worker for long.
constexpr size_t kMaxRows = 20'000;
constexpr size_t kRowsAtATime = 500;

Result<uint64_t> ParseNumber(const fhir::Parameter& parameter, uint64_t at_most) {
  const std::optional<uint64_t> number = ParseDecimal(parameter.value);
  if (number && *number <= at_most) return *number;
  return Invalid(parameter.name + " takes a number from 0 to " + std::to_string(at_most));
}

Status ParseTypes(std::string_view list, std::set<std::string, std::less<>>* types) {
  while (!list.empty()) {
    const std::string_view name = TakeUntil(&list, ',');
    if (!fhir::FindResourceType(name)) return Invalid("_type has a name that is none of a resource type of FHIR R4");
    types->emplace(name);
  }
  return Status::Ok();
}

std::string ChangeJson(const Change& change) {
  // Types and ids need no escapes.
  std::string json = "{\"seq\":" + std::to_string(change.sequence);
  json.append(",\"type\":\"").append(change.path[0]).append("\",\"id\":\"").append(change.path[1]);
  json.append("\",\"versionId\":\"").append(std::to_string(change.version));
  json.append("\",\"operation\":\"").append(NameOf(change.operation));
  json.append("\",\"lastUpdated\":\"").append(fhir::Instant(change.time_micros)).append("\"");
  return json;
}

Status AppendResource(fhir::ResourceReader& reader, const Change& change, std::string* json) {
  const auto type = fhir::FindResourceType(change.path[0]);
  if (change.operation == storage::ChangeOperation::kDelete || !type) return Status::Ok();
  HILUM_ASSIGN_OR_RETURN(const auto doc, reader.FindDoc(*type, change.path[1]));
  if (!doc) return Status::Ok();
  HILUM_ASSIGN_OR_RETURN(const auto version, reader.At(*type, *doc, change.version));
  if (!version) return Status::Ok();
  json->append(",\"resource\":");
  const size_t begin = json->size();
  json->append(version->bytes);
  // Line breaks of JSON are blanks: within strings they are escaped.
  std::replace_if(
      json->begin() + static_cast<ptrdiff_t>(begin), json->end(), [](char c) { return c == '\n' || c == '\r'; }, ' ');
  return Status::Ok();
}

void SendOutcome(http::Responder& responder, const fhir::Answer& answer, http::Headers headers = {}) {
  headers.Add("Content-Type", "application/fhir+json;charset=UTF-8");
  headers.Add("Cache-Control", "no-store");
  responder.Send(answer.status, std::move(headers), answer.body).IgnoreError();  // the client is gone if this fails
}

void SendFailure(const http::Request& request, http::Responder& responder, const Status& status) {
  if (status.code() == Code::kCancelled || responder.started()) return;  // breaks off what was begun
  fhir::Answer answer = fhir::ErrorAnswer(status);
  // No such place in the log, or no longer.
  if (status.code() == Code::kNotFound) answer = fhir::OutcomeAnswer(410, {fhir::IssueOf(status)});
  if (answer.status >= 500)
    request.log.Error("changes could not be read", {{"path", request.path}, {"reason", status.ToString()}});
  SendOutcome(responder, answer);
}

}  // namespace

ChangeService::ChangeService(storage::Store& store, fhir::ResourceStore& resources, std::string_view root,
                             Registry& metrics)
    : store_(store),
      resources_(resources),
      path_(std::string(root) + "/changes"),
      requests_(metrics.counter("hilum_fhir_changes_requests_total", "Requests for the changes of resources")) {
  route_ = {0, false, [this](http::Request& request, http::Responder& responder) { Handle(request, responder); }};
}

void ChangeService::Handle(http::Request& request, http::Responder& responder) {
  requests_.Add();
  const http::Headers allow = {{"Allow", "GET, HEAD, OPTIONS"}};
  if (request.method == "OPTIONS") return responder.Send(204, allow, "").IgnoreError();
  if (request.method != "GET" && request.method != "HEAD") {
    const fhir::Issue issue = {.type = fhir::IssueType::kNotSupported, .diagnostics = "changes can only be read"};
    return SendOutcome(responder, fhir::OutcomeAnswer(405, {issue}), allow);
  }
  const Status status = Answer(request, responder);
  if (!status.ok()) SendFailure(request, responder, status);
}

Result<ChangeService::Wanted> ChangeService::ParseWanted(const http::Request& request) const {
  Wanted wanted;
  HILUM_ASSIGN_OR_RETURN(const auto query, fhir::SplitQuery(request.query, kMaxParameters));
  for (const fhir::Parameter& parameter : query) {
    if (parameter.name == "since" && parameter.value == "now") {
      HILUM_ASSIGN_OR_RETURN(wanted.after, storage::LatestChange(store_.kv(), Tenant::kDefault));
    } else if (parameter.name == "since") {
      HILUM_ASSIGN_OR_RETURN(wanted.after, ParseNumber(parameter, UINT64_MAX - 1));
    } else if (parameter.name == "_count") {
      HILUM_ASSIGN_OR_RETURN(wanted.count, ParseNumber(parameter, UINT64_MAX - 1));
      wanted.count = std::clamp<size_t>(wanted.count, 1, kMaxCount);
    } else if (parameter.name == "_type") {
      HILUM_RETURN_IF_ERROR(ParseTypes(parameter.value, &wanted.types));
    } else if (parameter.name == "wait") {
      HILUM_ASSIGN_OR_RETURN(const uint64_t seconds, ParseNumber(parameter, UINT64_MAX - 1));
      wanted.wait = std::min(kMaxWait, std::chrono::seconds(std::min<uint64_t>(seconds, 1'000'000)));
    } else if (parameter.name == "_include" && parameter.value == "resource") {
      wanted.with_resource = true;
    } else if (parameter.name != "_format") {
      return Invalid("changes takes since, _count, _type, wait and _include=resource, and no other parameters");
    }
  }
  // A stream that goes on does so where it was, whatever its URL says.
  HILUM_ASSIGN_OR_RETURN(const auto last, changes::LastEventId(request));
  if (last && changes::WantsEvents(request)) wanted.after = *last;
  return wanted;
}

Status ChangeService::Answer(http::Request& request, http::Responder& responder) {
  HILUM_ASSIGN_OR_RETURN(const Wanted wanted, ParseWanted(request));
  if (changes::WantsEvents(request)) return Stream(request, responder, wanted);
  const auto answer = [this, wanted, from = wanted.after](http::Request& asked, http::Responder& to,
                                                          bool last) mutable {
    std::string lines;
    const auto progress = Read(
        wanted, from, wanted.count, [&lines] { return lines.size() > kMaxPageBytes; },
        [&lines](uint64_t, std::string_view json) { lines.append(json).append("\n"); });
    if (!progress.ok()) {
      SendFailure(asked, to, progress.status());
      return true;
    }
    from = progress->seen;
    if (lines.empty() && !progress->more && !last) return false;
    lines += "{\"next\":" + std::to_string(progress->seen) + ",\"more\":" + (progress->more ? "true" : "false") + "}\n";
    to.Send(200, {{"Content-Type", "application/x-ndjson"}, {"Cache-Control", "no-store"}}, lines)
        .IgnoreError();  // the client is gone if this fails
    return true;
  };
  changes::AnswerWithin(request, responder, store_.commits(), wanted.wait, answer);
  return Status::Ok();
}

Status ChangeService::Stream(const http::Request& request, http::Responder& responder, const Wanted& wanted) {
  return changes::StreamEvents(
      request, responder, store_.commits(), wanted.after,
      [this, wanted](uint64_t after, size_t budget, std::string* events) {
        return Read(
            wanted, after, SIZE_MAX, [events, budget] { return events->size() > budget; },
            [events](uint64_t sequence, std::string_view json) { changes::AppendEvent(sequence, json, events); });
      });
}

Result<Progress> ChangeService::Read(const Wanted& wanted, uint64_t after, size_t count,
                                     const std::function<bool()>& full, const Tell& tell) const {
  const auto snapshot = store_.kv().NewSnapshot();
  const auto reader = resources_.Read();  // sees what the snapshot sees, at least
  HILUM_RETURN_IF_ERROR(storage::CheckChangesFollow(store_.kv(), Tenant::kDefault, after, snapshot.get()));
  Progress progress{.seen = after};
  size_t told = 0;
  for (size_t rows = 0; rows < kMaxRows; rows += kRowsAtATime) {
    HILUM_ASSIGN_OR_RETURN(const auto found, storage::ReadChanges(store_.kv(), Tenant::kDefault, progress.seen,
                                                                  kRowsAtATime, snapshot.get()));
    for (const Change& change : found) {
      const bool concerns = change.kind == storage::ChangeKind::kResource && change.path.size() == 2 &&
                            (wanted.types.empty() || wanted.types.contains(change.path[0]));
      if (concerns && (told == count || full())) {
        progress.more = true;
        return progress;
      }
      progress.seen = change.sequence;
      if (!concerns) continue;
      std::string json = ChangeJson(change);
      if (wanted.with_resource) HILUM_RETURN_IF_ERROR(AppendResource(*reader, change, &json));
      json.push_back('}');
      tell(change.sequence, json);
      ++told;
    }
    if (found.size() < kRowsAtATime) return progress;
  }
  progress.more = true;
  return progress;
}

}  // namespace hilum::fhir_rest
