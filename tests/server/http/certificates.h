// Throw-away certificates for TLS tests, made with the OpenSSL library.
#pragma once

#include <string>

namespace hilum::http {

struct Issuer {
  std::string certificate_file;
  std::string key_file;
};

// Writes <folder>/<name>.crt and .key: a certificate for `name`, signed by `issuer` or by itself.
Issuer MakeCertificate(const std::string& folder, const std::string& name, const Issuer* issuer = nullptr);

}  // namespace hilum::http
