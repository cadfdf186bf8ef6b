#include "fhir/imaging/records.h"

#include <algorithm>
#include <utility>

#include "fhir/imaging/rows.h"

namespace hilum::fhir::imaging {
namespace {

std::optional<Version> Existing(std::optional<Version> version) {
  if (version && version->deleted()) version.reset();
  return version;
}

}  // namespace

Records RecordsOf(ResourceTxn& resources) {
  return {.with_identifier = [&resources](TypeId type, const storage::TokenValue& identifier,
                                          size_t limit) -> Result<std::vector<std::string>> {
            HILUM_ASSIGN_OR_RETURN(const auto docs, resources.FindIdentifier(type, identifier, limit));
            std::vector<std::string> ids;
            for (const storage::Doc doc : docs) {
              HILUM_ASSIGN_OR_RETURN(std::string id, resources.IdOf(type, doc));
              ids.push_back(std::move(id));
            }
            return ids;
          },
          .based_on = [&resources](const std::string& watch,
                                   size_t limit) { return FindBasedOn(resources.txn(), watch, limit); },
          .current = [&resources](TypeId type, const std::string& id) -> Result<std::optional<Version>> {
            HILUM_ASSIGN_OR_RETURN(auto version, resources.Newest(type, id));
            return Existing(std::move(version));
          }};
}

Records RecordsOf(ResourceReader& reader) {
  return {.with_identifier = [&reader](TypeId type, const storage::TokenValue& identifier,
                                       size_t limit) -> Result<std::vector<std::string>> {
            HILUM_ASSIGN_OR_RETURN(const auto docs, reader.FindIdentifier(type, identifier, limit));
            std::vector<std::string> ids;
            for (const storage::Doc doc : docs) {
              HILUM_ASSIGN_OR_RETURN(auto version, reader.Newest(type, doc, Form::kStored));
              if (version) ids.push_back(std::move(version->id));
            }
            return ids;
          },
          .based_on = [&reader](const std::string& watch,
                                size_t limit) { return FindBasedOn(reader.kv(), &reader.snapshot(), watch, limit); },
          .current = [&reader](TypeId type, const std::string& id) -> Result<std::optional<Version>> {
            HILUM_ASSIGN_OR_RETURN(const auto head, reader.FindHead(type, id));
            if (!head || !head->exists()) return std::optional<Version>();
            HILUM_ASSIGN_OR_RETURN(auto version, reader.Newest(type, head->doc, Form::kStored));
            return Existing(std::move(version));
          }};
}

Records RecordsAfter(ResourceReader& reader, const PlannedWrites* planned) {
  Records stored = RecordsOf(reader);
  if (planned == nullptr) return stored;
  return {.with_identifier = [planned, find = std::move(stored.with_identifier)](
                                 TypeId type, const storage::TokenValue& identifier,
                                 size_t limit) -> Result<std::vector<std::string>> {
            HILUM_ASSIGN_OR_RETURN(std::vector<std::string> ids, find(type, identifier, limit));
            const std::vector<const Write*> having = planned->FindIdentifier(type, identifier);
            const auto loses = [&](const std::string& id) {
              const Write* const write = planned->Find(type, id);
              return write != nullptr && std::ranges::find(having, write) == having.end();
            };
            std::erase_if(ids, loses);
            for (const Write* const write : having) {
              if (std::ranges::find(ids, write->id) == ids.end()) ids.push_back(write->id);
            }
            return ids;
          },
          .based_on = std::move(stored.based_on),
          .current = [planned, find = std::move(stored.current)](
                         TypeId type, const std::string& id) -> Result<std::optional<Version>> {
            const Write* const write = planned->Find(type, id);
            if (write == nullptr) return find(type, id);
            if (!write->after) return std::optional<Version>();
            return std::optional(Version{.type = type,
                                         .id = id,
                                         .number = write->seen_version + 1,
                                         .method = write->method,
                                         .bytes = write->after->bytes});
          }};
}

}  // namespace hilum::fhir::imaging
