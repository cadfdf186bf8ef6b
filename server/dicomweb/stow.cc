#include "server/dicomweb/stow.h"

#include <algorithm>

#include "base/text.h"
#include "base/uid.h"
#include "codecs/dicom/json.h"
#include "codecs/multipart/media_type.h"
#include "codecs/multipart/parser.h"
#include "server/dicomweb/error_comment.h"
#include "server/dicomweb/native_xml.h"
#include "server/dicomweb/negotiate.h"
#include "server/dicomweb/refusal.h"
#include "server/dicomweb/stow_model.h"

namespace hilum::dicomweb {
namespace {

using multipart::Parser;

constexpr size_t kReadBytes = 256 * 1024;
// Data Set does not match SOP Class (PS3.18 table I.2-2): the warning Azure's service and we give for remarks on single
// attributes.
constexpr uint16_t kWarningReason = 0xB007;

Status ReceiveSingle(http::BodyReader& body, IngestBatch& batch, uint64_t* received) {
  const auto buffer = std::make_unique<char[]>(kReadBytes);
  batch.BeginInstance();
  while (true) {
    const auto bytes = body.Read({buffer.get(), kReadBytes});
    if (!bytes.ok()) {
      batch.EndInstance(/*received_whole=*/false);
      return bytes.status();
    }
    if (*bytes == 0) break;
    *received += *bytes;
    batch.Append({buffer.get(), *bytes});
  }
  if (*received == 0) {
    batch.EndInstance(/*received_whole=*/false);
    return Invalid("the request has no body");
  }
  batch.EndInstance();
  return Status::Ok();
}

// A part is taken for an instance unless it says that it is something else.
bool IsDicomPart(const multipart::PartHeaders& headers) {
  const auto field = multipart::FindHeader(headers, "Content-Type");
  if (!field) return true;
  const auto type = multipart::ParseMediaType(*field);
  return type.ok() && (type->Essence() == "application/dicom" || type->Essence() == "application/octet-stream");
}

Status ReceiveMultipart(http::BodyReader& body, std::string_view boundary, IngestBatch& batch, uint64_t* received) {
  Parser parser(boundary);
  bool in_instance = false;
  const auto broken = [&](const Status& status) {
    if (in_instance) batch.EndInstance(/*received_whole=*/false);
    return status;
  };
  while (true) {
    const auto event = parser.Next();
    if (!event.ok()) return broken(event.status());
    switch (*event) {
      case Parser::Event::kNeedInput: {
        const auto bytes = body.Read(parser.Space());
        if (!bytes.ok()) return broken(bytes.status());
        *received += *bytes;
        parser.Filled(*bytes);
        break;
      }
      case Parser::Event::kPartBegin:
        in_instance = IsDicomPart(parser.headers());
        if (in_instance)
          batch.BeginInstance();
        else
          batch.Refuse(FailureReason::kCannotUnderstand, "the part is not of type application/dicom");
        break;
      case Parser::Event::kPartData:
        if (in_instance) batch.Append(parser.data());
        break;
      case Parser::Event::kPartEnd:
        if (in_instance) batch.EndInstance();
        in_instance = false;
        break;
      case Parser::Event::kEnd:
        if (parser.parts() == 0) return Invalid("the request has no parts");
        return Status::Ok();
    }
  }
}

void AppendElement(std::string_view tag, dicom::Vr vr, const std::string& value, std::string* out) {
  if (out->back() != '{') out->push_back(',');
  out->append("\"").append(tag).append("\":");
  const std::vector<std::string> values = {value};
  dicom::AppendAttributeJson(vr, values, out);
}

// The texts of failures or warnings, where Azure's service puts them: Failed Attributes Sequence > Error Comment. Of
// that there is one value in an item, so that a long text takes several items.
void AppendExplanations(const std::vector<std::string>& texts, std::string* out) {
  out->append(",\"00741048\":{\"vr\":\"SQ\",\"Value\":[");
  for (const std::string& text : texts) {
    for (const std::string& comment : ErrorComments(text)) {
      out->append(out->back() == '[' ? "{" : ",{");
      AppendElement("00000902", dicom::Vr("LO"), comment, out);
      out->push_back('}');
    }
  }
  out->append("]}");
}

std::string StudyUrl(const std::string& base, const storage::InstanceName& name) {
  return base + "/studies/" + name.study_uid;
}

std::string InstanceUrl(const std::string& base, const storage::InstanceName& name) {
  return StudyUrl(base, name) + "/series/" + name.series_uid + "/instances/" + name.sop_uid;
}

void AppendReference(const InstanceOutcome& outcome, std::string* out) {
  if (IsStorableUid(outcome.sop_class_uid)) AppendElement("00081150", dicom::Vr("UI"), outcome.sop_class_uid, out);
  AppendElement("00081155", dicom::Vr("UI"), outcome.name.sop_uid, out);
}

void AppendSequence(std::string_view tag, const std::vector<std::string>& items, std::string* out) {
  if (items.empty()) return;
  if (out->back() != '{') out->push_back(',');
  out->append("\"").append(tag).append("\":{\"vr\":\"SQ\",\"Value\":[");
  for (size_t i = 0; i < items.size(); ++i) out->append(i > 0 ? "," : "").append(items[i]);
  out->append("]}");
}

// Any instance of the study that all stored ones are of; nullptr: of none or several.
const InstanceOutcome* OneStudy(const std::vector<InstanceOutcome>& outcomes) {
  const InstanceOutcome* one = nullptr;
  for (const InstanceOutcome& outcome : outcomes) {
    if (!outcome.stored()) continue;
    if (one && outcome.name.study_uid != one->name.study_uid) return nullptr;
    one = &outcome;
  }
  return one;
}

// Store Instances Response Module (PS3.18 I.2). Failures whose instance has no name that could be a UID go into the
// Other Failures Sequence.
std::string ResponseBody(const std::string& base, const std::vector<InstanceOutcome>& outcomes) {
  std::vector<std::string> failed, stored, other;
  for (const InstanceOutcome& outcome : outcomes) {
    std::string item = "{";
    if (outcome.stored()) {
      AppendReference(outcome, &item);
      AppendElement("00081190", dicom::Vr("UR"), InstanceUrl(base, outcome.name), &item);
      if (!outcome.warnings.empty()) {
        AppendElement("00081196", dicom::Vr("US"), std::to_string(kWarningReason), &item);
        AppendExplanations(outcome.warnings, &item);
      }
      stored.push_back(item + "}");
      continue;
    }
    const bool named = IsStorableUid(outcome.name.sop_uid);
    if (named) AppendReference(outcome, &item);
    AppendElement("00081197", dicom::Vr("US"), std::to_string(static_cast<uint16_t>(outcome.reason)), &item);
    AppendExplanations({outcome.explanation}, &item);
    (named ? failed : other).push_back(item + "}");
  }
  std::string body = "{";
  if (const InstanceOutcome* one = OneStudy(outcomes))
    AppendElement("00081190", dicom::Vr("UR"), StudyUrl(base, one->name), &body);
  AppendSequence("00081198", failed, &body);
  AppendSequence("00081199", stored, &body);
  AppendSequence("0008119A", other, &body);
  return body + "}";
}

// PS3.18 10.5.3.1; a full disk and a store that cannot write say so, since a client should come back with the same
// instances.
int ResponseStatus(const std::vector<InstanceOutcome>& outcomes, bool store_healthy) {
  const auto stored = std::count_if(outcomes.begin(), outcomes.end(), [](const auto& o) { return o.stored(); });
  if (stored == 0) {
    if (!store_healthy) return 503;
    const bool full = std::any_of(outcomes.begin(), outcomes.end(),
                                  [](const auto& o) { return o.reason == FailureReason::kOutOfResources; });
    return full ? 507 : 409;
  }
  const bool remarks =
      std::any_of(outcomes.begin(), outcomes.end(), [](const auto& o) { return !o.stored() || !o.warnings.empty(); });
  return remarks ? 202 : 200;
}

InstanceOutcome FailureOf(int status, std::string explanation) {
  InstanceOutcome outcome;
  outcome.reason = status == 507 ? FailureReason::kOutOfResources : FailureReason::kCannotUnderstand;
  outcome.explanation = std::move(explanation);
  return outcome;
}

}  // namespace

std::optional<http::ErrorBody> StoreRefusal(std::string_view root, std::string_view method, std::string_view path,
                                            int status, std::string_view reason) {
  if (method != "POST" || !path.starts_with(root)) return std::nullopt;
  const auto resource = ParseResource(path.substr(root.size()));
  if (!resource.ok() || !resource->TakesInstances()) return std::nullopt;
  return http::ErrorBody{.content_type = "application/dicom+json",
                         .text = ResponseBody("", {FailureOf(status, std::string(reason))})};
}

StoreService::StoreService(storage::Store& store, const ServiceOptions& options, UsualBase& usual_base,
                           Registry& metrics)
    : store_(store),
      options_(options),
      usual_base_(usual_base),
      model_memory_(options.model_bytes),
      stored_instances_(metrics.counter("hilum_stow_instances_total", "Instances of STOW requests by outcome",
                                        {{"outcome", "stored"}})),
      stored_bytes_(metrics.counter("hilum_stow_bytes_total", "Bytes of STOW request bodies")),
      refused_instances_(metrics.counter("hilum_stow_instances_total", "Instances of STOW requests by outcome",
                                         {{"outcome", "refused"}})) {}

Status StoreService::Answer(const http::Request& request, int code, const std::vector<InstanceOutcome>& outcomes,
                            http::Responder& responder) const {
  const auto parameters = http::ParseQuery(request.query);
  const Accepted accepted(request, parameters.ok() ? *parameters : QueryParameters());
  const bool as_xml = accepted.Metadata() == Accepted::Listing::kXml;
  http::Headers headers = {{"Content-Type", as_xml ? "application/dicom+xml" : "application/dicom+json"}};
  if (code == 503 || code == 507) headers.Add("Retry-After", "30");
  const std::string base = options_.BaseUrl(request);
  if (const InstanceOutcome* one = OneStudy(outcomes)) headers.Add("Location", StudyUrl(base, one->name));
  std::string body = ResponseBody(base, outcomes);
  if (as_xml) {
    HILUM_ASSIGN_OR_RETURN(body, XmlOf(body));
  }
  return responder.Send(code, std::move(headers), body);
}

Status StoreService::Refuse(const http::Request& request, int code, std::string explanation,
                            http::Responder& responder) const {
  return Answer(request, code, {FailureOf(code, std::move(explanation))}, responder);
}

Status StoreService::Store(http::Request& request, const Resource& resource, http::Responder& responder) {
  const auto refuse = [&](int code, std::string explanation) {
    return Refuse(request, code, std::move(explanation), responder);
  };
  if (const auto coding = request.headers.First("Content-Encoding"); coding && !EqualsIgnoringCase(*coding, "identity"))
    return refuse(415, "the body must be sent without Content-Encoding");
  const auto type = multipart::ParseMediaType(request.headers.First("Content-Type").value_or(""));
  if (!type.ok())
    return refuse(415, "Content-Type is missing or unreadable; send multipart/related; type=\"application/dicom\"");
  const bool is_multipart = type->Essence() == "multipart/related";
  const std::string_view part_type = type->Parameter("type").value_or("application/dicom");
  const bool single = type->Essence() == "application/dicom";
  std::optional<ModelForm> model;
  if (is_multipart && EqualsIgnoringCase(part_type, "application/dicom+json")) model = ModelForm::kJson;
  if (is_multipart && EqualsIgnoringCase(part_type, "application/dicom+xml")) model = ModelForm::kXml;
  if (!single && !model && !(is_multipart && EqualsIgnoringCase(part_type, "application/dicom")))
    return refuse(415, "cannot store " + type->ToString() +
                           "; send multipart/related with the type application/dicom, application/dicom+json or "
                           "application/dicom+xml, or application/dicom");

  std::string boundary;
  if (is_multipart) {
    auto found = multipart::BoundaryOf(*type);
    if (!found.ok()) return refuse(400, found.status().message());
    boundary = *std::move(found);
  }
  HILUM_RETURN_IF_ERROR(store_.health());
  // Who waits for 100 Continue is spared the sending (RFC 9110 10.1.1). Who sends at once learns of each instance:
  // what is stored already needs no room.
  if (request.headers.First("Expect")) {
    const Status space = store_.CheckSpace();
    if (space.code() == Code::kDiskFull) return refuse(507, space.message());
    HILUM_RETURN_IF_ERROR(space);
  }
  IngestBatch batch(store_, options_.ingest, resource.study, request.log);
  uint64_t received = 0;
  const auto receive = [&](http::BodyReader& body) {
    if (model) return StoreModels(body, boundary, *model, options_.models, model_memory_, batch, &received);
    return single ? ReceiveSingle(body, batch, &received) : ReceiveMultipart(body, boundary, batch, &received);
  };
  const Status status = receive(*request.body);
  stored_bytes_.Add(received);
  if (!status.ok()) {
    stored_instances_.Add(batch.Abandon());
    const bool ours = HttpStatusOf(status) >= 500 || status.code() == Code::kCancelled;
    return ours ? status : refuse(HttpStatusOf(status), status.message());
  }

  const std::vector<InstanceOutcome> outcomes = batch.Finish();
  const auto stored =
      static_cast<uint64_t>(std::count_if(outcomes.begin(), outcomes.end(), [](const auto& o) { return o.stored(); }));
  stored_instances_.Add(stored);
  refused_instances_.Add(outcomes.size() - stored);
  usual_base_.Note(options_.BaseUrl(request), /*reads=*/false);
  return Answer(request, ResponseStatus(outcomes, store_.health().ok()), outcomes, responder);
}

}  // namespace hilum::dicomweb
