// What must hold of a model whatever it is read from. Internal to codecs/dicom. Pure functions, thread-safe.
#pragma once

#include <optional>
#include <string_view>

#include "codecs/dicom/model.h"

namespace hilum::dicom {

// "Alphabetic", ... and within each "FamilyName", ... (PS3.19 table A.1.5-4), in the order they have in a value.
inline constexpr std::string_view kNameGroups[] = {"Alphabetic", "Ideographic", "Phonetic"};
inline constexpr std::string_view kNameComponents[] = {"FamilyName", "GivenName", "MiddleName", "NamePrefix",
                                                       "NameSuffix"};

// What is wrong with a finished attribute; "" when nothing is.
std::string_view FlawOf(const ModelAttribute& attribute);

// Brings the attributes in order; a tag that comes twice.
std::optional<Tag> SortByTag(ModelDataSet* data_set);

}  // namespace hilum::dicom
