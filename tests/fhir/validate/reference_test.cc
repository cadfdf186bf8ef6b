#include "fhir/validate/reference.h"

#include <gtest/gtest.h>

#include <string>

namespace hilum::fhir {
namespace {

using Form = ReferenceText::Form;

TEST(Reference, IsTakenApartByForm) {
  struct Case {
    const char* text;
    Form form;
    const char *type, *id, *base, *version, *query;
  };
  for (const Case& c : std::initializer_list<Case>{
           {"Patient/1", Form::kRelative, "Patient", "1", "", "", ""},
           {"Patient/1/_history/3", Form::kRelative, "Patient", "1", "", "3", ""},
           {"http://h/fhir/Patient/a-1.b", Form::kAbsolute, "Patient", "a-1.b", "http://h/fhir", "", ""},
           {"https://h/Patient/1/_history/2", Form::kAbsolute, "Patient", "1", "https://h", "2", ""},
           {"#c", Form::kFragment, "", "c", "", "", ""},
           {"#", Form::kFragment, "", "", "", "", ""},
           {"urn:uuid:c757873d-ec9a-4326-a141-556f43239520", Form::kUrn, "", "", "", "", ""},
           {"Patient?identifier=s|v", Form::kConditional, "Patient", "", "", "", "identifier=s|v"},
           {"Nothing?x=y", Form::kOther, "", "", "", "", ""},
           {"http://example.org/x", Form::kOther, "", "", "", "", ""},
           {"Patient/a b", Form::kOther, "", "", "", "", ""},
           {"Patient", Form::kOther, "", "", "", "", ""},
           {"Patient/", Form::kOther, "", "", "", "", ""},
           {"", Form::kOther, "", "", "", "", ""},
       }) {
    const ReferenceText parsed = ParseReference(c.text);
    EXPECT_EQ(parsed.form, c.form) << c.text;
    EXPECT_EQ(parsed.type == kNoType ? "" : TypeOf(parsed.type).name, c.type) << c.text;
    EXPECT_EQ(parsed.id, c.id) << c.text;
    EXPECT_EQ(parsed.base, c.base) << c.text;
    EXPECT_EQ(parsed.version, c.version) << c.text;
    EXPECT_EQ(parsed.query, c.query) << c.text;
  }
}

}  // namespace
}  // namespace hilum::fhir
