// The server side of TLS: certificates by server name, client certificates, reload. Contexts are made whole and
// swapped, so that a bad file never disturbs what is in use.
//
// Safe for concurrent use.
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "base/result.h"
#include "server/http/channel.h"
#include "server/http/server.h"

namespace hilum::http {

// Owns one generation of contexts; sessions made from it keep it alive.
class TlsContexts;

struct TlsSession {
  std::shared_ptr<const TlsContexts> contexts;  // outlives ssl
  SslPtr ssl;
};

class Tls {
 public:
  // kInvalid when a file cannot be used, naming it.
  static Result<std::unique_ptr<Tls>> Load(TlsOptions options);

  // A server session on the (non-blocking) socket; without ssl when memory is out.
  TlsSession NewSession(int descriptor) const;
  // Reads all files again; what is in use stays when one is unusable.
  Status Reload();
  // Reload() when a file's modification time differs from the one read last; whether it was called.
  Result<bool> ReloadIfChanged();

 private:
  explicit Tls(TlsOptions options) : options_(std::move(options)) {}
  std::string FileTimes() const;

  const TlsOptions options_;
  mutable std::mutex mu_;
  std::shared_ptr<const TlsContexts> current_;
  std::string file_times_;
};

}  // namespace hilum::http
