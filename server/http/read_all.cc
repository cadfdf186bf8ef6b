#include "server/http/http.h"

namespace hilum::http {

Result<std::string> ReadAll(BodyReader& body, uint64_t limit) {
  constexpr size_t kStep = size_t{64} << 10;
  const auto too_large = [&] { return LimitExceeded("the body has more than " + std::to_string(limit) + " bytes"); };
  std::string all;
  if (const auto length = body.length()) {
    if (*length > limit) return too_large();
    all.reserve(*length + kStep);
  }
  while (true) {
    const size_t before = all.size();
    all.resize(before + kStep);
    HILUM_ASSIGN_OR_RETURN(const size_t got, body.Read({all.data() + before, kStep}));
    all.resize(before + got);
    if (got == 0) return all;
    if (all.size() > limit) return too_large();
  }
}

}  // namespace hilum::http
