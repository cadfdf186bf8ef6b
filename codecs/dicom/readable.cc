#include "codecs/dicom/readable.h"

#include <algorithm>

#include "base/text.h"

namespace hilum::dicom {
namespace {

bool AreDigits(std::string_view text) {
  return std::ranges::all_of(text, IsDigit);
}

void DropBlanks(std::string* text) {
  while (!text->empty() && text->back() == ' ') text->pop_back();
}

// Components are parted by one blank, groups by two.
std::string ReadableName(std::string_view name) {
  std::string out;
  for (const char c : name) {
    if (c == '=') {
      DropBlanks(&out);
      if (!out.empty()) out.append("  ");
    } else if (c != '^' && c != ' ') {
      out.push_back(c);
    } else if (!out.empty() && out.back() != ' ') {
      out.push_back(' ');
    }
  }
  DropBlanks(&out);
  return out;
}

bool IsDate(std::string_view text) {
  return AreDigits(text) && (text.size() == 4 || text.size() == 6 || text.size() == 8);
}

// A fraction is one of seconds.
bool IsTime(std::string_view text) {
  const size_t whole = std::min(text.find('.'), text.size());
  const bool exact = whole == text.size() || (whole == 6 && AreDigits(text.substr(whole + 1)));
  return exact && AreDigits(text.substr(0, whole)) && (whole == 2 || whole == 4 || whole == 6);
}

// Years, months and days, or without the last of them.
std::string ReadableDate(std::string_view date) {
  std::string out(date);
  if (!IsDate(date)) return out;
  if (date.size() == 8) out.insert(6, "-");
  if (date.size() == 8 || date.size() == 6) out.insert(4, "-");
  return out;
}

// Hours, minutes, seconds with or without a fraction, or without the last of them.
std::string ReadableTime(std::string_view time) {
  std::string out(time);
  const size_t whole = std::min(time.find('.'), time.size());
  if (!IsTime(time)) return out;
  if (whole == 6) out.insert(4, ":");
  if (whole == 6 || whole == 4) out.insert(2, ":");
  return out;
}

// A date, a time if there is one, and the offset from UTC if it is there: "&ZZXX" at the end (PS3.5 6.2).
std::string ReadableDateTime(std::string_view moment) {
  constexpr size_t kDate = 8, kOffset = 5;
  const std::string_view offset = moment.substr(moment.size() - std::min(moment.size(), kOffset));
  const bool has_offset = (offset.starts_with('+') || offset.starts_with('-')) && AreDigits(offset.substr(1));
  const std::string_view local = has_offset ? moment.substr(0, moment.size() - kOffset) : moment;
  if (!IsDate(local.substr(0, kDate)) || (local.size() > kDate && !IsTime(local.substr(kDate))))
    return std::string(moment);
  std::string out = ReadableDate(local.substr(0, kDate));
  if (local.size() > kDate) out += " " + ReadableTime(local.substr(kDate));
  if (has_offset) out.append(" ").append(offset.substr(0, 3)).append(":").append(offset.substr(3));
  return out;
}

}  // namespace

std::string Readable(Vr vr, std::string_view value) {
  if (vr == Vr("PN")) return ReadableName(value);
  if (vr == Vr("DA")) return ReadableDate(value);
  if (vr == Vr("TM")) return ReadableTime(value);
  if (vr == Vr("DT")) return ReadableDateTime(value);
  return std::string(value);
}

}  // namespace hilum::dicom
