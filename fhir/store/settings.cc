#include "fhir/store/settings.h"

#include "base/text.h"

namespace hilum::fhir {
namespace {

Status Damaged() {
  return Corruption("the settings that the FHIR resources are indexed by are damaged; restore a backup");
}

bool ReadNumber(Bytes text, int* number) {
  const std::optional<int> read = ParseDecimal<int>(text);
  *number = read.value_or(0);
  return read.has_value();
}

}  // namespace

std::string EncodeSettings(const IndexSettings& settings) {
  const std::string rules = settings.index_rules == 0 ? "" : " " + std::to_string(settings.index_rules);
  return std::to_string(settings.default_offset_minutes) + " " + settings.base_url + rules;
}

Result<IndexSettings> DecodeSettings(Bytes stored) {
  IndexSettings settings;
  const size_t space = stored.find(' ');
  if (space == stored.npos || !ReadNumber(stored.substr(0, space), &settings.default_offset_minutes)) return Damaged();
  stored.remove_prefix(space + 1);
  const size_t end = stored.find(' ');  // no URL has one
  settings.base_url = stored.substr(0, end);
  if (end != stored.npos && !ReadNumber(stored.substr(end + 1), &settings.index_rules)) return Damaged();
  return settings;
}

std::string EncodeChange(const SettingsChange& change) {
  std::string row;
  AppendSized(&row, EncodeSettings(change.to));
  AppendSized(&row, change.type);
  AppendBe<uint32_t>(&row, change.doc);
  return row;
}

Result<SettingsChange> DecodeChange(Bytes stored) {
  ByteReader in(stored);
  Bytes settings, type;
  SettingsChange change;
  if (!in.ReadSized(&settings) || !in.ReadSized(&type) || !in.ReadBe(&change.doc) || !in.empty()) return Damaged();
  HILUM_ASSIGN_OR_RETURN(change.to, DecodeSettings(settings));
  change.type = type;
  return change;
}

}  // namespace hilum::fhir
