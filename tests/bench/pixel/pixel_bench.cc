// What a worker process costs on top of its codec, and what rendering costs. Prints one line a figure: best and median
// of several runs, and the ratio to the peer measured in the same run.
//
//   pixel_bench [FILE.dcm [FOLDER]]     grayscale frames of FILE, "" or none: of a generated CT-like slice of 512 x 512
//                                       x 16 bits; what is decoded is written to FOLDER, named by transfer syntax
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include "codecs/pixel/instance.h"
#include "codecs/pixel/render.h"
#include "codecs/pixel/worker.h"
#include "tests/bench/support/figures.h"
#include "tests/codecs/pixel/generated.h"
#include "tests/codecs/pixel/instances.h"

namespace hilum::pixel {
namespace {

struct Times {
  double best = 1e9, median = 0;  // milliseconds
};

class Stopwatch {
 public:
  explicit Stopwatch(int runs) { times_.reserve(static_cast<size_t>(runs)); }
  void Run(const std::function<bool()>& work) {
    const auto begin = std::chrono::steady_clock::now();
    if (!work()) std::exit(1);
    times_.push_back(std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count());
  }
  Times Result() const { return {std::ranges::min(times_), bench::Median(times_)}; }

 private:
  std::vector<double> times_;
};

std::string SourceInstance(int argc, char** argv) {
  if (argc > 1 && *argv[1] != '\0') return testing::ReadFileOrEmpty(argv[1]);
  const Image image =
      testing::MakeImage({.rows = 512, .columns = 512, .bits_stored = 16, .is_signed = true, .noise = 200});
  return testing::MakeInstance({.format = image.format, .pixels = image.pixels});
}

// Alternating, so that both see the same neighbours on the machine.
void CompareWorker(const char* name, std::string_view syntax, const Image& image, CodecPool& pool) {
  constexpr int kRuns = 61;
  LocalCodec local;
  const Result<EncodedFrame> encoded = local.Encode(image, syntax, {});
  if (!encoded.ok()) {
    std::printf("%-24s %s\n", name, encoded.status().message().c_str());
    return;
  }
  Stopwatch alone(kRuns), worker(kRuns);
  const auto decode = [&](FrameCodec& codec) {
    const Result<Image> decoded = codec.Decode(syntax, encoded->bytes, encoded->format, {});
    return decoded.ok() && decoded->pixels.size() == image.pixels.size();
  };
  for (int i = 0; i < 5; ++i) decode(pool);
  for (int i = 0; i < kRuns; ++i) {
    alone.Run([&] { return decode(local); });
    worker.Run([&] { return decode(pool); });
  }
  const Times a = alone.Result(), w = worker.Result();
  std::printf("%-24s codec %7.3f ms (median %7.3f)   worker %7.3f ms (median %7.3f)   ratio %.3f (median %.3f)\n", name,
              a.best, a.median, w.best, w.median, w.best / a.best, w.median / a.median);
}

void TimeRendering(const char* name, const std::string& file, FrameCodec& codec, bool thumbnail) {
  const Result<Instance> instance = Instance::Open(file);
  if (!instance.ok()) std::exit(1);
  Stopwatch watch(31);
  for (int i = 0; i < 31; ++i) {
    watch.Run([&] {
      return thumbnail ? Render(*instance, 0, ThumbnailOptions(*instance, 128, PictureType::kJpeg), codec).ok()
                       : Render(*instance, 0, {}, codec).ok();
    });
  }
  const Times t = watch.Result();
  std::printf("%-48s %7.3f ms (median %7.3f)\n", name, t.best, t.median);
}

int Main(int argc, char** argv) {
  const std::string file = SourceInstance(argc, argv);
  const Result<Instance> instance = Instance::Open(file);
  if (!instance.ok()) {
    std::fprintf(stderr, "%s\n", instance.status().message().c_str());
    return 1;
  }
  std::string storage;
  const Result<Bytes> frame = instance->Frame(0, &storage);
  if (!frame.ok()) return 1;
  const Result<Image> image = Decode(instance->syntax().uid, *frame, instance->format());
  if (!image.ok()) return 1;
  if (argc > 2) {
    for (const char* syntax : {"1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.201", "1.2.840.10008.1.2.1"}) {
      const Result<EncodedFrame> encoded = Encode(*image, syntax);
      if (!encoded.ok()) return 1;
      std::ofstream(std::string(argv[2]) + "/" + syntax, std::ios::binary) << encoded->bytes;
    }
  }
  CodecPool pool({.workers = 1});
  CompareWorker("JPEG 2000 frame", "1.2.840.10008.1.2.4.90", *image, pool);
  CompareWorker("HTJ2K frame", "1.2.840.10008.1.2.4.201", *image, pool);
  CompareWorker("JPEG-LS frame", "1.2.840.10008.1.2.4.80", *image, pool);
  CompareWorker("JPEG lossless frame", "1.2.840.10008.1.2.4.70", *image, pool);
  const Result<std::string> native = testing::TranscodeToString(file, "1.2.840.10008.1.2.1");
  const Result<std::string> jpeg2000 = testing::TranscodeToString(file, "1.2.840.10008.1.2.4.90");
  const Result<std::string> htj2k = testing::TranscodeToString(file, "1.2.840.10008.1.2.4.201");
  if (!native.ok() || !jpeg2000.ok() || !htj2k.ok()) return 1;
  TimeRendering("rendered JPEG from native", *native, pool, false);
  TimeRendering("rendered JPEG from HTJ2K, by worker", *htj2k, pool, false);
  TimeRendering("rendered JPEG from JPEG 2000, by worker", *jpeg2000, pool, false);
  TimeRendering("thumbnail of 128 from native", *native, pool, true);
  TimeRendering("thumbnail of 128 from HTJ2K, by worker", *htj2k, pool, true);
  TimeRendering("thumbnail of 128 from JPEG 2000, by worker", *jpeg2000, pool, true);
  return 0;
}

}  // namespace
}  // namespace hilum::pixel

int main(int argc, char** argv) {
  if (hilum::pixel::IsCodecWorker(argc, argv))
    return hilum::pixel::RunCodecWorker(hilum::pixel::kCodecWorkerDescriptor);
  return hilum::pixel::Main(argc, argv);
}
