#include "server/dicomweb/refusal.h"

#include "base/http_status.h"
#include "base/json_text.h"

namespace hilum::dicomweb {

Status SendError(http::Responder& responder, const http::Request& request, int status, std::string_view message,
                 http::Headers headers) {
  std::string body = "{\"error\":";
  AppendJsonString(message, &body);
  body += ",\"request\":";
  AppendJsonString(request.id, &body);
  body += "}";
  headers.Set("Content-Type", "application/json");
  if (status == 503 || status == 507) headers.Set("Retry-After", "30");
  return responder.Send(status, std::move(headers), body);
}

int HttpStatusOf(const Status& status) {
  return status.code() == Code::kUnsupported ? 406 : hilum::HttpStatusOf(status.code());
}

void AnswerFailure(const http::Request& request, const Status& status, http::Responder& responder, const Tell& tell) {
  if (status.code() == Code::kCancelled) return;
  const int code = HttpStatusOf(status);
  const bool ours = code == 500;
  if (ours) request.log.Error("request failed", {{"path", request.path}, {"reason", status.ToString()}});
  if (responder.started()) return;  // without Finish the connection breaks the transfer off
  tell(code, ours ? "the request failed; the log of the server has the reason" : status.message())
      .IgnoreError();  // the connection is gone if this failed
}

void AnswerFailure(const http::Request& request, const Status& status, http::Responder& responder) {
  AnswerFailure(request, status, responder,
                [&](int code, std::string_view message) { return SendError(responder, request, code, message); });
}

}  // namespace hilum::dicomweb
