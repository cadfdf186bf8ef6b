#include "server/dicomweb/annotation.h"

#include <algorithm>
#include <iterator>

#include "codecs/dicom/attributes.h"
#include "codecs/dicom/readable.h"

namespace hilum::dicomweb {
namespace {

using dicom::Tag;
namespace t = dicom::tags;

constexpr uint32_t kSmallestLetters = 8, kLargestLetters = 48;
constexpr uint32_t kLinesOfAPicture = 32;  // lines of normal letters one above the other

// One value on a line; consecutive ones with the same line share it.
struct Field {
  int line;
  Tag tag;
  std::string_view before, after;
};

constexpr Field kPatientFields[] = {
    {0, t::kPatientName, "", ""},         {1, t::kPatientId, "ID ", ""},    {1, t::kPatientBirthDate, "born ", ""},
    {1, t::kPatientSex, "", ""},          {2, t::kStudyDate, "", ""},       {2, t::kStudyTime, "", ""},
    {2, t::kAccessionNumber, "Acc ", ""}, {3, Tag(0x0008, 0x0080), "", ""},  // Institution Name
};

constexpr Field kTechniqueFields[] = {
    {0, t::kModality, "", ""},
    {0, t::kBodyPartExamined, "", ""},
    {0, Tag(0x0020, 0x0062), "", ""},  // Image Laterality
    {0, Tag(0x0018, 0x5101), "", ""},  // View Position
    {1, t::kSeriesDescription, "", ""},
    {2, t::kSeriesNumber, "Series ", ""},
    {2, t::kInstanceNumber, "Image ", ""},
    {3, Tag(0x0018, 0x0060), "", " kV"},
    {3, Tag(0x0018, 0x1151), "", " mA"},
    {3, Tag(0x0018, 0x1150), "", " ms"},
    {3, Tag(0x0018, 0x1152), "", " mAs"},
    {3, Tag(0x0018, 0x0087), "", " T"},
    {3, Tag(0x0018, 0x0080), "TR ", " ms"},
    {3, Tag(0x0018, 0x0081), "TE ", " ms"},
    {3, Tag(0x0018, 0x0082), "TI ", " ms"},
    {3, Tag(0x0018, 0x1314), "Flip ", "°"},
    {4, Tag(0x0018, 0x0050), "Thickness ", " mm"},
    {4, Tag(0x0020, 0x1041), "Location ", " mm"},
};

std::string ValueOf(const dicom::Header& header, Tag tag) {
  const dicom::DictionaryEntry* const known = dicom::FindTag(tag);
  std::string value = dicom::Readable(known != nullptr ? known->vr : dicom::Vr(), header.First(tag));
  if (tag == t::kStudyTime) value.resize(std::min(value.size(), std::string_view("12:13").size()));
  return value;
}

template <size_t N>
std::vector<std::string> LinesOf(const dicom::Header& header, const Field (&fields)[N]) {
  std::vector<std::string> lines;
  int last = -1;
  for (const Field& field : fields) {
    const std::string value = ValueOf(header, field.tag);
    if (value.empty()) continue;
    if (field.line != last) lines.emplace_back();
    if (!lines.back().empty()) lines.back() += "  ";
    lines.back().append(field.before).append(value).append(field.after);
    last = field.line;
  }
  return lines;
}

}  // namespace

Result<Annotation> MakeAnnotation(Bytes file, bool patient, bool technique, uint32_t frame,
                                  const dicom::ReadLimits& limits) {
  std::vector<dicom::TagPath> wanted;
  for (const Field& field : kPatientFields) wanted.push_back({field.tag});
  for (const Field& field : kTechniqueFields) wanted.push_back({field.tag});
  HILUM_ASSIGN_OR_RETURN(const dicom::Header header,
                         dicom::ReadHeader(file, dicom::AttributeSelection(std::move(wanted)), limits));
  Annotation annotation;
  if (patient) annotation.patient = LinesOf(header, kPatientFields);
  if (!technique) return annotation;
  annotation.technique = LinesOf(header, kTechniqueFields);
  if (header.frames > 1)
    annotation.technique.push_back("Frame " + std::to_string(frame + 1) + " of " + std::to_string(header.frames));
  return annotation;
}

void Burn(const Annotation& annotation, pixel::TextPainter& painter, pixel::Picture* picture) {
  uint32_t size = std::clamp(picture->height / kLinesOfAPicture, kSmallestLetters, kLargestLetters);
  uint32_t widest = 1;
  for (const auto* lines : {&annotation.patient, &annotation.technique})
    for (const std::string& line : *lines) widest = std::max(widest, painter.Width(line, size));
  const uint32_t margin = size / 2;
  const uint32_t room = picture->width > 2 * margin ? picture->width - 2 * margin : 1;
  if (widest > room) size = std::max(kSmallestLetters, static_cast<uint32_t>(uint64_t{size} * room / widest));

  int64_t y = margin;
  for (const std::string& line : annotation.patient) {
    painter.Draw(line, size, 1, margin, y, picture);
    y += pixel::LineHeight(size);
  }
  y = int64_t{picture->height} - margin - static_cast<int64_t>(annotation.technique.size()) * pixel::LineHeight(size);
  for (const std::string& line : annotation.technique) {
    painter.Draw(line, size, 1, margin, y, picture);
    y += pixel::LineHeight(size);
  }
}

}  // namespace hilum::dicomweb
