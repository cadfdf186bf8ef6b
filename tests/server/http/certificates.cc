#include "tests/server/http/certificates.h"

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <memory>

namespace hilum::http {
namespace {

using KeyPtr = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using CertificatePtr = std::unique_ptr<X509, decltype(&X509_free)>;

void AddExtension(X509* certificate, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
  ASSERT_NE(extension, nullptr);
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

}  // namespace

Issuer MakeCertificate(const std::string& folder, const std::string& name, const Issuer* issuer) {
  Issuer made{folder + "/" + name + ".crt", folder + "/" + name + ".key"};
  const KeyPtr key(EVP_EC_gen("P-256"), EVP_PKEY_free);
  const CertificatePtr certificate(X509_new(), X509_free);
  static int serial = 1;
  X509_set_version(certificate.get(), 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), serial++);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
  X509_set_pubkey(certificate.get(), key.get());
  X509_NAME* subject = X509_get_subject_name(certificate.get());
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1,
                             0);
  AddExtension(certificate.get(), NID_basic_constraints, issuer == nullptr ? "critical,CA:TRUE" : "CA:FALSE");
  AddExtension(certificate.get(), NID_subject_alt_name, "DNS:" + name);
  KeyPtr signer(nullptr, EVP_PKEY_free);
  if (issuer == nullptr) {
    X509_set_issuer_name(certificate.get(), subject);
  } else {
    FILE* file = std::fopen(issuer->certificate_file.c_str(), "r");
    const CertificatePtr parent(PEM_read_X509(file, nullptr, nullptr, nullptr), X509_free);
    std::fclose(file);
    X509_set_issuer_name(certificate.get(), X509_get_subject_name(parent.get()));
    file = std::fopen(issuer->key_file.c_str(), "r");
    signer.reset(PEM_read_PrivateKey(file, nullptr, nullptr, nullptr));
    std::fclose(file);
  }
  EXPECT_GT(X509_sign(certificate.get(), signer ? signer.get() : key.get(), EVP_sha256()), 0);

  FILE* file = std::fopen(made.certificate_file.c_str(), "w");
  PEM_write_X509(file, certificate.get());
  std::fclose(file);
  file = std::fopen(made.key_file.c_str(), "w");
  PEM_write_PrivateKey(file, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  std::fclose(file);
  return made;
}

}  // namespace hilum::http
