#include "server/fhir_rest/negotiate.h"

#include <algorithm>

#include "base/text.h"
#include "codecs/multipart/media_type.h"

namespace hilum::fhir_rest {
namespace {

using multipart::MediaType;

constexpr std::string_view kJsonPatch = "application/json-patch+json";
constexpr std::string_view kForm = "application/x-www-form-urlencoded";

bool IsJson(const MediaType& type) {
  const std::string essence = type.Essence();
  return essence == "application/fhir+json" || essence == "application/json" || essence == "text/json" ||
         essence == "application/json+fhir";  // of DSTU2, which clients still write
}

bool IsFhir(const MediaType& type) {
  return IsJson(type) || type.Essence().starts_with("application/fhir+");
}

bool IsR4(const MediaType& type) {
  const std::string_view version = type.Parameter("fhirversion").value_or("4.0");
  return version == "4.0" || version == "4.0.1";
}

bool IsAcceptable(const multipart::AcceptEntry& entry) {
  const MediaType& type = entry.media_type;
  if (entry.q == 0 || !IsR4(type)) return false;
  const bool any = type.subtype == "*" && (type.type == "*" || type.type == "application" || type.type == "text");
  return any || IsJson(type);
}

// In a query string the '+' of application/fhir+json is a blank unless it was escaped.
bool IsJsonFormat(std::string format) {
  std::replace(format.begin(), format.end(), ' ', '+');
  if (EqualsIgnoringCase(format, "json") || format == "*/*") return true;
  const auto type = multipart::ParseMediaType(format);
  type.IgnoreError();  // then it is no format that we know
  return type.ok() && IsJson(*type) && IsR4(*type);
}

Status NotJson(std::string_view where) {
  return Unsupported(std::string(where) +
                     " asks for something else than FHIR R4 in JSON, which is all there is here (no XML, no Turtle): "
                     "use application/fhir+json");
}

std::string_view Unquoted(std::string_view text) {
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"') return text.substr(1, text.size() - 2);
  return text;
}

// Whether it is respond-async.
bool ReadPreference(std::string_view text, fhir::Interaction* interaction) {
  const std::string_view name = TakeUntil(&text, '=');
  const std::string_view value = Unquoted(Trimmed(text));
  if (EqualsIgnoringCase(name, "return")) {
    if (EqualsIgnoringCase(value, "minimal")) interaction->prefer_return = fhir::Return::kMinimal;
    if (EqualsIgnoringCase(value, "representation")) interaction->prefer_return = fhir::Return::kRepresentation;
    if (EqualsIgnoringCase(value, "OperationOutcome")) interaction->prefer_return = fhir::Return::kOutcome;
  } else if (EqualsIgnoringCase(name, "handling")) {
    if (EqualsIgnoringCase(value, "strict")) interaction->prefer_handling = fhir::Handling::kStrict;
    if (EqualsIgnoringCase(value, "lenient")) interaction->prefer_handling = fhir::Handling::kLenient;
  }
  return EqualsIgnoringCase(name, "respond-async");
}

}  // namespace

Status CheckWantsJson(const http::Request& request, const std::vector<fhir::Parameter>& query) {
  const auto format =
      std::find_if(query.begin(), query.end(), [](const fhir::Parameter& each) { return each.name == "_format"; });
  if (format != query.end() && !format->value.empty())
    return IsJsonFormat(format->value) ? Status::Ok() : NotJson("_format");
  const auto accepted = multipart::ParseAccept(request.headers.Joined("Accept"));
  const bool refused = multipart::Refuses(accepted, "application/fhir+json");
  if (accepted.empty() || (!refused && std::any_of(accepted.begin(), accepted.end(), IsAcceptable)))
    return Status::Ok();
  return NotJson("Accept");
}

void AddListFormat(const http::Request& request, std::vector<fhir::Parameter>* query) {
  if (std::ranges::any_of(*query, [](const fhir::Parameter& each) { return each.name == "_format"; })) return;
  // The best first.
  const auto accepted = multipart::ParseAccept(request.headers.Joined("Accept"));
  if (!accepted.empty() && accepted.front().q > 0 && accepted.front().media_type.Essence() == "text/csv")
    query->push_back({"_format", "csv"});
}

bool AsksForFhir(const http::Request& request, const std::vector<fhir::Parameter>& query) {
  const auto is_format = [](const fhir::Parameter& each) { return each.name == "_format" && !each.value.empty(); };
  if (std::any_of(query.begin(), query.end(), is_format)) return true;
  const auto accepted = multipart::ParseAccept(request.headers.Joined("Accept"));
  return std::any_of(accepted.begin(), accepted.end(),
                     [](const multipart::AcceptEntry& entry) { return entry.q > 0 && IsFhir(entry.media_type); });
}

bool NamesFhir(std::string_view content_type) {
  const auto type = multipart::ParseMediaType(content_type);
  type.IgnoreError();  // then it is no type at all
  return type.ok() && IsFhir(*type);
}

Status CheckContentType(const http::Request& request, BodyKind expected) {
  const std::string coding = request.headers.Joined("Content-Encoding");
  if (!coding.empty() && !EqualsIgnoringCase(coding, "identity"))
    return Unsupported("bodies are taken without Content-Encoding");
  const auto header = request.headers.First("Content-Type");
  if (!header || header->empty()) return Status::Ok();
  const auto type = multipart::ParseMediaType(*header);
  if (!type.ok()) return Unsupported("Content-Type is no media type");
  if (!EqualsIgnoringCase(type->Parameter("charset").value_or("utf-8"), "utf-8"))
    return Unsupported("FHIR is written in UTF-8: charset must be utf-8");
  const std::string essence = type->Essence();
  switch (expected) {
    case BodyKind::kResource:
      if (IsJson(*type) && IsR4(*type)) return Status::Ok();
      return Unsupported("the body must be FHIR R4 in JSON: Content-Type application/fhir+json");
    case BodyKind::kJsonPatch:
      if (essence == kJsonPatch) return Status::Ok();
      return Unsupported("PATCH takes JSON Patch (RFC 6902): Content-Type application/json-patch+json");
    case BodyKind::kForm:
      if (essence == kForm) return Status::Ok();
      return Unsupported("POST _search takes parameters as a form: Content-Type application/x-www-form-urlencoded");
  }
  return Status::Ok();
}

bool ReadPreferences(const http::Request& request, fhir::Interaction* interaction) {
  const std::string all = request.headers.Joined("Prefer");
  std::string_view rest = all;
  bool async = false;
  while (!rest.empty()) {
    std::string_view preference = TakeUntil(&rest, ',');
    // HAPI's clients part preferences by semicolons, which RFC 7240 has for parameters; none of ours has any.
    while (!preference.empty()) async |= ReadPreference(TakeUntil(&preference, ';'), interaction);
  }
  return async;
}

}  // namespace hilum::fhir_rest
