#include "server/main/offline.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "server/main/admin.h"

extern char** environ;

namespace hilum {
namespace {

// Takes `--name VALUE` out of the arguments, and gives the rest.
Result<std::vector<const char*>> TakeFlag(Arguments arguments, std::string_view name, std::string* value) {
  std::vector<const char*> rest;
  for (size_t i = 0; i < arguments.size(); ++i) {
    const std::string_view argument = arguments[i];
    if (argument == name) {
      if (++i == arguments.size()) return Invalid(std::string(name) + ": expected a folder after it");
      *value = arguments[i];
    } else if (argument.starts_with(name) && argument.size() > name.size() && argument[name.size()] == '=') {
      *value = argument.substr(name.size() + 1);
    } else {
      rest.push_back(arguments[i]);
    }
  }
  return rest;
}

// The superuser may write anywhere, and what it makes is its own.
Status CheckOwner(const std::string& data) {
  struct stat folder {};
  if (geteuid() != 0 || stat(data.c_str(), &folder) != 0 || folder.st_uid == 0) return Status::Ok();
  return Invalid(data + " belongs to the user " + std::to_string(folder.st_uid) +
                 ": run the command as that user; a server could not open what is made as another");
}

}  // namespace

int Complain(const char* command, const Status& status, int code) {
  std::fprintf(stderr, "hilum %s: %s\n", command, status.message().c_str());
  return code;
}

Status Read(Arguments arguments, Invocation* invocation) {
  HILUM_ASSIGN_OR_RETURN(invocation->rest, invocation->settings.MakeConfig().Parse(arguments, environ));
  return invocation->settings.Finish();
}

Status ReadFlags(Arguments arguments, Invocation* invocation) {
  HILUM_RETURN_IF_ERROR(Read(arguments, invocation));
  if (invocation->rest.empty()) return Status::Ok();
  return Invalid("'" + invocation->rest.front() + "' is not a flag; the store's folder is named with --data DIR");
}

Result<std::vector<const char*>> ReadFlags(Arguments arguments, std::string_view name, std::string* value,
                                           Invocation* invocation) {
  HILUM_ASSIGN_OR_RETURN(std::vector<const char*> rest, TakeFlag(arguments, name, value));
  HILUM_RETURN_IF_ERROR(ReadFlags(rest, invocation));
  return rest;
}

OfflineStore::OfflineStore(const Settings& settings) : log_(2, LogLevel::kWarning) {
  // A server that has it answers for itself, whoever asks.
  status_ = storage::LockForCopy(disk_, settings.data).status();
  if (status_.ok()) status_ = CheckOwner(settings.data);
  if (!status_.ok()) return;
  auto store = storage::Store::Open(settings.store, disk_, clock_, random_, log_);
  status_ = store.status();
  if (store.ok()) store_ = *std::move(store);
}

Status RefuseForeignFolder(const Disk& disk, const std::string& data) {
  const auto names = disk.List(data);
  if (names.status().code() == Code::kNotFound) return Status::Ok();
  HILUM_RETURN_IF_ERROR(names.status().WithContext("look at " + data));
  if (std::ranges::find(*names, "kv") != names->end()) return Status::Ok();
  for (const std::string& name : *names) {
    // What a file system, a start that was cut short or a server that crashed may have left.
    if (name == "lost+found" || name == "lock" || name == "objects" || name == AdminRoutes::kAnnouncement) continue;
    return Conflict(data + " holds '" + name +
                    "' but no store: name an empty folder, or one that does not exist yet, " +
                    "with --data, and a new store is made there");
  }
  return Status::Ok();
}

}  // namespace hilum
