// Native DICOM Model documents (PS3.19 A.1) into the model.
#include <algorithm>
#include <map>
#include <pugixml.hpp>
#include <set>

#include "base/base64.h"
#include "base/text.h"
#include "base/utf8.h"
#include "codecs/dicom/model.h"
#include "codecs/dicom/model_rules.h"

namespace hilum::dicom {
namespace {

// White space is part of values (xml:space="preserve"); between elements there is none to keep.
constexpr unsigned kParseOptions = pugi::parse_escapes | pugi::parse_eol | pugi::parse_wconv_attribute |
                                   pugi::parse_cdata | pugi::parse_doctype | pugi::parse_declaration |
                                   pugi::parse_ws_pcdata_single;

// Without the prefix of a namespace.
std::string_view LocalName(pugi::xml_node node) {
  const std::string_view name = node.name();
  return name.substr(name.find(':') + 1);
}

class XmlModelReader {
 public:
  explicit XmlModelReader(const ModelLimits& limits) : limits_(limits) {}

  Status ReadDataSet(pugi::xml_node parent, size_t depth, ModelDataSet* out);

 private:
  // An attribute whose block is told by its creator.
  struct Private {
    size_t index;  // into the attributes
    std::string creator;
  };

  Status Wrong(std::string_view why) const {
    return Invalid(place_.empty() ? std::string(why) : place_ + ": " + std::string(why));
  }
  Status Count(size_t more = 1) {
    if (more > limits_.max_elements - elements_)
      return LimitExceeded("more than " + std::to_string(limits_.max_elements) + " attributes, items and values");
    elements_ += more;
    return Status::Ok();
  }
  Status ReadAttribute(pugi::xml_node node, size_t depth, ModelAttribute* out);
  Status ReadContent(pugi::xml_node node, size_t depth, ModelAttribute* out);
  Status ReadText(pugi::xml_node node, std::string* out) const;
  Status ReadName(pugi::xml_node node, std::string* out) const;
  // Where the value or item goes by its number; gaps before it are filled.
  template <typename T>
  Status Place(pugi::xml_node node, std::vector<T>* into);
  Status AssignBlocks(const std::vector<Private>& privates, ModelDataSet* data_set);

  const ModelLimits& limits_;
  size_t elements_ = 0;
  std::string place_;
};

Status XmlModelReader::ReadDataSet(pugi::xml_node parent, size_t depth, ModelDataSet* out) {
  if (depth > limits_.max_depth)
    return LimitExceeded(place_ + ": sequences are nested more than " + std::to_string(limits_.max_depth) + " deep");
  std::vector<Private> privates;
  const size_t outer = place_.size();
  for (const pugi::xml_node node : parent) {
    if (node.type() != pugi::node_element) {
      if (!IsWhiteSpace(node.value())) return Wrong("there is text between the attributes");
      continue;
    }
    if (LocalName(node) != "DicomAttribute") return Wrong("a data set holds DicomAttribute elements, nothing else");
    const auto tag = ParseHexTag(node.attribute("tag").value());
    if (!tag) return Wrong("a DicomAttribute has no tag of eight hexadecimal digits");
    HILUM_RETURN_IF_ERROR(Count());
    place_.append(outer == 0 ? "" : "/").append(ToString(*tag));
    ModelAttribute& attribute = out->attributes.emplace_back();
    attribute.tag = *tag;
    HILUM_RETURN_IF_ERROR(ReadAttribute(node, depth, &attribute));
    if (const pugi::xml_attribute creator = node.attribute("privateCreator"); creator && tag->element < 0x100) {
      if (!tag->is_private()) return Wrong("only private attributes have a privateCreator");
      privates.push_back({out->attributes.size() - 1, creator.value()});
    }
    place_.resize(outer);
  }
  HILUM_RETURN_IF_ERROR(AssignBlocks(privates, out));
  if (const auto twice = SortByTag(out)) return Wrong(ToString(*twice) + " comes twice");
  return Status::Ok();
}

// PS3.5 7.8.1
Status XmlModelReader::AssignBlocks(const std::vector<Private>& privates, ModelDataSet* data_set) {
  if (privates.empty()) return Status::Ok();
  std::map<std::pair<uint16_t, std::string>, uint16_t> blocks;
  std::set<std::pair<uint16_t, uint16_t>> taken;
  std::vector<bool> by_creator(data_set->attributes.size());
  for (const Private& one : privates) by_creator[one.index] = true;
  for (size_t i = 0; i < by_creator.size(); ++i) {
    const ModelAttribute& attribute = data_set->attributes[i];
    const Tag tag = attribute.tag;
    if (!tag.is_private() || by_creator[i]) continue;
    const bool is_creator = tag.element >= 0x10 && tag.element < 0x100;
    taken.insert({tag.group, is_creator ? tag.element : tag.element >> 8});
    if (is_creator && attribute.vr == Vr("LO") && !attribute.values.empty())
      blocks.insert({{tag.group, attribute.values[0]}, tag.element});
  }
  for (const Private& one : privates) {
    const uint16_t group = data_set->attributes[one.index].tag.group;
    const auto [known, is_new] = blocks.insert({{group, one.creator}, 0x10});
    if (is_new) {
      uint16_t& block = known->second;
      while (block < 0x100 && taken.contains({group, block})) ++block;
      if (block == 0x100) return Wrong("no private block is left in a group");
      taken.insert({group, block});
      HILUM_RETURN_IF_ERROR(Count());
      data_set->attributes.push_back({.tag = {group, block}, .vr = Vr("LO"), .values = {one.creator}});
    }
    Tag& tag = data_set->attributes[one.index].tag;
    tag.element = static_cast<uint16_t>(known->second << 8 | tag.element);
  }
  return Status::Ok();
}

Status XmlModelReader::ReadAttribute(pugi::xml_node node, size_t depth, ModelAttribute* out) {
  const std::string_view vr = node.attribute("vr").value();
  if (vr.size() != 2) return Wrong("the vr is missing");
  out->vr = Vr(vr[0], vr[1]);
  for (const pugi::xml_node child : node) {
    if (child.type() != pugi::node_element) {
      if (!IsWhiteSpace(child.value())) return Wrong("there is text outside of a Value");
      continue;
    }
    if (out->form != ModelAttribute::Form::kValues) return Wrong("nothing goes with InlineBinary or BulkData");
    HILUM_RETURN_IF_ERROR(ReadContent(child, depth, out));
  }
  if (out->form != ModelAttribute::Form::kValues && !(out->values.empty() && out->items.empty()))
    return Wrong("nothing goes with InlineBinary or BulkData");
  const std::string_view flaw = FlawOf(*out);
  return flaw.empty() ? Status::Ok() : Wrong(flaw);
}

Status XmlModelReader::ReadContent(pugi::xml_node node, size_t depth, ModelAttribute* out) {
  const std::string_view name = LocalName(node);
  if (name == "Value" && out->vr != Vr("PN")) {
    HILUM_RETURN_IF_ERROR(Place(node, &out->values));
    return ReadText(node, &out->values.back());
  }
  if (name == "PersonName" && out->vr == Vr("PN")) {
    HILUM_RETURN_IF_ERROR(Place(node, &out->values));
    return ReadName(node, &out->values.back());
  }
  if (name == "Item" && out->vr == Vr("SQ")) {
    HILUM_RETURN_IF_ERROR(Place(node, &out->items));
    const size_t outer = place_.size();
    place_.append("[").append(std::to_string(out->items.size() - 1)).append("]");
    HILUM_RETURN_IF_ERROR(ReadDataSet(node, depth + 1, &out->items.back()));
    place_.resize(outer);
    return Status::Ok();
  }
  if (name == "BulkData") {
    out->form = ModelAttribute::Form::kBulk;
    out->content = node.attribute(node.attribute("uri") ? "uri" : "uuid").value();
    return out->content.empty() ? Wrong("BulkData has no uri") : Status::Ok();
  }
  if (name == "InlineBinary") {
    out->form = ModelAttribute::Form::kInline;
    std::string text;
    HILUM_RETURN_IF_ERROR(ReadText(node, &text));
    return DecodeBase64(text, &out->content) ? Status::Ok() : Wrong("InlineBinary is not base64");
  }
  return Wrong("an attribute of this vr does not hold such an element");
}

Status XmlModelReader::ReadText(pugi::xml_node node, std::string* out) const {
  for (const pugi::xml_node child : node) {
    if (child.type() == pugi::node_element) return Wrong("an element is where text belongs");
    if (child.type() == pugi::node_pcdata || child.type() == pugi::node_cdata) out->append(child.value());
  }
  return Status::Ok();
}

Status XmlModelReader::ReadName(pugi::xml_node node, std::string* out) const {
  std::string groups[3];
  for (const pugi::xml_node child : node) {
    if (child.type() != pugi::node_element) continue;
    const auto group = std::find(std::begin(kNameGroups), std::end(kNameGroups), LocalName(child));
    if (group == std::end(kNameGroups)) return Wrong("a PersonName has Alphabetic, Ideographic and Phonetic only");
    std::string components[5];
    for (const pugi::xml_node part : child) {
      if (part.type() != pugi::node_element) continue;
      const auto component = std::find(std::begin(kNameComponents), std::end(kNameComponents), LocalName(part));
      if (component == std::end(kNameComponents)) return Wrong("a person name has no such component");
      HILUM_RETURN_IF_ERROR(ReadText(part, &components[component - std::begin(kNameComponents)]));
    }
    std::string& text = groups[group - std::begin(kNameGroups)];
    for (const std::string& component : components) text.append(component).append("^");
    text.erase(text.find_last_not_of('^') + 1);
  }
  for (const std::string& group : groups) out->append(group).append("=");
  out->erase(out->find_last_not_of('=') + 1);
  return Status::Ok();
}

template <typename T>
Status XmlModelReader::Place(pugi::xml_node node, std::vector<T>* into) {
  size_t number = into->size() + 1;
  if (const std::string_view text = node.attribute("number").value(); !text.empty()) {
    number = ParseDecimal<size_t>(text).value_or(0);
    if (number <= into->size()) return Wrong("the numbers of values and items must rise from 1");
  }
  HILUM_RETURN_IF_ERROR(Count(number - into->size()));
  into->resize(number);
  return Status::Ok();
}

// What pugixml would take although XML 1.0 does not, or what would make it take more memory than the bounds allow.
Status CheckText(std::string_view xml, const ModelLimits& limits) {
  if (xml.find('\0') != std::string_view::npos || !IsUtf8(xml)) return Invalid("the document is not UTF-8");
  size_t nodes = 0;
  for (size_t at = xml.find('<'); at != std::string_view::npos; at = xml.find('<', at + 1))
    nodes += at + 1 < xml.size() && xml[at + 1] != '/';
  if (nodes / 2 > limits.max_elements)
    return LimitExceeded("more than " + std::to_string(limits.max_elements) + " attributes, items and values");
  return Status::Ok();
}

Status CheckProlog(const pugi::xml_document& document) {
  for (const pugi::xml_node node : document) {
    if (node.type() == pugi::node_doctype) return Invalid("a document type declaration is not allowed");
    if (node.type() != pugi::node_declaration) continue;
    const std::string encoding = Lower(node.attribute("encoding").value());
    if (!encoding.empty() && encoding != "utf-8" && encoding != "us-ascii")
      return Invalid("the document must be encoded in UTF-8");
  }
  return Status::Ok();
}

}  // namespace

Result<ModelDataSet> ReadXmlModel(std::string_view xml, const ModelLimits& limits) {
  HILUM_RETURN_IF_ERROR(CheckText(xml, limits));
  pugi::xml_document document;
  const pugi::xml_parse_result parsed =
      document.load_buffer(xml.data(), xml.size(), kParseOptions, pugi::encoding_utf8);
  if (!parsed) return Invalid("the document is not well-formed XML at byte " + std::to_string(parsed.offset));
  HILUM_RETURN_IF_ERROR(CheckProlog(document));
  const pugi::xml_node root = document.document_element();
  if (LocalName(root) != "NativeDicomModel") return Invalid("the document is no NativeDicomModel");
  ModelDataSet data_set;
  HILUM_RETURN_IF_ERROR(XmlModelReader(limits).ReadDataSet(root, 0, &data_set));
  return data_set;
}

}  // namespace hilum::dicom
