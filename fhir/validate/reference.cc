#include "fhir/validate/reference.h"

#include "fhir/validate/primitives.h"

namespace hilum::fhir {
namespace {

// Takes the last "/segment" off; empty when there is no slash.
std::string_view TakeLast(std::string_view* text) {
  const size_t slash = text->rfind('/');
  const std::string_view last = slash == text->npos ? *text : text->substr(slash + 1);
  *text = slash == text->npos ? std::string_view() : text->substr(0, slash);
  return last;
}

}  // namespace

ReferenceText ParseReference(std::string_view text) {
  using Form = ReferenceText::Form;
  ReferenceText out;
  if (text.starts_with('#')) {
    out.form = Form::kFragment;
    out.id = text.substr(1);
    return out;
  }
  if (text.starts_with("urn:")) {
    out.form = Form::kUrn;
    return out;
  }
  if (const size_t question = text.find('?'); question != text.npos) {
    if (const auto type = FindResourceType(text.substr(0, question))) {
      out = {.form = Form::kConditional, .type = *type, .query = text.substr(question + 1)};
    }
    return out;
  }
  std::string_view rest = text;
  constexpr std::string_view kHistory = "/_history/";
  if (rest.find(kHistory) != rest.npos) {
    const size_t history = rest.rfind(kHistory);
    out.version = rest.substr(history + kHistory.size());
    rest = rest.substr(0, history);
  }
  const std::string_view id = TakeLast(&rest);
  const auto type = FindResourceType(TakeLast(&rest));
  if (!type || !IsId(id)) return {};
  out.type = *type;
  out.id = id;
  out.base = rest;
  out.form = rest.empty() ? Form::kRelative : Form::kAbsolute;
  return out;
}

}  // namespace hilum::fhir
