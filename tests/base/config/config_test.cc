#include "base/config/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace hilum {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

struct Options {
  std::string data = "./data";
  std::string listen = "127.0.0.1:8080";
  uint16_t workers = 64;
  std::chrono::milliseconds body_timeout{30'000};
  uint64_t cache_bytes = 64 << 20;
  bool compress = true;
  std::vector<std::string> origins;
};

class ConfigTest : public testing::Test {
 protected:
  ConfigTest() : folder_(std::filesystem::temp_directory_path() / ("hilum_config_test_" + std::to_string(getpid()))) {
    std::filesystem::create_directories(folder_);
  }
  ~ConfigTest() override { std::filesystem::remove_all(folder_); }

  std::string File(const std::string& content) {
    const std::string path = folder_ / "hilum.toml";
    std::ofstream(path) << content;
    return path;
  }

  Config Table() {
    std::vector<Setting> settings;
    settings.push_back(Setting("data", &options_.data, "Folder of everything."));
    settings.push_back(Setting("http.listen", &options_.listen, "Host and port.").Alias("http"));
    settings.push_back(Setting("http.workers", &options_.workers, "Requests at a time.", "threads", 1));
    settings.push_back(Setting("http.body_timeout", &options_.body_timeout, "Silence that ends an upload.", 100ms));
    settings.push_back(Setting::Size("kv.cache", &options_.cache_bytes, "Memory for blocks.", 4096));
    settings.push_back(Setting("http.compress", &options_.compress, "Whether answers are compressed."));
    settings.push_back(Setting("cors.origins", &options_.origins, "Who may call."));
    return Config(std::move(settings));
  }

  Result<std::vector<std::string>> Parse(std::vector<const char*> arguments,
                                         std::vector<const char*> environment = {}) {
    environment.push_back(nullptr);
    return Table().Parse(arguments, environment.data());
  }

  // The message of a Parse that must fail.
  std::string Mistake(std::vector<const char*> arguments, std::vector<const char*> environment = {}) {
    const auto result = Parse(std::move(arguments), std::move(environment));
    EXPECT_EQ(result.status().code(), Code::kInvalid);
    return result.status().message();
  }

  Options options_;
  const std::filesystem::path folder_;
};

TEST_F(ConfigTest, WithoutAnythingTheDefaultsStay) {
  ASSERT_TRUE(Parse({}).ok());
  EXPECT_EQ(options_.listen, "127.0.0.1:8080");
  EXPECT_EQ(options_.workers, 64);
}

TEST_F(ConfigTest, EveryKindWorksInTheFile) {
  const std::string file = File(
      "data = \"/srv/hilum\"\ncors.origins = [\"https://a\", \"https://b,c\"]\n[http]\nlisten = \"0.0.0.0:80\"\n"
      "workers = 8\nbody_timeout = \"5s\"\ncompress = false\n[kv]\ncache = \"1GiB\"\n");
  ASSERT_TRUE(Parse({"--config", file.c_str()}).ok());
  EXPECT_EQ(options_.data, "/srv/hilum");
  EXPECT_EQ(options_.listen, "0.0.0.0:80");
  EXPECT_EQ(options_.workers, 8);
  EXPECT_EQ(options_.body_timeout.count(), 5000);
  EXPECT_EQ(options_.cache_bytes, 1u << 30);
  EXPECT_FALSE(options_.compress);
  EXPECT_EQ(options_.origins, (std::vector<std::string>{"https://a", "https://b,c"}));
}

TEST_F(ConfigTest, EveryKindWorksInTheEnvironment) {
  const auto result = Parse(
      {}, {"HILUM_DATA=/d", "HILUM_HTTP_LISTEN=h:1", "HILUM_HTTP_WORKERS=9", "HILUM_HTTP_BODY_TIMEOUT=1m",
           "HILUM_KV_CACHE=10MB", "HILUM_HTTP_COMPRESS=false", "HILUM_CORS_ORIGINS=a,b", "PATH=/bin", "HILUMX=1"});
  ASSERT_TRUE(result.ok()) << result.status().message();
  EXPECT_EQ(options_.data, "/d");
  EXPECT_EQ(options_.listen, "h:1");
  EXPECT_EQ(options_.workers, 9);
  EXPECT_EQ(options_.body_timeout.count(), 60'000);
  EXPECT_EQ(options_.cache_bytes, 10'000'000u);
  EXPECT_FALSE(options_.compress);
  EXPECT_EQ(options_.origins, (std::vector<std::string>{"a", "b"}));
}

TEST_F(ConfigTest, EveryKindWorksAsAFlag) {
  const auto result = Parse({"--data=/d=e", "--http", "h:1", "--http-workers", "9", "--http.body_timeout=1m",
                             "--kv.cache", "4096", "--http.compress=false", "--cors-origins", "a,b"});
  ASSERT_TRUE(result.ok()) << result.status().message();
  EXPECT_EQ(options_.data, "/d=e");
  EXPECT_EQ(options_.listen, "h:1");
  EXPECT_EQ(options_.workers, 9);
  EXPECT_EQ(options_.body_timeout.count(), 60'000);
  EXPECT_EQ(options_.cache_bytes, 4096u);
  EXPECT_FALSE(options_.compress);
  EXPECT_EQ(options_.origins, (std::vector<std::string>{"a", "b"}));
}

TEST_F(ConfigTest, FlagsWinOverTheEnvironmentAndThatOverTheFile) {
  const std::string file = File("data = \"file\"\n[http]\nlisten = \"file\"\nworkers = 1\n");
  const std::string named = "HILUM_CONFIG=" + file;
  ASSERT_TRUE(
      Parse({"--http.listen", "flag"}, {"HILUM_HTTP_LISTEN=environment", "HILUM_HTTP_WORKERS=2", named.c_str()}).ok());
  EXPECT_EQ(options_.listen, "flag");
  EXPECT_EQ(options_.workers, 2);
  EXPECT_EQ(options_.data, "file");
}

TEST_F(ConfigTest, TheFlagNamesTheFileBeforeTheEnvironmentDoes) {
  const std::string file = File("data = \"file\"\n");
  ASSERT_TRUE(Parse({("--config=" + file).c_str()}, {"HILUM_CONFIG=/does/not/exist"}).ok());
  EXPECT_EQ(options_.data, "file");
}

TEST_F(ConfigTest, ReturnsWhatIsNoFlag) {
  options_.compress = false;
  const auto positional = Parse({"one", "--http.compress", "two", "--", "--data"});
  ASSERT_TRUE(positional.ok());
  EXPECT_EQ(*positional, (std::vector<std::string>{"one", "two", "--data"}));
  EXPECT_TRUE(options_.compress);
}

TEST_F(ConfigTest, UnknownNamesAreMistakesThatNameTheNearest) {
  const std::string file = File("[http]\nworker = 3\n");
  EXPECT_EQ(Mistake({"--config", file.c_str()}),
            file + ":2: unknown key http.worker; the nearest known one is http.workers");
  EXPECT_EQ(Mistake({"--htpt.listen", "x"}), "--htpt.listen: unknown flag; the nearest known one is --http.listen");
  EXPECT_EQ(Mistake({}, {"HILUM_KV_CASH=1"}),
            "environment HILUM_KV_CASH: unknown; the nearest known name is HILUM_KV_CACHE");
  EXPECT_EQ(Mistake({}, {"HILUM_CONFIGS=x"}),
            "environment HILUM_CONFIGS: unknown; the nearest known name is HILUM_CONFIG");
}

TEST_F(ConfigTest, WrongValuesNameThePlaceAndWhatIsExpectedButNotTheValue) {
  const std::string file = File("\n[http]\nworkers = \"secret\"\nbody_timeout = 30\ncompress = 1\nlisten = 1.5\n");
  const std::string message = Mistake({"--config", file.c_str(), "--kv.cache=secret"}, {"HILUM_HTTP_WORKERS=0"});
  EXPECT_THAT(message, HasSubstr(file + ":3: http.workers: expected an integer from 1 to 65535\n"));
  EXPECT_THAT(message,
              HasSubstr(file + ":4: http.body_timeout: expected a duration such as \"30s\", at least \"100ms\"\n"));
  EXPECT_THAT(message, HasSubstr(file + ":5: http.compress: expected true or false\n"));
  EXPECT_THAT(message, HasSubstr(file + ":6: http.listen: expected a string\n"));
  EXPECT_THAT(message, HasSubstr("environment HILUM_HTTP_WORKERS: expected an integer from 1 to 65535\n"));
  EXPECT_THAT(message, HasSubstr("--kv.cache: expected a size such as \"64MiB\""));
  EXPECT_THAT(message, Not(HasSubstr("secret")));
}

TEST_F(ConfigTest, SizesAndDurationsBelowTheLeastAreMistakes) {
  for (const char* const given : {"0s", "99ms"})
    EXPECT_THAT(Mistake({"--http.body_timeout", given}), HasSubstr("at least \"100ms\""));
  EXPECT_THAT(Mistake({"--kv.cache", "1B"}), HasSubstr("a size such as \"64MiB\", at least \"4KiB\""));
  EXPECT_TRUE(Parse({"--http.body_timeout", "100ms", "--kv.cache", "4096"}).ok());
}

TEST_F(ConfigTest, FilesThatAreNoTomlOrAreMissingAreMistakes) {
  const std::string file = File("data = \"x\"\n[http\n");
  EXPECT_THAT(Mistake({"--config", file.c_str()}), HasSubstr(file + ":2: "));
  EXPECT_THAT(Mistake({"--config", "/does/not/exist.toml"}), HasSubstr("/does/not/exist.toml: No such file"));
  const std::string twice = File("data = \"x\"\ndata = \"y\"\n");
  EXPECT_THAT(Mistake({"--config", twice.c_str()}), HasSubstr(twice + ":2: "));
}

TEST_F(ConfigTest, AListMustHoldStringsOnly) {
  const std::string file = File("cors.origins = [\"a\", 1]\n");
  EXPECT_THAT(Mistake({"--config", file.c_str()}), HasSubstr(":1: cors.origins: expected a list of strings"));
}

TEST_F(ConfigTest, AFlagAtTheEndNeedsItsValue) {
  EXPECT_EQ(Mistake({"--http.workers"}), "--http.workers: expected an integer from 1 to 65535 after it");
  EXPECT_EQ(Mistake({"--config"}), "--config: expected a file after it");
}

TEST_F(ConfigTest, ServiceLinksOfKubernetesAreNoSettings) {
  EXPECT_TRUE(Parse({}, {"HILUM_PORT=tcp://10.0.0.1:80", "HILUM_SERVICE_HOST=10.0.0.1", "HILUM_PORT_80_TCP_PORT=80",
                         "HILUM_SERVICE_PORT_HTTP=80"})
                  .ok());
}

TEST_F(ConfigTest, TheReferenceListsEverySetting) {
  EXPECT_EQ(Table().Reference(),
            "| Key | Kind | Default | Unit | Effect |\n|---|---|---|---|---|\n"
            "| `data` | string | `\"./data\"` |  | Folder of everything. |\n"
            "| `http.listen` (also `--http`) | string | `\"127.0.0.1:8080\"` |  | Host and port. |\n"
            "| `http.workers` | integer | `64` | threads | Requests at a time. |\n"
            "| `http.body_timeout` | duration | `\"30s\"` |  | Silence that ends an upload. |\n"
            "| `kv.cache` | size | `\"64MiB\"` | bytes | Memory for blocks. |\n"
            "| `http.compress` | boolean | `true` |  | Whether answers are compressed. |\n"
            "| `cors.origins` | list of strings | `[]` |  | Who may call. |\n");
}

}  // namespace
}  // namespace hilum
