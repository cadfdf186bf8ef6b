#include "tests/support/memory_disk.h"

#include <algorithm>
#include <cerrno>
#include <limits>
#include <mutex>
#include <random>
#include <set>
#include <utility>

namespace hilum {
namespace {

constexpr uint64_t kPage = 4096;
constexpr uint64_t kSector = 512;

using Page = std::array<char, kPage>;
using Pages = std::map<uint64_t, std::shared_ptr<Page>>;  // page number -> content; absent pages are zeros

// A file's content as the running system sees it and as the medium holds it.
struct Inode {
  uint64_t size = 0;
  Pages pages;
  uint64_t reserved = 0;  // end of what is preallocated
  uint64_t synced_size = 0;
  Pages synced_pages;
  std::set<uint64_t> dirty;  // pages the next sync saves

  uint64_t Charge() const {
    const uint64_t reserved_pages = (reserved + kPage - 1) / kPage;
    uint64_t beyond = 0;
    for (auto it = pages.lower_bound(reserved_pages); it != pages.end(); ++it) ++beyond;
    return (reserved_pages + beyond) * kPage;
  }

  void CopyOut(uint64_t offset, std::span<char> out) const {
    while (!out.empty()) {
      const uint64_t begin = offset % kPage;
      const size_t step = std::min<uint64_t>(out.size(), kPage - begin);
      const auto page = pages.find(offset / kPage);
      if (page == pages.end())
        std::fill_n(out.data(), step, '\0');
      else
        std::copy_n(page->second->data() + begin, step, out.data());
      offset += step;
      out = out.subspan(step);
    }
  }

  void CopyIn(uint64_t offset, Bytes data) {
    size = std::max(size, offset + data.size());
    while (!data.empty()) {
      const uint64_t begin = offset % kPage;
      const size_t step = std::min<uint64_t>(data.size(), kPage - begin);
      std::copy_n(data.data(), step, Writable(offset / kPage).data() + begin);
      offset += step;
      data.remove_prefix(step);
    }
  }

  void Resize(uint64_t to) {
    if (to <= size) {
      const uint64_t first_gone = (to + kPage - 1) / kPage;
      for (auto it = pages.lower_bound(first_gone); it != pages.end(); it = pages.erase(it)) dirty.insert(it->first);
      if (to % kPage != 0 && pages.count(to / kPage) > 0) {
        Page& last = Writable(to / kPage);
        std::fill(last.begin() + static_cast<ptrdiff_t>(to % kPage), last.end(), '\0');
      }
    }
    size = to;
    reserved = std::min(reserved, to);
  }

  void Save() {
    for (const uint64_t number : dirty) {
      const auto page = pages.find(number);
      if (page == pages.end())
        synced_pages.erase(number);
      else
        synced_pages[number] = page->second;
    }
    dirty.clear();
    synced_size = size;
  }

  // What the medium holds after power loss.
  std::shared_ptr<Inode> AfterCrash(MemoryDisk::Loss loss, std::mt19937_64& random) const {
    auto survivor = std::make_shared<Inode>();
    survivor->pages = synced_pages;
    survivor->size = synced_size;
    if (loss == MemoryDisk::Loss::kAnyOfUnsynced) {
      if (random() % 2 == 0) survivor->size = size;
      for (const uint64_t number : dirty) survivor->MaybeKeep(*this, number, random);
      survivor->Resize(survivor->size);
    }
    survivor->dirty.clear();
    survivor->synced_pages = survivor->pages;
    survivor->synced_size = survivor->size;
    survivor->reserved = reserved;
    return survivor;
  }

 private:
  // Pages are shared between what is seen and what is synced until one is written.
  Page& Writable(uint64_t number) {
    std::shared_ptr<Page>& page = pages[number];
    if (!page)
      page = std::make_shared<Page>(Page{});
    else if (page.use_count() > 1)
      page = std::make_shared<Page>(*page);
    dirty.insert(number);
    return *page;
  }

  void MaybeKeep(const Inode& unsynced, uint64_t number, std::mt19937_64& random) {
    if (number * kPage >= size) return;
    const uint64_t choice = random() % 3;
    if (choice == 0) return;
    Page seen{};
    if (const auto page = unsynced.pages.find(number); page != unsynced.pages.end()) seen = *page->second;
    const uint64_t kept = choice == 1 ? kPage : random() % (kPage / kSector) * kSector;
    std::copy_n(seen.begin(), kept, Writable(number).begin());
  }
};

using Names = std::map<std::string, std::shared_ptr<Inode>>;

std::string Normal(const std::string& path) {
  const size_t end = path.find_last_not_of('/');
  return end == std::string::npos ? path.substr(0, 1) : path.substr(0, end + 1);
}

}  // namespace

struct MemoryDisk::State {
  struct Fault {
    uint64_t countdown = 0;  // 0: none
    int error = 0;
    bool for_good = false;
    bool happened = false;
  };

  std::mutex mu;
  Names names;
  Names synced_names;
  std::set<std::string> directories;
  std::vector<std::weak_ptr<Inode>> inodes;
  uint64_t capacity = std::numeric_limits<uint64_t>::max();
  std::array<Fault, kDiskOps> faults;
  std::array<uint64_t, kDiskOps> counts{};
  std::vector<Call> calls;
  std::function<void()> after_sync;

  // Counts the call; the error it shall fail with, or 0. REQUIRES: mu held.
  int Enter(DiskOp op, const std::string& path, uint64_t offset = 0, uint64_t length = 0) {
    ++counts[static_cast<size_t>(op)];
    calls.push_back({op, path, offset, length});
    Fault& fault = faults[static_cast<size_t>(op)];
    if (fault.countdown == 0 || (fault.countdown > 1 && --fault.countdown > 0)) return 0;
    fault.countdown = fault.for_good ? 1 : 0;
    fault.happened = true;
    return fault.error;
  }

  std::shared_ptr<Inode> NewInode() {
    auto inode = std::make_shared<Inode>();
    inodes.push_back(inode);
    return inode;
  }

  uint64_t Used() {
    std::erase_if(inodes, [](const std::weak_ptr<Inode>& inode) { return inode.expired(); });
    uint64_t used = 0;
    for (const auto& weak : inodes) {
      if (const auto inode = weak.lock()) used += inode->Charge();
    }
    return used;
  }

  uint64_t Free() {
    if (capacity == std::numeric_limits<uint64_t>::max()) return capacity;
    const uint64_t used = Used();
    return capacity > used ? capacity - used : 0;
  }
};

namespace {

Status Failed(std::string_view operation, const std::string& path, int error) {
  return ErrnoStatus(std::string(operation) + " " + path, error);
}

}  // namespace

class MemoryDisk::OpenFile : public File {
 public:
  OpenFile(std::shared_ptr<State> state, std::shared_ptr<Inode> inode, std::string path, bool writable)
      : state_(std::move(state)), inode_(std::move(inode)), path_(std::move(path)), writable_(writable) {}

  Status ReadAt(uint64_t offset, std::span<char> out) const override {
    const std::lock_guard lock(state_->mu);
    if (const int error = state_->Enter(DiskOp::kRead, path_, offset, out.size())) return Failed("read", path_, error);
    if (offset > inode_->size || out.size() > inode_->size - offset) {
      return Corruption("read " + path_ + ": the file ends at offset " + std::to_string(inode_->size));
    }
    inode_->CopyOut(offset, out);
    return Status::Ok();
  }

  Status WriteAt(uint64_t offset, Bytes data) override { return WritePiecesAt(offset, {&data, 1}); }

  Status WritePiecesAt(uint64_t offset, std::span<const Bytes> pieces) override {
    std::string data;
    for (const Bytes piece : pieces) data += piece;
    const std::lock_guard lock(state_->mu);
    int error = state_->Enter(DiskOp::kWrite, path_, offset, data.size());
    if (!writable_) error = EBADF;
    if (error == 0 && MissingSpace(offset + data.size())) error = ENOSPC;
    if (error != 0) {
      if (writable_ && error != ENOSPC) inode_->CopyIn(offset, Bytes(data).substr(0, data.size() / 2));
      return Failed("write", path_, error);
    }
    inode_->CopyIn(offset, data);
    return Status::Ok();
  }

  Status Sync() override {
    std::function<void()> hook;
    {
      const std::lock_guard lock(state_->mu);
      if (const int error = state_->Enter(DiskOp::kSync, path_)) {
        inode_->dirty.clear();
        return Failed("sync", path_, error);
      }
      inode_->Save();
      hook = state_->after_sync;
    }
    if (hook) hook();
    return Status::Ok();
  }

  Status Truncate(uint64_t size) override {
    const std::lock_guard lock(state_->mu);
    if (const int error = state_->Enter(DiskOp::kTruncate, path_, size)) return Failed("truncate", path_, error);
    inode_->Resize(size);
    return Status::Ok();
  }

  Status Preallocate(uint64_t offset, uint64_t length) override {
    const std::lock_guard lock(state_->mu);
    int error = state_->Enter(DiskOp::kPreallocate, path_, offset, length);
    if (error == 0 && MissingSpace(offset + length)) error = ENOSPC;
    if (error != 0) return Failed("reserve space in", path_, error);
    inode_->reserved = std::max(inode_->reserved, offset + length);
    return Status::Ok();
  }

  Result<uint64_t> Size() const override {
    const std::lock_guard lock(state_->mu);
    return inode_->size;
  }

  int descriptor() const override { return -1; }

 private:
  // Whether the disk cannot hold this file grown to `end`.
  bool MissingSpace(uint64_t end) const {
    const uint64_t held = std::max(inode_->reserved, (inode_->size + kPage - 1) / kPage * kPage);
    return end > held && end - held > state_->Free();
  }

  const std::shared_ptr<State> state_;
  const std::shared_ptr<Inode> inode_;
  const std::string path_;
  const bool writable_;
};

MemoryDisk::MemoryDisk() : state_(std::make_shared<State>()) {
  state_->directories = {"/", "."};
}
MemoryDisk::~MemoryDisk() = default;

void MemoryDisk::FailNth(DiskOp op, uint64_t nth, int error, bool for_good) {
  const std::lock_guard lock(state_->mu);
  state_->faults[static_cast<size_t>(op)] = {nth, error, for_good, false};
}

void MemoryDisk::ClearFaults() {
  const std::lock_guard lock(state_->mu);
  state_->faults = {};
}

bool MemoryDisk::failed(DiskOp op) const {
  const std::lock_guard lock(state_->mu);
  return state_->faults[static_cast<size_t>(op)].happened;
}

void MemoryDisk::set_after_sync(std::function<void()> hook) {
  const std::lock_guard lock(state_->mu);
  state_->after_sync = std::move(hook);
}

void MemoryDisk::set_capacity(uint64_t bytes) {
  const std::lock_guard lock(state_->mu);
  state_->capacity = bytes;
}

uint64_t MemoryDisk::used_bytes() const {
  const std::lock_guard lock(state_->mu);
  return state_->Used();
}

uint64_t MemoryDisk::count(DiskOp op) const {
  const std::lock_guard lock(state_->mu);
  return state_->counts[static_cast<size_t>(op)];
}

std::vector<MemoryDisk::Call> MemoryDisk::calls() const {
  const std::lock_guard lock(state_->mu);
  return state_->calls;
}

void MemoryDisk::ClearCalls() {
  const std::lock_guard lock(state_->mu);
  state_->calls.clear();
  state_->counts = {};
}

void MemoryDisk::Crash(Loss loss, uint64_t seed) {
  const std::lock_guard lock(state_->mu);
  std::mt19937_64 random(seed);
  Names survivors = state_->synced_names;
  if (loss == Loss::kAnyOfUnsynced) {
    for (const auto& [path, inode] : state_->names) {
      if (random() % 2 == 0) survivors[path] = inode;
    }
    for (const auto& [path, inode] : state_->synced_names) {
      if (state_->names.count(path) == 0 && random() % 2 == 0) survivors.erase(path);
    }
  }
  std::map<const Inode*, std::shared_ptr<Inode>> after;  // several names may share a file
  for (auto& [path, inode] : survivors) {
    std::shared_ptr<Inode>& survivor = after[inode.get()];
    if (!survivor) survivor = inode->AfterCrash(loss, random);
    inode = survivor;
  }
  state_->names = survivors;
  state_->synced_names = survivors;
  state_->inodes.clear();
  for (const auto& [old, inode] : after) state_->inodes.push_back(inode);
}

Result<std::shared_ptr<File>> MemoryDisk::Open(const std::string& path, OpenMode mode) {
  const std::lock_guard lock(state_->mu);
  if (const int error = state_->Enter(DiskOp::kOpen, path)) return Failed("open", path, error);
  auto found = state_->names.find(path);
  if (found != state_->names.end() && mode == OpenMode::kCreateNew) {
    return Conflict("create " + path + ": it exists already");
  }
  if (found == state_->names.end()) {
    const bool may_create = mode == OpenMode::kCreateNew || mode == OpenMode::kReadWriteCreate;
    if (!may_create || state_->directories.count(ParentDirectory(path)) == 0) return Failed("open", path, ENOENT);
    found = state_->names.emplace(path, state_->NewInode()).first;
  }
  return std::shared_ptr<File>(std::make_shared<OpenFile>(state_, found->second, path, mode != OpenMode::kRead));
}

Status MemoryDisk::CreateDirectories(const std::string& path) {
  const std::lock_guard lock(state_->mu);
  if (const int error = state_->Enter(DiskOp::kCreateDirectories, path))
    return Failed("create the folder", path, error);
  for (std::string each = Normal(path); each != "/" && each != "."; each = ParentDirectory(each)) {
    if (state_->names.count(each) > 0) return Failed("create the folder", each, ENOTDIR);
    state_->directories.insert(each);
  }
  return Status::Ok();
}

Status MemoryDisk::SyncDirectory(const std::string& path) {
  const std::lock_guard lock(state_->mu);
  const std::string directory = Normal(path);
  if (const int error = state_->Enter(DiskOp::kSyncDirectory, directory)) return Failed("sync the folder", path, error);
  if (state_->directories.count(directory) == 0) return Failed("sync the folder", path, ENOENT);
  std::erase_if(state_->synced_names, [&](const auto& entry) { return ParentDirectory(entry.first) == directory; });
  for (const auto& [name, inode] : state_->names) {
    if (ParentDirectory(name) == directory) state_->synced_names[name] = inode;
  }
  return Status::Ok();
}

Status MemoryDisk::Rename(const std::string& from, const std::string& to) {
  const std::lock_guard lock(state_->mu);
  if (const int error = state_->Enter(DiskOp::kRename, from)) return Failed("rename", from, error);
  const auto found = state_->names.find(from);
  if (found == state_->names.end()) return Failed("rename", from, ENOENT);
  const std::shared_ptr<Inode> inode = found->second;
  state_->names.erase(found);
  state_->names[to] = inode;
  return Status::Ok();
}

Status MemoryDisk::Remove(const std::string& path) {
  const std::lock_guard lock(state_->mu);
  if (const int error = state_->Enter(DiskOp::kRemove, path)) return Failed("remove", path, error);
  if (state_->names.erase(path) == 0) return Failed("remove", path, ENOENT);
  return Status::Ok();
}

Status MemoryDisk::HardLink(const std::string& from, const std::string& to) {
  const std::lock_guard lock(state_->mu);
  if (const int error = state_->Enter(DiskOp::kHardLink, from)) return Failed("link", from, error);
  const auto found = state_->names.find(from);
  if (found == state_->names.end()) return Failed("link", from, ENOENT);
  const std::shared_ptr<Inode> inode = found->second;
  if (!state_->names.emplace(to, inode).second) return Conflict("link " + from + " to " + to + ": it exists already");
  return Status::Ok();
}

Result<bool> MemoryDisk::Exists(const std::string& path) const {
  const std::lock_guard lock(state_->mu);
  return state_->names.count(path) > 0 || state_->directories.count(Normal(path)) > 0;
}

Result<std::vector<std::string>> MemoryDisk::List(const std::string& path) const {
  const std::lock_guard lock(state_->mu);
  const std::string directory = Normal(path);
  if (const int error = state_->Enter(DiskOp::kList, directory)) return Failed("list the folder", path, error);
  if (state_->directories.count(directory) == 0) return Failed("list the folder", path, ENOENT);
  std::set<std::string> names;
  const auto add = [&](const std::string& each) {
    if (each != directory && ParentDirectory(each) == directory) names.insert(each.substr(each.rfind('/') + 1));
  };
  for (const auto& [name, inode] : state_->names) add(name);
  for (const std::string& each : state_->directories) add(each);
  return std::vector<std::string>(names.begin(), names.end());
}

Result<uint64_t> MemoryDisk::FreeBytes(const std::string& path) const {
  const std::lock_guard lock(state_->mu);
  if (const int error = state_->Enter(DiskOp::kFreeBytes, path)) return Failed("ask the free space of", path, error);
  return state_->Free();
}

}  // namespace hilum
