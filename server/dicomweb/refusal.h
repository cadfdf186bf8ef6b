// What a client is told when there is nothing better. Pure functions, thread-safe, except that the responder is used by
// one thread.
#pragma once

#include <functional>
#include <string_view>

#include "base/status.h"
#include "server/http/http.h"

namespace hilum::dicomweb {

// Answers with a JSON body {"error": ..., "request": ...}. 503 and 507 carry Retry-After.
Status SendError(http::Responder& responder, const http::Request& request, int status, std::string_view message,
                 http::Headers headers = {});
// The HTTP status that tells a client what `status` means.
int HttpStatusOf(const Status& status);

// Ends a request that failed: the log hears of what is our fault; the client hears, by way of `tell`, unless nobody
// listens any more or the answer has begun, which is broken off then, so that it is not taken for whole.
using Tell = std::function<Status(int status, std::string_view message)>;
void AnswerFailure(const http::Request& request, const Status& status, http::Responder& responder, const Tell& tell);
// As SendError tells.
void AnswerFailure(const http::Request& request, const Status& status, http::Responder& responder);

}  // namespace hilum::dicomweb
