// Rows of search results, in DICOM JSON and CSV. Not thread-safe.
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
  // What has no values that stand for themselves: a sequence, bulk data.
  void AddJson(dicom::Tag tag, dicom::Vr vr, std::string attribute_object);
  void Add(const storage::KeptAttribute& kept);  // nothing for what lies in a sequence
  // Without a value, unless it is there.
  void AddIfMissing(dicom::Tag tag);
  // Takes over the attribute of the other row, if it has one and this row does not.
  void CopyFrom(const Row& other, dicom::Tag tag);
  bool Has(dicom::Tag tag) const { return members_.contains(tag); }

  void AppendJson(std::string* out) const;

 private:
  friend class CsvTable;

  struct Member {
    dicom::Vr vr;
    std::vector<std::string> values;
    std::string json;  // of AddJson
  };
  std::map<dicom::Tag, Member> members_;
};

// A table of rows (RFC 4180). Which columns there are shows only when every row was seen: rows come twice, once for
// their columns, which are all but sequences and bulk data, then for their lines.
class CsvTable {
 public:
  void AddColumnsOf(const Row& row);
  // The line of keywords.
  void AppendHead(std::string* out) const;
  // Several values of one field are joined by backslashes.
  void AppendLine(const Row& row, std::string* out) const;

 private:
  std::map<dicom::Tag, std::string> columns_;  // and their names
};

}  // namespace hilum::dicomweb
