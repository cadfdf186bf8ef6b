#include "codecs/dicom/model_rules.h"

#include <algorithm>

namespace hilum::dicom {

std::string_view FlawOf(const ModelAttribute& attribute) {
  if (!attribute.vr.known()) return "the vr is none of PS3.5 table 6.2-1";
  const bool is_sequence = attribute.vr == Vr("SQ");
  if (is_sequence && (!attribute.values.empty() || attribute.form != ModelAttribute::Form::kValues))
    return "a sequence holds items, nothing else";
  if (!is_sequence && !attribute.items.empty()) return "only sequences hold items";
  return "";
}

std::optional<Tag> SortByTag(ModelDataSet* data_set) {
  std::vector<ModelAttribute>& attributes = data_set->attributes;
  const auto by_tag = [](const ModelAttribute& a, const ModelAttribute& b) { return a.tag < b.tag; };
  if (!std::is_sorted(attributes.begin(), attributes.end(), by_tag))
    std::sort(attributes.begin(), attributes.end(), by_tag);
  const auto twice =
      std::adjacent_find(attributes.begin(), attributes.end(),
                         [](const ModelAttribute& a, const ModelAttribute& b) { return a.tag == b.tag; });
  if (twice == attributes.end()) return std::nullopt;
  return twice->tag;
}

const ModelAttribute* ModelDataSet::Find(Tag tag) const {
  const auto at = std::lower_bound(attributes.begin(), attributes.end(), tag,
                                   [](const ModelAttribute& a, Tag wanted) { return a.tag < wanted; });
  return at != attributes.end() && at->tag == tag ? &*at : nullptr;
}

}  // namespace hilum::dicom
