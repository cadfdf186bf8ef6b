#include "server/main/progress.h"

#include <unistd.h>

#include <cstdio>

namespace hilum {

using std::chrono::steady_clock;

Progress::Progress(std::string what, uint64_t total, std::string unit)
    : what_(std::move(what)),
      total_(total),
      unit_(std::move(unit)),
      terminal_(isatty(2)),
      started_(steady_clock::now()),
      shown_(started_) {}

void Progress::Show(uint64_t done, uint64_t bytes) {
  const auto now = steady_clock::now();
  if (!terminal_ || now - shown_ < std::chrono::milliseconds(200)) return;
  shown_ = now;
  const double seconds = std::chrono::duration<double>(now - started_).count();
  const double left =
      done > 0 && total_ > done ? seconds / static_cast<double>(done) * static_cast<double>(total_ - done) : 0;
  std::fprintf(stderr, "\r%s: %llu of %llu %s, %.0f MB/s, %.0f s left   ", what_.c_str(),
               static_cast<unsigned long long>(done), static_cast<unsigned long long>(total_), unit_.c_str(),
               static_cast<double>(bytes) / 1e6 / seconds, left);
}

void Progress::Done() {
  if (terminal_) std::fputs("\r\033[K", stderr);
}

}  // namespace hilum
