// The rows of the catalogue and their keys in Family::kCatalogue. The bytes are described in docs/on-disk-format.md.
// Plain values; Decode* is nullopt on damaged bytes.
#pragma once

#include <array>
#include <cstdint>
#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/catalogue/attributes.h"
#include "storage/object/object_store.h"
#include "storage/tenant.h"

namespace hilum::storage {

// Instances that the attributes of a study or a series come from, in order of arrival: of each attribute the first
// instance that has a value. nullopt in rows that an older release wrote: any of its instances.
using Sources = std::optional<std::vector<Doc>>;

// By what an instance names its patient, and its value of each; empty where it has none.
inline constexpr dicom::Tag kPatientTags[] = {dicom::tags::kPatientId, dicom::tags::kIssuerOfPatientId,
                                              dicom::tags::kPatientName, dicom::tags::kPatientBirthDate,
                                              dicom::tags::kPatientSex};
using PatientValues = std::array<std::string, std::size(kPatientTags)>;
PatientValues PatientNamedBy(const AttributeTable& table, const dicom::Header& header);

struct NamedPatient {
  PatientValues values;
  uint64_t instances = 0;  // that say so
  bool operator==(const NamedPatient&) const = default;
};

struct PatientRow {
  std::string patient_id;
  std::string issuer;
  KeptAttributes attributes;
  uint64_t studies = 0;
};

struct StudyRow {
  std::string uid;
  std::optional<Doc> patient;
  KeptAttributes attributes;
  uint64_t series = 0;
  uint64_t instances = 0;
  uint64_t bytes = 0;                           // of all instances as stored
  std::map<std::string, uint64_t> modalities;   // -> number of series
  std::map<std::string, uint64_t> sop_classes;  // -> number of instances
  int64_t created_micros = 0;
  int64_t updated_micros = 0;
  Sources sources;
  std::vector<NamedPatient> patients;  // none when all instances name the one that `attributes` do

  bool operator==(const StudyRow&) const = default;
};

struct SeriesRow {
  std::string uid;
  Doc study = 0;
  KeptAttributes attributes;
  uint64_t instances = 0;
  int64_t created_micros = 0;
  int64_t updated_micros = 0;
  Sources sources;
  std::map<dicom::Tag, uint64_t> differing;  // of attributes of images -> instances that have them otherwise

  // Whether an instance has the attribute as the series says.
  bool IsBacked(dicom::Tag tag) const {
    const auto found = differing.find(tag);
    return found == differing.end() || found->second < instances;
  }
  bool operator==(const SeriesRow&) const = default;
};

struct InstanceRow {
  std::string uid;
  Doc series = 0;
  KeptAttributes attributes;
  KeptAttributes own;  // attributes of images (CatalogueAttribute::varies) that it has otherwise than its series
  ObjectRef object;
  std::string transfer_syntax;
  std::string frame_table;    // dicom::AppendFrameTable; empty: none, or kept in chunks (frame_chunks > 0)
  uint64_t frame_chunks = 0;  // a longer table lies in that many rows of its own
  uint64_t version = 1;       // grows when the bytes are replaced
  int64_t stored_micros = 0;  // the time of its change in the log
  uint64_t named = 0;         // place in StudyRow::patients; beyond them when there were too many

  std::string_view sop_class() const { return FirstValue(attributes, dicom::tags::kSopClassUid); }
};

std::string Encode(const PatientRow& row);
std::string Encode(const StudyRow& row);
std::string Encode(const SeriesRow& row);
std::string Encode(const InstanceRow& row);
std::optional<PatientRow> DecodePatient(Bytes bytes);
std::optional<StudyRow> DecodeStudy(Bytes bytes);
std::optional<SeriesRow> DecodeSeries(Bytes bytes);
std::optional<InstanceRow> DecodeInstance(Bytes bytes);

// What the index knows of a row: all that its attributes give under `table`. Whoever adds an attribute to the table or
// takes one away sees to it that no row has it meanwhile, so that an update can take the old values out again.
DocumentValues IndexValues(const AttributeTable& table, const PatientRow& row);
DocumentValues IndexValues(const AttributeTable& table, const StudyRow& row);
DocumentValues IndexValues(const AttributeTable& table, const SeriesRow& row);
DocumentValues IndexValues(const AttributeTable& table, const InstanceRow& row);
// Whether the index would know the same of two versions of a row: compared without working that out. False is always
// allowed.
bool SameIndexValues(const PatientRow& a, const PatientRow& b);
bool SameIndexValues(const StudyRow& a, const StudyRow& b);
bool SameIndexValues(const SeriesRow& a, const SeriesRow& b);
bool SameIndexValues(const InstanceRow& a, const InstanceRow& b);

// Name -> document.
std::string PatientKey(Tenant tenant, std::string_view patient_id, std::string_view issuer);
std::string StudyKey(Tenant tenant, std::string_view study_uid);
std::string SeriesKey(Tenant tenant, Doc study, std::string_view series_uid);  // "" is the first key of the study
std::string InstanceKey(Tenant tenant, Doc series, std::string_view sop_uid);  // "" is the first key of the series
std::string EncodeDoc(Doc doc);
std::optional<Doc> DecodeDoc(Bytes bytes);

// Document -> row.
std::string RowKey(Tenant tenant, Level level, Doc doc);
std::string FrameChunkKey(Tenant tenant, Doc instance, uint32_t chunk);

// Family::kObject. Segments belong to all tenants, so these keys begin with a kind instead.
std::string SegmentKey(uint32_t segment);        // -> SegmentAccount
std::string ObjectKey(const ObjectRef& object);  // -> the instance that owns the bytes

struct SegmentAccount {
  uint64_t live = 0;         // bytes of records that rows point at
  int64_t freed_micros = 0;  // when an object in it was last left; 0: never, or before this was kept
};
std::string Encode(const SegmentAccount& account);
std::optional<SegmentAccount> DecodeSegmentAccount(Bytes bytes);

struct ObjectOwner {
  Tenant tenant = Tenant::kDefault;
  Doc instance = 0;
};
std::string Encode(const ObjectOwner& owner);
std::optional<ObjectOwner> DecodeObjectOwner(Bytes bytes);

}  // namespace hilum::storage
