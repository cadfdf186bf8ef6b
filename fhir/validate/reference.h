// References as text. Pure, thread-safe.
#pragma once

#include <optional>
#include <string_view>

#include "fhir/definitions/definitions.h"

namespace hilum::fhir {

// The parts of Reference.reference; views into the text.
struct ReferenceText {
  enum class Form : uint8_t {
    kRelative,     // Patient/1
    kAbsolute,     // http://host/fhir/Patient/1: `base` is http://host/fhir
    kFragment,     // #contained
    kConditional,  // Patient?identifier=1
    kUrn,          // urn:uuid:..., urn:oid:...
    kOther,        // a URL of no resource type we know
  };
  Form form = Form::kOther;
  std::string_view base;
  TypeId type = kNoType;  // of the relative, absolute and conditional forms
  std::string_view id;
  std::string_view version;  // of Patient/1/_history/2
  std::string_view query;    // of the conditional form, behind '?'
};
ReferenceText ParseReference(std::string_view text);

}  // namespace hilum::fhir
