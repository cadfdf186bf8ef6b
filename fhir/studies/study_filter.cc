#include "fhir/studies/study_filter.h"

#include <algorithm>

#include "fhir/search/build.h"
#include "fhir/search/query.h"
#include "fhir/store/persons.h"

namespace hilum::fhir {
namespace {

using storage::Query;

constexpr size_t kMaxSearches = 16, kMaxParameters = 100;

}  // namespace

Result<Query> StudyFilter::Compile(const std::vector<std::string>& searches, std::string_view server_url) const {
  if (searches.size() > kMaxSearches)
    return LimitExceeded("more than " + std::to_string(kMaxSearches) + " fhir parameters; put conditions into one");
  const auto reader = resources_.Read();
  const std::string base = std::string(server_url) + root_;
  SearchOptions options = resources_.search_options();
  options.request_base = base;
  std::vector<Query> all;
  for (const std::string& search : searches) {
    auto query = CompileOne(search, options, *reader);
    if (!query.ok()) return query.status().WithContext("fhir=" + search.substr(0, search.find('?')).substr(0, 64));
    all.push_back(*std::move(query));
  }
  return AllOf(std::move(all));
}

Result<Query> StudyFilter::CompileOne(std::string_view text, const SearchOptions& options,
                                      ResourceReader& reader) const {
  const size_t question = std::min(text.find('?'), text.size());
  const auto type = FindResourceType(text.substr(0, question));
  if (!type) return Invalid("this is no FHIR R4 resource type; write Type?parameter=value, percent-encoded");
  std::vector<Parameter> parameters;
  if (question < text.size()) {
    HILUM_ASSIGN_OR_RETURN(parameters, SplitQuery(text.substr(question + 1), kMaxParameters));
  }
  HILUM_ASSIGN_OR_RETURN(SearchRequest search,
                         CompileSearch({*type}, parameters, Handling::kStrict, {}, reader, options));
  if (!search.searches[0].sort.empty() || !search.includes.empty() || search.count || search.count_only)
    return Invalid("only conditions go here: no _sort, _count, _summary and includes");

  const TypeId imaging_study = reader.schema().imaging_study();
  const TypeId patient = FindResourceType("Patient").value_or(kNoType);
  Query query = std::move(search.searches[0].query);
  if (*type != imaging_study) {
    if (*type != patient) {
      const auto field = PatientFieldOf(reader, *type);
      if (!field) return Unsupported(Quote(text.substr(0, question)) + " does not lead to a patient");
      query = Own(storage::ReferredToBy{reader.CollectionOf(*type), *field, Share(std::move(query))});
    }
    HILUM_ASSIGN_OR_RETURN(const Persons persons, Persons::Read(reader));
    if (!persons.replaced().empty()) {
      HILUM_ASSIGN_OR_RETURN(const storage::Bitmap found, reader.index().Evaluate(reader.CollectionOf(patient), query));
      query = Own(storage::DocsIn{persons.RecordsOf(found).ToVector()});
    }
    const auto subject = PatientFieldOf(reader, imaging_study);
    if (!subject) return Internal("ImagingStudy has no search parameter for its patient");
    query = Own(storage::RefersTo{*subject, reader.CollectionOf(patient), Share(std::move(query))});
  }
  return Own(
      storage::ReferredToBy{reader.CollectionOf(imaging_study), reader.schema().images(), Share(std::move(query))});
}

}  // namespace hilum::fhir
