#include <algorithm>

#include "fhir/interactions/bundle_text.h"
#include "fhir/interactions/includes.h"
#include "fhir/interactions/interactions.h"
#include "fhir/interactions/pages.h"
#include "fhir/search/search_value.h"

namespace hilum::fhir {
namespace {

// Of the parameters in a link. Servers and proxies take 8 kB of a URL, and a cursor may have 2 of them.
constexpr size_t kLongestQuery = 6000;

// The types a search of several goes through: those of _type, else all.
Result<std::vector<TypeId>> AskedTypes(const std::vector<Parameter>& query) {
  HILUM_ASSIGN_OR_RETURN(std::vector<TypeId> types, TypesNamed(query));
  if (types.empty()) types.assign(ResourceTypes().begin(), ResourceTypes().end());
  std::ranges::sort(types);
  types.erase(std::unique(types.begin(), types.end()), types.end());
  return types;
}

Issue Warning(IssueType type, std::string diagnostics) {
  return {.severity = Severity::kWarning, .type = type, .diagnostics = std::move(diagnostics)};
}

// One search. Not thread-safe; what it is given outlives it.
class SearchRun {
 public:
  SearchRun(const Interaction& request, const ResourceStore& store, ResourceReader& reader,
            const InteractionOptions& options, Bytes cursor_key, const SearchOptions& search_options,
            KeptSearches& kept_searches)
      : request_(request),
        store_(store),
        reader_(reader),
        options_(options),
        cursor_key_(cursor_key),
        search_options_(search_options),
        kept_searches_(kept_searches),
        handling_(request.prefer_handling.value_or(options.handling)) {}

  // `compartment` and `id` are of the resource it is within, kNoType for none.
  Result<Answer> Run(TypeId type, TypeId compartment, const std::string& id) {
    if (!ReadQuery()) {
      return OutcomeAnswer(410, {{.type = IssueType::kNotFound,
                                  .diagnostics = "the parameters of the search that this link goes on with are no "
                                                 "longer kept: send that search again"}});
    }
    types_ = {type};
    if (type == kNoType) {
      HILUM_ASSIGN_OR_RETURN(types_, AskedTypes(query_));
    }
    if (compartment != kNoType) HILUM_RETURN_IF_ERROR(Restrict(type, compartment, id));
    HILUM_RETURN_IF_ERROR(Compile(type));
    HILUM_RETURN_IF_ERROR(Evaluate());
    return Write(type);
  }

 private:
  // False when it goes on with a search that is no longer kept.
  bool ReadQuery() {
    for (const Parameter& parameter : request_.query) {
      if (parameter.name != kKeptParameter) {
        query_.push_back(parameter);
        continue;
      }
      const auto kept = kept_searches_.Find(parameter.value);
      if (!kept) return false;
      query_.insert(query_.end(), kept->begin(), kept->end());
    }
    return true;
  }

  // Leaves the types that are in the compartment.
  Status Restrict(TypeId type, TypeId compartment, const std::string& id) {
    std::vector<TypeId> members;
    for (const TypeId candidate : types_) {
      HILUM_ASSIGN_OR_RETURN(auto query, CompileCompartment(compartment, id, candidate, reader_, search_options_));
      if (!query) continue;
      members.push_back(candidate);
      within_.push_back(*std::move(query));
    }
    if (members.empty() && type != kNoType) {
      return NotFound(std::string(TypeOf(type).name) + " is not in the compartment of " +
                      std::string(TypeOf(compartment).name));
    }
    types_ = std::move(members);
    return Status::Ok();
  }

  // _type is no condition where it says which types there are.
  Status Compile(TypeId type) {
    std::vector<std::string_view> reserved = {kCursorParameter};
    if (type == kNoType) reserved.push_back("_type");
    HILUM_ASSIGN_OR_RETURN(search_, CompileSearch(types_, query_, handling_, reserved, reader_, search_options_));
    for (const IgnoredParameter& each : search_.ignored) {
      issues_.push_back(Warning(IssueType::kNotSupported, "ignored: " + each.reason));
    }
    // Of included resources elements may be meant as well.
    if (!search_.includes.empty()) return Status::Ok();
    for (const std::string& name : search_.unknown_elements) {
      issues_.push_back(Warning(IssueType::kNotFound, "no resource asked for has the element '" + name.substr(0, 64) +
                                                          "' of _elements; of value[x] the name is 'value'"));
    }
    return Status::Ok();
  }

  Status Evaluate() {
    for (size_t i = 0; i < types_.size(); ++i) {
      HILUM_ASSIGN_OR_RETURN(storage::Bitmap docs, Find(i));
      total_ += docs.Count();
      segments_.push_back({.type = types_[i], .docs = std::move(docs), .sort = std::move(search_.searches[i].sort)});
    }
    return Status::Ok();
  }

  // Those of the i-th type.
  Result<storage::Bitmap> Find(size_t i) {
    const storage::CollectionId collection = reader_.CollectionOf(types_[i]);
    if (types_.size() > 1) {
      // Of all types few are stored.
      HILUM_ASSIGN_OR_RETURN(storage::Bitmap live, reader_.index().Live(collection));
      if (live.empty()) return live;
    }
    storage::Query query = std::move(search_.searches[i].query);
    if (!within_.empty()) {
      storage::And both;
      both.parts.push_back(std::move(within_[i]));
      both.parts.push_back(std::move(query));
      query.node = std::move(both);
    }
    return reader_.index().Evaluate(collection, query);
  }

  // What has an effect, as the client wrote it.
  std::vector<Parameter> UsedParameters(TypeId type) const {
    std::vector<Parameter> used = search_.used;
    if (type != kNoType) return used;
    for (const Parameter& parameter : query_) {
      if (parameter.name == "_type") used.push_back(parameter);
    }
    return used;
  }

  Result<Answer> Write(TypeId type) {
    const std::vector<Parameter> used = UsedParameters(type);
    HILUM_ASSIGN_OR_RETURN(const std::vector<Parameter> linked, InLinks(used));
    BundleText bundle("searchset", request_.base_url, search_.shape);
    if (search_.total != TotalMode::kNone || search_.count_only) bundle.SetTotal(total_);
    if (search_.count_only) {
      bundle.AddLink("self", UrlWith(request_, linked));
    } else {
      HILUM_RETURN_IF_ERROR(WritePage(used, linked, &bundle));
    }
    if (!issues_.empty()) bundle.AddOutcome(issues_);
    return bundle.Finish();
  }

  // What links have for `used`.
  Result<std::vector<Parameter>> InLinks(const std::vector<Parameter>& used) {
    const std::string query = JoinQuery(used);
    if (query.size() <= kLongestQuery) return used;
    HILUM_ASSIGN_OR_RETURN(std::string key, kept_searches_.Keep(query));
    return std::vector<Parameter>{{std::string(kKeptParameter), std::move(key)}};
  }

  Status WritePage(const std::vector<Parameter>& used, const std::vector<Parameter>& linked, BundleText* bundle) {
    const size_t count = std::min(search_.count.value_or(options_.default_count), options_.max_count);
    const auto cursor = ValueOf(query_, kCursorParameter);
    const CursorSeal seal{.fingerprint = Fingerprint(UrlWith({.path = request_.path}, used)), .key = cursor_key_};
    const bool merged = segments_.size() > 1 && !segments_.front().sort.empty();
    const auto read = [&](size_t rows) {
      return merged ? ReadMergedPage(store_, reader_, segments_, rows, cursor, seal)
                    : ReadPage(store_, reader_, segments_, rows, cursor, seal);
    };
    HILUM_ASSIGN_OR_RETURN(ResultPage page, read(count));
    HILUM_ASSIGN_OR_RETURN(const size_t written, bundle->AddResults(reader_, page.rows, options_.max_page_bytes));
    if (written < page.rows.size()) {
      HILUM_ASSIGN_OR_RETURN(ResultPage shorter, read(written));
      page.rows = std::move(shorter.rows);
      page.next = std::move(shorter.next);
    }

    const auto link = [&](std::string_view relation, const std::optional<std::string>& to) {
      if (!to) return;
      std::vector<Parameter> parameters = linked;
      if (!to->empty()) parameters.push_back({std::string(kCursorParameter), *to});
      bundle->AddLink(relation, UrlWith(request_, parameters));
    };
    link("self", cursor.value_or(""));
    link("first", "");
    link("previous", page.previous);
    link("next", page.next);
    link("last", page.last);

    HILUM_ASSIGN_OR_RETURN(const Included included, FollowIncludes(reader_, page.rows, search_.includes,
                                                                   {.resources = options_.max_included,
                                                                    .lookups = options_.max_include_lookups}));
    HILUM_ASSIGN_OR_RETURN(const size_t there, bundle->AddResults(reader_, included.rows, options_.max_page_bytes));
    if (included.cut || there < included.rows.size()) {
      issues_.push_back(Warning(IssueType::kTooCostly, "not all resources to include are here, only " +
                                                           std::to_string(there) +
                                                           "; ask for smaller pages with _count"));
    }
    return Status::Ok();
  }

  const Interaction& request_;
  const ResourceStore& store_;
  ResourceReader& reader_;
  const InteractionOptions& options_;
  const Bytes cursor_key_;
  const SearchOptions& search_options_;
  KeptSearches& kept_searches_;
  const Handling handling_;

  std::vector<Parameter> query_;  // of the request, with what was kept
  std::vector<TypeId> types_;
  std::vector<storage::Query> within_;  // of each type; empty when there is no compartment
  SearchRequest search_;
  std::vector<Segment> segments_;  // of each type
  std::vector<Issue> issues_;      // what the client should know beside the results
  uint64_t total_ = 0;
};

}  // namespace

SearchOptions Interactions::SearchOptionsOf(const Interaction& request) const {
  SearchOptions options = store_.search_options();
  options.request_base = request.base_url;
  options.steps_left = request.steps_left;
  return options;
}

Answer Interactions::Search(const Interaction& request, TypeId type, const std::optional<Within>& within) {
  const auto reader = store_.Read();
  const SearchOptions search_options = SearchOptionsOf(request);
  SearchRun run(request, store_, *reader, options_, cursor_key_, search_options, kept_searches_);
  auto answer = run.Run(type, within ? within->type : kNoType, within ? within->id : "");
  return answer.ok() ? *std::move(answer) : ErrorAnswer(answer.status());
}

}  // namespace hilum::fhir
