#include "server/dicomweb/transaction_times.h"

namespace hilum::dicomweb {

Transaction TransactionOf(std::string_view method, Resource::What what) {
  if (method == "POST") return Transaction::kStore;
  if (method == "DELETE") return Transaction::kDelete;
  if (method != "GET" && method != "HEAD") return Transaction::kOther;
  switch (what) {
    case Resource::What::kPatients:
    case Resource::What::kStudies:
    case Resource::What::kSeries:
    case Resource::What::kInstances:
      return Transaction::kSearch;
    case Resource::What::kObject:
      return Transaction::kRetrieve;
    case Resource::What::kMetadata:
      return Transaction::kMetadata;
    case Resource::What::kFrames:
      return Transaction::kFrames;
    case Resource::What::kBulkData:
    case Resource::What::kPixelData:
    case Resource::What::kAllBulkData:
      return Transaction::kBulkData;
    case Resource::What::kRendered:
      return Transaction::kRendered;
    case Resource::What::kThumbnail:
      return Transaction::kThumbnail;
    case Resource::What::kChangeFeed:
    case Resource::What::kLatestChange:
      return Transaction::kChangeFeed;
    case Resource::What::kRoot:
      break;
  }
  return Transaction::kOther;
}

TransactionTimes::TransactionTimes(Registry& metrics) {
  static constexpr std::array<const char*, static_cast<size_t>(Transaction::kOther) + 1> kNames = {
      "store",    "delete",   "search",    "retrieve", "metadata",   "frames",
      "bulkdata", "rendered", "thumbnail", "wado_uri", "changefeed", "other"};
  for (size_t i = 0; i < kNames.size(); ++i) {
    by_transaction_[i] =
        &metrics.histogram("hilum_dicomweb_request_seconds", "Time to answer DICOMweb requests by transaction",
                           RequestSeconds(), {{"transaction", kNames[i]}});
  }
}

}  // namespace hilum::dicomweb
