#include "server/dicomweb/stow_model.h"

#include <algorithm>
#include <map>

#include "base/text.h"
#include "codecs/dicom/model.h"
#include "codecs/dicom/transfer_syntax.h"
#include "codecs/multipart/media_type.h"
#include "codecs/multipart/parser.h"
#include "codecs/pixel/codec.h"
#include "codecs/pixel/codestream.h"
#include "server/dicomweb/negotiate.h"
#include "server/dicomweb/stow_pixels.h"

namespace hilum::dicomweb {
namespace {

using multipart::MediaType;
using multipart::Parser;

// What an empty part costs in memory.
constexpr uint64_t kPartBytes = 256;
// What a byte of metadata costs there: itself, and its share of the attributes that it is read into.
constexpr uint64_t kMetadataFactor = 8;

// "" where the bytes are the value as it is.
Result<std::string> SyntaxOf(const MediaType& type) {
  const std::string_view named = type.Parameter("transfer-syntax").value_or("");
  const std::string syntax(named.empty() ? dicom::DefaultSyntaxOf(type.Essence()) : named);
  if (syntax.empty() && (type.Essence().starts_with("image/") || type.Essence().starts_with("video/")))
    return Invalid("there is no transfer syntax for bulk data of the type " + type.Essence().substr(0, 64));
  if (syntax.empty() || syntax == dicom::kExplicitLittleEndian || syntax == dicom::kImplicitLittleEndian)
    return std::string();
  const pixel::TransferSyntax* known = pixel::FindTransferSyntax(syntax);  // others are stored unseen
  if (known ? !known->encapsulated() : dicom::MediaTypeOf(syntax) == kOctetStream)
    return Invalid("bulk data cannot be taken in the transfer syntax " + syntax.substr(0, 64));
  return syntax;
}

// What a request brought.
class Parts {
 public:
  // What comes counts in `memory`.
  Parts(ModelForm form, const ModelStoreLimits& limits, MemoryAllowance::Share* memory)
      : type_(form == ModelForm::kJson ? "application/dicom+json" : "application/dicom+xml"),
        limits_(limits),
        memory_(memory) {}

  Status Begin(const multipart::PartHeaders& headers);
  Status Append(Bytes bytes) {
    HILUM_RETURN_IF_ERROR(Charge(bytes.size()));
    open_->append(bytes);
    return Status::Ok();
  }

  const std::vector<std::string>& metadata() const { return metadata_; }
  const dicom::ModelBulk* Find(const std::string& uri);
  // Content-Locations that nothing referred to.
  size_t unused() const { return bulk_.size() - used_; }

 private:
  struct Bulk {
    std::vector<std::string> pieces;
    dicom::ModelBulk view;
    bool syntax_named = false;
    bool used = false;
  };

  Status Charge(uint64_t bytes);

  const std::string type_;
  const ModelStoreLimits& limits_;
  MemoryAllowance::Share* const memory_;
  std::vector<std::string> metadata_;
  std::map<std::string, Bulk> bulk_;
  size_t used_ = 0;
  std::string* open_ = nullptr;
  bool in_metadata_ = false;
  uint64_t metadata_bytes_ = 0, bulk_bytes_ = 0;
};

Status Parts::Begin(const multipart::PartHeaders& headers) {
  const auto location = multipart::FindHeader(headers, "Content-Location");
  const auto type = multipart::ParseMediaType(
      multipart::FindHeader(headers, "Content-Type").value_or(location ? kOctetStream : type_));
  if (!type.ok()) return Invalid("a part has an unreadable Content-Type");
  in_metadata_ = type->Essence() == type_;
  if (in_metadata_) {
    open_ = &metadata_.emplace_back();
    return Charge(kPartBytes);
  }
  if (!location || location->empty())
    return Invalid("a part is neither " + type_ + " nor has it a Content-Location that metadata could refer to");
  HILUM_ASSIGN_OR_RETURN(std::string syntax, SyntaxOf(*type));
  Bulk& bulk = bulk_[std::string(*location)];
  if (!bulk.pieces.empty() && bulk.view.transfer_syntax != syntax)
    return Invalid("parts of one Content-Location differ in their transfer syntax");
  const std::string charset(type->Parameter("charset").value_or(""));
  if (!bulk.pieces.empty() && !EqualsIgnoringCase(bulk.view.charset, charset))
    return Invalid("parts of one Content-Location differ in their character set");
  bulk.view.transfer_syntax = std::move(syntax);
  bulk.view.charset = charset;
  bulk.syntax_named = type->Parameter("transfer-syntax").has_value();
  open_ = &bulk.pieces.emplace_back();
  return Charge(kPartBytes + location->size());
}

Status Parts::Charge(uint64_t bytes) {
  uint64_t& sum = in_metadata_ ? metadata_bytes_ : bulk_bytes_;
  const uint64_t limit = in_metadata_ ? limits_.metadata_bytes : limits_.bulk_bytes;
  sum += bytes;
  if (sum > limit)
    return LimitExceeded("more than " + std::to_string(limit) + " bytes of " +
                         (in_metadata_ ? "metadata" : "bulk data") +
                         " in one request; send fewer instances at a time, or whole ones as application/dicom");
  if (!memory_->Grow(in_metadata_ ? bytes * kMetadataFactor : bytes))
    return Unavailable(
        "metadata and bulk data of other requests take all the memory there is for them; try again later");
  return Status::Ok();
}

const dicom::ModelBulk* Parts::Find(const std::string& uri) {
  const auto found = bulk_.find(uri);
  if (found == bulk_.end()) return nullptr;
  Bulk& bulk = found->second;
  if (bulk.used) return &bulk.view;
  bulk.used = true;
  ++used_;
  std::string& syntax = bulk.view.transfer_syntax;
  for (const Bytes piece : bulk.pieces) bulk.view.pieces.push_back(syntax.empty() ? piece : pixel::WithoutBoxes(piece));
  if (!bulk.syntax_named && !syntax.empty()) {
    // Most JPEG images are not the lossless ones that the standard means by image/jpeg alone; so it is with image/jp2,
    // which may hold what is image/jphc by itself.
    const auto family = [](std::string_view of) {
      const std::string_view type = dicom::MediaTypeOf(of);
      return type == "image/jphc" ? "image/jp2" : type;
    };
    const std::string_view actual = pixel::SyntaxOfCodestream(bulk.view.pieces.front());
    if (family(actual) == family(syntax)) syntax = actual;
  }
  return &bulk.view;
}

Status Receive(http::BodyReader& body, std::string_view boundary, Parts* parts, uint64_t* received) {
  Parser parser(boundary);
  while (true) {
    HILUM_ASSIGN_OR_RETURN(const auto event, parser.Next());
    switch (event) {
      case Parser::Event::kNeedInput: {
        HILUM_ASSIGN_OR_RETURN(const size_t bytes, body.Read(parser.Space()));
        *received += bytes;
        parser.Filled(bytes);
        break;
      }
      case Parser::Event::kPartBegin:
        HILUM_RETURN_IF_ERROR(parts->Begin(parser.headers()));
        break;
      case Parser::Event::kPartData:
        HILUM_RETURN_IF_ERROR(parts->Append(parser.data()));
        break;
      case Parser::Event::kPartEnd:
        break;
      case Parser::Event::kEnd:
        return parts->metadata().empty() ? Invalid("the request has no part with metadata") : Status::Ok();
    }
  }
}

Result<std::vector<dicom::ModelDataSet>> ReadDocument(ModelForm form, std::string_view text) {
  if (form == ModelForm::kJson) return dicom::ReadJsonModel(text, {});
  HILUM_ASSIGN_OR_RETURN(dicom::ModelDataSet data_set, dicom::ReadXmlModel(text, {}));
  std::vector<dicom::ModelDataSet> data_sets;
  data_sets.push_back(std::move(data_set));
  return data_sets;
}

}  // namespace

Status StoreModels(http::BodyReader& body, std::string_view boundary, ModelForm form, const ModelStoreLimits& limits,
                   MemoryAllowance& memory, IngestBatch& batch, uint64_t* received) {
  MemoryAllowance::Share share(&memory);
  Parts parts(form, limits, &share);
  HILUM_RETURN_IF_ERROR(Receive(body, boundary, &parts, received));
  const dicom::BulkFinder find = [&](const std::string& uri) { return parts.Find(uri); };
  PixelDescriber pixels(find);
  const uint64_t held = share.held();
  uint64_t left = limits.built_bytes;
  bool any = false;
  for (const std::string& document : parts.metadata()) {
    auto data_sets = ReadDocument(form, document);
    any = any || !data_sets.ok() || !data_sets->empty();
    if (!data_sets.ok()) {
      batch.Refuse(FailureReason::kCannotUnderstand, "metadata: " + data_sets.status().message());
      continue;
    }
    for (dicom::ModelDataSet& data_set : *data_sets) {
      share.Shrink(share.held() - held);
      if (const Status described = pixels.Describe(&data_set); !described.ok()) {
        batch.Refuse(FailureReason::kCannotUnderstand, described.message());
        continue;
      }
      const auto file = dicom::EncodeModel(data_set, find, left, &share);
      if (!file.ok()) {
        const bool no_room = file.status().code() == Code::kUnavailable;
        batch.Refuse(no_room ? FailureReason::kOutOfResources : FailureReason::kCannotUnderstand,
                     file.status().message());
        continue;
      }
      left -= std::min<uint64_t>(left, file->size());
      batch.BeginInstance();
      batch.Append(*file);
      batch.EndInstance();
    }
  }
  if (!any) return Invalid("the metadata describes no instance");
  if (parts.unused() > 0)
    batch.Refuse(FailureReason::kCannotUnderstand,
                 std::to_string(parts.unused()) + " parts have a Content-Location that no bulk data URI names");
  return Status::Ok();
}

}  // namespace hilum::dicomweb
