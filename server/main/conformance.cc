// The parts of docs/dicom-conformance.md that are facts of the code, from the tables that the code works by.
#include <cstdio>
#include <string>

#include "codecs/dicom/charset.h"
#include "codecs/dicom/reader.h"
#include "codecs/dicom/tag.h"
#include "codecs/pixel/codec.h"
#include "pipelines/dicom_ingest/ingest.h"
#include "server/dicomweb/extended_tags.h"
#include "server/dicomweb/options.h"
#include "server/dicomweb/resource.h"
#include "server/main/commands.h"
#include "storage/catalogue/attributes.h"

namespace hilum {
namespace {

void AddTransferSyntaxes(std::string* out) {
  *out += "| Transfer Syntax UID | name | frames are sent as | decoded | written |\n|---|---|---|---|---|\n";
  for (const pixel::TransferSyntax& syntax : pixel::TransferSyntaxes()) {
    const char* written = !syntax.can_encode ? "no" : syntax.lossy_only ? "yes, lossy" : "yes, lossless";
    *out += "| " + std::string(syntax.uid) + " | " + std::string(syntax.name) + " | " +
            std::string(syntax.media_type()) + " | yes | " + written + " |\n";
  }
}

void AddResources(std::string* out) {
  *out += "| path | methods |\n|---|---|\n";
  for (const std::string_view path : dicomweb::kResourcePaths)
    *out += "| `" + std::string(path) + "` | " + dicomweb::ExampleOf(path).Allow() + " |\n";
  for (const dicomweb::TagResource& resource : dicomweb::kTagResources)
    *out += "| `" + std::string(resource.path) + "` | " + std::string(resource.methods) + " |\n";
}

const char* NameOf(storage::Level level) {
  switch (level) {
    case storage::Level::kPatient:
      return "patient";
    case storage::Level::kStudy:
      return "study";
    case storage::Level::kSeries:
      return "series";
    case storage::Level::kInstance:
      return "instance";
  }
  return "";
}

const char* DescriptionOf(storage::Matching matching) {
  switch (matching) {
    case storage::Matching::kNone:
      return "returned only";
    case storage::Matching::kCode:
      return "value, list, wildcards; without regard to case";
    case storage::Matching::kUid:
      return "UID, list of UIDs";
    case storage::Matching::kText:
      return "value, list, wildcards; without regard to case and accents";
    case storage::Matching::kName:
      return "value, list, wildcards, fuzzy; without regard to case and accents; each component group by itself";
    case storage::Matching::kDate:
    case storage::Matching::kTime:
    case storage::Matching::kDateTime:
      return "value, list, range";
    case storage::Matching::kNumber:
      return "number, list, range (`1-2.5`, `1-`, `*-2.5`)";
    case storage::Matching::kAge:
      return "age, list, range, in whatever unit";
  }
  return "";
}

void AddSearchKeys(std::string* out) {
  *out += "| level | tag | keyword | matching |\n|---|---|---|---|\n";
  for (const storage::CatalogueAttribute& attribute : storage::AttributeTable::BuiltIn()->all()) {
    std::string tags, keywords;
    for (const dicom::Tag tag : attribute.path) {
      const dicom::DictionaryEntry* entry = dicom::FindTag(tag);
      tags += (tags.empty() ? "" : ".") + dicom::ToHex(tag);
      keywords += (keywords.empty() ? "" : ".") + std::string(entry == nullptr ? "" : entry->keyword);
    }
    *out += "| " + std::string(NameOf(attribute.level)) + " | " + tags + " | " + keywords + " | " +
            DescriptionOf(attribute.matching) + (attribute.varies ? "; of each image" : "") +
            (attribute.in_every_row ? " |\n" : "; returned on request |\n");
  }
}

void AddFailureReasons(std::string* out) {
  *out += "| Failure Reason (0008,1197) | when |\n|---|---|\n";
  for (const FailureMeaning& one : kFailureMeanings) {
    char code[8];
    std::snprintf(code, sizeof(code), "%04XH", static_cast<unsigned>(one.reason));
    *out += "| " + std::string(code) + " | " + std::string(one.meaning) + " |\n";
  }
}

void AddCharacterSets(std::string* out) {
  std::string line;
  for (const std::string& term : dicom::CharacterSetTerms()) line += (line.empty() ? "`" : ", `") + term + "`";
  *out += line + "\n";
}

void AddLimits(std::string* out) {
  const dicom::ReadLimits read;
  const pixel::DecodeOptions decode;
  const dicomweb::ServiceOptions service;
  const auto row = [out](std::string_view what, uint64_t limit) {
    *out += "| " + std::string(what) + " | " + std::to_string(limit) + " |\n";
  };
  *out += "| limit | value |\n|---|---|\n";
  row("nested sequences", read.max_depth);
  row("data elements, items and fragments of an instance", read.max_elements);
  row("bytes of a deflated data set, inflated", read.max_inflated_bytes);
  row("bytes of a frame, decoded", decode.max_frame_bytes);
  row("rows of a search without `limit`", service.search_default_limit);
  row("rows of a search at most", service.search_max_limit);
}

}  // namespace

int Conformance(Arguments arguments) {
  if (!arguments.empty()) {
    std::fputs("usage: hilum conformance\n", stderr);
    return 2;
  }
  std::string out;
  const auto section = [&out](const char* title, void (*add)(std::string*)) {
    out += (out.empty() ? "### " : "\n### ") + std::string(title) + "\n\n";
    add(&out);
  };
  section("Resources and methods", AddResources);
  section("Transfer syntaxes", AddTransferSyntaxes);
  section("Search keys", AddSearchKeys);
  section("Failure reasons", AddFailureReasons);
  section("Character sets", AddCharacterSets);
  section("Limits", AddLimits);
  std::fputs(out.c_str(), stdout);
  return 0;
}

}  // namespace hilum
