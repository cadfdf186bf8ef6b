// The numbers under which FHIR resource types and their search fields are on disk. Positions in the definitions change
// from release to release; what is once in the index keeps the number it was given first.
//
// Immutable after Open, safe for concurrent use.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "fhir/search/catalog.h"
#include "storage/store/store.h"

namespace hilum::fhir {

class ResourceSchema {
 public:
  // Reads the numbers, gives new ones to types and fields that have none yet, and adds all fields to the schema of the
  // store. REQUIRES: nothing else uses the store yet.
  static Result<ResourceSchema> Open(storage::Store& store);

  // Fields that got their number just now, of types that had one: the index has no values for them.
  std::map<TypeId, std::vector<storage::FieldId>> new_fields() const { return new_fields_; }
  // Keeps new numbers. Unless that is done the next Open gives the same again.
  Status SaveNew(storage::Store& store) const;

  storage::CollectionId CollectionOf(TypeId type) const { return types_.at(static_cast<size_t>(type)).collection; }
  // `field` < Type::search_fields.
  storage::FieldId FieldOf(TypeId type, uint16_t field) const {
    return types_.at(static_cast<size_t>(type)).fields.at(field);
  }
  // The type behind a collection; nullopt for collections of images.
  std::optional<TypeId> TypeOfCollection(storage::CollectionId collection) const;
  // The index field of a search parameter; nullopt when the type does not have it or it has no field.
  std::optional<storage::FieldId> FieldOfParam(TypeId type, std::string_view code) const;
  // Those of `_lastUpdated` and `identifier`.
  std::optional<storage::FieldId> UpdatedField(TypeId type) const {
    return types_.at(static_cast<size_t>(type)).updated;
  }
  std::optional<storage::FieldId> IdentifierField(TypeId type) const {
    return types_.at(static_cast<size_t>(type)).identifier;
  }
  // Of ImagingStudy: a reference to the study of the catalogue (storage::Level::kStudy) whose images it describes. No
  // search parameter has it; searches by what the images are like go through it.
  storage::FieldId images() const { return images_; }
  TypeId imaging_study() const { return imaging_study_; }

 private:
  struct Entry {
    storage::CollectionId collection{};
    std::vector<storage::FieldId> fields;
    std::optional<storage::FieldId> updated, identifier;
  };
  std::vector<Entry> types_;  // by TypeId
  storage::FieldId images_{};
  TypeId imaging_study_ = kNoType;
  std::map<storage::CollectionId, TypeId> by_collection_;
  std::map<TypeId, std::vector<storage::FieldId>> new_fields_;
  std::vector<std::pair<std::string, uint16_t>> new_numbers_;
};

}  // namespace hilum::fhir
