// The grammar without a socket: heads, chunks, ranges, queries, header lists, codings.
#include <gtest/gtest.h>

#include "server/http/answer_head.h"
#include "server/http/chunk_decoder.h"
#include "server/http/compression.h"
#include "server/http/http.h"
#include "server/http/range.h"
#include "server/http/request_head.h"

namespace hilum::http {
namespace {

using Outcome = HeadParse::Outcome;

HeadParse Parse(Bytes input, RequestHead* head, HeadLimits limits = {}) {
  size_t searched = 0;
  return ParseHead(input, &searched, limits, head);
}

int RefusalOf(Bytes input, HeadLimits limits = {}) {
  RequestHead head;
  const HeadParse parse = Parse(input, &head, limits);
  return parse.outcome == Outcome::kRefused ? parse.status : 0;
}

TEST(RequestHeadTest, RefusesWhatReadersCouldUnderstandDifferently) {
  const struct {
    int status;
    std::string text;
  } cases[] = {
      {400, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"},
      {400, "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n"},
      {400, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n"},
      {400, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\n"},
      {400, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3, 3\r\n\r\n"},
      {400, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: +3\r\n\r\n"},
      {400, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n"},
      {400, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3abc\r\n\r\n"},
      {400, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0x3\r\n\r\n"},
      {400, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length:\r\n\r\n"},
      {400, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n"},
      {400, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length : 3\r\n\r\n"},
      {400, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length\t: 3\r\n\r\n"},
      {400, "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"},
      {501, "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"},
      {501, "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: identity\r\n\r\n"},
      {501, "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n"},
      {501, "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding:\r\n\r\n"},
      {400, "POST / HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"},
      {400, "GET / HTTP/1.1\nHost: x\n\n"},
      {400, "GET / HTTP/1.1\r\nHost: x\n\r\n"},
      {400, "GET / HTTP/1.1\r\nHost: x\rA: b\r\n\r\n"},
      {400, "GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n"},
      {400, "GET / HTTP/1.1\r\n Host: x\r\n\r\n"},
      {400, "GET / HTTP/1.1\r\nHost: x\r\nA: b\x01\r\n\r\n"},
      {400, std::string("GET / HTTP/1.1\r\nHost: x\r\nA: b\0c\r\n\r\n", 37)},
      {400, "GET / HTTP/1.1\r\nHost: x\r\nA: b\x7F\r\n\r\n"},
      {400, "GET / HTTP/1.1\r\n\r\n"},
      {400, "GET / HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n"},
      {400, "GET / HTTP/1.1\r\nHost: a b\r\n\r\n"},
      {400, "GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n"},
      {400, "GET / HTTP/1.1\r\nHost:\r\n\r\n"},
      {400, "GET / HTTP/1.1\r\nHost: x:65536\r\n\r\n"},
      {400, "GET / HTTP/1.1\r\nHost: x:99999999\r\n\r\n"},
      {400, "GET / HTTP/1.1\r\nHost: x:abc\r\n\r\n"},
      {400, "GET / HTTP/1.1\r\nHost: x:80:80\r\n\r\n"},
      {400, "GET / HTTP/1.1\r\nHost: :80\r\n\r\n"},
      {400, "GET / HTTP/1.1\r\nHost: ::1\r\n\r\n"},
      {400, "GET / HTTP/1.1\r\nHost: [::1\r\n\r\n"},
      {400, "GET / HTTP/1.1\r\nHost: []\r\n\r\n"},
      {400, "GET / HTTP/1.1\r\nHost: [::1]80\r\n\r\n"},
      {400, "GET / HTTP/1.1\r\nHost: a]b\r\n\r\n"},
      {400, "GET http://x:abc/ HTTP/1.1\r\nHost: x\r\n\r\n"},
      {400, "GET / HTTP/1.1\r\nHost: x\r\nnocolon\r\n\r\n"},
      {400, "GET / HTTP/1.1\r\nHost: x\r\n: empty\r\n\r\n"},
      {400, "GET / HTTP/1.1\r\nHost: x\r\nA(b: c\r\n\r\n"},
      {400, "GET /a b HTTP/1.1\r\nHost: x\r\n\r\n"},
      {400, "GET  / HTTP/1.1\r\nHost: x\r\n\r\n"},
      {400, "GET /\t HTTP/1.1\r\nHost: x\r\n\r\n"},
      {400, "GET / HTTP/1.1 \r\nHost: x\r\n\r\n"},
      {400, "GE(T / HTTP/1.1\r\nHost: x\r\n\r\n"},
      {400, "GET /\r\nHost: x\r\n\r\n"},
      {400, "GET / http/1.1\r\nHost: x\r\n\r\n"},
      {400, "GET / HTTP/11\r\nHost: x\r\n\r\n"},
      {400, "GET / HTTP/1.2\r\n\r\n"},
      {400, "GET / HTTP/1.10\r\nHost: x\r\n\r\n"},
      {400, "GET / HTTP/1.x\r\nHost: x\r\n\r\n"},
      {400, "POST / HTTP/1.9\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"},
      {505, "GET / HTTP/3.0\r\nHost: x\r\n\r\n"},
      {505, "GET / HTTP/2.0\r\nHost: x\r\n\r\n"},
      {505, "GET / HTTP/0.9\r\nHost: x\r\n\r\n"},
      {400, "\x16\x03\x01\x02"},
      {400, " GET / HTTP/1.1\r\nHost: x\r\n\r\n"},
      {400, "GET http:///path HTTP/1.1\r\nHost: x\r\n\r\n"},
      {400, "GET ftp://host/path HTTP/1.1\r\nHost: x\r\n\r\n"},
      {417, "POST / HTTP/1.1\r\nHost: x\r\nExpect: the-best\r\n\r\n"},
  };
  for (const auto& c : cases) EXPECT_EQ(RefusalOf(c.text), c.status) << c.text;
}

TEST(RequestHeadTest, TakesALaterMinorVersionAsTheHighestThereIs) {
  for (const char minor : std::string("123456789")) {
    const std::string text = std::string("POST / HTTP/1.") + minor +
                             "\r\nHost: x\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n";
    RequestHead head;
    const HeadParse parse = Parse(text, &head);
    EXPECT_EQ(parse.outcome, Outcome::kComplete) << text << parse.reason;
    EXPECT_EQ(parse.consumed, text.size());
    EXPECT_TRUE(head.http11 && head.keep_alive && head.chunked && head.expects_continue) << text;
  }
}

TEST(RequestHeadTest, TakesEveryFormOfHost) {
  for (const std::string host : {"x", "x:", "x:0", "x:65535", "pacs_1.example.org:8042", "127.0.0.1:80", "[::1]",
                                 "[::1]:8042", "[fe80::1%25eth0]", "[::ffff:127.0.0.1]:1"})
    EXPECT_EQ(RefusalOf("GET / HTTP/1.1\r\nHost: " + host + "\r\n\r\n"), 0) << host;
}

TEST(RequestHeadTest, RefusesBareLineEndsBeforeTheHeadIsComplete) {
  EXPECT_EQ(RefusalOf("GET / HTTP/1.1\nHost: x\n"), 400);
}

TEST(RequestHeadTest, KeepsToItsLimits) {
  const HeadLimits limits{1000, 5, 100};
  const std::string host = "Host: x\r\n";
  EXPECT_EQ(RefusalOf("GET /" + std::string(99, 'a') + " HTTP/1.1\r\n" + host + "\r\n", limits), 0);
  EXPECT_EQ(RefusalOf("GET /" + std::string(100, 'a') + " HTTP/1.1\r\n" + host + "\r\n", limits), 414);
  EXPECT_EQ(RefusalOf("GET /" + std::string(2000, 'a'), limits), 414);
  EXPECT_EQ(RefusalOf("GET / HTTP/1.1\r\n" + host + "A: " + std::string(1000, 'b'), limits), 431);
  EXPECT_EQ(RefusalOf("GET / HTTP/1.1\r\n" + host + "A:\r\nB:\r\nC:\r\nD:\r\n\r\n", limits), 0);
  EXPECT_EQ(RefusalOf("GET / HTTP/1.1\r\n" + host + "A:\r\nB:\r\nC:\r\nD:\r\nE:\r\n\r\n", limits), 431);
}

TEST(RequestHeadTest, GivesTheSameHeadHoweverItIsSplit) {
  const std::string text =
      "\r\nPUT /a?b HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nA:  b\t \r\nExpect: 100-Continue\r\n\r\n";
  const std::string stream = text + "12345";
  for (size_t split = 0; split <= stream.size(); ++split) {
    RequestHead head;
    size_t searched = 0;
    const HeadParse first = ParseHead(Bytes(stream).substr(0, split), &searched, {}, &head);
    EXPECT_EQ(first.outcome, split < text.size() ? Outcome::kNeedMore : Outcome::kComplete) << split;
    if (first.outcome == Outcome::kNeedMore) {
      ASSERT_EQ(ParseHead(stream, &searched, {}, &head).consumed, text.size()) << split;
    }
    EXPECT_EQ(head.method, "PUT");
    EXPECT_EQ(head.target, "/a?b");
    EXPECT_EQ(head.content_length, 5u);
    EXPECT_EQ(head.headers.First("a"), "b");
    EXPECT_TRUE(head.expects_continue);
    EXPECT_TRUE(head.keep_alive);
  }
}

std::optional<std::string> Decode(const std::vector<Bytes>& pieces, Bytes* rest = nullptr) {
  ChunkDecoder decoder;
  std::string body;
  for (Bytes piece : pieces) {
    while (!piece.empty() && !decoder.done()) {
      if (!decoder.Advance(&piece).ok()) return std::nullopt;
      const size_t data = std::min<uint64_t>(decoder.data_left(), piece.size());
      if (data == 0) continue;
      body += piece.substr(0, data);
      piece.remove_prefix(data);
      decoder.Took(data);
    }
    if (rest != nullptr) *rest = piece;
  }
  if (!decoder.done()) return std::nullopt;
  return body;
}

TEST(ChunkDecoderTest, GivesTheSameBodyHoweverItIsSplit) {
  const std::string stream = "5;a=\"b\"\r\nhello\r\n00A\r\n0123456789\r\n1\r\n\r\r\n0;x\r\nT: u\r\nV: w\r\n\r\n";
  const std::string body = "hello0123456789\r";
  for (size_t i = 0; i <= stream.size(); ++i) {
    for (size_t j = i; j <= stream.size(); ++j) {
      const Bytes all = stream;
      EXPECT_EQ(Decode({all.substr(0, i), all.substr(i, j - i), all.substr(j)}), body) << i << " " << j;
    }
  }
}

TEST(ChunkDecoderTest, StopsAtTheEndOfTheBody) {
  Bytes rest;
  EXPECT_EQ(Decode({"0\r\n\r\nGET /"}, &rest), "");
  EXPECT_EQ(rest, "GET /");
}

TEST(ChunkDecoderTest, RefusesWhatIsNotExact) {
  const std::string cases[] = {"5\nhello\r\n0\r\n\r\n",
                               "5\r\nhello0\r\n\r\n",
                               "5\r\nhello!\r\n0\r\n\r\n",
                               "5 \r\nhello\r\n0\r\n\r\n",
                               " 5\r\nhello\r\n0\r\n\r\n",
                               "+5\r\nhello\r\n0\r\n\r\n",
                               "0x5\r\nhello\r\n0\r\n\r\n",
                               "\r\n",
                               "-1\r\n",
                               "g\r\n",
                               "5\r\rhello",
                               "0\r\n\rx",
                               "0\r\nT: u\rx",
                               "5\r\nhello\rx",
                               "fffffffffffffffff\r\n",
                               "5;a\nb\r\nhello\r\n0\r\n\r\n",
                               "0\r\nT\n\r\n",
                               "0\r\nT : u\r\n\r\n",
                               "0\r\nT\t: u\r\n\r\n",
                               "0\r\nnocolon\r\n\r\n",
                               "0\r\n: u\r\n\r\n",
                               "0\r\nT(: u\r\n\r\n",
                               "0\r\nT: u\r\n v\r\n\r\n",
                               "0\r\n T: u\r\n\r\n",
                               "1;" + std::string(20'000, 'e') + "\r\n",
                               "0\r\n" + std::string(20'000, 't') + ":\r\n\r\n"};
  for (const std::string& text : cases) EXPECT_EQ(Decode({text}), std::nullopt) << text.substr(0, 60);
}

TEST(ChunkDecoderTest, GivesExtensionsOneBudgetForTheWholeBody) {
  std::string stream;
  for (int i = 0; i < 1000; ++i) stream += "1;" + std::string(30, 'e') + "\r\nx\r\n";
  EXPECT_EQ(Decode({stream + "0\r\n\r\n"}), std::nullopt);
}

TEST(RangeTest, FollowsTheRulesOfTheField) {
  using Range = std::optional<std::pair<uint64_t, uint64_t>>;
  const struct {
    const char* field;
    Range range;
  } cases[] = {{"bytes=0-9", {{0, 10}}},
               {"bytes=0-", {{0, 100}}},
               {"bytes=90-200", {{90, 10}}},
               {"bytes=-10", {{90, 10}}},
               {"bytes=-500", {{0, 100}}},
               {"Bytes=99-99", {{99, 1}}},
               {" bytes=5-6 ", {{5, 2}}},
               {"bytes=0-18446744073709551615", {{0, 100}}},
               {"items=0-9", {}},
               {"bytes=9-0", {}},
               {"bytes=a-b", {}},
               {"bytes=0-1,3-4", {}},
               {"bytes=", {}},
               {"bytes=-", {}},
               {"bytes=--1", {}},
               {"bytes=+1-2", {}},
               {"bytes", {}},
               {"", {}},
               {"bytes=1-99999999999999999999", {{1, 99}}},
               {"bytes=-99999999999999999999", {{0, 100}}}};
  for (const auto& c : cases) {
    const auto parsed = ParseRange(c.field, 100);
    ASSERT_TRUE(parsed.ok()) << c.field;
    EXPECT_EQ(*parsed, c.range) << c.field;
  }
  for (const char* field : {"bytes=100-", "bytes=100-200", "bytes=-0", "bytes=99999999999999999999-"})
    EXPECT_FALSE(ParseRange(field, 100).ok()) << field;
  EXPECT_FALSE(ParseRange("bytes=0-", 0).ok());
  EXPECT_FALSE(ParseRange("bytes=-5", 0).ok());
}

TEST(UriTest, DecodesParametersInOrder) {
  const auto parsed = ParseQuery("a=1&b&=c&&a=%2b+%C3%A9%3D&q=x=y");
  ASSERT_TRUE(parsed.ok());
  const std::vector<std::pair<std::string, std::string>> expected = {
      {"a", "1"}, {"b", ""}, {"", "c"}, {"a", "+ \xC3\xA9="}, {"q", "x=y"}};
  EXPECT_EQ(*parsed, expected);
}

TEST(UriTest, RefusesBadEscapes) {
  for (const char* text : {"%", "%4", "%zz", "a%4g", "%00", "x%2"}) {
    EXPECT_EQ(PercentDecode(text).status().code(), Code::kInvalid) << text;
    EXPECT_EQ(ParseQuery(text).status().code(), Code::kInvalid) << text;
  }
}

TEST(UriTest, EncodesSoThatDecodingGivesTheSame) {
  std::string all;
  for (int i = 1; i < 256; ++i) all.push_back(static_cast<char>(i));
  const auto decoded = PercentDecode(PercentEncode(all));
  ASSERT_TRUE(decoded.ok());
  EXPECT_EQ(*decoded, all);
  EXPECT_EQ(PercentEncode("a-b._~/ +"), "a-b._~%2F%20%2B");
}

TEST(HeadersTest, FindsFieldsWithoutCaseAndKeepsTheirOrder) {
  Headers headers = {{"Accept", " a "}, {"X", "1"}, {"ACCEPT", "b"}};
  EXPECT_EQ(headers.First("accept"), "a");
  EXPECT_EQ(headers.Joined("accept"), "a, b");
  EXPECT_EQ(headers.Joined("none"), "");
  EXPECT_FALSE(headers.First("none"));
  headers.Set("accept", "c");
  EXPECT_EQ(headers.Joined("Accept"), "c");
  EXPECT_EQ(headers.fields().size(), 2u);
  headers.Set("New", "n");
  EXPECT_EQ(headers.fields().back().second, "n");
}

TEST(HeadersTest, WarningsHoldNothingThatWouldEndThemEarly) {
  EXPECT_EQ(WarningOf("left out: it cannot be read"), "299 hilum \"left out: it cannot be read\"");
  EXPECT_EQ(WarningOf("a\"b\\c\r\nd\xC3\xA9"), "299 hilum \"a?b?c??d??\"");
}

TEST(AnswerHeadTest, WritesDatesAsTheStandardAsks) {
  std::string text;
  AppendDate(std::chrono::seconds(784111777), &text);
  EXPECT_EQ(text, "Sun, 06 Nov 1994 08:49:37 GMT");
  text.clear();
  AppendDate(std::chrono::seconds(1709164799), &text);
  EXPECT_EQ(text, "Wed, 28 Feb 2024 23:59:59 GMT");
}

TEST(AnswerHeadTest, LetsNoFieldEndEarly) {
  std::string text;
  AppendAnswerHead(200, {{"Location", "/a\r\nSet-Cookie: x"}, {"Content-Length", "77"}}, {}, "id", Micros(0), "",
                   &text);
  EXPECT_NE(text.find("Location: /a  Set-Cookie: x\r\n"), std::string::npos);
  EXPECT_EQ(text.find("77"), std::string::npos);
}

TEST(CompressionTest, ChoosesWhatTheClientLikesBest) {
  const struct {
    const char* accept;
    Coding coding;
  } cases[] = {{"", Coding::kIdentity},
               {"gzip", Coding::kGzip},
               {"gzip, deflate, br, zstd", Coding::kZstd},
               {"gzip;q=1.0, zstd;q=0.5", Coding::kGzip},
               {"gzip;q=0", Coding::kIdentity},
               {"*", Coding::kZstd},
               {"*;q=0.5, zstd;q=0", Coding::kGzip},
               {"identity, gzip;q=0.5", Coding::kIdentity},
               {"gzip;q=2", Coding::kIdentity},
               {"gzip;q=0.001", Coding::kGzip},
               {"GZIP ; Q=0.8", Coding::kGzip},
               {"br", Coding::kIdentity}};
  for (const auto& c : cases) EXPECT_EQ(ChooseCoding(c.accept), c.coding) << c.accept;
}

TEST(CompressionTest, GivesBackPieceByPieceWhatItPacked) {
  std::string body;
  for (int i = 0; body.size() < 1'000'000; ++i) body += std::to_string(i * 7919) + ",";
  const auto packed = Compress(Coding::kZstd, body);
  ASSERT_TRUE(packed.ok());
  std::string unpacked;
  int pieces = 0;
  const auto take = [&](Bytes piece) {
    unpacked += piece;
    ++pieces;
    return Status::Ok();
  };
  ASSERT_TRUE(DecompressZstd(*packed, body.size(), take).ok());
  EXPECT_TRUE(unpacked == body);
  EXPECT_GT(pieces, 1);
  EXPECT_EQ(DecompressZstd(*packed, body.size() + 1, take).code(), Code::kInternal);
  EXPECT_EQ(DecompressZstd(Bytes(*packed).substr(0, packed->size() / 2), body.size(), take).code(), Code::kInternal);
  EXPECT_EQ(DecompressZstd("no zstd at all", 14, take).code(), Code::kInternal);
  EXPECT_EQ(DecompressZstd(*packed, body.size(), [](Bytes) { return Cancelled("enough"); }).code(), Code::kCancelled);
}

TEST(CompressionTest, NamesTheCodedFormInStrongTagsOnly) {
  EXPECT_EQ(CodedEntityTag("\"abc\"", Coding::kGzip), "\"abc-gzip\"");
  EXPECT_EQ(CodedEntityTag("W/\"1\"", Coding::kZstd), "W/\"1\"");
  EXPECT_EQ(PlainEntityTags("\"abc-gzip\", W/\"2\", \"d-zstd\", \"e\""), "\"abc\", W/\"2\", \"d\", \"e\"");
}

}  // namespace
}  // namespace hilum::http
