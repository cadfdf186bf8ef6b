#include "server/http/server.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <pistache/listener.h>
#include <pistache/log.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstring>
#include <mutex>
#include <thread>

#include "server/http/text.h"
#include "server/http/transport.h"

namespace hilum::http {
namespace {

constexpr int kBacklog = 1024;
constexpr std::chrono::milliseconds kPoll{2};
constexpr std::chrono::seconds kTeardown{2};

// Pistache's acceptor reports failed accepts here, on its own thread, and tries again at once.
class AcceptTrouble final : public Pistache::Log::StringLogger {
 public:
  AcceptTrouble(ServerContext& context, SpareDescriptor& spare) : context_(context), spare_(spare) {}

  void log(Pistache::Log::Level, const std::string& message) override {
    const bool exhausted = message.find(std::strerror(EMFILE)) != std::string::npos ||
                           message.find(std::strerror(ENFILE)) != std::string::npos;
    if (exhausted && spare_.Release()) {
      return context_.log.Warning("no file descriptor is left for a new connection, raise the limit (ulimit -n)");
    }
    // What failed will fail again at once: the pause keeps the acceptor from spinning.
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  bool isEnabledFor(Pistache::Log::Level level) const override { return level >= Pistache::Log::Level::WARN; }

 private:
  ServerContext& context_;
  SpareDescriptor& spare_;
};

std::string WithPort(const std::string& address, uint16_t port) {
  const bool v6 = address.find(':') != std::string::npos;
  return (v6 ? "[" + address + "]" : address) + ":" + std::to_string(port);
}

bool IsListeningOn(int descriptor, uint16_t port) {
  int listening = 0;
  socklen_t length = sizeof(listening);
  if (getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &listening, &length) != 0 || listening == 0) return false;
  sockaddr_storage bound{};
  length = sizeof(bound);
  if (getsockname(descriptor, reinterpret_cast<sockaddr*>(&bound), &length) != 0) return false;
  if (bound.ss_family == AF_INET) return ntohs(reinterpret_cast<sockaddr_in&>(bound).sin_port) == port;
  if (bound.ss_family == AF_INET6) return ntohs(reinterpret_cast<sockaddr_in6&>(bound).sin6_port) == port;
  return false;
}

// The listener keeps its socket to itself, and can only stop together with the event loops. A listening socket is told
// apart by its port.
void StopListening(uint16_t port) {
  DIR* folder = opendir("/proc/self/fd");
  if (folder == nullptr) return;
  while (const dirent* entry = readdir(folder)) {
    int descriptor = -1;
    const char* end = entry->d_name + std::strlen(entry->d_name);
    if (std::from_chars(entry->d_name, end, descriptor).ptr != end) continue;
    if (IsListeningOn(descriptor, port)) shutdown(descriptor, SHUT_RDWR);
  }
  closedir(folder);
}

class ServerImpl final : public Server {
 public:
  ServerImpl(ServerOptions options, RouteFinder routes, Clock& clock, Random& random, Registry& metrics, Logger log,
             TrustedProxies proxies, std::unique_ptr<Tls> tls)
      : context_(std::move(options), std::move(routes), clock, random, metrics, std::move(log), std::move(proxies),
                 std::move(tls)) {}
  ~ServerImpl() override { Stop(std::chrono::milliseconds(0)); }

  Status Listen();
  uint16_t port() const override { return port_; }
  Status ReloadTls() override;
  void Stop(std::chrono::milliseconds grace) override;

 private:
  void Enter(Mode mode);
  bool WaitForConnections(std::chrono::milliseconds limit) const;

  ServerContext context_;
  SpareDescriptor spare_;
  std::mutex loops_mu_;
  std::vector<Transport*> loops_;  // owned by the listener
  std::unique_ptr<Pistache::Tcp::Listener> listener_;
  uint16_t port_ = 0;
};

Status ServerImpl::Listen() {
  using Pistache::Tcp::Options;
  const ServerOptions& options = context_.options;
  const std::string where = WithPort(options.address, options.port);
  try {
    listener_ = std::make_unique<Pistache::Tcp::Listener>();
    Pistache::Flags<Options> flags(Options::ReuseAddr);
    flags.setFlag(Options::NoDelay).setFlag(Options::CloseOnExec);
    listener_->init(std::max<size_t>(1, options.event_threads), flags, "http-loop", kBacklog,
                    std::make_shared<AcceptTrouble>(context_, spare_));
    listener_->setTransportFactory([this] {
      return std::make_shared<Transport>(context_, spare_, [this](Transport* loop) {
        const std::lock_guard lock(loops_mu_);
        loops_.push_back(loop);
      });
    });
    listener_->bind(Pistache::Address(where));
    port_ = listener_->getPort();
    listener_->runThreaded();
  } catch (const std::exception& error) {
    listener_.reset();
    return IoError("listen on " + where + ": " + error.what());
  }
  context_.log.Info("http listens", {{"address", options.address}, {"port", static_cast<int>(port_)}});
  return Status::Ok();
}

Status ServerImpl::ReloadTls() {
  if (!context_.tls) return Unsupported("reload TLS: the server runs without TLS");
  return context_.tls->Reload();
}

void ServerImpl::Enter(Mode mode) {
  context_.mode.store(mode);
  const std::lock_guard lock(loops_mu_);
  for (Transport* loop : loops_) loop->AnnounceMode();
}

bool ServerImpl::WaitForConnections(std::chrono::milliseconds limit) const {
  const auto end = std::chrono::steady_clock::now() + limit;
  while (context_.open_connections.load() > 0) {
    if (std::chrono::steady_clock::now() >= end) return false;
    std::this_thread::sleep_for(kPoll);
  }
  return true;
}

void ServerImpl::Stop(std::chrono::milliseconds grace) {
  if (!listener_) return;
  StopListening(port_);
  Enter(Mode::kDraining);
  if (!WaitForConnections(grace)) {
    context_.log.Warning("closing connections that did not end in time",
                         {{"connections", static_cast<uint64_t>(context_.open_connections.load())}});
  }
  Enter(Mode::kStopping);
  context_.uploads.Stop();
  context_.pool.Stop();
  WaitForConnections(kTeardown);
  listener_->shutdown();
  {
    const std::lock_guard lock(loops_mu_);
    loops_.clear();
  }
  listener_.reset();
}

}  // namespace

Result<std::unique_ptr<Server>> Server::Start(ServerOptions options, RouteFinder routes, Clock& clock, Random& random,
                                              Registry& metrics, Logger log) {
  if (options.address == "localhost") options.address = "127.0.0.1";
  if (!IsAddressLiteral(options.address)) {
    return Invalid("listen on '" + options.address + "': an IPv4 or IPv6 address is needed, such as 127.0.0.1 or ::1");
  }
  HILUM_ASSIGN_OR_RETURN(TrustedProxies proxies, TrustedProxies::Parse(options.trusted_proxies));
  std::unique_ptr<Tls> tls;
  if (!options.tls.certificate_file.empty()) {
    HILUM_ASSIGN_OR_RETURN(tls, Tls::Load(options.tls));
  }
  // sendfile and OpenSSL cannot be told otherwise that a closed socket is no reason to die.
  struct sigaction current {};
  if (sigaction(SIGPIPE, nullptr, &current) == 0 && current.sa_handler == SIG_DFL) signal(SIGPIPE, SIG_IGN);

  auto server = std::make_unique<ServerImpl>(std::move(options), std::move(routes), clock, random, metrics,
                                             std::move(log), std::move(proxies), std::move(tls));
  HILUM_RETURN_IF_ERROR(server->Listen());
  return std::unique_ptr<Server>(std::move(server));
}

}  // namespace hilum::http
