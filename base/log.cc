#include "base/log.h"

#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <mutex>
#include <utility>

namespace hilum {

struct Logger::Sink {
  int descriptor;
  LogLevel threshold;
  std::mutex mu;  // a line may be longer than the system writes at once
};

namespace {

std::string_view LevelName(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return "debug";
    case LogLevel::kInfo:
      return "info";
    case LogLevel::kWarning:
      return "warning";
    case LogLevel::kError:
      return "error";
  }
  return "error";
}

// RFC 3339, UTC, milliseconds.
std::string Timestamp() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto millis = std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
  const std::time_t seconds = static_cast<std::time_t>(millis / 1000);
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  char text[80];
  const int length =
      std::snprintf(text, sizeof(text), "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", utc.tm_year + 1900, utc.tm_mon + 1,
                    utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec, static_cast<int>(millis % 1000));
  return std::string(text, static_cast<size_t>(length));
}

// Length of the well-formed UTF-8 sequence at the front of `text` (RFC 3629), 0 when there is none.
size_t SequenceLength(std::string_view text) {
  const auto at = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = at(0);
  if (first < 0x80) return 1;
  const size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || text.size() < length) return 0;
  for (size_t i = 1; i < length; ++i) {
    if ((at(i) & 0xC0) != 0x80) return 0;
  }
  const bool overlong = (first == 0xE0 && at(1) < 0xA0) || (first == 0xF0 && at(1) < 0x90);
  const bool surrogate = first == 0xED && at(1) > 0x9F;
  const bool beyond = first == 0xF4 && at(1) > 0x8F;
  return overlong || surrogate || beyond ? 0 : length;
}

void AppendJsonString(std::string* out, std::string_view text) {
  out->push_back('"');
  while (!text.empty()) {
    const char c = text.front();
    size_t length = SequenceLength(text);
    if (length == 0) {
      out->append("\uFFFD");  // log lines stay valid JSON whatever bytes they quote
      length = 1;
    } else if (c == '"' || c == '\\') {
      out->push_back('\\');
      out->push_back(c);
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
      char escape[7];
      std::snprintf(escape, sizeof(escape), "\\u%04x", static_cast<unsigned>(c));
      out->append(escape);
    } else {
      out->append(text.substr(0, length));
    }
    text.remove_prefix(length);
  }
  out->push_back('"');
}

template <typename T>
void AppendNumber(std::string* out, T value) {
  char digits[32];
  const auto [end, error] = std::to_chars(digits, digits + sizeof(digits), value);
  out->append(digits, end);
}

struct ValueAppender {
  std::string* out;
  void operator()(std::string_view value) const { AppendJsonString(out, value); }
  void operator()(bool value) const { out->append(value ? "true" : "false"); }
  void operator()(int64_t value) const { AppendNumber(out, value); }
  void operator()(uint64_t value) const { AppendNumber(out, value); }
  void operator()(double value) const {
    if (std::isfinite(value)) return AppendNumber(out, value);
    out->append("null");  // JSON has no NaN or infinity
  }
};

void AppendField(std::string* line, std::string_view key, const decltype(LogField::value)& value) {
  line->append(line->empty() ? "{" : ",");
  AppendJsonString(line, key);
  line->push_back(':');
  std::visit(ValueAppender{line}, value);
}

// There is nowhere to report a failing log; the line is dropped.
void WriteAll(int descriptor, std::string_view line) {
  while (!line.empty()) {
    const ssize_t written = write(descriptor, line.data(), line.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;
    line.remove_prefix(static_cast<size_t>(written));
  }
}

}  // namespace

Logger::Logger() = default;

Logger::Logger(int descriptor, LogLevel threshold) : sink_(std::make_shared<Sink>()) {
  sink_->descriptor = descriptor;
  sink_->threshold = threshold;
}

Logger Logger::WithRequest(std::string request_id) const {
  Logger logger = *this;
  logger.request_ = std::move(request_id);
  return logger;
}

bool Logger::enabled(LogLevel level) const {
  return sink_ != nullptr && level >= sink_->threshold;
}

void Logger::Log(LogLevel level, std::string_view message, std::initializer_list<LogField> fields) const {
  if (!enabled(level)) return;
  const std::string time = Timestamp();
  std::string line;
  AppendField(&line, "time", std::string_view(time));
  AppendField(&line, "level", LevelName(level));
  AppendField(&line, "msg", message);
  if (!request_.empty()) AppendField(&line, "request", std::string_view(request_));
  for (const LogField& field : fields) AppendField(&line, field.key, field.value);
  line.append("}\n");
  const std::lock_guard lock(sink_->mu);
  WriteAll(sink_->descriptor, line);
}

}  // namespace hilum
