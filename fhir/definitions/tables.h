// The generated tables behind definitions.h. Only definitions.cc and the generated source include this.
#pragma once

#include "fhir/definitions/definitions.h"

namespace hilum::fhir::tables {

extern const std::string_view kVersion;
extern const std::span<const TypeId> kResourceTypes;
extern const std::span<const TypeId> kTypeLists;
extern const std::span<const Binding> kBindings;
extern const std::span<const ValueSetCode> kCodes;
extern const std::span<const SearchParam> kSearchParams;
extern const std::span<const Path> kPaths;
extern const std::span<const Step> kSteps;
extern const std::span<const CompositeGroup> kGroups;
extern const std::span<const CompositeComponent> kComponents;
extern const std::span<const Compartment> kCompartments;
extern const std::span<const CompartmentMember> kMembers;
extern const std::span<const uint16_t> kMemberParams;
// Open addressing, a power of two in size: positions in kProperties by Hash(type, name), kNoProperty for empty.
extern const std::span<const uint16_t> kPropertySlots;
// The same: positions in kTypes by Hash(TypeId{0}, name).
extern const std::span<const uint16_t> kResourceSlots;

// generate.mjs computes the same.
constexpr uint32_t Hash(TypeId type, std::string_view name) {
  uint32_t hash = static_cast<uint32_t>(type) * 0x9E3779B1u;
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x01000193u;
  return hash ^ (hash >> 15);
}

}  // namespace hilum::fhir::tables
