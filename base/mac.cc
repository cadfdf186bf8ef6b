#include "base/mac.h"

#include <openssl/crypto.h>
#include <openssl/hmac.h>

#include <algorithm>

namespace hilum {

Mac MacOf(Bytes key, Bytes message) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned length = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), reinterpret_cast<const unsigned char*>(message.data()),
       message.size(), digest.data(), &length);
  Mac mac;
  std::copy_n(digest.begin(), mac.size(), mac.begin());
  return mac;
}

bool Equal(const Mac& mac, Bytes given) {
  return given.size() == mac.size() && CRYPTO_memcmp(mac.data(), given.data(), mac.size()) == 0;
}

}  // namespace hilum
