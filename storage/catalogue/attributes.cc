#include "storage/catalogue/attributes.h"

#include <algorithm>
#include <charconv>
#include <chrono>

namespace hilum::storage {
namespace {

using dicom::TagPath;
namespace t = dicom::tags;

// The keys of PS3.18 table 10.6.1-2 and -3 that the standard wants matched or returned, levels from top to bottom.
// Field numbers are on disk: append, never renumber.
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

FieldKind KindOf(Matching matching) {
  switch (matching) {
    case Matching::kText:
    case Matching::kName:
      return FieldKind::kString;
    case Matching::kDate:
      return FieldKind::kDate;
    case Matching::kTime:
      return FieldKind::kNumber;
    default:
      return FieldKind::kToken;
  }
}

std::optional<int> ParseDigits(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || text.empty() || text[0] == '-') return std::nullopt;
  return value;
}

int64_t DaysFromCivil(int year, int month, int day) {
  return std::chrono::sys_days(std::chrono::year(year) / month / day).time_since_epoch().count();
}

}  // namespace

std::span<const CatalogueAttribute> CatalogueAttributes() {
  return Table();
}

const CatalogueAttribute* FindSearchable(Level level, const TagPath& path) {
  const CatalogueAttribute* nearest = nullptr;
  for (const CatalogueAttribute& attribute : Table())
    if (attribute.level <= level && attribute.matching != Matching::kNone && attribute.path == path)
      nearest = &attribute;
  return nearest;
}

const dicom::AttributeSelection& CatalogueSelection() {
  static const dicom::AttributeSelection selection = [] {
    std::vector<TagPath> paths;
    for (const CatalogueAttribute& attribute : Table())
      if (!IsDerived(attribute.path) && attribute.level != Level::kPatient)
        paths.push_back(attribute.path);  // studies name the patient's, too
    return dicom::AttributeSelection(std::move(paths));
  }();
  return selection;
}

void AddCatalogueFields(Schema* schema) {
  for (const CatalogueAttribute& attribute : Table()) {
    if (attribute.matching == Matching::kNone) continue;
    FieldSpec field{attribute.field, KindOf(attribute.matching)};
    field.sortable = attribute.path[0] == t::kStudyDate || attribute.path[0] == t::kPatientName;
    field.contains = attribute.matching == Matching::kText || attribute.matching == Matching::kName;
    field.patterns = attribute.matching == Matching::kCode;
    schema->Add(CollectionOf(attribute.level), field);
  }
  for (const DateTimePair& pair : kDateTimes) schema->Add(CollectionOf(pair.level), {pair.field, FieldKind::kDate});
  schema->Add(CollectionOf(Level::kStudy), {kPatientOfStudy, FieldKind::kReference});
  schema->Add(CollectionOf(Level::kSeries), {kStudyOfSeries, FieldKind::kReference});
  schema->Add(CollectionOf(Level::kInstance), {kSeriesOfInstance, FieldKind::kReference});
}

KeptAttributes KeepAttributes(Level level, const dicom::Header& header) {
  KeptAttributes kept;
  for (const CatalogueAttribute& wanted : Table()) {
    if (wanted.level != level) continue;
    const auto found = std::find_if(header.attributes.begin(), header.attributes.end(),
                                    [&](const dicom::Attribute& attribute) { return attribute.path == wanted.path; });
    if (found == header.attributes.end()) continue;
    kept.push_back({found->path, found->vr, found->values, found->vr == dicom::Vr("SQ") ? found->json : std::string()});
  }
  return kept;
}

bool FillGaps(KeptAttributes* kept, const KeptAttributes& from) {
  bool changed = false;
  for (const KeptAttribute& offered : from) {
    const auto mine =
        std::find_if(kept->begin(), kept->end(), [&](const KeptAttribute& k) { return k.path == offered.path; });
    if (mine == kept->end()) {
      kept->push_back(offered);
      changed = true;
    } else if (mine->values.empty() && mine->json.empty() && !(offered.values.empty() && offered.json.empty())) {
      *mine = offered;
      changed = true;
    }
  }
  return changed;
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

void AddIndexValues(Level level, const KeptAttributes& kept, DocumentValues* out) {
  for (const KeptAttribute& attribute : kept) {
    const CatalogueAttribute* spec = FindSearchable(level, attribute.path);
    if (!spec || spec->level != level) continue;
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

void AddIndexValue(const CatalogueAttribute& attribute, const std::string& value, DocumentValues* out) {
  if (value.empty()) return;
  switch (attribute.matching) {
    case Matching::kNone:
      return;
    case Matching::kUid:
      return out->Add(attribute.field, TokenValue{"", value});
    case Matching::kCode:
      return out->Add(attribute.field, TokenValue{"", FoldCode(value)});
    case Matching::kText:
      return out->Add(attribute.field, StringValue{value});
    case Matching::kName: {
      std::string_view rest = value;
      while (!rest.empty()) {  // component groups: PS3.5 6.2.1.1
        const size_t end = std::min(rest.find('='), rest.size());
        std::string_view group = rest.substr(0, end);
        while (!group.empty() && (group.back() == '^' || group.back() == ' ')) group.remove_suffix(1);
        if (!group.empty()) out->Add(attribute.field, StringValue{std::string(group)});
        rest.remove_prefix(std::min(end + 1, rest.size()));
      }
      return;
    }
    case Matching::kDate:
      if (const auto date = ParseDate(value)) out->Add(attribute.field, *date);
      return;
    case Matching::kTime:
      if (const auto time = ParseTime(value)) out->Add(attribute.field, *time);
      return;
  }
}

std::optional<DateValue> ParseDate(std::string_view text) {
  std::string digits;
  for (const char c : text)
    if (c != '.' && c != '-' && c != ' ') digits.push_back(c);
  if (digits.size() != 4 && digits.size() != 6 && digits.size() != 8) return std::nullopt;
  const auto year = ParseDigits(std::string_view(digits).substr(0, 4));
  const auto month = digits.size() >= 6 ? ParseDigits(std::string_view(digits).substr(4, 2)) : 1;
  const auto day = digits.size() == 8 ? ParseDigits(std::string_view(digits).substr(6, 2)) : 1;
  if (!year || !month || !day) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(*year), std::chrono::month(*month), std::chrono::day(*day)};
  if (!date.ok()) return std::nullopt;
  constexpr int64_t kDay = 86'400'000'000;
  const int64_t low = DaysFromCivil(*year, *month, *day) * kDay;
  if (digits.size() == 8) return DateValue{low, low + kDay};
  const bool december = digits.size() == 4 || *month == 12;
  return DateValue{low, DaysFromCivil(*year + (december ? 1 : 0), december ? 1 : *month + 1, 1) * kDay};
}

std::optional<NumberValue> ParseTime(std::string_view text) {
  std::string digits;
  std::string fraction;
  bool in_fraction = false;
  for (const char c : text) {
    if (c == ':' || c == ' ') continue;
    if (c == '.')
      in_fraction = true;
    else
      (in_fraction ? fraction : digits).push_back(c);
  }
  if (digits.size() != 2 && digits.size() != 4 && digits.size() != 6) return std::nullopt;
  const auto hours = ParseDigits(std::string_view(digits).substr(0, 2));
  const auto minutes = digits.size() >= 4 ? ParseDigits(std::string_view(digits).substr(2, 2)) : 0;
  const auto seconds = digits.size() == 6 ? ParseDigits(std::string_view(digits).substr(4, 2)) : 0;
  if (!hours || !minutes || !seconds || *hours > 23 || *minutes > 59 || *seconds > 60) return std::nullopt;
  const double low = *hours * 3600.0 + *minutes * 60.0 + *seconds;
  if (digits.size() == 2) return NumberValue{low, low + 3600 - 1e-6};
  if (digits.size() == 4) return NumberValue{low, low + 60 - 1e-6};
  if (fraction.empty()) return NumberValue{low, low + 1 - 1e-6};
  const auto parts = ParseDigits(fraction.substr(0, 6));
  if (!parts) return std::nullopt;
  double unit = 1;
  for (size_t i = 0; i < std::min<size_t>(fraction.size(), 6); ++i) unit /= 10;
  return NumberValue{low + *parts * unit, low + (*parts + 1) * unit - 1e-6};
}

std::string FoldCode(std::string_view code) {
  std::string folded(code);
  for (char& c : folded)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  return folded;
}

}  // namespace hilum::storage
