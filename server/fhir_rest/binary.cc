#include "server/fhir_rest/binary.h"

#include <algorithm>

#include "base/base64.h"
#include "base/text.h"
#include "codecs/multipart/media_type.h"
#include "fhir/json/document.h"
#include "fhir/json/edits.h"
#include "server/fhir_rest/negotiate.h"

namespace hilum::fhir_rest {
namespace {

bool IsBinary(const fhir::Interaction& interaction) {
  return !interaction.path.empty() && interaction.path[0] == "Binary";
}

bool Accepts(const http::Request& request, const multipart::MediaType& type) {
  const auto accepted = multipart::ParseAccept(request.headers.Joined("Accept"));
  if (multipart::Refuses(accepted, type.Essence())) return false;
  return accepted.empty() || std::any_of(accepted.begin(), accepted.end(), [&](const multipart::AcceptEntry& entry) {
           const multipart::MediaType& range = entry.media_type;
           const bool in_range = (range.type == "*" || range.type == type.type) &&
                                 (range.subtype == "*" || range.subtype == type.subtype);
           return entry.q > 0 && in_range;
         });
}

// nullopt for what cannot stand in a header.
std::optional<multipart::MediaType> TypeOfContent(std::string_view text) {
  if (!std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7F; })) return std::nullopt;
  auto type = multipart::ParseMediaType(text);
  if (!type.ok()) {
    type.IgnoreError();  // the resource is what there is, then
    return std::nullopt;
  }
  return *std::move(type);
}

constexpr std::string_view kContent = "content";

// Tags of versions made of those in a list. `only_content`: of those of contents alone.
std::string VersionTags(std::string_view tags, bool only_content) {
  if (tags.empty()) return {};
  const std::string ending = "-" + std::string(kContent) + "\"";
  std::string versions;
  while (!tags.empty()) {
    std::string tag(TakeUntil(&tags, ','));
    const bool of_content = tag.ends_with(ending);
    if (of_content) tag.replace(tag.size() - ending.size(), ending.size(), "\"");
    if (of_content || tag == "*" || !only_content) versions.append(versions.empty() ? "" : ",").append(tag);
  }
  // A condition that names nothing is still one.
  return versions.empty() ? "\"\"" : versions;
}

}  // namespace

void TakeContentTags(bool wants_content, fhir::Interaction* interaction) {
  const bool reads = interaction->method == "GET" || interaction->method == "HEAD";
  if (!IsBinary(*interaction) || (reads && !wants_content)) return;
  interaction->if_match = VersionTags(interaction->if_match, /*only_content=*/false);
  interaction->if_none_match = VersionTags(interaction->if_none_match, /*only_content=*/reads);
}

bool WantsContent(const http::Request& request, const fhir::Interaction& interaction) {
  const bool reads = request.method == "GET" || request.method == "HEAD";
  const bool names_one = interaction.path.size() == 2 || interaction.path.size() == 4;
  const bool is_search = names_one && (interaction.path[1].starts_with('_') || interaction.path[1].starts_with('$'));
  return reads && IsBinary(interaction) && names_one && !is_search && interaction.query.empty() &&
         !AsksForFhir(request, interaction.query);
}

fhir::Answer ContentOf(const http::Request& request, fhir::Answer answer) {
  if (answer.status == 304) answer.variant = kContent;
  if (answer.status != 200 || answer.outcome()) return answer;
  const Result<fhir::json::Document> document = fhir::json::Document::Parse(std::move(answer.body));
  if (!document.ok()) return fhir::ErrorAnswer(document.status());
  const fhir::json::MaybeValue binary = document->root();
  const auto type = TypeOfContent(binary["contentType"].TextOr(""));
  std::string content;
  if (!type || !DecodeBase64(binary["data"].TextOr(""), &content)) {
    answer.body = std::string(document->root().raw());
    return answer;
  }
  if (!Accepts(request, *type)) {
    return fhir::OutcomeAnswer(406, {{.type = fhir::IssueType::kNotSupported,
                                      .diagnostics = "the Binary is of another type than Accept has; take " +
                                                     type->ToString() + " or application/fhir+json"}});
  }
  answer.security_context = std::string(binary["securityContext"]["reference"].TextOr(""));
  answer.content_type = type->ToString();
  answer.variant = kContent;
  answer.body = std::move(content);
  return answer;
}

bool BringsContent(const http::Request& request, const fhir::Interaction& interaction) {
  const bool creates = request.method == "POST" && interaction.path.size() == 1;
  const bool updates = request.method == "PUT" && interaction.path.size() <= 2;
  if (!IsBinary(interaction) || !(creates || updates)) return false;
  const auto type = request.headers.First("Content-Type");
  return type && !type->empty() && !NamesFhir(*type);
}

Result<std::string> BinaryOf(const http::Request& request, const fhir::Interaction& interaction,
                             const std::string& body) {
  const std::string coding = request.headers.Joined("Content-Encoding");
  if (!coding.empty() && !EqualsIgnoringCase(coding, "identity"))
    return Unsupported("bodies are taken without Content-Encoding");
  const auto type = TypeOfContent(request.headers.First("Content-Type").value_or(""));
  if (!type) return Unsupported("Content-Type is no media type");
  std::string binary = R"({"resourceType":"Binary",)";
  if (interaction.path.size() == 2) binary += "\"id\":" + fhir::json::Quoted(interaction.path[1]) + ",";
  binary += "\"contentType\":" + fhir::json::Quoted(type->ToString());
  if (const std::string context = request.headers.Joined(kSecurityContext); !context.empty())
    binary += ",\"securityContext\":{\"reference\":" + fhir::json::Quoted(context) + "}";
  if (!body.empty()) {
    binary += ",\"data\":\"";
    AppendBase64(body, &binary);
    binary += '"';
  }
  return binary + "}";
}

}  // namespace hilum::fhir_rest
