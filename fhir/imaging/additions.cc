#include "fhir/imaging/additions.h"

#include <algorithm>
#include <map>
#include <string_view>

#include "fhir/imaging/shell.h"
#include "fhir/store/derived.h"

namespace hilum::fhir::imaging {
namespace {

constexpr std::string_view kInstance = "instance";
// Beyond these no more are told.
constexpr size_t kMaxIssues = 50;

std::string_view UidOf(json::Value item) {
  return json::Find(item, "uid").TextOr("");
}

// The list, or "[]".
json::Document ListOf(const StudyImages& images, int default_offset_minutes) {
  auto list = json::Document::Parse(SeriesList(images, default_offset_minutes));
  if (!list.ok()) list = json::Document::Parse("[]");
  return *std::move(list);
}

// What lists of series say beside the images: object by object, items of lists by their UIDs.
class Comparison {
 public:
  // With what users say. `issues`: of each element that contradicts the images.
  explicit Comparison(std::vector<Issue>* issues) : issues_(issues) {}
  // With additions there are: the images are those of the change, which leaves what it does not list.
  explicit Comparison(const StudyDelta& change) : change_(&change) {}

  // `series`: whose instances these are; empty for the list of series.
  std::string InList(json::Value said, json::MaybeValue images, const std::string& place, const std::string& series) {
    std::map<std::string_view, json::Value> left;
    if (images) {
      for (const json::Value item : images->children()) left.emplace(UidOf(item), item);
    }
    std::string list;
    const auto add = [&](std::string_view item) { list.append(list.empty() ? "[" : ",").append(item); };
    size_t number = 0;
    for (const json::Value item : said.children()) {
      const std::string at = place + "[" + std::to_string(number++) + "]", uid(UidOf(item));
      const auto theirs = left.find(uid);
      if (change_ != nullptr && IsGone(series, uid)) continue;
      if (theirs != left.end()) {
        const std::string added = InObject(item, theirs->second, at, uid);
        if (!added.empty()) add("{\"uid\":" + json::Quoted(uid) + added + "}");
        left.erase(theirs);
      } else if (change_ != nullptr) {
        if (!change_->from_scratch) add(item.raw());
      } else {
        Contradicts(at, "is not stored, or is listed twice; images are added over DICOMweb");
      }
    }
    if (!left.empty()) {
      Contradicts(place, "lacks " + std::to_string(left.size()) +
                             " that are stored; list all of them, or leave the list out. Images are deleted over "
                             "DICOMweb");
    }
    return list.empty() ? list : list + "]";
  }

 private:
  // As ",\"name\":value".
  std::string InObject(json::Value said, json::Value images, const std::string& place, const std::string& uid) {
    std::string added;
    const auto add = [&](std::string_view key, std::string_view value) {
      added.append(",\"").append(key).append("\":").append(value);
    };
    for (const json::Value property : said.children()) {
      const std::string key(property.key()), at = place + "." + key;
      const json::MaybeValue theirs = json::Find(images, key);
      if (key == kInstance && property.is_array()) {
        if (const std::string list = InList(property, theirs, at, uid); !list.empty()) add(key, list);
      } else if (!theirs) {
        add(key, property.raw());
      } else if (property.is_object() && theirs->is_object()) {
        if (const std::string more = InObject(property, *theirs, at, uid); !more.empty())
          add(key, "{" + more.substr(1) + "}");
      } else if (!SaysTheSame(property, *theirs)) {
        const std::string value = key == "description" ? "" : ": " + std::string(theirs->raw().substr(0, 200));
        Contradicts(at, "is what the images say; leave it out, or as it is" + value);
      }
    }
    return added;
  }

  bool IsGone(const std::string& series, const std::string& uid) const {
    const auto changed = change_->series.find(series.empty() ? uid : series);
    if (changed == change_->series.end()) return false;
    if (series.empty()) return changed->second.removed;
    const auto instance = changed->second.instances.find(uid);
    return instance != changed->second.instances.end() && !instance->second;
  }

  void Contradicts(const std::string& place, const std::string& diagnostics) {
    if (issues_ == nullptr || issues_->size() >= kMaxIssues) return;
    issues_->push_back({.type = IssueType::kConflict,
                        .diagnostics = place + " " + diagnostics,
                        .expression = std::string(kImagingStudy) + "." + place});
  }

  std::vector<Issue>* const issues_ = nullptr;
  const StudyDelta* const change_ = nullptr;
};

std::string ListWith(json::Value images, json::Value additions);

// An object of the images, which win, with what was added to it; but for the ids of what neither says any more.
std::string ObjectWith(json::Value images, json::Value additions) {
  std::string out;
  const auto add = [&](std::string_view key, std::string_view value) {
    out.append(out.empty() ? "{\"" : ",\"").append(key).append("\":").append(value);
  };
  for (const json::Value property : images.children()) {
    const json::MaybeValue more = json::Find(additions, property.key());
    if (more && property.is_array() && more->is_array()) {
      add(property.key(), ListWith(property, *more));
    } else if (more && property.is_object() && more->is_object()) {
      add(property.key(), ObjectWith(property, *more));
    } else {
      add(property.key(), property.raw());
    }
  }
  for (const json::Value property : additions.children()) {
    if (json::Find(images, property.key())) continue;
    const std::string_view element = property.key().substr(IsIdOfElement(property) ? 1 : 0);
    if (json::Find(images, element) || json::Find(additions, element)) add(property.key(), property.raw());
  }
  return out + "}";
}

std::string ListWith(json::Value images, json::Value additions) {
  std::map<std::string_view, json::Value> added;
  for (const json::Value item : additions.children()) added.emplace(UidOf(item), item);
  std::string list;
  for (const json::Value item : images.children()) {
    const auto more = added.find(UidOf(item));
    list.append(list.empty() ? "[" : ",");
    list.append(more == added.end() ? std::string(item.raw()) : ObjectWith(item, more->second));
  }
  return list + "]";
}

}  // namespace

std::string AdditionsIn(json::Value said, const StudyImages& images, int default_offset_minutes,
                        std::vector<Issue>* issues) {
  const json::Document stored = ListOf(images, default_offset_minutes);
  return Comparison(issues).InList(said, stored.root(), std::string(kDerivedElement), "");
}

std::string AdditionsAfter(json::Value additions, const StudyDelta& delta) {
  if (delta.empty()) return std::string(additions.raw());
  StudyImages changed;
  Apply(delta, &changed);
  // In which zone is no matter: only whether something is said is.
  const json::Document now = ListOf(changed, 0);
  return Comparison(delta).InList(additions, now.root(), "", "");
}

Result<std::optional<json::Edits::Edit>> SeriesEdit(const std::string& shell, const StudyImages& images,
                                                    int default_offset_minutes) {
  using Edit = std::optional<json::Edits::Edit>;
  const size_t end = shell.rfind('}');
  if (end == std::string::npos) return Corruption("a resource version is damaged; run hilum verify");
  // Nearly all are without additions, and parsing takes longer than looking for the word.
  if (shell.find("\"" + std::string(kDerivedElement) + "\"") != std::string::npos) {
    HILUM_ASSIGN_OR_RETURN(const json::Document document, json::Document::Parse(shell));
    if (const json::MaybeValue additions = json::Find(document.root(), kDerivedElement)) {
      const json::Document stored = ListOf(images, default_offset_minutes);
      if (!images.series.empty())
        return Edit({additions->begin(), additions->end(), ListWith(stored.root(), *additions)});
      json::Edits removal;
      json::RemoveProperties(document.root(), std::vector{kDerivedElement}, &removal);
      return Edit(removal.list().front());
    }
  }
  if (images.series.empty()) return Edit();
  return Edit({end, end, SeriesProperty(images, default_offset_minutes)});
}

}  // namespace hilum::fhir::imaging
