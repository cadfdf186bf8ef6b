#include "server/dicomweb/bulk_parts.h"

namespace hilum::dicomweb {

Status BulkParts::AddStored(const multipart::PartHeaders& head, const std::vector<StoredRange>& ranges) {
  for (const StoredRange& range : ranges)
    HILUM_RETURN_IF_ERROR(store_.objects().Check(range.object, range.offset, range.length));
  HILUM_RETURN_IF_ERROR(Begin(head));
  for (const StoredRange& range : ranges)
    HILUM_RETURN_IF_ERROR(responder_.WriteFile({range.file, range.body + range.offset, range.length}));
  return Status::Ok();
}

Status BulkParts::Begin(const multipart::PartHeaders& head) {
  if (!begun()) {
    const std::string& type = head.front().second;
    headers_.Add("Content-Type", writer_.ContentType(type.substr(0, type.find(';'))));
    HILUM_RETURN_IF_ERROR(responder_.Head(200, headers_, std::nullopt));
  }
  return responder_.Write(writer_.PartHead(head));
}

Status BulkParts::Finish() {
  HILUM_RETURN_IF_ERROR(responder_.Write(writer_.End()));
  return responder_.Finish();
}

}  // namespace hilum::dicomweb
