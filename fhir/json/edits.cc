#include "fhir/json/edits.h"

#include <algorithm>
#include <cassert>

#include "base/json_text.h"

namespace hilum::fhir::json {
namespace {

// Sets one string property of `object`, or remembers it for insertion in front of the others.
void SetProperty(Value object, std::string_view name, const std::optional<std::string_view>& text, Edits* edits,
                 std::string* missing) {
  if (!text) return;
  if (const MaybeValue old = Find(object, name)) {
    edits->Replace(old->begin(), old->end(), Quoted(*text));
    return;
  }
  if (!missing->empty()) missing->push_back(',');
  AppendJsonString(name, missing);
  missing->push_back(':');
  AppendJsonString(*text, missing);
}

// Removes the properties that `drop` names together with the commas that become superfluous.
template <typename Drop>
void RemoveProperties(Value object, Drop drop, Edits* edits) {
  size_t kept_end = object.begin() + 1;  // behind '{' or the last property kept
  bool any_kept = false, pending = false;
  for (const Value property : object.children()) {
    if (drop(property)) {
      pending = true;
      continue;
    }
    if (pending) edits->Replace(kept_end, property.key_begin(), any_kept ? "," : "");
    pending = false;
    any_kept = true;
    kept_end = property.end();
  }
  if (pending) edits->Replace(kept_end, object.end() - 1, "");
}

bool IsVersionProperty(Value property) {
  return property.key() == "versionId" || property.key() == "lastUpdated";
}

}  // namespace

std::string Quoted(std::string_view text) {
  std::string out;
  AppendJsonString(text, &out);
  return out;
}

bool Edits::Fit(size_t size) const {
  std::vector<const Edit*> ordered;
  for (const Edit& edit : edits_) ordered.push_back(&edit);
  std::ranges::stable_sort(ordered, {}, &Edit::begin);
  size_t at = 0;
  for (const Edit* edit : ordered) {
    if (edit->begin < at || edit->end < edit->begin || edit->end > size) return false;
    at = edit->end;
  }
  return true;
}

std::string Edits::Apply(Bytes text, size_t begin, size_t end) const {
  std::vector<const Edit*> inside;
  size_t growth = 0;
  for (const Edit& edit : edits_) {
    if (edit.begin < begin || edit.end > end) continue;
    inside.push_back(&edit);
    growth += edit.with.size();
  }
  std::ranges::stable_sort(inside, {}, &Edit::begin);
  std::string out;
  out.reserve(end - begin + growth);
  size_t at = begin;
  for (const Edit* edit : inside) {
    assert(edit->begin >= at);
    out.append(text.substr(at, edit->begin - at)).append(edit->with);
    at = edit->end;
  }
  out.append(text.substr(at, end - at));
  return out;
}

void SetIdentity(Value resource, const Identity& identity, Edits* edits) {
  const MaybeValue type = Find(resource, "resourceType");
  assert(type);
  std::string missing;
  SetProperty(resource, "id", identity.id, edits, &missing);
  const MaybeValue meta = Find(resource, "meta");
  std::string in_meta;
  if (meta) {
    SetProperty(*meta, "versionId", identity.version_id, edits, &in_meta);
    SetProperty(*meta, "lastUpdated", identity.last_updated, edits, &in_meta);
    if (!in_meta.empty()) edits->Insert(meta->begin() + 1, in_meta + (meta->empty() ? "" : ","));
  } else if (identity.version_id || identity.last_updated) {
    missing += missing.empty() ? "\"meta\":{" : ",\"meta\":{";
    if (identity.version_id) missing += "\"versionId\":" + Quoted(*identity.version_id);
    if (identity.version_id && identity.last_updated) missing += ',';
    if (identity.last_updated) missing += "\"lastUpdated\":" + Quoted(*identity.last_updated);
    missing += '}';
  }
  if (!missing.empty()) edits->Insert(type->end(), "," + missing);
}

void ClearIdentity(Value resource, Edits* edits) {
  const MaybeValue meta = Find(resource, "meta");
  const auto children = meta ? meta->children() : Value::Children{{nullptr, 0}, {nullptr, 0}};
  const bool empty_meta = std::all_of(children.begin(), children.end(), IsVersionProperty);
  RemoveProperties(
      resource, [&](Value p) { return p.key() == "id" || (p.key() == "meta" && empty_meta); }, edits);
  if (meta && !empty_meta) RemoveProperties(*meta, IsVersionProperty, edits);
}

void RemoveProperties(Value object, std::span<const std::string_view> keys, Edits* edits) {
  RemoveProperties(
      object, [&](Value p) { return std::ranges::find(keys, p.key()) != keys.end(); }, edits);
}

}  // namespace hilum::fhir::json
