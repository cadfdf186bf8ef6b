#include "server/dicomweb/package.h"

namespace hilum::dicomweb {
namespace {

std::string TypeOf(std::string_view transfer_syntax) {
  return multipart::WithTransferSyntax("application/dicom", transfer_syntax);
}

class Single : public Package {
 public:
  Single(storage::Store& store, http::Headers headers, http::Responder& responder)
      : store_(store), headers_(std::move(headers)), responder_(responder) {}

  Status AddStored(const Packed& instance, bool refused) override {
    const StoredRange& range = instance.range;
    HILUM_RETURN_IF_ERROR(store_.objects().Check(range.object, range.offset, range.length));
    headers_.Set("Content-Type", TypeOf(instance.stored));
    if (refused) headers_.Set("Warning", http::WarningOf(kRefused));
    HILUM_RETURN_IF_ERROR(responder_.Head(200, headers_, range.length));
    return responder_.WriteFile({range.file, range.body, range.length});
  }
  Status Begin(const Packed& instance, const std::string& syntax, const std::string& remark) override {
    headers_.Set("Content-Type", TypeOf(syntax));
    if (!remark.empty()) headers_.Set("Warning", http::WarningOf(remark));
    return responder_.Head(200, headers_, std::nullopt);
  }
  Status Append(Bytes bytes) override { return responder_.Write(bytes); }
  Status End() override { return Status::Ok(); }
  Status Finish() override { return responder_.Finish(); }

 private:
  storage::Store& store_;
  http::Headers headers_;
  http::Responder& responder_;
};

class Parts : public Package {
 public:
  Parts(storage::Store& store, Random& random, std::string all_series, http::Headers headers,
        http::Responder& responder)
      : store_(store),
        writer_(random),
        all_series_(std::move(all_series)),
        headers_(std::move(headers)),
        responder_(responder) {}

  Status AddStored(const Packed& instance, bool refused) override {
    HILUM_RETURN_IF_ERROR(store_.objects().Check(instance.range.object, instance.range.offset, instance.range.length));
    HILUM_RETURN_IF_ERROR(Open(instance, instance.stored, refused ? std::string(kRefused) : ""));
    return responder_.WriteFile({instance.range.file, instance.range.body, instance.range.length});
  }
  Status Begin(const Packed& instance, const std::string& syntax, const std::string& remark) override {
    return Open(instance, syntax, remark);
  }
  Status Append(Bytes bytes) override { return responder_.Write(bytes); }
  Status End() override { return Status::Ok(); }
  Status Finish() override {
    HILUM_RETURN_IF_ERROR(responder_.Write(writer_.End()));
    return responder_.Finish();
  }

 private:
  Status Open(const Packed& instance, std::string_view syntax, const std::string& remark) {
    multipart::PartHeaders part = {{"Content-Type", TypeOf(syntax)},
                                   {"Content-Location", instance.UrlBelow(all_series_)}};
    if (!remark.empty()) part.emplace_back("Warning", http::WarningOf(remark));
    if (!responder_.started()) {
      headers_.Set("Content-Type", writer_.ContentType("application/dicom"));
      HILUM_RETURN_IF_ERROR(responder_.Head(200, headers_, std::nullopt));
    }
    return responder_.Write(writer_.PartHead(part));
  }

  storage::Store& store_;
  multipart::Writer writer_;
  const std::string all_series_;
  http::Headers headers_;
  http::Responder& responder_;
};

}  // namespace

std::unique_ptr<Package> OneAlone(storage::Store& store, http::Headers headers, http::Responder& responder) {
  return std::make_unique<Single>(store, std::move(headers), responder);
}

std::unique_ptr<Package> InParts(storage::Store& store, Random& random, std::string all_series, http::Headers headers,
                                 http::Responder& responder) {
  return std::make_unique<Parts>(store, random, std::move(all_series), std::move(headers), responder);
}

}  // namespace hilum::dicomweb
