// Which DICOM attributes the catalogue keeps at each level, how each is indexed, and how a kept attribute is stored and
// rendered. Pure functions and constant tables, thread-safe.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "codecs/dicom/attributes.h"
#include "codecs/dicom/tag.h"
#include "storage/index/index.h"

namespace hilum::storage {

// Levels of the information model (PS3.4 C.6.1). Numbers are on disk: they are the collections of the index.
enum class Level : uint16_t { kPatient = 1, kStudy = 2, kSeries = 3, kInstance = 4 };

constexpr CollectionId CollectionOf(Level level) {
  return static_cast<CollectionId>(level);
}

// Fields that are not attributes.
inline constexpr FieldId kStudyOfSeries{1}, kSeriesOfInstance{2}, kPatientOfStudy{3};

// How a query value is compared (PS3.4 C.2.2.2).
enum class Matching : uint8_t {
  kNone,  // kept and returned, not searchable
  kCode,  // identifiers and coded words: equal or wildcard, without regard to case
  kUid,   // equal, octet for octet
  kText,  // free text: equal or wildcard, without regard to case and accents
  kName,  // as kText, each component group by itself
  kDate,  // DA: a day or a range of days
  kTime,  // TM: a time or a range
};

struct CatalogueAttribute {
  Level level;
  dicom::TagPath path;
  Matching matching;
  FieldId field;  // on disk; 0 when matching is kNone
};

// All attributes taken from the data set, parents before children. ModalitiesInStudy and the counters are derived, not
// listed.
std::span<const CatalogueAttribute> CatalogueAttributes();
// The searchable attribute at `path`, of `level` or else of the nearest level above it; nullptr when there is none.
const CatalogueAttribute* FindSearchable(Level level, const dicom::TagPath& path);
// For dicom::ReadHeader.
const dicom::AttributeSelection& CatalogueSelection();

// A date and a time that together are a point in time, and the field that holds it.
struct DateTimePair {
  Level level;
  dicom::Tag date;
  dicom::Tag time;
  FieldId field;  // on disk
};
inline constexpr DateTimePair kDateTimes[] = {
    {Level::kStudy, dicom::tags::kStudyDate, dicom::tags::kStudyTime, FieldId{24}},
    {Level::kSeries, dicom::tags::kPerformedProcedureStepStartDate, dicom::tags::kPerformedProcedureStepStartTime,
     FieldId{40}},
};

void AddCatalogueFields(Schema* schema);

// One attribute as a row keeps it.
struct KeptAttribute {
  dicom::TagPath path;
  dicom::Vr vr;
  std::vector<std::string> values;
  std::string json;  // sequences only; everything else is rendered from the values

  bool operator==(const KeptAttribute&) const = default;
};
using KeptAttributes = std::vector<KeptAttribute>;

// Those of the header that belong to `level`.
KeptAttributes KeepAttributes(Level level, const dicom::Header& header);
// Adds what `kept` does not have a value for; values that are there stay (first writer wins). True when something was
// added.
bool FillGaps(KeptAttributes* kept, const KeptAttributes& from);
const KeptAttribute* Find(const KeptAttributes& kept, dicom::Tag tag);
std::string_view FirstValue(const KeptAttributes& kept, dicom::Tag tag);

void AppendAttributes(std::string* out, const KeptAttributes& kept);
bool ReadAttributes(ByteReader* in, KeptAttributes* out);

// Adds the index values of the attributes.
void AddIndexValues(Level level, const KeptAttributes& kept, DocumentValues* out);
void AddIndexValue(const CatalogueAttribute& attribute, const std::string& value, DocumentValues* out);

// [low, high) in microseconds of a DA value or a prefix of one (YYYY, YYYYMM); also the old YYYY.MM.DD. nullopt when it
// is none.
std::optional<DateValue> ParseDate(std::string_view text);
// [low, high] in seconds after midnight of a TM value.
std::optional<NumberValue> ParseTime(std::string_view text);
// What kCode compares: ASCII letters in upper case.
std::string FoldCode(std::string_view code);

}  // namespace hilum::storage
