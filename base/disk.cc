#include "base/disk.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <mutex>
#include <system_error>
#include <utility>

namespace hilum {
namespace {

// Repeats a system call that a signal interrupted.
template <typename Call>
auto Retry(Call call) {
  auto result = call();
  while (result < 0 && errno == EINTR) result = call();
  return result;
}

Status PathError(std::string_view operation, const std::string& path, int error) {
  return ErrnoStatus(std::string(operation) + " " + path, error);
}

class PosixFile : public File {
 public:
  PosixFile(int descriptor, std::string path) : descriptor_(descriptor), path_(std::move(path)) {}
  ~PosixFile() override {
    if (direct_ >= 0) close(direct_);
    close(descriptor_);
  }
  PosixFile(const PosixFile&) = delete;
  PosixFile& operator=(const PosixFile&) = delete;

  Status ReadAt(uint64_t offset, std::span<char> out) const override {
    while (!out.empty()) {
      const ssize_t count =
          Retry([&] { return pread(descriptor_, out.data(), out.size(), static_cast<off_t>(offset)); });
      if (count < 0) return Failed("read", offset);
      if (count == 0) return Corruption("read " + path_ + ": the file ends at offset " + std::to_string(offset));
      offset += static_cast<uint64_t>(count);
      out = out.subspan(static_cast<size_t>(count));
    }
    return Status::Ok();
  }

  Status WriteAt(uint64_t offset, Bytes data) override { return WritePiecesAt(offset, {&data, 1}); }

  Status WritePiecesAt(uint64_t offset, std::span<const Bytes> pieces) override {
    std::array<iovec, 8> rest;
    while (!pieces.empty()) {
      const size_t taken = std::min(pieces.size(), rest.size());
      for (size_t i = 0; i < taken; ++i) rest[i] = {const_cast<char*>(pieces[i].data()), pieces[i].size()};
      pieces = pieces.subspan(taken);
      HILUM_RETURN_IF_ERROR(WriteVectors(&offset, std::span(rest).first(taken)));
    }
    return Status::Ok();
  }

  Status WriteDirectAt(uint64_t offset, Bytes data) override {
    // By the descriptor: the path may name another file by now.
    std::call_once(direct_opened_, [this] {
      const std::string self = "/proc/self/fd/" + std::to_string(descriptor_);
      direct_ = Retry([&] { return open(self.c_str(), O_RDWR | O_DIRECT | O_CLOEXEC); });
    });
    while (direct_ >= 0 && !data.empty()) {
      const ssize_t count =
          Retry([&] { return pwrite(direct_, data.data(), data.size(), static_cast<off_t>(offset)); });
      if (count < 0 && errno == EINVAL) break;  // a disk with larger blocks, or a file system that only seemed to can
      if (count < 0) return Failed("write", offset);
      offset += static_cast<uint64_t>(count);
      data.remove_prefix(static_cast<size_t>(count));
      if (count % kDirectBytes != 0) break;
    }
    return data.empty() ? Status::Ok() : WriteAt(offset, data);
  }

  Status Sync() override {
    if (Retry([&] { return fdatasync(descriptor_); }) < 0) return PathError("sync", path_, errno);
    return Status::Ok();
  }

  Status Truncate(uint64_t size) override {
    if (Retry([&] { return ftruncate(descriptor_, static_cast<off_t>(size)); }) < 0)
      return Failed("set the size of", size);
    return Status::Ok();
  }

  Status Preallocate(uint64_t offset, uint64_t length) override {
    if (length == 0) return Status::Ok();
    const int result = Retry([&] {
      return fallocate(descriptor_, FALLOC_FL_KEEP_SIZE, static_cast<off_t>(offset), static_cast<off_t>(length));
    });
    if (result < 0 && errno != EOPNOTSUPP && errno != ENOSYS) return Failed("reserve space in", offset);
    return Status::Ok();
  }

  Result<uint64_t> Size() const override {
    struct stat info;
    if (fstat(descriptor_, &info) < 0) return PathError("inspect", path_, errno);
    return static_cast<uint64_t>(info.st_size);
  }

  int descriptor() const override { return descriptor_; }

 private:
  Status Failed(std::string_view operation, uint64_t offset) const {
    return PathError(operation, path_ + " at offset " + std::to_string(offset), errno);
  }

  Status WriteVectors(uint64_t* offset, std::span<iovec> rest) const {
    while (true) {
      while (!rest.empty() && rest.front().iov_len == 0) rest = rest.subspan(1);
      if (rest.empty()) return Status::Ok();
      const ssize_t count = Retry([&] {
        return pwritev(descriptor_, rest.data(), static_cast<int>(rest.size()), static_cast<off_t>(*offset));
      });
      if (count < 0) return Failed("write", *offset);
      *offset += static_cast<uint64_t>(count);
      for (auto written = static_cast<size_t>(count); written > 0;) {
        iovec& first = rest.front();
        const size_t step = std::min(written, first.iov_len);
        first.iov_base = static_cast<char*>(first.iov_base) + step;
        first.iov_len -= step;
        written -= step;
        if (first.iov_len == 0) rest = rest.subspan(1);
      }
    }
  }

  const int descriptor_;
  const std::string path_;
  std::once_flag direct_opened_;
  int direct_ = -1;  // a second descriptor, O_DIRECT
};

int OpenFlags(OpenMode mode) {
  switch (mode) {
    case OpenMode::kRead:
      return O_RDONLY;
    case OpenMode::kReadWrite:
      return O_RDWR;
    case OpenMode::kCreateNew:
      return O_RDWR | O_CREAT | O_EXCL;
    case OpenMode::kReadWriteCreate:
      return O_RDWR | O_CREAT;
  }
  return O_RDONLY;
}

}  // namespace

Status File::WritePiecesAt(uint64_t offset, std::span<const Bytes> pieces) {
  for (const Bytes piece : pieces) {
    HILUM_RETURN_IF_ERROR(WriteAt(offset, piece));
    offset += piece.size();
  }
  return Status::Ok();
}

Result<std::shared_ptr<File>> PosixDisk::Open(const std::string& path, OpenMode mode) {
  constexpr mode_t kOwnerOnly = 0600;  // patient data
  const int descriptor = Retry([&] { return open(path.c_str(), OpenFlags(mode) | O_CLOEXEC, kOwnerOnly); });
  if (descriptor < 0 && errno == EEXIST) return Conflict("create " + path + ": it exists already");
  if (descriptor < 0) return PathError("open", path, errno);
  return std::shared_ptr<File>(std::make_shared<PosixFile>(descriptor, path));
}

Status PosixDisk::CreateDirectories(const std::string& path) {
  constexpr mode_t kOwnerOnly = 0700;
  HILUM_ASSIGN_OR_RETURN(const bool exists, Exists(path));
  if (!exists) {
    const std::string parent = ParentDirectory(path);
    HILUM_RETURN_IF_ERROR(CreateDirectories(parent));
    if (mkdir(path.c_str(), kOwnerOnly) < 0 && errno != EEXIST) return PathError("create the folder", path, errno);
    HILUM_RETURN_IF_ERROR(SyncDirectory(parent));
  }
  struct stat info;
  if (stat(path.c_str(), &info) < 0) return PathError("inspect", path, errno);
  if (!S_ISDIR(info.st_mode)) return PathError("create the folder", path, ENOTDIR);
  return Status::Ok();
}

Status PosixDisk::SyncDirectory(const std::string& path) {
  const int descriptor = Retry([&] { return open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); });
  if (descriptor < 0) return PathError("open the folder", path, errno);
  const int result = Retry([&] { return fsync(descriptor); });
  const int error = errno;
  close(descriptor);
  if (result < 0) return PathError("sync the folder", path, error);
  return Status::Ok();
}

Status PosixDisk::Rename(const std::string& from, const std::string& to) {
  if (rename(from.c_str(), to.c_str()) < 0) return PathError("rename", from + " to " + to, errno);
  return Status::Ok();
}

Status PosixDisk::Remove(const std::string& path) {
  if (remove(path.c_str()) < 0) return PathError("remove", path, errno);
  return Status::Ok();
}

Status PosixDisk::HardLink(const std::string& from, const std::string& to) {
  if (link(from.c_str(), to.c_str()) == 0) return Status::Ok();
  if (errno == EEXIST) return Conflict("link " + from + " to " + to + ": it exists already");
  return PathError("link", from + " to " + to, errno);
}

Result<bool> PosixDisk::Exists(const std::string& path) const {
  struct stat info;
  if (stat(path.c_str(), &info) == 0) return true;
  if (errno == ENOENT) return false;
  return PathError("inspect", path, errno);
}

Result<std::vector<std::string>> PosixDisk::List(const std::string& path) const {
  std::error_code error;
  std::vector<std::string> names;
  std::filesystem::directory_iterator entries(path, error);
  for (; !error && entries != std::filesystem::directory_iterator(); entries.increment(error)) {
    names.push_back(entries->path().filename().string());
  }
  if (error) return PathError("list the folder", path, error.value());
  std::sort(names.begin(), names.end());
  return names;
}

Result<uint64_t> PosixDisk::FreeBytes(const std::string& path) const {
  struct statvfs info;
  if (Retry([&] { return statvfs(path.c_str(), &info); }) < 0) return PathError("ask the free space of", path, errno);
  return static_cast<uint64_t>(info.f_bavail) * info.f_frsize;
}

Result<std::string> ReadWholeFile(Disk& disk, const std::string& path, uint64_t limit_bytes) {
  HILUM_ASSIGN_OR_RETURN(const auto file, disk.Open(path, OpenMode::kRead));
  HILUM_ASSIGN_OR_RETURN(const uint64_t size, file->Size());
  if (size > limit_bytes) {
    return LimitExceeded("read " + path + ": it has " + std::to_string(size) + " bytes, the limit is " +
                         std::to_string(limit_bytes));
  }
  std::string content(size, '\0');
  HILUM_RETURN_IF_ERROR(file->ReadAt(0, content));
  return content;
}

Status WriteWholeFile(Disk& disk, const std::string& path, Bytes content, FileReaders readers) {
  const std::string temporary = path + ".tmp";
  HILUM_ASSIGN_OR_RETURN(const auto file, disk.Open(temporary, OpenMode::kReadWriteCreate));
  HILUM_RETURN_IF_ERROR(file->Truncate(0));
  if (readers == FileReaders::kOwner && file->descriptor() >= 0 && fchmod(file->descriptor(), S_IRUSR | S_IWUSR) != 0)
    return ErrnoStatus("set the permissions of " + temporary, errno);
  HILUM_RETURN_IF_ERROR(file->WriteAt(0, content));
  HILUM_RETURN_IF_ERROR(file->Sync());
  HILUM_RETURN_IF_ERROR(disk.Rename(temporary, path));
  return disk.SyncDirectory(ParentDirectory(path));
}

std::string ParentDirectory(const std::string& path) {
  const size_t end = path.find_last_not_of('/');
  if (end == std::string::npos) return path.empty() ? "." : "/";
  const size_t slash = path.rfind('/', end);
  if (slash == std::string::npos) return ".";
  const size_t parent_end = path.find_last_not_of('/', slash);
  return parent_end == std::string::npos ? "/" : path.substr(0, parent_end + 1);
}

}  // namespace hilum
