// Which patients the instances of a study name, when they do not all name the same.
#include <algorithm>

#include "storage/catalogue/row_change.h"

namespace hilum::storage {
namespace {

// So many, with so many bytes, and those of further instances are not told apart: bounds the row of a study.
constexpr size_t kMaxNamedPatients = 16, kMaxNamedBytes = 16 * 1024;

size_t BytesOf(const PatientValues& values) {
  size_t bytes = 0;
  for (const std::string& value : values) bytes += value.size();
  return bytes;
}

bool HasRoomFor(const PatientValues& values, const std::vector<NamedPatient>& all) {
  size_t bytes = BytesOf(values);
  for (const NamedPatient& one : all) bytes += BytesOf(one.values);
  return all.size() < kMaxNamedPatients && bytes <= kMaxNamedBytes;
}

PatientValues ValuesOf(const KeptAttributes& attributes) {
  PatientValues values;
  for (size_t i = 0; i < values.size(); ++i) values[i] = FirstValue(attributes, kPatientTags[i]);
  return values;
}

bool SaysTheSame(const dicom::Header& header, const KeptAttributes& attributes) {
  return std::ranges::all_of(kPatientTags,
                             [&](dicom::Tag tag) { return header.First(tag) == FirstValue(attributes, tag); });
}

}  // namespace

PatientValues PatientNamedBy(const AttributeTable& table, const dicom::Header& header) {
  return ValuesOf(KeepAttributes(table, Level::kPatient, header));
}

void LeavePatients(StudyRow* study, InstanceRow* row) {
  std::vector<NamedPatient>& all = study->patients;
  if (row->named < all.size() && all[row->named].instances > 0) --all[row->named].instances;
  row->named = 0;
}

void ForgetPatients(StudyRow* study) {
  std::vector<NamedPatient>& all = study->patients;
  const auto is_left = [](const NamedPatient& patient) { return patient.instances > 0; };
  if (!all.empty() && std::none_of(all.begin() + 1, all.end(), is_left)) all.clear();
}

void TakePatient(const AttributeTable& table, const dicom::Header& header, const KeptAttributes& before,
                 uint64_t others, StudyRow* study, InstanceRow* row) {
  std::vector<NamedPatient>& all = study->patients;
  if (all.empty() && (others == 0 || SaysTheSame(header, before))) return;
  PatientValues values = PatientNamedBy(table, header);
  if (all.empty()) {
    PatientValues first = ValuesOf(before);
    if (first == values) return;
    all.push_back({.values = std::move(first), .instances = others});
  }
  auto at = std::ranges::find(all, values, &NamedPatient::values);
  if (at == all.end()) at = std::ranges::find(all, 0u, &NamedPatient::instances);  // nobody names that one any more
  if (at == all.end() && HasRoomFor(values, all)) at = all.emplace(at);
  row->named = static_cast<uint64_t>(at - all.begin());
  if (at == all.end()) return;
  at->values = std::move(values);
  ++at->instances;
}

}  // namespace hilum::storage
