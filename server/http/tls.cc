#include "server/http/tls.h"

#include <openssl/err.h>
#include <sys/stat.h>

#include <vector>

#include "server/http/text.h"

namespace hilum::http {
namespace {

struct ContextDeleter {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
using ContextPtr = std::unique_ptr<SSL_CTX, ContextDeleter>;

// "*.example.org" stands for exactly one label in front (RFC 6125 6.4.3).
bool NameMatches(std::string_view pattern, std::string_view name) {
  if (!pattern.starts_with("*.")) return EqualsIgnoringCase(pattern, name);
  const size_t dot = name.find('.');
  return dot != std::string_view::npos && dot > 0 && EqualsIgnoringCase(pattern.substr(1), name.substr(dot));
}

Status TlsError(const std::string& step, const std::string& file) {
  char text[256] = "no detail";
  if (const unsigned long code = ERR_get_error(); code != 0) ERR_error_string_n(code, text, sizeof(text));
  ERR_clear_error();
  return Invalid("TLS: " + step + " '" + file + "': " + text);
}

int ChooseHttp11(SSL*, const unsigned char** out, unsigned char* out_length, const unsigned char* in,
                 unsigned int in_length, void*) {
  static constexpr unsigned char kProtocol[] = "\x08http/1.1";
  unsigned char* chosen = nullptr;
  const int result = SSL_select_next_proto(&chosen, out_length, kProtocol, sizeof(kProtocol) - 1, in, in_length);
  *out = chosen;
  return result == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

Status AskForClientCertificates(SSL_CTX* context, const TlsOptions& options) {
  if (options.client_ca_file.empty()) return Status::Ok();
  if (SSL_CTX_load_verify_file(context, options.client_ca_file.c_str()) != 1) {
    return TlsError("read client CA file", options.client_ca_file);
  }
  SSL_CTX_set_client_CA_list(context, SSL_load_client_CA_file(options.client_ca_file.c_str()));
  SSL_CTX_set_verify(
      context, SSL_VERIFY_PEER | (options.require_client_certificate ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0), nullptr);
  return Status::Ok();
}

Result<ContextPtr> MakeContext(const std::string& certificate, const std::string& key, const TlsOptions& options) {
  ContextPtr context(SSL_CTX_new(TLS_server_method()));
  if (!context) return TlsError("make a context for", certificate);
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE |
                                         SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_mode(context.get(),
                   SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_alpn_select_cb(context.get(), ChooseHttp11, nullptr);
  static constexpr unsigned char kSessionContext[] = "hilum";
  SSL_CTX_set_session_id_context(context.get(), kSessionContext, sizeof(kSessionContext) - 1);
  if (SSL_CTX_use_certificate_chain_file(context.get(), certificate.c_str()) != 1) {
    return TlsError("read certificate file", certificate);
  }
  if (SSL_CTX_use_PrivateKey_file(context.get(), key.c_str(), SSL_FILETYPE_PEM) != 1) {
    return TlsError("read key file (it must hold the private key of '" + certificate + "')", key);
  }
  HILUM_RETURN_IF_ERROR(AskForClientCertificates(context.get(), options));
  return context;
}

}  // namespace

class TlsContexts {
 public:
  static Result<std::shared_ptr<const TlsContexts>> Load(const TlsOptions& options) {
    auto contexts = std::make_shared<TlsContexts>();
    HILUM_ASSIGN_OR_RETURN(contexts->fallback_, MakeContext(options.certificate_file, options.key_file, options));
    for (const TlsOptions::Named& named : options.named) {
      HILUM_ASSIGN_OR_RETURN(ContextPtr context, MakeContext(named.certificate_file, named.key_file, options));
      contexts->named_.emplace_back(named.server_name, std::move(context));
    }
    SSL_CTX_set_tlsext_servername_callback(contexts->fallback_.get(), &TlsContexts::ChooseByName);
    SSL_CTX_set_tlsext_servername_arg(contexts->fallback_.get(), contexts.get());
    return std::shared_ptr<const TlsContexts>(std::move(contexts));
  }

  SslPtr NewSsl() const { return SslPtr(SSL_new(fallback_.get())); }

 private:
  static int ChooseByName(SSL* ssl, int*, void* self) {
    const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    if (name == nullptr) return SSL_TLSEXT_ERR_NOACK;
    for (const auto& [pattern, context] : static_cast<const TlsContexts*>(self)->named_) {
      if (!NameMatches(pattern, name)) continue;
      SSL_set_SSL_CTX(ssl, context.get());
      return SSL_TLSEXT_ERR_OK;
    }
    return SSL_TLSEXT_ERR_NOACK;
  }

  ContextPtr fallback_;
  std::vector<std::pair<std::string, ContextPtr>> named_;
};

Result<std::unique_ptr<Tls>> Tls::Load(TlsOptions options) {
  std::unique_ptr<Tls> tls(new Tls(std::move(options)));
  HILUM_RETURN_IF_ERROR(tls->Reload());
  return tls;
}

TlsSession Tls::NewSession(int descriptor) const {
  TlsSession session;
  {
    const std::lock_guard lock(mu_);
    session.contexts = current_;
  }
  session.ssl = session.contexts->NewSsl();
  if (session.ssl && SSL_set_fd(session.ssl.get(), descriptor) != 1) session.ssl.reset();
  if (session.ssl) SSL_set_accept_state(session.ssl.get());
  return session;
}

std::string Tls::FileTimes() const {
  std::vector<std::string> files = {options_.certificate_file, options_.key_file, options_.client_ca_file};
  for (const TlsOptions::Named& named : options_.named) {
    files.push_back(named.certificate_file);
    files.push_back(named.key_file);
  }
  std::string times;
  for (const std::string& file : files) {
    struct stat info {};
    if (file.empty() || stat(file.c_str(), &info) != 0) info.st_mtim = {};
    AppendLe(&times, static_cast<int64_t>(info.st_mtim.tv_sec));
    AppendLe(&times, static_cast<int64_t>(info.st_mtim.tv_nsec));
  }
  return times;
}

Status Tls::Reload() {
  // Taken before reading: a file that changes meanwhile is read again at the next check.
  std::string times = FileTimes();
  Result<std::shared_ptr<const TlsContexts>> loaded = TlsContexts::Load(options_);
  const std::lock_guard lock(mu_);
  file_times_ = std::move(times);
  HILUM_RETURN_IF_ERROR(loaded.status());
  current_ = std::move(loaded).value();
  return Status::Ok();
}

Result<bool> Tls::ReloadIfChanged() {
  {
    const std::string times = FileTimes();
    const std::lock_guard lock(mu_);
    if (times == file_times_) return false;
  }
  HILUM_RETURN_IF_ERROR(Reload());
  return true;
}

}  // namespace hilum::http
