#include "fhir/imaging/images.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <optional>
#include <tuple>
#include <vector>

#include "base/json_text.h"
#include "base/text.h"
#include "base/time_text.h"
#include "fhir/json/edits.h"
#include "storage/catalogue/attribute_values.h"
#include "storage/catalogue/request_tags.h"

namespace hilum::fhir::imaging {
namespace {

namespace t = dicom::tags;
using storage::FirstValue;

// R4 ImagingStudy.series.modality is mandatory; DICOM's own word for a modality that nobody knows (PS3.3 C.7.3.1.1.1).
constexpr std::string_view kOtherModality = "OT";

// IS as unsignedInt.
std::optional<uint32_t> NumberOf(std::string_view text) {
  while (text.starts_with(' ') || text.starts_with('+')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  const std::optional<uint32_t> number = ParseDecimal<uint32_t>(text);
  return number && *number <= INT32_MAX ? number : std::nullopt;
}

// Numbers first, by number; then by UID.
template <typename Item>
std::vector<const std::pair<const std::string, Item>*> InOrder(const std::map<std::string, Item>& items) {
  std::vector<const std::pair<const std::string, Item>*> order;
  for (const auto& item : items) order.push_back(&item);
  const auto key = [](const auto* item) {
    return std::make_pair(NumberOf(item->second.number).value_or(UINT32_MAX), std::string_view(item->first));
  };
  std::ranges::sort(order, {}, key);
  return order;
}

void AppendText(std::string* out, std::string_view name, const std::string& value) {
  if (value.empty()) return;
  out->append(",\"").append(name).append("\":");
  AppendJsonString(value, out);
}

void AppendNumber(std::string* out, std::string_view value) {
  if (const auto number = NumberOf(value)) out->append(",\"number\":").append(std::to_string(*number));
}

// The code of SNOMED CT for a Laterality (PS3.3 C.7.3.1.1.2), as in the value set bodysite-laterality; empty for
// others.
std::string_view SideOf(std::string_view laterality) {
  if (laterality == "L") return "419161000";
  if (laterality == "R") return "419465000";
  return laterality == "B" ? "51440002" : "";
}

void AppendInstance(std::string* out, const std::string& uid, const InstanceImage& instance) {
  out->append("{\"uid\":\"").append(uid).append("\",\"sopClass\":");
  out->append(Coding("urn:ietf:rfc:3986", "urn:oid:" + instance.sop_class));
  AppendNumber(out, instance.number);
  out->push_back('}');
}

void AppendSeries(std::string* out, const std::string& uid, const SeriesImages& series, std::string_view zone,
                  int default_offset_minutes) {
  out->append("{\"uid\":\"").append(uid).push_back('"');
  AppendNumber(out, series.number);
  const std::string modality = CleanCode(series.modality);
  out->append(",\"modality\":").append(Coding(kDicomCodes, modality.empty() ? kOtherModality : modality));
  AppendText(out, "description", CleanText(series.description));
  out->append(",\"numberOfInstances\":").append(std::to_string(series.instances.size()));
  // Words of PS3.16 Annex L; which code of SNOMED CT a word means is not told by the images.
  const std::string body_part = CleanCode(series.body_part);
  if (!body_part.empty()) out->append(",\"bodySite\":").append(Coding("", body_part));
  if (const std::string_view side = SideOf(series.laterality); !side.empty())
    out->append(",\"laterality\":").append(Coding("http://snomed.info/sct", side));
  AppendText(out, "started", DateTimeOf(series.start_date, series.start_time, zone, default_offset_minutes));
  std::string_view separator = ",\"instance\":[";
  for (const auto* instance : InOrder(series.instances)) {
    out->append(separator);
    AppendInstance(out, instance->first, instance->second);
    separator = ",";
  }
  out->append(series.instances.empty() ? "}" : "]}");
}

}  // namespace

bool SeriesImages::SaysTheSame(const SeriesImages& other) const {
  const auto all = [](const SeriesImages& s) {
    return std::tie(s.number, s.modality, s.description, s.body_part, s.start_date, s.start_time, s.laterality);
  };
  return all(*this) == all(other);
}

std::vector<OrderNumber> OrderNumbersOf(const storage::SeriesRow& row) {
  using Kind = OrderNumber::Kind;
  static const std::pair<dicom::TagPath, Kind> kPaths[] = {
      {{storage::kPlacerOrderNumber}, Kind::kPlacer},
      {{storage::kFillerOrderNumber}, Kind::kFiller},
      {{t::kRequestAttributesSequence, t::kAccessionNumber}, Kind::kAccession},
      {{t::kRequestAttributesSequence, storage::kPlacerOrderNumber}, Kind::kPlacer},
      {{t::kRequestAttributesSequence, storage::kFillerOrderNumber}, Kind::kFiller}};
  std::vector<OrderNumber> numbers;
  for (const storage::KeptAttribute& attribute : row.attributes) {
    const auto path = std::ranges::find(kPaths, attribute.path, [](const auto& known) { return known.first; });
    if (path == std::end(kPaths)) continue;
    for (const std::string& value : attribute.values) {
      if (std::string text = CleanText(value); !text.empty()) numbers.push_back({path->second, std::move(text)});
    }
  }
  return numbers;
}

SeriesImages Describe(const storage::SeriesRow& row) {
  const auto value = [&](dicom::Tag tag) { return std::string(FirstValue(row.attributes, tag)); };
  const bool has_date = !value(storage::kSeriesDate).empty();
  return {.number = value(t::kSeriesNumber),
          .modality = value(t::kModality),
          .description = value(t::kSeriesDescription),
          .body_part = value(t::kBodyPartExamined),
          .start_date = value(has_date ? storage::kSeriesDate : t::kPerformedProcedureStepStartDate),
          .start_time = value(has_date ? storage::kSeriesTime : t::kPerformedProcedureStepStartTime),
          .laterality = value(storage::kLaterality)};
}

InstanceImage Describe(const storage::InstanceRow& row) {
  return {.sop_class = std::string(row.sop_class()),
          .number = std::string(FirstValue(row.attributes, t::kInstanceNumber))};
}

std::string ZoneOf(const storage::StudyRow& row) {
  return std::string(FirstValue(row.attributes, t::kTimezoneOffsetFromUtc));
}

std::string SeriesList(const StudyImages& images, int default_offset_minutes) {
  std::string out;
  for (const auto* series : InOrder(images.series)) {
    out.append(out.empty() ? "[" : ",");
    AppendSeries(&out, series->first, series->second, images.zone, default_offset_minutes);
  }
  return out.empty() ? out : out + "]";
}

std::string SeriesProperty(const StudyImages& images, int default_offset_minutes) {
  const std::string list = SeriesList(images, default_offset_minutes);
  return list.empty() ? list : ",\"series\":" + list;
}

std::string DateTimeOf(std::string_view date, std::string_view time, std::string_view zone,
                       int default_offset_minutes) {
  constexpr int64_t kDay = 86'400'000'000;
  const auto day = storage::ParseDate(date);
  if (!day || day->high - day->low != kDay) return "";
  const std::chrono::sys_days midnight(std::chrono::floor<std::chrono::days>(Micros(day->low)));
  if (std::chrono::year_month_day(midnight).year() < std::chrono::year(1)) return "";
  const std::string text = DateText(midnight);
  const auto seconds = storage::ParseTime(time);
  if (!seconds) return text;
  const auto millis = static_cast<unsigned>(std::floor(seconds->low * 1000 + 0.5));
  const unsigned whole = std::min(millis / 1000, 86'399u);
  while (zone.ends_with(' ')) zone.remove_suffix(1);
  const int offset = ParseZone(zone).value_or(default_offset_minutes);
  const unsigned minutes = static_cast<unsigned>(std::abs(offset));
  char clock[64];
  snprintf(clock, sizeof(clock), "T%02u:%02u:%02u", whole / 3600, whole / 60 % 60, whole % 60);
  char rest[64];
  snprintf(rest, sizeof(rest), "%c%02u:%02u", offset < 0 ? '-' : '+', minutes / 60 % 100, minutes % 60);
  std::string out = text + clock;
  if (millis % 1000 != 0) out += "." + std::to_string(1000 + millis % 1000).substr(1);
  return out + rest;
}

std::string CleanText(std::string_view value) {
  std::string text;
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte != 0x7F) text.push_back(c);
    if (c == '\t' || c == '\n' || c == '\r') text.push_back(' ');
  }
  const size_t begin = std::min(text.find_first_not_of(' '), text.size());
  const size_t end = text.find_last_not_of(' ') + 1;
  return begin < end ? text.substr(begin, end - begin) : std::string();
}

std::string CleanCode(std::string_view value) {
  std::string code;
  for (const char c : CleanText(value)) {
    if (c != ' ' || !code.ends_with(' ')) code.push_back(c);
  }
  return code;
}

std::string Coding(std::string_view system, std::string_view code) {
  std::string out = "{";
  if (!system.empty()) out.append("\"system\":").append(json::Quoted(system)).push_back(',');
  return out.append("\"code\":").append(json::Quoted(code)) + "}";
}

}  // namespace hilum::fhir::imaging
