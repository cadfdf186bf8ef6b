#include "server/dicomweb/selection.h"

#include <xxhash.h>

#include <algorithm>

#include "server/dicomweb/refusal.h"
#include "server/http/compression.h"
#include "server/http/entity_tag.h"
#include "server/http/range.h"

namespace hilum::dicomweb {
namespace {

using storage::CatalogueReader;
using storage::Doc;
using storage::InstanceRow;

// All attributes would take a kilobyte, for as long as a client takes to read.
void DropAttributes(InstanceRow* row) {
  std::erase_if(row->attributes, [](const storage::KeptAttribute& attribute) {
    return attribute.path != dicom::TagPath{dicom::tags::kSopClassUid} &&
           attribute.path != dicom::TagPath{dicom::tags::kNumberOfFrames};
  });
  row->attributes.shrink_to_fit();
  row->own = storage::KeptAttributes();  // with their memory
}

Status AddSeries(const CatalogueReader& reader, Doc series, const std::string& series_uid, Selection* selection) {
  HILUM_ASSIGN_OR_RETURN(const std::vector<Doc> docs, reader.InstancesOfSeries(series));
  for (const Doc doc : docs) {
    HILUM_ASSIGN_OR_RETURN(InstanceRow row, reader.Instance(doc));
    DropAttributes(&row);
    selection->instances.push_back({doc, series_uid, std::move(row)});
  }
  return Status::Ok();
}

Result<Selection> Select(const CatalogueReader& reader, const Resource& resource, bool with_instances) {
  Selection selection;
  HILUM_ASSIGN_OR_RETURN(const std::optional<Doc> study, reader.FindStudy(*resource.study));
  if (!study) return NotFound("there is no study " + *resource.study);
  if (!resource.series) {
    HILUM_ASSIGN_OR_RETURN(const storage::StudyRow row, reader.Study(*study));
    selection.etag = TagOf(VersionOf(*study, row));
    if (!with_instances) return selection;
    HILUM_ASSIGN_OR_RETURN(const std::vector<Doc> all, reader.SeriesOfStudy(*study));
    for (const Doc series : all) {
      HILUM_ASSIGN_OR_RETURN(const storage::SeriesRow series_row, reader.Series(series));
      HILUM_RETURN_IF_ERROR(AddSeries(reader, series, series_row.uid, &selection));
    }
    return selection;
  }
  HILUM_ASSIGN_OR_RETURN(const std::optional<Doc> series, reader.FindSeries(*study, *resource.series));
  if (!series) return NotFound("there is no series " + *resource.series + " in that study");
  if (!resource.instance) {
    HILUM_ASSIGN_OR_RETURN(const storage::SeriesRow row, reader.Series(*series));
    selection.etag = TagOf(VersionOf(*series, row));
    if (with_instances) HILUM_RETURN_IF_ERROR(AddSeries(reader, *series, *resource.series, &selection));
    return selection;
  }
  HILUM_ASSIGN_OR_RETURN(const std::optional<Doc> doc,
                         reader.FindInstance({*resource.study, *resource.series, *resource.instance}));
  if (!doc) return NotFound("there is no instance " + *resource.instance + " in that series");
  HILUM_ASSIGN_OR_RETURN(InstanceRow row, reader.Instance(*doc));
  selection.etag = TagOf(VersionOf(*doc, row));
  selection.instances.push_back({*doc, *resource.series, std::move(row)});
  return selection;
}

// What Range leaves of `total` bytes, with the headers that say so. nullopt: it was answered with 416.
struct Wanted {
  int status = 200;
  uint64_t offset = 0;
  uint64_t length = 0;
};
Result<std::optional<Wanted>> ApplyRange(const http::Request& request, http::Responder& responder, uint64_t total,
                                         http::Headers* headers) {
  headers->Add("Accept-Ranges", "bytes");
  const auto if_range = request.headers.First("If-Range");  // a date equals no tag
  const bool other = if_range && !http::EqualStrongly(*if_range, headers->First("ETag").value_or(""));
  const bool whole = other || request.method != "GET";  // RFC 9110 14.2: ranges are of GET alone
  const auto asked = http::ParseRange(whole ? "" : request.headers.First("Range").value_or(""), total);
  if (!asked.ok()) {
    HILUM_RETURN_IF_ERROR(SendError(responder, request, 416, asked.status().message(),
                                    {{"Content-Range", "bytes */" + std::to_string(total)}}));
    return std::optional<Wanted>();
  }
  if (!*asked) return std::optional<Wanted>({200, 0, total});
  const auto [offset, length] = **asked;
  headers->Add("Content-Range", "bytes " + std::to_string(offset) + "-" + std::to_string(offset + length - 1) + "/" +
                                    std::to_string(total));
  return std::optional<Wanted>({206, offset, length});
}

// Cuts what is wanted out of a body that is gone through piece by piece.
class Window {
 public:
  explicit Window(const Wanted& wanted) : begin_(wanted.offset), end_(wanted.offset + wanted.length) {}

  StoredRange Cut(const StoredRange& piece) {
    const auto [from, length] = Next(piece.length);
    return piece.Slice(from, length);
  }
  Bytes Cut(Bytes piece) {
    const auto [from, length] = Next(piece.size());
    return piece.substr(from, length);
  }

 private:
  // Of the next `length` bytes of the body: where among them it begins, and how many there are.
  std::pair<uint64_t, uint64_t> Next(uint64_t length) {
    const uint64_t at = at_;
    at_ += length;
    const uint64_t from = std::clamp(begin_, at, at_), to = std::clamp(end_, at, at_);
    return {from - at, to - from};
  }

  const uint64_t begin_, end_;
  uint64_t at_ = 0;  // in the body
};

}  // namespace

std::string TagOf(const storage::Version& version) {
  const char kind = version.level == storage::Level::kStudy    ? 't'
                    : version.level == storage::Level::kSeries ? 'e'
                                                               : 'i';
  return "\"" + (kind + std::to_string(version.doc)) + "-" + std::to_string(version.number) + "\"";
}

Result<Selection> Select(const CatalogueReader& reader, const Resource& resource) {
  return Select(reader, resource, /*with_instances=*/true);
}

Result<std::string> SelectTag(const CatalogueReader& reader, const Resource& resource) {
  HILUM_ASSIGN_OR_RETURN(Selection selection, Select(reader, resource, /*with_instances=*/false));
  return std::move(selection.etag);
}

std::vector<Found> OneOfEachSyntax(const std::vector<Found>& instances) {
  constexpr size_t kMaxExamples = 8;
  const auto has_frames = [](const Found& found) {
    return !found.row.frame_table.empty() || found.row.frame_chunks > 0;
  };
  std::vector<Found> examples;
  for (const Found& found : instances) {
    const auto same = std::ranges::find_if(
        examples, [&](const Found& one) { return one.row.transfer_syntax == found.row.transfer_syntax; });
    if (same == examples.end()) {
      if (examples.size() < kMaxExamples) examples.push_back(found);
    } else if (has_frames(found) && !has_frames(*same)) {
      *same = found;
    }
  }
  return examples;
}

Result<StoredRange> LocateObject(storage::Store& store, Found* found) {
  auto location = store.objects().Locate(found->row.object);
  if (location.status().code() == Code::kNotFound) {
    HILUM_ASSIGN_OR_RETURN(found->row, store.Read().Instance(found->doc));
    location = store.objects().Locate(found->row.object);
  }
  if (!location.ok()) return location.status();
  return StoredRange{found->row.object, 0, found->row.object.length, location->file, location->offset};
}

Result<Mapping> MapObject(storage::Store& store, Found* found, uint64_t checked) {
  HILUM_ASSIGN_OR_RETURN(const StoredRange range, LocateObject(store, found));
  HILUM_RETURN_IF_ERROR(store.objects().Check(range.object, 0, std::min(range.length, checked)));
  const bool short_and_whole = checked >= range.length && range.length <= kShortObject;
  return short_and_whole ? Mapping::Read(*range.file, range.body, range.length)
                         : Mapping::Map(range.file, range.body, range.length);
}

Result<Bytes> ObjectViews::Of(Found* found, uint64_t checked) {
  HILUM_ASSIGN_OR_RETURN(const StoredRange range, LocateObject(store_, found));
  HILUM_RETURN_IF_ERROR(store_.objects().Check(range.object, 0, std::min(range.length, checked)));
  const uint64_t end = range.body + range.length;
  if (range.file->descriptor() < 0) {  // it would be copied as a whole
    HILUM_ASSIGN_OR_RETURN(mapping_, Mapping::Map(range.file, range.body, range.length));
    file_ = nullptr;
    return mapping_.bytes();
  }
  if (range.file != file_ || end > mapping_.bytes().size()) {
    HILUM_ASSIGN_OR_RETURN(const uint64_t size, range.file->Size());
    HILUM_ASSIGN_OR_RETURN(mapping_, Mapping::Map(range.file, 0, std::max(size, end)));
    file_ = range.file;
  }
  return mapping_.bytes().substr(range.body, range.length);
}

Status ObjectViews::Judge(Status read) {
  Status status = mapping_.Judge(std::move(read));
  if (status.code() == Code::kCorruption) file_ = nullptr;  // the next object may be sound
  return status;
}

Condition ConditionOf(const http::Request& request, std::string_view etag) {
  const std::string plain = http::PlainEntityTags(etag);  // as the fields of the request come here
  const auto names = [&](std::string_view field, const auto& equal) {
    return http::AnyTag(request.headers.Joined(field), [&](std::string_view known) { return equal(known, plain); });
  };
  if (request.headers.First("If-Match") && !names("If-Match", http::EqualStrongly)) return Condition::kOtherVersion;
  if (request.headers.First("If-None-Match") && names("If-None-Match", http::EqualWeakly))
    return Condition::kNotModified;
  return Condition::kHolds;
}

Result<bool> AnswerCondition(const http::Request& request, http::Responder& responder, const http::Headers& headers) {
  const std::string etag(headers.First("ETag").value_or(""));
  const Condition condition = ConditionOf(request, etag);
  if (condition == Condition::kOtherVersion)
    HILUM_RETURN_IF_ERROR(SendError(responder, request, 412, kOtherVersion, {{"ETag", etag}}));
  if (condition == Condition::kNotModified) HILUM_RETURN_IF_ERROR(responder.Send(304, headers, ""));
  return condition != Condition::kHolds;
}

std::string TagWithUrls(std::string_view etag, std::string_view base) {
  return "\"u" + std::to_string(XXH3_64bits(base.data(), base.size())) + "-" + std::string(etag.substr(1));
}

bool IsVersionMeant(const http::Request& request, std::string_view etag) {
  if (!request.headers.First("If-Match")) return true;
  // Tags of representations are a prefix and the tag of the version, which begins with a letter.
  return http::AnyTag(request.headers.Joined("If-Match"), [&](std::string_view known) {
    return !http::IsWeakTag(known) && known.ends_with(etag.substr(1));
  });
}

Status SendRange(storage::Store& store, const http::Request& request, http::Responder& responder,
                 const StoredRange& range, http::Headers headers) {
  return SendRanges(store, request, responder, {&range, 1}, std::move(headers));
}

Status SendRanges(storage::Store& store, const http::Request& request, http::Responder& responder,
                  std::span<const StoredRange> ranges, http::Headers headers) {
  uint64_t total = 0;
  for (const StoredRange& range : ranges) total += range.length;
  HILUM_ASSIGN_OR_RETURN(const std::optional<Wanted> wanted, ApplyRange(request, responder, total, &headers));
  if (!wanted) return Status::Ok();
  Window window(*wanted);
  for (const StoredRange& range : ranges) {
    if (!responder.wants_body()) break;
    const StoredRange slice = window.Cut(range);
    if (slice.length == 0) continue;
    HILUM_RETURN_IF_ERROR(store.objects().Check(slice.object, slice.offset, slice.length));
    if (!responder.started()) HILUM_RETURN_IF_ERROR(responder.Head(wanted->status, headers, wanted->length));
    HILUM_RETURN_IF_ERROR(responder.WriteFile({slice.file, slice.body + slice.offset, slice.length}));
  }
  if (!responder.started()) HILUM_RETURN_IF_ERROR(responder.Head(wanted->status, headers, wanted->length));
  return responder.Finish();
}

Status SendBytes(const http::Request& request, http::Responder& responder, Bytes bytes, http::Headers headers) {
  HILUM_ASSIGN_OR_RETURN(const std::optional<Wanted> wanted, ApplyRange(request, responder, bytes.size(), &headers));
  if (!wanted) return Status::Ok();
  HILUM_RETURN_IF_ERROR(responder.Head(wanted->status, headers, wanted->length));
  HILUM_RETURN_IF_ERROR(responder.Write(bytes.substr(wanted->offset, wanted->length)));
  return responder.Finish();
}

Status SendParts(storage::Store& store, const http::Request& request, http::Responder& responder,
                 multipart::Writer writer, std::string_view part_type, size_t parts,
                 const std::function<Part(size_t)>& part, http::Headers headers) {
  const uint64_t total = writer.BodyLength(parts, [&](size_t i) {
    const Part one = part(i);
    uint64_t bytes = 0;
    for (const StoredRange& range : one.ranges) bytes += range.length;
    return multipart::Writer::PartSize{one.headers, bytes};
  });
  headers.Add("Content-Type", writer.ContentType(part_type));
  std::optional<Wanted> wanted({200, 0, total});
  const bool steady = !http::IsWeakTag(headers.First("ETag").value_or("W/"));
  if (steady) {
    HILUM_ASSIGN_OR_RETURN(wanted, ApplyRange(request, responder, total, &headers));
  }
  if (!wanted) return Status::Ok();
  const auto begin = [&] {
    return responder.started() ? Status::Ok() : responder.Head(wanted->status, headers, wanted->length);
  };
  Window window(*wanted);
  for (size_t i = 0; i < parts && responder.wants_body(); ++i) {
    const Part one = part(i);
    const std::string part_head = writer.PartHead(one.headers);
    const Bytes head = window.Cut(part_head);
    std::vector<StoredRange> slices;
    for (const StoredRange& range : one.ranges)
      if (StoredRange slice = window.Cut(range); slice.length > 0) slices.push_back(std::move(slice));
    if (head.empty() && slices.empty()) continue;
    // Checked before anything of the part is sent, and the first one before the status: damage there gets an answer,
    // later a broken transfer.
    for (const StoredRange& slice : slices)
      HILUM_RETURN_IF_ERROR(store.objects().Check(slice.object, slice.offset, slice.length));
    HILUM_RETURN_IF_ERROR(begin());
    HILUM_RETURN_IF_ERROR(responder.Write(head));
    for (const StoredRange& slice : slices)
      HILUM_RETURN_IF_ERROR(responder.WriteFile({slice.file, slice.body + slice.offset, slice.length}));
  }
  HILUM_RETURN_IF_ERROR(begin());
  if (!responder.wants_body()) return responder.Finish();
  const std::string end = writer.End();
  HILUM_RETURN_IF_ERROR(responder.Write(window.Cut(end)));
  return responder.Finish();
}

}  // namespace hilum::dicomweb
