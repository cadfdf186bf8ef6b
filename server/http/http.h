// HTTP/1.1 as the rest of the server sees it: a request to read, a responder to answer with. Nothing here mentions
// sockets or Pistache.
//
// A handler runs on a worker thread with the Request and Responder of one exchange; both are valid until it returns,
// and are used by that thread alone. It may block on reading the body and on writing: slow peers meet timeouts, not
// other clients. A handler that returns without Finish() aborts the connection (the client sees a broken transfer,
// never a truncated success), unless it has parked the exchange (Responder::Park): then it goes on later.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/disk.h"
#include "base/log.h"
#include "base/memory_allowance.h"
#include "base/result.h"

namespace hilum::http {

// Header fields in the order they came, repeats kept; names compare without case.
class Headers {
 public:
  Headers() = default;
  Headers(std::initializer_list<std::pair<std::string, std::string>> fields) : fields_(fields) {}

  void Reserve(size_t fields) { fields_.reserve(fields); }
  void Add(std::string name, std::string value) { fields_.emplace_back(std::move(name), std::move(value)); }
  // Replaces every field of that name by one.
  void Set(std::string_view name, std::string value);
  // The first value, trimmed; nullopt when absent.
  std::optional<std::string_view> First(std::string_view name) const;
  // All values joined by ", " (RFC 9110 5.3); empty when absent.
  std::string Joined(std::string_view name) const;
  const std::vector<std::pair<std::string, std::string>>& fields() const { return fields_; }

 private:
  std::vector<std::pair<std::string, std::string>> fields_;
};

// A value of Warning that says `text` (RFC 7234 5.5); '?' for what it cannot hold.
std::string WarningOf(std::string_view text);

class BodyReader {
 public:
  virtual ~BodyReader() = default;
  // Waits for body bytes and copies at most into.size() of them (chunked coding removed); 0 at the end of the body.
  // kLimit past the route's body limit, kInvalid for bad chunk framing, kCancelled when the client went away or fell
  // silent.
  virtual Result<size_t> Read(std::span<char> into) = 0;
  // The Content-Length, when the request states one.
  virtual std::optional<uint64_t> length() const = 0;
};

// The whole body; kLimit past `limit` bytes.
Result<std::string> ReadAll(BodyReader& body, uint64_t limit);

struct Request {
  std::string method;
  std::string target;  // as sent: origin-form, or the path and query of an absolute-form
  std::string path;    // of the target, still percent-encoded
  std::string query;   // after '?', raw; empty when there is none
  Headers headers;
  BodyReader* body = nullptr;  // never null
  std::string peer;            // address of the client, for logs
  std::string base_url;        // scheme://host of this server as the client knows it, for URLs in answers; no slash at
                               // the end
  bool secure = false;         // came over TLS
  std::string client_subject;  // of the verified client certificate; empty without one
  std::string id;              // X-Request-Id of the client when it is harmless, else made up; answered in X-Request-Id
  Logger log;                  // carries the id
};

// Name and value, percent-decoded ('+' is a blank), in order, repeats kept.
using QueryParameters = std::vector<std::pair<std::string, std::string>>;
// kInvalid for bad escapes or NUL.
Result<QueryParameters> ParseQuery(std::string_view query);
// Decodes %XX; kInvalid for bad escapes or NUL. '+' stays.
Result<std::string> PercentDecode(std::string_view text);
std::string PercentEncode(std::string_view text);  // everything but unreserved characters

// Bytes [offset, offset + length) of a file; keeps it open until sent.
struct FileRange {
  std::shared_ptr<File> file;
  uint64_t offset = 0;
  uint64_t length = 0;
};

class Responder;

// Why a parked exchange goes on.
enum class Resumed : uint8_t { kWoken, kTimeout, kDraining /* the server ends: it cannot be parked again */ };
using Resume = std::function<void(Request&, Responder&, Resumed)>;

class Responder {
 public:
  virtual ~Responder() = default;

  // Sends the status line and header fields. With `length` the body must have exactly that many bytes; without, it is
  // sent chunked (or, to an HTTP/1.0 client, until the connection closes). Date, Content-Length, Transfer-Encoding,
  // Connection and X-Request-Id are added. For HEAD, 204 and 304 the body calls send nothing. With `length` the head
  // travels with the first bytes of the body; without, at once. REQUIRES: called once, before Write.
  virtual Status Head(int status, const Headers& headers, std::optional<uint64_t> length) = 0;
  // Sends or queues; waits while the client has too much unread, unless all of it counts (CountUnsent). kCancelled when
  // the client went away: stop working.
  virtual Status Write(Bytes bytes) = 0;
  // As Write, and never copies: what ends a body of known length soon after travels in the same call.
  virtual Status WriteOwned(std::string bytes) = 0;
  // As Write, without loading the range: sendfile where the connection allows.
  virtual Status WriteFile(FileRange range) = 0;
  // What the handler holds of the answer counts in `share`. Given here before Finish, it also counts what still waits
  // to be sent by then, until the last byte of it is with the system, or the client is gone. As far as it covers what
  // is written from then on, a slow client holds up no worker. The allowance outlives the server.
  virtual void CountUnsent(std::unique_ptr<MemoryAllowance::Share> share) = 0;
  // Completes the answer. The connection serves the next request, unless the body was not read to its end and is too
  // long to skip.
  virtual Status Finish() = 0;

  // Head + Write + Finish with a body at hand. Text bodies are compressed when large enough and the client accepts it.
  // A long body that counts nowhere yet counts with those of other connections; when there is no room for it the client
  // is told 503.
  virtual Status Send(int status, Headers headers, Bytes body) = 0;

  // False for HEAD: Finish may follow Head, and the work that goes into a body be left.
  virtual bool wants_body() const = 0;
  // Whether Head was called; then errors can only abort.
  virtual bool started() const = 0;

  // Waiting for something to happen without holding a worker: the handler takes a waker, gives it to whom it waits for,
  // looks whether it must wait at all, parks and returns. `resume` then runs on some worker like a handler, once a
  // waker of this exchange was called (since the last park, or before this one), `limit` has passed (to half a second)
  // or the server drains; but not before the client has taken what was written so far. When the client goes away
  // before, it is destroyed without being called. REQUIRES: not on an event loop; called last before returning.
  virtual void Park(std::chrono::milliseconds limit, Resume resume) = 0;
  // May be called from any thread, as long as the server lives; quick.
  virtual std::function<void()> Waker() = 0;
};

using Handler = std::function<void(Request&, Responder&)>;

}  // namespace hilum::http
