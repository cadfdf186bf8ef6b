#include "server/dicomweb/stored_image.h"

namespace hilum::dicomweb {
namespace {

// Releases up to 2026 took a Number of Frames with blanks before it for 1, and left such tables.
bool IsStale(const dicom::FrameTable& table, const storage::InstanceRow& row) {
  const std::string_view frames = storage::FirstValue(row.attributes, dicom::tags::kNumberOfFrames);
  return table.frames() == 1 && !frames.empty() && frames != "1" && !dicom::IsVideo(row.transfer_syntax);
}

Result<dicom::FrameTable> TableOf(Bytes file, const dicom::ReadLimits& limits) {
  HILUM_ASSIGN_OR_RETURN(const dicom::Header header, dicom::ReadHeader(file, dicom::AttributeSelection({}), limits));
  return dicom::ReadFrameTable(file, header);
}

}  // namespace

Result<dicom::FrameTable> KeptFrameTable(storage::Store& store, const storage::CatalogueReader& reader, Found* found,
                                         const dicom::ReadLimits& limits) {
  dicom::FrameTable table;
  HILUM_ASSIGN_OR_RETURN(const std::string encoded, reader.FrameTable(found->doc, found->row));
  ByteReader in(encoded);
  if (!encoded.empty() && !dicom::ReadFrameTable(&in, &table))
    return Corruption("the frame table of instance " + found->row.uid + " is damaged");
  if (IsStale(table, found->row)) {
    HILUM_ASSIGN_OR_RETURN(const Mapping mapping, MapObject(store, found));
    if (auto read = TableOf(mapping.bytes(), limits); read.ok()) table = *std::move(read);
  }
  return table;
}

Result<StoredImage> StoredImage::Open(storage::Store& store, Found* found, dicom::FrameTable kept,
                                      const dicom::ReadLimits& limits) {
  const uint64_t checked = found->row.object.length <= kShortObject ? UINT64_MAX : kHeaderBytes;
  HILUM_ASSIGN_OR_RETURN(Mapping file, MapObject(store, found, checked));
  const storage::ObjectRef& object = found->row.object;
  auto instance = pixel::Instance::Open(file.bytes(), limits, std::move(kept));
  // The attributes, at whose end the pixels begin; all of it where frames have no place of their own, and where damage
  // may be what was wrong.
  const bool in_place = instance.ok() && !instance->layout().deflated;
  const uint64_t read = in_place ? instance->layout().pixel_data_offset : object.length;
  HILUM_RETURN_IF_ERROR(store.objects().Check(object, 0, std::min(read, object.length)));
  if (!instance.ok()) return instance.status();
  return StoredImage(store, object, std::move(file), *std::move(instance));
}

Result<StoredImage> StoredImage::Open(storage::Store& store, Found* found, const dicom::ReadLimits& limits) {
  const storage::CatalogueReader reader = store.Read();
  const auto now = reader.Instance(found->doc);
  dicom::FrameTable kept;
  // Of a version that was replaced meanwhile nothing is kept.
  if (now.ok() && now->version == found->row.version) {
    if (auto table = KeptFrameTable(store, reader, found, limits); table.ok()) kept = *std::move(table);
  }
  return Open(store, found, std::move(kept), limits);
}

Status StoredImage::Check(uint32_t frame) const {
  if (instance_.layout().deflated) return Status::Ok();
  for (const dicom::FrameRange& range : instance_.Ranges(frame))
    HILUM_RETURN_IF_ERROR(store_->objects().Check(object_, range.offset, range.length));
  return Status::Ok();
}

}  // namespace hilum::dicomweb
