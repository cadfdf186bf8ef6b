// Times as text. Pure functions, locale-free, thread-safe.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace hilum {

enum class Fraction { kMillis = 3, kMicros = 6 };  // digits of the seconds' fraction

// A time since 1970-01-01T00:00:00Z, as Clock has it, in UTC as of RFC 3339: "2026-11-21T10:00:00.123Z". What is finer
// than the fraction is cut off. REQUIRES: years 0 to 9999.
std::string TimestampText(Micros time, Fraction fraction);

// "2026-11-21". REQUIRES: years 0 to 9999.
std::string DateText(std::chrono::sys_days day);

// An offset from UTC, "+05:30" or "+0530", in minutes east of Greenwich; nullopt for anything else, and beyond 14
// hours.
std::optional<int> ParseZone(std::string_view text);

}  // namespace hilum
