#include "fhir/store/settings.h"

#include <charconv>

namespace hilum::fhir {
namespace {

Status Damaged() {
  return Corruption("the settings that the FHIR resources are indexed by are damaged; restore a backup");
}

}  // namespace

std::string EncodeSettings(const IndexSettings& settings) {
  return std::to_string(settings.default_offset_minutes) + " " + settings.base_url;
}

Result<IndexSettings> DecodeSettings(Bytes stored) {
  IndexSettings settings;
  const size_t space = stored.find(' ');
  if (space == stored.npos) return Damaged();
  const char* const end = stored.data() + space;
  const auto [stop, error] = std::from_chars(stored.data(), end, settings.default_offset_minutes);
  if (error != std::errc() || stop != end) return Damaged();
  settings.base_url = stored.substr(space + 1);
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
