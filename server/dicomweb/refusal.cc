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

}  // namespace hilum::dicomweb
