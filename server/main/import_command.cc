// hilum import: DICOM and FHIR files into a data folder.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>

#include "fhir/imaging/linker.h"
#include "pipelines/fhir_import/import.h"
#include "server/main/offline.h"
#include "server/main/progress.h"
#include "storage/store/secret.h"

namespace hilum {
namespace {

namespace fs = std::filesystem;

struct Listing {
  std::vector<std::string> files;
  uint64_t folders_not_read = 0;
};

// Those in the folder and below it, in order of name: what others refer to can come first. Links to files are followed;
// those to folders, which might lead round in circles, are named and left out.
void AddFilesBelow(const fs::path& top, Listing* listing) {
  const size_t begin = listing->files.size();
  std::vector<fs::path> folders = {top};
  while (!folders.empty()) {
    const fs::path folder = std::move(folders.back());
    folders.pop_back();
    std::error_code error;
    for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
      std::error_code unknown;
      const bool is_folder = it->is_directory(unknown);
      if (is_folder && it->is_symlink(unknown))
        std::fprintf(stderr, "%s: a link to a folder is not followed; name it to import it\n", it->path().c_str());
      else if (is_folder)
        folders.push_back(it->path());
      else if (it->is_regular_file(unknown) || unknown)  // whoever opens it says what is wrong with it
        listing->files.push_back(it->path().string());
    }
    if (!error) continue;
    ++listing->folders_not_read;
    std::fprintf(stderr, "%s: %s\n", folder.c_str(), error.message().c_str());
  }
  std::sort(listing->files.begin() + static_cast<std::ptrdiff_t>(begin), listing->files.end());
}

Listing FilesBelow(const std::vector<std::string>& paths) {
  Listing listing;
  for (const std::string& path : paths) {
    std::error_code error;
    if (fs::is_directory(path, error))
      AddFilesBelow(path, &listing);
    else
      listing.files.push_back(path);  // likewise
  }
  return listing;
}

// For a summary; empty when there are none.
std::string NotRead(uint64_t folders) {
  if (folders == 0) return "";
  return ", " + std::to_string(folders) + (folders == 1 ? " folder" : " folders") + " not read";
}

// An error means that the file could not be opened; whatever happens after that is an outcome of the batch.
Status ImportFile(OfflineStore& open, const std::string& path, IngestBatch& batch, uint64_t* bytes) {
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

DicomTotals ImportDicom(OfflineStore& open, const std::vector<std::string>& files, const IngestOptions& options) {
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
Result<uint64_t> ImportFhir(OfflineStore& open, fhir::ResourceStore& resources, const std::vector<std::string>& files,
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

}  // namespace

int Import(Arguments arguments) {
  Invocation invocation;
  if (const Status status = Read(arguments, &invocation); !status.ok()) return Complain("import", status, 2);
  if (invocation.rest.empty()) return Complain("import", Invalid("name files or folders to import"), 2);
  Listing listing = FilesBelow(invocation.rest);
  if (const Status status = RefuseForeignFolder(PosixDisk(), invocation.settings.data); !status.ok())
    return Complain("import", status);
  OfflineStore open(invocation.settings);
  if (!open.status().ok()) return Complain("import", open.status());
  if (!invocation.settings.store.accept_loss) {
    if (const Status status = storage::CheckSegments(open.store()); !status.ok()) return Complain("import", status);
  }

  const auto middle = std::stable_partition(listing.files.begin(), listing.files.end(),
                                            [](const std::string& file) { return !FhirImport::Takes(file); });
  const std::vector<std::string> dicom(listing.files.begin(), middle);
  const std::vector<std::string> fhir_files(middle, listing.files.end());
  invocation.settings.resources.log = open.log();
  // By the settings of the index: those of a server that is not told here would be brought to others.
  auto resources =
      fhir::ResourceStore::OpenAsBound(open.store(), invocation.settings.resources, open.clock(), open.random());
  if (resources.ok() && *resources == nullptr)
    resources = fhir::ResourceStore::Open(open.store(), invocation.settings.resources, open.clock(), open.random());
  if (!resources.ok()) return Complain("import", resources.status());
  const auto linker = fhir::imaging::Linker::Start(open.store(), **resources, invocation.settings.imaging, open.log());
  if (!linker.ok()) return Complain("import", linker.status());
  uint64_t failed = listing.folders_not_read;
  if (!dicom.empty() || fhir_files.empty() || failed > 0) {
    const DicomTotals totals = ImportDicom(open, dicom, invocation.settings.dicomweb.ingest);
    std::printf("%llu stored, %llu already there, %llu failed%s\n", static_cast<unsigned long long>(totals.stored),
                static_cast<unsigned long long>(totals.identical), static_cast<unsigned long long>(totals.failed),
                NotRead(listing.folders_not_read).c_str());
    failed += totals.failed;
  }
  if (!fhir_files.empty()) {
    const auto refused = ImportFhir(open, **resources, fhir_files, invocation.settings);
    if (!refused.ok()) return Complain("import", refused.status());
    failed += *refused;
  }
  return failed == 0 ? 0 : 1;
}

}  // namespace hilum
