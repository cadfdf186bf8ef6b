#include "server/http/compression.h"

#include <gtest/gtest.h>
#include <libdeflate.h>

#include <memory>
#include <random>

namespace hilum::http {
namespace {

std::vector<std::string> Bodies() {
  std::mt19937 random(3);
  std::vector<std::string> bodies = {"", "x", std::string(5'000'000, 'a')};
  std::string noise(3'000'000, '\0'), words;
  for (char& c : noise) c = static_cast<char>(random());
  while (words.size() < 700'000) words += "{\"vr\":\"DS\",\"Value\":[" + std::to_string(random() % 1000) + "]},";
  bodies.push_back(noise);
  bodies.push_back(words);
  return bodies;
}

// What a client makes of one member of gzip; nothing may be left over.
std::string Gunzipped(const std::string& packed, size_t size) {
  const std::unique_ptr<libdeflate_decompressor, decltype(&libdeflate_free_decompressor)> decompressor(
      libdeflate_alloc_decompressor(), libdeflate_free_decompressor);
  std::string body(size + 1, '\0');
  size_t read = 0, made = 0;
  EXPECT_EQ(libdeflate_gzip_decompress_ex(decompressor.get(), packed.data(), packed.size(), body.data(), body.size(),
                                          &read, &made),
            LIBDEFLATE_SUCCESS);
  EXPECT_EQ(read, packed.size());
  body.resize(made);
  return body;
}

TEST(CompressionTest, GivesBackWhatItPacked) {
  for (const std::string& body : Bodies()) {
    for (const Effort effort : {Effort::kUsual, Effort::kLow}) {
      const auto gzip = Compress(Coding::kGzip, body, effort);
      ASSERT_TRUE(gzip.ok()) << gzip.status().ToString();
      EXPECT_TRUE(Gunzipped(*gzip, body.size()) == body) << body.size();
      EXPECT_LE(gzip->size(), body.size() + body.size() / 100 + 100);

      const auto zstd = Compress(Coding::kZstd, body, effort);
      ASSERT_TRUE(zstd.ok()) << zstd.status().ToString();
      std::string unpacked;
      const Status status = DecompressZstd(*zstd, body.size(), [&](Bytes piece) {
        unpacked += piece;
        return Status::Ok();
      });
      EXPECT_TRUE(status.ok()) << status.ToString();
      EXPECT_TRUE(unpacked == body) << body.size();
    }
  }
}

}  // namespace
}  // namespace hilum::http
