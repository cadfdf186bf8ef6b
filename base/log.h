// The process log: one JSON object a line on a stream ({"time","level","msg","request",...fields}).
//
// A Logger is a cheap copyable handle, safe for concurrent use; lines never interleave. Never log patient data: UIDs,
// counts, sizes, durations and reasons only.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

namespace hilum {

enum class LogLevel : uint8_t { kDebug, kInfo, kWarning, kError };

struct LogField {
  std::string_view key;
  std::variant<std::string_view, int64_t, uint64_t, double, bool> value;

  LogField(std::string_view k, std::string_view v) : key(k), value(v) {}
  LogField(std::string_view k, const char* v) : key(k), value(std::string_view(v)) {}
  LogField(std::string_view k, const std::string& v) : key(k), value(std::string_view(v)) {}
  LogField(std::string_view k, bool v) : key(k), value(v) {}
  LogField(std::string_view k, int v) : key(k), value(static_cast<int64_t>(v)) {}
  LogField(std::string_view k, int64_t v) : key(k), value(v) {}
  LogField(std::string_view k, uint64_t v) : key(k), value(v) {}
  LogField(std::string_view k, double v) : key(k), value(v) {}
};

class Logger {
 public:
  // A logger that drops everything.
  Logger();
  // Writes to the descriptor (not owned; 2 is standard error).
  Logger(int descriptor, LogLevel threshold);

  // The same stream, with `request` in every line.
  Logger WithRequest(std::string request_id) const;

  bool enabled(LogLevel level) const;
  void Log(LogLevel level, std::string_view message, std::initializer_list<LogField> fields = {}) const;
  void Debug(std::string_view m, std::initializer_list<LogField> f = {}) const { Log(LogLevel::kDebug, m, f); }
  void Info(std::string_view m, std::initializer_list<LogField> f = {}) const { Log(LogLevel::kInfo, m, f); }
  void Warning(std::string_view m, std::initializer_list<LogField> f = {}) const { Log(LogLevel::kWarning, m, f); }
  void Error(std::string_view m, std::initializer_list<LogField> f = {}) const { Log(LogLevel::kError, m, f); }

 private:
  struct Sink;
  std::shared_ptr<Sink> sink_;
  std::string request_;
};

}  // namespace hilum
