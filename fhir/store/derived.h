// Resources whose content comes in part from elsewhere in the store: an ImagingStudy, whose series and instances are
// those of the catalogue (fhir/imaging). Their versions are stored without that part (Version::partial); the reader
// puts it in, so that nobody above sees the difference. What users write of them is judged first: what they add to that
// part is stored in its place.
//
// Safe for concurrent use.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "fhir/json/document.h"
#include "fhir/json/edits.h"
#include "fhir/store/reader.h"
#include "fhir/validate/issue.h"

namespace hilum::fhir {

// The element that is derived, whatever the type.
inline constexpr std::string_view kDerivedElement = "series";

// What is to become of a user's write. Nothing set: it is stored as it came.
struct Judgement {
  int status = 0;             // 409 or 422 when it is refused
  std::vector<Issue> issues;  // why
  std::string bytes;          // the resource to store in part, in place of what came
  // The study that it described, which is gone: it is the users' alone from then on.
  std::optional<storage::Doc> former_images;
  // Must have the same result at the commit: nobody else describes the same things meanwhile.
  std::vector<storage::TokenValue> sole_identifiers;
};

// A resource that a commit wrote, with the identifiers that it has or had before.
struct WrittenResource {
  TypeId type = kNoType;
  std::string id;
  std::vector<storage::TokenValue> identifiers;
};

// One element of which a derived resource and another one say different things, or what it is derived from itself does.
struct Disagreement {
  std::string other;    // "Patient/7"; empty when it is images that say what is recorded
  std::string element;  // of the other: "birthDate"
  std::string derived;  // value, as FHIR would write it
  std::string recorded;
  uint64_t images = 0;  // how many they are
};

class PlannedWrites;
class ResourceTxn;

class DerivedResources {
 public:
  virtual ~DerivedResources() = default;

  virtual TypeId type() const = 0;

  // The edit that makes a partial version whole; nothing when it lacks nothing. `newest`: no later version is in the
  // view.
  virtual Result<std::optional<json::Edits::Edit>> Missing(const storage::Kv& kv, const storage::Snapshot* snapshot,
                                                           const Version& stored, bool newest) const = 0;

  // Whether it is asked what users may write of resources of this type: type(), and what derived ones refer to.
  virtual bool Judges(TypeId type) const = 0;
  // A user wants `resource` to be the next version of `id`. `newest`: whole, nullptr when there is none or it is
  // deleted. `planned`: what the same commit writes of types that are not judged; nullptr: nothing. REQUIRES: of a type
  // that is judged; so below.
  virtual Result<Judgement> JudgePut(ResourceReader& reader, const PlannedWrites* planned, const std::string& id,
                                     const Version* newest, json::Value resource) const = 0;
  virtual Result<Judgement> JudgeDelete(ResourceReader& reader, const Version& newest) const = 0;

  // Whether derived resources depend on what resources of `type` say.
  virtual bool Follows(TypeId type) const = 0;
  // Such resources were written by the running transaction. On the writer thread; what it writes is in the same commit,
  // and an error undoes all of it.
  virtual Status OnWritten(ResourceTxn& resources, const std::vector<WrittenResource>& written) const = 0;
  // Those of `referrers`, of type(), that refer to the resource by this field (SearchField::name) because it was
  // derived so, and no more once it is deleted.
  virtual Result<storage::Bitmap> LettingGo(ResourceReader& reader, std::string_view field,
                                            const storage::Bitmap& referrers, TypeId type,
                                            const std::string& id) const = 0;
  // system|code of the tags, with commas, one of which those have that others disagree with.
  virtual std::string_view disagreement_tags() const = 0;
  // `newest`: of type(). Nothing when it is not derived.
  virtual Result<std::vector<Disagreement>> Disagreements(ResourceReader& reader, const Version& newest) const = 0;
};

}  // namespace hilum::fhir
