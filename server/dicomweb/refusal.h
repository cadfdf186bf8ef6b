// What a client is told when there is nothing better. Pure functions, thread-safe, except that the responder is used by
// one thread.
#pragma once

#include <string_view>

#include "base/status.h"
#include "server/http/http.h"

namespace hilum::dicomweb {

// Answers with a JSON body {"error": ..., "request": ...}. 503 and 507 carry Retry-After.
Status SendError(http::Responder& responder, const http::Request& request, int status, std::string_view message,
                 http::Headers headers = {});
// The HTTP status that tells a client what `status` means.
int HttpStatusOf(const Status& status);

}  // namespace hilum::dicomweb
