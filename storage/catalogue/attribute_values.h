// DICOM values as values of the index. Pure functions, thread-safe.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "storage/catalogue/attributes.h"

namespace hilum::storage {

// Adds the index values of one value; false when it is not one of that kind (a date that is no date).
bool AddIndexValue(const CatalogueAttribute& attribute, const std::string& value, DocumentValues* out);

// [low, high) in microseconds of a DA value or a prefix of one (YYYY, YYYYMM); also the old YYYY.MM.DD. nullopt when it
// is none.
std::optional<DateValue> ParseDate(std::string_view text);
// [low, high] in seconds after midnight of a TM value.
std::optional<NumberValue> ParseTime(std::string_view text);
// [low, high) of a DT value of any precision.
std::optional<DateValue> ParseDateTime(std::string_view text);
// A DS, IS or binary number in decimal; not NaN or infinite.
std::optional<double> ParseNumber(std::string_view text);
// Years of an AS value: 018M is 1.5.
std::optional<double> ParseAge(std::string_view text);
// What kCode compares: ASCII letters in upper case.
std::string FoldCode(std::string_view code);

}  // namespace hilum::storage
