#include "storage/object/backup.h"

#include <algorithm>

namespace hilum::storage::segment {

Status CopyFile(Disk& disk, const File& from, uint64_t bytes, const std::string& to) {
  constexpr uint64_t kBlockBytes = 1 << 20;
  HILUM_ASSIGN_OR_RETURN(const uint64_t size, from.Size());
  bytes = std::min(bytes, size);
  HILUM_ASSIGN_OR_RETURN(const std::shared_ptr<File> file, disk.Open(to, OpenMode::kCreateNew));
  std::string block;
  for (uint64_t offset = 0; offset < bytes; offset += block.size()) {
    block.resize(std::min(kBlockBytes, bytes - offset));
    HILUM_RETURN_IF_ERROR(from.ReadAt(offset, block));
    HILUM_RETURN_IF_ERROR(file->WriteAt(offset, block));
  }
  return file->Sync();
}

}  // namespace hilum::storage::segment
