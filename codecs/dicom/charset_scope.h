// The character set in force at a place of a data set: items inherit it and may override it (PS3.3 C.12.1.1.2).
// Internal to codecs/dicom. Not thread-safe.
#pragma once

#include <vector>

#include "codecs/dicom/charset.h"
#include "codecs/dicom/reader.h"

namespace hilum::dicom {

class CharsetScope {
 public:
  const Charset& current() const { return open_.empty() ? top_ : open_.back(); }
  void BeginItem() { open_.push_back(Charset(current())); }
  void EndItem() { open_.pop_back(); }
  void Note(const Element& element) {
    if (element.tag == tags::kSpecificCharacterSet) (open_.empty() ? top_ : open_.back()) = Charset(element.value);
  }

 private:
  Charset top_;
  std::vector<Charset> open_;
};

}  // namespace hilum::dicom
