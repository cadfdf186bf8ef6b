#include "codecs/multipart/writer.h"

#include <cassert>

#include "base/hex.h"
#include "base/mac.h"

namespace hilum::multipart {
namespace {

constexpr size_t kBoundaryBytes = 16;

std::string KeyedHex(Bytes key, Bytes text) {
  std::string hex;
  AppendHex(BytesOf(MacOf(key, text)), &hex);
  return hex;
}

}  // namespace

std::string WithTransferSyntax(std::string_view media_type, std::string_view uid) {
  return std::string(media_type).append("; transfer-syntax=").append(uid);
}

Writer::Writer(Random& random) : boundary_("hilum-" + random.Hex(kBoundaryBytes)) {}

Writer::Writer(Bytes key, Bytes entity) : boundary_("hilum-" + KeyedHex(key, entity)) {}

std::string Writer::ContentType(std::string_view part_type) const {
  return std::string("multipart/related; type=\"").append(part_type).append("\"; boundary=").append(boundary_);
}

std::string Writer::PartHead(const PartHeaders& headers) {
  std::string head = first_ ? "--" : "\r\n--";
  first_ = false;
  head.append(boundary_).append("\r\n");
  for (const auto& [name, value] : headers) {
    assert((name + value).find_first_of("\r\n") == std::string::npos);
    head.append(name).append(": ").append(value).append("\r\n");
  }
  head.append("\r\n");
  return head;
}

std::string Writer::End() const {
  std::string end = first_ ? "--" : "\r\n--";
  return end.append(boundary_).append("--\r\n");
}

uint64_t Writer::BodyLength(size_t parts, const std::function<PartSize(size_t)>& part) const {
  Writer dry_run(*this);
  dry_run.first_ = true;
  uint64_t bytes = 0;
  for (size_t i = 0; i < parts; ++i) {
    const PartSize one = part(i);
    bytes += dry_run.PartHead(one.headers).size() + one.bytes;
  }
  return bytes + dry_run.End().size();
}

}  // namespace hilum::multipart
