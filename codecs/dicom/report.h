// The content tree of a structured report or key object selection (PS3.3 C.17.3, C.17.6) to read. Pure functions,
// thread-safe.
#pragma once

#include <string>

#include "base/result.h"
#include "codecs/dicom/reader.h"

namespace hilum::dicom {

// True for the SOP classes that have a content tree.
bool IsReport(std::string_view sop_class_uid);

// UTF-8. A data set without a content tree makes a page with its heading alone. Errors are those of Read. Memory:
// proportional to the texts of the report; recursion no deeper than `limits.max_depth`.

// One document without scripts or references, every text of the report escaped.
Result<std::string> ReportHtml(Bytes file, const ReadLimits& limits);
// Lines, indented by their depth.
Result<std::string> ReportText(Bytes file, const ReadLimits& limits);

}  // namespace hilum::dicom
