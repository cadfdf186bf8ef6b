#include "server/main/descriptors.h"

#include <sys/resource.h>

#include <cerrno>

namespace hilum {
namespace {

// The caches of open tables of rows and of closed segments hold 256 files each, 64 segments wait for more objects, 256
// connections at a time are told that they are too many. The rest: logs, compaction, backups, codec processes.
constexpr uint64_t kOfProcess = 256 + 256 + 64 + 256 + 64;
constexpr uint64_t kLeastConnections = 64;

// An upload writes a segment of its own. A reader may keep a file that the caches have dropped, and up to four times
// http.workers requests read.
uint64_t WithoutConnections(const http::ServerOptions& options) {
  return kOfProcess + options.upload_threads + 4 * uint64_t{options.worker_threads};
}

}  // namespace

Status ShareDescriptors(const Logger& log, http::ServerOptions* options) {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return ErrnoStatus("find out the limit of open files", errno);
  const rlimit raised{limit.rlim_max, limit.rlim_max};
  if (setrlimit(RLIMIT_NOFILE, &raised) == 0) limit = raised;
  const uint64_t reserved = WithoutConnections(*options);
  const uint64_t allowed = limit.rlim_cur;
  if (allowed < reserved + kLeastConnections)
    return Unavailable("only " + std::to_string(allowed) + " files may be open at a time, at least " +
                       std::to_string(reserved + kLeastConnections) +
                       " are needed: raise the limit (ulimit -n, LimitNOFILE= of systemd), or lower http.workers and "
                       "http.uploads");
  const uint64_t left = allowed - reserved;
  if (options->max_connections <= left) return Status::Ok();
  log.Warning("http.max_connections is lowered to what the limit of open files leaves; raise it (ulimit -n)",
              {{"limit", allowed}, {"reserved", reserved}, {"connections", left}});
  options->max_connections = left;
  return Status::Ok();
}

}  // namespace hilum
