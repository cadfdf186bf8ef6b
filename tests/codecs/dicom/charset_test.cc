#include "codecs/dicom/charset.h"

#include <gtest/gtest.h>

namespace hilum::dicom {
namespace {

std::string Decode(std::string_view charset, std::string_view text, TextKind kind = TextKind::kPersonName) {
  TextDecoder decoder;
  std::string out;
  decoder.Append(text, Charset(charset), kind, &out);
  return out;
}

struct Case {
  std::string_view charset, text, utf8;
};

// The examples of PS3.5 Annexes H, I, J and K, and one text for every other repertoire.
const Case kCases[] = {
    {"", "Doe^Jane", "Doe^Jane"},
    {"ISO_IR 6", "Doe^Jane", "Doe^Jane"},
    {"ISO_IR 100", "Buc^J\xE9r\xF4me", "Buc^Jérôme"},
    {"ISO_IR 101", "Wa\xB3\xEAsa", "Wałęsa"},
    {"ISO_IR 109", "\xA9uza\xDD", "İuzaŬ"},
    {"ISO_IR 110", "V\xE3rdi\xF2\xBA", "Vãrdiōē"},
    {"ISO_IR 144", "\xBB\xEE\xDA\x63\x65\xDC\xD1\xE3\xE0\xD3", "Люкceмбург"},
    {"ISO_IR 127", "\xE2\xC8\xC7\xE6\xEA^\xE4\xE6\xD2\xC7\xD1", "قباني^لنزار"},
    {"ISO_IR 126", "\xC4\xE9\xEF\xED\xF5\xF3\xE9\xEF\xF2", "Διονυσιος"},
    {"ISO_IR 138", "\xF9\xF8\xE5\xEF^\xE3\xE1\xE5\xF8\xE4", "שרון^דבורה"},
    {"ISO_IR 148", "\xC7\x61vu\xFEo\xF0lu", "Çavuşoğlu"},
    {"ISO_IR 203", "\xBC\xA4uvre", "Œ€uvre"},
    {"ISO_IR 166", "\xA1\xD2\xC3", "การ"},
    {"ISO_IR 13", "\xD4\xCF\xC0\xDE^\xC0\xDB\xB3", "ﾔﾏﾀﾞ^ﾀﾛｳ"},
    {"ISO_IR 192", "Wang^XiaoDong=王^小東", "Wang^XiaoDong=王^小東"},
    {"GB18030", "Wang^XiaoDong=\xCD\xF5^\xD0\xA1\xB6\xAB", "Wang^XiaoDong=王^小东"},
    {"GBK", "Wang^XiaoDong=\xCD\xF5^\xD0\xA1\xB6\xAB", "Wang^XiaoDong=王^小东"},
    // PS3.5 H.3.1
    {"\\ISO 2022 IR 87", "Yamada^Tarou=\x1B$B;3ED\x1B(B^\x1B$BB@O:\x1B(B=\x1B$B$d$^$@\x1B(B^\x1B$B$?$m$&\x1B(B",
     "Yamada^Tarou=山田^太郎=やまだ^たろう"},
    // PS3.5 H.3.2
    {"ISO 2022 IR 13\\ISO 2022 IR 87",
     "\xD4\xCF\xC0\xDE^\xC0\xDB\xB3=\x1B$B;3ED\x1B(J^\x1B$BB@O:\x1B(J=\x1B$B$d$^$@\x1B(J^\x1B$B$?$m$&\x1B(J",
     "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう"},
    {"\\ISO 2022 IR 159", "\x1B$(D0!\x1B(B", "丂"},
    // PS3.5 I.2
    {"\\ISO 2022 IR 149",
     "Hong^Gildong=\x1B$)C\xFB\xF3^\x1B$)C\xD1\xCE\xD4\xD7=\x1B$)C\xC8\xAB^\x1B$)C\xB1\xE6\xB5\xBF",
     "Hong^Gildong=洪^吉洞=홍^길동"},
    // PS3.5 K.2
    {"\\ISO 2022 IR 58", "Zhang^XiaoDong=\x1B$)A\xD5\xC5^\x1B$)A\xD0\xA1\xB6\xAB=", "Zhang^XiaoDong=张^小东="},
    {"ISO 2022 IR 100\\ISO 2022 IR 144", "J\xE9r\x1B-L\xBB\xEE", "JérЛю"},
    {"ISO 2022 IR 6\\ISO 2022 IR 166", "\x1B-T\xA1\xD2\xC3", "การ"},
};

TEST(CharsetTest, TellsWhatItKnows) {
  for (const char* known : {"", " ", "ISO_IR 192", "\\ISO 2022 IR 149", "iso ir 100 ", "GB18030", "utf-8"})
    EXPECT_TRUE(IsKnownCharset(known)) << known;
  for (const std::string& term : CharacterSetTerms()) EXPECT_TRUE(IsKnownCharset(term)) << term;
  for (const char* unknown : {"ISO_IR 999", "ISO_IR 100\\EBCDIC", "x"})
    EXPECT_FALSE(IsKnownCharset(unknown)) << unknown;
}

TEST(CharsetTest, DecodesEveryDefinedTerm) {
  for (const Case& example : kCases) EXPECT_EQ(Decode(example.charset, example.text), example.utf8) << example.charset;
}

TEST(CharsetTest, UnderstandsMisspeltTerms) {
  for (const auto* term : {"ISO IR 100", "ISO-IR 100", "ISO_IR100", "iso_ir 100", "ISO 2022 IR 100", "IR 100",
                           " ISO_IR 100 ", "ISO8859-1", "ISO_8859-1", "ISO-8859-1", "Latin1"}) {
    EXPECT_EQ(Decode(term, "J\xE9r"), "Jér") << term;
  }
  for (const auto* term : {"ISO IR 192", "ISO_IR_192", "ISO-IR 192", "UTF8", "UTF-8", "utf-8"})
    EXPECT_EQ(Decode(term, "Jér"), "Jér") << term;
  EXPECT_EQ(Decode("ISO_8859-7", "\xC4\xE9"), "Δι");
  for (const auto* term : {"ISO_8859-15", "ISO 8859-15", "ISO8859-15"})
    EXPECT_EQ(Decode(term, "\xA4 \xBD"), "€ œ") << term;
  EXPECT_EQ(Decode("GB 18030", "\xCD\xF5"), "王");
}

TEST(CharsetTest, TakesTextWithoutAKnownTermAsUtf8OrElseAsLatin1) {
  for (const auto* term : {"", "ISO_IR 6", "ISO_IR 4711", "nonsense"}) {
    EXPECT_EQ(Decode(term, "J\xE9r"), "Jér") << term;
    EXPECT_EQ(Decode(term, "Jér"), "Jér") << term;
  }
}

TEST(CharsetTest, ResetsAtDelimiters) {
  // Without a reset the second word would be Cyrillic.
  constexpr std::string_view kCharset = "ISO 2022 IR 100\\ISO 2022 IR 144";
  EXPECT_EQ(Decode(kCharset, "\x1B-L\xBB^\xE9"), "Л^é");
  EXPECT_EQ(Decode(kCharset, "\x1B-L\xBB=\xE9"), "Л=é");
  EXPECT_EQ(Decode(kCharset, "\x1B-L\xBB\\\xE9"), "Л\\é");
  for (const auto* end : {"\r\n", "\f", "\t"}) {
    EXPECT_EQ(Decode(kCharset, std::string("\x1B-L\xBB") + end + "\xE9", TextKind::kSingle),
              std::string("Л") + end + "é");
  }
  EXPECT_EQ(Decode(kCharset, "\x1B-L\xBB^\xBB", TextKind::kMultiple), "Л^Л") << "'^' delimits in names only";
  EXPECT_EQ(Decode(kCharset, "\x1B-L\xBB\\\xBB", TextKind::kSingle), "Л\\Л") << "no values to delimit";
}

TEST(CharsetTest, NeverTakesHalfACharacterForADelimiter) {
  EXPECT_EQ(Decode("\\ISO 2022 IR 87", "\x1B$B!\\\x1B(B\\x"), "＋\\x")
      << "0x5C is the second byte of a kanji set character";
  EXPECT_EQ(Decode("GB18030", "\x81\x5C\\x"), "乗\\x");
  EXPECT_EQ(Decode("ISO_IR 13", "a\\b"), "a\\b") << "the yen sign is the delimiter";
}

TEST(CharsetTest, UsesTheExtensionWhereTheEscapeSequenceIsMissing) {
  EXPECT_EQ(Decode("\\ISO 2022 IR 149", "Hong=\x1B$)C\xFB\xF3^\xD1\xCE"), "Hong=洪^吉");
  EXPECT_EQ(Decode("ISO_IR 100", "J\xE9\x1B-L\xBB"), "JéЛ") << "and the escape sequence where the extension is";
}

TEST(CharsetTest, ReadsShiftJisWhereItWasCalledJisX0201) {
  EXPECT_EQ(Decode("ISO_IR 13", "\x8E\x52\x93\x63^\xC0\xDB\xB3"), "山田^ﾀﾛｳ");
  EXPECT_EQ(Decode("ISO_IR 13", "\x95\x5C\\x"), "表\\x") << "the second byte is no delimiter";
}

TEST(CharsetTest, ReplacesWhatMeansNothing) {
  constexpr std::string_view kReplacement = "\xEF\xBF\xBD";
  EXPECT_EQ(Decode("ISO_IR 192", "a\xC3(b"), "a" + std::string(kReplacement) + "(b");
  EXPECT_EQ(Decode("ISO_IR 192", "a\xE7\x8E"), "a" + std::string(kReplacement));
  EXPECT_EQ(Decode("ISO_IR 127", "\xA1"), kReplacement);
  EXPECT_EQ(Decode("ISO_IR 13", "\xFF"), kReplacement);
  EXPECT_EQ(Decode("\\ISO 2022 IR 87", "\x1B$B\x7E\x7E\x1B(Bx"), std::string(kReplacement) + "x");
  EXPECT_EQ(Decode("\\ISO 2022 IR 87", "\x1B$B;"), kReplacement) << "half a character at the end";
  EXPECT_EQ(Decode("\\ISO 2022 IR 87", "\xE9"), "é") << "no set has it: as without a term";
  EXPECT_EQ(Decode("ISO 2022 IR 87", "\xE9"), kReplacement);
}

TEST(CharsetTest, KeepsUnknownEscapeSequences) {
  EXPECT_EQ(Decode("ISO_IR 100", "a\x1B[0m"), "a\x1B[0m");
}

TEST(CharsetTest, DecodesTextLongerThanAnyBuffer) {
  std::string text, expected;
  for (int i = 0; i < 5000; ++i) {
    text += "\xCD\xF5\x81\x30\x81\x30";
    expected += "王\xC2\x80";
  }
  EXPECT_EQ(Decode("GB18030", text), expected);
  // Beyond the Basic Multilingual Plane, also across the end of a buffer.
  text.clear();
  expected.clear();
  for (int i = 0; i < 1000; ++i) {
    text += i == 0 ? "a\x95\x32\x82\x36" : "\x95\x32\x82\x36";
    expected += i == 0 ? "a\xF0\xA0\x80\x80" : "\xF0\xA0\x80\x80";
  }
  EXPECT_EQ(Decode("GB18030", text), expected);
}

}  // namespace
}  // namespace hilum::dicom
