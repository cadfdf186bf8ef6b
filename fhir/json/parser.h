// The pass behind Document::Parse. Internal to fhir/json.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "fhir/json/document.h"

namespace hilum::fhir::json {

// Not thread-safe; one per text. `text` must be followed by a NUL byte (as std::string is), which ends every scan.
class Parser {
 public:
  Parser(const std::string& text, const Limits& limits, std::vector<Node>* nodes, std::string* decoded);
  Status Run();

 private:
  struct Frame {
    uint32_t node;
    uint32_t children = 0;
    uint64_t seen = 0;  // Bloom bits of the property names so far
    bool object;
  };

  bool ParseValue(uint32_t key, uint16_t key_size);
  bool ParseKey(Frame* frame, uint32_t* key, uint16_t* key_size);
  bool ParseString(Node* node);
  bool ParseEscape(const char** at);
  bool ParseHex(const char* at, uint32_t* unit);
  bool ParseNumber(Node* node);
  bool ParseLiteral(std::string_view literal, Kind kind, Node* node);
  bool Close();
  bool IsRepeated(const Frame& frame, std::string_view key) const;
  bool CheckManyKeys(const Frame& frame);
  void SkipSpace();
  bool Fail(const char* at, Code code, std::string reason);
  bool Fail(const char* at, std::string reason) { return Fail(at, Code::kInvalid, std::move(reason)); }
  uint32_t Offset(const char* at) const { return static_cast<uint32_t>(at - begin_); }

  const char* const begin_;
  const char* const end_;
  const Limits limits_;
  std::vector<Node>* const nodes_;
  std::string* const decoded_;

  const char* at_;
  std::array<Frame, kMaxDepth> stack_;
  size_t depth_ = 0;
  Code error_code_ = Code::kOk;
  size_t error_at_ = 0;
  std::string error_;
};

// Offset of the first byte that is not UTF-8; text.size() when all is well.
size_t FindInvalidUtf8(Bytes text);

}  // namespace hilum::fhir::json
