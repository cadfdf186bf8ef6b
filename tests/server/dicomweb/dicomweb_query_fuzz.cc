// Paths, query strings and Accept fields of QIDO-RS, WADO-RS and WADO-URI: whatever they say, the parsers stay in
// bounds and what they make of it is fit to go on with. Input: path, query and Accept, a line each.
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "server/dicomweb/negotiate.h"
#include "server/dicomweb/rendering.h"
#include "server/dicomweb/search_request.h"
#include "server/dicomweb/wado_uri.h"
#include "tests/fuzz/require.h"

namespace {

using namespace hilum;            // NOLINT: the modules under test
using namespace hilum::dicomweb;  // NOLINT
using hilum::fuzz::Require;

std::string_view TakeLine(std::string_view* rest) {
  const std::string_view line = rest->substr(0, rest->find('\n'));
  rest->remove_prefix(std::min(rest->size(), line.size() + 1));
  return line;
}

// Warnings become header fields of answers: no client may write some of its own.
void RequireHeaderText(const std::vector<std::string>& warnings) {
  for (const std::string& warning : warnings)
    Require(std::all_of(warning.begin(), warning.end(), [](char c) { return c >= 0x20 && c < 0x7F && c != '"'; }));
}

void Search(const Resource& resource, const QueryParameters& query) {
  for (const bool strict : {false, true}) {
    const ServiceOptions options{.search_strict = strict};
    const auto search = ParseSearch(*storage::AttributeTable::BuiltIn(), resource, query, options);
    if (!search.ok()) continue;
    Require(search->query.limit <= options.search_max_limit && search->asked_for.size() <= 100);
    Require(std::all_of(search->query.filters.begin(), search->query.filters.end(),
                        [](const auto& filter) { return !filter.path.empty(); }));
    RequireHeaderText(search->warnings);
  }
}

void Render(const QueryParameters& query) {
  for (const char* type : {"image/jpeg", "image/png"}) {
    const auto rendering = ParseRendering(query, type);
    if (!rendering.ok()) continue;
    const auto& viewport = rendering->options.viewport;
    Require(!viewport || (viewport->width >= 1 && viewport->height >= 1 && viewport->width <= 8192));
    RequireHeaderText(rendering->warnings);
  }
  const auto uri = ParseUriRequest(query);
  if (!uri.ok()) return;
  Require(uri->object.instance.has_value());
  QueryParameters again = uri->rendering;
  again.emplace_back("viewport", ViewportOf(*uri, 512, 512));
  if (again.back().second.empty()) again.pop_back();
  ParseRendering(again, "image/png").status().IgnoreError();  // the window and the rest are as the client wrote them
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  const std::string_view path = TakeLine(&rest), query_text = TakeLine(&rest), accept = TakeLine(&rest);
  const auto parsed = ParseResource(path);
  const Resource resource = parsed.ok() ? *parsed : Resource();
  const auto query = http::ParseQuery(query_text);
  if (!query.ok()) return 0;
  Search(resource, *query);
  Render(*query);
  http::Request request;
  request.headers.Add("Accept", std::string(accept));
  const Accepted accepted(request, *query);
  for (const bool single : {false, true})
    for (const InstanceChoice& choice : accepted.Instances(single)) Require(choice.media_type == "application/dicom");
  for (const InstanceChoice& choice : accepted.Frames()) Require(!choice.media_type.empty());
  if (const auto type = accepted.FirstOf({"image/jpeg", "image/png"})) Require(type->starts_with("image/"));
  return 0;
}
