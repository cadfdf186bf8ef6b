#include <algorithm>

#include "base/base64.h"
#include "base/markup.h"
#include "base/utf8.h"
#include "codecs/dicom/model.h"
#include "codecs/dicom/model_rules.h"

namespace hilum::dicom {
namespace {

void AppendCharacters(std::string_view text, std::string* out) {
  for (size_t i = 0; i < text.size();) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const size_t length = Utf8SequenceLength(text.substr(i));
    const std::string_view character = text.substr(i, std::max<size_t>(length, 1));
    i += character.size();
    const bool forbidden = length == 0 || (byte < 0x20 && byte != '\t' && byte != '\n' && byte != '\r') ||
                           character == "\xEF\xBF\xBE" || character == "\xEF\xBF\xBF";  // XML 1.0 2.2
    if (forbidden)
      out->append(kReplacement);
    else if (const std::string_view entity = EntityOf(character.front()); !entity.empty())
      out->append(entity);
    else if (byte == '\r' || byte == '\n' || byte == '\t')  // as they are, they would not survive every parser
      out->append("&#").append(std::to_string(byte)).append(";");
    else
      out->append(character);
  }
}

void AppendTextElement(std::string_view name, std::string_view text, std::string* out) {
  out->append("<").append(name).append(">");
  AppendCharacters(text, out);
  out->append("</").append(name).append(">");
}

// The text before the next `separator`, which is taken off the front of `text`; the `last` part is all of it.
std::string_view TakePart(std::string_view* text, char separator, bool last) {
  const size_t end = last ? std::string_view::npos : text->find(separator);
  const std::string_view part = text->substr(0, end);
  text->remove_prefix(end == std::string_view::npos ? text->size() : end + 1);
  return part;
}

void AppendPersonName(std::string_view name, std::string* out) {
  for (const std::string_view group_name : kNameGroups) {
    std::string_view group = TakePart(&name, '=', group_name == kNameGroups[2]);
    if (group.empty()) continue;
    out->append("<").append(group_name).append(">");
    for (const std::string_view component : kNameComponents) {
      const std::string_view part = TakePart(&group, '^', component == kNameComponents[4]);
      if (!part.empty()) AppendTextElement(component, part, out);
    }
    out->append("</").append(group_name).append(">");
  }
}

class Writer {
 public:
  explicit Writer(std::string* out) : out_(out) {}

  void Write(const ModelDataSet& data_set) {
    for (const ModelAttribute& attribute : data_set.attributes) WriteAttribute(data_set, attribute);
  }

 private:
  void WriteAttribute(const ModelDataSet& data_set, const ModelAttribute& attribute) {
    const std::string_view creator = CreatorOf(data_set, attribute.tag);
    const Tag tag = creator.empty() ? attribute.tag : Tag(attribute.tag.packed() & 0xFFFF00FF);
    out_->append("<DicomAttribute tag=\"").append(ToHex(tag)).append("\" vr=\"").append(attribute.vr.text());
    out_->append("\"");
    if (!creator.empty()) {
      out_->append(" privateCreator=\"");
      AppendCharacters(creator, out_);
      out_->append("\"");
    } else if (const DictionaryEntry* entry = FindTag(attribute.tag)) {
      out_->append(" keyword=\"").append(entry->keyword).append("\"");
    }
    out_->append(">");
    WriteContent(attribute);
    out_->append("</DicomAttribute>");
  }

  void WriteContent(const ModelAttribute& attribute) {
    if (attribute.form == ModelAttribute::Form::kBulk) {
      out_->append("<BulkData uri=\"");
      AppendCharacters(attribute.content, out_);
      out_->append("\"/>");
    } else if (attribute.form == ModelAttribute::Form::kInline) {
      out_->append("<InlineBinary>");
      AppendBase64(attribute.content, out_);
      out_->append("</InlineBinary>");
    }
    const bool is_name = attribute.vr == Vr("PN");
    const std::string_view element = is_name ? "PersonName" : "Value";
    for (size_t i = 0; i < attribute.values.size(); ++i) {
      Open(element, i);
      if (is_name)
        AppendPersonName(attribute.values[i], out_);
      else
        AppendCharacters(attribute.values[i], out_);
      out_->append("</").append(element).append(">");
    }
    for (size_t i = 0; i < attribute.items.size(); ++i) {
      Open("Item", i);
      Write(attribute.items[i]);
      out_->append("</Item>");
    }
  }

  void Open(std::string_view element, size_t index) {
    out_->append("<").append(element).append(" number=\"").append(std::to_string(index + 1)).append("\">");
  }

  // "" where the full tag must be written: no private attribute, or no creator that tells the block for certain.
  static std::string_view CreatorOf(const ModelDataSet& data_set, Tag tag) {
    if (!tag.is_private() || tag.element < 0x1000) return "";
    const auto block = static_cast<uint16_t>(tag.element >> 8);
    const std::string_view creator = CreatorOfBlock(data_set, tag.group, block);
    const auto is_plain = [](char c) { return c >= ' ' && c <= '~'; };
    if (!std::all_of(creator.begin(), creator.end(), is_plain)) return "";
    for (uint16_t earlier = 0x10; earlier < block; ++earlier)
      if (CreatorOfBlock(data_set, tag.group, earlier) == creator) return "";
    return creator;
  }

  static std::string_view CreatorOfBlock(const ModelDataSet& data_set, uint16_t group, uint16_t block) {
    const ModelAttribute* creator = data_set.Find({group, block});
    return creator && creator->vr == Vr("LO") && !creator->values.empty() ? std::string_view(creator->values[0]) : "";
  }

  std::string* const out_;
};

}  // namespace

void AppendXmlModel(const ModelDataSet& data_set, std::string* out) {
  out->append(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
      "<NativeDicomModel xmlns=\"http://dicom.nema.org/PS3.19/models/NativeDICOM\" xml:space=\"preserve\">");
  Writer(out).Write(data_set);
  out->append("</NativeDicomModel>");
}

}  // namespace hilum::dicom
