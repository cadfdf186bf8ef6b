// TLS: versions, names, reload, client certificates, and that one client's handshake is nobody else's business.
#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include "base/disk.h"
#include "tests/server/http/certificates.h"
#include "tests/server/http/client.h"
#include "tests/server/http/test_server.h"

namespace hilum::http {
namespace {

using std::chrono::milliseconds;
using ContextPtr = std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)>;

class TlsTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "tls-XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    main_ = MakeCertificate(folder_, "main.test");
    options_.tls.certificate_file = main_.certificate_file;
    options_.tls.key_file = main_.key_file;
    options_.tls.reload_check = std::chrono::seconds(0);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  static ContextPtr MakeClient() { return ContextPtr(SSL_CTX_new(TLS_client_method()), SSL_CTX_free); }

  // Common name of the certificate the server shows; empty when there is no handshake.
  std::string NameShown(const std::string& server_name = "") {
    const ContextPtr context = MakeClient();
    Client client(server_.port());
    if (!client.StartTls(context.get(), server_name)) return "";
    char name[100] = "";
    X509* certificate = SSL_get1_peer_certificate(client.ssl());
    X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name, sizeof(name));
    X509_free(certificate);
    return name;
  }

  std::string folder_;
  Issuer main_;
  ServerOptions options_;
  TestServer server_;
};

TEST_F(TlsTest, ServesExchangesAndSaysThatTheyAreSecure) {
  server_.Add("/secure",
              [](Request& request, Responder& out) { out.Send(200, {}, request.secure ? "yes" : "no").IgnoreError(); });
  server_.Start(options_);
  const ContextPtr context = MakeClient();
  Client client(server_.port());
  ASSERT_TRUE(client.StartTls(context.get()));
  client.Send(Get("/secure") + Get("/inline"));
  EXPECT_EQ(client.Read()->body, "yes");
  EXPECT_EQ(client.Read()->body, "hello");
  const std::string body(3'000'000, 'b');
  std::thread sender([&] { client.Send(WithBody("POST", "/mirror", body)); });
  sender.join();
  const auto reply = client.Read();
  ASSERT_TRUE(reply);
  EXPECT_TRUE(reply->body.ends_with(body));
}

TEST_F(TlsTest, SendsLargeAnswersWhole) {
  const uint64_t size = 30'000'000;
  std::string pattern = folder_ + "/file";
  std::string content(size, '\0');
  for (uint64_t i = 0; i < size; ++i) content[i] = static_cast<char>(i * 31 % 251);
  std::ofstream(pattern, std::ios::binary) << content;
  PosixDisk disk;
  auto opened = disk.Open(pattern, OpenMode::kRead);
  ASSERT_TRUE(opened.ok());
  const std::shared_ptr<File> file = std::move(opened).value();
  server_.Add("/file", [&](Request&, Responder& out) {
    ASSERT_TRUE(out.Head(200, {}, size).ok());
    ASSERT_TRUE(out.WriteFile({file, 0, size}).ok());
    EXPECT_TRUE(out.Finish().ok());
  });
  server_.Add("/memory", [&](Request&, Responder& out) { EXPECT_TRUE(out.Send(200, {}, content).ok()); });
  server_.Start(options_);
  for (const char* path : {"/file", "/memory"}) {
    const ContextPtr context = MakeClient();
    Client client(server_.port());
    client.SetReceiveBuffer(100'000);
    ASSERT_TRUE(client.StartTls(context.get()));
    client.Send(Get(path));
    std::this_thread::sleep_for(milliseconds(100));  // the socket fills, so that records are retried
    const auto reply = client.Read();
    ASSERT_TRUE(reply);
    EXPECT_TRUE(reply->body == content) << path;
  }
}

TEST_F(TlsTest, KeepsServingOthersWhileOneClientIsSilent) {
  server_.Start(options_);
  std::vector<std::unique_ptr<Client>> silent;
  for (int i = 0; i < 20; ++i) {
    silent.push_back(std::make_unique<Client>(server_.port()));
    if (i % 2 == 0) silent.back()->Send("\x16\x03\x01");
  }
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < 5; ++i) EXPECT_EQ(NameShown(), "main.test");
  EXPECT_LT(std::chrono::steady_clock::now() - start, milliseconds(2000));
}

TEST_F(TlsTest, HalfARecordKeepsNobodyBusy) {
  server_.Start(options_);
  const ContextPtr context = MakeClient();
  Client slow(server_.port());
  ASSERT_TRUE(slow.StartTls(context.get()));
  // The record of a request, taken before it reaches the socket.
  BIO* const memory = BIO_new(BIO_s_mem());
  SSL_set0_wbio(slow.ssl(), memory);
  const std::string request = Get("/inline");
  ASSERT_GT(SSL_write(slow.ssl(), request.data(), static_cast<int>(request.size())), 0);
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(memory, &bytes);
  ASSERT_GT(size, 20);
  const std::string record(bytes, static_cast<size_t>(size));
  BIO_up_ref(SSL_get_rbio(slow.ssl()));
  SSL_set0_wbio(slow.ssl(), SSL_get_rbio(slow.ssl()));

  ASSERT_EQ(send(slow.descriptor(), record.data(), 8, 0), 8);
  std::this_thread::sleep_for(milliseconds(50));
  EXPECT_EQ(NameShown(), "main.test") << "the event loop is free";
  ASSERT_EQ(send(slow.descriptor(), record.data() + 8, record.size() - 8, 0), static_cast<ssize_t>(record.size() - 8));
  const auto reply = slow.Read();
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->body, "hello");
}

TEST_F(TlsTest, EndsHandshakesThatTakeTooLong) {
  options_.header_timeout = milliseconds(200);
  server_.Start(options_);
  Client silent(server_.port());
  EXPECT_TRUE(silent.ClosedWithin(milliseconds(2000)));
}

TEST_F(TlsTest, AcceptsNothingBeforeVersion12) {
  server_.Start(options_);
  const struct {
    int version;
    bool accepted;
  } cases[] = {{TLS1_1_VERSION, false}, {TLS1_2_VERSION, true}, {TLS1_3_VERSION, true}};
  for (const auto& c : cases) {
    const ContextPtr context = MakeClient();
    SSL_CTX_set_security_level(context.get(), 0);
    SSL_CTX_set_min_proto_version(context.get(), c.version);
    SSL_CTX_set_max_proto_version(context.get(), c.version);
    Client client(server_.port());
    EXPECT_EQ(client.StartTls(context.get()), c.accepted) << c.version;
  }
}

TEST_F(TlsTest, ClosesOnPlainText) {
  server_.Start(options_);
  Client plain(server_.port());
  plain.Send(Get("/hello"));
  const auto answer = plain.ReadToEnd(milliseconds(2000));
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->find("hello"), std::string::npos);
}

TEST_F(TlsTest, ChoosesTheCertificateByName) {
  const Issuer other = MakeCertificate(folder_, "other.test");
  const Issuer wild = MakeCertificate(folder_, "wild");
  options_.tls.named = {{"other.test", other.certificate_file, other.key_file},
                        {"*.wild.test", wild.certificate_file, wild.key_file}};
  server_.Start(options_);
  EXPECT_EQ(NameShown("other.test"), "other.test");
  EXPECT_EQ(NameShown("OTHER.TEST"), "other.test");
  EXPECT_EQ(NameShown("a.wild.test"), "wild");
  EXPECT_EQ(NameShown("a.b.wild.test"), "main.test");
  EXPECT_EQ(NameShown("unknown.test"), "main.test");
  EXPECT_EQ(NameShown(), "main.test");
}

TEST_F(TlsTest, ReloadsCertificatesAndKeepsTheOldOnesWhenTheNewAreBad) {
  server_.Start(options_);
  const ContextPtr context = MakeClient();
  Client before(server_.port());
  ASSERT_TRUE(before.StartTls(context.get()));
  const Issuer fresh = MakeCertificate(folder_, "fresh.test");
  std::filesystem::copy_file(fresh.certificate_file, main_.certificate_file,
                             std::filesystem::copy_options::overwrite_existing);
  // Certificate and key do not belong together yet.
  const Status mismatch = server_.server().ReloadTls();
  EXPECT_EQ(mismatch.code(), Code::kInvalid);
  EXPECT_NE(mismatch.message().find(main_.key_file), std::string::npos) << mismatch.message();
  EXPECT_EQ(NameShown(), "main.test");
  std::filesystem::copy_file(fresh.key_file, main_.key_file, std::filesystem::copy_options::overwrite_existing);
  EXPECT_TRUE(server_.server().ReloadTls().ok());
  EXPECT_EQ(NameShown(), "fresh.test");
  before.Send(Get("/hello"));
  EXPECT_EQ(before.Read()->status, 200);
}

TEST_F(TlsTest, ReloadsCertificatesOfNamesToo) {
  const Issuer other = MakeCertificate(folder_, "other.test");
  options_.tls.named = {{"other.test", other.certificate_file, other.key_file}};
  server_.Start(options_);
  EXPECT_EQ(NameShown("other.test"), "other.test");
  const Issuer fresh = MakeCertificate(folder_, "fresh.test");
  std::filesystem::rename(fresh.certificate_file, other.certificate_file);
  std::filesystem::rename(fresh.key_file, other.key_file);
  EXPECT_TRUE(server_.server().ReloadTls().ok());
  EXPECT_EQ(NameShown("other.test"), "fresh.test");
  EXPECT_EQ(NameShown(), "main.test");
}

TEST_F(TlsTest, NoticesChangedFilesByItself) {
  options_.tls.reload_check = std::chrono::seconds(1);
  options_.idle_timeout = milliseconds(2000);  // makes the sweeps frequent
  server_.Start(options_);
  const Issuer fresh = MakeCertificate(folder_, "fresh.test");
  std::filesystem::rename(fresh.certificate_file, main_.certificate_file);
  std::filesystem::rename(fresh.key_file, main_.key_file);
  EXPECT_TRUE(Eventually([&] { return NameShown() == "fresh.test"; }, milliseconds(4000)));
}

TEST_F(TlsTest, AsksForClientCertificates) {
  const Issuer authority = MakeCertificate(folder_, "authority");
  const Issuer known = MakeCertificate(folder_, "modality-7", &authority);
  const Issuer stranger = MakeCertificate(folder_, "stranger");
  server_.Add("/who",
              [](Request& request, Responder& out) { out.Send(200, {}, request.client_subject).IgnoreError(); });
  options_.tls.client_ca_file = authority.certificate_file;
  const auto who = [&](const Issuer* identity) -> std::string {
    const ContextPtr context = MakeClient();
    if (identity != nullptr) {
      SSL_CTX_use_certificate_chain_file(context.get(), identity->certificate_file.c_str());
      SSL_CTX_use_PrivateKey_file(context.get(), identity->key_file.c_str(), SSL_FILETYPE_PEM);
    }
    Client client(server_.port());
    if (!client.StartTls(context.get()) || !client.Send(Get("/who"))) return "refused";
    const auto reply = client.Read();
    return reply ? reply->body : "refused";
  };
  server_.Start(options_);
  EXPECT_EQ(who(&known), "CN=modality-7");
  EXPECT_EQ(who(nullptr), "");
  EXPECT_EQ(who(&stranger), "refused");
  options_.tls.require_client_certificate = true;
  server_.Start(options_);
  EXPECT_EQ(who(&known), "CN=modality-7");
  EXPECT_EQ(who(nullptr), "refused");
}

// Under TLS 1.3 the client's handshake is over before the server looks at its certificate: its request is on the way.
TEST_F(TlsTest, TellsClientsThatTheirCertificateIsMissing) {
  const Issuer authority = MakeCertificate(folder_, "authority");
  options_.tls.client_ca_file = authority.certificate_file;
  options_.tls.require_client_certificate = true;
  server_.Start(options_);
  for (int i = 0; i < 20; ++i) {
    const ContextPtr context = MakeClient();
    Client client(server_.port());
    ASSERT_TRUE(client.StartTls(context.get()));
    client.Send(Get("/hello"));
    char byte = 0;
    ERR_clear_error();
    EXPECT_LE(SSL_read(client.ssl(), &byte, 1), 0);
    EXPECT_EQ(ERR_GET_REASON(ERR_peek_error()), SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED) << i;
  }
}

TEST_F(TlsTest, NamesTheFileItCannotUse) {
  SystemClock clock;
  SystemRandom random;
  Registry metrics;
  options_.tls.certificate_file = folder_ + "/missing.crt";
  const auto started = Server::Start(
      options_, [](std::string_view, std::string_view) -> const Route* { return nullptr; }, clock, random, metrics,
      Logger());
  ASSERT_FALSE(started.ok());
  EXPECT_EQ(started.status().code(), Code::kInvalid);
  EXPECT_NE(started.status().message().find("missing.crt"), std::string::npos);
}

}  // namespace
}  // namespace hilum::http
