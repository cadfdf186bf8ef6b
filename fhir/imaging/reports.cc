// Which orders DiagnosticReports are based on: kept in rows, so that the studies of an order find its reports.
#include "fhir/imaging/linker.h"

namespace hilum::fhir::imaging {
namespace {

constexpr size_t kReportsAtOnce = 1000;

}  // namespace

Result<std::vector<std::string>> Linker::OrdersOf(const Version& report) const {
  if (report.deleted() || report.bytes.find("basedOn") == std::string::npos) return std::vector<std::string>();
  HILUM_ASSIGN_OR_RETURN(const json::Document document, json::Document::Parse(report.bytes));
  return resolver_.OrdersOf(document.root());
}

Result<std::vector<std::string>> Linker::FollowReport(ResourceTxn& resources, const std::string& id) const {
  std::vector<std::string> before, after;
  HILUM_ASSIGN_OR_RETURN(const auto row, resources.txn().Get(storage::Family::kResource, OrdersKey(id)));
  if (row) {
    HILUM_ASSIGN_OR_RETURN(before, DecodeOrders(*row));
  }
  HILUM_ASSIGN_OR_RETURN(const auto newest, resources.Newest(report_, id));
  if (newest) {
    HILUM_ASSIGN_OR_RETURN(after, OrdersOf(*newest));
  }
  PutOrders(resources.txn(), id, before, after);
  before.insert(before.end(), after.begin(), after.end());
  return before;
}

Status Linker::SyncReports() {
  for (const std::string& prefix : {OrdersPrefix(), BasedOnPrefix()}) {
    for (bool more = true; more;) {
      const auto delete_some = [&](storage::Txn& txn) -> Status {
        HILUM_ASSIGN_OR_RETURN(
            const auto rows, txn.Scan(storage::Family::kResource, prefix, storage::PrefixEnd(prefix), kReportsAtOnce));
        for (const auto& [key, value] : rows) txn.Delete(storage::Family::kResource, key);
        more = rows.size() == kReportsAtOnce;
        return Status::Ok();
      };
      HILUM_RETURN_IF_ERROR(store_.writer().Run(delete_some).status());
    }
  }
  std::vector<std::pair<std::string, std::vector<std::string>>> found;
  const auto put = [&]() -> Status {
    if (found.empty()) return Status::Ok();
    const auto put_some = [&](storage::Txn& txn) {
      for (const auto& [id, orders] : found) PutOrders(txn, id, {}, orders);
      return Status::Ok();
    };
    HILUM_RETURN_IF_ERROR(store_.writer().Run(put_some).status());
    found.clear();
    return Status::Ok();
  };
  const auto reader = resources_.Read();
  HILUM_ASSIGN_OR_RETURN(const storage::Bitmap live, reader->index().Live(reader->CollectionOf(report_)));
  for (const storage::Doc doc : live.ToVector()) {
    const auto find = [&]() -> Status {
      HILUM_ASSIGN_OR_RETURN(auto report, reader->Newest(report_, doc, Form::kStored));
      if (!report) return Status::Ok();
      HILUM_ASSIGN_OR_RETURN(auto orders, OrdersOf(*report));
      if (!orders.empty()) found.emplace_back(std::move(report->id), std::move(orders));
      return Status::Ok();
    };
    if (const Status status = find(); !status.ok()) {
      if (!IsOfRows(status)) return status;
      log_.Error("no study learns of a DiagnosticReport", {{"document", uint64_t{doc}}, {"reason", status.message()}});
    }
    if (found.size() == kReportsAtOnce) HILUM_RETURN_IF_ERROR(put());
  }
  return put();
}

}  // namespace hilum::fhir::imaging
