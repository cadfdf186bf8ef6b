// hilum verify, ready and backup.
#include <algorithm>
#include <cstdio>

#include "fhir/imaging/verify.h"
#include "fhir/store/verify.h"
#include "server/main/admin.h"
#include "server/main/offline.h"
#include "server/main/progress.h"

namespace hilum {
namespace {

// Empty when the store was never opened for resources.
Result<fhir::ResourceReport> VerifyResources(OfflineStore& open, fhir::imaging::LinkDepth depth) {
  HILUM_ASSIGN_OR_RETURN(const std::unique_ptr<fhir::ResourceStore> resources,
                         fhir::ResourceStore::OpenAsBound(open.store(), {}, open.clock(), open.random()));
  if (!resources) return fhir::ResourceReport();
  Progress progress("verify", /*total=*/0, "versions");
  auto report = fhir::VerifyResources(open.store(), *resources, [&](const fhir::ResourceReport& so_far) {
    progress.Show(so_far.versions, so_far.bytes);
    return true;
  });
  progress.Done();
  if (!report.ok()) return report;
  HILUM_ASSIGN_OR_RETURN(const fhir::imaging::LinkReport links, fhir::imaging::VerifyLinks(*resources, depth));
  for (const std::string& finding : links.findings.texts) report->findings.Add(finding);
  report->findings.left_out += links.findings.left_out;
  return report;
}

void PrintFindings(const storage::Findings& findings) {
  for (const std::string& finding : findings.texts) std::printf("FOUND %s\n", finding.c_str());
  if (findings.left_out != 0) {
    std::printf("FOUND %llu more\n", static_cast<unsigned long long>(findings.left_out));
  }
}

}  // namespace

int VerifyStore(Arguments arguments) {
  std::vector<const char*> rest(arguments.begin(), arguments.end());
  const bool deep = std::erase_if(rest, [](std::string_view argument) { return argument == "--deep"; }) > 0;
  Invocation invocation;
  if (const Status status = ReadFlags(rest, &invocation); !status.ok()) return Complain("verify", status, 2);
  PosixDisk disk;
  const auto exists = storage::HasStore(disk, invocation.settings.data);
  if (!exists.ok()) return Complain("verify", exists.status());
  if (!*exists) return Complain("verify", NotFound("there is no store in " + invocation.settings.data));
  OfflineStore open(invocation.settings);
  if (!open.status().ok()) return Complain("verify", open.status());

  uint64_t total = 0;
  {
    storage::CatalogueReader reader = open.store().Read();
    const auto live = reader.index().Live(storage::CollectionOf(storage::Level::kInstance));
    if (live.ok()) total = live->Count();
  }
  Progress progress("verify", total, "instances");
  storage::VerifyOptions options;
  options.progress = [&](const storage::VerifyReport& report) {
    progress.Show(report.instances, report.bytes);
    return true;
  };
  const auto report = storage::Verify(open.store(), options);
  progress.Done();
  if (!report.ok()) return Complain("verify", report.status());
  const auto resources =
      VerifyResources(open, deep ? fhir::imaging::LinkDepth::kDeep : fhir::imaging::LinkDepth::kRows);
  if (!resources.ok()) return Complain("verify", resources.status());
  PrintFindings(report->findings);
  PrintFindings(resources->findings);
  const uint64_t findings = report->findings.count() + resources->findings.count();
  std::printf(
      "%llu studies, %llu series, %llu instances, %llu resources in %llu versions, %llu bytes read: %s\n",
      static_cast<unsigned long long>(report->studies), static_cast<unsigned long long>(report->series),
      static_cast<unsigned long long>(report->instances), static_cast<unsigned long long>(resources->resources),
      static_cast<unsigned long long>(resources->versions),
      static_cast<unsigned long long>(report->bytes + resources->bytes),
      findings == 0 ? "all good" : (std::to_string(findings) + (findings == 1 ? " finding" : " findings")).c_str());
  return findings == 0 ? 0 : 1;
}

int CheckReady(Arguments arguments) {
  Invocation invocation;
  if (const Status status = ReadFlags(arguments, &invocation); !status.ok()) return Complain("ready", status, 2);
  PosixDisk disk;
  const Status status = RequestReady(disk, invocation.settings.data);
  if (status.code() == Code::kNotFound)
    return Complain("ready", NotFound("no server serves " + invocation.settings.data));
  if (!status.ok()) return Complain("ready", status);
  std::puts("ready");
  return 0;
}

int BackupStore(Arguments arguments) {
  std::string to;
  Invocation invocation;
  if (const auto rest = ReadFlags(arguments, "--to", &to, &invocation); !rest.ok())
    return Complain("backup", rest.status(), 2);
  if (to.empty()) return Complain("backup", Invalid("--to DIR is needed: a folder that does not exist yet"), 2);
  PosixDisk disk;
  const auto exists = storage::HasStore(disk, invocation.settings.data);
  if (!exists.ok()) return Complain("backup", exists.status());
  if (!*exists) return Complain("backup", NotFound("there is no store in " + invocation.settings.data));
  if (const Status status = RefuseBackupInside(invocation.settings.data, to); !status.ok())
    return Complain("backup", status);

  // Whoever holds the lock of the folder has its store: only then is there a server to ask, whatever admin.json says.
  OfflineStore open(invocation.settings);
  Status status = open.status();
  if (status.ok()) {
    status = open.store().Backup(to);
  } else if (status.code() == Code::kUnavailable) {
    const Status requested = RequestBackup(open.disk(), invocation.settings.data, to);
    if (requested.code() != Code::kNotFound) status = requested;
  }
  if (!status.ok()) return Complain("backup", status);
  std::printf("backup written to %s\n", to.c_str());
  return 0;
}

}  // namespace hilum
