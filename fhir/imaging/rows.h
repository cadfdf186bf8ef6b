// Rows of fhir/imaging in Family::kResource, and the images of a study out of
// rows. Everything here is on disk: docs/on-disk-format.md. Internal to
// fhir/imaging.
//
//   tenant 'm' 'u' Study Instance UID           -> Link
//   tenant 'm' 'd' doc                          -> Study Instance UID of the
//   ImagingStudy tenant 'm' 'w' watch Study Instance UID     -> nothing: the
//   ImagingStudy depends on what is watched tenant 'm' 'r' id -> watches of the
//   orders that a DiagnosticReport names tenant 'm' 'b' watch id -> nothing:
//   the DiagnosticReport names the order that is watched tenant 'm' 's' ->
//   ResolverOptions: every study is and stays linked with these tenant 'd'
//   collection doc version piece     -> StudyDelta of the commit that made the
//   version, 60 kB a piece
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "fhir/definitions/definitions.h"
#include "fhir/imaging/images.h"
#include "fhir/store/reader.h"
#include "storage/kv/kv.h"
#include "storage/kv/writer.h"
#include "storage/tenant.h"

namespace hilum::fhir::imaging {

inline constexpr storage::Doc kNoDoc = UINT32_MAX;

// Which ImagingStudy describes a study. Stays when the last image is deleted, so that the study gets the same one
// again.
struct Link {
  storage::Doc resource = kNoDoc;  // until its first version
  std::string id;
  bool live = false;                 // there are images
  storage::Doc study = 0;            // of the catalogue, while live
  int64_t seen_micros = 0;           // see SeenMicros
  std::vector<std::string> orders;   // ids of the ServiceRequests that the images added to basedOn
  std::vector<std::string> watches;  // rows that there are
  // What the images added that users may say, too (shell.h); nullopt in rows of earlier releases.
  std::optional<std::vector<std::string>> added;
};
// 16 bytes that stand for a text (XXH3-128).
std::string Hashed(std::string_view text);

// What a version knows of, in its note: documents are never reused, so that tells a study from any other that had or
// gets its UID.
struct SeenStudy {
  storage::Doc doc = 0;
  int64_t micros = 0;  // StudyRow::updated_micros
  bool operator==(const SeenStudy&) const = default;
};
std::string Encode(const SeenStudy& seen);
// nullopt when there is no note.
std::optional<SeenStudy> DecodeSeen(Bytes note);
// StudyRow::updated_micros that the newest version knows of: as the link says or, because a version that only counts
// leaves the link alone, as the version's note does.
int64_t SeenMicros(const Link& link, const std::optional<Version>& newest);

// What an ImagingStudy depends on, in 16 bytes: a resource, there or not, or whoever has an identifier. For
// DiagnosticReports it waits under the watches of ServiceRequests, because the same identifiers lead to both.
inline constexpr size_t kWatchBytes = 16;
std::string WatchOf(TypeId type, std::string_view id);
std::string WatchOf(TypeId type, const storage::TokenValue& identifier);
// Replaces the rows of `before` by those of `after`.
void PutWatches(storage::Txn& txn, std::string_view study_uid, const std::vector<std::string>& before,
                const std::vector<std::string>& after);
std::string WatchesPrefix();
std::string WatchKey(std::string_view watch, std::string_view study_uid);
// Study Instance UIDs.
Result<std::vector<std::string>> FindWatchers(storage::Txn& txn, const std::string& watch);

// The orders that a DiagnosticReport is based on, by their watches: of a resource, or of whoever has an identifier.
std::string OrdersKey(std::string_view report_id);
std::string OrdersPrefix();
std::string BasedOnKey(std::string_view watch, std::string_view report_id);
std::string BasedOnPrefix();
std::string EncodeOrders(const std::vector<std::string>& watches);
// kCorruption when it is damaged.
Result<std::vector<std::string>> DecodeOrders(Bytes row);
// Replaces all rows of the report; `before` is what they say.
void PutOrders(storage::Txn& txn, std::string_view report_id, const std::vector<std::string>& before,
               const std::vector<std::string>& after);
// Ids of DiagnosticReports; the first `limit`.
Result<std::vector<std::string>> FindBasedOn(storage::Txn& txn, const std::string& watch, size_t limit);
Result<std::vector<std::string>> FindBasedOn(const storage::Kv& kv, const storage::Snapshot* snapshot,
                                             const std::string& watch, size_t limit);

std::string LinkKey(std::string_view study_uid);
std::string LinksPrefix();
std::string StudyUidKey(storage::Doc resource);
std::string SyncedKey();
std::string Encode(const Link& link);
std::optional<Link> DecodeLink(Bytes bytes);
Result<std::optional<Link>> ReadLink(storage::Txn& txn, std::string_view study_uid);
Result<std::optional<Link>> ReadLink(const storage::Kv& kv, const storage::Snapshot* snapshot,
                                     std::string_view study_uid);

// `encoded`: a StudyDelta.
void PutDelta(storage::Txn& txn, storage::CollectionId collection, storage::Doc resource, uint64_t version,
              Bytes encoded);
// The images as the version describes them, out of the deltas up to it. kCorruption when one is damaged that counts:
// those before a delta from scratch do not.
Result<StudyImages> Replay(const storage::Kv& kv, const storage::Snapshot* snapshot, storage::CollectionId collection,
                           storage::Doc resource, uint64_t version);

// The study as the catalogue has it; nullopt when it does not.
struct CatalogueStudy {
  storage::Doc doc = 0;
  storage::StudyRow row;
};
Result<std::optional<CatalogueStudy>> FindStudy(const storage::Kv& kv, const storage::Snapshot* snapshot,
                                                std::string_view study_uid);
Result<std::optional<CatalogueStudy>> FindStudy(storage::Txn& txn, std::string_view study_uid);
Result<StudyImages> LoadImages(const storage::Kv& kv, const storage::Snapshot* snapshot, const CatalogueStudy& study);
Result<StudyImages> LoadImages(storage::Txn& txn, const CatalogueStudy& study);
// Of all its series, each once, in order; the first kMaxOrderNumbers.
inline constexpr size_t kMaxOrderNumbers = 64;
Result<std::vector<OrderNumber>> LoadOrderNumbers(const storage::Kv& kv, const storage::Snapshot* snapshot,
                                                  const CatalogueStudy& study);
Result<std::vector<OrderNumber>> LoadOrderNumbers(storage::Txn& txn, const CatalogueStudy& study);

}  // namespace hilum::fhir::imaging
