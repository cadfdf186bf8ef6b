// Reads every source of the tree: no arrow against the layers, no third-party header outside its fence, no file that
// grew too long, no marker of unfinished work. The rules are in layers.txt.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/layers/rules.h"

namespace hilum::layers {
namespace {

namespace fs = std::filesystem;

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const fs::path kRoot = HILUM_SOURCE_DIR;

std::string ReadFile(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream content;
  content << in.rdbuf();
  return content.str();
}

Rules RulesOfTheTree() {
  auto rules = ParseRules(ReadFile(kRoot / "tests/layers/layers.txt"));
  EXPECT_TRUE(rules.ok()) << rules.status().message();
  return rules.ok() ? *std::move(rules) : Rules{};
}

bool IsSource(const fs::path& path) {
  static const std::set<std::string> kExtensions = {".h",  ".cc", ".c",   ".py",  ".sh",
                                                    ".js", ".ts", ".tsx", ".css", ".cmake"};
  return kExtensions.contains(path.extension());
}

// Hidden folders, build results, and what other people wrote.
bool IsSkipped(const fs::path& folder) {
  static const std::set<std::string> kNames = {"build", "data", "node_modules", "dist", "generated", "third_party"};
  const std::string name = folder.filename();
  return name.starts_with('.') || kNames.contains(name);
}

std::vector<fs::path> Sources() {
  std::vector<fs::path> sources;
  for (auto entry = fs::recursive_directory_iterator(kRoot); entry != fs::recursive_directory_iterator(); ++entry) {
    if (entry->is_directory() && IsSkipped(entry->path())) entry.disable_recursion_pending();
    if (entry->is_regular_file() && IsSource(entry->path())) sources.push_back(entry->path().lexically_relative(kRoot));
  }
  std::sort(sources.begin(), sources.end());
  return sources;
}

TEST(Layers, TheTreeObeysTheRules) {
  const Rules rules = RulesOfTheTree();
  const auto sources = Sources();
  EXPECT_GT(sources.size(), 20u);
  for (const fs::path& path : sources) {
    EXPECT_THAT(Check(rules, path.generic_string(), ReadFile(kRoot / path)), IsEmpty());
  }
}

TEST(Layers, ArrowsPointToTheLeft) {
  const Rules rules = RulesOfTheTree();
  EXPECT_THAT(Check(rules, "storage/kv/a.cc", "#include \"base/b.h\"\n#include \"storage/log/c.h\"\n"), IsEmpty());
  EXPECT_THAT(Check(rules, "storage/kv/a.cc", "\n# include \"server/http/b.h\"\n"),
              ElementsAre(HasSubstr("storage/kv/a.cc:2: includes server/http/b.h: storage lies below server")));
  EXPECT_THAT(Check(rules, "base/a.h", "#include \"tests/b.h\"\n"), ElementsAre(HasSubstr("in no layer")));
  EXPECT_THAT(Check(rules, "base/a.h", "#include \"b.h\"\n"), ElementsAre(HasSubstr("include from the root")));
  EXPECT_THAT(Check(rules, "base/a.h", "#include \"b.inc\"\n"), IsEmpty());
  EXPECT_THAT(Check(rules, "tests/a.cc", "#include \"server/b.h\"\n#include \"tests/c.h\"\n"), IsEmpty());
}

TEST(Layers, CodecsDoNotKnowEachOther) {
  const Rules rules = RulesOfTheTree();
  EXPECT_THAT(Check(rules, "codecs/multipart/a.cc", "#include \"codecs/dicom/b.h\"\n"),
              ElementsAre(HasSubstr("do not include each other")));
  EXPECT_THAT(Check(rules, "codecs/dicom/a.cc", "#include \"codecs/dicom/b.h\"\n"), IsEmpty());
  EXPECT_THAT(Check(rules, "codecs/pixel/a.cc", "#include \"codecs/dicom/b.h\"\n"), IsEmpty());
  EXPECT_THAT(Check(rules, "codecs/dicom/a.cc", "#include \"codecs/pixel/b.h\"\n"), testing::SizeIs(1));
}

TEST(Layers, ThirdPartyHeadersStayInsideTheirFence) {
  const Rules rules = RulesOfTheTree();
  EXPECT_THAT(Check(rules, "storage/kv/a.cc", "#include <rocksdb/db.h>\n"), IsEmpty());
  EXPECT_THAT(Check(rules, "storage/index/a.cc", "#include <rocksdb/db.h>\n"),
              ElementsAre(HasSubstr("only storage/kv")));
  EXPECT_THAT(Check(rules, "server/dicomweb/a.cc", "#include <pistache/tcp.h>\n"),
              ElementsAre(HasSubstr("only server/http")));
  EXPECT_THAT(Check(rules, "server/http_client/a.cc", "#include <pistache/tcp.h>\n"), testing::SizeIs(1));
  EXPECT_THAT(Check(rules, "tests/codecs/dicom/a.cc", "#include <dcmtk/dcmdata/dctk.h>\n"), IsEmpty());
}

TEST(Layers, LongFilesAndMarkersAreFound) {
  const Rules rules = RulesOfTheTree();
  EXPECT_THAT(Check(rules, "base/a.cc", std::string(800, '\n')), IsEmpty());
  EXPECT_THAT(Check(rules, "base/a.cc", std::string(801, '\n')), ElementsAre(HasSubstr("801 lines")));
  EXPECT_THAT(Check(rules, "base/a.cc",
                    "x\n// TO"
                    "DO: later\n"),
              ElementsAre(HasSubstr("base/a.cc:2: holds the marker")));
}

TEST(Layers, RulesThatAreNoneAreRefused) {
  EXPECT_EQ(ParseRules("order a b\nmax_lines 5\nfense x y\n").status().code(), Code::kInvalid);
  EXPECT_EQ(ParseRules("order a b\n").status().code(), Code::kInvalid);
}

}  // namespace
}  // namespace hilum::layers
