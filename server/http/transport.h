// The event loop: one per event thread, on Pistache's Tcp::Transport, which brings the accepted sockets. Everything
// after accept is ours: connections are found by a tag that is never reused, not by their descriptor.
#pragma once

#include <pistache/peer.h>
#include <pistache/tcp.h>
#include <pistache/transport.h>

#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "server/http/connection.h"
#include "server/http/descriptor.h"
#include "server/http/server_context.h"

namespace hilum::http {

// A descriptor kept in reserve: given up when the process has none left, so that a waiting client can be accepted and
// told so instead of making the acceptor spin. Safe for concurrent use.
class SpareDescriptor {
 public:
  SpareDescriptor() { Refill(); }
  // True when there was one to give up.
  bool Release();
  // Takes one back when it was given up; false when none can be had yet.
  bool Refill();
  bool missing() const;

 private:
  mutable std::mutex mu_;
  Descriptor spare_;
};

class Transport final : public Pistache::Tcp::Transport, public EventLoop {
 public:
  // `registered` hears of every loop that was set up, before it runs.
  using Registered = std::function<void(Transport*)>;
  Transport(ServerContext& context, SpareDescriptor& spare, Registered registered);
  ~Transport() override;

  // Makes the loop look at the server's mode. Any thread.
  void AnnounceMode();

  void registerPoller(Pistache::Polling::Epoll& poller) override;
  void onReady(const Pistache::Aio::FdSet& events) override;
  std::shared_ptr<Pistache::Aio::Handler> clone() const override;

  void SetInterest(int descriptor, uint64_t tag, Interest interest) override;
  void Wake(uint64_t tag) override;
  std::span<char> scratch() override { return scratch_; }

 private:
  class Arrivals;
  struct Slot {
    std::unique_ptr<Connection> connection;
    std::shared_ptr<Pistache::Tcp::Peer> peer;
    uint64_t tag = 0;
  };
  Transport(ServerContext& context, SpareDescriptor& spare, Registered registered, std::shared_ptr<Arrivals> arrivals);

  Slot* Find(uint64_t tag);
  void Adopt(const std::shared_ptr<Pistache::Tcp::Peer>& peer);
  void DropIfClosed(Slot* slot);
  void Drop(Slot* slot, bool reset);
  void RunWakes();
  void Tick();
  void FollowMode();

  ServerContext& context_;
  SpareDescriptor& spare_;
  const Registered registered_;
  const std::shared_ptr<Arrivals> arrivals_;
  Pistache::Polling::Epoll* poller_ = nullptr;
  Descriptor wake_;
  Descriptor ticker_;
  std::vector<char> scratch_;
  std::vector<Slot> slots_;
  std::vector<uint32_t> free_slots_;
  uint64_t next_generation_ = 1;

  std::mutex wakes_mu_;
  std::vector<uint64_t> wakes_;
  bool mode_announced_ = false;
};

}  // namespace hilum::http
