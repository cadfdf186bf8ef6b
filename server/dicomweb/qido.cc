#include "server/dicomweb/qido.h"

#include <algorithm>
#include <functional>
#include <map>

#include "codecs/dicom/tag_path.h"
#include "server/dicomweb/native_xml.h"
#include "server/dicomweb/negotiate.h"
#include "server/dicomweb/refusal.h"
#include "server/dicomweb/rows.h"
#include "server/dicomweb/search_request.h"
#include "server/dicomweb/selection.h"
#include "storage/catalogue/extended_tags.h"

namespace hilum::dicomweb {
namespace {

using storage::CatalogueMatch;
using storage::Level;
namespace t = dicom::tags;

// All in one field (RFC 9111 5.5 lets them share one), and not without end: clients count fields and their bytes.
std::string WarningField(const std::vector<std::string>& warnings) {
  constexpr size_t kMaxTold = 10;
  const size_t told = std::min(warnings.size(), kMaxTold);
  std::string field;
  for (size_t i = 0; i < told; ++i) field.append(i > 0 ? ", " : "").append(http::WarningOf(warnings[i]));
  if (warnings.size() > told)
    field += ", " + http::WarningOf(std::to_string(warnings.size() - told) + " more of this kind");
  return field;
}

// In the words of PS3.18 8.3.4.4.1, which clients look for in the first warning.
std::string MoreResults(uint64_t remaining) {
  return "There are " + std::to_string(remaining) + " additional results that can be requested";
}

std::vector<std::string> Names(const std::map<std::string, uint64_t>& counts) {
  std::vector<std::string> names;
  for (const auto& [name, count] : counts) names.push_back(name);
  return names;
}

// Attributes of type R in PS3.18 tables 10.6.3-3 to -5 that data sets may lack: they are returned all the same.
void AddRequired(const SearchRequest& search, Row* row) {
  static constexpr std::pair<Level, dicom::Tag> kRequired[] = {
      {Level::kPatient, t::kPatientName},
      {Level::kPatient, t::kPatientId},
      {Level::kPatient, t::kPatientBirthDate},
      {Level::kPatient, t::kPatientSex},
      {Level::kStudy, t::kStudyDate},
      {Level::kStudy, t::kStudyTime},
      {Level::kStudy, t::kAccessionNumber},
      {Level::kStudy, t::kReferringPhysicianName},
      {Level::kStudy, t::kPatientName},
      {Level::kStudy, t::kPatientId},
      {Level::kStudy, t::kPatientBirthDate},
      {Level::kStudy, t::kPatientSex},
      {Level::kStudy, t::kStudyId},
      {Level::kSeries, t::kModality},
      {Level::kSeries, t::kSeriesNumber},
      {Level::kInstance, t::kInstanceNumber},
  };
  for (const auto& [level, tag] : kRequired) {
    const bool above = search.parents && level != Level::kPatient && level < search.query.level;
    if (level == search.query.level || above) row->AddIfMissing(tag);
  }
}

// Attributes of one level go into `row`, those that are only returned where they are asked for into `on_request`.
struct RowSink {
  const storage::AttributeTable& table;
  Row* row;
  Row* on_request;

  void Add(Level level, const storage::KeptAttributes& kept) const {
    for (const storage::KeptAttribute& attribute : kept) {
      const storage::CatalogueAttribute* known = table.Find(level, attribute.path);
      (known && known->in_every_row ? row : on_request)->Add(attribute);
    }
  }
};

void AddStudy(const storage::StudyRow& study, const RowSink& sink) {
  sink.Add(Level::kStudy, study.attributes);
  sink.row->Add(t::kModalitiesInStudy, dicom::Vr("CS"), Names(study.modalities));
  sink.row->Add(t::kSopClassesInStudy, dicom::Vr("UI"), Names(study.sop_classes));
  sink.row->Add(t::kNumberOfStudyRelatedSeries, dicom::Vr("IS"), {std::to_string(study.series)});
  sink.row->Add(t::kNumberOfStudyRelatedInstances, dicom::Vr("IS"), {std::to_string(study.instances)});
}

void AddSeries(const storage::SeriesRow& series, const RowSink& sink) {
  for (const storage::KeptAttribute& attribute : series.attributes)
    if (series.IsBacked(attribute.path.front())) sink.Add(Level::kSeries, {attribute});
  sink.row->Add(t::kNumberOfSeriesRelatedInstances, dicom::Vr("IS"), {std::to_string(series.instances)});
}

// The element that says whose a private one is; nothing for one that none of them speaks for (PS3.5 7.8.1).
std::optional<dicom::Tag> CreatorTagOf(dicom::Tag tag) {
  const dicom::Tag creator(tag.group, static_cast<uint16_t>(tag.element >> 8));
  return tag.is_private() && creator.element >= 0x10 ? std::optional(creator) : std::nullopt;
}

// Of private attributes that the catalogue keeps (PS3.18 10.6.3.3): of one creator alone, whatever block the object has
// them in.
void AddCreators(const storage::AttributeTable& table, const std::vector<dicom::Tag>& tags, Row* row) {
  for (const dicom::Tag tag : tags) {
    const std::optional<dicom::Tag> creator = CreatorTagOf(tag);
    if (!creator || !row->Has(tag)) continue;
    const auto known = std::ranges::find(table.all(), dicom::TagPath{tag}, &storage::CatalogueAttribute::path);
    if (known != table.all().end()) row->Add(*creator, dicom::Vr("LO"), {known->private_creator});
  }
}

Row RowOf(const storage::AttributeTable& table, const std::string& base, const SearchRequest& search,
          const CatalogueMatch& match) {
  Row row, rest;
  Row* const on_request = search.all ? &row : &rest;
  if (match.patient) {
    RowSink{table, &row, on_request}.Add(Level::kPatient, match.patient->attributes);
    row.Add(t::kNumberOfPatientRelatedStudies, dicom::Vr("IS"), {std::to_string(match.patient->studies)});
    AddRequired(search, &row);
    return row;
  }
  const Level level = search.query.level;
  const auto sink_of = [&](Level of) {
    return RowSink{table, level == of || search.parents ? &row : &rest, on_request};
  };
  std::string url = base + "/studies/" + match.study.uid;
  AddStudy(match.study, sink_of(Level::kStudy));
  row.Add(t::kStudyInstanceUid, dicom::Vr("UI"), {match.study.uid});
  if (match.series) {
    url += "/series/" + match.series->uid;
    AddSeries(*match.series, sink_of(Level::kSeries));
    row.Add(t::kSeriesInstanceUid, dicom::Vr("UI"), {match.series->uid});
  }
  if (match.instance) {
    url += "/instances/" + match.instance->uid;
    sink_of(Level::kInstance).Add(Level::kInstance, match.instance->attributes);
    for (const storage::KeptAttribute& attribute : match.instance->own) on_request->Add(attribute);
  }
  for (const dicom::Tag tag : search.asked_for) row.CopyFrom(rest, tag);
  for (const dicom::Tag tag : search.matched) row.CopyFrom(rest, tag);
  AddCreators(table, search.asked_for, &row);
  AddCreators(table, search.matched, &row);
  row.CopyFrom(rest, t::kTimezoneOffsetFromUtc);  // at every level, by PS3.18 tables 10.6.3-4 and -5
  row.Add(t::kInstanceAvailability, dicom::Vr("CS"), {"ONLINE"});
  row.Add(t::kRetrieveUrl, dicom::Vr("UR"), {url});
  AddRequired(search, &row);
  return row;
}

// The instance whose data set speaks for the row: itself, or the first one of the series or study.
Result<std::optional<Found>> Representative(const storage::CatalogueReader& reader, const CatalogueMatch& match) {
  const std::optional<Found> none;
  if (match.patient) return none;
  if (match.instance) {
    HILUM_ASSIGN_OR_RETURN(const std::optional<storage::Doc> doc,
                           reader.FindInstance({match.study.uid, match.series->uid, match.instance->uid}));
    if (!doc) return none;
    return std::optional(Found{*doc, match.series->uid, *match.instance});
  }
  HILUM_ASSIGN_OR_RETURN(const std::optional<storage::Doc> study, reader.FindStudy(match.study.uid));
  if (!study) return none;
  std::vector<storage::Doc> all_series;
  if (match.series) {
    HILUM_ASSIGN_OR_RETURN(const std::optional<storage::Doc> series, reader.FindSeries(*study, match.series->uid));
    if (series) all_series.push_back(*series);
  } else {
    HILUM_ASSIGN_OR_RETURN(all_series, reader.SeriesOfStudy(*study));
  }
  for (const storage::Doc series : all_series) {
    HILUM_ASSIGN_OR_RETURN(const std::vector<storage::Doc> instances, reader.InstancesOfSeries(series));
    if (instances.empty()) continue;
    HILUM_ASSIGN_OR_RETURN(storage::SeriesRow parent, reader.Series(series));
    HILUM_ASSIGN_OR_RETURN(storage::InstanceRow row, reader.Instance(instances.front()));
    return std::optional(Found{instances.front(), std::move(parent.uid), std::move(row)});
  }
  return none;
}

// `asked_for`, and of private attributes the creators that tell what they are.
std::vector<dicom::Tag> WithCreators(std::vector<dicom::Tag> asked_for) {
  const size_t count = asked_for.size();
  for (size_t i = 0; i < count; ++i) {
    const std::optional<dicom::Tag> creator = CreatorTagOf(asked_for[i]);
    if (creator && std::ranges::find(asked_for, *creator) == asked_for.end()) asked_for.push_back(*creator);
  }
  return asked_for;
}

// Attributes that the catalogue does not keep come from the stored bytes. `base`: of the service.
Status AddFromObject(storage::Store& store, const storage::CatalogueReader& reader, const CatalogueMatch& match,
                     const std::string& base, const std::vector<dicom::Tag>& asked_for, const dicom::ReadLimits& limits,
                     Row* row) {
  std::vector<dicom::TagPath> missing;
  for (const dicom::Tag tag : WithCreators(asked_for))
    if (!row->Has(tag) && !dicom::IsPixelData(tag)) missing.push_back({tag});  // pixels are no search result
  if (missing.empty()) return Status::Ok();
  HILUM_ASSIGN_OR_RETURN(std::optional<Found> found, Representative(reader, match));
  if (!found) return Status::Ok();
  HILUM_ASSIGN_OR_RETURN(const Mapping mapping, MapObject(store, &*found, kHeaderBytes));
  const std::string url = base + "/studies/" + match.study.uid + "/series/" + found->series_uid + "/instances/" +
                          found->row.uid + "/bulkdata/";
  const dicom::JsonOptions options{.bulk_data_uri = [&](const std::string& path) { return url + path; }};
  const Result<dicom::Header> header =
      dicom::ReadHeader(mapping.bytes(), dicom::AttributeSelection(missing), limits, options);
  HILUM_RETURN_IF_ERROR(mapping.Judge(header.status()));
  for (const dicom::Attribute& attribute : header->attributes) {
    if (attribute.vr.is_text() || attribute.vr.is_binary_number())
      row->Add(attribute.path[0], attribute.vr, attribute.values);
    else
      row->AddJson(attribute.path[0], attribute.vr, attribute.json);
  }
  return Status::Ok();
}

// The rows of what was found, made one at a time whenever they are asked for: thousands at once would take many times
// the memory of their text.
struct RowSource {
  storage::Store& store;
  const storage::CatalogueReader& reader;
  const ServiceOptions& options;
  const std::string& base;  // URL of the service
  const SearchRequest& search;
  const std::vector<storage::Doc>& docs;
  const Logger& log;
  bool all_read = true;  // of what the catalogue does not keep

  Status ForEach(const std::function<Status(const Row&)>& take) {
    CatalogueMatch match;
    for (const storage::Doc doc : docs) {
      HILUM_RETURN_IF_ERROR(reader.ReadMatch(search.query.level, doc, &match));
      Row row = RowOf(reader.table(), base, search, match);
      Complete(match, &row);
      HILUM_RETURN_IF_ERROR(take(row));
    }
    return Status::Ok();
  }

 private:
  // One unreadable instance must not hide what else was found.
  void Complete(const CatalogueMatch& match, Row* row) {
    const Status status = AddFromObject(store, reader, match, base, search.asked_for, options.ingest.limits, row);
    if (status.ok() || status.code() == Code::kNotFound) return;  // gone since `reader` looked
    log.Error("attributes for a search could not be read", {{"study", match.study.uid}, {"reason", status.message()}});
    all_read = false;
  }
};

Result<std::string> JsonOf(RowSource& rows) {
  std::string text = "[";
  HILUM_RETURN_IF_ERROR(rows.ForEach([&](const Row& row) {
    if (text.size() > 1) text.push_back(',');
    row.AppendJson(&text);
    return Status::Ok();
  }));
  text.push_back(']');
  return text;
}

Result<std::string> CsvOf(RowSource& rows) {
  Row least;
  AddRequired(rows.search, &least);
  CsvTable table;
  table.AddColumnsOf(least);
  HILUM_RETURN_IF_ERROR(rows.ForEach([&](const Row& row) {
    table.AddColumnsOf(row);
    return Status::Ok();
  }));
  std::string text;
  table.AppendHead(&text);
  HILUM_RETURN_IF_ERROR(rows.ForEach([&](const Row& row) {
    table.AppendLine(row, &text);
    return Status::Ok();
  }));
  return text;
}

Status AddXmlParts(RowSource& rows, XmlParts* parts) {
  return rows.ForEach([&](const Row& row) -> Status {
    std::string json;
    row.AppendJson(&json);
    HILUM_ASSIGN_OR_RETURN(const std::string document, XmlOf(json));
    parts->Add(document);
    return Status::Ok();
  });
}

// Tells searches that are paged through apart, and who does it.
std::string PagingKey(const http::Request& request, const QueryParameters& parameters) {
  std::string key = request.peer + "\n" + request.client_subject + "\n" + request.headers.Joined("Authorization") +
                    "\n" + request.path;
  for (const auto& [name, value] : parameters)
    if (name != "limit" && name != "offset") key += "\n" + name + "=" + value;
  return key;
}

}  // namespace

Status SearchService::Search(http::Request& request, const Resource& resource, const QueryParameters& parameters,
                             http::Responder& responder) {
  const auto form = Accepted(request, parameters).Search();
  if (!form)
    return SendError(responder, request, 406,
                     "search results can be had as application/dicom+json, multipart/related; "
                     "type=\"application/dicom+xml\" or text/csv");
  const uint64_t sequence = store_.kv().sequence();  // before the snapshot: never newer than what is found
  storage::CatalogueReader reader = store_.Read();
  HILUM_ASSIGN_OR_RETURN(SearchRequest search, ParseSearch(reader.table(), resource, parameters, options_));
  // Rows below studies come in order of arrival: new ones push none away.
  const bool newest_first = search.query.level <= Level::kStudy;
  const std::string paging_key = newest_first ? PagingKey(request, parameters) : "";
  if (newest_first && search.query.offset > 0) search.query.up_to = paging_.Find(paging_key);
  const std::string base = options_.BaseUrl(request);
  // Every change of the store changes the tag, and it tells apart the forms and the URLs in them; nothing else does.
  const char* const kind = form == Accepted::Listing::kJson ? "q" : form == Accepted::Listing::kXml ? "qx" : "qc";
  const std::string up_to = search.query.up_to ? "-" + std::to_string(*search.query.up_to) : "";
  const std::string etag = WeakTag(TagWithUrls("\"" + (kind + std::to_string(sequence)) + up_to + "\"", base));
  http::Headers headers = {{"ETag", etag}, {"Cache-Control", "private, no-cache"}, {"Vary", "Accept"}};
  HILUM_ASSIGN_OR_RETURN(const bool answered, AnswerCondition(request, responder, headers));
  if (answered) return Status::Ok();

  std::optional<storage::Query> studies;
  if (!search.records.empty()) {
    if (records_ == nullptr) return Unsupported("this server has no FHIR resources to filter by");
    auto compiled = records_->Compile(search.records, request.base_url);
    if (compiled.status().code() == Code::kUnsupported) return Invalid(compiled.status().message());
    HILUM_ASSIGN_OR_RETURN(studies, std::move(compiled));
  }
  HILUM_ASSIGN_OR_RETURN(const storage::CatalogueMatches matches, reader.Find(search.query, std::move(studies)));
  if (newest_first && search.query.offset == 0 && matches.newest) paging_.Begin(paging_key, *matches.newest);
  RowSource rows{store_, reader, options_, base, search, matches.docs, log_};
  headers.Add("X-Total-Count", std::to_string(matches.total));
  const uint64_t before = std::min(search.query.offset, matches.total);
  if (const uint64_t remaining = matches.total - before - matches.docs.size(); remaining > 0)
    search.warnings.insert(search.warnings.begin(), MoreResults(remaining));
  HILUM_ASSIGN_OR_RETURN(const std::string incomplete, IncompleteKeys(reader.table(), search.query));
  if (!incomplete.empty()) headers.Add("erroneous-dicom-attributes", incomplete);
  const auto warn = [&] {
    if (!rows.all_read)
      search.warnings.emplace_back("what is not indexed could not be read of some rows, and is left out there");
    if (!search.warnings.empty()) headers.Add("Warning", WarningField(search.warnings));
  };
  if (form == Accepted::Listing::kXml) {
    XmlParts parts(random_);
    HILUM_RETURN_IF_ERROR(AddXmlParts(rows, &parts));
    warn();
    return parts.Send(std::move(headers), responder);
  }
  const bool csv = form == Accepted::Listing::kCsv;
  HILUM_ASSIGN_OR_RETURN(const std::string text, csv ? CsvOf(rows) : JsonOf(rows));
  warn();
  headers.Add("Content-Type", csv ? "text/csv; charset=utf-8" : "application/dicom+json");
  return responder.Send(200, std::move(headers), text);
}

Result<std::string> SearchService::IncompleteKeys(const storage::AttributeTable& table,
                                                  const storage::CatalogueQuery& query) const {
  std::string keys;
  for (const storage::AttributeFilter& filter : query.filters) {
    const auto* known = table.FindSearchable(query.level, filter.path);
    if (known == nullptr || !known->incomplete) continue;
    HILUM_ASSIGN_OR_RETURN(const auto tag, storage::ReadTag(store_.kv(), storage::Tenant::kDefault, known->path));
    if (tag && tag->errors > 0) keys += (keys.empty() ? "" : ",") + dicom::KeywordPath(filter.path);
  }
  return keys;
}

}  // namespace hilum::dicomweb
