#include "server/fhir_rest/service.h"

#include <algorithm>

#include "server/fhir_rest/binary.h"
#include "server/fhir_rest/negotiate.h"
#include "server/fhir_rest/path.h"
#include "server/http/answer_head.h"

namespace hilum::fhir_rest {
namespace {

using fhir::Answer;
using fhir::Interaction;

constexpr size_t kMaxWarnings = 10;

Answer Refuse(int status, fhir::IssueType type, std::string reason) {
  return fhir::OutcomeAnswer(status, {{.type = type, .diagnostics = std::move(reason)}});
}

// By its name (path.h).
bool CanTakeLong(std::string_view interaction) {
  return interaction.starts_with("search") || interaction.starts_with("history") || interaction == "bundle" ||
         interaction == "operation";
}

bool TakesBody(std::string_view method) {
  return method == "POST" || method == "PUT" || method == "PATCH";
}

bool IsFormSearch(const Interaction& interaction) {
  return interaction.method == "POST" && !interaction.path.empty() && interaction.path.back() == "_search";
}

bool IsKnown(std::string_view method) {
  return TakesBody(method) || method == "GET" || method == "HEAD" || method == "DELETE";
}

bool IsHeaderText(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7F; });
}

// Header values reach answers and errors, which are UTF-8.
Status CopyHeader(const http::Request& request, std::string_view name, std::string* to) {
  *to = request.headers.Joined(name);
  // Who sends a condition means one: without it the write would go through unguarded.
  if (to->empty() && request.headers.First(name)) return Invalid("the header " + std::string(name) + " is empty");
  if (IsHeaderText(*to)) return Status::Ok();
  return Invalid("the header " + std::string(name) + " may hold ASCII characters only; percent-encode others");
}

Status CopyConditions(const http::Request& request, Interaction* interaction) {
  HILUM_RETURN_IF_ERROR(CopyHeader(request, "If-Match", &interaction->if_match));
  HILUM_RETURN_IF_ERROR(CopyHeader(request, "If-None-Match", &interaction->if_none_match));
  HILUM_RETURN_IF_ERROR(CopyHeader(request, "If-None-Exist", &interaction->if_none_exist));
  return CopyHeader(request, "If-Modified-Since", &interaction->if_modified_since);
}

// Bodies of the longest kind that may be held at a time; short ones find room at all times.
constexpr uint64_t kBodiesAtATime = 4;
constexpr uint64_t kShortBody = 1 << 20;

// Beyond a short one what comes counts in `held`; kUnavailable when there is no room for it.
class CountedBody : public http::BodyReader {
 public:
  CountedBody(http::BodyReader& body, MemoryAllowance::Share* held) : body_(body), held_(held) {}
  Result<size_t> Read(std::span<char> into) override {
    HILUM_ASSIGN_OR_RETURN(const size_t got, body_.Read(into));
    came_ += got;
    if (came_ <= kShortBody || held_->Grow(got)) return got;
    return Unavailable("bodies of other requests take all the memory there is for them: try again later");
  }
  std::optional<uint64_t> length() const override { return body_.length(); }

 private:
  http::BodyReader& body_;
  MemoryAllowance::Share* const held_;
  uint64_t came_ = 0;
};

// The body is the resource, so that what is to be said about it goes into the head (RFC 7234 5.5).
void AddWarnings(const std::vector<fhir::Issue>& warnings, http::Headers* headers) {
  for (size_t i = 0; i < std::min(warnings.size(), kMaxWarnings); ++i)
    headers->Add("Warning", http::WarningOf(warnings[i].diagnostics));
}

}  // namespace

Service::Service(fhir::Interactions& interactions, ServiceOptions options, Registry& metrics, const Clock& clock,
                 Random& random)
    : interactions_(interactions),
      options_(std::move(options)),
      metrics_(metrics),
      bodies_(kBodiesAtATime * std::min(options_.max_body_bytes, UINT64_MAX / kBodiesAtATime)),
      jobs_(options_.async, clock, random) {
  // The limit of bodies is kept in ReadBody, so that its error is an OperationOutcome.
  route_ = {UINT64_MAX, false,
            [this](http::Request& request, http::Responder& responder) { Handle(request, responder); }};
}

const http::Route* Service::FindRoute(std::string_view path) const {
  if (!path.starts_with(options_.root)) return nullptr;
  path.remove_prefix(options_.root.size());
  return path.empty() || path[0] == '/' ? &route_ : nullptr;
}

void Service::Handle(http::Request& request, http::Responder& responder) {
  auto path = ParsePath(std::string_view(request.path).substr(options_.root.size()));
  const std::string allowed = path.ok() ? AllowedMethods(*path) : "";
  const std::string_view name = path.ok() ? InteractionName(request.method, *path) : "other";
  const Stopwatch stopwatch(metrics_.histogram("hilum_fhir_request_seconds",
                                               "Time to answer FHIR requests by interaction", RequestSeconds(),
                                               {{"interaction", std::string(name)}}));
  const std::optional<Answer> run = path.ok() ? Run(request, *std::move(path)) : fhir::ErrorAnswer(path.status());
  if (!run) return;
  const Answer& answer = *run;
  metrics_
      .counter("hilum_fhir_requests_total", "FHIR requests by interaction and status",
               {{"interaction", std::string(name)}, {"status", std::to_string(answer.status)}})
      .Add();
  if (answer.status >= 500)
    request.log.Error("FHIR request failed", {{"interaction", std::string(name)}, {"outcome", answer.body}});
  const bool says_methods = answer.status == 405 || request.method == "OPTIONS";
  const Status sent = Send(responder, answer, says_methods ? allowed : "");
  if (!sent.ok() && sent.code() != Code::kCancelled)
    request.log.Warning("FHIR answer broken off", {{"interaction", std::string(name)}, {"reason", sent.message()}});
}

std::optional<Answer> Service::Run(http::Request& request, std::vector<std::string> path) {
  if (request.method == "OPTIONS") return Answer{.status = 204};
  if (!IsKnown(request.method))
    return Refuse(405, fhir::IssueType::kNotSupported, "this method is not possible here; Allow has those that are");
  if (path.size() == 2 && path[0] == kAsyncPath) return AskOrCancel(request, path[1]);
  auto query = fhir::SplitQuery(request.query, options_.max_parameters);
  if (!query.ok()) return fhir::ErrorAnswer(query.status());
  Interaction interaction{.method = request.method, .path = std::move(path), .query = *std::move(query)};
  const Status conditions = CopyConditions(request, &interaction);
  if (!conditions.ok()) return fhir::ErrorAnswer(conditions);
  const bool wants_content = WantsContent(request, interaction);
  TakeContentTags(wants_content, &interaction);
  const bool async = ReadPreferences(request, &interaction);
  interaction.base_url = request.base_url + options_.root;
  interaction.images_url = request.base_url + options_.images_root;
  MemoryAllowance::Share held(&bodies_);
  if (TakesBody(request.method)) {
    auto body = ReadBody(request, interaction, &held);
    if (body.status().code() == Code::kCancelled) return std::nullopt;
    if (!body.ok()) return fhir::ErrorAnswer(body.status());
    if (auto refusal = AddBody(request, *std::move(body), &interaction)) return refusal;
  }
  // Lists have formats of their own.
  const bool is_list = !interaction.path.empty() && interaction.path.back() == "$cohort-list";
  if (is_list) AddListFormat(request, &interaction.query);
  if (wants_content) return ContentOf(request, interactions_.Run(interaction));
  const Status wants_json = is_list ? Status::Ok() : CheckWantsJson(request, interaction.query);
  if (!wants_json.ok()) return Refuse(406, fhir::IssueType::kNotSupported, wants_json.message());
  return RunOrStart(std::move(interaction), async);
}

Answer Service::RunOrStart(Interaction interaction, bool async) {
  if (!async || interaction.method == "HEAD" || !CanTakeLong(InteractionName(interaction.method, interaction.path))) {
    return interactions_.Run(interaction);
  }
  const std::string status_url = interaction.base_url + "/" + std::string(kAsyncPath) + "/";
  const uint64_t bytes = interaction.body.size();
  const Result<std::string> id = jobs_.Start(
      bytes, [this, interaction = std::move(interaction)] { return AsyncAnswer(interactions_.Run(interaction)); });
  if (!id.ok()) return fhir::ErrorAnswer(id.status());
  return {.status = 202, .content_location = status_url + *id};
}

Answer Service::AskOrCancel(const http::Request& request, const std::string& id) {
  if (request.method == "DELETE") {
    const Status cancelled = jobs_.Cancel(id);
    return cancelled.ok() ? Answer{.status = 202} : fhir::ErrorAnswer(cancelled);
  }
  if (TakesBody(request.method)) {
    return Refuse(405, fhir::IssueType::kNotSupported, "the state of a request takes GET and DELETE");
  }
  const auto progress = jobs_.Ask(id);
  if (!progress.ok()) return fhir::ErrorAnswer(progress.status());
  if (progress->answer) return *progress->answer;
  return {.status = 202, .progress = progress->phase};
}

std::optional<Answer> Service::AddBody(const http::Request& request, std::string body, Interaction* interaction) const {
  const bool is_search = IsFormSearch(*interaction);
  BodyKind kind = request.method == "PATCH" ? BodyKind::kJsonPatch : BodyKind::kResource;
  if (is_search) kind = BodyKind::kForm;
  if (BringsContent(request, *interaction)) {
    auto binary = BinaryOf(request, *interaction, body);
    if (!binary.ok()) return Refuse(415, fhir::IssueType::kNotSupported, binary.status().message());
    interaction->body = *std::move(binary);
    return std::nullopt;
  }
  if (body.empty()) return std::nullopt;  // whether one is needed is for the interaction to say
  const Status type = CheckContentType(request, kind);
  if (!type.ok()) return Refuse(415, fhir::IssueType::kNotSupported, type.message());
  if (!is_search) {
    interaction->body = std::move(body);
    return std::nullopt;
  }
  auto form =
      fhir::SplitQuery(body, options_.max_parameters - std::min(options_.max_parameters, interaction->query.size()));
  if (!form.ok()) return fhir::ErrorAnswer(form.status());
  for (fhir::Parameter& parameter : *form) interaction->query.push_back(std::move(parameter));
  return std::nullopt;
}

Result<std::string> Service::ReadBody(http::Request& request, const Interaction& interaction,
                                      MemoryAllowance::Share* held) const {
  const bool is_search = IsFormSearch(interaction);
  const uint64_t limit = std::min<uint64_t>(options_.max_body_bytes, is_search ? fhir::kMaxQueryBytes : UINT64_MAX);
  CountedBody counted(*request.body, held);
  auto body = http::ReadAll(counted, limit);
  if (body.status().code() != Code::kLimit) return body;
  const std::string more = "the body has more than " + std::to_string(limit) + " bytes";
  return LimitExceeded(is_search ? more + ": split the search" : more + " (fhir.max_body): send it in smaller parts");
}

Status Service::Send(http::Responder& responder, const Answer& answer, const std::string& allow) const {
  http::Headers headers;
  if (!answer.body.empty() && answer.content_type.empty()) headers.Add("Content-Type", std::string(kFhirJson));
  // What people stored must not run in the name of this server.
  if (!answer.content_type.empty()) headers.Add("Content-Security-Policy", "default-src 'none'; sandbox");
  if (answer.version) {
    const std::string variant = answer.variant.empty() ? "" : "-" + answer.variant;
    headers.Add("ETag", "W/\"" + std::to_string(*answer.version) + variant + "\"");
  }
  headers.Add("Vary", "Accept");
  if (answer.updated_micros) {
    std::string date;
    http::AppendDate(Micros(std::chrono::microseconds(*answer.updated_micros)), &date);
    headers.Add("Last-Modified", std::move(date));
  }
  if (!answer.location.empty()) headers.Add("Location", answer.location);
  if (!answer.security_context.empty() && IsHeaderText(answer.security_context))
    headers.Add(std::string(kSecurityContext), answer.security_context);
  if (!answer.content_location.empty()) headers.Add("Content-Location", answer.content_location);
  if (!answer.progress.empty()) {
    headers.Add("X-Progress", answer.progress);
    headers.Add("Retry-After", "1");
  }
  AddWarnings(answer.warnings, &headers);
  // Kept copies are of patients, and must be asked about: without this, Last-Modified lets caches guess.
  headers.Add("Cache-Control", "private, no-cache");
  if (!allow.empty()) headers.Add("Allow", allow);
  if (answer.status == 503 || answer.status == 507) headers.Add("Retry-After", "30");
  if (!answer.content_type.empty()) headers.Add("Content-Type", answer.content_type);
  if (!answer.more) return responder.Send(answer.status, std::move(headers), answer.body);
  HILUM_RETURN_IF_ERROR(responder.Head(answer.status, headers, std::nullopt));
  for (;;) {
    HILUM_ASSIGN_OR_RETURN(const std::string piece, answer.more());
    if (piece.empty()) return responder.Finish();
    HILUM_RETURN_IF_ERROR(responder.Write(piece));
  }
}

}  // namespace hilum::fhir_rest
