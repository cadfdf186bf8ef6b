#include "codecs/multipart/find.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace hilum::multipart {
namespace {

TEST(Find, AgreesWithTheLibraryAtEveryPlaceAndLength) {
  const std::string wanted = "\r\n--b";
  for (size_t length = 0; length <= 200; ++length) {
    const std::string without(length, '\r');
    EXPECT_EQ(Find(without, wanted), Bytes::npos) << length;
    for (size_t place = 0; place + wanted.size() <= length; ++place) {
      std::string text = without;
      text.replace(place, wanted.size(), wanted);
      EXPECT_EQ(Find(text, wanted), place) << length;
    }
  }
}

TEST(Find, AgreesWithTheLibraryInTextsFullOfBeginnings) {
  std::mt19937_64 random(7);
  const std::string letters = "\r\n-";
  for (int i = 0; i < 20'000; ++i) {
    std::string text(random() % 400, '\0');
    for (char& c : text) c = letters[random() % letters.size()];
    std::string wanted(2 + random() % 9, '\0');
    for (char& c : wanted) c = letters[random() % letters.size()];
    EXPECT_EQ(Find(text, wanted), text.find(wanted));
  }
}

TEST(Find, ReadsNothingBeyondTheText) {
  for (size_t length = 0; length < 300; ++length) {
    const std::string whole = std::string(length, '.') + "\r\n--b";
    for (size_t cut = 0; cut < 5; ++cut)  // of memory of its own, which sanitizers watch
      EXPECT_EQ(Find(std::string(whole, 0, length + cut), "\r\n--b"), Bytes::npos);
  }
}

}  // namespace
}  // namespace hilum::multipart
