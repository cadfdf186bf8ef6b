// POST of a Bundle: batch, each entry on its own; transaction, see transaction.h.
#include <algorithm>
#include <set>

#include "base/base64.h"
#include "fhir/interactions/transaction.h"
#include "fhir/json/edits.h"
#include "fhir/validate/reference.h"
#include "fhir/validate/validate.h"

namespace hilum::fhir {
namespace {

constexpr size_t kMaxParameters = 10'000;
constexpr std::string_view kJsonPatchType = "application/json-patch+json";

std::string_view TextOf(json::MaybeValue value) {
  return value.TextOr("");
}

// Takes "Patient/1?x=y" apart; a URL below our own base counts as what follows the base.
Status SplitUrl(std::string_view url, Interaction* request) {
  if (!request->base_url.empty() && url.starts_with(request->base_url + "/")) {
    url.remove_prefix(request->base_url.size() + 1);
  }
  if (url.starts_with('/')) url.remove_prefix(1);
  const size_t question = url.find('?');
  std::string_view path = url.substr(0, question);
  while (!path.empty()) {
    const size_t slash = std::min(path.find('/'), path.size());
    request->path.emplace_back(path.substr(0, slash));
    path.remove_prefix(std::min(slash + 1, path.size()));
  }
  if (question == std::string_view::npos) return Status::Ok();
  HILUM_ASSIGN_OR_RETURN(request->query, SplitQuery(url.substr(question + 1), kMaxParameters));
  return Status::Ok();
}

std::string StatusLine(int status) {
  switch (status) {
    case 200:
      return "200 OK";
    case 201:
      return "201 Created";
    case 204:
      return "204 No Content";
    case 304:
      return "304 Not Modified";
    case 400:
      return "400 Bad Request";
    case 404:
      return "404 Not Found";
    case 409:
      return "409 Conflict";
    case 410:
      return "410 Gone";
    case 412:
      return "412 Precondition Failed";
    case 422:
      return "422 Unprocessable Entity";
    default:
      return std::to_string(status);
  }
}

std::string BundleOf(std::string_view type, const std::vector<std::string>& entries) {
  std::string out = R"({"resourceType":"Bundle","type":")";
  out.append(type).append("\"");
  if (!entries.empty()) {
    out += ",\"entry\":[";
    for (const std::string& entry : entries) out.append(out.back() == '[' ? "" : ",").append(entry);
    out += ']';
  }
  return out + "}";
}

// As Check, but what is wrong with a resource of a batch is left to its entry: the others do not depend on it (R4
// 3.1.0.11.1).
std::variant<Checked, Answer> CheckBundle(std::string body, TypeId bundle) {
  Result<json::Document> document = json::Document::Parse(std::move(body));
  if (!document.ok()) return ErrorAnswer(document.status());
  Validation validation = Validate(document->root());
  if (TextOf(json::MaybeValue(document->root())["type"]) == "batch") {
    std::erase_if(validation.issues, [](const Issue& issue) {
      return issue.expression.starts_with("Bundle.entry[") && issue.expression.find("].resource") != std::string::npos;
    });
  }
  if (!validation.ok()) return OutcomeAnswer(400, validation.issues);
  if (ResourceTypeOf(document->root()) != bundle)
    return ErrorAnswer(Invalid("what is posted to the base must be a Bundle; send a resource to its own type"));
  return Checked{*std::move(document), std::move(validation.typing)};
}

// Entries of one fullUrl must be different versions of it: references could not tell them apart (R4 bdl-7).
Status CheckFullUrls(json::Value entries) {
  std::set<std::pair<std::string_view, std::string_view>> seen;
  size_t place = 0;
  for (const json::MaybeValue entry : entries.children()) {
    const std::string_view url = TextOf(entry["fullUrl"]);
    if (!url.empty() && !seen.emplace(url, TextOf(entry["resource"]["meta"]["versionId"])).second) {
      return Invalid("Bundle.entry[" + std::to_string(place) +
                     "].fullUrl is that of another entry too; each resource has its own (bdl-7)");
    }
    ++place;
  }
  return Status::Ok();
}

// Where something is in a text of which `begin` is the place of a part, and `within` its place in that.
json::Position Behind(json::Position begin, json::Position within) {
  return {.line = begin.line + within.line - 1,
          .column = within.line == 1 ? begin.column + within.column - 1 : within.column};
}

// Places in a text that are asked for in ascending order; each byte is looked at once.
class Places {
 public:
  explicit Places(Bytes text) : text_(text) {}
  json::Position At(size_t offset) {
    const Bytes between = text_.substr(done_, offset - done_);
    position_ = Behind(position_, json::PositionAt(between, between.size()));
    done_ = offset;
    return position_;
  }

 private:
  const Bytes text_;
  size_t done_ = 0;
  json::Position position_;
};

// An answer about the resource of an entry, by lines and columns of the Bundle.
Answer LocatedInBundle(Answer answer, json::Value resource, Places* places) {
  const bool located = std::ranges::any_of(answer.issues, [](const Issue& issue) { return issue.position.line > 0; });
  if (!located) return answer;
  const json::Position begin = places->At(resource.begin());
  for (Issue& issue : answer.issues) {
    if (issue.position.line > 0) issue.position = Behind(begin, issue.position);
  }
  answer.body = OperationOutcome(answer.issues);
  return answer;
}

// Searches and operations may be posted; what those answer is what they are for.
bool IsRead(const Interaction& request) {
  const std::string_view last = request.path.empty() ? std::string_view() : request.path.back();
  return request.method == "GET" || request.method == "HEAD" || last == "_search" || last.starts_with('$');
}

// What is left for the answers of a Bundle, and for their searches. Not thread-safe.
class AnswerRoom {
 public:
  explicit AnswerRoom(const InteractionOptions& options)
      : bytes_(options.max_bundle_answer), left_(bytes_), steps_left_(options.max_steps) {}

  // Runs what may still be answered: without room no reads, and of writes only what became of them.
  Answer Run(Interactions& interactions, Interaction request) {
    if (left_ == 0 && IsRead(request)) {
      return ErrorAnswer(LimitExceeded("the answers before this one have " + std::to_string(bytes_) +
                                       " bytes or more; ask for less in one Bundle"));
    }
    if (left_ == 0) request.prefer_return = Return::kMinimal;
    request.steps_left = &steps_left_;
    Answer answer = interactions.Run(request);
    left_ -= std::min(left_, answer.body.size());
    return answer;
  }

 private:
  const size_t bytes_;
  size_t left_;
  size_t steps_left_;
};

// HEAD asks for no body.
Answer WithoutUnasked(Answer answer, const Interaction& request) {
  if (request.method == "HEAD" && !answer.outcome()) answer.body.clear();
  return answer;
}

}  // namespace

Result<std::string> PatchIn(const BundleEntry& entry) {
  if (entry.resource["resourceType"].TextOr("") != "Binary" ||
      entry.resource["contentType"].TextOr("") != kJsonPatchType) {
    return Unsupported("PATCH needs a Binary with contentType application/json-patch+json and the patch as data");
  }
  std::string patch;
  if (!DecodeBase64(entry.resource["data"].TextOr(""), &patch)) return Invalid("the data of the Binary are not base64");
  return patch;
}

std::string ResponseEntry(const Answer& answer) {
  if (answer.more) {
    return ResponseEntry(
        ErrorAnswer(Unsupported("what is answered in pieces is no part of a Bundle; ask for it by itself")));
  }
  std::string out = "{";
  if (!answer.body.empty() && !answer.outcome()) out += "\"resource\":" + answer.body + ",";
  out += "\"response\":{\"status\":" + json::Quoted(StatusLine(answer.status));
  if (!answer.location.empty()) out += ",\"location\":" + json::Quoted(answer.location);
  if (answer.version) out += ",\"etag\":" + json::Quoted("W/\"" + std::to_string(*answer.version) + "\"");
  if (answer.updated_micros) out += ",\"lastModified\":" + json::Quoted(Instant(*answer.updated_micros));
  if (answer.outcome()) {
    out += ",\"outcome\":" + answer.body;
  } else if (!answer.warnings.empty()) {
    out += ",\"outcome\":" + OperationOutcome(answer.warnings);
  }
  return out + "}}";
}

Answer AsyncAnswer(const Answer& answer) {
  return {.body = BundleOf("batch-response", {ResponseEntry(answer)})};
}

Result<std::vector<BundleEntry>> EntriesOf(json::Value bundle, const Interaction& request) {
  std::vector<BundleEntry> entries;
  const json::MaybeValue list = json::MaybeValue(bundle)["entry"];
  if (!list) return entries;
  HILUM_RETURN_IF_ERROR(CheckFullUrls(*list));
  for (const json::Value value : list->children()) {
    BundleEntry entry;
    const json::MaybeValue asked = json::MaybeValue(value)["request"];
    const std::string place = "Bundle.entry[" + std::to_string(entries.size()) + "]";
    if (!asked) return Invalid(place + ".request is missing: it says what to do with the entry");
    entry.full_url = TextOf(json::MaybeValue(value)["fullUrl"]);
    entry.resource = json::MaybeValue(value)["resource"];
    entry.request.base_url = request.base_url;
    entry.request.prefer_handling = request.prefer_handling;
    entry.request.prefer_return = request.prefer_return.value_or(Return::kMinimal);
    entry.request.method = TextOf(asked["method"]);
    entry.request.if_match = TextOf(asked["ifMatch"]);
    entry.request.if_none_match = TextOf(asked["ifNoneMatch"]);
    entry.request.if_modified_since = TextOf(asked["ifModifiedSince"]);
    entry.request.if_none_exist = TextOf(asked["ifNoneExist"]);
    if (const Status status = SplitUrl(TextOf(asked["url"]), &entry.request); !status.ok()) {
      return status.WithContext(place + ".request.url");
    }
    entries.push_back(std::move(entry));
  }
  return entries;
}

Answer Interactions::RunBundle(const Interaction& request) {
  const std::optional<TypeId> type = FindResourceType("Bundle");
  const std::variant<Checked, Answer> body = CheckBundle(request.body, *type);
  if (const auto* refusal = std::get_if<Answer>(&body)) return *refusal;
  const Checked& checked = std::get<Checked>(body);
  const json::Value bundle = checked.document.root();
  const std::string kind(TextOf(json::MaybeValue(bundle)["type"]));
  if (kind != "batch" && kind != "transaction") {
    return ErrorAnswer(Invalid("a Bundle that is posted to the base must be of type batch or transaction"));
  }
  Result<std::vector<BundleEntry>> entries = EntriesOf(bundle, request);
  if (!entries.ok()) return ErrorAnswer(entries.status());
  if (entries->size() > options_.max_bundle_entries) {
    return ErrorAnswer(LimitExceeded("a Bundle takes at most " + std::to_string(options_.max_bundle_entries) +
                                     " entries here; split it"));
  }
  return kind == "batch" ? RunBatch(bundle, *entries) : RunTransaction(checked.typing, *std::move(entries));
}

Answer Interactions::RunBatch(json::Value bundle, const std::vector<BundleEntry>& entries) {
  std::vector<std::string> responses;
  Places places(bundle.document().bytes());
  AnswerRoom room(options_);
  for (const BundleEntry& entry : entries) {
    Interaction request = entry.request;
    if (request.path.empty()) {
      responses.push_back(ResponseEntry(ErrorAnswer(Invalid("request.url names nothing"))));
      continue;
    }
    if (request.method == "PATCH") {
      Result<std::string> patch = PatchIn(entry);
      if (!patch.ok()) {
        responses.push_back(ResponseEntry(ErrorAnswer(patch.status())));
        continue;
      }
      request.body = *std::move(patch);
    } else if (entry.resource) {
      request.body = std::string(entry.resource->raw());
    }
    Answer answer = WithoutUnasked(room.Run(*this, request), request);
    if (entry.resource) answer = LocatedInBundle(std::move(answer), *entry.resource, &places);
    responses.push_back(ResponseEntry(answer));
  }
  return {.body = BundleOf("batch-response", responses)};
}

Answer Interactions::RunTransaction(const Typing& typing, std::vector<BundleEntry> entries) {
  const std::vector<BundleEntry> asked = entries;
  Transaction transaction(store_, typing, std::move(entries), options_.max_steps);
  return Retrying([&]() -> std::optional<Answer> {
    AnswerRoom room_to_try(options_), room(options_);
    Transaction::Outcome outcome =
        transaction.Attempt([&](const Interaction& request) { return room_to_try.Run(*this, request); });
    if (outcome.failure) return *std::move(outcome.failure);
    if (outcome.outdated) return std::nullopt;
    // Reads see what the transaction wrote (R4 3.1.0.11.2, rules of order).
    std::vector<std::string> responses;
    for (size_t i = 0; i < asked.size(); ++i) {
      const Interaction& request = asked[i].request;
      responses.push_back(
          ResponseEntry(outcome.answers[i] ? *outcome.answers[i] : WithoutUnasked(room.Run(*this, request), request)));
    }
    return Answer{.body = BundleOf("transaction-response", responses)};
  });
}

}  // namespace hilum::fhir
