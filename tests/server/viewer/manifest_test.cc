#include "server/viewer/manifest.h"

#include <gtest/gtest.h>

namespace hilum::viewer {
namespace {

const std::string kHash(64, 'a');
const std::string kIndex = "file no-cache gzip " + kHash + " index.html\n";

TEST(ViewerManifest, ListsFilesWithHowTheyAreKeptAndPacked) {
  const auto manifest = ParseManifest("ohif 3.13.2\nscript sha256-ab+/=\n" + kIndex + "file immutable plain " + kHash +
                                      " assets/0a.png\n");

  ASSERT_TRUE(manifest.ok()) << manifest.status().ToString();
  EXPECT_EQ(manifest->version, "ohif 3.13.2");
  EXPECT_EQ(manifest->inline_scripts, std::vector<std::string>{"sha256-ab+/="});
  EXPECT_TRUE(manifest->files.at("index.html").gzip);
  EXPECT_FALSE(manifest->files.at("index.html").immutable);
  EXPECT_TRUE(manifest->files.at("assets/0a.png").immutable);
  EXPECT_FALSE(manifest->files.at("assets/0a.png").gzip);
}

TEST(ViewerManifest, RefusesPathsThatCouldLeaveTheFolder) {
  for (const std::string path :
       {"/etc/passwd", "../secret", "a/../../b", "a//b", ".hidden", "a/.b", "a/", "a\\b", "a%2e", "a:b"}) {
    const auto manifest = ParseManifest(kIndex + "file no-cache plain " + kHash + " " + path + "\n");
    EXPECT_EQ(manifest.status().code(), Code::kInvalid) << path;
    EXPECT_NE(manifest.status().message().find("line 2"), std::string::npos) << path;
  }
}

TEST(ViewerManifest, RefusesDamagedLines) {
  const std::string lines[] = {"",
                               "file",
                               "file forever gzip " + kHash + " a.js",
                               "file no-cache brotli " + kHash + " a.js",
                               "file no-cache gzip " + kHash.substr(1) + " a.js",
                               "file no-cache gzip " + kHash + " index.html",
                               "folder a",
                               "script sha256-'unsafe-inline'",
                               "script sha256-a;b"};
  for (const std::string& line : lines)
    EXPECT_EQ(ParseManifest(kIndex + line + "\n").status().code(), Code::kInvalid) << line;
}

TEST(ViewerManifest, NeedsThePage) {
  EXPECT_EQ(ParseManifest("ohif 3.13.2\n").status().code(), Code::kInvalid);
}

}  // namespace
}  // namespace hilum::viewer
