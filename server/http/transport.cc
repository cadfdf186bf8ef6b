#include "server/http/transport.h"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>

#include <algorithm>
#include <exception>

namespace hilum::http {
namespace {

namespace polling = Pistache::Polling;

constexpr size_t kScratch = 64 * 1024;
// Pistache's own tags are descriptors; ours start above them.
constexpr int kGenerationShift = 32;
// Connections beyond the limit that are still told why before they are closed without a word.
constexpr size_t kRefusedAtATime = 256;

uint64_t MakeTag(uint64_t generation, size_t slot) {
  return generation << kGenerationShift | slot;
}

// Often enough that the shortest timeout is met within a quarter of itself.
std::chrono::milliseconds TickPeriod(const ServerOptions& options) {
  const auto shortest =
      std::min({options.header_timeout, options.body_timeout, options.write_timeout, options.idle_timeout});
  return std::clamp(shortest / 4, std::chrono::milliseconds(10), std::chrono::milliseconds(500));
}

void SetPeriod(int timer, std::chrono::milliseconds period) {
  itimerspec spec{};
  spec.it_interval.tv_sec = period.count() / 1000;
  spec.it_interval.tv_nsec = period.count() % 1000 * 1'000'000;
  spec.it_value = spec.it_interval;
  timerfd_settime(timer, 0, &spec, nullptr);
}

void Empty(int descriptor) {
  uint64_t count = 0;
  // Nothing to read is as good: the next event comes when there is.
  [[maybe_unused]] const ssize_t got = read(descriptor, &count, sizeof(count));
}

}  // namespace

bool SpareDescriptor::Release() {
  const std::lock_guard lock(mu_);
  const bool had = spare_.valid();
  spare_.Reset();
  return had;
}

bool SpareDescriptor::Refill() {
  const std::lock_guard lock(mu_);
  if (!spare_.valid()) spare_.Reset(open("/dev/null", O_RDONLY | O_CLOEXEC));
  return spare_.valid();
}

bool SpareDescriptor::missing() const {
  const std::lock_guard lock(mu_);
  return !spare_.valid();
}

// Collects the peers the base class takes from the acceptor. They are adopted after it has registered them.
class Transport::Arrivals final : public Pistache::Tcp::Handler {
 public:
  void onInput(const char*, size_t, const std::shared_ptr<Pistache::Tcp::Peer>&) override {}
  void onConnection(const std::shared_ptr<Pistache::Tcp::Peer>& peer) override { peers.push_back(peer); }
  std::shared_ptr<Pistache::Tcp::Handler> clone() const override { return std::make_shared<Arrivals>(); }

  std::vector<std::shared_ptr<Pistache::Tcp::Peer>> peers;
};

Transport::Transport(ServerContext& context, SpareDescriptor& spare, Registered registered)
    : Transport(context, spare, std::move(registered), std::make_shared<Arrivals>()) {}

Transport::Transport(ServerContext& context, SpareDescriptor& spare, Registered registered,
                     std::shared_ptr<Arrivals> arrivals)
    : Pistache::Tcp::Transport(arrivals),
      context_(context),
      spare_(spare),
      registered_(std::move(registered)),
      arrivals_(std::move(arrivals)) {}

// The loop's thread has ended and no worker runs any more. The base class is past its calls, so the sockets are closed
// by hand.
Transport::~Transport() {
  for (Slot& slot : slots_) {
    if (!slot.connection) continue;
    slot.connection.reset();  // while its wakers can still reach this loop
    close(slot.peer->fd());
  }
}

std::shared_ptr<Pistache::Aio::Handler> Transport::clone() const {
  return std::make_shared<Transport>(context_, spare_, registered_);
}

void Transport::registerPoller(polling::Epoll& poller) {
  Pistache::Tcp::Transport::registerPoller(poller);
  poller_ = &poller;
  scratch_.resize(kScratch);
  wake_.Reset(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  ticker_.Reset(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC));
  for (const int descriptor : {wake_.get(), ticker_.get()}) {
    poller.addFd(descriptor, Pistache::Flags<polling::NotifyOn>(polling::NotifyOn::Read), polling::Tag(descriptor));
  }
  SetPeriod(ticker_.get(), TickPeriod(context_.options));
  registered_(this);
}

void Transport::onReady(const Pistache::Aio::FdSet& events) {
  std::vector<polling::Event> foreign;
  for (const auto& entry : events) {
    const uint64_t tag = entry.getTag().value();
    if (tag >> kGenerationShift != 0) {
      if (Slot* slot = Find(tag)) {
        slot->connection->OnEvent();
        DropIfClosed(slot);
      }
    } else if (tag == static_cast<uint64_t>(wake_.get())) {
      Empty(wake_.get());
      RunWakes();
    } else if (tag == static_cast<uint64_t>(ticker_.get())) {
      Empty(ticker_.get());
      Tick();
    } else {
      polling::Event& event = foreign.emplace_back(entry.getTag());
      if (entry.isReadable()) event.flags.setFlag(polling::NotifyOn::Read);
    }
  }
  if (foreign.empty()) return;
  try {
    Pistache::Tcp::Transport::onReady(Pistache::Aio::FdSet(std::move(foreign)));
  } catch (const std::exception&) {
    context_.log.Error("a new connection could not be taken over");
  }
  for (const auto& peer : std::exchange(arrivals_->peers, {})) Adopt(peer);
}

Transport::Slot* Transport::Find(uint64_t tag) {
  const size_t index = tag & ((uint64_t{1} << kGenerationShift) - 1);
  return index < slots_.size() && slots_[index].connection && slots_[index].tag == tag ? &slots_[index] : nullptr;
}

void Transport::Adopt(const std::shared_ptr<Pistache::Tcp::Peer>& peer) {
  if (free_slots_.empty()) {
    free_slots_.push_back(static_cast<uint32_t>(slots_.size()));
    slots_.emplace_back();
  }
  const uint32_t index = free_slots_.back();
  free_slots_.pop_back();
  Slot& slot = slots_[index];
  const int descriptor = peer->fd();
  slot.tag = MakeTag(next_generation_++, index);
  slot.peer = peer;
  const size_t open = context_.open_connections.fetch_add(1) + 1;
  context_.metrics.connections.Add(1);

  TlsSession tls;
  if (context_.tls) tls = context_.tls->NewSession(descriptor);
  const bool tls_failed = context_.tls && !tls.ssl;
  slot.connection =
      std::make_unique<Connection>(context_, *this, slot.tag, descriptor, peer->address().host(), std::move(tls));
  const bool refused = open > context_.options.max_connections || spare_.missing();
  if (tls_failed || open > context_.options.max_connections + kRefusedAtATime) return Drop(&slot, true);
  SetInterest(descriptor, slot.tag, Interest::kRead);
  slot.connection->Start(refused);
  DropIfClosed(&slot);
}

void Transport::DropIfClosed(Slot* slot) {
  if (slot->connection->closed()) Drop(slot, slot->connection->reset());
}

void Transport::Drop(Slot* slot, bool reset) {
  if (reset) {
    const linger abort{1, 0};
    setsockopt(slot->peer->fd(), SOL_SOCKET, SO_LINGER, &abort, sizeof(abort));
  }
  slot->connection.reset();
  try {
    removePeer(slot->peer);
  } catch (const std::exception&) {
    context_.log.Error("a connection could not be closed");
  }
  slot->peer.reset();
  free_slots_.push_back(static_cast<uint32_t>(slot - slots_.data()));
  context_.open_connections.fetch_sub(1);
  context_.metrics.connections.Add(-1);
  if (spare_.missing()) spare_.Refill();
}

void Transport::SetInterest(int descriptor, uint64_t tag, Interest interest) {
  // Errors and hang-ups are always reported: edge-triggered, an unwatched socket reports them once.
  const bool watched = interest != Interest::kNone;
  const polling::NotifyOn on = interest == Interest::kRead    ? polling::NotifyOn::Read
                               : interest == Interest::kWrite ? polling::NotifyOn::Write
                                                              : polling::NotifyOn::None;
  try {
    poller_->rearmFd(descriptor, Pistache::Flags<polling::NotifyOn>(on), polling::Tag(tag),
                     watched ? polling::Mode::Level : polling::Mode::Edge);
  } catch (const std::exception&) {
    context_.log.Error("a connection could not be watched");
    shutdown(descriptor, SHUT_RDWR);
  }
}

void Transport::Wake(uint64_t tag) {
  bool first = false;
  {
    const std::lock_guard lock(wakes_mu_);
    first = wakes_.empty() && !mode_announced_;
    wakes_.push_back(tag);
  }
  if (first) eventfd_write(wake_.get(), 1);
}

void Transport::AnnounceMode() {
  {
    const std::lock_guard lock(wakes_mu_);
    mode_announced_ = true;
  }
  eventfd_write(wake_.get(), 1);
}

void Transport::RunWakes() {
  std::vector<uint64_t> wakes;
  bool mode_announced = false;
  {
    const std::lock_guard lock(wakes_mu_);
    wakes.swap(wakes_);
    mode_announced = std::exchange(mode_announced_, false);
  }
  for (const uint64_t tag : wakes) {
    if (Slot* slot = Find(tag)) {
      slot->connection->OnWake();
      DropIfClosed(slot);
    }
  }
  if (mode_announced) FollowMode();
}

void Transport::FollowMode() {
  const Mode mode = context_.mode.load();
  for (Slot& slot : slots_) {
    if (!slot.connection) continue;
    slot.connection->OnModeChange(mode);
    DropIfClosed(&slot);
  }
}

void Transport::Tick() {
  const Micros now = context_.clock.Monotonic();
  for (Slot& slot : slots_) {
    if (!slot.connection) continue;
    slot.connection->OnTick(now);
    DropIfClosed(&slot);
  }
  if (spare_.missing()) spare_.Refill();
  context_.CheckTlsFiles(now);
}

}  // namespace hilum::http
