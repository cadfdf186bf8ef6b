// The image of a stored instance, read from the disk as far as it is asked for: what one frame of a slide takes does
// not grow with the slide. Not thread-safe.
#pragma once

#include "codecs/pixel/instance.h"
#include "server/dicomweb/selection.h"

namespace hilum::dicomweb {

// Of the version that `reader` sees; empty when none was kept. kCorruption when it is damaged. REQUIRES: so is the row.
Result<dicom::FrameTable> KeptFrameTable(storage::Store& store, const storage::CatalogueReader& reader, Found* found,
                                         const dicom::ReadLimits& limits);

class StoredImage {
 public:
  // As Instance::Open, and kCorruption when what was read is not what was stored. `kept`: of KeptFrameTable. `store`
  // outlives the image.
  static Result<StoredImage> Open(storage::Store& store, Found* found, dicom::FrameTable kept,
                                  const dicom::ReadLimits& limits);
  // The same with the table that is kept now.
  static Result<StoredImage> Open(storage::Store& store, Found* found, const dicom::ReadLimits& limits);

  const pixel::Instance& operator*() const { return instance_; }
  const pixel::Instance* operator->() const { return &instance_; }
  // To be called before the bytes of a frame (from 0) are used: kCorruption when they are not what was stored.
  // REQUIRES: frame < frames().
  Status Check(uint32_t frame) const;
  // Of which the attributes are known to be what was stored.
  const Mapping& file() const { return file_; }

 private:
  StoredImage(storage::Store& store, const storage::ObjectRef& object, Mapping file, pixel::Instance instance)
      : store_(&store), object_(object), file_(std::move(file)), instance_(std::move(instance)) {}

  storage::Store* store_;
  storage::ObjectRef object_;
  Mapping file_;
  pixel::Instance instance_;
};

}  // namespace hilum::dicomweb
