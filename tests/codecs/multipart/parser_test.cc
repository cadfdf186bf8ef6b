#include "codecs/multipart/parser.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

#include "tests/support/seeded_random.h"

namespace hilum::multipart {
namespace {

struct Part {
  PartHeaders headers;
  std::string body;
  bool ended = false;

  bool operator==(const Part&) const = default;
};

struct Outcome {
  std::vector<Part> parts;
  Code code = Code::kOk;
  std::string message;

  bool operator==(const Outcome& other) const { return parts == other.parts && code == other.code; }
};

void PrintTo(const Outcome& outcome, std::ostream* out) {
  *out << CodeName(outcome.code) << " " << outcome.message;
  for (const Part& part : outcome.parts) {
    *out << "\n[";
    for (const auto& [name, value] : part.headers) *out << name << "=" << value << ";";
    *out << "] " << part.body.size() << " bytes: " << part.body.substr(0, 80) << (part.ended ? "" : " (not ended)");
  }
}

// Feeds `body` in pieces of the sizes that `next_size` gives, until the end, an error or the end of the body.
Outcome ParsePieces(std::string_view boundary, Bytes body, const std::function<size_t()>& next_size,
                    ParserLimits limits = {}) {
  Parser parser(boundary, limits);
  Outcome outcome;
  while (true) {
    const auto event = parser.Next();
    if (!event.ok()) {
      outcome.code = event.status().code();
      outcome.message = event.status().message();
      return outcome;
    }
    switch (*event) {
      case Parser::Event::kNeedInput: {
        const auto space = parser.Space();
        EXPECT_FALSE(space.empty());
        const size_t bytes = std::min({next_size(), space.size(), body.size()});
        std::copy_n(body.data(), bytes, space.data());
        body.remove_prefix(bytes);
        parser.Filled(bytes);
        break;
      }
      case Parser::Event::kPartBegin:
        outcome.parts.push_back({parser.headers(), "", false});
        EXPECT_EQ(parser.parts(), outcome.parts.size());
        break;
      case Parser::Event::kPartData:
        EXPECT_FALSE(parser.data().empty());
        outcome.parts.back().body.append(parser.data());
        break;
      case Parser::Event::kPartEnd:
        outcome.parts.back().ended = true;
        break;
      case Parser::Event::kEnd:
        return outcome;
    }
  }
}

Outcome Parse(std::string_view boundary, Bytes body, ParserLimits limits = {}) {
  return ParsePieces(
      boundary, body, [] { return SIZE_MAX; }, limits);
}

const PartHeaders kDicom = {{"Content-Type", "application/dicom"}};

TEST(MultipartParser, ReadsTheUsualBody) {
  EXPECT_EQ(Parse("b",
                  "--b\r\nContent-Type: application/dicom\r\n\r\nDICM\r\n--b\r\n"
                  "content-type:application/dicom+json; x=\"y\"  \r\nX-Other: 1\r\n\r\n[]\r\n--b--\r\n"),
            (Outcome{{{kDicom, "DICM", true},
                      {{{"content-type", "application/dicom+json; x=\"y\""}, {"X-Other", "1"}}, "[]", true}}}));
}

TEST(MultipartParser, IgnoresPreambleEpilogueAndPadding) {
  EXPECT_EQ(
      Parse("b", "this is\r\n--bb\r\na preamble --b\r\n--b \t \r\n\r\nx\r\n--b  \r\n\r\ny\r\n--b--epilogue\r\n--b\r\n"),
      (Outcome{{{{}, "x", true}, {{}, "y", true}}}));
}

TEST(MultipartParser, TellsBoundaryLikeDataFromBoundaries) {
  const std::string data = "\r\n--bb\r\n--b-\r\n--b x\r\n--b\rx\n--b\r\n\r--b--\r\r\n-";
  EXPECT_EQ(Parse("b", "--b\r\n\r\n" + data + "\r\n--b--"), (Outcome{{{{}, data, true}}}));
}

TEST(MultipartParser, ABareLineFeedOnTheFirstDelimiterMakesAllLineEndsBare) {
  EXPECT_EQ(Parse("b", "--b\nContent-Type: application/dicom\n\nab\r\n--b\n\ncd\n--b--\n"),
            (Outcome{{{kDicom, "ab\r", true}, {{}, "cd", true}}}));
}

TEST(MultipartParser, DelimiterLinesMayEndInABareLineFeedBetweenOthers) {
  EXPECT_EQ(Parse("b", "--b\r\nContent-Type: application/dicom\n\nab\n--b\r\n--b\n\r\ncd\r\n--b--"),
            (Outcome{{{kDicom, "ab\n--b", true}, {{}, "cd", true}}}));
}

TEST(MultipartParser, PartsMayBeEmpty) {
  EXPECT_EQ(Parse("b", "--b\r\nA: 1\r\n\r\n\r\n--b\r\nB: 2\r\n\r\n--b\r\n\r\n--b--"),
            (Outcome{{{{{"A", "1"}}, "", true}, {{{"B", "2"}}, "", true}, {{}, "", true}}}));
}

TEST(MultipartParser, ABodyMayHaveNoParts) {
  EXPECT_EQ(Parse("b", "--b--"), Outcome{});
  EXPECT_EQ(Parse("b", "preamble\r\n--b--\r\n"), Outcome{});
}

TEST(MultipartParser, UnfoldsHeaderValues) {
  EXPECT_EQ(Parse("b", "--b\r\nContent-Type: a/b;\r\n\tc=d\r\nE:\r\n\r\nx\r\n--b--"),
            (Outcome{{{{{"Content-Type", "a/b; c=d"}, {"E", ""}}, "x", true}}}));
}

TEST(MultipartParser, RefusesBodiesThatBreakOff) {
  const std::string body = "pre\r\n--b\r\nA: 1\r\n\r\nfirst\r\n--b\r\n\r\nsecond\r\n--b--";
  ASSERT_EQ(Parse("b", body).code, Code::kOk);
  for (size_t cut = 0; cut < body.size(); ++cut) {
    const Outcome outcome = Parse("b", Bytes(body).substr(0, cut));
    EXPECT_EQ(outcome.code, Code::kInvalid) << cut;
    if (outcome.parts.size() == 2) {
      EXPECT_FALSE(outcome.parts[1].ended) << cut;
    }
  }
}

TEST(MultipartParser, RefusesHeadersThatAreNone) {
  EXPECT_EQ(Parse("b", "--b\r\nno colon\r\n\r\nx\r\n--b--").code, Code::kInvalid);
  EXPECT_EQ(Parse("b", "--b\r\n: no name\r\n\r\nx\r\n--b--").code, Code::kInvalid);
  EXPECT_EQ(Parse("b", Bytes("--b\r\nA: \0\r\n\r\nx\r\n--b--", 22)).code, Code::kInvalid);
  EXPECT_EQ(Parse("b", "--b\r\n--b--").code, Code::kInvalid);
}

TEST(MultipartParser, ErrorsStay) {
  Parser parser("b");
  parser.Filled(0);
  EXPECT_EQ(parser.Next().status().code(), Code::kInvalid);
  EXPECT_EQ(parser.Next().status().code(), Code::kInvalid);
}

TEST(MultipartParser, LimitsPartsFieldsAndHeaderBytes) {
  std::string many = "--b";
  for (int i = 0; i < 4; ++i) many += "\r\n\r\nx\r\n--b";
  many += "--";
  EXPECT_EQ(Parse("b", many, {.parts = 4}).code, Code::kOk);
  EXPECT_EQ(Parse("b", many, {.parts = 3}).code, Code::kLimit);

  const std::string fields = "--b\r\nA: 1\r\nB: 2\r\nC: 3\r\n\r\nx\r\n--b--";
  EXPECT_EQ(Parse("b", fields, {.headers = 3}).code, Code::kOk);
  EXPECT_EQ(Parse("b", fields, {.headers = 2}).code, Code::kLimit);

  const size_t header_bytes = std::string("A: 1\r\nB: 2\r\nC: 3\r\n\r\n").size();
  EXPECT_EQ(Parse("b", fields, {.header_bytes = header_bytes}).code, Code::kOk);
  EXPECT_EQ(Parse("b", fields, {.header_bytes = header_bytes - 1}).code, Code::kLimit);
  EXPECT_EQ(Parse("b", "--b\r\nA: " + std::string(100'000, 'x'), {.header_bytes = 1000}).code, Code::kLimit);
}

TEST(MultipartParser, EverySplitGivesTheSameParts) {
  const std::string boundaries[] = {"b", "a b=c", "----WebKitFormBoundary7MA4YWxkTrZu0gW"};
  for (const std::string& b : boundaries) {
    for (const std::string& end : {std::string("\r\n"), std::string("\n")}) {
      const std::string tricky = end + "--" + b + "x" + end + "--" + b + "-" + end + end + "-\r\r\r\n\n--";
      const std::string body = "preamble" + end + "--" + b.substr(1) + end + "--" + b + end +
                               "Content-Type: application/dicom" + end + end + tricky + end + "--" + b + " \t" + end +
                               "A: 1" + end + " 2" + end + end + "--" + b + end + end + "x" + end + "--" + b + "--" +
                               end + "epilogue";
      const Outcome expected{{{kDicom, tricky, true}, {{{"A", "1 2"}}, "", true}, {{}, "x", true}}};
      for (size_t split = 0; split <= body.size(); ++split) {
        size_t sizes[] = {split == 0 ? SIZE_MAX : split, SIZE_MAX};
        size_t next = 0;
        ASSERT_EQ(ParsePieces(b, body, [&] { return sizes[std::min<size_t>(next++, 1)]; }), expected) << split;
      }
      for (size_t step = 1; step <= 5; ++step) {
        ASSERT_EQ(ParsePieces(b, body, [&] { return step; }), expected) << step;
      }
    }
  }
}

TEST(MultipartParser, PartsLargerThanTheBufferArriveWhole) {
  testing::SeededRandom random(3);
  std::string data(3'000'000, '\0');
  random.Fill(data);
  const std::string body = "--bound\r\n\r\n" + data + "\r\n--bound\r\n\r\n" + data + "\r\n--bound--";
  for (const size_t buffer : {size_t{1}, size_t{40'000}, size_t{1} << 20}) {
    const Outcome outcome = Parse("bound", body, {.header_bytes = 1024, .buffer_bytes = buffer});
    ASSERT_EQ(outcome.parts.size(), 2u);
    EXPECT_TRUE(outcome.parts[0].body == data && outcome.parts[1].body == data) << buffer;
  }
}

// Whatever the bytes, the parser ends, and its verdict does not depend on how they were split.
TEST(MultipartParser, MutatedBodiesNeitherCrashNorDependOnSplits) {
  testing::SeededRandom random(11);
  const std::string good =
      "--b\r\nContent-Type: a/b\r\n\r\nsome \r\n data\r\n--b \r\nC:d\r\n\r\n\r\n--b\r\n\r\n--b--\r\n";
  const std::string alphabet = "-b\r\n\t :x";
  const int rounds = std::getenv("HILUM_LONG_TESTS") ? 200'000 : 5'000;
  for (int round = 0; round < rounds; ++round) {
    std::string body = good;
    for (uint64_t changes = 1 + random.Next64() % 6; changes > 0; --changes) {
      const size_t at = random.Next64() % body.size();
      switch (random.Next64() % 3) {
        case 0:
          body[at] = alphabet[random.Next64() % alphabet.size()];
          break;
        case 1:
          body.insert(at, 1, alphabet[random.Next64() % alphabet.size()]);
          break;
        case 2:
          body.erase(at, 1 + random.Next64() % 4);
          break;
      }
      if (body.empty()) body = "-";
    }
    const Outcome whole = Parse("b", body);
    const Outcome pieces = ParsePieces("b", body, [&] { return 1 + random.Next64() % 7; });
    ASSERT_EQ(whole, pieces) << round;
  }
}

TEST(MultipartParser, FindsHeadersWithoutCase) {
  const PartHeaders headers = {{"content-TYPE", "a/b"}, {"Content-Type", "c/d"}};
  EXPECT_EQ(FindHeader(headers, "Content-Type"), "a/b");
  EXPECT_EQ(FindHeader(headers, "Content"), std::nullopt);
}

TEST(MultipartParser, TakesTheBoundaryFromTheContentType) {
  const auto boundary_of = [](std::string_view text) {
    const auto media_type = ParseMediaType(text);
    EXPECT_TRUE(media_type.ok());
    return BoundaryOf(*media_type);
  };
  const auto good = boundary_of("multipart/related; BOUNDARY=\"a b=c \"");
  ASSERT_TRUE(good.ok());
  EXPECT_EQ(*good, "a b=c");
  EXPECT_EQ(boundary_of("multipart/related").status().code(), Code::kInvalid);
  EXPECT_EQ(boundary_of("multipart/related; boundary=\" \"").status().code(), Code::kInvalid);
  EXPECT_EQ(boundary_of("multipart/related; boundary=\"a\nb\"").status().code(), Code::kInvalid);
  EXPECT_EQ(boundary_of("multipart/related; boundary=" + std::string(201, 'x')).status().code(), Code::kInvalid);
}

// Prints the rate; run with HILUM_LONG_TESTS=1 in a release build for the figure.
TEST(MultipartParser, ParsesImageSizedPartsAtMemorySpeed) {
  testing::SeededRandom random(5);
  std::string data(512 * 1024, '\0');
  random.Fill(data);
  const std::string boundary = random.Hex(16);
  std::string body;
  for (int i = 0; i < 32; ++i) body += "\r\n--" + boundary + "\r\nContent-Type: application/dicom\r\n\r\n" + data;
  body += "\r\n--" + boundary + "--";
  const int rounds = std::getenv("HILUM_LONG_TESTS") ? 200 : 5;
  uint64_t bytes = 0;
  double searching = 0;  // without the copy into the buffer, which stands for the network
  for (int round = 0; round < rounds; ++round) {
    Parser parser(boundary);
    Bytes rest = body;
    for (bool done = false; !done;) {
      const auto start = std::chrono::steady_clock::now();
      const auto event = parser.Next();
      searching += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
      ASSERT_TRUE(event.ok());
      if (*event == Parser::Event::kPartData) bytes += parser.data().size();
      done = *event == Parser::Event::kEnd;
      if (*event != Parser::Event::kNeedInput) continue;
      const size_t size = std::min(parser.Space().size(), rest.size());
      std::copy_n(rest.data(), size, parser.Space().data());
      rest.remove_prefix(size);
      parser.Filled(size);
    }
  }
  EXPECT_EQ(bytes, 32u * data.size() * static_cast<uint64_t>(rounds));
  RecordProperty("GBytesPerSecond", std::to_string(static_cast<double>(bytes) / searching / 1e9));
  std::printf("parsed at %.1f GB/s\n", static_cast<double>(bytes) / searching / 1e9);
}

}  // namespace
}  // namespace hilum::multipart
