#include "codecs/dicom/json.h"

#include "codecs/dicom/charset_scope.h"
#include "codecs/dicom/json_writer.h"
#include "codecs/dicom/utf8.h"

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
  std::string inflated;
  const auto layout = Read(file, limits, visitor, &inflated);
  if (!layout.ok()) {
    out->resize(before);
    return layout.status();
  }
  visitor.End();
  return Status::Ok();
}

void AppendJsonString(std::string_view text, std::string* out) {
  constexpr char kDigits[] = "0123456789abcdef";
  bool plain_throughout = true;
  for (const char c : text) plain_throughout &= static_cast<signed char>(c) >= 0x20 && c != '"' && c != '\\';
  if (plain_throughout) {
    out->push_back('"');
    out->append(text);
    out->push_back('"');
    return;
  }
  out->push_back('"');
  size_t plain = 0;  // octets before here are written
  const auto flush = [&](size_t end) { out->append(text, plain, end - plain); };
  for (size_t i = 0; i < text.size();) {
    const auto octet = static_cast<unsigned char>(text[i]);
    if (octet >= 0x80) {
      const size_t length = Utf8SequenceLength(text.substr(i));
      if (length == 0) {
        flush(i);
        out->append(kReplacement);
        plain = i + 1;
      }
      i += length == 0 ? 1 : length;
      continue;
    }
    if (octet == '"' || octet == '\\' || octet < 0x20) {
      flush(i);
      plain = i + 1;
      if (octet == '\n')
        out->append("\\n");
      else if (octet == '\r')
        out->append("\\r");
      else if (octet == '\t')
        out->append("\\t");
      else if (octet < 0x20)
        out->append("\\u00").append(1, kDigits[octet >> 4]).append(1, kDigits[octet & 15]);
      else
        out->append(1, '\\').append(1, text[i]);
    }
    ++i;
  }
  flush(text.size());
  out->push_back('"');
}

}  // namespace hilum::dicom
