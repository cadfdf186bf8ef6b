// hilum restore: a data folder out of a backup, checked.
#include <cstdio>
#include <filesystem>
#include <functional>

#include "server/main/admin.h"
#include "server/main/offline.h"
#include "server/main/progress.h"

namespace hilum {
namespace {

namespace fs = std::filesystem;

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

Status CheckTarget(Disk& disk, const std::string& from, const std::string& data) {
  HILUM_RETURN_IF_ERROR(RefuseBackupInside(from, data));
  const auto names = disk.List(data);
  if (names.status().code() == Code::kNotFound) return Status::Ok();
  HILUM_RETURN_IF_ERROR(names.status());
  for (const std::string& name : *names) {
    if (name != "lost+found")  // of a file system of its own
      return Conflict(data + " is not empty; move it away first, nothing is overwritten");
  }
  return Status::Ok();
}

Status CheckRoom(const Disk& disk, const fs::path& data, uint64_t bytes) {
  fs::path existing = fs::absolute(data);
  std::error_code error;
  while (!fs::exists(existing, error) && existing.has_relative_path()) existing = existing.parent_path();
  HILUM_ASSIGN_OR_RETURN(const uint64_t free, disk.FreeBytes(existing.string()));
  if (free >= bytes) return Status::Ok();
  return DiskFull("the backup has " + std::to_string(bytes) + " bytes, but only " + std::to_string(free) +
                  " are free where " + data.string() + " would be");
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
  const auto source = storage::HasStore(disk, from);
  if (!source.ok()) return Complain("restore", source.status());
  if (!*source) return Complain("restore", NotFound("there is no backup in " + from + ": it holds no folder 'kv'"));
  if (const Status status = CheckTarget(disk, from, data); !status.ok()) return Complain("restore", status);

  const auto lock = storage::LockForCopy(disk, from);
  if (!lock.ok())
    return Complain("restore",
                    lock.status().WithContext("only what does not change can be copied; hilum backup --data " + from +
                                              " makes such a copy"));
  const auto content = ContentOf(from);
  if (!content.ok()) return Complain("restore", content.status());
  if (const Status status = CheckRoom(disk, data, content->bytes); !status.ok()) return Complain("restore", status);
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
