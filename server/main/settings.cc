#include "server/main/settings.h"

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "base/time_text.h"
#include "server/http/forwarded.h"
#include "server/http/text.h"
#include "server/http/tls.h"

namespace hilum {
namespace {

// Below it nothing would ever be in time.
constexpr std::chrono::milliseconds kLeastTimeout{100};
// The program and its libraries alone take a good part of it.
constexpr uint64_t kLeastCodecMemory = 256 << 20;

bool IsLoopback(std::string_view address) {
  return address.starts_with("127.") || address == "::1" || address == "localhost";
}

Status SplitListen(const std::string& listen, std::string* address, uint16_t* port) {
  const size_t colon = listen.rfind(':');
  if (colon == std::string::npos) return Invalid("http.listen must be HOST:PORT, such as 127.0.0.1:8042 or [::1]:8042");
  *address = listen.substr(0, colon);
  if (address->size() > 2 && address->front() == '[' && address->back() == ']')
    *address = address->substr(1, address->size() - 2);
  if (*address == "localhost") *address = "127.0.0.1";
  if (!http::IsAddressLiteral(*address))
    return Invalid(
        "http.listen: the host must be an IPv4 or IPv6 address of this machine, such as 127.0.0.1 or [::1], "
        "no name; 0.0.0.0 stands for all");
  const std::string_view digits = std::string_view(listen).substr(colon + 1);
  const std::optional<uint16_t> number = ParseDecimal<uint16_t>(digits);
  if (!number) return Invalid("http.listen: the port must be a number from 0 to 65535");
  *port = *number;
  return Status::Ok();
}

}  // namespace

class Settings::Mistakes {
 public:
  void Add(std::string_view mistake) {
    if (!lines_.empty()) lines_ += '\n';
    lines_ += mistake;
  }
  void Take(const Status& status) {
    if (!status.ok()) Add(status.message());
  }
  Status status() const { return lines_.empty() ? Status::Ok() : Invalid(lines_); }

 private:
  std::string lines_;
};

Config Settings::MakeConfig() {
  return Config({
      Setting("data", &data, "Folder that holds everything the server keeps; it is made when it does not exist."),
      Setting("http.listen", &listen, "Address and port to serve on; port 0 takes any free one.").Alias("http"),
      Setting("http.allow_remote_without_login", &allow_remote_without_login,
              "Serve on an address other machines can reach although nobody has to log in: whoever reaches it reads "
              "and writes everything."),
      Setting("http.public_url", &http.public_url,
              "scheme://host that clients use, with the path that a proxy takes off if it does, for absolute URLs in "
              "answers; FHIR references below it lead to what is here. Empty takes what each request says for "
              "answers, and follows relative references only."),
      Setting(
          "http.trusted_proxies", &http.trusted_proxies,
          "Addresses and networks (10.0.0.0/8) of reverse proxies: what they say in Forwarded or X-Forwarded-Proto, "
          "-Host, -Port, -Prefix and -For is taken for the client's request. Nobody else is believed."),
      Setting("http.event_threads", &http.event_threads, "Threads that watch connections; more than two rarely help.",
              "threads", size_t{1}, size_t{64}),
      Setting("http.workers", &http.worker_threads, "Requests handled at a time, apart from uploads.", "threads",
              size_t{1}, size_t{4096}),
      Setting("http.uploads", &http.upload_threads,
              "Uploads received at a time; each holds about 1.5 MiB. Slow ones hold up other uploads, nothing else.",
              "threads", size_t{1}, size_t{4096}),
      Setting("http.queue", &http.worker_queue,
              "Requests, and uploads, that wait for their turn; more are answered 503.", "requests", size_t{1}),
      Setting("http.max_connections", &http.max_connections,
              "Open connections; more are answered 503. A start lowers it to what the limit of open files leaves.",
              "connections", size_t{1}),
      Setting("http.header_timeout", &http.header_timeout, "Time for a request header to arrive.", kLeastTimeout),
      Setting("http.body_timeout", &http.body_timeout, "Silence of a client in the middle of its upload.",
              kLeastTimeout),
      Setting::Size("http.body_rate", &http.body_bytes_per_second,
                    "Bytes a second that a client sends of its upload at least, once it was waited for as long as "
                    "http.body_timeout; 0 takes any."),
      Setting("http.write_timeout", &http.write_timeout, "Time a client may take nothing of its answer.",
              kLeastTimeout),
      Setting("http.idle_timeout", &http.idle_timeout, "Time a connection without a request is kept.", kLeastTimeout),
      Setting("http.cors_origins", &http.cors_origins, "Origins whose pages may call the server; \"*\" for all."),
      Setting("http.shutdown_grace", &shutdown_grace, "Time running requests have to finish after SIGTERM."),
      Setting("tls.certificate", &http.tls.certificate_file,
              "PEM file with the certificate chain; TLS is on when it is set. Changed files are read again within "
              "about 10 seconds, also those below; what is in use stays when they cannot be used."),
      Setting("tls.key", &http.tls.key_file, "PEM file with the private key."),
      Setting("tls.named", &named_certificates,
              "NAME=CERTIFICATE:KEY: the PEM files for clients that ask for this server name (SNI), which may be "
              "*.example.org; others get tls.certificate."),
      Setting("tls.client_ca", &http.tls.client_ca_file,
              "PEM file with the authorities whose client certificates are accepted."),
      Setting("tls.require_client_certificate", &http.tls.require_client_certificate,
              "Refuse clients without an accepted certificate."),
      Setting("store.duplicates", &duplicates,
              "Other bytes under the SOP Instance UID of an instance in the same series: \"reject\" them or "
              "\"replace\" what is stored."),
      Setting::Size("store.cache", &store.block_cache_bytes,
                    "Memory for index blocks read from disk; more is faster on large stores."),
      Setting::Size("store.write_buffer", &store.write_buffer_bytes,
                    "Memory for rows not yet in tables; more means fewer flushes and longer recovery."),
      Setting::Size("store.segment", &store.segment_bytes, "Size at which a segment file of objects is closed."),
      Setting::Size("store.low_water", &store.low_water_bytes,
                    "Free disk space below which storing is refused with 507; at least 2.5 times store.write_buffer. "
                    "Deletions and backups go on down to half of it, or twice store.write_buffer if that is more."),
      Setting(
          "store.direct_writes", &store.direct_writes,
          "Write larger objects past the page cache: twice as fast on solid state disks; they are read from the disk "
          "when they are asked for first."),
      Setting::Size("store.room_ahead", &store.room_ahead_bytes,
                    "Room for objects that is written with zeros while nothing is stored, at most as much as was "
                    "stored since the start: stores that come after a pause are faster, and every byte of them is "
                    "written twice. 0: never; so on file systems that copy on write.",
                    0),
      Setting("store.accept_loss", &store.accept_loss,
              "Open a store that lost acknowledged data, and go on with what is left."),
      Setting(
          "store.keep_deleted", &store.keep_deleted,
          "Time that the bytes of a deleted or replaced instance stay on the disk at least, although nobody can get "
          "it any more; longer takes more disk."),
      Setting("store.compact_every", &maintenance.compact_every,
              "Time between looks for segments whose space can be given back.", std::chrono::seconds(1)),
      Setting::Size("store.scrub_rate", &maintenance.scrub_bytes_per_second,
                    "Bytes a second read in the background to find damage; 0 turns it off."),
      Setting("store.scrub_pause", &maintenance.scrub_pause,
              "Rest between two passes over all objects; 0 begins the next one at once."),
      Setting::Size("stow.memory", &upload_memory,
                    "Bytes of an arriving instance held in memory before it goes to a segment of its own; times "
                    "http.uploads in all."),
      Setting("codec.workers", &codecs.workers,
              "Processes that decode and encode compressed pixels; more use more processors and memory.", "processes",
              size_t{1}, size_t{64}),
      Setting("codec.timeout", &codecs.timeout,
              "Time for one frame, after which its process is killed and the request fails.", kLeastTimeout),
      Setting::Size("codec.memory", &codecs.address_space, "Address space of one such process.", kLeastCodecMemory),
      Setting(
          "render.fonts", &dicomweb.fonts,
          "Font files for annotations in pictures; a character is drawn with the first that has it, files that do not "
          "exist are passed over."),
      Setting::Size(
          "metadata.cache", &dicomweb.metadata_cache_bytes,
          "Memory for metadata of series and studies, ready to be sent, a quarter of it for clients that take no "
          "compression; 0 makes it anew for every request."),
      Setting("metadata.prepare_after", &prepare_after,
              "Time without changes after which the metadata and thumbnail of a series are made ready."),
      Setting("search.default_limit", &dicomweb.search_default_limit, "Rows of a search without limit.", "rows",
              size_t{1}),
      Setting("search.max_limit", &dicomweb.search_max_limit, "Rows of a search at most.", "rows", size_t{1}),
      Setting("search.strict", &dicomweb.search_strict,
              "Refuse searches by unknown keys with 400; else such keys are ignored with a Warning."),
      Setting("fhir.references", &fhir_references,
              "FHIR references to resources that are not here: \"off\" takes them, \"warn\" takes them and says so, "
              "\"enforce\" refuses them, and refuses to delete what is referred to."),
      Setting("fhir.default_count", &interactions.default_count, "Entries on a page of a FHIR search without _count.",
              "entries", size_t{1}, size_t{10'000}),
      Setting("fhir.max_count", &interactions.max_count, "Entries on a page of a FHIR search at most.", "entries",
              size_t{1}, size_t{10'000}),
      Setting::Size("fhir.max_body", &fhir_rest.max_body_bytes,
                    "Bytes of a FHIR request; it is held in memory, several times over while it is stored."),
      Setting("fhir.max_parameters", &fhir_rest.max_parameters,
              "Parameters of a FHIR request at most, those of a form included; more are answered with 413.",
              "parameters", size_t{1}, size_t{10'000}),
      Setting("fhir.async_kept", &fhir_rest.async.kept,
              "Time for which answers of FHIR requests with respond-async are kept."),
      Setting::Size("fhir.async_memory", &fhir_rest.async.bytes,
                    "Memory for FHIR requests with respond-async and their answers; more are refused with 503."),
      Setting("fhir.handling", &fhir_handling,
              "FHIR search parameters that are not known: \"lenient\" ignores them and says so, \"strict\" answers "
              "400; a client chooses with Prefer: handling=."),
      Setting("fhir.default_zone", &fhir_default_zone,
              "Time zone of FHIR dates that name none; the index follows it at start."),
      Setting("imaging.link", &imaging.enabled,
              "Keep a FHIR ImagingStudy for each stored study, in the commit that stores its images."),
      Setting("imaging.patient_systems", &patient_systems,
              "ISSUER=SYSTEM: the system of Patient.identifier that an Issuer of Patient ID stands for, to find the "
              "Patient of a study; =SYSTEM is for images that name no issuer. An issuer that is an OID or URI stands "
              "for itself, any other for identifiers without a system whose assigner.display is the issuer."),
      Setting("imaging.patients", &patient_policy,
              "What becomes of a study whose Patient ID no Patient has: \"link\" waits for such a Patient, \"create\" "
              "makes one of what the images say, \"quarantine\" tags the ImagingStudy for review, as it does when the "
              "Patient is called otherwise."),
      Setting("imaging.accession_system", &imaging.resolver.accession_system,
              "System of accession numbers in ImagingStudy.identifier, and in the ServiceRequests and "
              "DiagnosticReports that are looked for "
              "by them; empty: they have none."),
      Setting(
          "imaging.placer_system", &imaging.resolver.placer_system,
          "System of placer order numbers in the ServiceRequests and DiagnosticReports that are looked for by them; "
          "empty: they have none."),
      Setting("imaging.filler_system", &imaging.resolver.filler_system, "System of filler order numbers, likewise."),
      Setting("viewer.directory", &viewer_directory,
              "Folder with the prepared OHIF viewer; empty takes the folder viewer beside the program."),
      Setting("log.level", &log_level, "Least severity that is logged: debug, info, warning or error."),
      Setting("demo", &demo, "Store a few sample images at start."),
  });
}

Status Settings::Finish() {
  Mistakes mistakes;
  const Status address = SplitListen(listen, &http.address, &http.port);
  mistakes.Take(address);
  if (data.empty()) mistakes.Add("data must name a folder");
  FinishTls(&mistakes);
  CheckOrigins(&mistakes);
  const bool nobody_logs_in = !http.tls.require_client_certificate;
  if (address.ok() && !IsLoopback(http.address) && nobody_logs_in && !allow_remote_without_login)
    mistakes.Add(
        "http.listen = " + listen +
        " can be reached by other machines, and nobody would have to log in. Demand client certificates (tls.client_ca "
        "and tls.require_client_certificate), put a proxy that authenticates in front of a loopback address, or set "
        "http.allow_remote_without_login = true");
  if (store.low_water_bytes < store.write_buffer_bytes / 2 * 5)
    mistakes.Add(
        "store.low_water must be at least 2.5 times store.write_buffer: writing back what is in memory needs that "
        "room");
  if (dicomweb.search_default_limit > dicomweb.search_max_limit)
    mistakes.Add("search.default_limit must not exceed search.max_limit");
  if (store.segment_bytes < (1 << 20)) mistakes.Add("store.segment must be at least 1MiB");
  if (duplicates != "reject" && duplicates != "replace")
    mistakes.Add("store.duplicates must be \"reject\" or \"replace\"");
  if (log_level != "debug" && log_level != "info" && log_level != "warning" && log_level != "error")
    mistakes.Add("log.level must be debug, info, warning or error");
  FinishUrls(&mistakes);
  FinishFhir(&mistakes);
  FinishImaging(&mistakes);
  dicomweb.ingest.duplicates = duplicates == "replace" ? DuplicatePolicy::kReplace : DuplicatePolicy::kReject;
  dicomweb.ingest.memory_bytes = upload_memory;
  store.directory = data;
  return mistakes.status();
}

Status Settings::CheckFiles() const {
  Mistakes mistakes;
  const auto check = [&](const std::string& key, const std::string& path) {
    if (path.empty()) return;
    const std::ifstream file(path);
    if (!file || std::filesystem::is_directory(path)) mistakes.Add(key + ": the file " + path + " cannot be read");
  };
  check("tls.certificate", http.tls.certificate_file);
  check("tls.key", http.tls.key_file);
  check("tls.client_ca", http.tls.client_ca_file);
  for (const auto& [name, certificate, key] : http.tls.named) {
    check("tls.named", certificate);
    check("tls.named", key);
  }
  if (mistakes.status().ok() && !http.tls.certificate_file.empty()) mistakes.Take(http::Tls::Load(http.tls).status());
  return mistakes.status();
}

void Settings::FinishTls(Mistakes* mistakes) {
  http::TlsOptions& tls = http.tls;
  if (tls.certificate_file.empty() != tls.key_file.empty()) mistakes->Add("tls.certificate and tls.key go together");
  // Without TLS nobody could show a certificate: who sets these must not get a server that lets everybody in.
  if (tls.certificate_file.empty() && (!tls.client_ca_file.empty() || tls.require_client_certificate))
    mistakes->Add(
        "tls.client_ca and tls.require_client_certificate need tls.certificate and tls.key: without them the server "
        "speaks plain HTTP and asks nobody for a certificate");
  if (tls.require_client_certificate && tls.client_ca_file.empty())
    mistakes->Add("tls.require_client_certificate needs tls.client_ca");
  if (tls.certificate_file.empty() && !named_certificates.empty())
    mistakes->Add("tls.named needs tls.certificate and tls.key, for clients that ask for another name or none");
  for (const std::string& entry : named_certificates) {
    const size_t equals = entry.find('='), colon = entry.rfind(':');
    if (equals == std::string::npos || equals == 0 || colon == std::string::npos || colon < equals + 2 ||
        colon + 1 == entry.size()) {
      mistakes->Add("tls.named takes NAME=CERTIFICATE:KEY, such as pacs.example.org=pacs.crt:pacs.key");
      continue;
    }
    tls.named.push_back(
        {entry.substr(0, equals), entry.substr(equals + 1, colon - equals - 1), entry.substr(colon + 1)});
  }
}

// As browsers write them (RFC 6454 6.2): one that is written otherwise would never be allowed.
void Settings::CheckOrigins(Mistakes* mistakes) const {
  for (const std::string& origin : http.cors_origins) {
    const size_t scheme = origin.find("://");
    const std::string_view host =
        scheme == std::string::npos ? std::string_view() : std::string_view(origin).substr(scheme + 3);
    // RFC 3986 3.1.
    const auto is_scheme = [](char c) {
      return IsDigit(c) || (c >= 'a' && c <= 'z') || c == '+' || c == '-' || c == '.';
    };
    const bool is_origin = scheme != std::string::npos && scheme > 0 && !IsDigit(origin[0]) &&
                           std::ranges::all_of(std::string_view(origin).substr(0, scheme), is_scheme) &&
                           http::IsHostText(host) && !host.ends_with(':') &&
                           std::ranges::none_of(origin, [](char c) { return c >= 'A' && c <= 'Z'; });
    if (origin != "*" && origin != "null" && !is_origin)
      mistakes->Add("http.cors_origins: '" + origin +
                    "' is no origin; it must be like https://viewer.example.org or http://localhost:3000, in small "
                    "letters, with nothing behind the host and port; commas part several");
  }
}

void Settings::FinishUrls(Mistakes* mistakes) {
  while (http.public_url.ends_with('/')) http.public_url.pop_back();
  const bool has_scheme = http.public_url.starts_with("http://") || http.public_url.starts_with("https://");
  if (!http.public_url.empty() && (!has_scheme || http.public_url.find_first_of(" \t\"<>?#") != std::string::npos))
    mistakes->Add("http.public_url must be like https://pacs.example.org or https://example.org/pacs");
  dicomweb.public_url = http.public_url;
  // Azure's clients put the version of its interface before each path.
  for (const char* version : {"/v1", "/v2"}) {
    http.path_aliases.emplace_back(version, dicomweb.root);
    http.path_aliases.emplace_back(dicomweb.root + version, dicomweb.root);
  }
  mistakes->Take(http::TrustedProxies::Parse(http.trusted_proxies).status().WithContext("http.trusted_proxies"));
}

void Settings::FinishImaging(Mistakes* mistakes) {
  const auto is_uri = [](std::string_view text) {
    return std::ranges::none_of(text, [](unsigned char c) { return c <= ' ' || c == 0x7F; });
  };
  for (const std::string& entry : patient_systems) {
    const size_t equals = entry.find('=');
    if (equals == std::string::npos || equals + 1 == entry.size() || !is_uri(entry.substr(equals + 1))) {
      mistakes->Add("imaging.patient_systems takes ISSUER=SYSTEM, where SYSTEM is a URI without blanks");
      continue;
    }
    imaging.resolver.systems[entry.substr(0, equals)] = entry.substr(equals + 1);
  }
  using fhir::imaging::PatientPolicy;
  const std::map<std::string, PatientPolicy> policies = {
      {"link", PatientPolicy::kLink}, {"create", PatientPolicy::kCreate}, {"quarantine", PatientPolicy::kQuarantine}};
  const auto policy = policies.find(patient_policy);
  if (policy == policies.end())
    mistakes->Add("imaging.patients must be \"link\", \"create\" or \"quarantine\"");
  else
    imaging.resolver.policy = policy->second;
  const std::pair<const char*, const std::string*> order_systems[] = {
      {"imaging.accession_system", &imaging.resolver.accession_system},
      {"imaging.placer_system", &imaging.resolver.placer_system},
      {"imaging.filler_system", &imaging.resolver.filler_system}};
  for (const auto& [key, system] : order_systems)
    if (!is_uri(*system)) mistakes->Add(std::string(key) + " must be a URI without blanks");
}

void Settings::FinishFhir(Mistakes* mistakes) {
  if (fhir_references == "off")
    resources.references = fhir::ReferencePolicy::kOff;
  else if (fhir_references == "warn")
    resources.references = fhir::ReferencePolicy::kWarn;
  else if (fhir_references == "enforce")
    resources.references = fhir::ReferencePolicy::kEnforce;
  else
    mistakes->Add("fhir.references must be \"off\", \"warn\" or \"enforce\"");
  if (fhir_handling != "lenient" && fhir_handling != "strict")
    mistakes->Add("fhir.handling must be \"lenient\" or \"strict\"");
  interactions.handling = fhir_handling == "strict" ? fhir::Handling::kStrict : fhir::Handling::kLenient;
  const auto zone = ParseZone(fhir_default_zone);
  if (!zone) mistakes->Add("fhir.default_zone must be an offset from UTC such as +01:00 or -05:30");
  resources.default_offset_minutes = zone.value_or(0);
  if (interactions.default_count > interactions.max_count)
    mistakes->Add("fhir.default_count must not exceed fhir.max_count");
  fhir_rest.images_root = dicomweb.root;
  if (!http.public_url.empty()) resources.base_url = http.public_url + fhir_rest.root;
  interactions.software_version = HILUM_VERSION;
}

}  // namespace hilum
