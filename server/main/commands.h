// The commands of the `hilum` program. Each takes its own arguments (without program and command) and returns the exit
// code: 0 done, 1 failed or something was found, 2 wrong usage.
#pragma once

#include <span>
#include <string>

#include "base/disk.h"

namespace hilum {

using Arguments = std::span<const char* const>;

// Before a store is opened for writing: kConflict when `data` has files but no store, as a new one would be made among
// them.
Status RefuseForeignFolder(const Disk& disk, const std::string& data);

int Serve(Arguments arguments);
int Import(Arguments arguments);
int VerifyStore(Arguments arguments);
int BackupStore(Arguments arguments);
int RestoreStore(Arguments arguments);
int CheckReady(Arguments arguments);
int ConfigCommand(Arguments arguments);
int Conformance(Arguments arguments);

}  // namespace hilum
