// One non-blocking stream socket, plain or TLS, that says what it waits for instead of waiting.
//
// Used by one thread at a time: the owner of the connection. Does not close the descriptor.
#pragma once

#include <openssl/ssl.h>
#include <sys/uio.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/disk.h"
#include "base/metrics.h"

namespace hilum::http {

enum class Io : uint8_t { kDone, kWantRead, kWantWrite, kClosed };

struct IoResult {
  Io state = Io::kDone;
  size_t bytes = 0;  // moved, when kDone; 0 received means the peer sent all it will send
};

struct SslDeleter {
  void operator()(SSL* ssl) const { SSL_free(ssl); }
};
using SslPtr = std::unique_ptr<SSL, SslDeleter>;

class Channel {
 public:
  // `ssl` is set up for the server side, or null for a plain socket. The counters outlive the channel.
  Channel(int descriptor, SslPtr ssl, Counter& received, Counter& sent);

  int descriptor() const { return descriptor_; }
  bool secure() const { return ssl_ != nullptr; }

  // kDone once the TLS handshake is over; at once for plain sockets.
  Io Handshake();
  // Subject of the verified client certificate (RFC 2253 form); empty without one.
  std::string ClientSubject() const;

  IoResult Receive(std::span<char> into);
  // Whether bytes of the peer are decrypted already, so that the descriptor does not become readable for them. (Not
  // SSL_has_pending: it is also set by part of a record, whose rest does make the descriptor readable.)
  bool HasDecrypted() const { return ssl_ && SSL_pending(ssl_.get()) > 0; }
  // Sends a prefix of the pieces. `more` says that more follows at once. REQUIRES: some piece is not empty; after
  // kWantWrite the same bytes come first again.
  IoResult Send(std::span<const iovec> pieces, bool more);
  // Sends a prefix of at most `length` bytes of the file. kClosed when the file is shorter or unreadable: the answer
  // is broken then.
  IoResult SendFile(const File& file, uint64_t offset, uint64_t length);
  // Says the orderly goodbye of TLS and that no more will be sent; ignores failures, the connection ends anyway.
  void FinishSending();

  // Blocks until the descriptor is ready for what `wanted` says; false after `timeout`.
  bool Wait(Io wanted, std::chrono::milliseconds timeout) const;

 private:
  IoResult FromSsl(int result);
  IoResult FromErrno(Io would_block) const;
  IoResult SendOver(const char* data, size_t length);

  int descriptor_;
  SslPtr ssl_;
  bool ssl_failed_ = false;
  Counter& received_;
  Counter& sent_;
};

}  // namespace hilum::http
