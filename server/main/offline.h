// What the commands share that work on a data folder while no server has it. Not thread-safe.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/disk.h"
#include "base/log.h"
#include "base/random.h"
#include "server/main/commands.h"
#include "server/main/settings.h"
#include "storage/store/store.h"

namespace hilum {

// The settings (for the data folder and the store), and what is left over.
struct Invocation {
  Settings settings;
  std::vector<std::string> rest;
};

// Says what is wrong; gives the exit code.
int Complain(const char* command, const Status& status, int code = 1);

Status Read(Arguments arguments, Invocation* invocation);
// Of commands that take flags alone: what is left over was meant to be something, perhaps the folder.
Status ReadFlags(Arguments arguments, Invocation* invocation);
// The same, with the flag `name` taken out; gives the others.
Result<std::vector<const char*>> ReadFlags(Arguments arguments, std::string_view name, std::string* value,
                                           Invocation* invocation);

class OfflineStore {
 public:
  // What was written as another user than the folder's would keep the server from starting: kInvalid for that.
  explicit OfflineStore(const Settings& settings);
  ~OfflineStore() { status_.IgnoreError(); }
  const Status& status() const { return status_; }
  storage::Store& store() { return *store_; }
  Disk& disk() { return disk_; }
  const Clock& clock() const { return clock_; }
  Random& random() { return random_; }
  const Logger& log() const { return log_; }

 private:
  PosixDisk disk_;
  SystemClock clock_;
  SystemRandom random_;
  Logger log_;
  Status status_;
  std::unique_ptr<storage::Store> store_;
};

}  // namespace hilum
