#include "fhir/imaging/linker.h"
#include "fhir/json/edits.h"

namespace hilum::fhir::imaging {
namespace {

std::string NewEndpoint(const std::string& address) {
  return R"({"resourceType":"Endpoint","status":"active","connectionType":{"system":)"
         R"("http://terminology.hl7.org/CodeSystem/endpoint-connection-type","code":"dicom-wado-rs"},)"
         R"("name":"Hilum DICOMweb","payloadType":[{"text":"DICOM"}],"payloadMimeType":["application/dicom"],)"
         R"("address":)" +
         json::Quoted(address) + "}";
}

}  // namespace

Status Linker::PutEndpoint(const std::string& address) {
  const auto type = FindResourceType("Endpoint");
  if (!options_.enabled || !type) return Status::Ok();
  const auto put = [&](storage::Txn& txn) -> Status {
    ResourceTxn resources(resources_, txn);
    HILUM_ASSIGN_OR_RETURN(const auto newest, resources.Newest(*type, kEndpointId));
    const bool exists = newest && !newest->deleted();
    std::string text = NewEndpoint(address);
    Write write{.method = exists ? Method::kUpdate : Method::kCreate,
                .type = *type,
                .id = std::string(kEndpointId),
                .seen_version = newest ? newest->number : 0};
    if (exists) {
      HILUM_ASSIGN_OR_RETURN(const json::Document old, json::Document::Parse(newest->bytes));
      const json::MaybeValue said = json::Find(old.root(), "address");
      if (!said || said.TextOr("") == address) return Status::Ok();
      json::Edits edits;  // what else users say of it stays
      edits.Replace(said->begin(), said->end(), json::Quoted(address));
      text = edits.Apply(old.root());
      HILUM_ASSIGN_OR_RETURN(write.before, resources_.PrepareStored(*newest));
    }
    HILUM_ASSIGN_OR_RETURN(const json::Document document, json::Document::Parse(std::move(text)));
    const Validation validation = Validate(document.root());
    if (!validation.ok()) return Invalid("http.public_url cannot be the address of an Endpoint");
    HILUM_ASSIGN_OR_RETURN(write.after,
                           resources_.Prepare(document.root(), validation.typing, write.id, write.seen_version + 1));
    std::vector<Write> writes;
    writes.push_back(std::move(write));
    return resources.WriteAll(std::move(writes), {}).status();
  };
  return store_.writer().Run(put).status();
}

}  // namespace hilum::fhir::imaging
