#include <cstdio>
#include <cstring>
#include <string_view>

#include "codecs/pixel/worker.h"
#include "server/main/commands.h"

namespace {

struct Command {
  std::string_view name;
  int (*run)(hilum::Arguments);
  const char* usage;
};

constexpr Command kCommands[] = {
    {"serve", hilum::Serve, "serve   [--data DIR] [--http HOST:PORT] [--config FILE.toml] [--demo]   run the server"},
    {"import", hilum::Import,
     "import  [--data DIR] PATH...          store DICOM and FHIR files and folders (no server may run)"},
    {"verify", hilum::VerifyStore,
     "verify  [--data DIR] [--deep]         read and check everything stored; derive anew what is derived "
     "(no server may run)"},
    {"backup", hilum::BackupStore, "backup  [--data DIR] --to DIR         consistent copy, also of a running server"},
    {"restore", hilum::RestoreStore, "restore [--data DIR] --from DIR       back from a backup, checked"},
    {"config", hilum::ConfigCommand,
     "config  check FILE.toml | reference   is this configuration good? what can be configured?"},
    {"conformance", hilum::Conformance,
     "conformance                            the tables of the DICOM conformance statement"},
};

int Usage() {
  std::fputs("usage: hilum COMMAND [ARGUMENTS]\n\n", stderr);
  for (const Command& command : kCommands) std::fprintf(stderr, "  hilum %s\n", command.usage);
  std::fputs("\nEvery key of `hilum config reference` is also a flag: --http.workers 8\n", stderr);
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  if (hilum::pixel::IsCodecWorker(argc, argv))
    return hilum::pixel::RunCodecWorker(hilum::pixel::kCodecWorkerDescriptor);
  if (argc < 2) return Usage();
  const std::string_view name = argv[1];
  if (name == "version" || name == "--version") {
    std::puts("hilum " HILUM_VERSION);
    return 0;
  }
  for (const Command& command : kCommands)
    if (command.name == name) return command.run({argv + 2, static_cast<size_t>(argc - 2)});
  return Usage();
}
