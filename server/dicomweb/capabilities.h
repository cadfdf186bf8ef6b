// What this service offers (PS3.18 8.9), told from the same rules that answer requests: the resources as ParseResource
// knows them, their methods as Allow names them, search keys as the catalogue has them. Pure functions, thread-safe.
#pragma once

#include <string>

#include "storage/catalogue/attributes.h"

namespace hilum::dicomweb {

// WADL (application/vnd.sun.wadl+xml). `base` is the URL of the service root.
std::string CapabilitiesWadl(const std::string& base, const storage::AttributeTable& table);
// {"base": ..., "resources": [{"path": ..., "methods": [{"name", "parameters", "accepts", "representations"}]}]}
std::string CapabilitiesJson(const std::string& base, const storage::AttributeTable& table);

}  // namespace hilum::dicomweb
