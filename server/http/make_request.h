// The request that a handler sees, made of the head that came and of what is known of the connection. Thread-safe.
#pragma once

#include <string>

#include "server/http/channel.h"
#include "server/http/http.h"
#include "server/http/request_head.h"
#include "server/http/server_context.h"

namespace hilum::http {

// All but the body.
Request MakeRequest(RequestHead head, const Channel& channel, const std::string& peer, ServerContext& context);

}  // namespace hilum::http
