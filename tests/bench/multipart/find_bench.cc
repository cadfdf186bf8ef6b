// What it takes to find that a boundary is not in the pixels of a CT image of 512 KiB, beside memmem, in turns. The
// bytes are copied before each search, as those of a request come from the socket.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "codecs/multipart/find.h"
#include "tests/bench/support/figures.h"

namespace hilum::multipart {
namespace {

constexpr size_t kImage = 512 * 1024, kPiece = 256 * 1024;  // pieces as large as the buffer of a parser
constexpr int kTurns = 400;

// Microseconds of an image.
template <typename F>
double TimeOf(const std::string& image, std::string* buffer, F&& find) {
  std::chrono::duration<double, std::micro> time(0);
  for (size_t at = 0; at < image.size(); at += kPiece) {
    std::memcpy(buffer->data(), image.data() + at, kPiece);
    const auto begin = std::chrono::steady_clock::now();
    if (find(*buffer)) std::exit(1);
    time += std::chrono::steady_clock::now() - begin;
  }
  return time.count();
}

int Run() {
  const std::string wanted = "\r\n--hilum-load-7d1c0e5b9a3f";
  std::mt19937_64 random(1);
  std::string image(kImage, '\0');  // twelve bits of noise
  for (size_t i = 0; i < kImage; ++i) image[i] = static_cast<char>(random() % (i % 2 == 0 ? 256 : 16));
  std::string buffer(kPiece, '\0');
  std::vector<double> ours, library;
  for (int i = 0; i < kTurns; ++i) {
    ours.push_back(TimeOf(image, &buffer, [&](Bytes text) { return Find(text, wanted) != Bytes::npos; }));
    library.push_back(TimeOf(image, &buffer, [&](Bytes text) {
      return memmem(text.data(), text.size(), wanted.data(), wanted.size()) != nullptr;
    }));
  }
  const double found = bench::Median(ours), reference = bench::Median(library);
  std::printf("Find %.1f us, memmem %.1f us, ratio %.2f\n", found, reference, found / reference);
  return 0;
}

}  // namespace
}  // namespace hilum::multipart

int main() {
  return hilum::multipart::Run();
}
