#include "fhir/json/parser.h"

#include <algorithm>

#include "base/text.h"
#include "base/utf8.h"

namespace hilum::fhir::json {
namespace {

// Objects with more properties than this are checked for repeated names once, by sorting.
constexpr uint32_t kFewKeys = 32;

// Eight bytes at a time: nonzero where one is below 0x20, '"' or '\\'.
uint64_t SpecialBytes(uint64_t word) {
  constexpr uint64_t kOnes = 0x0101010101010101u, kHigh = 0x8080808080808080u;
  const auto equals = [word](uint64_t c) {
    const uint64_t x = word ^ (kOnes * c);
    return (x - kOnes) & ~x & kHigh;
  };
  return equals('"') | equals('\\') | ((word - kOnes * 0x20) & ~word & kHigh);
}

// First '"', '\\' or control byte at or after `at`; the NUL behind the text stops it.
const char* FindSpecial(const char* at, const char* end) {
  while (end - at >= 8) {
    const uint64_t found = SpecialBytes(LoadLe<uint64_t>(at));
    if (found != 0) return at + (std::countr_zero(found) >> 3);
    at += 8;
  }
  while (*at != '"' && *at != '\\' && static_cast<unsigned char>(*at) >= 0x20) ++at;
  return at;
}

uint64_t BloomBit(std::string_view key) {
  if (key.empty()) return 1;
  const auto mix =
      static_cast<unsigned char>(key.front()) * 5u + static_cast<unsigned char>(key.back()) * 3u + key.size();
  return uint64_t{1} << (mix & 63);
}

// Property names are shown when they look like names, so that no text of a patient can slip out.
std::string Shown(std::string_view key) {
  const bool plain = key.size() <= 64 && std::ranges::all_of(key, [](char c) {
                       return IsDigit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '-';
                     });
  return plain ? "'" + std::string(key) + "'" : "a property";
}

}  // namespace

size_t FindInvalidUtf8(Bytes text) {
  size_t at = 0;
  const auto byte = [&](size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
  while (at < text.size()) {
    const unsigned lead = byte(at);
    if (lead < 0x80) {
      ++at;
      continue;
    }
    const size_t size = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
    // The second byte is what keeps out overlong forms, surrogates and code points past U+10FFFF.
    const unsigned low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
    const unsigned high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
    if (lead < 0xC2 || lead > 0xF4 || byte(at + 1) < low || byte(at + 1) > high) return at;
    for (size_t i = 2; i < size; ++i) {
      if ((byte(at + i) & 0xC0) != 0x80) return at;
    }
    at += size;
  }
  return at;
}

Parser::Parser(const std::string& text, const Limits& limits, std::vector<Node>* nodes, std::string* decoded)
    : begin_(text.c_str()), end_(begin_ + text.size()), limits_(limits), nodes_(nodes), decoded_(decoded), at_(begin_) {
  assert(limits.depth <= kMaxDepth);
}

bool Parser::Fail(const char* at, Code code, std::string reason) {
  error_code_ = code;
  error_at_ = Offset(at);
  error_ = std::move(reason);
  return false;
}

void Parser::SkipSpace() {
  while (*at_ == ' ' || *at_ == '\n' || *at_ == '\r' || *at_ == '\t') ++at_;
}

Status Parser::Run() {
  const auto parse = [&]() -> bool {
    SkipSpace();
    if (!ParseValue(0, 0)) return false;
    while (depth_ > 0) {
      Frame& frame = stack_[depth_ - 1];
      SkipSpace();
      const char close = frame.object ? '}' : ']';
      if (*at_ == close) {
        if (!Close()) return false;
        continue;
      }
      if (frame.children > 0) {
        if (*at_ != ',') return Fail(at_, std::string("expected ',' or '") + close + "'");
        ++at_;
        SkipSpace();
      }
      ++frame.children;
      uint32_t key = 0;
      uint16_t key_size = 0;
      if (frame.object && !ParseKey(&frame, &key, &key_size)) return false;
      if (!ParseValue(key, key_size)) return false;
    }
    SkipSpace();
    return at_ == end_ || Fail(at_, "text after the end of the JSON value");
  };
  if (parse()) return Status::Ok();
  const Position position = PositionAt(Bytes(begin_, end_ - begin_), error_at_);
  return Status(error_code_, "line " + std::to_string(position.line) + ", column " + std::to_string(position.column) +
                                 ": " + error_);
}

bool Parser::ParseValue(uint32_t key, uint16_t key_size) {
  if (nodes_->size() >= limits_.values) {
    return Fail(at_, Code::kLimit, "more than " + std::to_string(limits_.values) + " values; send less at once");
  }
  const auto index = static_cast<uint32_t>(nodes_->size());
  nodes_->push_back({.begin = Offset(at_), .next = index + 1, .key = key, .key_size = key_size});
  Node* node = &nodes_->back();
  switch (*at_) {
    case '{':
    case '[':
      if (depth_ == limits_.depth) {
        return Fail(at_, Code::kLimit, "nested deeper than " + std::to_string(limits_.depth) + " levels");
      }
      node->kind = *at_ == '{' ? Kind::kObject : Kind::kArray;
      stack_[depth_++] = {.node = index, .object = *at_ == '{'};
      ++at_;
      return true;
    case '"':
      return ParseString(node);
    case 't':
      return ParseLiteral("true", Kind::kTrue, node);
    case 'f':
      return ParseLiteral("false", Kind::kFalse, node);
    case 'n':
      return ParseLiteral("null", Kind::kNull, node);
    default:
      return ParseNumber(node);
  }
}

bool Parser::Close() {
  const Frame& frame = stack_[depth_ - 1];
  if (frame.object && frame.children > kFewKeys && !CheckManyKeys(frame)) return false;
  ++at_;
  Node& node = (*nodes_)[frame.node];
  node.end = Offset(at_);
  node.next = static_cast<uint32_t>(nodes_->size());
  --depth_;
  return true;
}

bool Parser::ParseKey(Frame* frame, uint32_t* key, uint16_t* key_size) {
  const char* const quote = at_;
  if (*at_ != '"') return Fail(at_, "expected a property name in double quotes");
  const char* const begin = at_ + 1;
  at_ = FindSpecial(begin, end_);
  if (*at_ == '\\') return Fail(at_, "escapes in property names are refused; write the character itself");
  if (*at_ != '"')
    return Fail(at_, at_ == end_ ? "the text ends within a property name" : "control character in a property name");
  const std::string_view name(begin, at_ - begin);
  if (name.size() > UINT16_MAX) return Fail(quote, Code::kLimit, "property name longer than 65535 bytes");
  if (frame->children <= kFewKeys) {
    const uint64_t bit = BloomBit(name);
    if ((frame->seen & bit) != 0 && IsRepeated(*frame, name))
      return Fail(quote, Shown(name) + " occurs twice in one object");
    frame->seen |= bit;
  }
  *key = Offset(begin);
  *key_size = static_cast<uint16_t>(name.size());
  ++at_;
  SkipSpace();
  if (*at_ != ':') return Fail(at_, "expected ':' after a property name");
  ++at_;
  SkipSpace();
  return true;
}

bool Parser::IsRepeated(const Frame& frame, std::string_view key) const {
  for (uint32_t i = frame.node + 1; i < nodes_->size(); i = (*nodes_)[i].next) {
    const Node& node = (*nodes_)[i];
    if (std::string_view(begin_ + node.key, node.key_size) == key) return true;
  }
  return false;
}

bool Parser::CheckManyKeys(const Frame& frame) {
  std::vector<std::string_view> keys;
  keys.reserve(frame.children);
  for (uint32_t i = frame.node + 1; i < nodes_->size(); i = (*nodes_)[i].next) {
    keys.emplace_back(begin_ + (*nodes_)[i].key, (*nodes_)[i].key_size);
  }
  std::ranges::sort(keys, [](std::string_view a, std::string_view b) { return a != b ? a < b : a.data() < b.data(); });
  const auto twin = std::ranges::adjacent_find(keys);
  if (twin == keys.end()) return true;
  return Fail(std::next(twin)->data() - 1, Shown(*twin) + " occurs twice in one object");
}

bool Parser::ParseString(Node* node) {
  const char* const quote = at_;
  const char* run = at_ + 1;
  const char* at = FindSpecial(run, end_);
  node->kind = Kind::kString;
  if (*at == '\\') {
    node->escaped = true;
    node->text = static_cast<uint32_t>(decoded_->size());
    while (*at == '\\') {
      decoded_->append(run, at - run);
      if (!ParseEscape(&at)) return false;
      run = at;
      at = FindSpecial(at, end_);
    }
    decoded_->append(run, at - run);
    node->text_size = static_cast<uint32_t>(decoded_->size()) - node->text;
  }
  if (*at != '"') {
    if (at == end_) return Fail(quote, "the text ends within this string");
    return Fail(at, "control character in a string; write it as an escape");
  }
  at_ = at + 1;
  node->end = Offset(at_);
  if (static_cast<size_t>(at_ - quote) > limits_.string_bytes) {
    return Fail(quote, Code::kLimit, "string longer than " + std::to_string(limits_.string_bytes) + " bytes");
  }
  return true;
}

bool Parser::ParseHex(const char* at, uint32_t* unit) {
  *unit = 0;
  for (int i = 0; i < 4; ++i) {
    const int digit = HexValue(at[i]);
    if (digit < 0) return Fail(at + i, "\\u takes four hexadecimal digits");
    *unit = *unit << 4 | static_cast<uint32_t>(digit);
  }
  return true;
}

bool Parser::ParseEscape(const char** at) {
  constexpr std::string_view kLetters = "\"\\/bfnrt", kMeanings = "\"\\/\b\f\n\r\t";
  const char* const backslash = *at;
  const char letter = backslash[1];
  if (letter != 'u') {
    const size_t found = kLetters.find(letter);
    if (found == kLetters.npos || backslash + 1 == end_) return Fail(backslash, "unknown escape");
    decoded_->push_back(kMeanings[found]);
    *at = backslash + 2;
    return true;
  }
  uint32_t code = 0;
  if (!ParseHex(backslash + 2, &code)) return false;
  *at = backslash + 6;
  if (code == 0) return Fail(backslash, "U+0000 is refused in strings");
  if (code >= 0xDC00 && code <= 0xDFFF) return Fail(backslash, "low surrogate without a high one before it");
  if (code >= 0xD800 && code <= 0xDBFF) {
    uint32_t low = 0;
    if ((*at)[0] != '\\' || (*at)[1] != 'u') return Fail(backslash, "high surrogate without a low one after it");
    if (!ParseHex(*at + 2, &low)) return false;
    if (low < 0xDC00 || low > 0xDFFF) return Fail(backslash, "high surrogate without a low one after it");
    code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
    *at += 6;
  }
  AppendUtf8(code, decoded_);
  return true;
}

bool Parser::ParseNumber(Node* node) {
  const char* const begin = at_;
  const char* at = at_;
  if (*at == '-') ++at;
  if (!IsDigit(*at)) {
    if (at == end_) return Fail(begin, "the text ends where a value should begin");
    return Fail(begin, "expected a value");
  }
  if (*at == '0' && IsDigit(at[1])) return Fail(begin, "a number must not begin with 0");
  while (IsDigit(*at)) ++at;
  if (*at == '.') {
    if (!IsDigit(*++at)) return Fail(begin, "a digit must follow the decimal point");
    while (IsDigit(*at)) ++at;
  }
  if (*at == 'e' || *at == 'E') {
    ++at;
    if (*at == '+' || *at == '-') ++at;
    if (!IsDigit(*at)) return Fail(begin, "a digit must follow the exponent");
    while (IsDigit(*at)) ++at;
  }
  if (static_cast<size_t>(at - begin) > kMaxNumberSize) {
    return Fail(begin, Code::kLimit, "number of more than " + std::to_string(kMaxNumberSize) + " characters");
  }
  at_ = at;
  node->kind = Kind::kNumber;
  node->end = Offset(at);
  return true;
}

bool Parser::ParseLiteral(std::string_view literal, Kind kind, Node* node) {
  if (Bytes(at_, end_ - at_).substr(0, literal.size()) != literal) return Fail(at_, "expected a value");
  at_ += literal.size();
  node->kind = kind;
  node->end = Offset(at_);
  return true;
}

}  // namespace hilum::fhir::json
