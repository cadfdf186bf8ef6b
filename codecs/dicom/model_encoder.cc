// The model as a Part 10 file.
#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <utility>

#include "base/text.h"
#include "base/utf8.h"
#include "codecs/dicom/charset.h"
#include "codecs/dicom/model.h"
#include "codecs/dicom/named_text.h"
#include "codecs/dicom/transfer_syntax.h"
#include "codecs/dicom/vr_table.h"
#include "codecs/dicom/writer.h"

namespace hilum::dicom {
namespace {

constexpr uint64_t kLongestValue = 0xFFFFFFFE;
constexpr size_t kLongestUid = 64, kLongestDecimal = 16;

// PS3.5 7.1 and 7.5: groups that hold no attributes of data sets.
bool IsForbidden(Tag tag) {
  return (tag.is_private() && tag.group < 0x0008) || tag.group >= 0xFFFE;
}

bool IsForbiddenControl(char c) {  // PS3.5 6.1.3
  const auto byte = static_cast<unsigned char>(c);
  return byte < 0x20 && c != '\t' && c != '\n' && c != '\f' && c != '\r' && c != 0x1B;
}

// What is a whole number, in digits alone: JSON makes no difference between 1, 1.0 and 1e0.
std::string Whole(std::string_view text) {
  if (text.find_first_of(".eE") == text.npos) return std::string(text);
  const std::optional<double> number = ParseDecimal<double>(text);
  if (!number || *number != std::trunc(*number) || std::abs(*number) > 0x1p53) return std::string(text);
  return std::to_string(static_cast<int64_t>(*number));
}

template <typename T, typename Bits>
bool AppendNumber(std::string_view text, std::string* out) {
  const std::string digits = std::is_integral_v<T> ? Whole(text) : std::string(text);
  T number{};
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc() || end != digits.data() + digits.size()) return false;
  AppendLe<Bits>(out, std::bit_cast<Bits>(number));
  return true;
}

bool AppendNumber(Vr vr, std::string_view text, std::string* out) {
  if (vr == Vr("US")) return AppendNumber<uint16_t, uint16_t>(text, out);
  if (vr == Vr("SS")) return AppendNumber<int16_t, uint16_t>(text, out);
  if (vr == Vr("UL")) return AppendNumber<uint32_t, uint32_t>(text, out);
  if (vr == Vr("SL")) return AppendNumber<int32_t, uint32_t>(text, out);
  if (vr == Vr("UV")) return AppendNumber<uint64_t, uint64_t>(text, out);
  if (vr == Vr("SV")) return AppendNumber<int64_t, uint64_t>(text, out);
  if (vr == Vr("FL")) return AppendNumber<float, uint32_t>(text, out);  // "NaN" and "Infinity" (PS3.18 F.2.2), too
  if (vr == Vr("FD")) return AppendNumber<double, uint64_t>(text, out);
  const auto tag = ParseHexTag(text);  // AT
  if (!tag) return false;
  AppendLe<uint16_t>(out, tag->group);
  AppendLe<uint16_t>(out, tag->element);
  return true;
}

// What is a number, with as many digits as a DS holds (PS3.5 6.2): who computes in binary sends more of them.
std::string Decimal(const std::string& text) {
  if (text.size() <= kLongestDecimal) return text;
  const std::optional<double> number = ParseDecimal<double>(text);
  if (!number) return text;
  std::array<char, 32> digits;
  for (int precision = kLongestDecimal; precision > 0; --precision) {
    const auto written =
        std::to_chars(digits.data(), digits.data() + digits.size(), *number, std::chars_format::general, precision);
    const std::string_view rounded(digits.data(), static_cast<size_t>(written.ptr - digits.data()));
    if (rounded.size() <= kLongestDecimal) return std::string(rounded);
  }
  return text;
}

// False for numbers that an IS cannot hold (PS3.5 6.2). What is no number at all is kept as it is.
bool IsInteger32(const std::string& text) {
  const std::optional<double> number = ParseDecimal<double>(text);
  return !number || (*number == std::trunc(*number) && *number >= INT32_MIN && *number <= INT32_MAX);
}

class Encoder {
 public:
  Encoder(const BulkFinder& bulk, uint64_t max_bytes, MemoryAllowance::Share* memory)
      : bulk_(bulk), left_(std::min(max_bytes, kLongestValue / 2)), memory_(memory) {}

  Result<std::string> File(const ModelDataSet& data_set);

 private:
  Status Wrong(Tag tag, std::string_view why) const {
    return Invalid(place_ + ToString(tag) + ": " + std::string(why));
  }
  Status Take(uint64_t bytes) {
    if (bytes > left_) return LimitExceeded("the instance is larger than it may be when it comes as metadata");
    if (memory_ && !memory_->Grow(bytes))
      return Unavailable("instances that others send as metadata take all the memory there is for them");
    left_ -= bytes;
    return Status::Ok();
  }
  Result<const ModelBulk*> Bulk(const ModelAttribute& attribute) const;
  // REQUIRES of these: `out` is empty.
  Status AppendValue(const ModelAttribute& attribute, std::string* out);
  Status AppendText(const ModelAttribute& attribute, std::string* out);
  Status AppendBulk(const ModelAttribute& attribute, std::string* out);
  // `text` to UTF-8, of bulk data that depend on a character set.
  Status ReadText(const ModelAttribute& attribute, const std::string& charset, std::string* text) const;
  Status AppendItems(const ModelAttribute& attribute, std::string* out);

  const BulkFinder& bulk_;
  uint64_t left_;
  MemoryAllowance::Share* const memory_;
  std::string place_;  // "(0040,0275)[0]/" of the item at hand
  std::string terms_;  // of Specific Character Set, as the data set has it
};

Result<const ModelBulk*> Encoder::Bulk(const ModelAttribute& attribute) const {
  const ModelBulk* bulk = bulk_(attribute.content);
  if (!bulk) return Wrong(attribute.tag, "the bulk data URI is the Content-Location of no part of the request");
  return bulk;
}

Status Encoder::AppendText(const ModelAttribute& attribute, std::string* out) {
  const Vr vr = attribute.vr;
  const bool single = vr == Vr("ST") || vr == Vr("LT") || vr == Vr("UT") || vr == Vr("UR");
  if (single && attribute.values.size() > 1) return Wrong(attribute.tag, "this vr has one value at most");
  for (size_t i = 0; i < attribute.values.size(); ++i) {
    const std::string& given = attribute.values[i];
    const std::string value = vr == Vr("DS") ? Decimal(given) : vr == Vr("IS") ? Whole(given) : given;
    if (vr == Vr("IS") && !IsInteger32(value))
      return Wrong(attribute.tag, "a value is no whole number of 32 bits, as this vr has them");
    if (!single && value.find('\\') != std::string::npos)
      return Wrong(attribute.tag, "a value holds a backslash, which would part it in two");
    if (std::any_of(value.begin(), value.end(), IsForbiddenControl))
      return Wrong(attribute.tag, "a value holds a control character");
    HILUM_RETURN_IF_ERROR(Take(value.size() + 1));
    if (i > 0) out->push_back('\\');
    out->append(value);
  }
  return Status::Ok();
}

Status Encoder::AppendBulk(const ModelAttribute& attribute, std::string* out) {
  HILUM_ASSIGN_OR_RETURN(const ModelBulk* bulk, Bulk(attribute));
  if (!bulk->transfer_syntax.empty())
    return Wrong(attribute.tag, "only Pixel Data of the instance itself may be compressed");
  for (const Bytes piece : bulk->pieces) {
    HILUM_RETURN_IF_ERROR(Take(piece.size()));
    out->append(piece);
  }
  if (VrFlags(attribute.vr) & kVrCharset) HILUM_RETURN_IF_ERROR(ReadText(attribute, bulk->charset, out));
  if (attribute.vr.is_text() && std::any_of(out->begin(), out->end(), IsForbiddenControl))
    return Wrong(attribute.tag, "a value holds a control character");
  return Status::Ok();
}

Status Encoder::ReadText(const ModelAttribute& attribute, const std::string& charset, std::string* text) const {
  if (!charset.empty()) {
    auto read = ReadNamedText(charset, *text, text->size() + left_);
    if (read.status().code() == Code::kInvalid) return Wrong(attribute.tag, read.status().message());
    if (!read.ok()) return read.status();
    *text = *std::move(read);
    return Status::Ok();
  }
  const Charset set(terms_);
  const bool own = !terms_.empty() && set.g0() != Repertoire::kUtf8;  // otherwise than the metadata around it
  const bool beyond_ascii = std::ranges::any_of(*text, [](char c) { return static_cast<unsigned char>(c) >= 0x80; });
  if (IsUtf8(*text) && (!own || beyond_ascii)) return Status::Ok();
  if (!own) return Wrong(attribute.tag, "the text is not in UTF-8; say its character set by `charset` of Content-Type");
  const bool single = attribute.vr == Vr("ST") || attribute.vr == Vr("LT") || attribute.vr == Vr("UT");
  const TextKind kind = single                     ? TextKind::kSingle
                        : attribute.vr == Vr("PN") ? TextKind::kPersonName
                                                   : TextKind::kMultiple;
  std::string read;
  TextDecoder().Append(*text, set, kind, &read);
  *text = std::move(read);
  return Status::Ok();
}

Status Encoder::AppendItems(const ModelAttribute& sequence, std::string* out) {
  const size_t outer = place_.size();
  for (size_t i = 0; i < sequence.items.size(); ++i) {
    place_.append(ToString(sequence.tag)).append("[").append(std::to_string(i)).append("]/");
    HILUM_RETURN_IF_ERROR(Take(8));
    std::string item;
    DataSetWriter writer(&item);
    for (const ModelAttribute& attribute : sequence.items[i].attributes) {
      if (IsEncoding(attribute.tag) || attribute.tag == tags::kSpecificCharacterSet) continue;
      std::string value;
      HILUM_RETURN_IF_ERROR(AppendValue(attribute, &value));
      writer.Add(attribute.tag, attribute.vr, value);
    }
    DataSetWriter(out).AddItemTag(tags::kItem, static_cast<uint32_t>(item.size()));
    out->append(item);
    place_.resize(outer);
  }
  return Status::Ok();
}

Status Encoder::AppendValue(const ModelAttribute& attribute, std::string* out) {
  const Vr vr = attribute.vr;
  if (IsForbidden(attribute.tag)) return Wrong(attribute.tag, "this is no attribute");
  HILUM_RETURN_IF_ERROR(Take(12));
  if (attribute.form == ModelAttribute::Form::kInline) {
    if (!vr.is_bulk()) return Wrong(attribute.tag, "only OB, OD, OF, OL, OV, OW and UN come as InlineBinary");
    HILUM_RETURN_IF_ERROR(Take(attribute.content.size()));
    out->append(attribute.content);
  } else if (attribute.form == ModelAttribute::Form::kBulk) {
    HILUM_RETURN_IF_ERROR(AppendBulk(attribute, out));
  } else if (vr == Vr("SQ")) {
    HILUM_RETURN_IF_ERROR(AppendItems(attribute, out));
  } else if (vr.is_binary_number()) {
    HILUM_RETURN_IF_ERROR(Take(attribute.values.size() * vr.number_size()));
    for (const std::string& value : attribute.values)
      if (!AppendNumber(vr, value, out)) return Wrong(attribute.tag, "a value is no number that this vr can hold");
  } else if (vr.is_bulk()) {
    if (!attribute.values.empty())
      return Wrong(attribute.tag, "values of this vr come as InlineBinary or by a bulk data URI");
  } else {
    HILUM_RETURN_IF_ERROR(AppendText(attribute, out));
  }
  return Status::Ok();
}

Result<std::string> Encoder::File(const ModelDataSet& data_set) {
  const auto uid = [&](Tag tag) -> std::string {
    const ModelAttribute* attribute = data_set.Find(tag);
    return attribute && !attribute->values.empty() && attribute->values[0].size() <= kLongestUid ? attribute->values[0]
                                                                                                 : "";
  };
  if (const ModelAttribute* charset = data_set.Find(tags::kSpecificCharacterSet))
    for (const std::string& term : charset->values) terms_ += (terms_.empty() ? "" : "\\") + term;
  std::string transfer_syntax;
  const ModelAttribute* pixels = data_set.Find(tags::kPixelData);
  if (pixels && pixels->form == ModelAttribute::Form::kBulk) {
    HILUM_ASSIGN_OR_RETURN(const ModelBulk* bulk, Bulk(*pixels));
    transfer_syntax = bulk->transfer_syntax;
  }
  const bool compressed = !transfer_syntax.empty();
  Part10Writer writer(uid(tags::kSopClassUid), uid(tags::kSopInstanceUid),
                      compressed ? transfer_syntax : kExplicitLittleEndian);
  bool charset_written = false;
  for (const ModelAttribute& attribute : data_set.attributes) {
    if (IsEncoding(attribute.tag)) continue;
    if (!charset_written && attribute.tag >= tags::kSpecificCharacterSet) {
      writer.Add(tags::kSpecificCharacterSet, Vr("CS"), "ISO_IR 192");
      charset_written = true;
    }
    if (attribute.tag == tags::kSpecificCharacterSet) continue;
    if (compressed && &attribute == pixels) {
      HILUM_ASSIGN_OR_RETURN(const ModelBulk* bulk, Bulk(attribute));
      for (const Bytes piece : bulk->pieces) HILUM_RETURN_IF_ERROR(Take(piece.size() + 8));
      writer.AddFragments(attribute.tag, bulk->pieces);
      continue;
    }
    std::string value;
    HILUM_RETURN_IF_ERROR(AppendValue(attribute, &value));
    writer.Add(attribute.tag, attribute.vr, value);
  }
  return writer.Take();
}

}  // namespace

Result<std::string> EncodeModel(const ModelDataSet& data_set, const BulkFinder& bulk, uint64_t max_bytes,
                                MemoryAllowance::Share* memory) {
  return Encoder(bulk, max_bytes, memory).File(data_set);
}

}  // namespace hilum::dicom
