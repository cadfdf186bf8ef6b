#include "storage/catalogue/stored_header.h"

#include <algorithm>

#include "base/mapping.h"

namespace hilum::storage {

Result<dicom::Header> ReadStoredHeader(const ObjectStore& objects, const ObjectRef& object,
                                       const AttributeTable& table) {
  constexpr uint64_t kCheckedBytes = 1 << 20;  // headers are rarely longer
  HILUM_ASSIGN_OR_RETURN(const auto location, objects.Locate(object));
  HILUM_RETURN_IF_ERROR(objects.Check(object, 0, std::min(object.length, kCheckedBytes)));
  HILUM_ASSIGN_OR_RETURN(const Mapping mapping, Mapping::Map(location.file, location.offset, object.length));
  Result<dicom::Header> header = dicom::ReadHeader(mapping.bytes(), table.selection(), {});
  HILUM_RETURN_IF_ERROR(mapping.Judge(header.status()));
  header->layout.meta.clear();  // views of the file
  return header;
}

}  // namespace hilum::storage
