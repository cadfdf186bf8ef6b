#include "storage/catalogue/attributes.h"

#include <algorithm>
#include <cassert>
#include <iterator>
#include <tuple>

#include "storage/catalogue/attribute_values.h"
#include "storage/catalogue/request_tags.h"

namespace hilum::storage {
namespace {

using dicom::Tag;
using dicom::TagPath;
namespace t = dicom::tags;

// What an image was made of and with.
constexpr Tag kManufacturer{0x0008, 0x0070}, kInstitutionName{0x0008, 0x0080}, kStationName{0x0008, 0x1010};
constexpr Tag kPatientAge{0x0010, 0x1010}, kPatientSize{0x0010, 0x1020}, kPatientWeight{0x0010, 0x1030};
constexpr Tag kContrastBolusAgent{0x0018, 0x0010}, kSliceThickness{0x0018, 0x0050}, kKvp{0x0018, 0x0060},
    kRepetitionTime{0x0018, 0x0080}, kEchoTime{0x0018, 0x0081}, kMagneticFieldStrength{0x0018, 0x0087},
    kSpacingBetweenSlices{0x0018, 0x0088}, kProtocolName{0x0018, 0x1030}, kConvolutionKernel{0x0018, 0x1210};
constexpr Tag kPixelSpacing{0x0028, 0x0030};

// An attribute that cohorts ask for: of the first instance that has it, and in search results only where asked for.
CatalogueAttribute OnRequest(Level level, dicom::Tag tag, Matching matching, uint16_t field) {
  return {.level = level, .path = {tag}, .matching = matching, .field = FieldId{field}, .in_every_row = false};
}

// The same of an attribute that PS3.3 has in a module of images, so that it may differ within a series.
CatalogueAttribute OfImages(dicom::Tag tag, Matching matching, uint16_t field) {
  CatalogueAttribute attribute = OnRequest(Level::kSeries, tag, matching, field);
  attribute.varies = true;
  return attribute;
}

CatalogueAttribute Within(Level level, dicom::Tag sequence, dicom::Tag tag, uint16_t field) {
  return {.level = level,
          .path = {sequence, tag},
          .matching = Matching::kCode,
          .field = FieldId{field},
          .in_every_row = false};
}

CatalogueAttribute OfRequest(dicom::Tag tag, uint16_t field) {
  return Within(Level::kSeries, t::kRequestAttributesSequence, tag, field);
}

// The keys of PS3.18 table 10.6.1-2 and -3 that the standard wants matched or returned, and those that cohorts need.
// Levels from top to bottom. Field numbers are on disk: append, never renumber.
const std::vector<CatalogueAttribute>& Table() {
  static const std::vector<CatalogueAttribute> table = {
      {Level::kPatient, {t::kPatientName}, Matching::kName, FieldId{4}},
      {Level::kPatient, {t::kPatientId}, Matching::kCode, FieldId{5}},
      {Level::kPatient, {t::kIssuerOfPatientId}, Matching::kCode, FieldId{6}},
      {Level::kPatient, {t::kPatientBirthDate}, Matching::kDate, FieldId{7}},
      {Level::kPatient, {t::kPatientSex}, Matching::kCode, FieldId{8}},

      {Level::kStudy, {t::kStudyInstanceUid}, Matching::kUid, FieldId{10}},
      {Level::kStudy, {t::kStudyDate}, Matching::kDate, FieldId{11}},
      {Level::kStudy, {t::kStudyTime}, Matching::kTime, FieldId{12}},
      {Level::kStudy, {t::kAccessionNumber}, Matching::kCode, FieldId{13}},
      {Level::kStudy, {t::kReferringPhysicianName}, Matching::kName, FieldId{14}},
      {Level::kStudy, {t::kPatientName}, Matching::kName, FieldId{15}},
      {Level::kStudy, {t::kPatientId}, Matching::kCode, FieldId{16}},
      {Level::kStudy, {t::kIssuerOfPatientId}, Matching::kCode, FieldId{17}},
      {Level::kStudy, {t::kPatientBirthDate}, Matching::kDate, FieldId{18}},
      {Level::kStudy, {t::kPatientSex}, Matching::kCode, FieldId{19}},
      {Level::kStudy, {t::kStudyId}, Matching::kCode, FieldId{20}},
      {Level::kStudy, {t::kStudyDescription}, Matching::kText, FieldId{21}},
      {Level::kStudy, {t::kTimezoneOffsetFromUtc}, Matching::kNone, FieldId{0}},
      {Level::kStudy, {t::kModalitiesInStudy}, Matching::kCode, FieldId{22}},
      {Level::kStudy, {t::kSopClassesInStudy}, Matching::kUid, FieldId{23}},
      OnRequest(Level::kStudy, kPatientAge, Matching::kAge, 25),
      OnRequest(Level::kStudy, kPatientSize, Matching::kNumber, 26),
      OnRequest(Level::kStudy, kPatientWeight, Matching::kNumber, 27),
      Within(Level::kStudy, kIssuerOfPatientIdQualifiersSequence, kUniversalEntityId, 28),
      Within(Level::kStudy, kIssuerOfPatientIdQualifiersSequence, kUniversalEntityIdType, 29),
      OnRequest(Level::kStudy, kProcedureCodeSequence, Matching::kNone, 0),
      OnRequest(Level::kStudy, kRequestedProcedureCodeSequence, Matching::kNone, 0),

      {Level::kSeries, {t::kSeriesInstanceUid}, Matching::kUid, FieldId{30}},
      {Level::kSeries, {t::kModality}, Matching::kCode, FieldId{31}},
      {Level::kSeries, {t::kSeriesNumber}, Matching::kCode, FieldId{32}},
      {Level::kSeries, {t::kSeriesDescription}, Matching::kText, FieldId{33}},
      {Level::kSeries, {t::kPerformedProcedureStepStartDate}, Matching::kDate, FieldId{34}},
      {Level::kSeries, {t::kPerformedProcedureStepStartTime}, Matching::kTime, FieldId{35}},
      {Level::kSeries, {t::kBodyPartExamined}, Matching::kCode, FieldId{36}},
      {Level::kSeries, {t::kManufacturerModelName}, Matching::kText, FieldId{37}},
      {Level::kSeries, {t::kRequestAttributesSequence}, Matching::kNone, FieldId{0}},
      {Level::kSeries, {t::kRequestAttributesSequence, t::kScheduledProcedureStepId}, Matching::kCode, FieldId{38}},
      {Level::kSeries, {t::kRequestAttributesSequence, t::kRequestedProcedureId}, Matching::kCode, FieldId{39}},
      OnRequest(Level::kSeries, kManufacturer, Matching::kText, 60),
      OnRequest(Level::kSeries, kInstitutionName, Matching::kText, 61),
      OnRequest(Level::kSeries, kStationName, Matching::kCode, 62),
      OnRequest(Level::kSeries, kProtocolName, Matching::kText, 63),
      OfImages(kSliceThickness, Matching::kNumber, 64),
      OfImages(kSpacingBetweenSlices, Matching::kNumber, 65),
      OfImages(kPixelSpacing, Matching::kNumber, 66),
      OfImages(kKvp, Matching::kNumber, 67),
      OfImages(kMagneticFieldStrength, Matching::kNumber, 68),
      OfImages(kRepetitionTime, Matching::kNumber, 69),
      OfImages(kEchoTime, Matching::kNumber, 70),
      OfImages(kContrastBolusAgent, Matching::kText, 71),
      OfImages(kConvolutionKernel, Matching::kCode, 72),
      OnRequest(Level::kSeries, kLaterality, Matching::kCode, 73),
      OfImages(t::kRows, Matching::kNumber, 74),
      OfImages(t::kColumns, Matching::kNumber, 75),
      OnRequest(Level::kSeries, kPlacerOrderNumber, Matching::kCode, 76),
      OnRequest(Level::kSeries, kFillerOrderNumber, Matching::kCode, 77),
      OfRequest(t::kAccessionNumber, 78),
      OfRequest(kPlacerOrderNumber, 79),
      OfRequest(kFillerOrderNumber, 80),
      OnRequest(Level::kSeries, kSeriesDate, Matching::kDate, 81),
      OnRequest(Level::kSeries, kSeriesTime, Matching::kTime, 82),

      {Level::kInstance, {t::kSopInstanceUid}, Matching::kUid, FieldId{50}},
      {Level::kInstance, {t::kSopClassUid}, Matching::kUid, FieldId{51}},
      {Level::kInstance, {t::kInstanceNumber}, Matching::kCode, FieldId{52}},
      {Level::kInstance, {t::kRows}, Matching::kNone, FieldId{0}},
      {Level::kInstance, {t::kColumns}, Matching::kNone, FieldId{0}},
      {Level::kInstance, {t::kBitsAllocated}, Matching::kNone, FieldId{0}},
      {Level::kInstance, {t::kNumberOfFrames}, Matching::kNone, FieldId{0}},
  };
  return table;
}

// Modality and SOP class reach the study row from its series and instances, not from a data set.
bool IsDerived(const TagPath& path) {
  return path[0] == t::kModalitiesInStudy || path[0] == t::kSopClassesInStudy;
}

uint64_t TagKey(Level level, const TagPath& path) {
  return uint64_t{static_cast<uint16_t>(level)} << 32 | (path.empty() ? 0 : path.front().packed());
}

// Bytes of a value as it is written: more than those take that are kept of it, in any character set.
constexpr uint64_t kLookedAtBytes = 4 * kMaxKeptValues * kMaxKeptValueBytes;

// Within the limits of one attribute.
KeptAttribute Keep(const dicom::Attribute& found) {
  KeptAttribute kept{.path = found.path, .vr = found.vr};
  const size_t count = std::min(found.values.size(), kMaxKeptValues);
  kept.values.reserve(count);
  for (size_t i = 0; i < count; ++i) {
    const std::string& value = found.values[i];
    size_t end = std::min(value.size(), kMaxKeptValueBytes);
    // Not inside a UTF-8 character.
    while (end > 0 && end < value.size() && (static_cast<unsigned char>(value[end]) & 0xC0) == 0x80) --end;
    kept.values.emplace_back(value, 0, end);
  }
  if (found.vr == dicom::Vr("SQ") && found.json.size() <= kMaxKeptJsonBytes) kept.json = found.json;
  return kept;
}

bool HasValue(const KeptAttribute& attribute) {
  return !attribute.values.empty() || !attribute.json.empty();
}

// About what it takes in a row.
size_t BytesOf(const KeptAttribute& attribute) {
  size_t bytes = 16 + attribute.json.size();
  for (const std::string& value : attribute.values) bytes += 2 + value.size();
  return bytes;
}

// Without values, unless there is room for them beside `kept`.
KeptAttribute WithRoom(KeptAttribute offered, const KeptAttributes& kept) {
  size_t bytes = BytesOf(offered);
  for (const KeptAttribute& one : kept) bytes += BytesOf(one);
  if (bytes <= kMaxKeptBytes) return offered;
  return {.path = std::move(offered.path), .vr = offered.vr};
}

// Adds the attribute unless there is a value of it. True when something was added.
bool FillGap(KeptAttribute offered, KeptAttributes* kept) {
  offered = WithRoom(std::move(offered), *kept);
  const auto mine = std::ranges::find(*kept, offered.path, &KeptAttribute::path);
  if (mine == kept->end()) {
    kept->push_back(std::move(offered));
    return true;
  }
  if (HasValue(*mine) || !HasValue(offered)) return false;
  *mine = std::move(offered);
  return true;
}

// Calls visit(found, wanted) for those of the header that belong to `level`.
template <typename Visit>
void ForEachOf(const AttributeTable& table, Level level, const dicom::Header& header, Visit visit) {
  for (const dicom::Attribute& found : header.attributes) {
    const CatalogueAttribute* wanted = table.Find(level, found.path);
    if (wanted && wanted->kept) visit(found, *wanted);
  }
}

}  // namespace

FieldKind KindOf(Matching matching) {
  switch (matching) {
    case Matching::kText:
    case Matching::kName:
      return FieldKind::kString;
    case Matching::kDate:
    case Matching::kDateTime:
      return FieldKind::kDate;
    case Matching::kTime:
    case Matching::kNumber:
    case Matching::kAge:
      return FieldKind::kNumber;
    default:
      return FieldKind::kToken;
  }
}

Matching MatchingOf(dicom::Vr vr) {
  static const std::vector<std::pair<dicom::Vr, Matching>> matchings = {
      {"AE", Matching::kCode},   {"AS", Matching::kAge},    {"AT", Matching::kCode},     {"CS", Matching::kCode},
      {"DA", Matching::kDate},   {"DS", Matching::kNumber}, {"DT", Matching::kDateTime}, {"FD", Matching::kNumber},
      {"FL", Matching::kNumber}, {"IS", Matching::kNumber}, {"LO", Matching::kText},     {"LT", Matching::kText},
      {"PN", Matching::kName},   {"SH", Matching::kCode},   {"SL", Matching::kNumber},   {"SS", Matching::kNumber},
      {"ST", Matching::kText},   {"SV", Matching::kNumber}, {"TM", Matching::kTime},     {"UC", Matching::kText},
      {"UI", Matching::kUid},    {"UL", Matching::kNumber}, {"UR", Matching::kText},     {"US", Matching::kNumber},
      {"UT", Matching::kText},   {"UV", Matching::kNumber}};
  for (const auto& [known, matching] : matchings)
    if (known == vr) return matching;
  return Matching::kNone;
}

AttributeTable::AttributeTable(std::vector<CatalogueAttribute> extended)
    : all_(Table()), selection_(std::vector<TagPath>()) {
  for (const CatalogueAttribute& attribute : extended)
    if (attribute.incomplete || !attribute.searchable) doubtful_.push_back(attribute.path);
  all_.insert(all_.end(), std::make_move_iterator(extended.begin()), std::make_move_iterator(extended.end()));
  std::stable_sort(all_.begin(), all_.end(), [](const auto& a, const auto& b) { return a.level < b.level; });
  std::vector<TagPath> paths;
  std::vector<dicom::PrivateAttribute> privates;
  for (const CatalogueAttribute& attribute : all_) {
    by_tag_.emplace_back(TagKey(attribute.level, attribute.path), &attribute);
    // Of the patient studies name everything, too.
    if (IsDerived(attribute.path) || attribute.level == Level::kPatient || !attribute.kept) continue;
    if (std::find(paths.begin(), paths.end(), attribute.path) != paths.end()) continue;
    paths.push_back(attribute.path);
    if (!attribute.private_creator.empty())
      privates.push_back({attribute.path[0], attribute.private_creator, attribute.vr});
  }
  std::ranges::sort(by_tag_);
  selection_ = dicom::AttributeSelection(std::move(paths), std::move(privates));
  selection_.CutAt(kLookedAtBytes);
}

std::shared_ptr<const AttributeTable> AttributeTable::BuiltIn() {
  static const auto table = std::make_shared<const AttributeTable>();
  return table;
}

const CatalogueAttribute* AttributeTable::Find(Level level, const TagPath& path) const {
  const uint64_t key = TagKey(level, path);
  auto at = std::ranges::lower_bound(by_tag_, key, {}, &std::pair<uint64_t, const CatalogueAttribute*>::first);
  for (; at != by_tag_.end() && at->first == key; ++at) {
    if (at->second->path == path) return at->second;
  }
  return nullptr;
}

const CatalogueAttribute* AttributeTable::FindSearchable(Level level, const TagPath& path) const {
  for (auto at = static_cast<uint16_t>(level); at >= static_cast<uint16_t>(Level::kPatient); --at) {
    const CatalogueAttribute* found = Find(static_cast<Level>(at), path);
    if (found && found->searchable && found->matching != Matching::kNone) return found;
  }
  return nullptr;
}

FieldId ExtendedField(FieldKind kind, uint16_t slot) {
  assert(slot < kExtendedSlots);
  return FieldId{static_cast<uint16_t>(static_cast<uint16_t>(kind) * kExtendedSlots + slot)};
}

void AddCatalogueFields(Schema* schema) {
  schema->Add(CollectionOf(Level::kInstance), {kLackedByInstance, FieldKind::kToken});
  for (const CatalogueAttribute& attribute : Table()) {
    if (attribute.matching == Matching::kNone) continue;
    FieldSpec field{attribute.field, KindOf(attribute.matching)};
    field.sortable = attribute.path[0] == t::kStudyDate || attribute.path[0] == t::kPatientName;
    field.contains = attribute.matching == Matching::kText || attribute.matching == Matching::kName;
    field.patterns = attribute.matching == Matching::kCode;
    schema->Add(CollectionOf(attribute.level), field);
    if (attribute.varies) schema->Add(CollectionOf(Level::kInstance), field);
  }
  for (const Level level : {Level::kStudy, Level::kSeries, Level::kInstance})
    for (const FieldKind kind : {FieldKind::kToken, FieldKind::kString, FieldKind::kDate, FieldKind::kNumber})
      for (uint16_t slot = 0; slot < kExtendedSlots; ++slot)
        schema->Add(CollectionOf(level), {.id = ExtendedField(kind, slot),
                                          .kind = kind,
                                          .patterns = kind == FieldKind::kToken,
                                          .contains = kind == FieldKind::kString});
  for (const DateTimePair& pair : kDateTimes) schema->Add(CollectionOf(pair.level), {pair.field, FieldKind::kDate});
  schema->Add(CollectionOf(Level::kStudy), {kPatientOfStudy, FieldKind::kReference});
  schema->Add(CollectionOf(Level::kSeries), {kStudyOfSeries, FieldKind::kReference});
  schema->Add(CollectionOf(Level::kInstance), {kSeriesOfInstance, FieldKind::kReference});
}

KeptAttributes KeepAttributes(const AttributeTable& table, Level level, const dicom::Header& header) {
  KeptAttributes kept;
  ForEachOf(table, level, header, [&](const dicom::Attribute& found, const CatalogueAttribute&) {
    kept.push_back(WithRoom(Keep(found), kept));
  });
  return kept;
}

bool FillGaps(const AttributeTable& table, Level level, const dicom::Header& header, KeptAttributes* kept) {
  bool changed = false;
  ForEachOf(table, level, header, [&](const dicom::Attribute& found, const CatalogueAttribute& wanted) {
    if (wanted.varies) return;
    const auto mine = std::ranges::find(*kept, found.path, &KeptAttribute::path);
    if (mine != kept->end() && HasValue(*mine)) return;
    if (FillGap(Keep(found), kept)) changed = true;
  });
  return changed;
}

bool FillGaps(const AttributeTable& table, Level level, const KeptAttributes& from, KeptAttributes* kept) {
  bool changed = false;
  for (const KeptAttribute& found : from) {
    const CatalogueAttribute* wanted = table.Find(level, found.path);
    if (wanted && wanted->kept && FillGap(found, kept)) changed = true;
  }
  return changed;
}

KeptAttributes ImageAttributes(const AttributeTable& table, const KeptAttributes& of_series) {
  KeptAttributes of_images;
  for (const KeptAttribute& attribute : of_series) {
    const CatalogueAttribute* spec = table.Find(Level::kSeries, attribute.path);
    if (spec && spec->varies) of_images.push_back(attribute);
  }
  return of_images;
}

KeptAttributes ImageAttributes(const AttributeTable& table, const dicom::Header& header) {
  KeptAttributes of_images;
  ForEachOf(table, Level::kSeries, header, [&](const dicom::Attribute& found, const CatalogueAttribute& wanted) {
    if (wanted.varies && !found.values.empty()) of_images.push_back(WithRoom(Keep(found), of_images));
  });
  return of_images;
}

KeptAttributes DifferencesFrom(const KeptAttributes& of_series, const AttributeTable& table,
                               const dicom::Header& header) {
  KeptAttributes differences;
  ForEachOf(table, Level::kSeries, header, [&](const dicom::Attribute& found, const CatalogueAttribute& wanted) {
    if (!wanted.varies) return;
    const auto mine = std::ranges::find(of_series, found.path, &KeptAttribute::path);
    const bool there = mine != of_series.end() && HasValue(*mine);
    if (there ? found.values == mine->values : found.values.empty()) return;
    KeptAttribute kept = Keep(found);
    if (!there || kept.values != mine->values) differences.push_back(std::move(kept));
  });
  for (const KeptAttribute& mine : of_series) {
    const CatalogueAttribute* spec = table.Find(Level::kSeries, mine.path);
    if (!spec || !spec->varies || !HasValue(mine)) continue;
    const bool has =
        std::ranges::find(header.attributes, mine.path, &dicom::Attribute::path) != header.attributes.end();
    if (!has) differences.push_back({.path = mine.path, .vr = mine.vr});
  }
  return differences;
}

bool Covers(const KeptAttributes& kept, const KeptAttributes& wanted) {
  return std::ranges::all_of(wanted, [&](const KeptAttribute& attribute) {
    const auto mine = std::ranges::find(kept, attribute.path, &KeptAttribute::path);
    return !HasValue(attribute) || (mine != kept.end() && HasValue(*mine));
  });
}

const KeptAttribute* Find(const KeptAttributes& kept, dicom::Tag tag) {
  for (const KeptAttribute& attribute : kept)
    if (attribute.path.size() == 1 && attribute.path[0] == tag) return &attribute;
  return nullptr;
}

std::string_view FirstValue(const KeptAttributes& kept, dicom::Tag tag) {
  const KeptAttribute* found = Find(kept, tag);
  return found && !found->values.empty() ? std::string_view(found->values[0]) : std::string_view();
}

void AppendAttributes(std::string* out, const KeptAttributes& kept) {
  AppendVarint(out, kept.size());
  for (const KeptAttribute& attribute : kept) {
    AppendVarint(out, attribute.path.size());
    for (const dicom::Tag tag : attribute.path) AppendBe<uint32_t>(out, tag.packed());
    out->append(attribute.vr.text());
    AppendVarint(out, attribute.values.size());
    for (const std::string& value : attribute.values) AppendSized(out, value);
    AppendSized(out, attribute.json);
  }
}

bool ReadAttributes(ByteReader* in, KeptAttributes* out) {
  uint64_t count = 0;
  if (!in->ReadVarint(&count)) return false;
  for (uint64_t i = 0; i < count; ++i) {
    KeptAttribute attribute;
    uint64_t depth = 0, values = 0;
    Bytes vr, text;
    if (!in->ReadVarint(&depth)) return false;
    for (uint64_t d = 0; d < depth; ++d) {
      uint32_t packed = 0;
      if (!in->ReadBe(&packed)) return false;
      attribute.path.emplace_back(packed);
    }
    if (!in->ReadBytes(2, &vr) || !in->ReadVarint(&values)) return false;
    attribute.vr = dicom::Vr(vr[0], vr[1]);
    for (uint64_t v = 0; v < values; ++v) {
      if (!in->ReadSized(&text)) return false;
      attribute.values.emplace_back(text);
    }
    if (!in->ReadSized(&text)) return false;
    attribute.json = text;
    out->push_back(std::move(attribute));
  }
  return true;
}

void AddIndexValues(const AttributeTable& table, Level level, const KeptAttributes& kept, DocumentValues* out) {
  for (const KeptAttribute& attribute : kept) {
    const CatalogueAttribute* spec = table.Find(level, attribute.path);
    if (!spec) continue;
    for (const std::string& value : attribute.values) AddIndexValue(*spec, value, out);
  }
  for (const DateTimePair& pair : kDateTimes) {
    const auto date = pair.level == level ? ParseDate(FirstValue(kept, pair.date)) : std::nullopt;
    if (!date) continue;
    // Without a time the whole day matches.
    const auto time = ParseTime(FirstValue(kept, pair.time));
    const auto point = [&](double seconds) { return date->low + static_cast<int64_t>(seconds * 1e6); };
    out->Add(pair.field, time ? DateValue{point(time->low), std::max(point(time->high), point(time->low) + 1)} : *date);
  }
}

}  // namespace hilum::storage
