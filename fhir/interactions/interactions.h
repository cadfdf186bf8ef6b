// All FHIR interactions on the resource store: what fhir_rest, imports and converters call. Routing is by the path
// inside; a Bundle's entries take the same way as requests do.
//
// Safe for concurrent use. The resource store outlives it.
#pragma once

#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fhir/interactions/interaction.h"
#include "fhir/interactions/kept_searches.h"
#include "fhir/store/store.h"

namespace hilum::fhir {

struct BundleEntry;

struct InteractionOptions {
  size_t default_count = 50;     // entries of a page
  size_t max_count = 1000;       // of a page
  size_t max_included = 10'000;  // resources that includes add to a page
  size_t max_include_lookups = 200'000;
  // A page ends early when its resources get longer, and with fewer included ones: ImagingStudies of studies with many
  // images are long.
  size_t max_page_bytes = size_t{32} << 20;
  size_t max_bundle_entries = 100'000;
  size_t max_bundle_answer = size_t{128} << 20;  // bytes of answers in that of a Bundle, from where reads are refused
  size_t max_steps = 1'000'000;  // of all searches of a Bundle, of a cohort and the like (SearchOptions::steps_left)
  size_t max_conditional_deletes = 1000;
  size_t max_kept_searches = size_t{64} << 20;  // bytes of searches that are too long for links
  Handling handling = Handling::kLenient;
  std::string software_version;
};

class Interactions {
 public:
  Interactions(ResourceStore& store, InteractionOptions options, std::string cursor_key)
      : store_(store),
        options_(std::move(options)),
        cursor_key_(std::move(cursor_key)),
        started_micros_(store.clock().Now().count()),
        kept_searches_(options_.max_kept_searches) {}

  // Never fails: errors are answers.
  Answer Run(const Interaction& request);

 private:
  // dispatch.cc
  Answer RunType(const Interaction& request, TypeId type);
  Answer RunInstance(const Interaction& request, TypeId type, const std::string& id);
  // Runs an operation with these parameters besides those of every answer's form. Of others in the URL it warns, or,
  // when handling is strict, refuses them.
  Answer RunOperation(const Interaction& request, std::initializer_list<std::string_view> parameters,
                      const std::function<Answer()>& operation) const;

  // read.cc: read, vread; with If-None-Match, If-Modified-Since, _summary, _elements, _pretty.
  Answer Read(const Interaction& request, TypeId type, const std::string& id);
  Answer ReadVersion(const Interaction& request, TypeId type, const std::string& id, const std::string& version);

  // search.cc: of a type (kNoType: of all, by _type), optionally within a compartment.
  struct Within {
    TypeId type;
    std::string id;
  };
  Answer Search(const Interaction& request, TypeId type, const std::optional<Within>& within);

  // history.cc: of a resource, a type (no id), or everything (kNoType).
  Answer History(const Interaction& request, TypeId type, const std::optional<std::string>& id);

  // everything.cc
  Answer Everything(const Interaction& request, const std::string& patient_id);
  // meta.cc: $meta, $meta-add, $meta-delete at whatever level they were called.
  Answer Meta(const Interaction& request, TypeId type, const std::string& id, std::string_view operation);
  // $meta of all resources of a type (kNoType: of all).
  Answer MetaOfAll(const Interaction& request, TypeId type);

  // cohort.cc: Group/$cohort, Group/[id]/$cohort and Group/[id]/$cohort-list.
  Answer Cohort(const Interaction& request);
  Answer SavedCohort(const Interaction& request, const std::string& id);
  Answer ListCohort(const Interaction& request, const std::string& id);

  // conflicts.cc: where derived resources and records say different things; of one, or of all of a type.
  Answer Conflicts(const Interaction& request, TypeId type, const std::optional<std::string>& id);

  // capability.cc
  Answer Capabilities(const Interaction& request);

  // write.cc
  Answer Create(const Interaction& request, TypeId type);
  Answer Update(const Interaction& request, TypeId type, const std::string& id);
  Answer Patch(const Interaction& request, TypeId type, const std::string& id);
  Answer Delete(const Interaction& request, TypeId type, const std::string& id);
  Answer ConditionalUpdate(const Interaction& request, TypeId type);
  Answer ConditionalPatch(const Interaction& request, TypeId type);
  Answer ConditionalDelete(const Interaction& request, TypeId type);
  // For the searches of a request.
  SearchOptions SearchOptionsOf(const Interaction& request) const;
  // Runs `attempt` until what it saw still held when it committed.
  Answer Retrying(const std::function<std::optional<Answer>()>& attempt);

  // bundle.cc: batch and transaction.
  Answer RunBundle(const Interaction& request);
  Answer RunBatch(json::Value bundle, const std::vector<BundleEntry>& entries);
  Answer RunTransaction(const Typing& typing, std::vector<BundleEntry> entries);

  ResourceStore& store_;
  const InteractionOptions options_;
  const std::string cursor_key_;  // 32 secret bytes that sign cursors
  const int64_t started_micros_;  // since 1970; what is offered stays the same from then on
  KeptSearches kept_searches_;
};

// -- shared by the files of this module ------------------------------------------------------------------------------

// What a search for a conditional interaction found.
struct Matches {
  std::vector<storage::Doc> docs;  // ascending
  Condition condition;             // for the commit
};
// `criteria`: the parameters of If-None-Exist or of a conditional URL. kInvalid when there are none or one is unknown.
Result<Matches> FindMatches(ResourceReader& reader, TypeId type, const std::vector<Parameter>& criteria,
                            const SearchOptions& options);

// The stored bytes as the request wants them: _summary, _elements, _pretty.
Result<std::string> Shaped(const std::string& bytes, const Interaction& request);

}  // namespace hilum::fhir
