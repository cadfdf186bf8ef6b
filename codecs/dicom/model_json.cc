// DICOM JSON (PS3.18 Annex F) into the model, from the events of a parser: no recursion, and numbers keep their digits.
#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "base/base64.h"
#include "codecs/dicom/model.h"
#include "codecs/dicom/model_rules.h"

namespace hilum::dicom {
namespace {

class JsonModelReader : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit JsonModelReader(const ModelLimits& limits) : limits_(limits) {}

  Status TakeStatus() { return std::move(status_); }
  std::vector<ModelDataSet> Take() { return std::move(data_sets_); }

  bool null() override { return Scalar(Kind::kNull, ""); }
  bool boolean(bool) override { return Fail("true and false are no values"); }
  bool number_integer(number_integer_t value) override { return Scalar(Kind::kNumber, std::to_string(value)); }
  bool number_unsigned(number_unsigned_t value) override { return Scalar(Kind::kNumber, std::to_string(value)); }
  bool number_float(number_float_t, const string_t& digits) override { return Scalar(Kind::kNumber, digits); }
  bool string(string_t& text) override { return Scalar(Kind::kText, std::move(text)); }
  bool binary(binary_t&) override { return Fail("binary values are no JSON"); }

  bool start_object(size_t) override;
  bool key(string_t& name) override;
  bool end_object() override;
  bool start_array(size_t) override;
  bool end_array() override;
  bool parse_error(size_t position, const std::string&, const nlohmann::json::exception&) override {
    status_ = Invalid("the document is not JSON at byte " + std::to_string(position));
    return false;
  }

 private:
  enum class Kind : uint8_t { kNull, kNumber, kText };
  enum class State : uint8_t {
    kDataSets,   // the array around everything
    kDataSet,    // a key is a tag
    kAttribute,  // a key is "vr", "Value", ...
    kValues,     // in the array of "Value"
    kValue,      // in an object there: an item or a person name, as its first key tells
    kName,       // in a person name
  };
  struct Frame {
    State state;
    ModelDataSet* set = nullptr;
    ModelAttribute* attribute = nullptr;
    std::string member = {};  // the last key of an attribute or person name
    uint8_t contents = 0;     // of an attribute: how many of Value, InlineBinary, BulkDataURI came
    bool names = false;       // of an attribute: person names came in groups
    std::array<std::string, 3> name = {};
  };

  Frame& top() { return frames_.back(); }
  bool Fail(std::string_view why) {
    status_ = Invalid(Place() + std::string(why));
    return false;
  }
  bool Count() {
    if (++elements_ <= limits_.max_elements) return true;
    status_ = LimitExceeded("more than " + std::to_string(limits_.max_elements) + " attributes, items and values");
    return false;
  }
  std::string Place() const;
  bool BeginDataSet(std::vector<ModelDataSet>* into);
  bool BeginItem(ModelAttribute* sequence);
  bool AddValue(ModelAttribute* attribute, std::string value);
  bool Scalar(Kind kind, std::string text);
  bool Member(Kind kind, std::string text);
  bool EndDataSet();
  bool EndAttribute();
  bool EndName();

  const ModelLimits& limits_;
  std::vector<ModelDataSet> data_sets_;
  std::vector<Frame> frames_;  // pointers in it stay good: only what the last one points to grows
  Tag tag_;
  size_t elements_ = 0;
  Status status_;
};

// "(0040,0275)[0]/(0040,0007): "
std::string JsonModelReader::Place() const {
  std::string place;
  const ModelAttribute* sequence = nullptr;
  for (const Frame& frame : frames_) {
    if (frame.state != State::kAttribute) continue;
    if (sequence) place.append("[").append(std::to_string(sequence->items.size() - 1)).append("]/");
    sequence = frame.attribute;
    place.append(ToString(sequence->tag));
  }
  return place.empty() ? "" : place + ": ";
}

bool JsonModelReader::BeginDataSet(std::vector<ModelDataSet>* into) {
  if (!Count()) return false;
  into->emplace_back();
  frames_.push_back({State::kDataSet, &into->back()});
  return true;
}

bool JsonModelReader::BeginItem(ModelAttribute* sequence) {
  if (frames_.size() > 3 * limits_.max_depth) {  // an attribute, its values, their item
    status_ = LimitExceeded(Place() + "sequences are nested more than " + std::to_string(limits_.max_depth) + " deep");
    return false;
  }
  frames_.pop_back();  // the undecided kValue
  return BeginDataSet(&sequence->items);
}

bool JsonModelReader::AddValue(ModelAttribute* attribute, std::string value) {
  if (!Count()) return false;
  attribute->values.push_back(std::move(value));
  return true;
}

bool JsonModelReader::start_object(size_t) {
  if (frames_.empty() || top().state == State::kDataSets) return BeginDataSet(&data_sets_);
  Frame& at = top();
  if (at.state == State::kDataSet) {
    if (!Count()) return false;
    at.set->attributes.emplace_back().tag = tag_;
    frames_.push_back({State::kAttribute, at.set, &at.set->attributes.back()});
    return true;
  }
  if (at.state != State::kValues) return Fail("an object is out of place here");
  frames_.push_back({State::kValue, nullptr, at.attribute});
  return true;
}

bool JsonModelReader::key(string_t& name) {
  if (top().state == State::kValue) {
    if (ParseHexTag(name)) {
      if (!BeginItem(top().attribute)) return false;
    } else {
      top().state = State::kName;
    }
  }
  if (top().state == State::kDataSet) {
    const auto tag = ParseHexTag(name);
    if (!tag) return Fail("a key is no tag of eight hexadecimal digits");
    tag_ = *tag;
    return true;
  }
  top().member = std::move(name);
  return true;
}

bool JsonModelReader::end_object() {
  switch (top().state) {
    case State::kDataSet:
      return EndDataSet();
    case State::kAttribute:
      return EndAttribute();
    case State::kName:
      return EndName();
    default: {  // kValue without a key: an empty item, or a person name without groups
      ModelAttribute* attribute = top().attribute;
      if (!frames_[frames_.size() - 3].names) return BeginItem(attribute) && EndDataSet();
      frames_.pop_back();
      return AddValue(attribute, "");
    }
  }
}

bool JsonModelReader::start_array(size_t) {
  if (frames_.empty()) {
    frames_.push_back({State::kDataSets});
    return true;
  }
  if (top().state != State::kAttribute || top().member != "Value") return Fail("an array is out of place here");
  ++top().contents;
  frames_.push_back({State::kValues, nullptr, top().attribute});
  return true;
}

bool JsonModelReader::end_array() {
  frames_.pop_back();
  return true;
}

bool JsonModelReader::Scalar(Kind kind, std::string text) {
  if (frames_.empty()) return Fail("the document is neither an array of data sets nor one of them");
  Frame& at = top();
  if (at.state == State::kValues) return AddValue(at.attribute, std::move(text));
  if (at.state == State::kAttribute) return Member(kind, std::move(text));
  if (at.state != State::kName) return Fail("a data set or attribute is not an object");
  if (kind == Kind::kNumber) return Fail("a group of a person name is a number");
  for (int i = 0; i < 3; ++i) {
    if (at.member != kNameGroups[i]) continue;
    at.name[i] = std::move(text);
    return true;
  }
  return Fail("a person name has Alphabetic, Ideographic and Phonetic, nothing else");
}

bool JsonModelReader::Member(Kind kind, std::string text) {
  Frame& at = top();
  if (kind != Kind::kText || at.member == "Value")
    return Fail("vr, InlineBinary and BulkDataURI are strings, Value is an array");
  if (at.member == "vr") {
    const Vr vr = text.size() == 2 ? Vr(text[0], text[1]) : Vr();
    if (!vr.known()) return Fail("the vr is none of PS3.5 table 6.2-1");
    at.attribute->vr = vr;
    return true;
  }
  ++at.contents;
  if (at.member == "BulkDataURI") {
    if (text.empty()) return Fail("BulkDataURI is empty");
    at.attribute->form = ModelAttribute::Form::kBulk;
    at.attribute->content = std::move(text);
    return true;
  }
  if (at.member != "InlineBinary")
    return Fail("an attribute has vr and one of Value, InlineBinary and BulkDataURI, nothing else");
  at.attribute->form = ModelAttribute::Form::kInline;
  at.attribute->content.clear();
  return DecodeBase64(text, &at.attribute->content) || Fail("InlineBinary is not base64");
}

bool JsonModelReader::EndDataSet() {
  if (const auto twice = SortByTag(top().set)) return Fail(ToString(*twice) + " comes twice");
  frames_.pop_back();
  return true;
}

bool JsonModelReader::EndAttribute() {
  ModelAttribute& attribute = *top().attribute;
  if (attribute.vr == Vr()) return Fail("the vr is missing");
  if (top().contents > 1) return Fail("only one of Value, InlineBinary and BulkDataURI may be there");
  if (top().names && attribute.vr != Vr("PN")) return Fail("only values of PN are objects");
  if (attribute.vr == Vr("PN")) {  // empty objects before the first name were taken for items
    for (const ModelDataSet& item : attribute.items)
      if (!item.attributes.empty()) return Fail("a person name holds attributes");
    attribute.values.insert(attribute.values.begin(), attribute.items.size(), "");
    attribute.items.clear();
  }
  if (const std::string_view flaw = FlawOf(attribute); !flaw.empty()) return Fail(flaw);
  frames_.pop_back();
  return true;
}

bool JsonModelReader::EndName() {
  Frame& at = top();
  std::string name = std::move(at.name[0]);
  for (int i = 1; i < 3; ++i) name.append("=").append(at.name[i]);
  while (name.ends_with('=')) name.pop_back();
  ModelAttribute* attribute = at.attribute;
  frames_.pop_back();
  frames_[frames_.size() - 2].names = true;  // below the array of values
  return AddValue(attribute, std::move(name));
}

}  // namespace

Result<std::vector<ModelDataSet>> ReadJsonModel(std::string_view json, const ModelLimits& limits) {
  JsonModelReader reader(limits);
  if (nlohmann::json::sax_parse(json.begin(), json.end(), &reader)) return reader.Take();
  return reader.TakeStatus();
}

}  // namespace hilum::dicom
