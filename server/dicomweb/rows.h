// Rows of search results and their two forms, DICOM JSON and CSV. Not thread-safe.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "codecs/dicom/tag.h"
#include "storage/catalogue/catalogue.h"

namespace hilum::dicomweb {

// The attributes of one match, in order of tags.
class Row {
 public:
  void Add(dicom::Tag tag, dicom::Vr vr, std::vector<std::string> values);
  void AddJson(dicom::Tag tag, std::string attribute_object);  // a sequence, as it is kept
  void Add(const storage::KeptAttribute& kept);                // nothing for what lies in a sequence
  // Without a value, unless it is there.
  void AddIfMissing(dicom::Tag tag);
  // Takes over the attribute of the other row, if it has one and this row does not.
  void CopyFrom(const Row& other, dicom::Tag tag);
  bool Has(dicom::Tag tag) const { return members_.contains(tag); }

  void AppendJson(std::string* out) const;
  // The value as one line: several by backslash; "" when absent or a sequence.
  std::string Text(dicom::Tag tag) const;
  void CollectTags(std::map<dicom::Tag, std::string>* names) const;

 private:
  struct Member {
    dicom::Vr vr;
    std::vector<std::string> values;
    std::string json;  // sequences
  };
  std::map<dicom::Tag, Member> members_;
};

std::string JsonOf(const std::vector<Row>& rows);
// RFC 4180, with a header of keywords: those of the rows, and of a row that is not written itself.
std::string CsvOf(const std::vector<Row>& rows, const Row& least);

}  // namespace hilum::dicomweb
