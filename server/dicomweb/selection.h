// The instances that a WADO-RS resource names, where their bytes are, and the ways to send them. Used by one request at
// a time.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/mapping.h"
#include "codecs/multipart/writer.h"
#include "server/dicomweb/resource.h"
#include "server/http/http.h"
#include "storage/store/store.h"

namespace hilum::dicomweb {

struct Found {
  storage::Doc doc = 0;
  std::string series_uid;
  storage::InstanceRow row;
};

struct Selection {
  // Of a series or study, which may have very many, rows hold no attributes but SOP Class UID and Number of Frames.
  std::vector<Found> instances;
  std::string etag;  // strong; changes with every stored byte and every instance more or less

  // Stands for its series or study in pictures: it shows more than the first. REQUIRES: there are instances.
  const Found& Middle() const { return instances[instances.size() / 2]; }
};

// The tag of a selection of that.
std::string TagOf(const storage::Version& version);

// In order of series and arrival. kNotFound names the level that is missing.
Result<Selection> Select(const storage::CatalogueReader& reader, const Resource& resource);
// Its tag alone, in a time that does not grow with its instances.
Result<std::string> SelectTag(const storage::CatalogueReader& reader, const Resource& resource);

// One instance of each transfer syntax among them, with frames where there is one, up to eight: what can be had of all
// is told by these.
std::vector<Found> OneOfEachSyntax(const std::vector<Found>& instances);

// Bytes of a stored object, on their way to a client.
struct StoredRange {
  storage::ObjectRef object;
  uint64_t offset = 0;  // in the object
  uint64_t length = 0;
  std::shared_ptr<File> file;
  uint64_t body = 0;  // where the object begins in the file

  StoredRange Slice(uint64_t from, uint64_t bytes) const { return {object, offset + from, bytes, file, body}; }
};

// Attributes stand before the pixels, nearly always within this: no need to read the pixels to vouch for them.
inline constexpr uint64_t kHeaderBytes = 64 * 1024;
// Objects of which all is wanted are read up to this length, and mapped beyond: mapping a few hundred pages, touching
// them and taking them away again costs more than the copy, and every thread's TLB.
inline constexpr uint64_t kShortObject = 1 << 20;

// All of an instance. Compaction may have moved it since the row was read: then the row is brought up to date.
Result<StoredRange> LocateObject(storage::Store& store, Found* found);
// The same as a view, of which the first `checked` bytes at least are known to be what was stored.
Result<Mapping> MapObject(storage::Store& store, Found* found, uint64_t checked = UINT64_MAX);

// Views of one object after the other, each as MapObject gives it and valid until the next one. Objects of one segment
// are seen through one mapping: making a mapping takes longer than reading the attributes of an instance.
class ObjectViews {
 public:
  explicit ObjectViews(storage::Store& store) : store_(store) {}
  Result<Bytes> Of(Found* found, uint64_t checked = UINT64_MAX);
  // As Mapping::Judge, of the object that was asked for last.
  Status Judge(Status read);

 private:
  storage::Store& store_;
  std::shared_ptr<File> file_;
  Mapping mapping_;  // of file_
};

// What the conditions of a request that reads (RFC 9110 13.2.2) make of a representation with that tag.
enum class Condition : uint8_t { kHolds, kNotModified /* 304 */, kOtherVersion /* 412 */ };
Condition ConditionOf(const http::Request& request, std::string_view etag);
inline constexpr std::string_view kOtherVersion = "If-Match names no version that is stored now: it was replaced";
// Answers with 412 or 304 where the request wants no representation with the ETag of `headers`; true when it did. Every
// GET with an ETag asks here.
Result<bool> AnswerCondition(const http::Request& request, http::Responder& responder, const http::Headers& headers);
// Whether If-Match, where there is one, names any representation of the version that `etag` (of a Selection) is of.
bool IsVersionMeant(const http::Request& request, std::string_view etag);
// The tag of an answer that holds URLs: with another base they make another representation (RFC 9110 8.8.1).
std::string TagWithUrls(std::string_view etag, std::string_view base);
// A tag for answers whose bytes differ every time, as most of those in parts do by their boundary.
inline std::string WeakTag(std::string_view etag) {
  return "W/" + std::string(etag);
}

// One stored range as the whole body, or the part of it that Range asks for, unless If-Range is about another version
// than the ETag of `headers`. Bytes are found to be what was stored before the first of them is sent.
Status SendRange(storage::Store& store, const http::Request& request, http::Responder& responder,
                 const StoredRange& range, http::Headers headers);
// The same of bytes in several places, one behind the other: damage beyond the first place breaks the transfer off.
Status SendRanges(storage::Store& store, const http::Request& request, http::Responder& responder,
                  std::span<const StoredRange> ranges, http::Headers headers);
// The same of bytes in memory.
Status SendBytes(const http::Request& request, http::Responder& responder, Bytes bytes, http::Headers headers);

// A part of a multipart answer: pieces of objects, one after the other.
struct Part {
  multipart::PartHeaders headers;
  std::vector<StoredRange> ranges;
};
// So many parts as the whole body, by a new `writer`. `part` makes the one at a place, of the same lengths each time:
// it is asked for all of them twice, since they would take much memory at once. Where the ETag of `headers` is strong,
// so the boundary is the same every time, Range is heeded: it counts the bytes of the body, with the heads of parts
// (RFC 9110 14.1.2).
Status SendParts(storage::Store& store, const http::Request& request, http::Responder& responder,
                 multipart::Writer writer, std::string_view part_type, size_t parts,
                 const std::function<Part(size_t)>& part, http::Headers headers);

}  // namespace hilum::dicomweb
