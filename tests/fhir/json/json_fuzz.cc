// Whatever the bytes: no crash, and an accepted text can be taken apart, printed and parsed again.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "fhir/json/edits.h"
#include "fhir/json/subset.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace hilum::fhir;
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto document = json::Document::Parse(text);
  if (!document.ok()) return 0;
  const json::Value root = document->root();
  const auto again = json::Document::Parse(json::Pretty(root));
  if (!again.ok() || again->nodes().size() != document->nodes().size()) std::abort();
  const auto part = json::Document::Parse(json::Summarize(root, json::Summary::kTrue));
  if (!part.ok() && part.status().code() != hilum::Code::kInvalid) std::abort();
  const json::MaybeValue meta = json::Find(root, "meta");
  if (json::Find(root, "resourceType") && (!meta || meta->is_object())) {
    json::Edits edits;
    json::SetIdentity(root, {.id = "a", .version_id = "1", .last_updated = "2020-01-01T00:00:00Z"}, &edits);
    if (!json::Document::Parse(edits.Apply(text, 0, text.size())).ok()) std::abort();
    json::Edits clear;
    json::ClearIdentity(root, &clear);
    if (!json::Document::Parse(clear.Apply(text, 0, text.size())).ok()) std::abort();
  }
  return 0;
}
