#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <string_view>

#include "base/mapping.h"
#include "codecs/pixel/worker.h"
#include "server/main/commands.h"
#include "server/main/settings.h"
#include "server/main/spare_memory.h"

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
    {"ready", hilum::CheckReady,
     "ready   [--data DIR]                  is the server of that folder ready? exit 0 or 1"},
    {"config", hilum::ConfigCommand,
     "config  check FILE.toml | reference   is this configuration good? what can be configured?"},
    {"conformance", hilum::Conformance,
     "conformance                            the tables of the DICOM conformance statement"},
};

void PrintUsage(std::FILE* out) {
  std::fputs("usage: hilum COMMAND [ARGUMENTS]\n\n", out);
  for (const Command& command : kCommands) std::fprintf(out, "  hilum %s\n", command.usage);
  std::fputs("\nEvery key of `hilum config reference` is also a flag: --http.workers 8\n", out);
}

bool AsksForHelp(std::string_view argument) {
  return argument == "--help" || argument == "-h";
}

// Files of the store must not become the standard output of a program that was started without one.
void OpenStandardStreams() {
  int opened = 0;
  while (opened >= 0 && opened <= 2) opened = open("/dev/null", O_RDWR);
  if (opened > 2) close(opened);
}

}  // namespace

int main(int argc, char** argv) {
  if (hilum::pixel::IsCodecWorker(argc, argv))
    return hilum::pixel::RunCodecWorker(hilum::pixel::kCodecWorkerDescriptor, hilum::GiveBackMemory);
  OpenStandardStreams();
  const std::string_view name = argc < 2 ? "" : argv[1];
  if (name == "version" || name == "--version") {
    std::puts("hilum " HILUM_VERSION);
    return 0;
  }
  if (name == "help" || AsksForHelp(name)) {
    PrintUsage(stdout);
    return 0;
  }
  for (const Command& command : kCommands) {
    if (command.name != name) continue;
    const hilum::Arguments arguments(argv + 2, static_cast<size_t>(argc - 2));
    const auto end = std::find(arguments.begin(), arguments.end(), std::string_view("--"));
    if (std::find_if(arguments.begin(), end, AsksForHelp) == end) {
      hilum::SurviveBadPages();
      return command.run(arguments);
    }
    std::printf("usage: hilum %s\n\n", command.usage);
    if (std::string_view(command.usage).find("[--data DIR]") != std::string_view::npos)
      std::printf("Without --data DIR is %s, if neither HILUM_DATA nor a configuration file says otherwise.\n",
                  hilum::Settings().data.c_str());
    std::puts("Every key of `hilum config reference` is also a flag: --http.workers 8");
    return 0;
  }
  if (!name.empty()) std::fprintf(stderr, "hilum: there is no command '%s'\n\n", argv[1]);
  PrintUsage(stderr);
  return 2;
}
