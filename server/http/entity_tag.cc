#include "server/http/entity_tag.h"

#include "server/http/text.h"

namespace hilum::http {

bool AnyTag(std::string_view list, const std::function<bool(std::string_view)>& fits) {
  list = Trimmed(list);
  if (list == "*") return true;
  while (!list.empty()) {
    const size_t opening = IsWeakTag(list) ? 2 : 0;
    if (opening >= list.size() || list[opening] != '"') return false;
    const size_t closing = list.find('"', opening + 1);
    if (closing == list.npos) return false;
    if (fits(list.substr(0, closing + 1))) return true;
    list = Trimmed(list.substr(closing + 1));
    if (!list.empty() && list.front() != ',') return false;
    while (!list.empty() && (list.front() == ',' || IsBlank(list.front()))) list.remove_prefix(1);
  }
  return false;
}

}  // namespace hilum::http
