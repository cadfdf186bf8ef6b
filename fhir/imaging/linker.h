// Keeps one ImagingStudy for each stored study, in the commit that changes the images: present the moment STOW answers,
// gone with the last image, back under the same id when images come again. docs/imaging.md says what users see,
// docs/adr/0005 why it is built so.
//
// A version is stored as a shell, that is all elements but the series, and the delta of its commit: storing an instance
// costs the same whatever the study has already. Series come from the catalogue when the newest version is read, and
// from the deltas when an older one is.
//
// Safe for concurrent use. The stores outlive it; it outlives their use of it.
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "base/log.h"
#include "fhir/imaging/delta.h"
#include "fhir/imaging/resolver.h"
#include "fhir/imaging/rows.h"
#include "fhir/imaging/shell.h"
#include "fhir/store/derived.h"
#include "fhir/store/store.h"
#include "storage/store/store.h"

namespace hilum::fhir::imaging {

struct LinkerOptions {
  // Off: studies that are stored get no ImagingStudy. Those that have one keep what images and records said, until
  // there are no images of the study: then it is the users'.
  bool enabled = true;
  ResolverOptions resolver;
};

class Linker : public storage::CatalogueObserver, public DerivedResources {
 public:
  // Installs itself in both stores, and links what was stored while nobody did, or with other options. REQUIRES:
  // nothing else uses them yet.
  static Result<std::unique_ptr<Linker>> Start(storage::Store& store, ResourceStore& resources, LinkerOptions options,
                                               Logger log);
  ~Linker() override;

  // Studies that could not be linked at the start, because rows of theirs are damaged: they stay as they were.
  size_t left_behind() const { return left_behind_; }

  // The Endpoint that every ImagingStudy refers to gets this address (our DICOMweb root as clients reach it); a new
  // version only when it had another.
  Status PutEndpoint(const std::string& address);

  Status OnChanges(storage::Txn& txn, const storage::CatalogueChanges& changes) override;

  TypeId type() const override { return type_; }
  Result<std::optional<json::Edits::Edit>> Missing(const storage::Kv& kv, const storage::Snapshot* snapshot,
                                                   const Version& stored, bool newest) const override;
  bool Judges(TypeId type) const override;
  Result<Judgement> JudgePut(ResourceReader& reader, const PlannedWrites* planned, const std::string& id,
                             const Version* newest, json::Value resource) const override;
  Result<Judgement> JudgeDelete(ResourceReader& reader, const Version& newest) const override;
  bool Follows(TypeId type) const override;
  Status OnWritten(ResourceTxn& resources, const std::vector<WrittenResource>& written) const override;
  Result<storage::Bitmap> LettingGo(ResourceReader& reader, std::string_view field, const storage::Bitmap& referrers,
                                    TypeId type, const std::string& id) const override;
  std::string_view disagreement_tags() const override { return kMismatchTags; }
  Result<std::vector<Disagreement>> Disagreements(ResourceReader& reader, const Version& newest) const override;

 private:
  Linker(storage::Store& store, ResourceStore& resources, LinkerOptions options, Logger log);

  // Brings all ImagingStudies up to what the catalogue, the records and the options say now.
  // `anew`: another release derived them, so that images may say more than versions know.
  Status Sync(bool anew);
  // The rows of DiagnosticReports that name orders: all of them anew.
  Status SyncReports();
  // In one commit.
  Status SyncStudies(std::span<const std::string> study_uids, bool anew);
  Status SyncStudy(ResourceTxn& resources, const std::string& study_uid, bool anew) const;
  // That all studies are linked with these; nullopt: that they may not be.
  Status NoteSynced(const std::optional<std::string>& options);
  // Watches of the orders that the version of a DiagnosticReport names.
  Result<std::vector<std::string>> OrdersOf(const Version& report) const;
  // A DiagnosticReport was written: of those that it names or named.
  Result<std::vector<std::string>> FollowReport(ResourceTxn& resources, const std::string& id) const;
  Status Follow(ResourceTxn& resources, storage::Doc doc, const storage::StudyChange& change);
  // Whether Patients and orders are looked up: only when what the images say of them may have changed. New Patients are
  // made for images, not because somebody deleted one.
  enum class Look : uint8_t { kNot, kAgain, kAndMakePatient };
  // Writes the ImagingStudy of a study, and those of others that what this makes of Patients concerns. `delta`: what
  // the newest version does not know of; from scratch when it may know nothing.
  Status Describe(ResourceTxn& resources, const CatalogueStudy& study, const std::optional<Link>& link,
                  const StudyDelta& delta, Look look) const;
  // The same for this study alone; others that are concerned are added to `studies`. REQUIRES: Patients who were made
  // of images are settled.
  Status DescribeAlone(ResourceTxn& resources, const CatalogueStudy& study, const std::optional<Link>& link,
                       const StudyDelta& delta, Look look, std::set<std::string>* studies) const;
  // Who and what the study is linked with, and in `next` what that depends on. `current`: what describes the images
  // now, if anything does, as `old` with all elements.
  Result<Linked> Relate(ResourceTxn& resources, const CatalogueStudy& study, const Version* current, json::Value old,
                        bool duplicated, Look look, Link* next, std::set<std::string>* studies) const;
  // The next version of an ImagingStudy, by `edits` of the newest one, which are `indexed` or not. `former`: the link
  // by which that describes images; null when it does not.
  Result<Write> PrepareWrite(const CatalogueStudy& study, const std::string& id, const std::optional<Version>& newest,
                             json::Value old, const Link* former, json::Edits edits, bool indexed,
                             const DerivedElements& derived) const;
  struct Shell {
    json::Document document;
    Typing typing;
  };
  // `text`, which is valid unless users wrote what another release took. Then their elements that are not are left out
  // of it, and stay in older versions: neither images nor other people's records wait until somebody mends them.
  Result<Shell> ValidShell(const std::string& study_uid, std::string text, const DerivedElements& derived) const;
  // A version that differs from the newest in the number of instances. False, and nothing, unless that one is stored as
  // such edits and knows what there was before the change. REQUIRES: no other element changes.
  Result<bool> CountAgain(ResourceTxn& resources, const std::string& id, storage::Doc doc,
                          const storage::StudyChange& change) const;
  // `asked`: without orders.
  Result<Resolution> Resolve(ResourceTxn& resources, const CatalogueStudy& study, Asked asked, Look look,
                             std::set<std::string>* studies) const;
  Status MakePatient(ResourceTxn& resources, const storage::StudyRow& study, std::set<std::string>* studies) const;
  // Patients who were made of images and have an identifier of `studies` name who replaces them, or nobody any more.
  // That concerns others, which are added, and so on. Each Patient is written once at most.
  Status SettleMade(ResourceTxn& resources, std::set<std::string>* studies) const;
  // The versions by which those do so that have the identifier of the study.
  Result<std::vector<Write>> Settling(ResourceTxn& resources, const storage::StudyRow& study) const;
  // Patients. The studies that depend on them are added to `studies`.
  Status WritePatients(ResourceTxn& resources, std::vector<Write> writes, std::set<std::string>* studies) const;
  Status Withdraw(ResourceTxn& resources, const std::string& study_uid, Link link, const StudyDelta& delta) const;
  // Studies whose ImagingStudy depends on one of these.
  Result<std::set<std::string>> WatchersOf(ResourceTxn& resources, const std::vector<WrittenResource>& written) const;
  // Each of them once, and of those that this concerns.
  Status Relink(ResourceTxn& resources, std::set<std::string> studies) const;
  struct Place {
    std::string id;
    std::optional<Version> newest;  // of that id
    bool duplicated = false;        // there are others that users made for it
  };
  // Where a study that has no ImagingStudy gets it: the first that users made for it, or else the one it had, or else
  // that of its UID; but a new one rather than that of another study.
  Result<Place> PlaceFor(ResourceTxn& resources, const std::string& study_uid, const std::string& former_id) const;
  // Ends `link`, if another study has the same ImagingStudy, as earlier releases let it happen. The other keeps it.
  Status Part(ResourceTxn& resources, const std::string& study_uid, Link* link) const;
  // Ends `link`, if its ImagingStudy is the users' since there were no images while nobody linked.
  Status LetGo(ResourceTxn& resources, const std::string& study_uid, Link* link) const;
  // The study that an ImagingStudy describes, or described: it may have been deleted while nobody linked.
  Result<std::string> StudyOf(ResourceReader& reader, const Version& newest) const;
  // Of one that describes images.
  Result<Judgement> JudgeDerived(ResourceReader& reader, const PlannedWrites* planned, const Version& newest,
                                 json::Value resource) const;
  // Of one whose study is gone.
  Result<Judgement> JudgeOrphan(ResourceReader& reader, const std::string& study_uid) const;
  // Of the Endpoint: what every ImagingStudy relies on stays.
  Judgement JudgeEndpoint(const std::string& id, const Version* newest, json::Value resource) const;
  Status Commit(ResourceTxn& resources, Write write, Link link, const std::string& study_uid,
                const StudyDelta& delta) const;

  storage::Store& store_;
  ResourceStore& resources_;
  const LinkerOptions options_;
  const ShellOptions shell_;
  const Resolver resolver_;
  const Logger log_;
  const TypeId type_, patient_, order_, report_, endpoint_;
  size_t left_behind_ = 0;
};

}  // namespace hilum::fhir::imaging
