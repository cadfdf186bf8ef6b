// The viewer's routes behind the real HTTP server, over a small folder of the form that prepare.mjs makes.
#include "server/viewer/viewer.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <memory>

#include "tests/support/http_client.h"
#include "tests/support/temp_dir.h"

namespace hilum::viewer {
namespace {

using hilum::testing::Fetch;
using hilum::testing::HttpAnswer;

class ViewerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    WriteText("viewer/index.html", "<html>page</html>");
    WriteText("viewer/index.html.gz", "packed page");
    WriteText("viewer/app.0f6159c501addfe9.js", "script");
    WriteText("viewer/app.0f6159c501addfe9.js.gz", "packed script");
    WriteText("viewer/codec.wasm", "wasm");
    WriteText("viewer/unlisted.js", "not in the manifest");
    WriteText("secret.txt", "outside");
    WriteText("viewer/manifest.txt", "ohif 3.13.2\nscript sha256-abc=\nfile no-cache gzip " + std::string(64, '1') +
                                         " index.html\nfile immutable gzip " + std::string(64, '2') +
                                         " app.0f6159c501addfe9.js\nfile no-cache plain " + std::string(64, '3') +
                                         " codec.wasm\nfile no-cache plain " + std::string(64, '4') + " gone.png\n");
  }
  void TearDown() override {
    if (server_) server_->Stop(std::chrono::seconds(1));
  }

  void WriteText(const std::string& name, const std::string& text) {
    const std::string path = folder_.path() + "/" + name;
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    std::ofstream(path, std::ios::binary) << text;
  }

  HttpAnswer Get(const std::string& path, const std::vector<std::string>& headers = {},
                 const std::string& method = "GET") {
    if (!server_) {
      viewer_ = std::make_unique<Viewer>(disk_, folder_.path() + "/viewer", "/dicom-web", Logger());
      auto server = http::Server::Start(
          {}, [this](std::string_view, std::string_view p) { return viewer_->FindRoute(p); }, clock_, random_, metrics_,
          Logger());
      EXPECT_TRUE(server.ok()) << server.status().ToString();
      server_ = *std::move(server);
    }
    return Fetch(method, "http://127.0.0.1:" + std::to_string(server_->port()) + path, headers);
  }

  hilum::testing::TempDir folder_;
  PosixDisk disk_;
  SystemClock clock_;
  SystemRandom random_;
  Registry metrics_;
  std::unique_ptr<Viewer> viewer_;
  std::unique_ptr<http::Server> server_;
};

TEST_F(ViewerTest, ServesThePageForItselfAndForEveryPathOfTheApplication) {
  for (const std::string path : {"/viewer/", "/viewer/index.html", "/viewer/viewer",
                                 "/viewer/viewer?StudyInstanceUIDs=1.2.3", "/viewer/local/some/page"}) {
    const HttpAnswer answer = Get(path);
    EXPECT_EQ(answer.status, 200) << path;
    EXPECT_EQ(answer.body, "<html>page</html>") << path;
    EXPECT_EQ(answer.Header("Content-Type"), "text/html; charset=utf-8") << path;
    EXPECT_EQ(answer.Header("Cache-Control"), "no-cache") << path;
  }
  const HttpAnswer without_slash = Get("/viewer");
  EXPECT_EQ(without_slash.status, 308);
  EXPECT_EQ(without_slash.Header("Location"), "/viewer/");
}

TEST_F(ViewerTest, SendsTheTypesThatBrowsersInsistOn) {
  EXPECT_EQ(Get("/viewer/codec.wasm").Header("Content-Type"), "application/wasm");
  EXPECT_EQ(Get("/viewer/app.0f6159c501addfe9.js").Header("Content-Type"), "text/javascript; charset=utf-8");
  EXPECT_EQ(Get("/viewer/app-config.js").Header("Content-Type"), "text/javascript; charset=utf-8");
}

TEST_F(ViewerTest, OpensOnlyWhatTheManifestLists) {
  for (const std::string path :
       {"/viewer/unlisted.js", "/viewer/manifest.txt", "/viewer/../secret.txt", "/viewer/%2e%2e/secret.txt",
        "/viewer/..%2fsecret.txt", "/viewer//etc/passwd.txt", "/viewer/index.html.gz", "/viewer/nothing.js"}) {
    const HttpAnswer answer = Get(path);
    EXPECT_EQ(answer.status, 404) << path;
    EXPECT_EQ(answer.body.find("outside"), std::string::npos) << path;
  }
  EXPECT_EQ(viewer_->FindRoute("/viewers"), nullptr);
  EXPECT_EQ(viewer_->FindRoute("/"), nullptr);
}

TEST_F(ViewerTest, SendsThePackedFormToClientsThatTakeGzip) {
  const HttpAnswer packed = Get("/viewer/app.0f6159c501addfe9.js", {"Accept-Encoding: gzip, deflate, br, zstd"});
  EXPECT_EQ(packed.body, "packed script");
  EXPECT_EQ(packed.Header("Content-Encoding"), "gzip");
  EXPECT_EQ(packed.Header("Vary"), "Accept-Encoding");
  const HttpAnswer plain = Get("/viewer/app.0f6159c501addfe9.js", {"Accept-Encoding: gzip;q=0, br"});
  EXPECT_EQ(plain.body, "script");
  EXPECT_EQ(plain.Header("Content-Encoding"), std::nullopt);
  EXPECT_NE(plain.Header("ETag"), packed.Header("ETag"));
  EXPECT_EQ(Get("/viewer/codec.wasm", {"Accept-Encoding: gzip"}).body, "wasm");
}

TEST_F(ViewerTest, AnswersNotModifiedToTheTagItSent) {
  for (const std::string coding : {"gzip", "identity"}) {
    const HttpAnswer first = Get("/viewer/", {"Accept-Encoding: " + coding});
    const HttpAnswer again =
        Get("/viewer/", {"Accept-Encoding: " + coding, "If-None-Match: " + first.Header("ETag").value_or("")});
    EXPECT_EQ(again.status, 304);
    EXPECT_EQ(again.body, "");
    EXPECT_EQ(again.Header("ETag"), first.Header("ETag"));
    EXPECT_EQ(again.Header("Cache-Control"), "no-cache");
  }
  EXPECT_EQ(Get("/viewer/", {"If-None-Match: \"other\""}).status, 200);
}

TEST_F(ViewerTest, LetsBrowsersKeepFilesNamedByTheirContent) {
  EXPECT_EQ(Get("/viewer/app.0f6159c501addfe9.js").Header("Cache-Control"), "public, max-age=31536000, immutable");
  EXPECT_EQ(Get("/viewer/codec.wasm").Header("Cache-Control"), "no-cache");
  EXPECT_EQ(Get("/viewer/app-config.js").Header("Cache-Control"), "no-cache");
}

TEST_F(ViewerTest, ForbidsScriptsThatAreNotOurs) {
  for (const std::string path : {"/viewer/", "/viewer/app.0f6159c501addfe9.js", "/viewer/app-config.js"}) {
    const HttpAnswer answer = Get(path);
    const std::string policy = answer.Header("Content-Security-Policy").value_or("");
    EXPECT_NE(policy.find("script-src 'self' 'sha256-abc=' 'unsafe-eval';"), std::string::npos) << policy;
    EXPECT_EQ(policy.find("https"), std::string::npos) << policy;
    EXPECT_EQ(answer.Header("X-Content-Type-Options"), "nosniff");
  }
}

TEST_F(ViewerTest, TellsOhifWhereTheImagesAre) {
  const std::string script = Get("/viewer/app-config.js").body;
  EXPECT_NE(script.find("routerBasename: '/viewer'"), std::string::npos);
  EXPECT_NE(script.find("wadoRoot: '/dicom-web'"), std::string::npos);
  EXPECT_EQ(script.find('$' + std::string("DICOMWEB")), std::string::npos);
  EXPECT_EQ(script.find("http"), std::string::npos) << "no other host";
}

TEST_F(ViewerTest, CanOnlyBeRead) {
  const HttpAnswer answer = Get("/viewer/", {}, "DELETE");
  EXPECT_EQ(answer.status, 405);
  EXPECT_EQ(answer.Header("Allow"), "GET, HEAD, OPTIONS");
  const HttpAnswer options = Get("/viewer/", {}, "OPTIONS");
  EXPECT_EQ(options.status, 204);
  EXPECT_EQ(options.Header("Allow"), "GET, HEAD, OPTIONS");
  const HttpAnswer head = Get("/viewer/", {}, "HEAD");
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.Header("Content-Length"), "17");
}

TEST_F(ViewerTest, SaysHowToGetItWhenItIsNotThere) {
  std::filesystem::remove_all(folder_.path() + "/viewer");
  for (const std::string path : {"/viewer/", "/viewer/app-config.js"}) {
    const HttpAnswer answer = Get(path);
    EXPECT_EQ(answer.status, 404);
    EXPECT_NE(answer.body.find("./dev viewer"), std::string::npos) << answer.body;
  }
}

TEST_F(ViewerTest, IsNotServedFromADamagedFolder) {
  WriteText("viewer/manifest.txt", "file no-cache plain " + std::string(64, '1') + " ../secret.txt\n");
  EXPECT_EQ(Get("/viewer/").status, 404);
  EXPECT_FALSE(viewer_->available());
}

TEST_F(ViewerTest, ReportsAFileThatVanished) {
  EXPECT_EQ(Get("/viewer/gone.png").status, 500);
}

}  // namespace
}  // namespace hilum::viewer
