// $meta, $meta-add and $meta-delete (R4 resource-operation-meta) of one resource; $meta of a type and of everything.
#include <algorithm>
#include <set>
#include <vector>

#include "fhir/interactions/interactions.h"
#include "fhir/interactions/plan.h"
#include "fhir/json/edits.h"

namespace hilum::fhir {
namespace {

constexpr size_t kMaxValuesOfMeta = 10'000;  // of profiles, tags or labels of a type
// The lists of Meta that are sets (R4 resource 2.1.0.3).
constexpr std::string_view kSets[] = {"profile", "security", "tag"};

Answer Refused(std::string diagnostics) {
  return OutcomeAnswer(405, {{.type = IssueType::kNotSupported, .diagnostics = std::move(diagnostics)}});
}

// `resource` as Parameters with its meta alone.
Result<std::string> MetaOf(const std::string& resource) {
  HILUM_ASSIGN_OR_RETURN(const json::Document document, json::Document::Parse(resource));
  std::string text = R"({"resourceType":"Parameters","parameter":[{"name":"return")";
  if (const json::MaybeValue meta = json::Find(document.root(), "meta")) {
    text.append(",\"valueMeta\":").append(meta->raw());
  }
  return text + "}]}";
}

// The same for what counts as one: codings by system and code, profiles by their text.
std::pair<std::string_view, std::string_view> KeyOf(json::MaybeValue item) {
  if (!item->is_object()) return {item->raw(), {}};
  return {item["system"].TextOr(""), item["code"].TextOr("")};
}

std::vector<json::Value> ItemsOf(json::MaybeValue list) {
  if (!list) return {};
  return {list->children().begin(), list->children().end()};
}

// Both lists without repetitions, or what is left of the first without the second.
std::string Combined(json::MaybeValue list, json::MaybeValue change, bool add) {
  std::vector<json::Value> items = ItemsOf(list);
  std::set<std::pair<std::string_view, std::string_view>> keys;
  for (const json::Value item : ItemsOf(add ? list : change)) keys.insert(KeyOf(item));
  if (add) {
    for (const json::Value item : ItemsOf(change)) {
      if (keys.insert(KeyOf(item)).second) items.push_back(item);
    }
  } else {
    std::erase_if(items, [&](json::Value item) { return keys.contains(KeyOf(item)); });
  }
  std::string text;
  for (const json::Value item : items) text.append(text.empty() ? "[" : ",").append(item.raw());
  return text.empty() ? text : text + "]";
}

// The resource with its meta changed.
Result<std::string> WithMeta(const std::string& resource, json::Value change, bool add) {
  HILUM_ASSIGN_OR_RETURN(const json::Document document, json::Document::Parse(resource));
  const json::MaybeValue meta = json::Find(document.root(), "meta");
  if (!meta) return Corruption("a stored resource has no meta");
  if (meta["_profile"] || json::Find(change, "_profile")) {
    return Unsupported("extensions of meta.profile do not go with this operation: update the resource");
  }
  std::string text;
  const auto append = [&](std::string_view key, std::string_view value) {
    text.append(text.empty() ? "{\"" : ",\"").append(key).append("\":").append(value);
  };
  for (const json::Value property : meta->children()) {
    if (std::ranges::find(kSets, property.key()) == std::end(kSets)) append(property.key(), property.raw());
  }
  for (const std::string_view set : kSets) {
    const std::string items = Combined(meta[set], json::Find(change, set), add);
    if (!items.empty()) append(set, items);
  }
  json::Edits edits;
  edits.Replace(meta->begin(), meta->end(), text + "}");
  return edits.Apply(document.root());
}

// The Meta in the Parameters that were sent.
Result<json::Value> SentMeta(json::Value parameters) {
  if (const json::MaybeValue list = json::Find(parameters, "parameter")) {
    for (const json::Value parameter : list->children()) {
      const json::MaybeValue meta = json::Find(parameter, "valueMeta");
      if (json::Find(parameter, "name").TextOr("") == "meta" && meta && meta->is_object()) return *meta;
    }
  }
  return Invalid("send Parameters with a parameter 'meta' that has a valueMeta");
}

// What many resources have in their meta, without repetitions.
struct MetaSets {
  std::set<std::string> profiles;
  std::set<std::pair<std::string, std::string>> security, tags;  // system and code
};

Status Gather(ResourceReader& reader, TypeId type, MetaSets* sets) {
  HILUM_ASSIGN_OR_RETURN(const storage::Bitmap live, reader.index().Live(reader.CollectionOf(type)));
  if (live.empty()) return Status::Ok();
  const auto visit = [&](std::string_view param, const auto& add) -> Status {
    const auto field = reader.schema().FieldOfParam(type, param);
    if (!field) return Status::Ok();
    HILUM_ASSIGN_OR_RETURN(const auto facets,
                           reader.index().Facets(reader.CollectionOf(type), *field, live, kMaxValuesOfMeta));
    for (const auto& [token, count] : facets) add(token);
    return Status::Ok();
  };
  HILUM_RETURN_IF_ERROR(visit("_profile", [&](const auto& token) { sets->profiles.insert(token.code); }));
  HILUM_RETURN_IF_ERROR(
      visit("_security", [&](const auto& token) { sets->security.emplace(token.system, token.code); }));
  return visit("_tag", [&](const auto& token) { sets->tags.emplace(token.system, token.code); });
}

std::string CodingsText(const std::set<std::pair<std::string, std::string>>& codings) {
  std::string text;
  for (const auto& [system, code] : codings) {
    text += text.empty() ? "[{" : ",{";
    if (!system.empty()) text += "\"system\":" + json::Quoted(system);
    if (!code.empty()) text += (system.empty() ? "\"code\":" : ",\"code\":") + json::Quoted(code);
    text += '}';
  }
  return text + "]";
}

std::string TextOf(const MetaSets& sets) {
  std::string meta;
  const auto append = [&](std::string_view name, const std::string& list) {
    meta.append(meta.empty() ? "\"" : ",\"").append(name).append("\":").append(list);
  };
  std::string profiles;
  for (const std::string& profile : sets.profiles) profiles += (profiles.empty() ? "[" : ",") + json::Quoted(profile);
  if (!profiles.empty()) append("profile", profiles + "]");
  if (!sets.security.empty()) append("security", CodingsText(sets.security));
  if (!sets.tags.empty()) append("tag", CodingsText(sets.tags));
  std::string text = R"({"resourceType":"Parameters","parameter":[{"name":"return")";
  if (!meta.empty()) text += ",\"valueMeta\":{" + meta + "}";
  return text + "}]}";
}

}  // namespace

Answer Interactions::MetaOfAll(const Interaction& request, TypeId type) {
  const auto reader = store_.Read();
  MetaSets sets;
  for (const TypeId each : ResourceTypes()) {
    if (type != kNoType && type != each) continue;
    const Status status = Gather(*reader, each, &sets);
    if (!status.ok()) return ErrorAnswer(status);
  }
  auto body = Shaped(TextOf(sets), request);
  return body.ok() ? Answer{.body = *std::move(body)} : ErrorAnswer(body.status());
}

Answer Interactions::Meta(const Interaction& request, TypeId type, const std::string& id, std::string_view operation) {
  if (operation != "meta" && operation != "meta-add" && operation != "meta-delete")
    return ErrorAnswer(NotFound("there is no such operation; GET metadata lists what there is"));
  if (id.empty() && operation == "meta") return MetaOfAll(request, type);
  if (type == kNoType || id.empty()) return Refused("it takes one resource: [type]/[id]/$" + std::string(operation));
  const auto as_meta = [&](const std::string& resource) {
    auto text = MetaOf(resource);
    if (!text.ok()) return ErrorAnswer(text.status());
    auto body = Shaped(*text, request);
    return body.ok() ? Answer{.body = *std::move(body)} : ErrorAnswer(body.status());
  };
  const Interaction plain{.method = "GET", .path = {std::string(TypeOf(type).name), id}, .base_url = request.base_url};
  if (operation == "meta") {
    const Answer read = Read(plain, type, id);
    return read.status == 200 ? as_meta(read.body) : read;
  }
  if (request.method != "POST") return Refused("$" + std::string(operation) + " takes POST");
  const std::variant<Checked, Answer> sent = CheckParameters(request.body);
  if (const auto* refusal = std::get_if<Answer>(&sent)) return *refusal;
  const auto change = SentMeta(std::get<Checked>(sent).document.root());
  if (!change.ok()) return ErrorAnswer(change.status());

  return Retrying([&]() -> std::optional<Answer> {
    const Answer read = Read(plain, type, id);
    if (read.status != 200) return read;
    const Version newest{.number = read.version.value_or(0)};
    if (auto refusal = CheckConditions(newest, {request.if_match, request.if_none_match})) return refusal;
    auto body = WithMeta(read.body, *change, operation == "meta-add");
    if (!body.ok()) return ErrorAnswer(body.status());
    Interaction put = plain;
    put.method = "PUT";
    put.body = *std::move(body);
    put.if_match = "W/\"" + std::to_string(newest.number) + "\"";
    const Answer written = Update(put, type, id);
    // Somebody else was faster: what they wrote stays.
    if (written.status == 412) return std::nullopt;
    return written.status == 200 ? as_meta(written.body) : written;
  });
}

}  // namespace hilum::fhir
