#include "pipelines/dicom_ingest/remarks.h"

#include <algorithm>
#include <string_view>

#include "base/uid.h"
#include "codecs/dicom/charset.h"
#include "codecs/dicom/padding.h"
#include "storage/catalogue/attribute_values.h"

namespace hilum {
namespace {

namespace t = dicom::tags;

// PS3.6 table A-1, retired ones included, without what all have in front; sorted.
constexpr std::string_view kStandardRoot = "1.2.840.10008.1.2";
constexpr std::string_view kStandardSyntaxes[] = {
    "",         ".1",       ".1.98",  ".1.99",    ".2",     ".4.100",   ".4.100.1", ".4.101",   ".4.101.1",
    ".4.102",   ".4.102.1", ".4.103", ".4.103.1", ".4.104", ".4.104.1", ".4.105",   ".4.105.1", ".4.106",
    ".4.106.1", ".4.107",   ".4.108", ".4.110",   ".4.111", ".4.112",   ".4.201",   ".4.202",   ".4.203",
    ".4.204",   ".4.205",   ".4.50",  ".4.51",    ".4.52",  ".4.53",    ".4.54",    ".4.55",    ".4.56",
    ".4.57",    ".4.58",    ".4.59",  ".4.60",    ".4.61",  ".4.62",    ".4.63",    ".4.64",    ".4.65",
    ".4.66",    ".4.70",    ".4.80",  ".4.81",    ".4.90",  ".4.91",    ".4.92",    ".4.93",    ".4.94",
    ".4.95",    ".5",       ".6.1",   ".6.2",     ".7.1",   ".7.2",     ".7.3",     ".8.1"};
static_assert(std::ranges::is_sorted(kStandardSyntaxes));
// Of others, but found in archives: Papyrus 3, GE's implicit VR with big-endian pixels.
constexpr std::string_view kOtherSyntaxes[] = {"1.2.840.10008.1.20", "1.2.840.113619.5.2"};

bool IsKnownSyntax(std::string_view uid) {
  if (std::ranges::find(kOtherSyntaxes, uid) != std::end(kOtherSyntaxes)) return true;
  return uid.starts_with(kStandardRoot) &&
         std::ranges::binary_search(kStandardSyntaxes, uid.substr(kStandardRoot.size()));
}

}  // namespace

void AddRemarks(const dicom::Header& header, std::vector<std::string>* remarks) {
  for (const auto& [tag, name] :
       {std::pair(t::kStudyDate, "Study Date"), {t::kPatientBirthDate, "Patient's Birth Date"}}) {
    const std::string_view date = header.First(tag);
    if (!date.empty() && !storage::ParseDate(date)) remarks->push_back(std::string(name) + " is not a date");
  }
  if (!dicom::IsKnownCharset(header.character_set))
    remarks->push_back("Specific Character Set is unknown: text is read as UTF-8 or else as ISO 8859-1");
  for (const dicom::Element& element : header.layout.meta) {
    if (element.tag != t::kMediaStorageSopInstanceUid) continue;
    if (dicom::Unpadded(element.value) != header.sop_uid)
      remarks->push_back("Media Storage SOP Instance UID is not the SOP Instance UID of the data set");
  }
  // Empty: none was declared, and the pixel data do not tell which it is.
  const std::string& syntax = header.layout.transfer_syntax;
  if (!syntax.empty() && !IsKnownSyntax(syntax))
    remarks->push_back("the transfer syntax " + (IsStorableUid(syntax) ? syntax : "in the file") + " is unknown");
}

}  // namespace hilum
