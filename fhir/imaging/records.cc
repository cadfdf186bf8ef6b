#include "fhir/imaging/records.h"

namespace hilum::fhir::imaging {
namespace {

std::optional<Version> Existing(std::optional<Version> version) {
  if (version && version->deleted()) version.reset();
  return version;
}

}  // namespace

Records RecordsOf(ResourceTxn& resources) {
  return {.with_identifier = [&resources](TypeId type,
                                          const storage::TokenValue& identifier) -> Result<std::vector<std::string>> {
            HILUM_ASSIGN_OR_RETURN(const auto docs, resources.FindIdentifier(type, identifier));
            std::vector<std::string> ids;
            for (const storage::Doc doc : docs) {
              HILUM_ASSIGN_OR_RETURN(std::string id, resources.IdOf(type, doc));
              ids.push_back(std::move(id));
            }
            return ids;
          },
          .current = [&resources](TypeId type, const std::string& id) -> Result<std::optional<Version>> {
            HILUM_ASSIGN_OR_RETURN(auto version, resources.Newest(type, id));
            return Existing(std::move(version));
          }};
}

Records RecordsOf(ResourceReader& reader) {
  return {.with_identifier = [&reader](TypeId type,
                                       const storage::TokenValue& identifier) -> Result<std::vector<std::string>> {
            HILUM_ASSIGN_OR_RETURN(const auto docs, reader.FindIdentifier(type, identifier));
            std::vector<std::string> ids;
            for (const storage::Doc doc : docs) {
              HILUM_ASSIGN_OR_RETURN(auto version, reader.Newest(type, doc, Form::kStored));
              if (version) ids.push_back(std::move(version->id));
            }
            return ids;
          },
          .current = [&reader](TypeId type, const std::string& id) -> Result<std::optional<Version>> {
            HILUM_ASSIGN_OR_RETURN(const auto head, reader.FindHead(type, id));
            if (!head || !head->exists()) return std::optional<Version>();
            HILUM_ASSIGN_OR_RETURN(auto version, reader.Newest(type, head->doc, Form::kStored));
            return Existing(std::move(version));
          }};
}

}  // namespace hilum::fhir::imaging
