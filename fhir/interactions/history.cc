#include <algorithm>

#include "fhir/interactions/bundle_text.h"
#include "fhir/interactions/interactions.h"
#include "fhir/interactions/pages.h"
#include "fhir/validate/date_time.h"

namespace hilum::fhir {
namespace {

// Versions looked at in one go when not all of them belong to the answer.
constexpr size_t kBatch = 200;
// Versions of a type are counted for the total of a first page up to here: a page should not take longer for it.
constexpr uint64_t kMaxCountedForPage = 10'000;

// What the parameters of a history say (R4 http 3.1.0.10).
struct HistoryRequest {
  HistoryRange range;
  std::optional<TimeRange> at;  // only versions that were current at some time of it
  size_t count = 0;
  bool count_only = false;  // _summary=count, _count=0
  std::vector<Parameter> used;
  std::vector<Issue> ignored;
  bool bounded() const { return range.since_micros || range.before_micros || at; }
};

// Not thread-safe; one per request. The reader outlives it.
class HistoryRun {
 public:
  HistoryRun(const Interaction& request, ResourceReader& reader, const InteractionOptions& options, Bytes cursor_key,
             int default_offset_minutes)
      : request_(request),
        reader_(reader),
        options_(options),
        cursor_key_(cursor_key),
        default_offset_minutes_(default_offset_minutes) {}

  // `doc` is nullopt for a whole type, `type` kNoType for everything.
  Result<Answer> Run(TypeId type, std::optional<storage::Doc> doc) {
    type_ = type;
    doc_ = doc;
    history_.count = options_.default_count;
    for (const Parameter& parameter : request_.query) HILUM_RETURN_IF_ERROR(Add(parameter));
    HILUM_ASSIGN_OR_RETURN(const Shape shape, history_.count_only ? Shape{} : ShapeOf(request_.query));

    const CursorSeal seal{.fingerprint = Fingerprint("history " + UrlWith({.path = request_.path}, history_.used)),
                          .key = cursor_key_};
    const auto cursor = ValueOf(request_.query, kCursorParameter);
    if (cursor) HILUM_RETURN_IF_ERROR(Resume(*cursor, seal));
    std::vector<Version> versions;
    if (!history_.count_only) {
      HILUM_ASSIGN_OR_RETURN(versions, ReadVersions(history_.count + 1));
    }
    bool more = !history_.count_only && versions.size() > history_.count;
    if (more) versions.pop_back();

    BundleText bundle("history", request_.base_url, shape);
    for (size_t i = 0; i < versions.size(); ++i) {
      if (bundle.form() == Form::kWhole) HILUM_RETURN_IF_ERROR(reader_.Complete(&versions[i]));
      HILUM_RETURN_IF_ERROR(bundle.AddHistory(versions[i]));
      versions[i].bytes = {};
      if (bundle.bytes() < options_.max_page_bytes || i + 1 == versions.size()) continue;
      more = true;
      versions.resize(i + 1);
    }
    HILUM_ASSIGN_OR_RETURN(const auto total, CountTotal(cursor.has_value(), more, versions.size()));
    if (total) bundle.SetTotal(*total);
    bundle.AddLink("self", LinkTo(cursor));
    bundle.AddLink("first", LinkTo(std::nullopt));
    if (more) bundle.AddLink("next", LinkTo(After(versions.back(), seal)));
    HILUM_ASSIGN_OR_RETURN(Answer answer, bundle.Finish());
    // An entry of a history is about a version (R4 bdl-3), so that there is no place for them in it.
    answer.warnings = std::move(history_.ignored);
    return answer;
  }

 private:
  // nullopt on further pages, and when it would take long: history is bounded in time, or of a type with many versions.
  Result<std::optional<uint64_t>> CountTotal(bool further, bool more, size_t found) {
    if (history_.count_only && history_.bounded()) return CountBounded();
    if (history_.count_only) return reader_.CountHistory(type_, doc_, UINT64_MAX);
    if (further) return std::optional<uint64_t>();
    if (!more) return std::optional<uint64_t>(found);
    if (history_.bounded()) return std::optional<uint64_t>();
    return reader_.CountHistory(type_, doc_, kMaxCountedForPage);
  }

  Result<std::optional<uint64_t>> CountBounded() {
    uint64_t total = 0;
    for (;;) {
      HILUM_ASSIGN_OR_RETURN(const std::vector<Version> versions, ReadVersions(kBatch));
      total += versions.size();
      if (versions.size() < kBatch) return std::optional(total);
      history_.range.after = PlaceOf(versions.back());
    }
  }

  Status Add(const Parameter& parameter) {
    const std::string& name = parameter.name;
    if (name == kCursorParameter) return Status::Ok();
    if (name == "_since" || name == "_before" || name == "_at") {
      HILUM_RETURN_IF_ERROR(AddTime(parameter));
    } else if (name == "_count") {
      HILUM_RETURN_IF_ERROR(AddCount(parameter.value));
    } else if (name == "_sort") {
      if (parameter.value != "_lastUpdated" && parameter.value != "-_lastUpdated")
        return Invalid("_sort of a history takes _lastUpdated or -_lastUpdated");
      history_.range.ascending = parameter.value == "_lastUpdated";
    } else if (name == "_summary" && parameter.value == "count") {
      history_.count_only = true;
    } else if (name != "_summary" && name != "_elements" && name != "_pretty" && name != "_format") {
      const std::string reason = "a history has no parameter '" + name.substr(0, 64) + "'";
      if (request_.prefer_handling.value_or(options_.handling) == Handling::kStrict) return Unsupported(reason);
      history_.ignored.push_back({.severity = Severity::kWarning,
                                  .type = IssueType::kNotSupported,
                                  .diagnostics = reason + "; it is ignored"});
      return Status::Ok();
    }
    history_.used.push_back(parameter);
    return Status::Ok();
  }

  Status AddTime(const Parameter& parameter) {
    // A '+' that was not percent-encoded has become a blank.
    std::string text = parameter.value;
    std::ranges::replace(text, ' ', '+');
    const auto time = ParseDateTime(text, DateTimeForm::kSearch);
    if (!time) return Invalid(parameter.name + " takes a date or an instant: YYYY-MM-DDThh:mm:ss+zz:zz");
    const TimeRange range = RangeOf(*time, default_offset_minutes_);
    if (parameter.name == "_since") history_.range.since_micros = range.low;
    if (parameter.name == "_before") history_.range.before_micros = range.low;
    if (parameter.name == "_at") history_.at = range;
    return Status::Ok();
  }

  Status AddCount(std::string_view text) {
    HILUM_ASSIGN_OR_RETURN(const size_t count, ParseCount(text, 0));
    history_.count = std::min(count, options_.max_count);
    history_.count_only = history_.count_only || count == 0;
    return Status::Ok();
  }

  Status Resume(std::string_view cursor, const CursorSeal& seal) {
    HILUM_ASSIGN_OR_RETURN(const storage::Cursor opened, OpenCursor(cursor, seal));
    HistoryRange::Place place;
    ByteReader in(opened.last_key);
    if (!in.ReadBe(&place.sequence) || !in.ReadBe(&place.number))
      return Invalid("the page cursor is of another kind of request: start again");
    history_.range.after = place;
    return Status::Ok();
  }

  static HistoryRange::Place PlaceOf(const Version& version) {
    return {.sequence = version.sequence, .number = version.number};
  }

  static std::string After(const Version& version, const CursorSeal& seal) {
    storage::Cursor cursor{.fingerprint = seal.fingerprint};
    AppendBe(&cursor.last_key, version.sequence);
    AppendBe(&cursor.last_key, version.number);
    return storage::EncodeCursor(cursor, seal.key);
  }

  std::string LinkTo(const std::optional<std::string>& cursor) const {
    std::vector<Parameter> parameters = history_.used;
    if (cursor) parameters.push_back({std::string(kCursorParameter), *cursor});
    return UrlWith(request_, parameters);
  }

  Result<std::vector<Version>> ReadBatch(const HistoryRange& range, size_t limit) {
    if (doc_) return reader_.HistoryOf(type_, *doc_, range, limit);
    if (type_ != kNoType) return reader_.HistoryOfType(type_, range, limit);
    return reader_.HistoryOfAll(range, limit);
  }

  // As stored.
  Result<std::vector<Version>> ReadVersions(size_t limit) {
    HistoryRange range = history_.range;
    range.form = Form::kStored;
    if (!history_.at) return ReadBatch(range, limit);
    range.before_micros = std::min(range.before_micros.value_or(history_.at->high), history_.at->high);
    std::vector<Version> found;
    while (found.size() < limit) {
      HILUM_ASSIGN_OR_RETURN(std::vector<Version> batch, ReadBatch(range, kBatch));
      const bool last = batch.size() < kBatch;
      if (!batch.empty()) range.after = PlaceOf(batch.back());
      for (Version& version : batch) {
        HILUM_ASSIGN_OR_RETURN(const bool reached, Reaches(version, history_.at->low));
        if (reached && found.size() < limit) found.push_back(std::move(version));
      }
      if (last) break;
    }
    return found;
  }

  // The version was still current at `micros`, or came later.
  Result<bool> Reaches(const Version& version, int64_t micros) {
    if (version.updated_micros >= micros) return true;
    HILUM_ASSIGN_OR_RETURN(const auto next, reader_.At(version.type, version.doc, version.number + 1, Form::kStored));
    return !next || next->updated_micros > micros;
  }

  const Interaction& request_;
  ResourceReader& reader_;
  const InteractionOptions& options_;
  const Bytes cursor_key_;
  const int default_offset_minutes_;
  TypeId type_ = kNoType;
  std::optional<storage::Doc> doc_;
  HistoryRequest history_;
};

}  // namespace

Answer Interactions::History(const Interaction& request, TypeId type, const std::optional<std::string>& id) {
  const auto reader = store_.Read();
  std::optional<storage::Doc> doc;
  if (id) {
    const auto head = reader->FindHead(type, *id);
    if (!head.ok()) return ErrorAnswer(head.status());
    if (!*head || (*head)->version == 0)
      return ErrorAnswer(NotFound("no " + std::string(TypeOf(type).name) + " has this id"));
    doc = (*head)->doc;
  }
  HistoryRun run(request, *reader, options_, cursor_key_, store_.options().default_offset_minutes);
  auto answer = run.Run(type, doc);
  return answer.ok() ? *std::move(answer) : ErrorAnswer(answer.status());
}

}  // namespace hilum::fhir
