#include "server/http/output_queue.h"

#include <algorithm>
#include <array>

namespace hilum::http {
namespace {

constexpr size_t kMaxGather = 16;
// Texts up to this size stay allocated between answers.
constexpr size_t kKeptCapacity = 1024;
// A text that grew to this takes no more, so that its sent part is given back while a long answer goes on.
constexpr size_t kPieceSize = 128 * 1024;

}  // namespace

std::string& OutputQueue::Tail() {
  if (empty()) {
    Recycle();
  } else if (pieces_.back().is_file() || pieces_.back().text.size() > kPieceSize) {
    pieces_.emplace_back();
  }
  return pieces_.back().text;
}

void OutputQueue::Append(Bytes bytes) {
  if (!bytes.empty()) Render([&](std::string* text) { text->append(bytes); });
}

void OutputQueue::AppendOwned(std::string text) {
  if (text.empty()) return;
  if (empty()) pieces_.clear(), front_ = offset_ = 0;
  memory_ += text.size();
  pieces_.emplace_back().text = std::move(text);
}

void OutputQueue::Append(FileRange range) {
  if (range.length == 0) return;
  if (empty()) pieces_.clear(), front_ = offset_ = 0;
  pieces_.emplace_back().file = std::move(range);
  ++files_;
}

// Leaves one empty text behind, so that the next answer needs no new memory.
void OutputQueue::Recycle() {
  front_ = offset_ = 0;
  pieces_.resize(1);
  pieces_.front().file = {};
  pieces_.front().text.clear();
  if (pieces_.front().text.capacity() > kKeptCapacity) std::string().swap(pieces_.front().text);
}

void OutputQueue::CountIn(std::unique_ptr<MemoryAllowance::Share> share) {
  share_ = empty() ? nullptr : std::move(share);
  if (share_ && share_->held() > memory_) share_->Shrink(share_->held() - memory_);
}

IoResult OutputQueue::SendFront(Channel& channel, Bytes* body) {
  if (!empty() && pieces_[front_].is_file()) {
    const FileRange& range = pieces_[front_].file;
    return channel.SendFile(*range.file, range.offset, range.length);
  }
  std::array<iovec, kMaxGather + 1> gathered;
  size_t count = 0;
  size_t piece = front_;
  for (; piece < pieces_.size() && !pieces_[piece].is_file() && count < kMaxGather; ++piece) {
    std::string& text = pieces_[piece].text;
    const size_t skipped = piece == front_ ? offset_ : 0;
    gathered[count++] = {text.data() + skipped, text.size() - skipped};
  }
  const bool more = piece < pieces_.size();
  if (!more && !body->empty()) gathered[count++] = {const_cast<char*>(body->data()), body->size()};
  return channel.Send({gathered.data(), count}, more);
}

void OutputQueue::Drop(size_t bytes, Bytes* body) {
  sent_ += bytes;
  while (bytes > 0 && !empty()) {
    Piece& piece = pieces_[front_];
    if (piece.is_file()) {
      piece.file.offset += bytes;
      piece.file.length -= bytes;
      bytes = 0;
      if (piece.file.length > 0) return;
      piece.file.file.reset();
      --files_;
    } else {
      const size_t dropped = std::min(bytes, piece.text.size() - offset_);
      bytes -= dropped;
      offset_ += dropped;
      memory_ -= dropped;
      if (offset_ < piece.text.size()) return;
      if (front_ > 0) std::string().swap(piece.text);
    }
    ++front_;
    offset_ = 0;
  }
  if (empty()) share_.reset();
  body->remove_prefix(bytes);
}

Io OutputQueue::SendThrough(Channel& channel, Bytes* body) {
  while (!empty() || !body->empty()) {
    const IoResult result = SendFront(channel, body);
    if (result.state != Io::kDone) return result.state;
    Drop(result.bytes, body);
  }
  return Io::kDone;
}

Io OutputQueue::Flush(Channel& channel, uint64_t budget) {
  Bytes nothing;
  const uint64_t start = sent_;
  while (!empty() && sent_ - start <= budget) {
    const IoResult result = SendFront(channel, &nothing);
    if (result.state != Io::kDone) return result.state;
    Drop(result.bytes, &nothing);
  }
  return Io::kDone;
}

}  // namespace hilum::http
