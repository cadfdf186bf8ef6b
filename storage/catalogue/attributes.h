// Which DICOM attributes the catalogue keeps at each level, how each is indexed, and how a kept attribute is stored.
// Everything is immutable or a pure function, thread-safe, except AttributeTables, which is safe for concurrent use.
#pragma once

#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <utility>
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
// Tags, in hexadecimal, of attributes of images that the series has and the instance lacks.
inline constexpr FieldId kLackedByInstance{4};

// How a query value is compared (PS3.4 C.2.2.2).
enum class Matching : uint8_t {
  kNone,      // kept and returned, not searchable
  kCode,      // identifiers and coded words: equal or wildcard, without regard to case
  kUid,       // equal, byte for byte
  kText,      // free text: equal or wildcard, without regard to case and accents
  kName,      // as kText, each component group by itself
  kDate,      // DA: a day or a range of days
  kTime,      // TM: a time or a range
  kDateTime,  // DT: a point in time or a range, in UTC where no offset is written
  kNumber,    // a number or a range, whatever the digits
  kAge,       // AS: an age or a range, in years
};

// What an attribute of a value representation is compared by when nothing else is said; kNone for those that have no
// values to compare (sequences, bulk data).
Matching MatchingOf(dicom::Vr vr);
FieldKind KindOf(Matching matching);

struct CatalogueAttribute {
  Level level;
  dicom::TagPath path;
  Matching matching;
  FieldId field;             // on disk; 0 when matching is kNone
  bool in_every_row = true;  // of search results; else only where it is asked for
  bool kept = true;          // taken from instances that arrive; false while it is being removed
  bool searchable = true;    // kNone is never
  bool varies = false;       // of a series: an attribute of its images, which may differ (InstanceRow::own)
  bool incomplete = false;   // some stored instances could not be indexed when the table was made
  dicom::Vr vr = {};         // of private ones
  std::string private_creator = {};
};

// All attributes that are taken from data sets or derived: those built in, and those that the store was told to add
// (extended_tags.h).
class AttributeTable {
 public:
  // REQUIRES: no path twice at a level.
  explicit AttributeTable(std::vector<CatalogueAttribute> extended = {});
  AttributeTable(const AttributeTable&) = delete;
  AttributeTable& operator=(const AttributeTable&) = delete;
  // Without extended ones.
  static std::shared_ptr<const AttributeTable> BuiltIn();

  std::span<const CatalogueAttribute> all() const { return all_; }
  // The attribute of exactly this level; nullptr when there is none.
  const CatalogueAttribute* Find(Level level, const dicom::TagPath& path) const;
  // The searchable attribute at `path`, of `level` or else of the nearest level above it; nullptr when there is none.
  const CatalogueAttribute* FindSearchable(Level level, const dicom::TagPath& path) const;
  // Paths of the extended ones of which there may be errors on disk.
  const std::vector<dicom::TagPath>& doubtful() const { return doubtful_; }
  // For dicom::ReadHeader.
  const dicom::AttributeSelection& selection() const { return selection_; }

 private:
  std::vector<dicom::TagPath> doubtful_;
  std::vector<CatalogueAttribute> all_;
  std::vector<std::pair<uint64_t, const CatalogueAttribute*>> by_tag_;  // by level and first tag of the path, ascending
  dicom::AttributeSelection selection_;
};

// The table of a store as of now; the old one lives as long as somebody holds it.
class AttributeTables {
 public:
  std::shared_ptr<const AttributeTable> Current() const {
    const std::lock_guard lock(mu_);
    return current_;
  }
  void Set(std::shared_ptr<const AttributeTable> table) {
    const std::lock_guard lock(mu_);
    current_ = std::move(table);
  }

 private:
  mutable std::mutex mu_;
  std::shared_ptr<const AttributeTable> current_ = AttributeTable::BuiltIn();  // guarded by mu_
};

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

// Fields of extended attributes: `slot` below kExtendedSlots, for each kind and level. On disk.
inline constexpr uint16_t kExtendedSlots = 256;
FieldId ExtendedField(FieldKind kind, uint16_t slot);

// All fields that tables may have, extended ones included.
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

// Limits on what one instance may put into a row, so that a row fits the store's envelope. Longer texts are cut
// (attributes stay whole in the object).
inline constexpr size_t kMaxKeptValueBytes = 1024;
inline constexpr size_t kMaxKeptValues = 64;
inline constexpr size_t kMaxKeptJsonBytes = 16 * 1024;
// Of all attributes of a row together; those that have no room any more are kept without values.
inline constexpr size_t kMaxKeptBytes = 32 * 1024;

// Those of the header that belong to `level`, within these limits.
KeptAttributes KeepAttributes(const AttributeTable& table, Level level, const dicom::Header& header);
// Adds those that `kept` does not have a value for; values that are there stay (first writer wins). True when something
// was added.
bool FillGaps(const AttributeTable& table, Level level, const dicom::Header& header, KeptAttributes* kept);
// Those of images are not among them. The same with attributes of a row of another level.
bool FillGaps(const AttributeTable& table, Level level, const KeptAttributes& from, KeptAttributes* kept);
// Whether every attribute that `wanted` has a value of has one in `kept`.
bool Covers(const KeptAttributes& kept, const KeptAttributes& wanted);
// Attributes of images (CatalogueAttribute::varies): those in a row of a series; and what an instance has otherwise
// than that, without values where it lacks the attribute.
KeptAttributes ImageAttributes(const AttributeTable& table, const KeptAttributes& of_series);
KeptAttributes ImageAttributes(const AttributeTable& table, const dicom::Header& header);
KeptAttributes DifferencesFrom(const KeptAttributes& of_series, const AttributeTable& table,
                               const dicom::Header& header);
const KeptAttribute* Find(const KeptAttributes& kept, dicom::Tag tag);
std::string_view FirstValue(const KeptAttributes& kept, dicom::Tag tag);

void AppendAttributes(std::string* out, const KeptAttributes& kept);
bool ReadAttributes(ByteReader* in, KeptAttributes* out);

// Adds the index values of the attributes.
void AddIndexValues(const AttributeTable& table, Level level, const KeptAttributes& kept, DocumentValues* out);

}  // namespace hilum::storage
