// The file descriptors of the process, shared out so that connections never take those that the store needs: a file
// that cannot be opened is a failed write to it, which ends the server.
#pragma once

#include "base/log.h"
#include "server/http/server.h"

namespace hilum {

// Raises the limit of open files as far as the system permits, and lowers `options->max_connections`, with a warning,
// to what the limit leaves. kUnavailable when that is next to none.
Status ShareDescriptors(const Logger& log, http::ServerOptions* options);

}  // namespace hilum
