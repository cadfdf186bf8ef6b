// Writes the DICOM JSON model (PS3.18 Annex F) from the events of a read. Internal to codecs/dicom.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "codecs/dicom/charset.h"
#include "codecs/dicom/json.h"
#include "codecs/dicom/reader.h"

namespace hilum::dicom {

// Appends the attribute object of a text value that is decoded already: {"vr":"DA","Value":["20200101"]}.
void AppendTextAttribute(Vr vr, std::string_view text, std::string* out);

// Whether the model refers to the value of an element by a URI. Encapsulated pixel data always are.
bool IsByReference(const Element& written, uint64_t inline_binary_bytes);

// Not thread-safe; one per read. Keys come out in tag order whatever the order of the file; of elements that come twice
// in one data set or item the first one is kept.
class JsonWriter {
 public:
  // All three must outlive the writer, and nobody else may write to `out` between the calls.
  JsonWriter(const JsonOptions& options, TextDecoder* decoder, std::string* out)
      : options_(options), decoder_(decoder), out_(out) {}

  // The data set itself, or an item of the sequence begun last. Without a data set around it a sequence is written as
  // an attribute object on its own.
  void BeginObject();
  void EndObject();
  void BeginSequence(Tag tag);
  void EndSequence();
  void AddElement(const Element& element, const Charset& charset);
  void AddEncapsulated(const Element& element);

  // The attribute object of one element. False, and nothing appended, for bulk data without a URI.
  bool AppendAttribute(const Element& element, const Charset& charset);

 private:
  // `"00100020":{...}` in out_.
  struct Member {
    Tag tag;
    size_t begin, end;
  };
  struct Object {
    size_t begin;         // in out_, after '{'
    size_t first_member;  // in members_
    bool sorted = true;
  };
  struct Sequence {
    Tag tag;
    uint32_t items = 0;
  };

  void BeginMember(Tag tag);
  void EndMember(bool keep);
  void SortMembers(const Object& object);
  void AppendNumbers(const Element& element);
  bool AppendBulk(const Element& element, bool by_reference);
  std::string Path(Tag tag) const;

  const JsonOptions& options_;
  TextDecoder* const decoder_;
  std::string* const out_;
  std::string text_;  // reused: the value at hand in UTF-8
  std::vector<Object> objects_;
  std::vector<Member> members_;  // of all open objects; the last member of an object is open while a sequence is
  std::vector<Sequence> sequences_;
};

}  // namespace hilum::dicom
