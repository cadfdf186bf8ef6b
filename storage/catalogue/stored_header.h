// The header of a stored instance.
#pragma once

#include "base/result.h"
#include "codecs/dicom/attributes.h"
#include "storage/catalogue/attributes.h"
#include "storage/object/object_store.h"

namespace hilum::storage {

// What `table` takes from it. kNotFound when the object is not there (any more), kCorruption when its beginning is not
// what was stored. Thread-safe.
Result<dicom::Header> ReadStoredHeader(const ObjectStore& objects, const ObjectRef& object,
                                       const AttributeTable& table);

}  // namespace hilum::storage
