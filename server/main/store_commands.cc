// Commands that work on a data folder: import, verify, backup, restore.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <functional>

#include "base/mapping.h"
#include "fhir/imaging/verify.h"
#include "fhir/store/verify.h"
#include "pipelines/fhir_import/import.h"
#include "server/main/admin.h"
#include "server/main/commands.h"
#include "server/main/progress.h"
#include "server/main/settings.h"
#include "storage/store/secret.h"

extern char** environ;

namespace hilum {
namespace {

namespace fs = std::filesystem;

// What every command needs: the settings (for the data folder and the store), and some flags of its own.
struct Invocation {
  Settings settings;
  std::vector<std::string> rest;
};

int Complain(const char* command, const Status& status, int code = 1) {
  std::fprintf(stderr, "hilum %s: %s\n", command, status.message().c_str());
  return code;
}

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

Status Read(Arguments arguments, Invocation* invocation) {
  HILUM_ASSIGN_OR_RETURN(invocation->rest, invocation->settings.MakeConfig().Parse(arguments, environ));
  return invocation->settings.Finish();
}

// Of commands that take flags alone: what is left over was meant to be something, perhaps the folder.
Status ReadFlags(Arguments arguments, Invocation* invocation) {
  HILUM_RETURN_IF_ERROR(Read(arguments, invocation));
  if (invocation->rest.empty()) return Status::Ok();
  return Invalid("'" + invocation->rest.front() + "' is not a flag; the store's folder is named with --data DIR");
}

// The same, with the flag `name` taken out; gives the others.
Result<std::vector<const char*>> ReadFlags(Arguments arguments, std::string_view name, std::string* value,
                                           Invocation* invocation) {
  HILUM_ASSIGN_OR_RETURN(std::vector<const char*> rest, TakeFlag(arguments, name, value));
  HILUM_RETURN_IF_ERROR(ReadFlags(rest, invocation));
  return rest;
}

class OpenStore {
 public:
  explicit OpenStore(const Settings& settings) : log_(2, LogLevel::kWarning) {
    auto store = storage::Store::Open(settings.store, disk_, clock_, random_, log_);
    status_ = store.status();
    if (store.ok()) store_ = *std::move(store);
  }
  ~OpenStore() { status_.IgnoreError(); }
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

// An error when there was one, and part of it is gone.
Result<bool> HasStore(const std::string& data) {
  PosixDisk disk;
  HILUM_RETURN_IF_ERROR(storage::CheckRowsAreThere(disk, data));
  std::error_code error;
  const bool exists = fs::exists(data + "/kv", error);
  if (error) return IoError("look at " + data + ": " + error.message());
  return exists;
}

// Folders in order of name: what others refer to can come first.
Result<std::vector<std::string>> FilesBelow(const std::vector<std::string>& paths) {
  std::vector<std::string> files;
  for (const std::string& path : paths) {
    std::error_code error;
    if (!fs::is_directory(path, error)) {
      files.push_back(path);
      continue;
    }
    const size_t begin = files.size();
    for (fs::recursive_directory_iterator it(path, fs::directory_options::skip_permission_denied, error), end;
         it != end && !error; it.increment(error))
      if (it->is_regular_file(error)) files.push_back(it->path().string());
    if (error) return IoError("list " + path + ": " + error.message());
    std::sort(files.begin() + static_cast<std::ptrdiff_t>(begin), files.end());
  }
  return files;
}

// An error means that the file could not be opened; whatever happens after that is an outcome of the batch.
Status ImportFile(OpenStore& open, const std::string& path, IngestBatch& batch, uint64_t* bytes) {
  HILUM_ASSIGN_OR_RETURN(const std::shared_ptr<File> file, open.disk().Open(path, OpenMode::kRead));
  HILUM_ASSIGN_OR_RETURN(const uint64_t size, file->Size());
  std::string piece(256 * 1024, '\0');
  batch.BeginInstance();
  for (uint64_t at = 0; at < size; at += piece.size()) {
    const size_t step = std::min<uint64_t>(piece.size(), size - at);
    if (!file->ReadAt(at, {piece.data(), step}).ok()) {
      batch.EndInstance(/*received_whole=*/false);
      return Status::Ok();
    }
    batch.Append({piece.data(), step});
  }
  batch.EndInstance();
  *bytes += size;
  return Status::Ok();
}

struct DicomTotals {
  uint64_t stored = 0, identical = 0, failed = 0;
};

DicomTotals ImportDicom(OpenStore& open, const std::vector<std::string>& files, const IngestOptions& options) {
  constexpr size_t kFilesPerBatch = 64;
  DicomTotals totals;
  uint64_t bytes = 0;
  Progress progress("import", files.size(), "files");
  for (size_t begin = 0; begin < files.size(); begin += kFilesPerBatch) {
    const size_t end = std::min(begin + kFilesPerBatch, files.size());
    IngestBatch batch(open.store(), options, std::nullopt, Logger());
    std::vector<std::string> taken;
    for (size_t i = begin; i < end; ++i) {
      const Status status = ImportFile(open, files[i], batch, &bytes);
      if (status.ok()) {
        taken.push_back(files[i]);
      } else {
        ++totals.failed;
        std::fprintf(stderr, "%s: %s\n", files[i].c_str(), status.message().c_str());
      }
    }
    const std::vector<InstanceOutcome> outcomes = batch.Finish();
    for (size_t i = 0; i < outcomes.size(); ++i) {
      if (outcomes[i].kind == InstanceOutcome::Kind::kIdentical)
        ++totals.identical;
      else if (outcomes[i].stored())
        ++totals.stored;
      else {
        ++totals.failed;
        std::fprintf(stderr, "%s: %s\n", taken[i].c_str(), outcomes[i].explanation.c_str());
      }
    }
    progress.Show(end, bytes);
  }
  progress.Done();
  return totals;
}

void Print(const FhirImportReport& report, double seconds) {
  for (const FhirRefusal& refusal : report.refusals) {
    std::fprintf(stderr, "%s%s%s: %s\n", refusal.file.c_str(), refusal.place.empty() ? "" : ", ", refusal.place.c_str(),
                 refusal.reason.c_str());
  }
  if (report.refused > report.refusals.size()) {
    std::fprintf(stderr, "... and %llu more\n",
                 static_cast<unsigned long long>(report.refused - report.refusals.size()));
  }
  if (report.dangling > 0) {
    std::fprintf(stderr, "%llu references lead to resources that were not there when they were stored\n",
                 static_cast<unsigned long long>(report.dangling));
  }
  const uint64_t done = report.written + report.unchanged;
  std::printf("FHIR: %llu written, %llu unchanged, %llu refused; %.1f s, %.0f resources/s\n",
              static_cast<unsigned long long>(report.written), static_cast<unsigned long long>(report.unchanged),
              static_cast<unsigned long long>(report.refused), seconds,
              static_cast<double>(done) / std::max(seconds, 0.001));
}

// How many were refused.
Result<uint64_t> ImportFhir(OpenStore& open, fhir::ResourceStore& resources, const std::vector<std::string>& files,
                            const Settings& settings) {
  HILUM_ASSIGN_OR_RETURN(std::string cursor_key, storage::StoredSecret(open.store(), open.random(), "cursor"));
  fhir::Interactions interactions(resources, settings.interactions, std::move(cursor_key));
  uint64_t total = 0;
  for (const std::string& file : files) {
    std::error_code error;
    const uint64_t size = fs::file_size(file, error);
    if (!error) total += size;
  }
  const auto started = std::chrono::steady_clock::now();
  Progress progress("import", total, "bytes");
  FhirImport import(resources, interactions, {.base_url = settings.resources.base_url, .progress = [&](uint64_t bytes) {
                                                progress.Show(bytes, bytes);
                                              }});
  for (const std::string& file : files) {
    if (!import.Add(file).ok()) break;  // Finish says it again
  }
  const Status finished = import.Finish();
  progress.Done();
  Print(import.report(), std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count());
  HILUM_RETURN_IF_ERROR(finished);
  return import.report().refused;
}

// Empty when the store was never opened for resources.
Result<fhir::ResourceReport> VerifyResources(OpenStore& open, fhir::imaging::LinkDepth depth) {
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

Status RefuseForeignFolder(const Disk& disk, const std::string& data) {
  const auto names = disk.List(data);
  if (names.status().code() == Code::kNotFound) return Status::Ok();
  HILUM_RETURN_IF_ERROR(names.status().WithContext("look at " + data));
  if (std::ranges::find(*names, "kv") != names->end()) return Status::Ok();
  for (const std::string& name : *names) {
    // What a file system or a start that was cut short may have left.
    if (name == "lost+found" || name == "lock" || name == "objects") continue;
    return Conflict(data + " holds '" + name +
                    "' but no store: name an empty folder, or one that does not exist yet, " +
                    "with --data, and a new store is made there");
  }
  return Status::Ok();
}

int Import(Arguments arguments) {
  Invocation invocation;
  if (const Status status = Read(arguments, &invocation); !status.ok()) return Complain("import", status, 2);
  if (invocation.rest.empty()) return Complain("import", Invalid("name files or folders to import"), 2);
  auto files = FilesBelow(invocation.rest);
  if (!files.ok()) return Complain("import", files.status());
  if (const Status status = RefuseForeignFolder(PosixDisk(), invocation.settings.data); !status.ok())
    return Complain("import", status);
  OpenStore open(invocation.settings);
  if (!open.status().ok()) return Complain("import", open.status());

  const auto middle = std::stable_partition(files->begin(), files->end(),
                                            [](const std::string& file) { return !FhirImport::Takes(file); });
  const std::vector<std::string> dicom(files->begin(), middle);
  const std::vector<std::string> fhir_files(middle, files->end());
  // By the settings of the index: those of a server that is not told here would be brought to others.
  auto resources =
      fhir::ResourceStore::OpenAsBound(open.store(), invocation.settings.resources, open.clock(), open.random());
  if (resources.ok() && *resources == nullptr)
    resources = fhir::ResourceStore::Open(open.store(), invocation.settings.resources, open.clock(), open.random());
  if (!resources.ok()) return Complain("import", resources.status());
  const auto linker = fhir::imaging::Linker::Start(open.store(), **resources, invocation.settings.imaging);
  if (!linker.ok()) return Complain("import", linker.status());
  uint64_t failed = 0;
  if (!dicom.empty() || fhir_files.empty()) {
    const DicomTotals totals = ImportDicom(open, dicom, invocation.settings.dicomweb.ingest);
    std::printf("%llu stored, %llu already there, %llu failed\n", static_cast<unsigned long long>(totals.stored),
                static_cast<unsigned long long>(totals.identical), static_cast<unsigned long long>(totals.failed));
    failed += totals.failed;
  }
  if (!fhir_files.empty()) {
    const auto refused = ImportFhir(open, **resources, fhir_files, invocation.settings);
    if (!refused.ok()) return Complain("import", refused.status());
    failed += *refused;
  }
  return failed == 0 ? 0 : 1;
}

int VerifyStore(Arguments arguments) {
  std::vector<const char*> rest(arguments.begin(), arguments.end());
  const bool deep = std::erase_if(rest, [](std::string_view argument) { return argument == "--deep"; }) > 0;
  Invocation invocation;
  if (const Status status = ReadFlags(rest, &invocation); !status.ok()) return Complain("verify", status, 2);
  const auto exists = HasStore(invocation.settings.data);
  if (!exists.ok()) return Complain("verify", exists.status());
  if (!*exists) return Complain("verify", NotFound("there is no store in " + invocation.settings.data));
  OpenStore open(invocation.settings);
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
  const auto exists = HasStore(invocation.settings.data);
  if (!exists.ok()) return Complain("backup", exists.status());
  if (!*exists) return Complain("backup", NotFound("there is no store in " + invocation.settings.data));
  if (const Status status = RefuseBackupInside(invocation.settings.data, to); !status.ok())
    return Complain("backup", status);

  // Whoever holds the lock of the folder has its store: only then is there a server to ask, whatever admin.json says.
  OpenStore open(invocation.settings);
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

namespace {

// What lies below a data folder, files and folders, itself included; without what is of a server that is no more.
struct FolderContent {
  std::vector<fs::path> folders;
  std::vector<fs::path> files;
  uint64_t bytes = 0;
};

Result<FolderContent> ContentOf(const fs::path& folder) {
  FolderContent content{.folders = {folder}};
  std::error_code error;
  for (fs::recursive_directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    if (it->is_directory(error)) content.folders.push_back(it->path());
    if (error || !it->is_regular_file(error) || it->path() == folder / AdminRoutes::kAnnouncement) continue;
    content.files.push_back(it->path());
    content.bytes += it->file_size(error);
  }
  if (error) return IoError("read " + folder.string() + ": " + error.message());
  return content;
}

// All of it is durable when it returns OK. `copied` is told of bytes.
Status CopyFolder(Disk& disk, const fs::path& from, const fs::path& to, const FolderContent& content,
                  const std::function<void(uint64_t)>& copied) {
  const auto target = [&](const fs::path& path) { return (to / path.lexically_relative(from)).lexically_normal(); };
  for (const fs::path& folder : content.folders) HILUM_RETURN_IF_ERROR(disk.CreateDirectories(target(folder).string()));
  for (const fs::path& file : content.files) {
    std::error_code error;
    fs::copy_file(file, target(file), error);
    if (error) return IoError("copy " + file.string() + ": " + error.message());
    HILUM_ASSIGN_OR_RETURN(const auto copy, disk.Open(target(file).string(), OpenMode::kReadWrite));
    HILUM_RETURN_IF_ERROR(copy->Sync());
    HILUM_ASSIGN_OR_RETURN(const uint64_t bytes, copy->Size());
    copied(bytes);
  }
  for (const fs::path& folder : content.folders) HILUM_RETURN_IF_ERROR(disk.SyncDirectory(target(folder).string()));
  return Status::Ok();
}

}  // namespace

int RestoreStore(Arguments arguments) {
  std::string from;
  Invocation invocation;
  const auto rest = ReadFlags(arguments, "--from", &from, &invocation);
  if (!rest.ok()) return Complain("restore", rest.status(), 2);
  const std::string& data = invocation.settings.data;
  if (from.empty()) return Complain("restore", Invalid("--from DIR is needed: the folder of a backup"), 2);
  PosixDisk disk;
  if (const Status status = disk.List(from).status(); !status.ok())
    return Complain("restore", status.WithContext("--from " + from));
  const auto source = HasStore(from);
  if (!source.ok()) return Complain("restore", source.status());
  if (!*source) return Complain("restore", NotFound("there is no backup in " + from + ": it holds no folder 'kv'"));
  std::error_code error;
  if (fs::exists(data, error) && !fs::is_empty(data, error))
    return Complain("restore", Conflict(data + " is not empty; move it away first, nothing is overwritten"));

  const auto lock = storage::LockForCopy(disk, from);
  if (!lock.ok())
    return Complain("restore",
                    lock.status().WithContext("only what does not change can be copied; hilum backup --data " + from +
                                              " makes such a copy"));
  const auto content = ContentOf(from);
  if (!content.ok()) return Complain("restore", content.status());
  Progress progress("restore", content->bytes, "bytes");
  uint64_t done = 0;
  const Status status = CopyFolder(disk, from, data, *content, [&](uint64_t bytes) {
    done += bytes;
    progress.Show(done, done);
  });
  progress.Done();
  if (!status.ok())
    return Complain("restore", status.WithContext(data + " holds a part of the backup only; remove it and try again"));
  const int found = VerifyStore(*rest);
  if (found != 0)
    std::fprintf(stderr,
                 "hilum restore: %s holds a copy of %s that is not sound, as is said above. If hilum verify --data %s "
                 "finds the same, the backup itself is damaged: remove %s and restore another backup.\n",
                 data.c_str(), from.c_str(), from.c_str(), data.c_str());
  return found;
}

}  // namespace hilum
