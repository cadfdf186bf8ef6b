// Bytes and file ranges on their way to one client, in order. Bytes of memory are counted; file ranges cost none.
// Used by one thread at a time: the owner of the connection.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/memory_allowance.h"
#include "server/http/channel.h"
#include "server/http/http.h"

namespace hilum::http {

class OutputQueue {
 public:
  bool empty() const { return front_ == pieces_.size(); }
  // Bytes of memory that wait.
  size_t memory() const { return memory_; }
  // Some of what waits comes from files.
  bool has_files() const { return files_ > 0; }
  // Bytes sent since the connection began: tells whether the client takes any.
  uint64_t sent() const { return sent_; }

  void Append(Bytes bytes);
  void AppendOwned(std::string text);
  // Appends what `writer(std::string*)` appends to its argument, without a copy. REQUIRES: that is not empty.
  template <typename Writer>
  void Render(const Writer& writer) {
    std::string& text = Tail();
    const size_t before = text.size();
    writer(&text);
    memory_ += text.size() - before;
  }
  void Append(FileRange range);

  // Has what waits in memory counted in `share` (may be null), and no more than that, until all of it is sent.
  void CountIn(std::unique_ptr<MemoryAllowance::Share> share);

  // Sends what waits: kDone when nothing is left or more than `budget` bytes went out, else what the channel waits
  // for.
  Io Flush(Channel& channel, uint64_t budget = UINT64_MAX);
  // Sends what waits, then `body` from where it lies, and takes the sent prefix off it.
  Io SendThrough(Channel& channel, Bytes* body);

 private:
  struct Piece {
    std::string text;
    FileRange file;  // a range when file.file is set, else text
    bool is_file() const { return file.file != nullptr; }
  };
  IoResult SendFront(Channel& channel, Bytes* body);
  void Drop(size_t bytes, Bytes* body);
  std::string& Tail();
  void Recycle();

  std::vector<Piece> pieces_;
  size_t front_ = 0;   // the first piece not sent
  size_t files_ = 0;   // pieces not sent that are of files
  size_t offset_ = 0;  // bytes of a front text that are sent
  size_t memory_ = 0;
  uint64_t sent_ = 0;
  std::unique_ptr<MemoryAllowance::Share> share_;
};

}  // namespace hilum::http
