// Every count of synthea-expected-counts.tsv, by extraction and compiled queries over all bundles.
#include <gtest/gtest.h>

#include <sstream>

#include "fhir/json/edits.h"
#include "fhir/search/query.h"
#include "tests/fhir/support/examples.h"
#include "tests/fhir/support/memory_catalog.h"

namespace hilum::fhir {
namespace {

using json::Find;
using json::MaybeValue;

constexpr std::string_view kUrn = "urn:uuid:";

struct Entry {
  json::Value resource;
  TypeId type;
  storage::Doc doc;
};

// Loads one bundle: numbers the entries, makes their urn:uuid references local, extracts.
void Load(const std::string& text, MemoryCatalog* catalog, MemoryIndex* index) {
  const auto bundle = json::Document::Parse(text);
  ASSERT_TRUE(bundle.ok()) << bundle.status().message();
  const Validation validation = Validate(bundle->root());
  ASSERT_TRUE(validation.ok()) << OperationOutcome(validation.issues);
  std::vector<Entry> entries;
  std::map<std::string, std::string> local;
  for (const json::Value entry : Find(bundle->root(), "entry")->children()) {
    const json::Value resource = *Find(entry, "resource");
    const TypeId type = *ResourceTypeOf(resource);
    std::string id(Find(entry, "fullUrl").TextOr(""));
    if (id.starts_with(kUrn)) id = id.substr(kUrn.size());
    local[std::string(kUrn) + id] = std::string(TypeOf(type).name) + "/" + id;
    entries.push_back({resource, type, catalog->AddDoc(type, id)});
  }
  for (const Entry& entry : entries) {
    json::Edits edits;
    for (const ReferenceSite& site : ReferencesIn(entry.resource, validation.typing)) {
      if (const auto found = local.find(std::string(site.text)); found != local.end()) {
        edits.Replace(site.begin, site.end, json::Quoted(found->second));
      }
    }
    const auto document = json::Document::Parse(edits.Apply(entry.resource));
    ASSERT_TRUE(document.ok());
    const Validation own = Validate(document->root());
    ASSERT_TRUE(own.ok()) << OperationOutcome(own.issues);
    auto values = Extract(document->root(), own.typing, *catalog, {});
    ASSERT_TRUE(values.ok()) << values.status().message();
    index->Set(catalog->CollectionOf(entry.type), entry.doc, *std::move(values));
  }
}

TEST(Synthea, EveryExpectedCountIsFound) {
  const auto files = FilesBelow(FhirData() / "synthea");
  if (files.empty()) GTEST_SKIP() << "no bundles in " << FhirData();
  MemoryCatalog catalog;
  MemoryIndex index;
  for (const auto& file : files) Load(ReadAll(file), &catalog, &index);

  std::istringstream lines(ReadAll(FhirData() / "synthea-expected-counts.tsv"));
  int checked = 0;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with('#')) continue;
    std::istringstream columns(line);
    std::string type_name, query, count;
    std::getline(columns, type_name, '\t');
    std::getline(columns, query, '\t');
    std::getline(columns, count, '\t');
    const auto type = FindResourceType(type_name);
    ASSERT_TRUE(type.has_value()) << line;
    const auto parameters = SplitQuery(query, 100);
    ASSERT_TRUE(parameters.ok()) << line;
    const auto request = CompileSearch({*type}, *parameters, Handling::kStrict, {}, catalog, {});
    ASSERT_TRUE(request.ok()) << line << ": " << request.status().message();
    EXPECT_EQ(index.Count(catalog.CollectionOf(*type), request->searches[0].query), std::stoul(count)) << line;
    ++checked;
  }
  EXPECT_GT(checked, 60);
}

}  // namespace
}  // namespace hilum::fhir
