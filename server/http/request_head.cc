#include "server/http/request_head.h"

#include <arpa/inet.h>

#include <array>
#include <boost/beast/http/basic_parser.hpp>

#include "server/http/text.h"

namespace hilum::http {
namespace {

namespace beast = boost::beast::http;

HeadParse Refuse(int status, const char* reason) {
  return {HeadParse::Outcome::kRefused, 0, status, reason};
}

constexpr size_t kUsualFields = 16;

// The maintained tokenizer does the grammar of names and values; this collects what it finds.
class Collector final : public beast::basic_parser<true> {
 public:
  explicit Collector(RequestHead* head, size_t limit) : head_(head) {
    head_->headers.Reserve(kUsualFields);
    eager(false);
    skip(true);
    header_limit(static_cast<uint32_t>(std::min<size_t>(limit + 4, UINT32_MAX)));
  }

 private:
  using View = boost::beast::string_view;
  using Error = boost::beast::error_code;

  void on_request_impl(beast::verb, View method, View target, int version, Error& ec) override {
    head_->method.assign(method.data(), method.size());
    head_->target.assign(target.data(), target.size());
    head_->http11 = version == 11;
    ec = {};
  }
  void on_field_impl(beast::field, View name, View value, Error& ec) override {
    head_->headers.Add(std::string(name.data(), name.size()), std::string(value.data(), value.size()));
    ec = {};
  }
  void on_header_impl(Error& ec) override { ec = {}; }
  void on_finish_impl(Error& ec) override { ec = {}; }
  void on_response_impl(int, View, int, Error& ec) override { ec = {}; }
  void on_body_init_impl(boost::optional<uint64_t> const&, Error& ec) override { ec = {}; }
  size_t on_body_impl(View body, Error& ec) override {
    ec = {};
    return body.size();
  }
  void on_chunk_header_impl(uint64_t, View, Error& ec) override { ec = {}; }
  size_t on_chunk_body_impl(uint64_t, View body, Error& ec) override {
    ec = {};
    return body.size();
  }

  RequestHead* head_;
};

// Whether none of the eight bytes is a control (0x00 to 0x1F, 0x7F), tabs counted as such.
bool HasNoControls(const char* bytes) {
  constexpr uint64_t kOnes = 0x0101010101010101, kHighBits = 0x80 * kOnes;
  const uint64_t word = LoadLe<uint64_t>(bytes);
  const uint64_t deletes = word ^ (0x7F * kOnes);
  return ((((word - 0x20 * kOnes) & ~word) | ((deletes - kOnes) & ~deletes)) & kHighBits) == 0;
}

// What the tokenizer lets through but a strict reader must not: bare CR or LF, folded lines, control bytes. Nullptr
// when clean.
const char* FindBadBytes(Bytes input, size_t from) {
  for (size_t i = from; i < input.size(); ++i) {
    while (i + 8 < input.size() && HasNoControls(input.data() + i)) i += 8;
    const char c = input[i];
    if (!IsControl(c) || c == '\t') continue;
    if (c == '\n') {
      if (i == 0 || input[i - 1] != '\r') return "line ends with a bare LF";
      if (i + 1 < input.size() && IsBlank(input[i + 1])) return "folded header lines are not accepted";
    } else if (c == '\r') {
      if (i + 1 < input.size() && input[i + 1] != '\n') return "CR without LF";
    } else {
      return "control character in the header";
    }
  }
  return nullptr;
}

// RFC 9112 3: method SP request-target SP HTTP-version.
HeadParse CheckRequestLine(Bytes line, const HeadLimits& limits) {
  const size_t first = line.find(' ');
  const size_t last = line.rfind(' ');
  if (first == Bytes::npos || last == first || first == 0) return Refuse(400, "malformed request line");
  const Bytes target = line.substr(first + 1, last - first - 1);
  const Bytes version = line.substr(last + 1);
  if (target.empty() || target.find_first_of(" \t") != Bytes::npos) return Refuse(400, "blank in the request target");
  if (target.size() > limits.max_target) return Refuse(414, "request target too long");
  const bool well_formed = version.size() == 8 && version.substr(0, 5) == "HTTP/" && IsDigit(version[5]) &&
                           version[6] == '.' && IsDigit(version[7]);
  if (well_formed && version[5] == '1') return {HeadParse::Outcome::kComplete};
  return well_formed ? Refuse(505, "HTTP version not supported, use HTTP/1.1") : Refuse(400, "malformed HTTP version");
}

// Brings absolute-form to origin-form; its authority then replaces Host (RFC 9112 3.2.2).
HeadParse ResolveTarget(RequestHead* head) {
  if (head->target.starts_with('/')) return {HeadParse::Outcome::kComplete};
  if (head->target == "*" && head->method == "OPTIONS") return {HeadParse::Outcome::kComplete};
  const std::string_view target = head->target;
  const size_t scheme_end = target.find("://");
  const std::string_view scheme = target.substr(0, scheme_end);
  if (scheme_end == std::string_view::npos ||
      !(EqualsIgnoringCase(scheme, "http") || EqualsIgnoringCase(scheme, "https"))) {
    return Refuse(400, "request target must begin with '/'");
  }
  const std::string_view rest = target.substr(scheme_end + 3);
  const size_t authority_end = rest.find_first_of("/?");
  const std::string authority(rest.substr(0, authority_end));
  if (authority.empty() || !IsHostText(authority)) return Refuse(400, "malformed authority in the request target");
  std::string origin(authority_end == std::string_view::npos ? "" : rest.substr(authority_end));
  if (origin.empty() || origin.front() != '/') origin.insert(0, 1, '/');
  head->headers.Set("Host", authority);
  head->target = std::move(origin);
  return {HeadParse::Outcome::kComplete};
}

void ApplyConnection(std::string_view value, RequestHead* head, bool* close) {
  while (!value.empty()) {
    const std::string_view option = TakeUntil(&value, ',');
    if (EqualsIgnoringCase(option, "close")) *close = true;
    if (EqualsIgnoringCase(option, "keep-alive")) head->keep_alive = true;
  }
}

// The fields that frame the message and steer the connection. Each of them occurs at most once, or readers may disagree
// on the framing.
HeadParse ApplyFields(RequestHead* head) {
  int hosts = 0, lengths = 0, codings = 0;
  bool close = false;
  head->keep_alive = head->http11;
  for (const auto& [name, value] : head->headers.fields()) {
    if (EqualsIgnoringCase(name, "host")) {
      if (++hosts > 1 || value.empty() || !IsHostText(value))
        return Refuse(400, "Host must be given once and be well formed");
    } else if (EqualsIgnoringCase(name, "content-length")) {
      head->content_length = ParseDecimal(value);
      if (++lengths > 1 || !head->content_length) return Refuse(400, "Content-Length must be one decimal number");
    } else if (EqualsIgnoringCase(name, "transfer-encoding")) {
      if (++codings > 1) return Refuse(400, "Transfer-Encoding must be given once");
      if (!EqualsIgnoringCase(value, "chunked")) return Refuse(501, "Transfer-Encoding must be chunked");
      head->chunked = true;
    } else if (EqualsIgnoringCase(name, "connection")) {
      ApplyConnection(value, head, &close);
    } else if (EqualsIgnoringCase(name, "expect")) {
      if (!EqualsIgnoringCase(value, "100-continue")) return Refuse(417, "only 100-continue can be expected");
      head->expects_continue = head->http11;
    }
  }
  if (close) head->keep_alive = false;
  if (lengths > 0 && codings > 0) return Refuse(400, "Content-Length together with Transfer-Encoding");
  if (codings > 0 && !head->http11) return Refuse(400, "Transfer-Encoding needs HTTP/1.1");
  if (hosts == 0 && head->http11) return Refuse(400, "Host is missing");
  return ResolveTarget(head);
}

HeadParse TooLong(Bytes input, const HeadLimits& limits) {
  const bool in_target = input.find('\n') == Bytes::npos || input.find('\n') > limits.max_bytes;
  return in_target ? Refuse(414, "request line too long") : Refuse(431, "header fields too long");
}

HeadParse ParseComplete(Bytes block, const HeadLimits& limits, RequestHead* head) {
  if (const HeadParse line = CheckRequestLine(block.substr(0, block.find('\r')), limits);
      line.outcome == HeadParse::Outcome::kRefused) {
    return line;
  }
  // Counted before the tokenizer copies them.
  const auto lines = static_cast<size_t>(std::count(block.begin(), block.end(), '\n'));
  if (lines - 2 > limits.max_fields) return Refuse(431, "too many header fields");

  // RFC 9110 2.5: a later minor version is taken as the highest there is. The tokenizer knows none.
  std::string as_1_1;
  if (const size_t minor = block.find('\r') - 1; block[minor] > '1') {
    as_1_1 = block;
    as_1_1[minor] = '1';
    block = as_1_1;
  }
  Collector collector(head, block.size());
  boost::beast::error_code error;
  collector.put(boost::asio::const_buffer(block.data(), block.size()), error);
  // Framing errors of the tokenizer are ours as well, but with a reason a client can use.
  const HeadParse applied = ApplyFields(head);
  if (applied.outcome == HeadParse::Outcome::kRefused && (!error || applied.status == 501)) return applied;
  if (error == beast::error::bad_method) return Refuse(400, "malformed method");
  if (error == beast::error::bad_target) return Refuse(400, "malformed request target");
  if (error == beast::error::bad_field) return Refuse(400, "malformed header field name");
  if (error == beast::error::bad_content_length || error == beast::error::multiple_content_length) {
    return Refuse(400, "Content-Length must be one decimal number, without Transfer-Encoding");
  }
  if (error == beast::error::bad_transfer_encoding) {
    return Refuse(400, "Transfer-Encoding must be given once, without Content-Length");
  }
  if (error || !collector.is_header_done()) return Refuse(400, "malformed header");
  return applied;
}

}  // namespace

bool IsHostText(std::string_view text) {
  const bool in_brackets = text.starts_with('[');
  const size_t host_end = in_brackets ? text.find(']') : text.find(':');
  if (in_brackets && host_end == std::string_view::npos) return false;
  const std::string_view host = in_brackets ? text.substr(1, host_end - 1) : text.substr(0, host_end);
  const std::string_view marks = in_brackets ? "-._~%:" : "-._~%!$&'()*+,;=";
  const bool plain =
      std::ranges::all_of(host, [&](char c) { return IsAlphanumeric(c) || marks.find(c) != std::string_view::npos; });
  if (host.empty() || !plain) return false;
  const std::string_view rest = text.substr(std::min(text.size(), host.size() + (in_brackets ? 2 : 0)));
  if (rest.empty() || rest == ":") return true;  // a port may be left out behind the colon (RFC 3986 3.2.3)
  const auto port = ParseDecimal(rest.substr(1));
  return rest.front() == ':' && port && *port <= UINT16_MAX;
}

HeadParse ParseHead(Bytes input, size_t* searched, const HeadLimits& limits, RequestHead* head) {
  // RFC 9112 2.2: one empty line before the request line is forgiven.
  const size_t skipped = input.substr(0, 2) == "\r\n" ? 2 : 0;
  if (input.size() == skipped) return {};
  const char first = input[skipped];
  if (first != '\r' && (IsControl(first) || IsBlank(first))) return Refuse(400, "not an HTTP request");

  const size_t from = std::max(skipped, *searched > 3 ? *searched - 3 : 0);
  const size_t end = input.find("\r\n\r\n", from);
  const size_t head_end = end == Bytes::npos ? input.size() : end + 4;
  if (head_end - skipped > limits.max_bytes) return TooLong(input.substr(skipped), limits);
  const Bytes block = input.substr(skipped, head_end - skipped);
  if (const char* bad = FindBadBytes(block, from - skipped)) return Refuse(400, bad);
  if (end == Bytes::npos) {
    *searched = input.size();
    return {};
  }
  *searched = 0;
  *head = RequestHead();
  HeadParse parse = ParseComplete(block, limits, head);
  // What was refused stays, for the answer to be about it.
  if (parse.outcome == HeadParse::Outcome::kComplete) parse.consumed = head_end;
  return parse;
}

bool IsAddressLiteral(const std::string& text) {
  in6_addr ignored;
  return inet_pton(AF_INET, text.c_str(), &ignored) == 1 || inet_pton(AF_INET6, text.c_str(), &ignored) == 1;
}

}  // namespace hilum::http
