#include "base/log.h"

#include <unistd.h>

#include <cerrno>
#include <cmath>
#include <mutex>
#include <utility>

#include "base/json_text.h"
#include "base/text.h"
#include "base/time_text.h"

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

struct ValueAppender {
  std::string* out;
  void operator()(std::string_view value) const { AppendJsonString(value, out); }
  void operator()(bool value) const { out->append(value ? "true" : "false"); }
  void operator()(int64_t value) const { AppendDecimal(value, out); }
  void operator()(uint64_t value) const { AppendDecimal(value, out); }
  void operator()(double value) const {
    if (std::isfinite(value)) return AppendDecimal(value, out);
    out->append("null");  // JSON has no NaN or infinity
  }
};

void AppendField(std::string* line, std::string_view key, const decltype(LogField::value)& value) {
  line->append(line->empty() ? "{" : ",");
  AppendJsonString(key, line);
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
  const std::string time = TimestampText(SystemClock().Now(), Fraction::kMillis);
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
