// `hilum serve`: puts the pieces together, runs until a signal or a fatal error, takes them apart.
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <functional>
#include <memory>
#include <system_error>

#include "server/dicomweb/extended_tags.h"
#include "server/dicomweb/preparer.h"
#include "server/fhir_rest/changes.h"
#include "server/fhir_rest/refusal.h"
#include "server/main/admin.h"
#include "server/main/commands.h"
#include "server/main/demo.h"
#include "server/main/descriptors.h"
#include "server/main/settings.h"
#include "server/main/spare_memory.h"
#include "server/viewer/viewer.h"
#include "storage/store/secret.h"

extern char** environ;

namespace hilum {
namespace {

// `url`, where the server listens, as other machines can use it: an address that stands for all of this machine's is
// none that a client could connect to, its name is.
std::string ReachableUrl(const std::string& address, const std::string& url) {
  if (address != "0.0.0.0" && address != "::") return url;
  char name[256] = "";
  if (gethostname(name, sizeof(name) - 1) != 0 || name[0] == '\0') return url;
  const size_t host = url.find("//") + 2;
  return url.substr(0, host) + name + url.substr(url.rfind(':'));
}

LogLevel LevelOf(const std::string& name) {
  if (name == "debug") return LogLevel::kDebug;
  if (name == "warning") return LogLevel::kWarning;
  if (name == "error") return LogLevel::kError;
  return LogLevel::kInfo;
}

// Waits for SIGTERM, SIGINT or a fatal error of the store; SIGHUP ends nothing.
class StopSwitch {
 public:
  StopSwitch() : fatal_(eventfd(0, EFD_CLOEXEC)) {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);  // inherited by every thread made later
    signal(SIGPIPE, SIG_IGN);
    signals_ = signalfd(-1, &signals, SFD_CLOEXEC);
  }
  ~StopSwitch() {
    close(signals_);
    close(fatal_);
  }

  // From any thread.
  void Fatal() const {
    const uint64_t one = 1;
    if (write(fatal_, &one, sizeof(one)) < 0) _exit(1);
  }
  // True when it was a signal. `on_hangup` is called for each SIGHUP meanwhile.
  bool Wait(const std::function<void()>& on_hangup) const {
    pollfd events[] = {{signals_, POLLIN, 0}, {fatal_, POLLIN, 0}};
    for (;;) {
      if (poll(events, 2, -1) <= 0) continue;
      if (events[1].revents & POLLIN) return false;
      signalfd_siginfo signal{};
      if (read(signals_, &signal, sizeof(signal)) != sizeof(signal) || signal.ssi_signo != SIGHUP) return true;
      on_hangup();
    }
  }

 private:
  int fatal_;
  int signals_;
};

void AddStoreMetrics(storage::Store& store, Disk& disk, const std::string& data, Registry& metrics) {
  metrics.gauge_function("hilum_commit_sequence", "Commits of the store since it was made",
                         [&store] { return static_cast<double>(store.kv().sequence()); });
  metrics.gauge_function("hilum_store_healthy", "1 while the store can write",
                         [&store] { return store.health().ok() ? 1.0 : 0.0; });
  metrics.gauge_function("hilum_disk_free_bytes", "Free space of the disk that holds the data folder", [&disk, data] {
    const auto free = disk.FreeBytes(data);
    return free.ok() ? static_cast<double>(*free) : 0.0;
  });
  metrics.gauge_functions("hilum_kv_property", "Inner figures of the key-value store", [&store] {
    std::vector<Registry::Sample> samples;
    for (const auto& [name, value] : store.kv().Properties())
      samples.push_back({{{"name", name}}, static_cast<double>(value)});
    return samples;
  });
}

Status StoreDemo(storage::Store& store, const Logger& log) {
  IngestBatch batch(store, {}, std::nullopt, log);
  HILUM_RETURN_IF_ERROR(MakeDemoInstances([&](const std::string& part10) {
    batch.BeginInstance();
    batch.Append(part10);
    batch.EndInstance();
    return Status::Ok();
  }));
  for (const InstanceOutcome& outcome : batch.Finish()) {
    if (outcome.stored()) continue;
    const std::string reason = "storing the sample images: " + outcome.explanation;
    return outcome.reason == FailureReason::kOutOfResources ? DiskFull(reason) : Unavailable(reason);
  }
  return Status::Ok();
}

// The key that signs links to further pages. A new store on a full disk cannot keep one: reads go on with another.
Result<std::string> CursorKey(storage::Store& store, Random& random, const Logger& log) {
  Result<std::string> stored = storage::StoredSecret(store, random, "cursor");
  if (stored.ok() || stored.status().code() != Code::kDiskFull) return stored;
  log.Warning("links to further pages of searches end with this run", {{"reason", stored.status().message()}});
  std::string key(storage::kSecretBytes, '\0');
  random.Fill(key);
  return key;
}

// The key that boundaries are made of. Without one, as on a full disk, they are drawn anew for every answer.
Result<std::string> BoundaryKey(storage::Store& store, Random& random) {
  Result<std::string> stored = storage::StoredSecret(store, random, "boundary");
  if (stored.status().code() == Code::kDiskFull) return std::string();
  return stored;
}

// Whether the address can be had: looked at before a data folder is made, or a large store opened, in vain.
Status CheckAddressIsFree(const std::string& address, uint16_t port) {
  addrinfo hints{};
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int error = getaddrinfo(address.c_str(), std::to_string(port).c_str(), &hints, &found); error != 0)
    return Invalid("listen on " + address + ": " + gai_strerror(error));
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owned(found, freeaddrinfo);
  const int descriptor = socket(found->ai_family, found->ai_socktype | SOCK_CLOEXEC, found->ai_protocol);
  if (descriptor < 0) return ErrnoStatus("make a socket", errno);
  const int on = 1;
  setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));  // as the server does
  const int error = bind(descriptor, found->ai_addr, found->ai_addrlen) == 0 ? 0 : errno;
  close(descriptor);
  if (error == 0) return Status::Ok();
  return ErrnoStatus("listen on " + address + " port " + std::to_string(port), error);
}

// For what serving can do without: a full disk must not keep the server from answering reads.
Status PutOff(const Status& done, const char* what, const Logger& log) {
  if (done.code() != Code::kDiskFull) return done;
  log.Warning(std::string(what) + " is left to the next start", {{"reason", done.message()}});
  return Status::Ok();
}

http::Route Landing() {
  return {0, true, ForReading([](http::Request&, http::Responder& responder) {
            // The client is gone if this fails; there is nobody to tell.
            responder
                .Send(200, {{"Content-Type", "application/json"}},
                      "{\"name\":\"Hilum\",\"version\":\"" HILUM_VERSION
                      "\",\"dicomweb\":\"/dicom-web\",\"fhir\":\"/fhir\",\"viewer\":\"/viewer/\",\"health\":\"/"
                      "healthz\",\"ready\":\"/"
                      "readyz\",\"metrics\":\"/metrics\"}\n")
                .IgnoreError();
          })};
}

// What SIGHUP asks for: settings are read at start alone.
void ReloadCertificates(http::Server& server, const http::TlsOptions& tls, const Logger& log) {
  if (tls.certificate_file.empty()) return log.Info("SIGHUP is ignored: there are no certificates to read again");
  if (const Status status = server.ReloadTls(); !status.ok())
    return log.Error("SIGHUP: the certificates in use stay", {{"reason", status.message()}});
  log.Info("SIGHUP: certificates read again");
}

// Where the command line asks for jobs when clients of the other address have to show a certificate: of this machine
// alone, and the token of admin.json is all that is needed.
Result<std::unique_ptr<http::Server>> ServeJobs(const AdminRoutes& admin, Clock& clock, Random& random,
                                                Registry& metrics, const Logger& log) {
  http::ServerOptions options;
  options.worker_threads = options.upload_threads = 2;
  options.worker_queue = options.max_connections = 16;
  const auto routes = [&admin](std::string_view method, std::string_view path) { return admin.FindJob(method, path); };
  return http::Server::Start(options, routes, clock, random, metrics, log);
}

Status Run(Settings& settings) {
  const StopSwitch stop;
  const SpareMemory spare_memory;
  SystemClock clock;
  SystemRandom random;
  PosixDisk disk;
  Registry metrics;
  const Logger log(2, LevelOf(settings.log_level));
  settings.store.on_fatal = [&](const Status& status) {
    log.Error("the store cannot promise durability any more; stopping", {{"reason", status.message()}});
    stop.Fatal();
  };
  HILUM_RETURN_IF_ERROR(ShareDescriptors(log, &settings.http));
  HILUM_RETURN_IF_ERROR(settings.CheckFiles());
  HILUM_RETURN_IF_ERROR(CheckAddressIsFree(settings.http.address, settings.http.port));
  HILUM_RETURN_IF_ERROR(RefuseForeignFolder(disk, settings.data));
  HILUM_ASSIGN_OR_RETURN(const std::unique_ptr<storage::Store> store,
                         storage::Store::Open(settings.store, disk, clock, random, log));
  if (!settings.store.accept_loss) HILUM_RETURN_IF_ERROR(storage::CheckSegments(*store));
  settings.resources.on_rebound = [&log, logged = uint64_t{0}](uint64_t done) mutable {
    constexpr uint64_t kBetweenLines = 100'000;
    if (logged != 0 && done < logged + kBetweenLines) return;
    log.Info("FHIR resources are indexed by another http.public_url or fhir.default_zone",
             {{"resources", std::to_string(done)}});
    logged = done;
  };
  settings.resources.log = log;
  HILUM_ASSIGN_OR_RETURN(const std::unique_ptr<fhir::ResourceStore> resources,
                         fhir::ResourceStore::Open(*store, settings.resources, clock, random));
  HILUM_ASSIGN_OR_RETURN(const std::unique_ptr<fhir::imaging::Linker> linker,
                         fhir::imaging::Linker::Start(*store, *resources, settings.imaging, log));
  HILUM_ASSIGN_OR_RETURN(std::string cursor_key, CursorKey(*store, random, log));
  HILUM_ASSIGN_OR_RETURN(settings.dicomweb.boundary_key, BoundaryKey(*store, random));
  if (settings.demo) HILUM_RETURN_IF_ERROR(PutOff(StoreDemo(*store, log), "storing the sample images", log));
  AddStoreMetrics(*store, disk, settings.data, metrics);
  metrics.gauge_function("hilum_damaged_imaging_studies", "Studies whose ImagingStudy this start left as it was",
                         [&linker] { return static_cast<double>(linker->left_behind()); });

  pixel::CodecPoolOptions codecs = settings.codecs;
  codecs.on_event = [&](pixel::WorkerEvent event) {
    metrics
        .counter("hilum_codec_worker_events_total", "Codec processes by what became of them",
                 {{"event", std::string(pixel::WorkerEventName(event))}})
        .Add();
  };
  pixel::CodecPool codec(std::move(codecs));
  storage::ExtendedTags tags(*store, clock, random, metrics, log);
  const dicomweb::ExtendedTagRoutes tag_routes(tags, settings.dicomweb.root);
  dicomweb::Service dicomweb(*store, settings.dicomweb, codec, clock, random, metrics, log);
  const fhir::StudyFilter study_filter(*resources, settings.fhir_rest.root);
  dicomweb.FilterBy(study_filter);
  fhir::Interactions interactions(*resources, settings.interactions, std::move(cursor_key));
  fhir_rest::Service fhir(interactions, settings.fhir_rest, metrics, clock, random);
  const fhir_rest::ChangeService fhir_changes(*store, *resources, settings.fhir_rest.root, metrics);
  AdminRoutes admin(*store, settings.data, metrics, random);
  const viewer::Viewer viewer(
      disk, settings.viewer_directory.empty() ? viewer::DirectoryBesideProgram() : settings.viewer_directory,
      settings.dicomweb.root, log);
  const http::Route landing = Landing();
  const auto routes = [&](std::string_view method, std::string_view path) -> const http::Route* {
    if (const http::Route* route = tag_routes.FindRoute(path)) return route;
    if (const http::Route* route = dicomweb.FindRoute(method, path)) return route;
    if (const http::Route* route = fhir_changes.FindRoute(path)) return route;
    if (const http::Route* route = fhir.FindRoute(path)) return route;
    if (const http::Route* route = admin.FindRoute(method, path)) return route;
    if (const http::Route* route = viewer.FindRoute(path)) return route;
    return path == "/" ? &landing : nullptr;
  };
  settings.http.error_body = [&](std::string_view method, std::string_view path, int status, std::string_view reason) {
    if (auto body = dicomweb::StoreRefusal(settings.dicomweb.root, method, path, status, reason)) return body;
    return fhir_rest::RefusalBody(settings.fhir_rest.root, path, status, reason);
  };
  HILUM_ASSIGN_OR_RETURN(const std::unique_ptr<http::Server> server,
                         http::Server::Start(settings.http, routes, clock, random, metrics, log));

  const bool is_v6 = settings.http.address.find(':') != std::string::npos;
  const std::string host = is_v6 ? "[" + settings.http.address + "]" : settings.http.address;
  const std::string url = (settings.http.tls.certificate_file.empty() ? "http://" : "https://") + host + ":" +
                          std::to_string(server->port());
  const std::string& public_url = settings.http.public_url;
  const Status endpoint = linker->PutEndpoint(
      (public_url.empty() ? ReachableUrl(settings.http.address, url) : public_url) + settings.dicomweb.root);
  HILUM_RETURN_IF_ERROR(PutOff(endpoint, "writing this server's address into its Endpoint", log));
  Registry job_metrics;
  std::unique_ptr<http::Server> jobs;
  if (settings.http.tls.require_client_certificate) {
    HILUM_ASSIGN_OR_RETURN(jobs, ServeJobs(admin, clock, random, job_metrics, log));
  }
  HILUM_RETURN_IF_ERROR(
      admin.Announce(disk, settings.data, jobs ? "http://127.0.0.1:" + std::to_string(jobs->port()) : url));
  std::printf("ready %s\n", url.c_str());
  std::fflush(stdout);
  log.Info("serving", {{"url", url}});

  bool by_signal = false;
  {
    const storage::Maintenance maintenance(*store, settings.maintenance, metrics, log);
    const dicomweb::Preparer preparer(dicomweb, *store, settings.prepare_after, metrics, log);
    by_signal = stop.Wait([&] { ReloadCertificates(*server, settings.http.tls, log); });
    const std::chrono::seconds grace = by_signal ? settings.shutdown_grace : std::chrono::seconds(1);
    AdminRoutes::Withdraw(disk, settings.data);
    server->Stop(grace);
    if (jobs) jobs->Stop(grace);
  }
  if (by_signal) {
    log.Info("stopped");
    return Status::Ok();
  }
  return store->health().WithContext("stopped because the store failed");
}

Status RunWithinLimits(Settings& settings) {
  try {
    return Run(settings);
  } catch (const std::system_error& error) {
    return Unavailable(std::string("start threads: ") + error.what() +
                       ": lower http.workers and http.uploads, or raise the limit of tasks (ulimit -u, TasksMax= of "
                       "systemd)");
  }
}

}  // namespace

int Serve(Arguments arguments) {
  Settings settings;
  const auto rest = settings.MakeConfig().Parse(arguments, environ);
  Status status = rest.status();
  if (status.ok() && !rest->empty()) status = Invalid("'" + rest->front() + "' is not a flag");
  if (status.ok()) status = settings.Finish();
  if (!status.ok()) {
    std::fprintf(stderr, "hilum serve: %s\n", status.message().c_str());
    return 2;
  }
  status = RunWithinLimits(settings);
  if (status.ok()) return 0;
  std::fprintf(stderr, "hilum serve: %s\n", status.ToString().c_str());
  return 1;
}

int ConfigCommand(Arguments arguments) {
  Settings settings;
  const std::string_view what = arguments.empty() ? "" : arguments[0];
  if (what == "reference" && arguments.size() == 1) {
    std::fputs(settings.MakeConfig().Reference().c_str(), stdout);
    return 0;
  }
  if (what != "check" || arguments.size() != 2) {
    std::fputs("usage: hilum config check FILE.toml | hilum config reference\n", stderr);
    return 2;
  }
  const char* const as_flags[] = {"--config", arguments[1]};
  const char* const no_environment[] = {nullptr};
  Status status = settings.MakeConfig().Parse(as_flags, no_environment).status();
  if (status.ok()) status = settings.Finish();
  if (status.ok()) status = settings.CheckFiles();
  if (status.ok()) {
    std::printf("%s is good\n", arguments[1]);
    return 0;
  }
  std::fprintf(stderr, "%s\n", status.message().c_str());
  return 1;
}

}  // namespace hilum
