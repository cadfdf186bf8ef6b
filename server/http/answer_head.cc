#include "server/http/answer_head.h"

#include "server/http/text.h"

namespace hilum::http {
namespace {

void AppendTwoDigits(int64_t value, std::string* out) {
  out->push_back(static_cast<char>('0' + value / 10));
  out->push_back(static_cast<char>('0' + value % 10));
}

// A line end inside a name or value would let its author write fields, or a second answer.
void AppendSafely(std::string_view text, std::string* out) {
  const size_t start = out->size();
  out->append(text);
  for (size_t i = start; i < out->size(); ++i) {
    if (IsControl((*out)[i]) && (*out)[i] != '\t') (*out)[i] = ' ';
  }
}

bool IsOwnedByServer(std::string_view name) {
  for (const std::string_view owned :
       {"content-length", "transfer-encoding", "connection", "date", "x-request-id", "keep-alive"}) {
    if (EqualsIgnoringCase(name, owned)) return true;
  }
  return false;
}

}  // namespace

std::string_view ReasonPhrase(int status) {
  switch (status) {
    case 100:
      return "Continue";
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 204:
      return "No Content";
    case 206:
      return "Partial Content";
    case 301:
      return "Moved Permanently";
    case 302:
      return "Found";
    case 303:
      return "See Other";
    case 304:
      return "Not Modified";
    case 307:
      return "Temporary Redirect";
    case 308:
      return "Permanent Redirect";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 406:
      return "Not Acceptable";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 410:
      return "Gone";
    case 411:
      return "Length Required";
    case 412:
      return "Precondition Failed";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 415:
      return "Unsupported Media Type";
    case 416:
      return "Range Not Satisfiable";
    case 417:
      return "Expectation Failed";
    case 422:
      return "Unprocessable Content";
    case 423:
      return "Locked";
    case 424:
      return "Failed Dependency";
    case 428:
      return "Precondition Required";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    case 505:
      return "HTTP Version Not Supported";
    case 507:
      return "Insufficient Storage";
    default:
      return "Status";
  }
}

void AppendDate(Micros now, std::string* out) {
  static constexpr char kDays[] = "ThuFriSatSunMonTueWed";  // 1970-01-01 was a Thursday
  static constexpr char kMonths[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
  const auto seconds = std::chrono::floor<std::chrono::seconds>(now);
  const auto days = std::chrono::floor<std::chrono::days>(seconds);
  const std::chrono::year_month_day date{std::chrono::sys_days(days)};
  const std::chrono::hh_mm_ss time(seconds - days);
  const int year = static_cast<int>(date.year());
  out->append(kDays + 3 * (((days.count() % 7) + 7) % 7), 3).append(", ");
  AppendTwoDigits(static_cast<unsigned>(date.day()), out);
  out->append(" ").append(kMonths + 3 * (static_cast<unsigned>(date.month()) - 1), 3).append(" ");
  AppendTwoDigits(year / 100, out);
  AppendTwoDigits(year % 100, out);
  out->append(" ");
  AppendTwoDigits(time.hours().count(), out);
  out->append(":");
  AppendTwoDigits(time.minutes().count(), out);
  out->append(":");
  AppendTwoDigits(time.seconds().count(), out);
  out->append(" GMT");
}

void AppendAnswerHead(int status, const Headers& fields, const AnswerFraming& framing, std::string_view request_id,
                      Micros now, std::string_view extra, std::string* out) {
  out->append("HTTP/1.1 ");
  AppendDecimal(status, out);
  out->append(" ").append(ReasonPhrase(status)).append("\r\nDate: ");
  AppendDate(now, out);
  for (const auto& [name, value] : fields.fields()) {
    if (IsOwnedByServer(name)) continue;
    out->append("\r\n");
    AppendSafely(name, out);
    out->append(": ");
    AppendSafely(value, out);
  }
  if (framing.body == AnswerFraming::Body::kLength) {
    out->append("\r\nContent-Length: ");
    AppendDecimal(framing.length, out);
  } else if (framing.body == AnswerFraming::Body::kChunked) {
    out->append("\r\nTransfer-Encoding: chunked");
  }
  if (framing.close) {
    out->append("\r\nConnection: close");
  } else if (!framing.http11) {
    out->append("\r\nConnection: keep-alive");
  }
  out->append("\r\nX-Content-Type-Options: nosniff\r\nX-Request-Id: ").append(request_id).append("\r\n");
  out->append(extra).append("\r\n");
}

}  // namespace hilum::http
