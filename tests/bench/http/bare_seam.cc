#include "tests/bench/http/bare_seam.h"

#include <pistache/listener.h>
#include <pistache/peer.h>
#include <pistache/transport.h>
#include <sys/socket.h>

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace hilum::http {
namespace {

namespace tcp = Pistache::Tcp;
namespace polling = Pistache::Polling;

constexpr std::string_view kAnswer =
    "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n"
    "X-Content-Type-Options: nosniff\r\nX-Request-Id: 000000-00000\r\n\r\nhello";

class Newcomers final : public tcp::Handler {
 public:
  void onInput(const char*, size_t, const std::shared_ptr<tcp::Peer>&) override {}
  void onConnection(const std::shared_ptr<tcp::Peer>& peer) override { mine.emplace(peer->fd(), peer); }
  std::shared_ptr<tcp::Handler> clone() const override { return std::make_shared<Newcomers>(); }

  std::unordered_map<uint64_t, std::shared_ptr<tcp::Peer>> mine;
};

class Conduit final : public tcp::Transport {
 public:
  explicit Conduit(std::shared_ptr<Newcomers> newcomers)
      : tcp::Transport(newcomers), newcomers_(std::move(newcomers)) {}
  std::shared_ptr<Pistache::Aio::Handler> clone() const override {
    return std::make_shared<Conduit>(std::make_shared<Newcomers>());
  }

  void onReady(const Pistache::Aio::FdSet& events) override {
    std::vector<polling::Event> foreign;
    for (const auto& entry : events) {
      const auto found = newcomers_->mine.find(entry.getTag().value());
      if (found != newcomers_->mine.end()) {
        if (!Serve(found->second->fd())) {
          removePeer(found->second);
          newcomers_->mine.erase(found);
        }
        continue;
      }
      polling::Event& event = foreign.emplace_back(entry.getTag());
      if (entry.isReadable()) event.flags.setFlag(polling::NotifyOn::Read);
    }
    if (!foreign.empty()) tcp::Transport::onReady(Pistache::Aio::FdSet(std::move(foreign)));
  }

 private:
  static bool Serve(int descriptor) {
    char block[16 * 1024];
    const ssize_t got = recv(descriptor, block, sizeof(block), 0);
    if (got == 0) return false;
    if (got < 0) return errno == EAGAIN;
    std::string_view input(block, static_cast<size_t>(got));
    for (size_t end; (end = input.find("\r\n\r\n")) != std::string_view::npos; input.remove_prefix(end + 4)) {
      if (send(descriptor, kAnswer.data(), kAnswer.size(), MSG_NOSIGNAL) < 0) return false;
    }
    return true;
  }

  const std::shared_ptr<Newcomers> newcomers_;
};

class BareSeamImpl final : public BareSeam {
 public:
  BareSeamImpl() {
    Pistache::Flags<tcp::Options> flags(tcp::Options::ReuseAddr);
    flags.setFlag(tcp::Options::NoDelay);
    listener_.init(1, flags, "bare-seam");
    listener_.setTransportFactory([] { return std::make_shared<Conduit>(std::make_shared<Newcomers>()); });
    listener_.bind(Pistache::Address("127.0.0.1:0"));
    port_ = listener_.getPort();
    listener_.runThreaded();
  }
  ~BareSeamImpl() override { listener_.shutdown(); }
  uint16_t port() const override { return port_; }

 private:
  tcp::Listener listener_;
  uint16_t port_ = 0;
};

}  // namespace

std::unique_ptr<BareSeam> BareSeam::Start() {
  return std::make_unique<BareSeamImpl>();
}

}  // namespace hilum::http
