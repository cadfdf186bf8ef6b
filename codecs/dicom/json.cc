#include "codecs/dicom/json.h"

#include "codecs/dicom/charset_scope.h"
#include "codecs/dicom/json_writer.h"

namespace hilum::dicom {
namespace {

class JsonVisitor : public Visitor {
 public:
  JsonVisitor(const JsonOptions& options, std::string* out) : writer_(options, &decoder_, out) {
    writer_.BeginObject();
  }
  void End() { writer_.EndObject(); }

  Status OnElement(const Element& element) override {
    charset_.Note(element);
    writer_.AddElement(element, charset_.current());
    return Status::Ok();
  }
  Status OnSequenceBegin(const Element& element) override {
    writer_.BeginSequence(element.tag);
    return Status::Ok();
  }
  Status OnItemBegin(uint32_t depth) override {
    charset_.BeginItem();
    writer_.BeginObject();
    return Status::Ok();
  }
  Status OnItemEnd(uint32_t depth) override {
    writer_.EndObject();
    charset_.EndItem();
    return Status::Ok();
  }
  Status OnSequenceEnd(uint32_t depth) override {
    writer_.EndSequence();
    return Status::Ok();
  }
  Status OnEncapsulated(const Element& element) override {
    writer_.AddEncapsulated(element);
    return Status::Ok();
  }

 private:
  TextDecoder decoder_;
  CharsetScope charset_;
  JsonWriter writer_;
};

}  // namespace

Status AppendJson(Bytes file, const JsonOptions& options, const ReadLimits& limits, std::string* out) {
  const size_t before = out->size();
  JsonVisitor visitor(options, out);
  Inflated inflated;
  const auto layout = Read(file, limits, visitor, &inflated);
  if (!layout.ok()) {
    out->resize(before);
    return layout.status();
  }
  visitor.End();
  return Status::Ok();
}

}  // namespace hilum::dicom
