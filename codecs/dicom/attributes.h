// Selected attributes of an instance, for catalogue and index: one pass over the header, stopping before the pixel
// data. Pure functions, thread-safe; results own their text.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "codecs/dicom/json.h"
#include "codecs/dicom/reader.h"
#include "codecs/dicom/tag.h"

namespace hilum::dicom {

// A tag, or a path through the items of sequences: {RequestAttributesSequence, ScheduledProcedureStepID}.
using TagPath = std::vector<Tag>;

struct Attribute {
  TagPath path;
  Vr vr;
  std::vector<std::string> values;  // UTF-8, padding removed, one entry a value (over all items of a path); numbers as
                                    // decimal text. Empty: no value.
  std::string json;                 // the DICOM JSON attribute object (PS3.18 F.2.2) of a top-level tag,
                                    // {"vr":"DA","Value":["20200101"]}; sequences whole; "" for paths
};

struct Header {
  Layout layout;                                              // the values in layout.meta are views of the file
  std::string study_uid, series_uid, sop_uid, sop_class_uid;  // empty when absent
  std::vector<Attribute> attributes;                          // those asked for that are present, in the order asked
  // Facts for frames and rendering; 0 when absent.
  uint32_t rows = 0, columns = 0, bits_allocated = 0, samples_per_pixel = 0, frames = 1;
  std::string photometric_interpretation;
  std::string character_set;  // Specific Character Set of the data set, as written; empty when absent

  const Attribute* Find(Tag tag) const;
  // First value, "" when absent.
  std::string_view First(Tag tag) const;
};

// A top-level private element (PS3.5 7.8.1). Whatever block its creator has in a data set, it is found and given out
// under `tag`; elements of other creators at `tag` are not taken for it.
struct PrivateAttribute {
  Tag tag;
  std::string creator;
  Vr vr;  // of values written as UN, as they are in implicit VR
};

// What to extract; made once, used for every instance.
class AttributeSelection {
 public:
  // Each private attribute is also among the paths, alone.
  explicit AttributeSelection(std::vector<TagPath> paths, std::vector<PrivateAttribute> privates = {});
  const std::vector<TagPath>& paths() const { return paths_; }
  const std::vector<PrivateAttribute>& privates() const { return privates_; }

  // Of a longer value only so many bytes, as they are written, are looked at; of a sequence with longer JSON there is
  // none. Whatever is asked for, a header then takes little memory. A multiple of 8.
  void CutAt(uint64_t bytes) { most_bytes_ = bytes; }
  uint64_t most_bytes() const { return most_bytes_; }

  // Indices into paths() of those that begin with `tag`. `cursor` is kept from call to call, 0 at first: ascending tags
  // are then found without a search.
  std::span<const uint32_t> StartingWith(Tag tag, size_t* cursor) const;

 private:
  std::vector<TagPath> paths_;
  std::vector<Tag> tops_;        // first tags of paths_, sorted
  std::vector<uint32_t> order_;  // index into paths_ of each of tops_
  std::vector<PrivateAttribute> privates_;
  uint64_t most_bytes_ = UINT64_MAX;
};

// The whole file is checked, but only what was asked for is looked into. Where an element comes twice the first one
// counts. Bulk data has JSON alone, as `options` want it; that of known attributes written as UN is read as what the
// dictionary says.
Result<Header> ReadHeader(Bytes file, const AttributeSelection& selection, const ReadLimits& limits,
                          const JsonOptions& options = {});

}  // namespace hilum::dicom
