#include "server/http/channel.h"

#include <openssl/err.h>
#include <openssl/x509.h>
#include <poll.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace hilum::http {
namespace {

constexpr size_t kTlsRecord = 16 * 1024;
constexpr size_t kFileBlock = 64 * 1024;
// The kernel would go on inside one call as long as the peer reads; the owner wants to be asked in between.
constexpr uint64_t kSendfileStep = 4 * 1024 * 1024;

}  // namespace

Channel::Channel(int descriptor, SslPtr ssl, Counter& received, Counter& sent)
    : descriptor_(descriptor), ssl_(std::move(ssl)), received_(received), sent_(sent) {}

IoResult Channel::FromErrno(Io would_block) const {
  if (errno == EAGAIN || errno == EWOULDBLOCK) return {would_block};
  return {Io::kClosed};
}

IoResult Channel::FromSsl(int result) {
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ:
      return {Io::kWantRead};
    case SSL_ERROR_WANT_WRITE:
      return {Io::kWantWrite};
    case SSL_ERROR_ZERO_RETURN:
      return {Io::kDone, 0};
    default:
      ssl_failed_ = true;
      return {Io::kClosed};
  }
}

Io Channel::Handshake() {
  if (!ssl_ || SSL_is_init_finished(ssl_.get())) return Io::kDone;
  ERR_clear_error();
  const int result = SSL_accept(ssl_.get());
  return result == 1 ? Io::kDone : FromSsl(result).state;
}

std::string Channel::ClientSubject() const {
  X509* certificate = ssl_ ? SSL_get0_peer_certificate(ssl_.get()) : nullptr;
  if (certificate == nullptr || SSL_get_verify_result(ssl_.get()) != X509_V_OK) return "";
  const std::unique_ptr<BIO, decltype(&BIO_free)> text(BIO_new(BIO_s_mem()), BIO_free);
  if (!text || X509_NAME_print_ex(text.get(), X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253) < 0) return "";
  char* data = nullptr;
  const long length = BIO_get_mem_data(text.get(), &data);
  return std::string(data, static_cast<size_t>(std::max(0L, length)));
}

IoResult Channel::Receive(std::span<char> into) {
  IoResult result;
  if (ssl_) {
    ERR_clear_error();
    const int got = SSL_read(ssl_.get(), into.data(), static_cast<int>(std::min<size_t>(into.size(), INT32_MAX)));
    result = got > 0 ? IoResult{Io::kDone, static_cast<size_t>(got)} : FromSsl(got);
  } else {
    ssize_t got;
    do {
      got = recv(descriptor_, into.data(), into.size(), 0);
    } while (got < 0 && errno == EINTR);
    result = got >= 0 ? IoResult{Io::kDone, static_cast<size_t>(got)} : FromErrno(Io::kWantRead);
  }
  if (result.bytes > 0) received_.Add(result.bytes);
  return result;
}

IoResult Channel::SendOver(const char* data, size_t length) {
  ERR_clear_error();
  const int put = SSL_write(ssl_.get(), data, static_cast<int>(std::min<size_t>(length, INT32_MAX)));
  if (put <= 0) {
    const IoResult result = FromSsl(put);
    return result.state == Io::kDone ? IoResult{Io::kClosed} : result;
  }
  sent_.Add(static_cast<uint64_t>(put));
  return {Io::kDone, static_cast<size_t>(put)};
}

IoResult Channel::Send(std::span<const iovec> pieces, bool more) {
  if (!ssl_) {
    const int flags = MSG_NOSIGNAL | (more ? MSG_MORE : 0);
    msghdr message{};
    message.msg_iov = const_cast<iovec*>(pieces.data());  // sendmsg only reads them
    message.msg_iovlen = pieces.size();
    ssize_t put;
    do {
      put = pieces.size() == 1 ? send(descriptor_, pieces[0].iov_base, pieces[0].iov_len, flags)
                               : sendmsg(descriptor_, &message, flags);
    } while (put < 0 && errno == EINTR);
    if (put < 0) return FromErrno(Io::kWantWrite);
    sent_.Add(static_cast<uint64_t>(put));
    return {Io::kDone, static_cast<size_t>(put)};
  }
  const auto first = std::find_if(pieces.begin(), pieces.end(), [](const iovec& piece) { return piece.iov_len > 0; });
  if (first->iov_len >= kTlsRecord) return SendOver(static_cast<const char*>(first->iov_base), first->iov_len);
  // Small pieces share a record.
  std::array<char, kTlsRecord> record;
  size_t filled = 0;
  for (auto piece = first; piece != pieces.end() && filled < record.size(); ++piece) {
    const size_t taken = std::min(piece->iov_len, record.size() - filled);
    if (taken > 0) std::memcpy(record.data() + filled, piece->iov_base, taken);
    filled += taken;
  }
  return SendOver(record.data(), filled);
}

IoResult Channel::SendFile(const File& file, uint64_t offset, uint64_t length) {
  if (!ssl_ && file.descriptor() >= 0) {
    auto position = static_cast<off_t>(offset);
    ssize_t put;
    do {
      put = sendfile(descriptor_, file.descriptor(), &position, std::min(length, kSendfileStep));
    } while (put < 0 && errno == EINTR);
    if (put < 0) return FromErrno(Io::kWantWrite);
    if (put == 0) return {Io::kClosed};
    sent_.Add(static_cast<uint64_t>(put));
    return {Io::kDone, static_cast<size_t>(put)};
  }
  std::array<char, kFileBlock> block;
  const std::span<char> wanted(block.data(), std::min<uint64_t>(length, block.size()));
  if (!file.ReadAt(offset, wanted).ok()) return {Io::kClosed};
  const iovec piece{wanted.data(), wanted.size()};
  return Send({&piece, 1}, wanted.size() < length);
}

void Channel::FinishSending() {
  if (ssl_ && !ssl_failed_ && SSL_is_init_finished(ssl_.get())) {
    ERR_clear_error();
    SSL_shutdown(ssl_.get());
  }
  shutdown(descriptor_, SHUT_WR);
}

bool Channel::Wait(Io wanted, std::chrono::milliseconds timeout) const {
  pollfd entry{descriptor_, static_cast<short>(wanted == Io::kWantWrite ? POLLOUT : POLLIN), 0};
  const auto end = std::chrono::steady_clock::now() + timeout;
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now()).count();
    const int ready = poll(&entry, 1, static_cast<int>(std::clamp<int64_t>(left, 0, INT32_MAX)));
    if (ready > 0) return true;
    if (ready == 0 || errno != EINTR) return false;
  }
}

}  // namespace hilum::http
