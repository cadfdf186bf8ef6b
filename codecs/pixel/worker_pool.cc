#include <sched.h>

#include <algorithm>
#include <condition_variable>
#include <cstring>
#include <initializer_list>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "base/memory_allowance.h"
#include "codecs/pixel/frame_codecs.h"
#include "codecs/pixel/worker.h"
#include "codecs/pixel/worker_process.h"

namespace hilum::pixel {
namespace {

// Our own code, bounded and without third parties.
bool StaysHere(std::string_view transfer_syntax) {
  const TransferSyntax* syntax = FindTransferSyntax(transfer_syntax);
  return syntax == nullptr || syntax->coding == Coding::kNative || syntax->coding == Coding::kRle ||
         syntax->coding == Coding::kDeflatedFrame;
}

Request MakeRequest(Operation operation, std::string_view syntax, const FrameFormat& format) {
  Request request{};
  request.operation = operation;
  // Known syntaxes are shorter than the field.
  std::memcpy(request.syntax, syntax.data(), std::min(syntax.size(), sizeof(request.syntax)));
  request.format = ToWire(format);
  return request;
}

}  // namespace

class CodecPool::Impl {
 public:
  explicit Impl(CodecPoolOptions options) : options_(std::move(options)) {}

  ~Impl() {
    std::unique_lock lock(mu_);
    changed_.wait(lock, [&] { return busy_ == 0; });
  }

  // Runs `use` with a live worker of its own.
  template <typename F>
  auto With(F&& use) -> decltype(use(std::declval<WorkerProcess&>())) {
    HILUM_ASSIGN_OR_RETURN(Place place, Take());
    if (place.worker == nullptr || !place.worker->Alive()) {
      place.worker.reset();
      HILUM_ASSIGN_OR_RETURN(place.worker, WorkerProcess::Start(options_));
    }
    place.worker->StayOn(place.processor);
    return use(*place.worker);
  }

  Result<FrameTurn> BeginFrame(uint64_t bytes) {
    auto share = std::make_shared<MemoryAllowance::Share>(&frames_);
    if (!share->GrowTo(bytes, options_.queue_timeout))
      return Unavailable("other frames at hand take all the memory there is for them");
    return FrameTurn([share]() mutable { share.reset(); });
  }

 private:
  // One of `workers`. Gives itself back at the end, with the worker when that lives.
  struct Place {
    Place(Impl* of_pool, std::unique_ptr<WorkerProcess> of_worker, int on_processor)
        : pool(of_pool), worker(std::move(of_worker)), processor(on_processor) {}
    Place(Place&& other) noexcept
        : pool(std::exchange(other.pool, nullptr)), worker(std::move(other.worker)), processor(other.processor) {}
    ~Place() {
      if (pool != nullptr) pool->TakeBack(std::move(worker), processor);
    }
    Place& operator=(Place&&) = delete;

    Impl* pool;
    std::unique_ptr<WorkerProcess> worker;
    int processor;  // for the worker to stay on
  };

  // A place, with the worker used last or none. A worker alone stays on the processor of its caller, who sleeps until
  // it is done: what the caller has just read is warm there, and to wake a processor that sleeps takes longer than to
  // switch on one that does not. When there are several each stays where it is, and nowhere two of them.
  Result<Place> Take() {
    std::unique_lock lock(mu_);
    if (!changed_.wait_for(lock, options_.queue_timeout, [&] { return busy_ < options_.workers; })) {
      return Unavailable("all " + std::to_string(options_.workers) + " codec workers are busy");
    }
    ++busy_;
    std::unique_ptr<WorkerProcess> worker;
    if (!idle_.empty()) {
      worker = std::move(idle_.back());
      idle_.pop_back();
    }
    const int here = sched_getcpu(), there = worker != nullptr ? worker->processor() : here;
    const int processor = busy_ == 1 ? here : FirstFree({there, here});
    if (processor != WorkerProcess::kAnywhere) stayed_on_.push_back(processor);
    return Place(this, std::move(worker), processor);
  }

  int FirstFree(std::initializer_list<int> processors) const {
    for (const int processor : processors) {
      const bool known = processor != WorkerProcess::kAnywhere;
      if (known && std::ranges::find(stayed_on_, processor) == stayed_on_.end()) return processor;
    }
    return WorkerProcess::kAnywhere;
  }

  void TakeBack(std::unique_ptr<WorkerProcess> worker, int processor) {
    if (worker != nullptr && !worker->Alive()) worker.reset();
    if (worker != nullptr) worker->Trim();
    const std::lock_guard lock(mu_);
    if (worker != nullptr) idle_.push_back(std::move(worker));
    std::erase(stayed_on_, processor);
    --busy_;
    changed_.notify_all();
  }

  const CodecPoolOptions options_;
  std::mutex mu_;
  std::condition_variable changed_;
  size_t busy_ = 0;
  std::vector<std::unique_ptr<WorkerProcess>> idle_;
  std::vector<int> stayed_on_;                     // processors that busy workers stay on, each once
  MemoryAllowance frames_{options_.frame_memory};  // at hand
};

CodecPool::CodecPool(CodecPoolOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}
CodecPool::~CodecPool() = default;

Result<FrameTurn> CodecPool::BeginFrame(const FrameFormat& format) {
  const uint64_t bytes = FrameBytes(DecodedFormat(format));
  if (bytes > DecodeOptions().max_frame_bytes) return FrameTurn();  // it is refused before it takes any memory
  return impl_->BeginFrame(bytes * 2);
}

Result<Image> CodecPool::Decode(std::string_view transfer_syntax, Bytes frame, const FrameFormat& expected,
                                const DecodeOptions& options) {
  if (StaysHere(transfer_syntax)) return pixel::Decode(transfer_syntax, frame, expected, options);
  HILUM_RETURN_IF_ERROR(CheckFormat(expected, options.max_frame_bytes));
  return impl_->With([&](WorkerProcess& worker) -> Result<Image> {
    const uint64_t bytes = FrameBytes(DecodedFormat(expected));
    HILUM_RETURN_IF_ERROR(worker.Reserve(frame.size(), bytes));
    std::memcpy(worker.input(), frame.data(), frame.size());
    Request request = MakeRequest(Operation::kDecode, transfer_syntax, expected);
    request.decode = options;
    HILUM_ASSIGN_OR_RETURN(const Reply reply, worker.Call(request));
    const FrameFormat format = *FromWire(reply.format);
    // The worker may reduce the frame and name its colours, nothing else.
    FrameFormat likely = DecodedFormat(expected);
    likely.photometric = format.photometric;
    if (options.reduce > 0 && format.rows <= likely.rows && format.columns <= likely.columns) {
      likely.rows = format.rows;
      likely.columns = format.columns;
    }
    if (format != likely || FrameBytes(format) != reply.output_bytes || reply.output_bytes > bytes) {
      return Invalid("codec worker: the decoded frame is not what was asked for");
    }
    return Image{.format = format, .pixels = std::string(worker.output(), reply.output_bytes)};
  });
}

Result<EncodedFrame> CodecPool::Encode(const Image& image, std::string_view transfer_syntax,
                                       const EncodeOptions& options) {
  if (StaysHere(transfer_syntax)) return pixel::Encode(image, transfer_syntax, options);
  return impl_->With([&](WorkerProcess& worker) -> Result<EncodedFrame> {
    // No codec makes noise much larger than it is.
    const uint64_t capacity = uint64_t{image.pixels.size()} * 2 + (1 << 16);
    HILUM_RETURN_IF_ERROR(worker.Reserve(image.pixels.size(), capacity));
    std::memcpy(worker.input(), image.pixels.data(), image.pixels.size());
    Request request = MakeRequest(Operation::kEncode, transfer_syntax, image.format);
    request.encode = options;
    HILUM_ASSIGN_OR_RETURN(const Reply reply, worker.Call(request));
    return EncodedFrame{.bytes = std::string(worker.output(), reply.output_bytes),
                        .format = *FromWire(reply.format),
                        .lossy = reply.lossy != 0};
  });
}

Result<std::string> CodecPool::ConvertColours(Bytes rgb, Bytes profile, ColourSpace space) {
  return impl_->With([&](WorkerProcess& worker) -> Result<std::string> {
    HILUM_RETURN_IF_ERROR(worker.Reserve(profile.size() + rgb.size(), rgb.size()));
    std::memcpy(worker.input(), profile.data(), profile.size());
    std::memcpy(worker.input() + profile.size(), rgb.data(), rgb.size());
    Request request = MakeRequest(Operation::kConvertColours, "", {});
    request.space = space;
    request.profile_bytes = profile.size();
    HILUM_ASSIGN_OR_RETURN(const Reply reply, worker.Call(request));
    if (reply.output_bytes != rgb.size()) return Invalid("codec worker: other pixels came back");
    return std::string(worker.output(), reply.output_bytes);
  });
}

}  // namespace hilum::pixel
