#include "storage/catalogue/rows.h"

#include <algorithm>
#include <iterator>

#include "storage/catalogue/attribute_values.h"

namespace hilum::storage {
namespace {

// First byte of every row: readers refuse what a newer version wrote.
constexpr char kRowVersion = 1;

void AppendCounts(std::string* out, const std::map<std::string, uint64_t>& counts) {
  AppendVarint(out, counts.size());
  for (const auto& [name, count] : counts) {
    AppendSized(out, name);
    AppendVarint(out, count);
  }
}

bool ReadCounts(ByteReader* in, std::map<std::string, uint64_t>* out) {
  uint64_t entries = 0;
  if (!in->ReadVarint(&entries)) return false;
  for (uint64_t i = 0; i < entries; ++i) {
    Bytes name;
    uint64_t count = 0;
    if (!in->ReadSized(&name) || !in->ReadVarint(&count)) return false;
    (*out)[std::string(name)] = count;
  }
  return true;
}

bool ReadVersion(ByteReader* in) {
  char version = 0;
  return in->ReadLe(&version) && version == kRowVersion;
}

std::string NewRow() {
  return std::string(1, kRowVersion);
}

std::string KeyOf(Tenant tenant, char kind) {
  std::string key;
  AppendTenant(&key, tenant);
  key.push_back(kind);
  return key;
}

// One more than there are, so that 0, or the end of the row, says that they are not known.
void AppendSources(std::string* out, const Sources& sources) {
  AppendVarint(out, sources ? sources->size() + 1 : 0);
  if (!sources) return;
  for (const Doc doc : *sources) AppendLe<uint32_t>(out, doc);
}

bool ReadSources(ByteReader* in, Sources* sources) {
  if (in->empty()) return true;
  uint64_t count = 0;
  if (!in->ReadVarint(&count)) return false;
  if (count > 0) sources->emplace();
  for (; count > 1; --count)
    if (!in->ReadLe(&(*sources)->emplace_back())) return false;
  return true;
}

// The end of the row says that there are none.
void AppendPatients(std::string* out, const std::vector<NamedPatient>& patients) {
  if (patients.empty()) return;
  AppendVarint(out, patients.size());
  for (const NamedPatient& patient : patients) {
    AppendVarint(out, patient.instances);
    for (const std::string& value : patient.values) AppendSized(out, value);
  }
}

bool ReadPatients(ByteReader* in, std::vector<NamedPatient>* patients) {
  if (in->empty()) return true;
  uint64_t count = 0;
  if (!in->ReadVarint(&count)) return false;
  for (; count > 0; --count) {
    NamedPatient& patient = patients->emplace_back();
    if (!in->ReadVarint(&patient.instances)) return false;
    for (std::string& value : patient.values)
      if (!in->ReadSized(&value)) return false;
  }
  return true;
}

// As of AppendPatients.
void AppendDiffering(std::string* out, const std::map<dicom::Tag, uint64_t>& differing) {
  if (differing.empty()) return;
  AppendVarint(out, differing.size());
  for (const auto& [tag, count] : differing) {
    AppendBe<uint32_t>(out, tag.packed());
    AppendVarint(out, count);
  }
}

bool ReadDiffering(ByteReader* in, std::map<dicom::Tag, uint64_t>* differing) {
  if (in->empty()) return true;
  uint64_t entries = 0;
  if (!in->ReadVarint(&entries)) return false;
  for (; entries > 0; --entries) {
    uint32_t packed = 0;
    uint64_t count = 0;
    if (!in->ReadBe(&packed) || !in->ReadVarint(&count)) return false;
    (*differing)[dicom::Tag(packed)] = count;
  }
  return true;
}

// What an instance has otherwise is found at the instance.
void AddOwnValues(const AttributeTable& table, const KeptAttributes& own, DocumentValues* out) {
  for (const KeptAttribute& attribute : own) {
    const CatalogueAttribute* spec = table.Find(Level::kSeries, attribute.path);
    if (!spec) continue;
    const size_t before = out->entries.size();
    for (const std::string& value : attribute.values) AddIndexValue(*spec, value, out);
    if (out->entries.size() == before)
      out->Add(kLackedByInstance, TokenValue{"", dicom::ToHex(attribute.path.front())});
  }
}

}  // namespace

std::string Encode(const PatientRow& row) {
  std::string out = NewRow();
  AppendSized(&out, row.patient_id);
  AppendSized(&out, row.issuer);
  AppendAttributes(&out, row.attributes);
  AppendVarint(&out, row.studies);
  return out;
}

std::optional<PatientRow> DecodePatient(Bytes bytes) {
  ByteReader in(bytes);
  PatientRow row;
  if (!ReadVersion(&in) || !in.ReadSized(&row.patient_id) || !in.ReadSized(&row.issuer) ||
      !ReadAttributes(&in, &row.attributes) || !in.ReadVarint(&row.studies))
    return std::nullopt;
  return row;
}

std::string Encode(const StudyRow& row) {
  std::string out = NewRow();
  AppendSized(&out, row.uid);
  AppendVarint(&out, row.patient ? *row.patient + 1ull : 0);
  AppendAttributes(&out, row.attributes);
  AppendVarint(&out, row.series);
  AppendVarint(&out, row.instances);
  AppendVarint(&out, row.bytes);
  AppendCounts(&out, row.modalities);
  AppendCounts(&out, row.sop_classes);
  AppendLe(&out, row.created_micros);
  AppendLe(&out, row.updated_micros);
  AppendSources(&out, row.sources);
  AppendPatients(&out, row.patients);
  return out;
}

std::optional<StudyRow> DecodeStudy(Bytes bytes) {
  ByteReader in(bytes);
  StudyRow row;
  uint64_t patient = 0;
  if (!ReadVersion(&in) || !in.ReadSized(&row.uid) || !in.ReadVarint(&patient) ||
      !ReadAttributes(&in, &row.attributes) || !in.ReadVarint(&row.series) || !in.ReadVarint(&row.instances) ||
      !in.ReadVarint(&row.bytes) || !ReadCounts(&in, &row.modalities) || !ReadCounts(&in, &row.sop_classes) ||
      !in.ReadLe(&row.created_micros) || !in.ReadLe(&row.updated_micros) || !ReadSources(&in, &row.sources) ||
      !ReadPatients(&in, &row.patients))
    return std::nullopt;
  if (patient > 0) row.patient = static_cast<Doc>(patient - 1);
  return row;
}

std::string Encode(const SeriesRow& row) {
  std::string out = NewRow();
  AppendSized(&out, row.uid);
  AppendLe<uint32_t>(&out, row.study);
  AppendAttributes(&out, row.attributes);
  AppendVarint(&out, row.instances);
  AppendLe(&out, row.created_micros);
  AppendLe(&out, row.updated_micros);
  AppendSources(&out, row.sources);
  AppendDiffering(&out, row.differing);
  return out;
}

std::optional<SeriesRow> DecodeSeries(Bytes bytes) {
  ByteReader in(bytes);
  SeriesRow row;
  if (!ReadVersion(&in) || !in.ReadSized(&row.uid) || !in.ReadLe(&row.study) || !ReadAttributes(&in, &row.attributes) ||
      !in.ReadVarint(&row.instances) || !in.ReadLe(&row.created_micros) || !in.ReadLe(&row.updated_micros) ||
      !ReadSources(&in, &row.sources) || !ReadDiffering(&in, &row.differing))
    return std::nullopt;
  return row;
}

std::string Encode(const InstanceRow& row) {
  std::string out = NewRow();
  AppendSized(&out, row.uid);
  AppendLe<uint32_t>(&out, row.series);
  AppendAttributes(&out, row.attributes);
  AppendObjectRef(&out, row.object);
  AppendSized(&out, row.transfer_syntax);
  AppendSized(&out, row.frame_table);
  AppendVarint(&out, row.frame_chunks);
  AppendVarint(&out, row.version);
  AppendLe(&out, row.stored_micros);
  if (!row.own.empty() || row.named > 0) AppendAttributes(&out, row.own);
  if (row.named > 0) AppendVarint(&out, row.named);
  return out;
}

std::optional<InstanceRow> DecodeInstance(Bytes bytes) {
  ByteReader in(bytes);
  InstanceRow row;
  if (!ReadVersion(&in) || !in.ReadSized(&row.uid) || !in.ReadLe(&row.series) ||
      !ReadAttributes(&in, &row.attributes) || !ReadObjectRef(&in, &row.object) ||
      !in.ReadSized(&row.transfer_syntax) || !in.ReadSized(&row.frame_table) || !in.ReadVarint(&row.frame_chunks) ||
      !in.ReadVarint(&row.version) || !in.ReadLe(&row.stored_micros) ||
      (!in.empty() && !ReadAttributes(&in, &row.own)) || (!in.empty() && !in.ReadVarint(&row.named)))
    return std::nullopt;
  return row;
}

DocumentValues IndexValues(const AttributeTable& table, const PatientRow& row) {
  DocumentValues values;
  AddIndexValues(table, Level::kPatient, row.attributes, &values);
  return values;
}

DocumentValues IndexValues(const AttributeTable& table, const StudyRow& row) {
  DocumentValues values;
  AddIndexValues(table, Level::kStudy, row.attributes, &values);
  const auto add_derived = [&](dicom::Tag tag, const std::map<std::string, uint64_t>& counts) {
    const CatalogueAttribute* attribute = table.Find(Level::kStudy, {tag});
    for (const auto& [value, count] : counts) AddIndexValue(*attribute, value, &values);
  };
  add_derived(dicom::tags::kModalitiesInStudy, row.modalities);
  add_derived(dicom::tags::kSopClassesInStudy, row.sop_classes);
  if (row.patient) values.Add(kPatientOfStudy, ReferenceValue{{{CollectionOf(Level::kPatient), *row.patient}}, ""});
  return values;
}

DocumentValues IndexValues(const AttributeTable& table, const SeriesRow& row) {
  DocumentValues values;
  KeptAttributes backed;
  const auto is_backed = [&](const KeptAttribute& attribute) { return row.IsBacked(attribute.path.front()); };
  if (!row.differing.empty()) std::ranges::copy_if(row.attributes, std::back_inserter(backed), is_backed);
  AddIndexValues(table, Level::kSeries, row.differing.empty() ? row.attributes : backed, &values);
  values.Add(kStudyOfSeries, ReferenceValue{{{CollectionOf(Level::kStudy), row.study}}, ""});
  return values;
}

DocumentValues IndexValues(const AttributeTable& table, const InstanceRow& row) {
  DocumentValues values;
  AddIndexValues(table, Level::kInstance, row.attributes, &values);
  AddOwnValues(table, row.own, &values);
  values.Add(kSeriesOfInstance, ReferenceValue{{{CollectionOf(Level::kSeries), row.series}}, ""});
  return values;
}

bool SameIndexValues(const PatientRow& a, const PatientRow& b) {
  return a.attributes == b.attributes;
}

bool SameIndexValues(const StudyRow& a, const StudyRow& b) {
  const auto same_name = [](const auto& left, const auto& right) { return left.first == right.first; };
  return a.attributes == b.attributes && a.patient == b.patient &&
         std::ranges::equal(a.modalities, b.modalities, same_name) &&
         std::ranges::equal(a.sop_classes, b.sop_classes, same_name);
}

bool SameIndexValues(const SeriesRow& a, const SeriesRow& b) {
  const auto backed_alike = [&](const auto& differing) {
    return a.IsBacked(differing.first) == b.IsBacked(differing.first);
  };
  return a.attributes == b.attributes && a.study == b.study && std::ranges::all_of(a.differing, backed_alike) &&
         std::ranges::all_of(b.differing, backed_alike);
}

bool SameIndexValues(const InstanceRow& a, const InstanceRow& b) {
  return a.attributes == b.attributes && a.own == b.own && a.series == b.series;
}

std::string PatientKey(Tenant tenant, std::string_view patient_id, std::string_view issuer) {
  std::string key = KeyOf(tenant, 'p');
  AppendSized(&key, patient_id.substr(0, 256));
  key.append(issuer.substr(0, 256));
  return key;
}

std::string StudyKey(Tenant tenant, std::string_view study_uid) {
  return KeyOf(tenant, 's').append(study_uid);
}

std::string SeriesKey(Tenant tenant, Doc study, std::string_view series_uid) {
  std::string key = KeyOf(tenant, 'e');
  AppendBe<uint32_t>(&key, study);
  return key.append(series_uid);
}

std::string InstanceKey(Tenant tenant, Doc series, std::string_view sop_uid) {
  std::string key = KeyOf(tenant, 'i');
  AppendBe<uint32_t>(&key, series);
  return key.append(sop_uid);
}

std::string EncodeDoc(Doc doc) {
  std::string out;
  AppendLe<uint32_t>(&out, doc);
  return out;
}

std::optional<Doc> DecodeDoc(Bytes bytes) {
  Doc doc = 0;
  ByteReader in(bytes);
  if (!in.ReadLe(&doc) || !in.empty()) return std::nullopt;
  return doc;
}

std::string RowKey(Tenant tenant, Level level, Doc doc) {
  static constexpr char kKinds[] = {'?', 'P', 'S', 'E', 'I'};
  std::string key = KeyOf(tenant, kKinds[static_cast<uint16_t>(level)]);
  AppendBe<uint32_t>(&key, doc);
  return key;
}

std::string FrameChunkKey(Tenant tenant, Doc instance, uint32_t chunk) {
  std::string key = KeyOf(tenant, 'F');
  AppendBe<uint32_t>(&key, instance);
  AppendBe<uint32_t>(&key, chunk);
  return key;
}

std::string SegmentKey(uint32_t segment) {
  std::string key = "l";
  AppendBe<uint32_t>(&key, segment);
  return key;
}

std::string Encode(const SegmentAccount& account) {
  std::string value;
  AppendLe(&value, account.live);
  AppendLe(&value, account.freed_micros);
  return value;
}

std::optional<SegmentAccount> DecodeSegmentAccount(Bytes bytes) {
  ByteReader in(bytes);
  SegmentAccount account;
  if (!in.ReadLe(&account.live)) return std::nullopt;
  if (!in.empty() && !in.ReadLe(&account.freed_micros)) return std::nullopt;
  return account;
}

std::string ObjectKey(const ObjectRef& object) {
  std::string key = "o";
  AppendBe<uint32_t>(&key, object.segment);
  AppendBe<uint64_t>(&key, object.offset);
  return key;
}

std::string Encode(const ObjectOwner& owner) {
  std::string out;
  AppendLe<uint32_t>(&out, static_cast<uint32_t>(owner.tenant));
  AppendLe<uint32_t>(&out, owner.instance);
  return out;
}

std::optional<ObjectOwner> DecodeObjectOwner(Bytes bytes) {
  ByteReader in(bytes);
  uint32_t tenant = 0;
  ObjectOwner owner;
  if (!in.ReadLe(&tenant) || !in.ReadLe(&owner.instance) || !in.empty()) return std::nullopt;
  owner.tenant = static_cast<Tenant>(tenant);
  return owner;
}

}  // namespace hilum::storage
