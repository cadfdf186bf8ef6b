#include "server/dicomweb/instances.h"

#include <algorithm>
#include <map>

#include "codecs/dicom/transfer_syntax.h"
#include "codecs/pixel/transcode.h"
#include "server/dicomweb/refusal.h"

namespace hilum::dicomweb {
namespace {

// Of a converted instance, kept back until it is whole or longer: a frame that cannot be decoded may come late.
constexpr size_t kHeldBytes = 16 << 20;

// The transfer syntax an instance is sent in when `wanted` is asked for ("*": as stored, "": nothing in particular);
// empty when that cannot be.
std::string SyntaxFor(const std::string& wanted, const std::string& stored) {
  const bool big_endian = stored == dicom::kExplicitBigEndian;  // no client can be expected to read it
  if (wanted == stored || (wanted == "*" && !big_endian)) return stored;
  const std::string target = wanted.empty() || wanted == "*" ? std::string(dicom::kExplicitLittleEndian) : wanted;
  if (target == stored || pixel::CanTranscode(stored, target)) return target;
  return wanted.empty() ? stored : "";  // asked for nothing in particular: better as stored than not at all
}

bool Insists(const InstanceChoice& choice) {
  return !choice.transfer_syntax.empty() && choice.transfer_syntax != "*";
}

// In any of the choices, most wanted first.
std::vector<std::string> SyntaxesFor(const std::vector<InstanceChoice>& choices, const std::string& stored) {
  std::vector<std::string> syntaxes;
  for (const InstanceChoice& choice : choices) {
    std::string target = SyntaxFor(choice.transfer_syntax, stored);
    if (!target.empty() && std::ranges::find(syntaxes, target) == syntaxes.end()) syntaxes.push_back(std::move(target));
  }
  return syntaxes;
}

// What tells the answer from those to other choices. Only syntaxes that we know are in it.
std::string TagFor(const std::vector<InstanceChoice>& choices, const std::string& etag) {
  std::string tag;
  if (choices.front().transfer_syntax != "*") {
    for (const InstanceChoice& choice : choices) tag += (tag.empty() ? "" : "+") + choice.transfer_syntax;
    tag += "-";
  }
  return (choices.front().packing == Packing::kZip ? "\"z" : "\"") + tag + etag.substr(1);
}

// Whether the bytes begin as a DICOM file does. What cannot be read shows when it is sent.
bool IsFile(const StoredRange& range) {
  char head[132] = {};
  if (range.length < sizeof(head)) return false;
  const Status status = range.file->ReadAt(range.body, head);
  return !status.ok() || std::string_view(head + 128, 4) == "DICM";
}

bool HasNoRoom(const Status& status) {
  return status.code() == Code::kUnsupported || status.code() == Code::kNotFound;
}

}  // namespace

Result<std::vector<InstanceChoice>> InstanceService::ChooseInstances(std::vector<InstanceChoice> choices,
                                                                     std::vector<Found>* instances) {
  std::erase_if(choices, [&](const InstanceChoice& choice) {
    return std::ranges::all_of(*instances, [&](const Found& found) {
      return SyntaxFor(choice.transfer_syntax, found.row.transfer_syntax).empty();
    });
  });
  ObjectViews views(store_);
  std::string reason;  // of the first
  const auto fits = [&](const InstanceChoice& choice, Found* found) {
    const std::string target = SyntaxFor(choice.transfer_syntax, found->row.transfer_syntax);
    if (target.empty() || target == found->row.transfer_syntax || !Insists(choice)) return !target.empty();
    const Result<Bytes> file = views.Of(found, kHeaderBytes);
    if (!file.ok()) return true;  // what is damaged is told where it is read
    const Status status = pixel::CheckTranscode(*file, target, {.read = options_.ingest.limits});
    if (HasNoRoom(status) && reason.empty())
      reason = "instance " + found->row.uid + ": " + std::string(status.message());
    return !HasNoRoom(status);
  };
  const auto first = std::ranges::find_if(choices, [&](const InstanceChoice& choice) {
    return std::ranges::any_of(*instances, [&](Found& found) { return fits(choice, &found); });
  });
  if (first == choices.end()) return Unsupported(reason.empty() ? "no form that was asked for can be made" : reason);
  choices.erase(choices.begin(), first);
  std::erase_if(choices, [&](const InstanceChoice& other) { return other.packing != choices.front().packing; });
  const auto last = std::ranges::find_if_not(choices, Insists);  // every instance can be had so
  if (last != choices.end()) choices.erase(last + 1, choices.end());
  return choices;
}

std::string InstanceService::ObtainableSyntaxes(const std::vector<Found>& instances) {
  std::string stored, others;
  std::vector<Found> examples = OneOfEachSyntax(instances);
  for (const Found& found : examples) stored += (stored.empty() ? "" : ", ") + found.row.transfer_syntax;
  ObjectViews views(store_);
  for (const pixel::TransferSyntax& syntax : pixel::TransferSyntaxes()) {
    const std::string uid(syntax.uid);
    const bool possible = std::ranges::any_of(examples, [&](Found& found) {
      if (found.row.transfer_syntax == uid || !pixel::CanTranscode(found.row.transfer_syntax, uid)) return false;
      const Result<Bytes> file = views.Of(&found, kHeaderBytes);
      return file.ok() && pixel::CheckTranscode(*file, uid, {.read = options_.ingest.limits}).ok();
    });
    if (possible) others += ", " + uid;
  }
  if (instances.size() > 1 && !others.empty()) others = ", or, those with room in it, in " + others.substr(2);
  return "as stored with transfer-syntax=* (" + stored + ")" + others;
}

Status InstanceService::Retrieve(http::Request& request, const Resource& resource, const QueryParameters& query,
                                 http::Responder& responder) {
  HILUM_ASSIGN_OR_RETURN(Selection selection, Select(store_.Read(), resource));
  const auto choices =
      ChooseInstances(Accepted(request, query).Instances(resource.instance.has_value()), &selection.instances);
  if (HasNoRoom(choices.status())) {
    return SendError(responder, request, 406,
                     std::string(choices.status().message()) +
                         "; instances can be had as multipart/related; type=\"application/dicom\"" +
                         (resource.instance ? ", application/dicom" : "") + " or application/zip, " +
                         ObtainableSyntaxes(selection.instances));
  }
  if (!choices.ok()) return choices.status();
  const Packing packing = choices->front().packing;
  http::Headers headers = {{"ETag", TagFor(*choices, selection.etag)}, {"Vary", "Accept"}};
  if (packing == Packing::kMultipart)
    headers.Set("ETag", WeakTag(TagWithUrls(*headers.First("ETag"), options_.BaseUrl(request))));
  HILUM_ASSIGN_OR_RETURN(const bool answered, AnswerCondition(request, responder, headers));
  if (answered) return Status::Ok();

  const std::string all_series = options_.BaseUrl(request) + "/studies/" + *resource.study + "/series/";
  // "*" means the stored bytes, but in an archive are files.
  const bool wants_files = packing == Packing::kZip || choices->front().transfer_syntax != "*";
  std::map<std::string, std::vector<std::string>> targets;  // of what is stored in each transfer syntax
  std::vector<Packed> instances;
  instances.reserve(selection.instances.size());
  for (Found& found : selection.instances) {
    HILUM_ASSIGN_OR_RETURN(StoredRange range, LocateObject(store_, &found));
    const bool bare = wants_files && !IsFile(range);
    const auto [of_syntax, first] = targets.try_emplace(found.row.transfer_syntax);
    if (first) of_syntax->second = SyntaxesFor(*choices, of_syntax->first);
    instances.push_back({std::move(found.row.uid), std::move(found.series_uid), of_syntax->first, of_syntax->second,
                         std::move(range), bare});
  }
  selection.instances = std::vector<Found>();  // with their memory, before it waits for the client
  const bool as_stored = std::ranges::all_of(instances, &Packed::as_stored);
  const bool insists = std::ranges::all_of(*choices, Insists);
  switch (packing) {
    case Packing::kZip:
      return Fill(instances, insists, responder,
                  *AsZip(store_, *resource.study, instances, std::move(headers), responder));
    case Packing::kSinglePart:
      headers.Add("Content-Type", multipart::WithTransferSyntax("application/dicom", instances[0].stored));
      headers.Add("Content-Disposition", "attachment; filename=\"" + instances[0].uid + ".dcm\"");
      if (as_stored) return SendRange(store_, request, responder, instances[0].range, std::move(headers));
      return Fill(instances, insists, responder, *OneAlone(store_, std::move(headers), responder));
    case Packing::kMultipart:
      break;
  }
  if (!as_stored)
    return Fill(instances, insists, responder, *InParts(store_, random_, all_series, std::move(headers), responder));
  const auto part = [&](size_t i) {
    const Packed& one = instances[i];
    return Part{{{"Content-Type", multipart::WithTransferSyntax("application/dicom", one.stored)},
                 {"Content-Location", one.UrlBelow(all_series)}},
                {one.range}};
  };
  return SendParts(store_, request, responder, multipart::Writer(random_), "application/dicom", instances.size(), part,
                   std::move(headers));
}

Status InstanceService::Fill(const std::vector<Packed>& instances, bool insists, const http::Responder& responder,
                             Package& package) {
  bool begun = false;  // something was sent
  size_t held = 0;     // instances before the one at hand that were refused, and not sent
  Status refusal;      // the first
  const auto send_held = [&](size_t end) -> Status {
    for (; held > 0; --held) HILUM_RETURN_IF_ERROR(package.AddStored(instances[end - held], /*refused=*/true));
    begun = true;
    return Status::Ok();
  };
  for (size_t i = 0; i < instances.size(); ++i) {
    if (responder.started() && !responder.wants_body()) break;
    const Packed& one = instances[i];
    bool opened = false;
    Status status =
        Unsupported("the transfer syntax " + std::string(one.stored) + " cannot be converted to the one asked for");
    bool as_stored = false;
    for (size_t t = 0; t < one.targets.size() && HasNoRoom(status) && !opened; ++t) {
      as_stored = one.IsStored(one.targets[t]);
      if (as_stored) break;
      status.IgnoreError();  // there is another one to try
      status = Convert(one, one.targets[t], package, [&] {
        opened = true;
        return send_held(i);
      });
    }
    if (as_stored) {
      status.IgnoreError();
      HILUM_RETURN_IF_ERROR(send_held(i));
      HILUM_RETURN_IF_ERROR(package.AddStored(one, /*refused=*/false));
      continue;
    }
    if (status.ok()) {
      HILUM_RETURN_IF_ERROR(package.End());
      continue;
    }
    status = failures_.Tell(status, one.uid);
    const bool its_own = status.code() != Code::kCancelled && status.code() != Code::kUnavailable;
    if (opened || !its_own) return status;
    ++held;
    if (refusal.ok()) refusal = std::move(status);
    refusal.IgnoreError();  // the client is told by Warning, if not below
  }
  // Stored bytes are better than none, but no answer to a request that nothing of this could fulfil.
  if (!begun && insists && !refusal.ok()) return refusal;
  HILUM_RETURN_IF_ERROR(send_held(instances.size()));
  return package.Finish();
}

Status InstanceService::Convert(const Packed& one, const std::string& syntax, Package& package,
                                const std::function<Status()>& before) {
  HILUM_RETURN_IF_ERROR(store_.objects().Check(one.range.object, 0, one.range.length));
  HILUM_ASSIGN_OR_RETURN(const Mapping mapping, Mapping::Map(one.range.file, one.range.body, one.range.length));
  std::string kept, remark;
  MemoryAllowance::Share held(&memory_.allowance);
  bool opened = false;
  const auto release = [&]() -> Status {
    opened = true;
    HILUM_RETURN_IF_ERROR(before());
    HILUM_RETURN_IF_ERROR(package.Begin(one, syntax, remark));
    HILUM_RETURN_IF_ERROR(package.Append(kept));
    kept = std::string();
    held.Shrink(held.held());
    return Status::Ok();
  };
  const auto send = [&](Bytes bytes) -> Status {
    if (opened) {  // what was begun goes on; it counts as far as there is room
      const bool counted = held.Grow(bytes.size());
      const Status sent = package.Append(bytes);
      if (counted) held.Shrink(bytes.size());
      return sent;
    }
    if (kept.size() + bytes.size() <= kHeldBytes && held.Grow(bytes.size())) {
      kept.append(bytes);
      return Status::Ok();
    }
    HILUM_RETURN_IF_ERROR(release());
    return package.Append(bytes);
  };
  pixel::TranscodeOptions options{.read = options_.ingest.limits, .held = &memory_.allowance};
  options.remark = [&](std::string_view what) { remark = what; };
  HILUM_RETURN_IF_ERROR(pixel::Transcode(mapping.bytes(), syntax, options, codec_, send));
  return opened ? Status::Ok() : release();
}

}  // namespace hilum::dicomweb
