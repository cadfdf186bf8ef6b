// How long requests take, by DICOMweb transaction: hilum_dicomweb_request_seconds. Safe for concurrent use; the
// registry outlives it.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "base/metrics.h"
#include "server/dicomweb/resource.h"

namespace hilum::dicomweb {

enum class Transaction : uint8_t {
  kStore,
  kDelete,
  kSearch,
  kRetrieve,
  kMetadata,
  kFrames,
  kBulkData,
  kRendered,
  kThumbnail,
  kUri,
  kChangeFeed,
  kOther
};

// Of a request for a resource.
Transaction TransactionOf(std::string_view method, Resource::What what);

class TransactionTimes {
 public:
  explicit TransactionTimes(Registry& metrics);
  Histogram& Of(Transaction transaction) const { return *by_transaction_[static_cast<size_t>(transaction)]; }

 private:
  std::array<Histogram*, static_cast<size_t>(Transaction::kOther) + 1> by_transaction_;
};

}  // namespace hilum::dicomweb
