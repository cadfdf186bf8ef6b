#include "fhir/search/images.h"

#include <array>

#include "fhir/search/build.h"
#include "fhir/search/search_value.h"
#include "storage/catalogue/attribute_values.h"
#include "storage/catalogue/attributes.h"

namespace hilum::fhir {
namespace {

namespace t = dicom::tags;
using storage::CollectionOf;
using storage::Level;
using storage::Query;

// How the values look in the resource, and where the catalogue has them.
struct ImageParam {
  std::string_view code;
  std::string_view system;
  std::string_view prefix;  // of the code; may be left out when asking
  Level level;
  dicom::Tag tag;
};
constexpr std::array<ImageParam, 5> kParams = {
    {{"modality", "http://dicom.nema.org/resources/ontology/DCM", "", Level::kStudy, t::kModalitiesInStudy},
     {"dicom-class", "urn:ietf:rfc:3986", "urn:oid:", Level::kStudy, t::kSopClassesInStudy},
     {"series", "", "urn:oid:", Level::kSeries, t::kSeriesInstanceUid},
     {"bodysite", "", "", Level::kSeries, t::kBodyPartExamined},
     {"instance", "", "urn:oid:", Level::kInstance, t::kSopInstanceUid}}};

const ImageParam* FindParam(std::string_view code) {
  for (const ImageParam& param : kParams) {
    if (param.code == code) return &param;
  }
  return nullptr;
}

// Studies of the catalogue with something at `level` that matches.
Query AtStudy(Level level, Query leaf) {
  if (level == Level::kInstance) {
    leaf =
        Own(storage::ReferredToBy{CollectionOf(Level::kInstance), storage::kSeriesOfInstance, Share(std::move(leaf))});
    level = Level::kSeries;
  }
  if (level == Level::kStudy) return leaf;
  return Own(storage::ReferredToBy{CollectionOf(Level::kSeries), storage::kStudyOfSeries, Share(std::move(leaf))});
}

}  // namespace

bool IsOfImages(std::string_view code) {
  return FindParam(code) != nullptr;
}

Result<Query> QueryImages(storage::FieldId images, std::string_view code, std::optional<std::string_view> value) {
  const ImageParam& param = *FindParam(code);
  const auto* const attribute = storage::AttributeTable::BuiltIn()->FindSearchable(param.level, {param.tag});
  if (attribute == nullptr) return Internal("the catalogue does not index what ImagingStudy is searched by");
  Query leaf = Own(storage::Present{attribute->field});
  if (value) {
    const auto parts = SplitValue(*value, '|');
    if (parts.size() > 2 || *value == "|") return Invalid("expected code, system|code, |code or system|");
    if (parts.size() == 2 && Unescape(parts[0]) != param.system) return NoneOf();
    std::string asked = Unescape(parts.back());
    if (asked.starts_with(param.prefix)) asked.erase(0, param.prefix.size());
    if (!asked.empty()) {
      if (attribute->matching == storage::Matching::kCode) asked = storage::FoldCode(asked);
      leaf = Own(storage::TokenIs{attribute->field, "", std::move(asked)});
    }
  }
  return Own(storage::RefersTo{images, CollectionOf(Level::kStudy), Share(AtStudy(param.level, std::move(leaf)))});
}

}  // namespace hilum::fhir
